package io.steelyard.bench.detection;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.kernels.detection.Decay;
import io.steelyard.kernels.detection.ScoredBoxes;
import io.steelyard.kernels.detection.SoftNms;
import io.steelyard.kernels.detection.SuppressionOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.openjdk.jmh.annotations.Param;

/** Soft-NMS of boxes of one class that lie close together, in float32 or in the scalar meaning. */
public class BoxesBenchmark extends CheckedBenchmark {

  /** What is done with overlapping boxes. */
  public enum Rule {
    GAUSSIAN,
    LINEAR,
    HARD;

    private Decay decay() {
      return switch (this) {
        case GAUSSIAN -> Decay.gaussian(0.5);
        case LINEAR -> Decay.linear(0.3);
        case HARD -> Decay.hard(0.3);
      };
    }
  }

  @Param("GAUSSIAN")
  Rule rule;

  @Param("500")
  int count;

  @Param("F32")
  DType dtype;

  private ScoredBoxes boxes = boxes(0, DType.F32);
  private ScoredBoxes exactBoxes = boxes;
  private SuppressionOptions options = SuppressionOptions.defaults();
  private int[] indices = new int[0];
  private Tensor kept = Tensor.zeros(DType.F32, 0);
  private int found;

  @Override
  protected void prepare() {
    boxes = boxes(count, dtype);
    exactBoxes = boxes(count, DType.F64);
    options = SuppressionOptions.defaults().withThreads(threads);
    indices = new int[count];
    kept = Tensor.zeros(dtype, count);
  }

  @Override
  protected void call() {
    found = apply(boxes, indices, kept, options);
  }

  private int apply(
      ScoredBoxes some, int[] selected, Tensor scores, SuppressionOptions suppression) {
    return SoftNms.apply(
        some, rule.decay(), suppression, Tensor.of(selected, selected.length), scores);
  }

  /** Boxes that one precision keeps and the other drops lie at the threshold, and are few. */
  @Override
  protected void check() {
    found = -1;
    call();
    final int[] exactIndices = new int[count];
    final Tensor exact = Tensor.zeros(DType.F64, count);
    final int exactFound =
        apply(exactBoxes, exactIndices, exact, SuppressionOptions.defaults().withThreads(1));
    expect("number of boxes kept", found, exactFound, 1 + count / 500.0);
    final Map<Integer, Double> scores = new HashMap<>();
    for (int i = 0; i < exactFound; i++) {
      scores.put(exactIndices[i], exact.getDouble(i));
    }
    for (int i = 0; i < found; i++) {
      final double expected = scores.getOrDefault(indices[i], options.minScore());
      expect("score of box " + indices[i], kept.getDouble(i), expected, 1e-4);
    }
  }

  /** Corners uniform in a square of 1000, sides of 20 to 200. */
  private static ScoredBoxes boxes(int count, DType dtype) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(11);
    final float[] corners = new float[4 * count];
    final float[] scores = new float[count];
    for (int i = 0; i < count; i++) {
      final float x = random.nextFloat(0, 800);
      final float y = random.nextFloat(0, 800);
      corners[4 * i] = x;
      corners[4 * i + 1] = y;
      corners[4 * i + 2] = x + random.nextFloat(20, 200);
      corners[4 * i + 3] = y + random.nextFloat(20, 200);
      scores[i] = random.nextFloat(0.001f, 1);
    }
    return ScoredBoxes.of(
        Tensor.of(corners, count, 4).to(dtype), Tensor.of(scores, count).to(dtype));
  }
}
