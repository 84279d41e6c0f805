package io.steelyard.kernels.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Linear attentions against their definition, weight by weight: shapes, memory, edges, laws. */
class LinearAttentionTest {

  private static final LinearOptions ALL_KEYS = LinearOptions.defaults();
  private static final LinearOptions CAUSAL = ALL_KEYS.withCausal(true);

  static Stream<LinearVariant> variants() {
    return LinearVariant.all();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void agreesWithItsDefinitionAtAwkwardShapes(LinearVariant variant) {
    final int[][] shapes = {
      // B, H, Hk, Tq, Tk, D, Dv
      {1, 1, 1, 1, 1, 1, 1},
      {1, 1, 1, 3, 2, 2, 5},
      {2, 3, 3, 5, 7, 4, 4},
      {1, 4, 2, 33, 65, 8, 12},
      {1, 6, 1, 17, 129, 13, 3},
      {1, 2, 1, 70, 300, 64, 64},
      {1, 1, 1, 257, 129, 24, 40},
      {1, 2, 2, 64, 64, 16, 96},
      {1, 1, 1, 5, 2600, 3, 2},
      {1, 1, 1, 1100, 5, 3, 2},
    };
    for (final int[] s : shapes) {
      for (final LinearOptions options : new LinearOptions[] {ALL_KEYS, CAUSAL}) {
        final long seed = Arrays.hashCode(s);
        final RandomGenerator random = LinearVariant.random(seed);
        final Tensor q = LinearVariant.normal(random, s[0], s[1], s[3], s[5]);
        final Tensor k = LinearVariant.normal(random, s[0], s[2], s[4], s[5]);
        final Tensor v = LinearVariant.normal(random, s[0], s[2], s[4], s[6]);
        final LinearVariant.Expected expected = variant.expected(q, k, v, options);
        final float[] actual = variant.apply(q, k, v, options);
        final double[] meaning = variant.meaning(q, k, v, options);
        final String what = variant + " " + Arrays.toString(s) + " " + options + " seed " + seed;
        for (int i = 0; i < actual.length; i++) {
          final double mass = expected.mass().getDouble(i);
          final double exact = expected.o().getDouble(i);
          LinearVariant.assertClose(meaning[i], exact, 4e-15 * mass, what, i);
          LinearVariant.assertClose(actual[i], exact, 8 * 0x1p-24 * mass + 1e-30, what, i);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void whatIsNotSeenNeverLeaks(LinearVariant variant) {
    final RandomGenerator random = LinearVariant.random(6);
    final int t = 140;
    final Tensor q = LinearVariant.normal(random, 1, 1, t, 8);
    final Tensor k = LinearVariant.normal(random, 1, 1, t, 8);
    final Tensor v = LinearVariant.normal(random, 1, 1, t, 8);
    final float[] expected = variant.apply(q, k, v, CAUSAL);
    // The last key is seen by the last query alone.
    for (final float poison : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1e30f}) {
      Arrays.fill(k.floatArray().orElseThrow(), (t - 1) * 8, t * 8, poison);
      Arrays.fill(v.floatArray().orElseThrow(), (t - 1) * 8, t * 8, poison);
      final float[] actual = variant.apply(q, k, v, CAUSAL);
      assertThat(Arrays.copyOf(actual, (t - 1) * 8))
          .as("%s, %s after the query", variant, poison)
          .isEqualTo(Arrays.copyOf(expected, (t - 1) * 8));
      if (Float.isNaN(poison)) {
        for (int c = 0; c < 8; c++) {
          assertThat(actual[(t - 1) * 8 + c]).as("%s, a NaN that is seen", variant).isNaN();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void aNanMakesItsRowsNan(LinearVariant variant) {
    final RandomGenerator random = LinearVariant.random(11);
    final Tensor q = LinearVariant.normal(random, 1, 1, 9, 6);
    final Tensor k = LinearVariant.normal(random, 1, 1, 9, 6);
    final Tensor v = LinearVariant.normal(random, 1, 1, 9, 6);
    q.floatArray().orElseThrow()[3 * 6 + 1] = Float.NaN;
    final float[] one = variant.apply(q, k, v, ALL_KEYS);
    final double[] meaning = variant.meaning(q, k, v, ALL_KEYS);
    for (int i = 0; i < one.length; i++) {
      assertThat(Float.isNaN(one[i])).as("%s, element %d", variant, i).isEqualTo(i / 6 == 3);
      assertThat(Double.isNaN(meaning[i])).as("%s, meaning %d", variant, i).isEqualTo(i / 6 == 3);
    }
    k.floatArray().orElseThrow()[0] = Float.NaN;
    assertThat(variant.apply(q, k, v, ALL_KEYS)).as("%s, a key", variant).containsOnly(Float.NaN);
  }

  @ParameterizedTest
  @MethodSource("variants")
  void isTheSameBitsForEveryMemoryAndThreadCount(LinearVariant variant) {
    final RandomGenerator random = LinearVariant.random(7);
    for (final boolean causal : new boolean[] {false, true}) {
      final LinearOptions options = ALL_KEYS.withCausal(causal);
      final int keys = causal ? 200 : 2300;
      final Tensor q = LinearVariant.normal(random, 2, 3, 150, 20);
      final Tensor k = LinearVariant.normal(random, 2, 3, keys, 20);
      final Tensor v = LinearVariant.normal(random, 2, 3, keys, 12);
      final float[] expected = variant.apply(q, k, v, options.withThreads(1));
      assertThat(variant.apply(q, k, v, options))
          .as("%s, all threads", variant)
          .isEqualTo(expected);
      try (Arena arena = Arena.ofShared()) {
        final Tensor o = Tensor.of(arena.allocate(4L * expected.length), DType.F32, 2, 3, 150, 12);
        variant.apply(nativeCopy(arena, q), nativeCopy(arena, k), nativeCopy(arena, v), o, options);
        assertThat(o.toFloatArray()).as("%s, native memory", variant).isEqualTo(expected);
      }
      // [B, T, H, D] in memory, read as [B, H, T, D].
      assertThat(variant.apply(interleaved(q), interleaved(k), interleaved(v), options))
          .as("%s, heads innermost but one", variant)
          .isEqualTo(expected);
    }
  }

  private static Tensor nativeCopy(Arena arena, Tensor tensor) {
    final Tensor copy = Tensor.of(arena.allocate(4 * tensor.size()), DType.F32, tensor.shape());
    for (long i = 0; i < tensor.size(); i++) {
      copy.setDouble(copy.flatIndex(i), tensor.getDouble(tensor.flatIndex(i)));
    }
    return copy;
  }

  private static Tensor interleaved(Tensor tensor) {
    final Tensor swapped = tensor.transpose(1, 2);
    return Tensor.of(swapped.toFloatArray(), swapped.shape()).transpose(1, 2);
  }

  @ParameterizedTest
  @MethodSource("variants")
  void sumsOverManyTokensLoseNothing(LinearVariant variant) {
    // Values of one sign: added up in one float, 40,000 of them would be good to some 1e-5.
    final int t = 40_000;
    final RandomGenerator random = LinearVariant.random(12);
    final Tensor q = LinearVariant.normal(random, 1, 1, 10, 2);
    final Tensor k = LinearVariant.normal(random, 1, 1, t, 2);
    final Tensor v = LinearVariant.normal(random, 1, 1, t, 1);
    final float[] values = v.floatArray().orElseThrow();
    for (int i = 0; i < t; i++) {
      values[i] = 1 + Math.abs(values[i]);
    }
    for (final LinearOptions options : new LinearOptions[] {ALL_KEYS, CAUSAL}) {
      final float[] actual = variant.apply(q, k, v, options);
      final LinearVariant.Expected expected = variant.expected(q, k, v, options);
      for (int i = 0; i < actual.length; i++) {
        LinearVariant.assertClose(
            actual[i],
            expected.o().getDouble(i),
            6 * 0x1p-24 * expected.mass().getDouble(i),
            variant + " " + options,
            i);
      }
    }
  }

  @Test
  void malaWeightsAddUpToOne() {
    final RandomGenerator random = LinearVariant.random(8);
    final Tensor q = LinearVariant.normal(random, 1, 2, 40, 8);
    final Tensor k = LinearVariant.normal(random, 1, 2, 90, 8);
    final Tensor v = LinearVariant.normal(random, 1, 2, 90, 8);
    final Tensor shifted = Tensor.of(v.toFloatArray(), v.shape());
    final float[] data = shifted.floatArray().orElseThrow();
    for (int i = 0; i < data.length; i++) {
      data[i] += 3;
    }
    for (final boolean causal : new boolean[] {false, true}) {
      final LinearOptions options = ALL_KEYS.withEps(0).withCausal(causal);
      for (final MalaScale scale : MalaScale.values()) {
        final LinearVariant mala =
            new LinearVariant("mala", FeatureMap.ELU1.features(), scale.readout());
        final double[] o = mala.meaning(q, k, v, options);
        final double[] more = mala.meaning(q, k, shifted, options);
        for (int i = 0; i < o.length; i++) {
          assertThat(more[i] - o[i]).as("%s %s", scale, options).isCloseTo(3, Offset.offset(1e-4));
        }
      }
    }
  }

  @Test
  void theLengthOfFeaturesCancelsInLinearAttentionAndCountsInMala() {
    final RandomGenerator random = LinearVariant.random(9);
    final Tensor q = LinearVariant.normal(random, 1, 1, 1, 8);
    final Tensor k = LinearVariant.normal(random, 1, 1, 50, 8);
    // Values that are a unit matrix make outputs of weights.
    final Tensor v = Tensor.zeros(DType.F32, 1, 1, 50, 50);
    for (int i = 0; i < 50; i++) {
      v.floatArray().orElseThrow()[i * 51] = 1;
    }
    final Tensor longer = Tensor.of(q.toFloatArray(), q.shape());
    final float[] data = longer.floatArray().orElseThrow();
    for (int c = 0; c < 8; c++) {
      data[c] *= 4;
    }
    final LinearOptions options = ALL_KEYS.withEps(0);
    final LinearVariant linear = new LinearVariant("", FeatureMap.RELU.features(), Readout.SUM);
    final LinearVariant mala = new LinearVariant("", FeatureMap.RELU.features(), Readout.MALA_MEAN);
    final LinearVariant nala = new LinearVariant("", NalaForm.SPLIT.features(), Readout.MEAN);
    final float[] weights = linear.apply(q, k, v, options);
    final float[] same = linear.apply(longer, k, v, options);
    for (int j = 0; j < 50; j++) {
      assertThat((double) same[j]).isCloseTo(weights[j], Offset.offset(1e-6));
    }
    assertThat(spread(mala.apply(longer, k, v, options)))
        .isGreaterThan(spread(mala.apply(q, k, v, options)));
    assertThat(spread(nala.apply(longer, k, v, options)))
        .isNotCloseTo(spread(nala.apply(q, k, v, options)), Offset.offset(1e-6));
  }

  private static double spread(float[] weights) {
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (final float weight : weights) {
      least = Math.min(least, weight);
      most = Math.max(most, weight);
    }
    return most - least;
  }

  @Test
  void nalaIsBlindToSignsThatFlipTogether() {
    final RandomGenerator random = LinearVariant.random(10);
    final Tensor q = LinearVariant.normal(random, 1, 1, 20, 8);
    final Tensor k = LinearVariant.normal(random, 1, 1, 30, 8);
    final Tensor v = LinearVariant.normal(random, 1, 1, 30, 4);
    final LinearVariant nala = new LinearVariant("", NalaForm.SPLIT.features(), Readout.MEAN);
    final double[] before = nala.meaning(q, k, v, ALL_KEYS);
    for (final Tensor x : new Tensor[] {q, k}) {
      final float[] data = x.floatArray().orElseThrow();
      for (int i = 3; i < data.length; i += 8) {
        data[i] = -data[i];
      }
    }
    assertThat(nala.meaning(q, k, v, ALL_KEYS)).containsExactly(before, Offset.offset(1e-14));
  }

  @Test
  void largeQueriesKeepTheirDirection() {
    final Tensor q = Tensor.of(new float[] {3e30f, 4e30f, 0}, 1, 1, 1, 3);
    final Tensor k = Tensor.of(new float[] {1, 0, 0, 0, 1, 0}, 1, 1, 2, 3);
    final Tensor v = Tensor.of(new float[] {1, 0}, 1, 1, 2, 1);
    final double expected = 1 / (1 + Math.pow(4.0 / 3, 4.5));
    final LinearVariant nala = new LinearVariant("", NalaForm.SPLIT.features(), Readout.MEAN);
    assertThat((double) nala.apply(q, k, v, ALL_KEYS.withEps(0))[0])
        .isCloseTo(expected, Offset.offset(1e-6));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void noQueriesGiveNothingAndNoKeysGiveZeros(LinearVariant variant) {
    final Tensor none = Tensor.zeros(DType.F32, 1, 2, 0, 4);
    final Tensor some = Tensor.zeros(DType.F32, 1, 2, 3, 4);
    for (final boolean causal : new boolean[] {false, true}) {
      for (final double eps : new double[] {0, 1e-6}) {
        final LinearOptions options = new LinearOptions(causal, eps, 0);
        assertThat(variant.apply(none, some, some, options)).isEmpty();
        assertThat(variant.apply(some, none, none, options)).containsOnly(0f).hasSize(24);
        assertThat(variant.meaning(some, none, none, options)).containsOnly(0.0);
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Tensor q = Tensor.zeros(DType.F32, 1, 3, 4, 8);
    final Tensor k = Tensor.zeros(DType.F32, 1, 2, 5, 8);
    final Tensor o = Tensor.zeros(DType.F32, 1, 3, 4, 8);
    assertThatThrownBy(() -> LinearAttention.apply(q, k, k, o))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("divides the 3 of q");
    assertThatThrownBy(() -> MalaAttention.apply(q, q, q, q))
        .hasMessageContaining("o shares memory with q");
    assertThatThrownBy(() -> NalaAttention.apply(q, q, q, Tensor.zeros(DType.F32, 1, 3, 4, 7)))
        .hasMessageContaining("o is")
        .hasMessageContaining("[1, 3, 4, 8]");
    assertThatThrownBy(() -> ALL_KEYS.withEps(-1)).hasMessageContaining("eps is -1.0; expected");
    assertThatThrownBy(() -> ALL_KEYS.withEps(Double.NaN)).hasMessageContaining("eps is NaN");
    assertThatThrownBy(() -> ALL_KEYS.withThreads(-2)).hasMessageContaining("threads is -2");
  }

  @Tag("allocation")
  @ParameterizedTest
  @MethodSource("variants")
  void callsAllocateNothing(LinearVariant variant) {
    final RandomGenerator random = LinearVariant.random(13);
    final Tensor q = LinearVariant.normal(random, 1, 4, 150, 20);
    final Tensor k = LinearVariant.normal(random, 1, 2, 150, 20);
    final Tensor v = LinearVariant.normal(random, 1, 2, 150, 20);
    final Tensor o = Tensor.zeros(DType.F32, 1, 4, 150, 20);
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  variant.apply(q, k, v, o, ALL_KEYS);
                  variant.apply(q, k, v, o, CAUSAL);
                }))
        .as("%s: bytes a call", variant)
        .isZero();
  }
}
