package io.steelyard.kernels.attention;

import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Fused attentions against the meaning in double: shapes, masks, memory, edges, laws. */
class AttentionTest {

  private static final float INF = Float.POSITIVE_INFINITY;

  /** An attention under its name, and how many roundings a weight of it may be off by. */
  record Named(String name, Function function, double roundings) {

    @Override
    public String toString() {
      return name;
    }
  }

  /** An attention. */
  interface Function {

    void apply(Tensor q, Tensor k, Tensor v, Tensor o, AttentionOptions options);
  }

  static Stream<Named> attentions() {
    return Stream.of(
        new Named("softmax-attention", SoftmaxAttention::apply, 64),
        new Named("gaussian-attention", GaussianAttention::apply, 64),
        new Named(
            "sigmoid-attention", (q, k, v, o, p) -> SigmoidAttention.apply(q, k, v, o, -3, p), 64),
        new Named(
            "selective-attention",
            (q, k, v, o, p) -> SelectiveAttention.apply(q, k, v, temperatures(q, k), o, p),
            96),
        new Named("softplus-attention", SoftplusAttention::apply, 64),
        reweighted(1),
        reweighted(15),
        reweighted(7.5),
        new Named(
            "reweighted-softplus-attention without a shift",
            (q, k, v, o, p) ->
                ReweightedSoftplusAttention.apply(q, k, v, o, new Reweighting(15, false), p),
            64 * 15));
  }

  /** A power multiplies what its base is off by. */
  private static Named reweighted(double power) {
    return new Named(
        "reweighted-softplus-attention, p = " + power,
        (q, k, v, o, p) ->
            ReweightedSoftplusAttention.apply(q, k, v, o, new Reweighting(power, true), p),
        64 * power);
  }

  /** Between 0.5 and 1.5, from their places. */
  private static Temperatures temperatures(Tensor q, Tensor k) {
    return Temperatures.of(wave(q), wave(k));
  }

