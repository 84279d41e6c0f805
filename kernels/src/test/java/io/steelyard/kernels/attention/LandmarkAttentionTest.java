package io.steelyard.kernels.attention;

import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention through landmarks: kernels against the meaning, laws, edges, gradients. */
class LandmarkAttentionTest {

  /** One of the two, under its name. */
  record Named(String name, Function function, Gradients gradients) {

    @Override
    public String toString() {
      return name;
    }
  }

  /** An attention. */
  interface Function {

    void apply(Tensor q, Tensor landmarks, Tensor v, Tensor o, LandmarkOptions options);
  }

  /** Its gradients. */
  interface Gradients {

    void vjp(
        Tensor q,
        Tensor landmarks,
        Tensor v,
        Tensor cotangent,
        Tensor dq,
        Tensor dLandmarks,
        Tensor dv,
        LandmarkOptions options);
  }

  private static final Named SOFT = new Named("soft", SoftAttention::apply, SoftAttention::vjp);
  private static final Named SOFT_PLUS_PLUS =
      new Named("soft++", SoftPlusPlusAttention::apply, SoftPlusPlusAttention::vjp);

  private static final LandmarkOptions NEWTON = LandmarkOptions.defaults();
  private static final LandmarkOptions CHOLESKY =
      NEWTON.withInverse(new LandmarkInverse.Cholesky(0.01));

  static Stream<Named> attentions() {
    return Stream.of(SOFT, SOFT_PLUS_PLUS);
  }

