package io.steelyard.layers.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.FreedMemory;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Curve;
import io.steelyard.layers.training.Examples;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Step;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every network from images to scores has to keep; a test class extends it. */
abstract class ImageClassifierContract {

  NDManager manager;
  ParameterStore store;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
    store = new ParameterStore(manager, false);
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** The one for 28 x 28 gray images and 10 classes. */
  abstract Block small(RandomGenerator random);

  /** One with few numbers, for central differences. */
  abstract Block tiny(RandomGenerator random);

  abstract Shape tinyImages(long samples);

  /** The same with stochastic depth. */
  abstract Block dropping(RandomGenerator random);

  static Shape smallImages(long samples) {
    return new Shape(samples, 1, 28, 28);
  }

  /** Parameters far from where they begin, so that whatever is left out shows. */
  final <B extends Block> B stirred(B block, Shape input, DataType type) {
    block.initialize(manager, type, input);
    final Random random = new Random(8);
    for (final Parameter parameter : block.getParameters().values()) {
      if (parameter.requiresGradient()) {
        final NDArray array = parameter.getArray();
        array.addi(
            manager
                .create(random.doubles(array.size(), -0.25, 0.25).toArray(), array.getShape())
                .toType(type, false));
      }
    }
    return block;
  }

  final NDArray images(long seed, DataType type, Shape shape) {
    return manager
        .create(new Random(seed).doubles(shape.size(), -1, 1).toArray(), shape)
        .toType(type, false);
  }

  final NDArray scores(Block net, NDArray images, boolean training) {
    return net.forward(store, new NDList(images), training).singletonOrThrow();
  }

  static double[] doubles(NDArray array) {
    return array.toType(DataType.FLOAT64, true).toDoubleArray();
  }

  static void close(NDArray actual, NDArray expected, double tolerance) {
    assertThat(actual.getShape()).isEqualTo(expected.getShape());
    final double scale =
        Math.max(1, Arrays.stream(doubles(expected)).map(Math::abs).max().orElse(1));
    assertThat(doubles(actual)).containsExactly(doubles(expected), within(tolerance * scale));
  }

  @Test
  void gradientsAreThoseOfCentralDifferences() {
    final Block net = stirred(tiny(new Random(1)), tinyImages(1), DataType.FLOAT64);
    final NDArray x = images(2, DataType.FLOAT64, tinyImages(2));
    final NDArray weights =
        images(3, DataType.FLOAT64, net.getOutputShapes(new Shape[] {x.getShape()})[0]);
    Gradients.checkAlong(
        net,
        images ->
            net.forward(new ParameterStore(manager, false), new NDList(images), true)
                .singletonOrThrow()
                .mul(weights)
                .sum(),
        x,
        4,
        1e-6);
  }

  /** Arrays that are part of a graph keep away from kernels. */
  @Test
  void kernelsGiveWhatComposedOperationsGive() {
    for (final DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
      final Block net = stirred(small(new Random(1)), smallImages(1), type);
      final NDArray x = images(2, type, smallImages(2));
      final NDArray live = x.duplicate();
      live.setRequiresGradient(true);
      close(
          scores(net, x, false), scores(net, live, false), type == DataType.FLOAT64 ? 1e-11 : 1e-4);
    }
  }

  /** Also after a collection of garbage between the passes. */
  @Test
  void gradientsInFloatAreThoseInDouble() {
    final double[][] gradients = new double[2][];
    for (int i = 0; i < 2; i++) {
      final DataType type = i == 0 ? DataType.FLOAT64 : DataType.FLOAT32;
      final Block net = stirred(small(new Random(1)), smallImages(1), type);
      final NDArray x = images(2, type, smallImages(3));
      x.setRequiresGradient(true);
      try (var collector = Libtorch.engine().newGradientCollector()) {
        final NDArray sum = scores(net, x, true).square().sum();
        assertThat(FreedMemory.take()).isNotEmpty();
        collector.backward(sum);
      }
      gradients[i] = doubles(x.getGradient());
    }
    final double scale = Arrays.stream(gradients[0]).map(Math::abs).max().orElseThrow();
    assertThat(gradients[1]).containsExactly(gradients[0], within(1e-3 * scale));
  }

  @Test
  void imagesOfABatchDoNotMixInPrediction() {
    final Block net = stirred(small(new Random(1)), smallImages(1), DataType.FLOAT64);
    final NDArray x = images(2, DataType.FLOAT64, smallImages(3));
    final NDArray whole = scores(net, x, false);
    close(scores(net, x.get("1:2"), false), whole.get("1:2"), 1e-12);
    final NDArray spoiled = x.duplicate();
    spoiled.set(new NDIndex("0, 0, 3, 3"), Double.NaN);
    final NDArray other = scores(net, spoiled, false);
    close(other.get("1:"), whole.get("1:"), 1e-12);
    assertThat(doubles(other.get(0))).containsOnly(Double.NaN);
  }