  private static Tensor wave(Tensor tokens) {
    final Tensor wave = Tensor.zeros(tokens.dtype(), tokens.dim(0), tokens.dim(1), tokens.dim(2));
    for (int i = 0; i < wave.size(); i++) {
      wave.setDouble(i, (float) (1 + 0.5 * Math.sin(i)));
    }
    return wave;
  }

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static Tensor normal(RandomGenerator random, double spread, int... shape) {
    final long[] extents = Arrays.stream(shape).asLongStream().toArray();
    final float[] data = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) (random.nextGaussian() * spread);
    }
    return Tensor.of(data, extents);
  }

  private static float[] filled(int length) {
    final float[] data = new float[length];
    Arrays.fill(data, Float.NaN);
    return data;
  }

  private static float[] apply(
      Named attention, Tensor q, Tensor k, Tensor v, AttentionOptions options) {
    final int length = (int) (q.dim(0) * q.dim(1) * q.dim(2) * v.dim(3));
    final float[] o = filled(length);
    attention
        .function()
        .apply(q, k, v, Tensor.of(o, q.dim(0), q.dim(1), q.dim(2), v.dim(3)), options);
    return o;
  }

  private static double[] meaning(
      Named attention, Tensor q, Tensor k, Tensor v, AttentionOptions options) {
    final Tensor o = Tensor.zeros(DType.F64, q.dim(0), q.dim(1), q.dim(2), v.dim(3));
    attention
        .function()
        .apply(
            q.to(DType.F64),
            k.to(DType.F64),
            v.to(DType.F64),
            o,
            new AttentionOptions(
                options.mask(),
                options.bias().map(b -> b.to(DType.F64)),
                options.slopes().map(s -> s.to(DType.F64)),
                options.scale(),
                options.threads()));
    return o.toDoubleArray();
  }

  private static void assertClose(float[] actual, double[] exact, double tolerance, String what) {
    for (int i = 0; i < exact.length; i++) {
      assertWithin(actual[i], exact[i], tolerance, what, i);
    }
  }

  /**
   * Errors are measured against what would be added up if all values were positive: scores and sums
   * of terms that cancel are good to some rounding errors of that, and not of the result.
   */
  private static void check(
      Named attention, Tensor q, Tensor k, Tensor v, AttentionOptions options, String what) {
    final float[] actual = apply(attention, q, k, v, options);
    final int width = (int) v.dim(3);
    final float[] values = v.toFloatArray();
    final float[] beside = new float[2 * values.length];
    for (int i = 0; i < values.length; i++) {
      final int at = i / width * 2 * width + i % width;
      beside[at] = values[i];
      beside[at + width] = Math.abs(values[i]);
    }
    final Tensor both = Tensor.of(beside, v.dim(0), v.dim(1), v.dim(2), 2L * width);
    final double[] exact = meaning(attention, q, k, both, options);
    for (int i = 0; i < actual.length; i++) {
      final int at = i / width * 2 * width + i % width;
      final double mass = exact[at + width];
      assertWithin(actual[i], exact[at], attention.roundings * 0x1p-24 * mass, what, i);
    }
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void agreesWithTheMeaningAtAwkwardShapes(Named attention) {
    final int[][] shapes = {
      // B, H, Hk, Tq, Tk, D, Dv
      {1, 1, 1, 1, 1, 1, 1},
      {1, 1, 1, 3, 2, 2, 5},
      {2, 3, 3, 5, 7, 4, 4},
      {1, 4, 2, 33, 65, 8, 12},
      {1, 6, 1, 17, 129, 13, 3},
      {1, 2, 1, 50, 300, 64, 64},
      {1, 1, 1, 257, 129, 24, 40},
      {1, 2, 2, 31, 513, 7, 9},
      // few queries: decoding
      {2, 4, 2, 1, 3000, 64, 64},
      {1, 3, 1, 2, 1025, 13, 21},
      {1, 1, 1, 1, 9_001, 24, 80},
    };
    for (final int[] s : shapes) {
      for (final boolean causal : new boolean[] {false, true}) {
        final RandomGenerator random = random(Arrays.hashCode(s));
        check(
            attention,
            normal(random, 1, s[0], s[1], s[3], s[5]),
            normal(random, 1, s[0], s[2], s[4], s[5]),
            normal(random, 1, s[0], s[2], s[4], s[6]),
            causal ? AttentionOptions.causal() : AttentionOptions.defaults(),
            attention + " " + Arrays.toString(s) + (causal ? " causal" : ""));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void keepsMasksBiasesAndSlopes(Named attention) {
    final RandomGenerator random = random(5);
    final int[] s = {2, 4, 2, 35, 150, 16, 16};
    final Tensor q = normal(random, 1, s[0], s[1], s[3], s[5]);
    final Tensor k = normal(random, 1, s[0], s[2], s[4], s[5]);
    final Tensor v = normal(random, 1, s[0], s[2], s[4], s[6]);
    final boolean[] keep = new boolean[s[0] * s[3] * s[4]];
    for (int i = 0; i < keep.length; i++) {
      keep[i] = random.nextInt(3) > 0 && i / s[4] != 3; // query 3 sees nothing
    }
    final Tensor flags = Tensor.of(keep, s[0], 1, s[3], s[4]);
    final Tensor lengths = Tensor.of(new int[] {150, 40}, s[0], 1, 1, 1);
    final Tensor bias = normal(random, 1, 1, s[1], s[3], s[4]);
    for (int i = 0; i < 500; i++) {
      bias.floatArray().orElseThrow()[random.nextInt((int) bias.size())] = -INF;
    }
    final Tensor row = normal(random, 1, s[4]);
    final boolean[] late = new boolean[s[4]];
    Arrays.fill(late, 128, s[4], true); // a whole block of keys that nobody sees
    final boolean[] queries = new boolean[s[0] * s[3]];
    for (int i = 0; i < queries.length; i++) {
      queries[i] = random.nextBoolean();
    }
    final Tensor turned = Tensor.of(keep, s[0], 1, s[4], s[3]).transpose(2, 3);
    final Tensor slopes = Tensor.of(new float[] {0.5f, 0.25f, 0.125f, 0}, 4);
    final AttentionOptions defaults = AttentionOptions.defaults();
    final AttentionOptions[] all = {
      defaults.withMask(Mask.keep(flags)),
      defaults.withMask(Mask.keep(Tensor.of(late, s[4]))),
      defaults.withMask(Mask.keep(Tensor.of(queries, s[0], 1, s[3], 1)).and(Mask.keep(turned))),
      defaults.withMask(Mask.lengths(lengths)),
      defaults.withMask(Mask.causal().and(Mask.keep(flags)).and(Mask.lengths(lengths))),
      defaults.withBias(bias),
      defaults.withBias(row),
      defaults.withSlopes(slopes),
      defaults.withSlopes(slopes).withBias(bias).withMask(Mask.causal()).withScale(0.7),
      // Squared distances have no sign to turn round.
      defaults.withScale(attention.name().equals("gaussian-attention") ? 2 : -2),
    };
    for (int i = 0; i < all.length; i++) {
      check(attention, q, k, v, all[i], attention + ", options " + i);
    }
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void whatIsNotSeenNeverLeaks(Named attention) {
    final RandomGenerator random = random(6);
    final int t = 140;
    final Tensor q = normal(random, 1, 1, 1, t, 8);
    final Tensor k = normal(random, 1, 1, 1, t, 8);
    final Tensor v = normal(random, 1, 1, 1, t, 8);
    final float[] expected = apply(attention, q, k, v, AttentionOptions.causal());
    // The last key is seen by the last query alone.
    for (final float poison : new float[] {Float.NaN, INF, -INF, 1e30f}) {
      Arrays.fill(k.floatArray().orElseThrow(), (t - 1) * 8, t * 8, poison);
      Arrays.fill(v.floatArray().orElseThrow(), (t - 1) * 8, t * 8, poison);
      final float[] actual = apply(attention, q, k, v, AttentionOptions.causal());
      assertThat(Arrays.copyOf(actual, (t - 1) * 8))
          .as("%s, %s under the mask", attention, poison)
          .isEqualTo(Arrays.copyOf(expected, (t - 1) * 8));
    }
    Arrays.fill(k.floatArray().orElseThrow(), (t - 1) * 8, t * 8, Float.NaN);
    final boolean[] triangle = new boolean[t * t];
    final float[] added = new float[t * t];
    for (int i = 0; i < triangle.length; i++) {
      triangle[i] = i % t <= i / t;
      added[i] = triangle[i] ? 0 : -INF;
    }
    for (final AttentionOptions same :
        List.of(
            AttentionOptions.defaults().withMask(Mask.keep(Tensor.of(triangle, t, t))),
            AttentionOptions.defaults().withBias(Tensor.of(added, t, t)))) {
      assertThat(Arrays.copyOf(apply(attention, q, k, v, same), (t - 1) * 8))
          .as("%s, NaN under flags or added -inf", attention)
          .isEqualTo(Arrays.copyOf(expected, (t - 1) * 8));
    }
    final float[] actual = apply(attention, q, k, v, AttentionOptions.causal());
    for (int c = 0; c < 8; c++) {
      assertThat(actual[(t - 1) * 8 + c]).as("%s, a NaN that is seen", attention).isNaN();
    }
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void isTheSameBitsForEveryMemoryAndThreadCount(Named attention) {
    final RandomGenerator random = random(7);
    final Tensor q = normal(random, 1, 2, 3, 150, 20);
    final Tensor k = normal(random, 1, 2, 3, 200, 20);
    final Tensor v = normal(random, 1, 2, 3, 200, 12);
    final float[] expected = apply(attention, q, k, v, AttentionOptions.causal().withThreads(1));
    assertThat(apply(attention, q, k, v, AttentionOptions.causal()))
        .as("%s, all threads", attention)
        .isEqualTo(expected);
    try (Arena arena = Arena.ofShared()) {
      final Tensor o = Tensor.of(arena.allocate(4L * expected.length), DType.F32, 2, 3, 150, 12);
      attention
          .function()
          .apply(
              nativeCopy(arena, q),
              nativeCopy(arena, k),
              nativeCopy(arena, v),
              o,
              AttentionOptions.causal());
      assertThat(o.toFloatArray()).as("%s, native memory", attention).isEqualTo(expected);
    }
    // [B, T, H, D] in memory, read as [B, H, T, D].
    final float[] out = filled(expected.length);
    attention
        .function()
        .apply(
            interleaved(q),
            interleaved(k),
            interleaved(v),
            Tensor.of(out, 2, 3, 150, 12),
            AttentionOptions.causal());
    assertThat(out).as("%s, heads innermost but one", attention).isEqualTo(expected);
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
  @MethodSource("attentions")
  void largeScoresStayFinite(Named attention) {
    final RandomGenerator random = random(8);
    final Tensor q = normal(random, 30, 1, 2, 64, 16);
    final Tensor k = normal(random, 30, 1, 2, 300, 16);
    final Tensor v = normal(random, 1, 1, 2, 300, 16);
    final float[] o = apply(attention, q, k, v, AttentionOptions.defaults());
    final double[] exact = meaning(attention, q, k, v, AttentionOptions.defaults());
    // A score of some thousands is good to some 1e-4, and so is its weight.
    assertClose(o, exact, 1e-2, attention + ", large scores");
  }

  @Test
  void sigmoidAddsUpOverDisjointKeys() {
    final RandomGenerator random = random(9);
    final Tensor q = normal(random, 1, 1, 2, 40, 8);
    final Tensor k = normal(random, 1, 1, 2, 90, 8);
    final Tensor v = normal(random, 1, 1, 2, 90, 8);
    final Named sigmoid =
        attentions().filter(a -> a.name().equals("sigmoid-attention")).findFirst().orElseThrow();
    final float[] all = apply(sigmoid, q, k, v, AttentionOptions.defaults());
    final float[] head =
        apply(sigmoid, q, k.slice(2, 0, 37), v.slice(2, 0, 37), AttentionOptions.defaults());
    final float[] tail =
        apply(sigmoid, q, k.slice(2, 37, 90), v.slice(2, 37, 90), AttentionOptions.defaults());
    for (int i = 0; i < all.length; i++) {
      assertThat((double) head[i] + tail[i])
          .isCloseTo(all[i], org.assertj.core.data.Offset.offset(1e-5));
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Tensor q = Tensor.zeros(DType.F32, 1, 3, 4, 8);
    final Tensor k = Tensor.zeros(DType.F32, 1, 2, 5, 8);
    final Tensor v = Tensor.zeros(DType.F32, 1, 2, 5, 8);
    final Tensor o = Tensor.zeros(DType.F32, 1, 3, 4, 8);
    assertThatThrownBy(() -> SoftmaxAttention.apply(q, k, v, o))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("k is")
        .hasMessageContaining("divides the 3 of q");
    assertThatThrownBy(() -> SoftmaxAttention.apply(q, q, q, q))
        .hasMessageContaining("o shares memory with q");
    assertThatThrownBy(() -> SoftmaxAttention.apply(q, q, q, Tensor.zeros(DType.F32, 1, 3, 4, 7)))
        .hasMessageContaining("o is")
        .hasMessageContaining("[1, 3, 4, 8]");
    assertThatThrownBy(
            () ->
                SoftmaxAttention.apply(
                    q,
                    q,
                    q,
                    o,
                    AttentionOptions.defaults().withBias(Tensor.zeros(DType.F32, 3, 5))))
        .hasMessageContaining("bias is");
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void noQueriesGiveNothingAndNoKeysGiveZeros(Named attention) {
    final Tensor none = Tensor.zeros(DType.F32, 1, 2, 0, 4);
    final Tensor some = Tensor.zeros(DType.F32, 1, 2, 3, 4);
    assertThat(apply(attention, none, some, some, AttentionOptions.defaults())).isEmpty();
    assertThat(apply(attention, some, none, none, AttentionOptions.defaults()))
        .containsOnly(0f)
        .hasSize(24);
  }
}
