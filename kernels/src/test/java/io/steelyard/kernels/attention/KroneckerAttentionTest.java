package io.steelyard.kernels.attention;

import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Attention to pairs of keys: kernels against the meaning, laws, masks, edges, gradients. */
class KroneckerAttentionTest {

  private static final Operator OPERATOR = Operators.named("kronecker-attention");
  private static final List<String> INPUTS = List.of("q", "k1", "k2", "v1", "v2");

  /** The tensors of a call. */
  record Call(Tensor q, Tensor k1, Tensor k2, Tensor v1, Tensor v2) {

    static Call of(long seed, double spread, int b, int h, int tq, int t1, int t2, int d, int dv) {
      return new Call(
          normal(seed, spread, b, h, tq, d),
          normal(seed + 1, spread, b, h, t1, d),
          normal(seed + 2, spread, b, h, t2, d),
          normal(seed + 3, 1, b, h, t1, dv),
          normal(seed + 4, 1, b, h, t2, dv));
    }

    Call exact() {
      return new Call(
          q.to(DType.F64), k1.to(DType.F64), k2.to(DType.F64), v1.to(DType.F64), v2.to(DType.F64));
    }

    Call exchanged() {
      return new Call(q, k2, k1, v2, v1);
    }

    Call positive() {
      return new Call(q, k1, k2, magnitudes(v1), magnitudes(v2));
    }