  @Test
  void noImagesGiveNoScores() {
    final Block net = stirred(small(new Random(1)), smallImages(1), DataType.FLOAT32);
    for (final boolean training : new boolean[] {false, true}) {
      final NDArray scores = scores(net, manager.zeros(smallImages(0), DataType.FLOAT32), training);
      assertThat(scores.getShape()).isEqualTo(new Shape(0, 10));
      assertThat(scores.getDataType()).isEqualTo(DataType.FLOAT32);
    }
  }

  @Test
  void oneImageCanBeTrainedOn() {
    final Block net = stirred(small(new Random(1)), smallImages(1), DataType.FLOAT32);
    final NDArray scores = scores(net, images(2, DataType.FLOAT32, smallImages(1)), true);
    assertThat(scores.getShape()).isEqualTo(new Shape(1, 10));
    for (final float score : scores.toFloatArray()) {
      assertThat(score).isFinite();
    }
  }

  @Test
  void imagesThatDoNotFitAreNamed() {
    final Block net = stirred(small(new Random(1)), smallImages(1), DataType.FLOAT32);
    for (final long[] shape :
        new long[][] {{2, 1, 28, 27}, {2, 1, 32, 32}, {2, 3, 28, 28}, {28, 28}, {2, 28, 28, 1}}) {
      final NDArray x = manager.ones(new Shape(shape));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scores(net, x, false))
          .withMessage("images are " + x.getShape() + "; expected [N, 1, 28, 28]");
    }
    final NDArray wide = manager.ones(smallImages(1), DataType.FLOAT64);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> scores(net, wide, false))
        .withMessage("images are float64; expected float32 like the parameters");
  }

  @Test
  void savedAndLoadedItPredictsTheSame() throws IOException, MalformedModelException {
    final Block net = stirred(small(new Random(1)), smallImages(1), DataType.FLOAT32);
    final NDArray x = images(2, DataType.FLOAT32, smallImages(2));
    // Moves running statistics, where there are some.
    scores(net, x, true);
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    net.saveParameters(new DataOutputStream(bytes));
    final Block loaded = small(new Random(99));
    loaded.loadParameters(
        manager, new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    assertThat(scores(loaded, x, false).toFloatArray())
        .isEqualTo(scores(net, x, false).toFloatArray());
  }

  @Test
  void sameSeedGivesTheSameParametersInBothTypes() {
    final Block one = small(new Random(5));
    final Block wide = small(new Random(5));
    one.initialize(manager, DataType.FLOAT32, smallImages(1));
    wide.initialize(manager, DataType.FLOAT64, smallImages(1));
    for (int i = 0; i < one.getParameters().size(); i++) {
      assertThat(one.getParameters().valueAt(i).getArray().toFloatArray())
          .describedAs(one.getParameters().keyAt(i))
          .isEqualTo(
              wide.getParameters()
                  .valueAt(i)
                  .getArray()
                  .toType(DataType.FLOAT32, true)
                  .toFloatArray());
    }
  }

  @Test
  void branchesAreLeftOutInTrainingOnlyAndBySeed() {
    final Block net = stirred(dropping(new Random(1)), smallImages(1), DataType.FLOAT32);
    final NDArray x = images(2, DataType.FLOAT32, smallImages(8));
    assertThat(scores(net, x, false).toFloatArray())
        .isEqualTo(scores(net, x, false).toFloatArray());
    Libtorch.seed(11);
    final float[] one = scores(net, x, true).toFloatArray();
    Libtorch.seed(11);
    assertThat(scores(net, x, true).toFloatArray()).isEqualTo(one);
    Libtorch.seed(12);
    assertThat(scores(net, x, true).toFloatArray()).isNotEqualTo(one);
  }

  /** What a pass makes belongs to the manager of its images and is freed with it. */
  @Test
  void passesLeaveNothingBehind() {
    final Block net = stirred(small(new Random(1)), smallImages(1), DataType.FLOAT32);
    for (final boolean training : new boolean[] {false, true}) {
      final int before = manager.getManagedArrays().size();
      try (NDManager pass = manager.newSubManager()) {
        final NDArray x = pass.ones(smallImages(2));
        assertThat(scores(net, x, training).getManager()).isSameAs(pass);
      }
      assertThat(manager.getManagedArrays()).describedAs("training %s", training).hasSize(before);
    }
  }

  @Test
  void aFewStepsOfTrainingMakeTheLossSmaller() {
    final Block net = small(new Random(1));
    final NDArray x = images(2, DataType.FLOAT32, smallImages(32));
    final NDArray labels =
        x.reshape(32, -1).mean(new int[] {1}).gt(0).toType(DataType.INT32, false);
    final Curve losses = Curve.of(Step::loss, 1);
    try (Training training =
        new Training(
            net,
            Loss.softmaxCrossEntropyLoss(),
            smallImages(1),
            TrainingOptions.seeded(1).withLearningRate(2e-3))) {
      training.fit(
          new Examples(x, labels), Batches.shuffled(32, 16, new Seed(1)).between(0, 20), losses);
    }
    final List<Double> values = losses.values();
    assertThat(values.getLast()).isLessThan(0.6 * values.getFirst());
  }
}