  private static Tensor normal(long seed, double spread, long... shape) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] data = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) (random.nextGaussian() * spread);
    }
    return Tensor.of(data, shape);
  }

  private static Tensor apply(
      Named attention, Tensor q, Tensor landmarks, Tensor v, LandmarkOptions options) {
    final Tensor o = Tensor.zeros(q.dtype(), v.shape());
    for (long i = 0; i < o.size(); i++) {
      o.setDouble(i, Double.NaN);
    }
    attention.function().apply(q, landmarks, v, o, options);
    return o;
  }

  private static double[] meaning(
      Named attention, Tensor q, Tensor landmarks, Tensor v, LandmarkOptions options) {
    return apply(attention, q.to(DType.F64), landmarks.to(DType.F64), v.to(DType.F64), options)
        .toDoubleArray();
  }

  private static double largest(double[] x) {
    return Arrays.stream(x).map(Math::abs).max().orElse(0);
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void agreesWithTheMeaningAtAwkwardShapes(Named attention) {
    final int[][] shapes = {
      // B, H, T, M, D, Dv
      {1, 1, 1, 1, 1, 1},
      {2, 3, 5, 7, 4, 4},
      {1, 2, 33, 8, 3, 12},
      {1, 1, 257, 9, 13, 5},
      {2, 2, 100, 49, 32, 32},
      {1, 1, 1000, 49, 24, 40},
      {1, 1, 70, 140, 7, 9},
    };
    for (final int[] s : shapes) {
      final long seed = Arrays.hashCode(s);
      final Tensor q = normal(seed, 1, s[0], s[1], s[2], s[4]);
      final Tensor landmarks = normal(seed + 1, 0.8, s[0], s[1], s[3], s[4]);
      final Tensor v = normal(seed + 2, 1, s[0], s[1], s[2], s[5]);
      for (final LandmarkOptions options : List.of(NEWTON, CHOLESKY, NEWTON.withScale(0.5))) {
        final float[] actual = apply(attention, q, landmarks, v, options).toFloatArray();
        final double[] exact = meaning(attention, q, landmarks, v, options);
        final double mass = mass(q, landmarks, v, options);
        final String what = attention + " " + Arrays.toString(s) + " " + options;
        for (int i = 0; i < exact.length; i++) {
          assertWithin(actual[i], exact[i], 32 * 0x1p-24 * mass, what, i);
        }
      }
    }
  }

  /**
   * What the terms of an output can add up to: {@code P |Y| P^T |V|} with entries of P at most 1
   * and {@code |Y|} at most the inverse of the ridge. Rounding is relative to that, not to the
   * output.
   */
  private static double mass(Tensor q, Tensor landmarks, Tensor v, LandmarkOptions options) {
    final Tensor ones = Tensor.zerosLike(v);
    for (long i = 0; i < v.size(); i++) {
      ones.setDouble(i, Math.abs(v.getDouble(i)));
    }
    final double root = Math.sqrt(options.scale().orElse(1 / Math.sqrt((double) q.dim(3))));
    final Tensor scaled = q.to(DType.F64);
    for (long i = 0; i < scaled.size(); i++) {
      scaled.setDouble(i, scaled.getDouble(i) * root);
    }
    final LandmarkOptions unit = options.withScale(1);
    final Tensor marks = landmarks.to(DType.F64);
    final double[] gathered = gaussian(marks, scaled, ones.to(DType.F64)).toDoubleArray();
    double norm = 0;
    for (long head = 0; head < q.dim(0) * q.dim(1); head++) {
      norm = Math.max(norm, inverseNorm(marks, head, unit));
    }
    final double[] all = gaussian(scaled, marks, ofOnes(marks)).toDoubleArray();
    return largest(gathered) * norm * largest(all);
  }

  private static Tensor ofOnes(Tensor marks) {
    final Tensor ones = Tensor.zeros(DType.F64, marks.dim(0), marks.dim(1), marks.dim(2), 1);
    for (long i = 0; i < ones.size(); i++) {
      ones.setDouble(i, 1);
    }
    return ones;
  }

  private static Tensor gaussian(Tensor q, Tensor k, Tensor v) {
    final Tensor o = Tensor.zeros(DType.F64, q.dim(0), q.dim(1), q.dim(2), v.dim(3));
    GaussianAttention.apply(q, k, v, o, AttentionOptions.defaults().withScale(1));
    return o;
  }

  /** The largest row sum of the absolute inverse, column by column through the operator itself. */
  private static double inverseNorm(Tensor marks, long head, LandmarkOptions options) {
    final int m = (int) marks.dim(2);
    final int depth = (int) marks.dim(3);
    final int stride = io.steelyard.kernels.inverse.Products.padded(m);
    final double[] a = new double[stride * stride];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < m; j++) {
        double sum = 0;
        for (int c = 0; c < depth; c++) {
          final double difference =
              marks.getDouble((head * m + i) * depth + c)
                  - marks.getDouble((head * m + j) * depth + c);
          sum += difference * difference;
        }
        a[i * stride + j] = Math.exp(-sum / 2);
      }
    }
    final double[] y = new double[stride * stride];
    new io.steelyard.kernels.inverse.SymmetricInverse()
        .cholesky(a, m, options.inverse().ridge(), y);
    double norm = 0;
    for (int i = 0; i < m; i++) {
      double sum = 0;
      for (int j = 0; j < m; j++) {
        sum += Math.abs(y[i * stride + j]);
      }
      norm = Math.max(norm, sum);
    }
    return norm;
  }

  @Test
  void queriesAsLandmarksWithoutARidgeAreExact() {
    final int n = 20;
    final Tensor q = normal(1, 1.5, 1, 2, n, 6).to(DType.F64);
    final Tensor v = normal(2, 1, 1, 2, n, 3).to(DType.F64);
    final Tensor exact = Tensor.zeros(DType.F64, 1, 2, n, 3);
    GaussianAttention.apply(q, q, v, exact, AttentionOptions.defaults().withScale(1));
    final Tensor o =
        apply(SOFT, q, q, v, NEWTON.withScale(1).withInverse(new LandmarkInverse.Cholesky(0)));
    for (int i = 0; i < exact.size(); i++) {
      assertThat(o.getDouble(i)).isCloseTo(exact.getDouble(i), offset(1e-10));
    }
  }

  @Test
  void landmarksFarApartHaveNoDegreesToNormaliseBy() {
    final Tensor q = normal(3, 1, 1, 1, 90, 2);
    final Tensor v = normal(4, 1, 1, 1, 90, 5);
    final Tensor landmarks = Tensor.of(new float[] {-20, 0, 20, 0, 0, 30, 1, -25}, 1, 1, 4, 2);
    assertThat(apply(SOFT_PLUS_PLUS, q, landmarks, v, NEWTON).toFloatArray())
        .isEqualTo(apply(SOFT, q, landmarks, v, NEWTON).toFloatArray());
  }

  @Test
  void degreesShareOutWhatLandmarksNearEachOtherHold() {
    // The same landmark k times is one landmark of weight 1 to SOFT, and 1/k to SOFT++.
    final Tensor q = normal(5, 0.5, 1, 1, 40, 2).to(DType.F64);
    final Tensor v = normal(6, 1, 1, 1, 40, 3).to(DType.F64);
    final double[] twice = {0.3, 0.1, 0.3, 0.1};
    final Tensor pair = Tensor.of(twice, 1, 1, 2, 2);
    final Tensor one = Tensor.of(Arrays.copyOf(twice, 2), 1, 1, 1, 2);
    final LandmarkOptions options = NEWTON.withInverse(new LandmarkInverse.Cholesky(1e-9));
    final double[] single = meaning(SOFT, q, one, v, options);
    final double[] both = meaning(SOFT, q, pair, v, options);
    final double[] shared = meaning(SOFT_PLUS_PLUS, q, pair, v, options);
    for (int i = 0; i < single.length; i++) {
      assertThat(both[i]).isCloseTo(single[i], offset(1e-5));
      assertThat(shared[i]).isCloseTo(single[i] / 2, offset(1e-5));
    }
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void permutingTokensPermutesOutputs(Named attention) {
    final int n = 61;
    final Tensor q = normal(7, 1, 1, 1, n, 4).to(DType.F64);
    final Tensor v = normal(8, 1, 1, 1, n, 3).to(DType.F64);
    final Tensor landmarks = normal(9, 1, 1, 1, 10, 4).to(DType.F64);
    final double[] expected = meaning(attention, q, landmarks, v, NEWTON);
    final double[] actual = meaning(attention, reversed(q), landmarks, reversed(v), NEWTON);
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < 3; c++) {
        assertThat(actual[(n - 1 - i) * 3 + c]).isCloseTo(expected[i * 3 + c], offset(1e-10));
      }
    }
  }

  private static Tensor reversed(Tensor x) {
    final int n = (int) x.dim(2);
    final int extent = (int) x.dim(3);
    final Tensor y = Tensor.zerosLike(x);
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < extent; c++) {
        y.setDouble((long) (n - 1 - i) * extent + c, x.getDouble((long) i * extent + c));
      }
    }
    return y;
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void isTheSameBitsForEveryMemoryAndThreadCount(Named attention) {
    final Tensor q = normal(10, 1, 2, 3, 300, 12);
    final Tensor v = normal(11, 1, 2, 3, 300, 7);
    final Tensor landmarks = normal(12, 1, 2, 3, 17, 12);
    final float[] expected =
        apply(attention, q, landmarks, v, NEWTON.withThreads(1)).toFloatArray();
    assertThat(apply(attention, q, landmarks, v, NEWTON).toFloatArray()).isEqualTo(expected);
    final Tensor[] gradients = gradients(attention, q, landmarks, v, NEWTON.withThreads(1));
    final Tensor[] again = gradients(attention, q, landmarks, v, NEWTON);
    for (int i = 0; i < 3; i++) {
      assertThat(again[i].toFloatArray()).isEqualTo(gradients[i].toFloatArray());
    }
    try (Arena arena = Arena.ofShared()) {
      final Tensor o = Tensor.of(arena.allocate(4L * expected.length), DType.F32, v.shape());
      attention
          .function()
          .apply(
              nativeCopy(arena, q), nativeCopy(arena, landmarks), nativeCopy(arena, v), o, NEWTON);
      assertThat(o.toFloatArray()).isEqualTo(expected);
    }
    // [B, T, H, D] in memory, read as [B, H, T, D].
    final Tensor o =
        apply(attention, interleaved(q), interleaved(landmarks), interleaved(v), NEWTON);
    assertThat(o.toFloatArray()).isEqualTo(expected);
  }

  private static Tensor nativeCopy(Arena arena, Tensor tensor) {
    final Tensor copy = Tensor.of(arena.allocate(4 * tensor.size()), DType.F32, tensor.shape());
    for (long i = 0; i < tensor.size(); i++) {
      copy.setDouble(i, tensor.getDouble(i));
    }
    return copy;
  }

  private static Tensor interleaved(Tensor tensor) {
    final Tensor swapped = tensor.transpose(1, 2);
    return Tensor.of(swapped.toFloatArray(), swapped.shape()).transpose(1, 2);
  }

  private static Tensor[] gradients(
      Named attention, Tensor q, Tensor landmarks, Tensor v, LandmarkOptions options) {
    final Tensor cotangent = normal(99, 1, v.shape()).to(q.dtype());
    final Tensor[] gradients = {
      Tensor.zerosLike(q), Tensor.zerosLike(landmarks), Tensor.zerosLike(v)
    };
    attention
        .gradients()
        .vjp(q, landmarks, v, cotangent, gradients[0], gradients[1], gradients[2], options);
    return gradients;
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void gradientsOfTheMeaningAgreeWithCentralDifferences(Named attention) {
    final Tensor q = normal(13, 1, 1, 2, 6, 3).to(DType.F64);
    final Tensor landmarks = normal(14, 1.2, 1, 2, 4, 3).to(DType.F64);
    final Tensor v = normal(15, 1, 1, 2, 6, 2).to(DType.F64);
    // Forty iterations have converged, so the gradient of the inverse is that of the iteration.
    final List<LandmarkOptions> all =
        List.of(
            CHOLESKY.withScale(0.7),
            NEWTON.withInverse(new LandmarkInverse.Newton(40, 0.02)),
            CHOLESKY.withInverse(new LandmarkInverse.Cholesky(0)));
    for (final LandmarkOptions options : all) {
      final Tensor[] gradients = gradients(attention, q, landmarks, v, options);
      final Tensor[] inputs = {q, landmarks, v};
      for (int k = 0; k < 3; k++) {
        for (int i = 0; i < inputs[k].size(); i++) {
          final double at = inputs[k].getDouble(i);
          final double step = 1e-5;
          inputs[k].setDouble(i, at + step);
          final double above = loss(attention, q, landmarks, v, options);
          inputs[k].setDouble(i, at - step);
          final double below = loss(attention, q, landmarks, v, options);
          inputs[k].setDouble(i, at);
          final double expected = (above - below) / (2 * step);
          assertThat(gradients[k].getDouble(i))
              .as("%s, %s, input %d, %d", attention, options, k, i)
              .isCloseTo(expected, offset(1e-7 * Math.max(1, Math.abs(expected))));
        }
      }
    }
  }

  private static double loss(
      Named attention, Tensor q, Tensor landmarks, Tensor v, LandmarkOptions options) {
    final Tensor cotangent = normal(99, 1, v.shape());
    final Tensor o = apply(attention, q, landmarks, v, options);
    double loss = 0;
    for (int i = 0; i < o.size(); i++) {
      loss += o.getDouble(i) * cotangent.getDouble(i);
    }
    return loss;
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void gradientsOfTheKernelAgreeWithTheMeaning(Named attention) {
    final int[][] shapes = {
      {1, 1, 1, 1, 1, 1}, {2, 3, 5, 7, 4, 4}, {1, 1, 257, 9, 13, 5}, {1, 2, 600, 49, 32, 40},
    };
    for (final int[] s : shapes) {
      final long seed = Arrays.hashCode(s);
      final Tensor q = normal(seed, 1, s[0], s[1], s[2], s[4]);
      final Tensor landmarks = normal(seed + 1, 0.8, s[0], s[1], s[3], s[4]);
      final Tensor v = normal(seed + 2, 1, s[0], s[1], s[2], s[5]);
      final Tensor[] actual = gradients(attention, q, landmarks, v, NEWTON);
      final Tensor[] exact =
          gradients(attention, q.to(DType.F64), landmarks.to(DType.F64), v.to(DType.F64), NEWTON);
      for (int k = 0; k < 3; k++) {
        final double scale = largest(exact[k].toDoubleArray());
        final double allowed = 2e-5 * Math.max(scale, 1e-3);
        final String what = attention + " " + Arrays.toString(s) + ", input " + k;
        for (int i = 0; i < exact[k].size(); i++) {
          assertWithin(actual[k].getDouble(i), exact[k].getDouble(i), allowed, what, i);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void edges(Named attention) {
    final Tensor none = Tensor.zeros(DType.F32, 1, 2, 0, 4);
    final Tensor some = normal(16, 1, 1, 2, 3, 4);
    assertThat(apply(attention, none, some, none, NEWTON).size()).isZero();
    assertThat(apply(attention, some, none, some, NEWTON).toFloatArray()).containsOnly(0f);
    // A NaN spoils its head and no other.
    final Tensor v = normal(17, 1, 1, 2, 3, 4);
    for (final Tensor poisoned : List.of(some, v)) {
      final double kept = poisoned.getDouble(5);
      poisoned.setDouble(5, Double.NaN);
      final float[] o = apply(attention, some, normal(18, 1, 1, 2, 5, 4), v, NEWTON).toFloatArray();
      if (poisoned == v) {
        assertThat(o[1]).isNaN();
      } else {
        assertThat(o[0]).isNaN();
      }
      for (int i = 12; i < 24; i++) {
        assertThat(o[i]).isFinite();
      }
      poisoned.setDouble(5, kept);
    }
    final Tensor landmarks = normal(18, 1, 1, 2, 5, 4);
    landmarks.setDouble(3, Double.NaN);
    final float[] o = apply(attention, some, landmarks, v, NEWTON).toFloatArray();
    assertThat(o[0]).isNaN();
    assertThat(o[12]).isFinite();
    // Panels do not remember it.
    landmarks.setDouble(3, 0);
    assertThat(apply(attention, some, landmarks, v, NEWTON).toFloatArray()[0]).isFinite();
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Tensor q = Tensor.zeros(DType.F32, 1, 2, 4, 8);
    final Tensor landmarks = normal(19, 1, 1, 2, 3, 8);
    assertThatThrownBy(
            () -> SoftAttention.apply(q, q.slice(3, 0, 7), q, Tensor.zerosLike(q), NEWTON))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("landmarks is f32[1, 2, 4, 7]; expected f32[1, 2, 4, 8]");
    assertThatThrownBy(() -> SoftAttention.apply(q, landmarks, q, q, NEWTON))
        .hasMessageContaining("o shares memory with q");
    assertThatThrownBy(() -> SoftAttention.apply(q, landmarks, landmarks, q, NEWTON))
        .hasMessageContaining("v is f32[1, 2, 3, 8]; expected f32[1, 2, 4, 8]");
    assertThatThrownBy(() -> new LandmarkInverse.Newton(20, 0.06))
        .hasMessageContaining("ridge is 0.06; expected a number in [0, 0.05]");
    assertThatThrownBy(() -> new LandmarkInverse.Newton(-1, 0.01))
        .hasMessageContaining("iterations is -1");
    assertThatThrownBy(() -> new LandmarkInverse.Cholesky(-1)).hasMessageContaining("ridge is -1");
    assertThatThrownBy(() -> NEWTON.withScale(-1)).hasMessageContaining("scale is -1.0");
    final Tensor same = Tensor.zeros(DType.F32, 1, 2, 3, 8);
    assertThatThrownBy(
            () ->
                SoftAttention.apply(
                    q,
                    same,
                    q,
                    Tensor.zeros(DType.F32, 1, 2, 4, 8),
                    NEWTON.withInverse(new LandmarkInverse.Cholesky(0))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("landmarks coincide, and ridge is 0.0");
  }

  @Tag("allocation")
  @ParameterizedTest
  @MethodSource("attentions")
  void callsAllocateNothing(Named attention) {
    final Tensor q = normal(20, 1, 1, 2, 70, 16);
    final Tensor v = normal(21, 1, 1, 2, 70, 16);
    final Tensor landmarks = normal(22, 1, 1, 2, 9, 16);
    final Tensor o = Tensor.zerosLike(v);
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dLandmarks = Tensor.zerosLike(landmarks);
    final Tensor dv = Tensor.zerosLike(v);
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  attention.function().apply(q, landmarks, v, o, NEWTON);
                  attention.gradients().vjp(q, landmarks, v, o, dq, dLandmarks, dv, CHOLESKY);
                }))
        .isZero();
  }
}