    Tensor output() {
      return Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2), v1.dim(3));
    }

    Tensor apply(KroneckerOptions options) {
      final Tensor o = output();
      for (long i = 0; i < o.size(); i++) {
        o.setDouble(i, Double.NaN);
      }
      KroneckerAttention.apply(q, k1, k2, v1, v2, o, options);
      return o;
    }

    Map<String, Tensor> named() {
      final Map<String, Tensor> named = new LinkedHashMap<>();
      named.put("q", q);
      named.put("k1", k1);
      named.put("k2", k2);
      named.put("v1", v1);
      named.put("v2", v2);
      return named;
    }
  }

  private static Tensor magnitudes(Tensor x) {
    final float[] data = x.toFloatArray();
    for (int i = 0; i < data.length; i++) {
      data[i] = Math.abs(data[i]);
    }
    return Tensor.of(data, x.shape());
  }

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static Tensor normal(long seed, double spread, long... shape) {
    final RandomGenerator random = random(seed);
    final float[] data = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) (random.nextGaussian() * spread);
    }
    return Tensor.of(data, shape);
  }

  private static Tensor flags(long seed, long... shape) {
    final RandomGenerator random = random(seed);
    final boolean[] flags = new boolean[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < flags.length; i++) {
      flags[i] = random.nextInt(3) > 0;
    }
    return Tensor.of(flags, shape);
  }

  /** Errors are measured against what would be added up if all values were positive. */
  private static void check(Call call, KroneckerOptions options, String what) {
    final float[] actual = call.apply(options).toFloatArray();
    final double[] exact = call.exact().apply(options).toDoubleArray();
    final double[] mass = call.positive().exact().apply(options).toDoubleArray();
    for (int i = 0; i < exact.length; i++) {
      assertWithin(actual[i], exact[i], 64 * 0x1p-24 * mass[i], what, i);
    }
  }

  @Test
  void agreesWithTheMeaningAtAwkwardShapes() {
    final int[][] shapes = {
      // B, H, Tq, T1, T2, D, Dv
      {1, 1, 1, 1, 1, 1, 1},
      {2, 3, 5, 7, 4, 4, 2},
      {1, 2, 3, 33, 65, 8, 12},
      {1, 1, 9, 70, 129, 13, 3},
      {1, 1, 4, 129, 31, 5, 20},
      {1, 1, 5, 64, 128, 32, 32},
    };
    for (final int[] s : shapes) {
      final Call call = Call.of(Arrays.hashCode(s), 1, s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
      final String what = Arrays.toString(s);
      check(call, KroneckerOptions.defaults(), what);
      check(call, KroneckerOptions.causal(), what + " causal");
      check(call, KroneckerOptions.defaults().withScale(-0.3), what + " scale -0.3");
    }
  }

  @Test
  void keepsMasks() {
    final Call call = Call.of(1, 1, 2, 2, 6, 40, 150, 6, 5);
    final boolean[] keep = new boolean[6 * 40];
    Arrays.fill(keep, true);
    Arrays.fill(keep, 3 * 40, 4 * 40, false); // query 3 sees no key of the first kind
    final Mask first = Mask.keep(flags(2, 2, 1, 6, 40));
    final Mask second = Mask.keep(flags(3, 2, 6, 150));
    final Mask nothing = Mask.keep(Tensor.of(keep, 6, 40));
    final Mask lengths = Mask.lengths(Tensor.of(new int[] {150, 40}, 2, 1, 1, 1));
    final KroneckerOptions defaults = KroneckerOptions.defaults();
    final KroneckerOptions[] all = {
      defaults.withMasks(first, Mask.none()),
      defaults.withMasks(Mask.none(), second),
      defaults.withMasks(first.and(Mask.causal()), second.and(Mask.causal())),
      defaults.withMasks(nothing, second),
      defaults.withMasks(Mask.none(), lengths),
      defaults.withMasks(first, second.and(lengths)),
    };
    for (int i = 0; i < all.length; i++) {
      check(call, all[i], "masks " + i);
    }
    final float[] o = call.apply(all[3]).toFloatArray();
    assertThat(Arrays.copyOfRange(o, 3 * 5, 4 * 5)).containsOnly(0f);
  }

  @Test
  void largeScoresStayFinite() {
    final Call call = Call.of(4, 12, 1, 1, 6, 50, 140, 8, 4);
    final float[] actual = call.apply(KroneckerOptions.defaults()).toFloatArray();
    final double[] exact = call.exact().apply(KroneckerOptions.defaults()).toDoubleArray();
    for (int i = 0; i < exact.length; i++) {
      // A score of some thousands is good to some 1e-3, and so is its weight.
      assertThat((double) actual[i]).isCloseTo(exact[i], offset(2e-2));
    }
  }

  @Test
  void exchangingTheKindsChangesNothing() {
    final Call call = Call.of(5, 1, 1, 2, 4, 20, 37, 6, 3).exact();
    final double[] there = call.apply(KroneckerOptions.defaults()).toDoubleArray();
    final double[] back = call.exchanged().apply(KroneckerOptions.defaults()).toDoubleArray();
    for (int i = 0; i < there.length; i++) {
      assertThat(back[i]).isCloseTo(there[i], offset(1e-14));
    }
  }

  @Test
  void aSecondKindOfOnesIsSoftmaxAttention() {
    for (final DType dtype : new DType[] {DType.F32, DType.F64}) {
      final Tensor q = normal(6, 1, 1, 2, 10, 6).to(dtype);
      final Tensor k = normal(7, 1, 1, 2, 70, 6).to(dtype);
      final Tensor v = normal(8, 1, 1, 2, 70, 4).to(dtype);
      final Tensor ones = Tensor.zeros(dtype, 1, 2, 3, 6);
      for (long i = 0; i < ones.size(); i++) {
        ones.setDouble(i, 1);
      }
      final Tensor expected = Tensor.zeros(dtype, 1, 2, 10, 4);
      SoftmaxAttention.apply(q, k, v, expected, AttentionOptions.defaults().withScale(0.8));
      final Tensor o =
          new Call(q, k, ones, v, ones.slice(3, 0, 4))
              .apply(KroneckerOptions.defaults().withScale(0.8));
      for (int i = 0; i < expected.size(); i++) {
        assertThat(o.getDouble(i))
            .isCloseTo(expected.getDouble(i), offset(dtype == DType.F32 ? 2e-6 : 1e-14));
      }
    }
  }

  @Test
  void outputsAreInTheHullOfProductsOfValues() {
    final Call call = Call.of(9, 2, 1, 1, 20, 11, 9, 4, 5);
    final float[] o = call.apply(KroneckerOptions.defaults()).toFloatArray();
    for (int c = 0; c < 5; c++) {
      double least = Double.POSITIVE_INFINITY;
      double most = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < 11; j++) {
        for (int k = 0; k < 9; k++) {
          final double product = call.v1().get(0, 0, j, c) * call.v2().get(0, 0, k, c);
          least = Math.min(least, product);
          most = Math.max(most, product);
        }
      }
      for (int i = 0; i < 20; i++) {
        assertThat((double) o[i * 5 + c]).isBetween(least - 1e-5, most + 1e-5);
      }
    }
  }

  @Test
  void whatIsNotSeenNeverLeaks() {
    final Call call = Call.of(10, 1, 1, 1, 40, 40, 40, 4, 3);
    final float[] expected = call.apply(KroneckerOptions.causal()).toFloatArray();
    final boolean[] keep = new boolean[40];
    Arrays.fill(keep, true);
    keep[39] = false;
    final Mask mask = Mask.keep(Tensor.of(keep, 40));
    final KroneckerOptions masked = KroneckerOptions.defaults().withMasks(mask, mask);
    final float[] maskedExpected = call.apply(masked).toFloatArray();
    for (final float poison :
        new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e30f}) {
      for (final Tensor tensor : List.of(call.k1(), call.k2(), call.v1(), call.v2())) {
        final float[] data = tensor.floatArray().orElseThrow();
        final int extent = (int) tensor.dim(3);
        Arrays.fill(data, 39 * extent, 40 * extent, poison);
      }
      final float[] actual = call.apply(KroneckerOptions.causal()).toFloatArray();
      assertThat(Arrays.copyOf(actual, 39 * 3)).isEqualTo(Arrays.copyOf(expected, 39 * 3));
      assertThat(call.apply(masked).toFloatArray()).isEqualTo(maskedExpected);
      if (Float.isNaN(poison)) {
        assertThat(actual[39 * 3]).isNaN();
      }
    }
  }

  @Test
  void isTheSameBitsForEveryMemoryAndThreadCount() {
    final Call call = Call.of(11, 1, 2, 2, 9, 50, 140, 7, 5);
    final float[] expected = call.apply(KroneckerOptions.causal().withThreads(1)).toFloatArray();
    assertThat(call.apply(KroneckerOptions.causal()).toFloatArray()).isEqualTo(expected);
    try (Arena arena = Arena.ofShared()) {
      final Call copy =
          new Call(
              nativeCopy(arena, call.q()),
              nativeCopy(arena, call.k1()),
              nativeCopy(arena, call.k2()),
              nativeCopy(arena, call.v1()),
              nativeCopy(arena, call.v2()));
      assertThat(copy.apply(KroneckerOptions.causal()).toFloatArray()).isEqualTo(expected);
    }
    // Everything seen through a mask is gathered, and gives the same bits.
    final boolean[] all = new boolean[140];
    Arrays.fill(all, true);
    final KroneckerOptions gathered =
        KroneckerOptions.causal()
            .withMasks(Mask.causal(), Mask.causal().and(Mask.keep(Tensor.of(all, 140))));
    assertThat(call.apply(gathered).toFloatArray()).isEqualTo(expected);
  }

  private static Tensor nativeCopy(Arena arena, Tensor tensor) {
    final Tensor copy = Tensor.of(arena.allocate(4 * tensor.size()), DType.F32, tensor.shape());
    for (long i = 0; i < tensor.size(); i++) {
      copy.setDouble(i, tensor.getDouble(i));
    }
    return copy;
  }

  @Test
  void logSumsAreThoseOfTheScores() {
    final Call call = Call.of(12, 1, 1, 1, 3, 5, 6, 4, 2);
    final boolean[] keep = new boolean[3 * 5];
    Arrays.fill(keep, 0, 10, true); // the last query sees nothing
    final KroneckerOptions options =
        KroneckerOptions.defaults().withMasks(Mask.keep(Tensor.of(keep, 3, 5)), Mask.none());
    final Tensor lse = Tensor.zeros(DType.F32, 1, 1, 3);
    KroneckerAttention.apply(
        call.q(), call.k1(), call.k2(), call.v1(), call.v2(), call.output(), lse, options);
    for (int i = 0; i < 2; i++) {
      double sum = 0;
      for (int j = 0; j < 5; j++) {
        for (int k = 0; k < 6; k++) {
          double score = 0;
          for (int c = 0; c < 4; c++) {
            score +=
                call.q().get(0, 0, i, c) * call.k1().get(0, 0, j, c) * call.k2().get(0, 0, k, c);
          }
          sum += Math.exp(score / 4);
        }
      }
      assertThat(lse.getDouble(i)).isCloseTo(Math.log(sum), offset(1e-6));
    }
    assertThat(lse.getDouble(2)).isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @Test
  void gradientsOfTheMeaningAgreeWithCentralDifferences() {
    final Call call = Call.of(13, 1, 1, 2, 3, 4, 5, 3, 2).exact();
    final Map<String, Tensor> inputs = call.named();
    inputs.put("mask2", flags(14, 3, 5));
    final Tensor cotangent = normal(15, 1, 1, 2, 3, 2).to(DType.F64);
    final Map<String, Object> settings = Map.of("causal", true, "scale", 0.7);
    final Map<String, Tensor> given = new LinkedHashMap<>(inputs);
    given.put("do", cotangent);
    final Map<String, Tensor> gradients = OPERATOR.applyVjp(given, settings);
    for (final String name : INPUTS) {
      final Tensor x = inputs.get(name);
      for (int i = 0; i < x.size(); i++) {
        final double at = x.getDouble(i);
        x.setDouble(i, at + 1e-5);
        final double above = loss(inputs, settings, cotangent);
        x.setDouble(i, at - 1e-5);
        final double below = loss(inputs, settings, cotangent);
        x.setDouble(i, at);
        assertThat(gradients.get("d" + name).getDouble(i))
            .as("d%s[%d]", name, i)
            .isCloseTo((above - below) / 2e-5, offset(1e-8));
      }
    }
  }

  private static double loss(
      Map<String, Tensor> inputs, Map<String, ?> settings, Tensor cotangent) {
    final Tensor o = OPERATOR.apply(inputs, settings).get("o");
    double loss = 0;
    for (int i = 0; i < o.size(); i++) {
      loss += o.getDouble(i) * cotangent.getDouble(i);
    }
    return loss;
  }

  @Test
  void gradientsAreThoseWrittenDown() {
    final Map<String, Tensor> call = new LinkedHashMap<>();
    call.put("q", Tensor.of(new double[] {1, .5, -1, 2}, 1, 1, 2, 2));
    call.put("k1", Tensor.of(new double[] {.5, 1, 1, -1}, 1, 1, 2, 2));
    call.put("k2", Tensor.of(new double[] {1, 2, .5, -.5}, 1, 1, 2, 2));
    call.put("v1", Tensor.of(new double[] {1, 2}, 1, 1, 2, 1));
    call.put("v2", Tensor.of(new double[] {1, -1}, 1, 1, 2, 1));
    call.put("do", Tensor.of(new double[] {1, 1}, 1, 1, 2, 1));
    final Map<String, double[]> expected =
        Map.of(
            "dq", new double[] {0.1113346746, -0.0729042551, 0.0163282467, 0.3823609902},
            "dk1", new double[] {-0.0773340215, 1.2044540923, 0.1336734387, 0.4761842393},
            "dk2", new double[] {0.1400318512, 0.4611191765, -0.0900508466, 0.3879370001},
            "dv1", new double[] {0.8822013368, -0.2386506613},
            "dv2", new double[] {1.5119660779, 1.1070660636});
    final Map<String, Tensor> gradients = OPERATOR.applyVjp(call, Map.of("scale", 0.5));
    expected.forEach(
        (name, numbers) -> {
          for (int i = 0; i < numbers.length; i++) {
            assertThat(gradients.get(name).getDouble(i)).isCloseTo(numbers[i], offset(1e-9));
          }
        });
  }

  @Test
  void gradientsOfTheKernelAgreeWithTheMeaning() {
    final int[][] shapes = {
      {1, 1, 1, 1, 1, 1, 1},
      {2, 2, 5, 7, 4, 4, 2},
      {1, 1, 20, 40, 140, 9, 6},
      {1, 2, 40, 33, 20, 16, 32},
    };
    for (final int[] s : shapes) {
      for (final boolean causal : new boolean[] {false, true}) {
        final Call call = Call.of(Arrays.hashCode(s), 1, s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
        final Map<String, Tensor> inputs = call.named();
        if (!causal) {
          inputs.put("mask1", flags(16, s[2], s[3]));
          inputs.put("mask2", flags(17, s[2], s[4]));
        }
        inputs.put("do", normal(18, 1, s[0], s[1], s[2], s[6]));
        final Map<String, Tensor> doubles = new LinkedHashMap<>(inputs);
        doubles.replaceAll((_, x) -> x.dtype() == DType.F32 ? x.to(DType.F64) : x);
        final Map<String, Object> settings = Map.of("causal", causal);
        final Map<String, Tensor> actual = OPERATOR.applyVjp(inputs, settings);
        OPERATOR
            .applyVjp(doubles, settings)
            .forEach(
                (name, exact) -> {
                  final double largest =
                      Arrays.stream(exact.toDoubleArray()).map(Math::abs).max().orElse(0);
                  final String what = Arrays.toString(s) + " causal " + causal + ", " + name;
                  final double allowed = 4e-6 * Math.max(1, largest);
                  for (int i = 0; i < exact.size(); i++) {
                    assertWithin(
                        actual.get(name).getDouble(i), exact.getDouble(i), allowed, what, i);
                  }
                });
      }
    }
  }

  @Test
  void gradientsOfTheKernelAreTheSameForEveryThreadCountAndHideWhatIsNotSeen() {
    final Call call = Call.of(19, 1, 1, 2, 40, 40, 40, 5, 4);
    final Map<String, Tensor> inputs = call.named();
    inputs.put("do", normal(20, 1, 1, 2, 40, 4));
    final Map<String, Tensor> one = OPERATOR.applyVjp(inputs, Map.of("causal", true, "threads", 1));
    final Map<String, Tensor> all = OPERATOR.applyVjp(inputs, Map.of("causal", true));
    one.forEach((name, x) -> assertThat(all.get(name).toFloatArray()).isEqualTo(x.toFloatArray()));
    // The last key of either kind is seen by the last query alone.
    for (final String name : List.of("k1", "k2", "v1", "v2")) {
      final Tensor x = inputs.get(name);
      for (int c = 0; c < x.dim(3); c++) {
        x.setDouble(39 * x.dim(3) + c, Double.NaN);
      }
    }
    final float[] dq = OPERATOR.applyVjp(inputs, Map.of("causal", true)).get("dq").toFloatArray();
    assertThat(Arrays.copyOf(dq, 39 * 5))
        .isEqualTo(Arrays.copyOf(one.get("dq").toFloatArray(), 39 * 5));
    assertThat(dq[39 * 5]).isNaN();
  }

  @Test
  void anExplicitHeadFindsTriplesThatAddUpToZero() {
    final RandomGenerator random = random(21);
    for (int trial = 0; trial < 300; trial++) {
      final int n = 1 + random.nextInt(16);
      final int m = 5 + random.nextInt(56);
      final int[] x = random.ints(n, 0, m).toArray();
      final double gap = 1 - Math.cos(2 * Math.PI / m);
      final double beta = 4 * Math.log(4.0 * (n + 1) * (n + 1)) / gap;
      final double[] q = new double[n * 5];
      final double[] k1 = new double[(n + 1) * 5];
      final double[] k2 = new double[(n + 1) * 5];
      final double[] v = new double[n + 1];
      for (int i = 0; i < n; i++) {
        final double c = Math.cos(2 * Math.PI * x[i] / m);
        final double s = Math.sin(2 * Math.PI * x[i] / m);
        put(q, i, beta * c, -beta * c, -beta * s, -beta * s, beta);
        put(k1, i, c, s, c, s, 0);
        put(k2, i, c, s, s, c, 0);
        v[i] = 1;
      }
      put(k1, n, 0, 0, 0, 0, 1);
      put(k2, n, 0, 0, 0, 0, 1 - gap / 2);
      final Tensor values = Tensor.of(v, 1, 1, n + 1, 1);
      final Tensor o =
          new Call(
                  Tensor.of(q, 1, 1, n, 5),
                  Tensor.of(k1, 1, 1, n + 1, 5),
                  Tensor.of(k2, 1, 1, n + 1, 5),
                  values,
                  values)
              .apply(KroneckerOptions.defaults().withScale(1));
      for (int i = 0; i < n; i++) {
        final int own = x[i];
        final boolean match =
            Arrays.stream(x).anyMatch(a -> Arrays.stream(x).anyMatch(b -> (own + a + b) % m == 0));
        assertThat(o.getDouble(i) > 0.5)
            .as("seed 21, trial %d, %s modulo %d, token %d", trial, Arrays.toString(x), m, i)
            .isEqualTo(match);
      }
    }
  }

  private static void put(double[] rows, int row, double... numbers) {
    System.arraycopy(numbers, 0, rows, row * numbers.length, numbers.length);
  }

  @Test
  void noQueriesGiveNothingAndNoKeysGiveZeros() {
    final Call call = Call.of(22, 1, 1, 2, 3, 4, 5, 2, 2);
    final Tensor none = Tensor.zeros(DType.F32, 1, 2, 0, 2);
    assertThat(
            new Call(none, call.k1(), call.k2(), call.v1(), call.v2())
                .apply(KroneckerOptions.defaults())
                .size())
        .isZero();
    assertThat(
            new Call(call.q(), none, call.k2(), none, call.v2())
                .apply(KroneckerOptions.defaults())
                .toFloatArray())
        .containsOnly(0f);
    assertThat(
            new Call(call.q(), call.k1(), none, call.v1(), none)
                .apply(KroneckerOptions.defaults())
                .toFloatArray())
        .containsOnly(0f);
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Call call = Call.of(23, 1, 1, 2, 3, 4, 5, 2, 2);
    assertThatThrownBy(
            () ->
                new Call(call.q(), call.k1(), call.k2(), call.v2(), call.v2())
                    .apply(KroneckerOptions.defaults()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("v1 is f32[1, 2, 5, 2]; expected f32[1, 2, 4, 2]");
    assertThatThrownBy(
            () ->
                KroneckerAttention.apply(
                    call.q(),
                    call.k1(),
                    call.k2(),
                    call.v1(),
                    call.v2(),
                    call.q(),
                    KroneckerOptions.defaults()))
        .hasMessageContaining("o shares memory with q");
    assertThatThrownBy(() -> KroneckerOptions.defaults().withScale(Double.NaN))
        .hasMessageContaining("scale is NaN");
    assertThatThrownBy(() -> KroneckerOptions.defaults().withThreads(-1))
        .hasMessageContaining("threads is -1");
  }

  @Tag("allocation")
  @Test
  void callsAllocateNothing() {
    final Call call = Call.of(24, 1, 1, 2, 10, 40, 50, 8, 8);
    final Tensor o = call.output();
    final KroneckerOptions options =
        KroneckerOptions.causal()
            .withMasks(Mask.causal(), Mask.keep(flags(25, 10, 50)).and(Mask.causal()));
    final Tensor lse = Tensor.zeros(DType.F32, 1, 2, 10);
    final Tensor dq = Tensor.zerosLike(call.q());
    final Tensor dk1 = Tensor.zerosLike(call.k1());
    final Tensor dk2 = Tensor.zerosLike(call.k2());
    final Tensor dv1 = Tensor.zerosLike(call.v1());
    final Tensor dv2 = Tensor.zerosLike(call.v2());
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  KroneckerAttention.apply(
                      call.q(), call.k1(), call.k2(), call.v1(), call.v2(), o, options);
                  KroneckerAttention.vjp(
                      call.q(), call.k1(), call.k2(), call.v1(), call.v2(), o, lse, o, dq, dk1, dk2,
                      dv1, dv2, options);
                }))
        .isZero();
  }
}
