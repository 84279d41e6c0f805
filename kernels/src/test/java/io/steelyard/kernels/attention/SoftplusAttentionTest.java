package io.steelyard.kernels.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What softplus attention and its re-weighting promise beyond agreeing with their meaning. */
class SoftplusAttentionTest {

  private static final AttentionOptions CAUSAL = AttentionOptions.causal();

  private static Tensor normal(long seed, DType dtype, long... shape) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final Tensor tensor = Tensor.zeros(dtype, shape);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private static Tensor reweighted(
      Tensor q,
      Tensor k,
      Tensor v,
      Reweighting reweighting,
      long before,
      AttentionOptions options) {
    final Tensor o = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2), v.dim(3));
    ReweightedSoftplusAttention.apply(q, k, v, o, reweighting, before, options);
    return o;
  }

  private static Tensor softplus(
      Tensor q, Tensor k, Tensor v, long before, AttentionOptions options) {
    final Tensor o = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2), v.dim(3));
    SoftplusAttention.apply(q, k, v, o, before, options);
    return o;
  }

  /** With the unit matrix for values, outputs are the weights. */
  private static Tensor unit(DType dtype, int keys) {
    final Tensor unit = Tensor.zeros(dtype, 1, 1, keys, keys);
    for (int j = 0; j < keys; j++) {
      unit.setDouble((long) j * keys + j, 1);
    }
    return unit;
  }

  private static void assertClose(Tensor actual, Tensor expected, double tolerance) {
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.getDouble(actual.flatIndex(i)))
          .as("element %d", i)
          .isCloseTo(expected.getDouble(expected.flatIndex(i)), within(tolerance));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64"})
  void weightsAreThoseOfTheNormalisers(DType dtype) {
    final int n = 37;
    final Tensor q = normal(1, dtype, 1, 1, n, 6);
    final Tensor k = normal(2, dtype, 1, 1, n, 6);
    final Tensor scores = Tensor.zeros(DType.F64, 1, 1, n, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double dot = 0;
        double queries = 0;
        double keys = 0;
        for (int c = 0; c < 6; c++) {
          final double x = q.getDouble(i * 6L + c);
          final double y = k.getDouble(j * 6L + c);
          dot += x * y;
          queries += x * x;
          keys += y * y;
        }
        scores.setDouble(
            (long) i * n + j, Math.log(6) * Math.log(i + 1) * dot / Math.sqrt(queries * keys));
      }
    }
    final Map<String, Object> causal = Map.of("causal", true);
    final double tolerance = dtype == DType.F32 ? 1e-4 : 1e-12;
    assertClose(
        softplus(q, k, unit(dtype, n), 0, CAUSAL),
        Operators.named("softplus-l1").apply(Map.of("x", scores), causal).get("y"),
        tolerance);
    assertClose(
        reweighted(q, k, unit(dtype, n), Reweighting.defaults(), 0, CAUSAL),
        Operators.named("softplus-l1-reweighted").apply(Map.of("x", scores), causal).get("y"),
        tolerance);
  }

  @Test
  void onlyKeysAboveAverageKeepAWeightAndWeightsAddUpToOne() {
    final int n = 150;
    final Tensor q = normal(3, DType.F32, 1, 1, n, 16);
    final Tensor k = normal(4, DType.F32, 1, 1, n, 16);
    final Tensor a = softplus(q, k, unit(DType.F32, n), 0, CAUSAL);
    final Tensor w = reweighted(q, k, unit(DType.F32, n), new Reweighting(2, true), 0, CAUSAL);
    for (int i = 0; i < n; i++) {
      double ofA = 0;
      double ofW = 0;
      for (int j = 0; j < n; j++) {
        final double weight = w.getDouble((long) i * n + j);
        final double excess = (i + 1) * a.getDouble((long) i * n + j) - 1;
        ofA += a.getDouble((long) i * n + j);
        ofW += weight;
        if (i >= 3 && Math.abs(excess) > 3e-5) {
          assertThat(weight > 0)
              .as("query %d, key %d, n A - 1 = %s", i, j, excess)
              .isEqualTo(excess > 0);
        }
        assertThat(j > i ? weight : 0).as("causal").isZero();
      }
      assertThat(ofA).as("sum of A, query %d", i).isCloseTo(1, within(1e-5));
      assertThat(ofW).as("sum of W, query %d", i).isCloseTo(1, within(1e-5));
    }
  }

  @Test
  void lengthsOfQueriesAndKeysDoNotMatter() {
    final Tensor q = normal(5, DType.F32, 1, 2, 40, 8);
    final Tensor k = normal(6, DType.F32, 1, 2, 40, 8);
    final Tensor v = normal(7, DType.F32, 1, 2, 40, 8);
    final Tensor expected = reweighted(q, k, v, Reweighting.defaults(), 0, CAUSAL);
    for (final float factor : new float[] {0x1p-30f, 0x1p100f, 0x1p120f}) {
      final Tensor longer = Tensor.zerosLike(k);
      for (int i = 0; i < k.size(); i++) {
        longer.setDouble(i, k.getDouble(i) * factor);
      }
      // Powers of two: only norms beyond a float's squares are rounded in another way.
      assertClose(reweighted(q, longer, v, Reweighting.defaults(), 0, CAUSAL), expected, 1e-4);
      assertClose(
          reweighted(longer, k, v, Reweighting.defaults(), 0, CAUSAL),
          reweighted(k, k, v, Reweighting.defaults(), 0, CAUSAL),
          1e-4);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64"})
  void alikeKeysGiveZerosHoweverMany(DType dtype) {
    for (final int n : new int[] {4, 100, 5000}) {
      final Tensor key = normal(8, dtype, 1, 1, 1, 5);
      final Tensor k = key.broadcastTo(1, 1, n, 5);
      final Tensor v = normal(9, dtype, 1, 1, n, 3);
      for (final int queries : new int[] {1, 40}) {
        final Tensor q = normal(10, dtype, 1, 1, queries, 5);
        final Tensor o =
            reweighted(q, k, v, Reweighting.defaults(), 0, AttentionOptions.defaults());
        for (int i = 0; i < o.size(); i++) {
          assertThat(o.getDouble(i)).as("%d keys, %d queries", n, queries).isZero();
        }
      }
    }
  }

  @Test
  void decodingTokenByTokenGivesWhatAllTokensAtOnceGive() {
    final int n = 40;
    final Tensor q = normal(11, DType.F32, 1, 4, n, 8);
    final Tensor k = normal(12, DType.F32, 1, 2, n, 8);
    final Tensor v = normal(13, DType.F32, 1, 2, n, 8);
    final Tensor all = reweighted(q, k, v, new Reweighting(3, true), 0, CAUSAL);
    for (int i = 0; i < n; i++) {
      final Tensor token =
          reweighted(
              q.slice(2, i, i + 1),
              k.slice(2, 0, i + 1),
              v.slice(2, 0, i + 1),
              new Reweighting(3, true),
              0,
              CAUSAL);
      assertClose(token, all.slice(2, i, i + 1), 1e-4);
    }
  }

  @Test
  void keysThatAreGoneCountInTheScaleOnly() {
    final Tensor q = normal(14, DType.F64, 1, 1, 1, 8);
    final Tensor k = normal(15, DType.F64, 1, 1, 9, 8);
    final Tensor v = normal(16, DType.F64, 1, 1, 9, 2);
    final AttentionOptions scaled =
        AttentionOptions.defaults().withScale(Math.log(8) * Math.log(9 + 91));
    assertClose(
        softplus(q, k, v, 91, AttentionOptions.defaults()), softplus(q, k, v, 0, scaled), 1e-14);
    assertClose(
        reweighted(q, k, v, Reweighting.defaults(), 91, AttentionOptions.defaults()),
        reweighted(q, k, v, Reweighting.defaults(), 0, scaled),
        1e-14);
  }

  @Test
  void paddingOnTheLeftIsNotCounted() {
    final int pad = 5;
    final Tensor q = normal(17, DType.F32, 1, 1, 30, 8);
    final Tensor k = normal(18, DType.F32, 1, 1, 30, 8);
    final Tensor v = normal(19, DType.F32, 1, 1, 30, 8);
    final boolean[] keep = new boolean[30];
    Arrays.fill(keep, pad, 30, true);
    final AttentionOptions padded =
        AttentionOptions.defaults()
            .withMask(Mask.causal().and(Mask.keep(Tensor.of(keep, 1, 1, 1, 30))));
    final Tensor with = reweighted(q, k, v, Reweighting.defaults(), 0, padded);
    final Tensor without =
        reweighted(
            q.slice(2, pad, 30),
            k.slice(2, pad, 30),
            v.slice(2, pad, 30),
            Reweighting.defaults(),
            0,
            CAUSAL);
    assertClose(with.slice(2, pad, 30), without, 1e-4);
    for (int i = 0; i < pad * 8; i++) {
      assertThat(with.getDouble(i)).as("padding sees nothing").isZero();
    }
  }

  /** Tiles of the second pass that did not fit are made again, to the same bits. */
  @Test
  void whatIsKeptBetweenPassesDoesNotShow() {
    final int n = 9000;
    final Tensor q = normal(20, DType.F32, 1, 1, 64, 4);
    final Tensor k = normal(21, DType.F32, 1, 1, n, 4);
    final Tensor v = normal(22, DType.F32, 1, 1, n, 4);
    final Tensor all = reweighted(q, k, v, Reweighting.defaults(), 0, AttentionOptions.defaults());
    // Fewer queries in a part leave room for more keys.
    for (int i = 0; i < 64; i += 16) {
      final Tensor some =
          reweighted(
              q.slice(2, i, i + 16), k, v, Reweighting.defaults(), 0, AttentionOptions.defaults());
      assertThat(some.toFloatArray()).isEqualTo(all.slice(2, i, i + 16).toFloatArray());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64"})
  void anInfiniteBiasAndANanMakeTheirQueryNan(DType dtype) {
    final Tensor q = normal(23, dtype, 1, 1, 6, 4);
    final Tensor k = normal(24, dtype, 1, 1, 6, 4);
    final Tensor v = normal(25, dtype, 1, 1, 6, 4);
    final Tensor bias = Tensor.zeros(dtype, 6, 6);
    bias.setDouble(2 * 6 + 1, Double.POSITIVE_INFINITY);
    bias.setDouble(4 * 6 + 3, Double.NaN);
    for (final double p : new double[] {15, 2.5}) {
      final Tensor o = reweighted(q, k, v, new Reweighting(p, true), 0, CAUSAL.withBias(bias));
      for (int i = 0; i < 24; i++) {
        assertThat(Double.isNaN(o.getDouble(i)))
            .as("p = %s, query %d", p, i / 4)
            .isEqualTo(i / 4 == 2 || i / 4 == 4);
      }
    }
    final Tensor o = softplus(q, k, v, 0, CAUSAL.withBias(bias));
    for (int i = 0; i < 24; i++) {
      assertThat(Double.isNaN(o.getDouble(i))).isEqualTo(i / 4 == 2 || i / 4 == 4);
    }
  }

  @Test
  void aVectorWithoutADirectionGetsNoGradient() {
    final Tensor q = normal(26, DType.F32, 1, 1, 5, 4);
    final Tensor k = normal(27, DType.F32, 1, 1, 5, 4);
    final Tensor v = normal(28, DType.F32, 1, 1, 5, 4);
    for (int c = 0; c < 4; c++) {
      k.setDouble(4 + c, 0);
      q.setDouble(8 + c, 1e-20);
    }
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(v);
    SoftplusAttention.vjp(q, k, v, normal(29, DType.F32, 1, 1, 5, 4), dq, dk, dv, 0, CAUSAL);
    for (int c = 0; c < 4; c++) {
      assertThat(dk.getDouble(4 + c)).isZero();
      assertThat(dq.getDouble(8 + c)).isZero();
    }
    assertThat(dk.toFloatArray()[0]).isNotZero().isFinite();
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Tensor x = Tensor.zeros(DType.F32, 1, 1, 2, 3);
    final Tensor o = Tensor.zeros(DType.F32, 1, 1, 2, 3);
    assertThatThrownBy(() -> new Reweighting(0.5, true))
        .hasMessage("p is 0.5; expected a number in [1, 1000]");
    assertThatThrownBy(() -> SoftplusAttention.apply(x, x, x, o, -1, CAUSAL))
        .hasMessage("keysBefore is -1; expected 0 or more");
    assertThatThrownBy(
            () -> ReweightedSoftplusAttention.apply(x, x, x, x, Reweighting.defaults(), CAUSAL))
        .hasMessageContaining("o shares memory with q");
  }

  @Tag("allocation")
  @Test
  void callsAllocateNothing() {
    final Tensor q = normal(30, DType.F32, 1, 2, 70, 16);
    final Tensor token = normal(31, DType.F32, 1, 2, 1, 16);
    final Tensor k = normal(32, DType.F32, 1, 2, 150, 16);
    final Tensor v = normal(33, DType.F32, 1, 2, 150, 16);
    final Tensor o = Tensor.zerosLike(q);
    final Tensor one = Tensor.zerosLike(token);
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(v);
    final Reweighting byExponent = new Reweighting(7.5, true);
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  SoftplusAttention.apply(q, k, v, o, CAUSAL);
                  ReweightedSoftplusAttention.apply(q, k, v, o, Reweighting.defaults(), CAUSAL);
                  ReweightedSoftplusAttention.apply(q, k, v, o, byExponent, CAUSAL);
                }))
        .as("bytes a call")
        .isZero();
    assertThat(
            SteadyState.bytesPerCall(
                () ->
                    ReweightedSoftplusAttention.apply(
                        token, k, v, one, Reweighting.defaults(), CAUSAL)))
        .as("bytes a token")
        .isZero();
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  SoftplusAttention.vjp(q, k, v, o, dq, dk, dv, 0, CAUSAL);
                  ReweightedSoftplusAttention.vjp(
                      q, k, v, o, dq, dk, dv, Reweighting.defaults(), 0, CAUSAL);
                }))
        .as("bytes a gradient")
        .isZero();
  }
}
