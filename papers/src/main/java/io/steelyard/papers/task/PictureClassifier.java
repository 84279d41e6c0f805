package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.vision.ResidualConfiguration;
import io.steelyard.layers.vision.ResidualNet;
import io.steelyard.papers.data.LabelledImages;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A residual network that reads pictures in [0, 1] and standardizes their channels itself, so that
 * attacks are bounded in the units of pixels.
 */
final class PictureClassifier {

  /** Pictures of a test at once. */
  private static final int PREDICTED = 500;

  private final SequentialBlock block;
  private final Shape inputShape;

  PictureClassifier(
      ResidualConfiguration configuration, ChannelStatistics statistics, RandomGenerator random) {
    final ResidualNet net = new ResidualNet(configuration, random);
    this.inputShape = net.inputShape(1);
    this.block =
        new SequentialBlock()
            .add(
                new LambdaBlock(
                    inputs -> new NDList(statistics.standardize(inputs.singletonOrThrow())),
                    "standardization"))
            .add(net);
  }

  SequentialBlock block() {
    return block;
  }

  Shape inputShape() {
    return inputShape;
  }

  /** Pictures that were cut, on the device of the manager. */
  NDArray pictures(NDManager manager, float[] pixels) {
    final long size = inputShape.size();
    return manager.create(
        pixels,
        new Shape(pixels.length / size, inputShape.get(1), inputShape.get(2), inputShape.get(3)));
  }

  static NDArray labels(NDManager manager, LabelledImages images, int[] which) {
    final int[] labels = new int[which.length];
    images.fillLabels(which, labels);
    return manager.create(labels);
  }

  /** Its scores with running statistics, for attacks and tests. */
  UnaryOperator<NDArray> scores(NDManager manager) {
    final ParameterStore store = new ParameterStore(manager, false);
    return input -> block.forward(store, new NDList(input), false).singletonOrThrow();
  }

  /** Which of some pictures are recognised. */
  @FunctionalInterface
  interface Test {

    /** {@code [N]}, booleans. */
    NDArray right(NDManager scope, NDArray pictures, NDArray labels);
  }

  /** The share of pictures that pass. */
  double share(NDManager manager, LabelledImages images, int[] which, Test test) {
    double right = 0;
    for (int from = 0; from < which.length; from += PREDICTED) {
      final int[] part = Arrays.copyOfRange(which, from, Math.min(which.length, from + PREDICTED));
      final float[] pixels = new float[part.length * images.imageSize()];
      images.fillImages(part, pixels);
      try (NDManager scope = manager.newSubManager()) {
        right +=
            test.right(scope, pictures(scope, pixels), labels(scope, images, part))
                .toType(DataType.FLOAT64, false)
                .sum()
                .getDouble();
      }
    }
    return right / which.length;
  }

  /** The share of pictures that are recognised as they are. */
  double accuracy(NDManager manager, LabelledImages images, int[] which) {
    return share(
        manager,
        images,
        which,
        (scope, pictures, labels) -> recognised(scores(scope).apply(pictures), labels));
  }

  static NDArray recognised(NDArray scores, NDArray labels) {
    return scores.argMax(1).eq(labels.toType(DataType.INT64, false));
  }

  static int[] all(LabelledImages images) {
    return IntStream.range(0, images.count()).toArray();
  }
}
