package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Rows, algorithms and oracles that the tests of all normalisers share. */
public final class NormaliserFixture {

  /** A softmax under its name. */
  public record Named(String name, Algorithm algorithm) {

    @Override
    public String toString() {
      return name;
    }
  }

  /** A softmax. */
  public interface Algorithm {

    void apply(Tensor x, Tensor y, NormaliserOptions options);
  }

  private static final float INF = Float.POSITIVE_INFINITY;
  private static final float NAN = Float.NaN;

  private NormaliserFixture() {}

  static Stream<Named> softmaxes() {
    return Stream.of(
        new Named("softmax", Softmax::apply),
        new Named("two-pass", TwoPassSoftmax::apply),
        new Named(
            "recompute",
            (x, y, o) -> ThreePassSoftmax.apply(x, y, o, ThreePassSoftmax.Variant.RECOMPUTE)),
        new Named(
            "reload",
            (x, y, o) -> ThreePassSoftmax.apply(x, y, o, ThreePassSoftmax.Variant.RELOAD)),
        new Named("online", OnlineSoftmax::apply));
  }

  /** Awkward row lengths: around vectors, tiles and chunks. */
  static final int[] LENGTHS = {
    1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 25, 31, 33, 63, 64, 65, 207, 255, 256, 257, 702, 1024,
    4095, 4096, 4097, 4098, 8195, 16_384, 16_385, 32_769, 70_001
  };

  /**
   * Rows whose largest entry stands late, far above everything before it: a reference found at the
   * row's start is wrong for them.
   */
  static Stream<float[]> lateOutliers(RandomGenerator random) {
    return Stream.of(40, 300, 4097, 20_011)
        .flatMap(
            n ->
                Stream.of(10f, 17f, 50f, 90f, 130f, 250f, 1e4f, 1e10f, Float.MAX_VALUE, INF, NAN)
                    .flatMap(
                        top ->
                            Stream.of(0f, -1e4f, -INF)
                                .map(
                                    start -> {
                                      final float[] x = scores(random, n, 3);
                                      Arrays.fill(x, 0, 32, start);
                                      x[32 + random.nextInt(n - 32)] = top;
                                      x[32 + random.nextInt(n - 32)] = -top;
                                      return x;
                                    })));
  }

  /** Rows at the edges of the number range, each tiled to several lengths by the tests. */
  public static float[][] edgeRows() {
    return new float[][] {
      {0},
      {-0f},
      {Float.MIN_VALUE, -Float.MIN_VALUE},
      {Float.MAX_VALUE},
      {-Float.MAX_VALUE},
      {Float.MAX_VALUE, -Float.MAX_VALUE},
      {-Float.MAX_VALUE, -INF},
      {0x1p21f, 0x1p21f - 1},
      {0x1p21f + 1, 0x1p21f - 2},
      {-0x1p21f, 1 - 0x1p21f},
      {-0x1p21f - 50, -0x1p21f - 40},
      {-1e9f, 3, 4},
      {-1e9f, -1e9f},
      {5e6f, 5e6f - 1},
      {88.7f, -88.7f},
      {89, 88},
      {-87.4f, 0},
      {-103.9f, 0},
      {-INF},
      {-INF, 0},
      {0, -INF, -INF},
      {NAN},
      {NAN, 1},
      {1, NAN, -INF},
      {INF},
      {INF, 1},
      {INF, INF, -INF},
      {INF, NAN},
    };
  }

  static Stream<Arguments> softmaxesAndSeeds() {
    return softmaxes().flatMap(s -> Stream.of(11L, 12L, 13L).map(seed -> Arguments.of(s, seed)));
  }

  /** A seeded generator. */
  public static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /** Normal scores. */
  public static float[] scores(RandomGenerator random, int n, double spread) {
    final float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) (random.nextGaussian() * spread);
    }
    return x;
  }

  /** A new array of NaN, so that an element nobody wrote fails. */
  public static float[] poison(int n) {
    final float[] y = new float[n];
    Arrays.fill(y, Float.NaN);
    return y;
  }

  /** The exact weights of a row in double. */
  static double[] weights(float[] x) {
    double max = Double.NEGATIVE_INFINITY;
    for (final float v : x) {
      max = Math.max(max, v);
    }
    double sum = 0;
    for (final float v : x) {
      sum += max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(v - max);
    }
    final double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] =
          max == Double.NEGATIVE_INFINITY
              ? 0
              : Double.isNaN(sum) ? Double.NaN : Math.exp(x[i] - max) / sum;
    }
    return y;
  }

  /** Relative error that the documentation allows for a weight. */
  static double tolerance(double distanceToMax) {
    return (24 + distanceToMax) * 0x1p-23;
  }

  /** Default options with a mask. */
  public static NormaliserOptions masked(Mask mask) {
    return NormaliserOptions.defaults().withMask(mask);
  }
}
