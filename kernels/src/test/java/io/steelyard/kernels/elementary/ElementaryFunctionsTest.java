package io.steelyard.kernels.elementary;

import static io.steelyard.kernels.tensor.Elements.assertHolds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The functions of single numbers against their meaning in double over the whole float range. */
class ElementaryFunctionsTest {

  private static final float INF = Float.POSITIVE_INFINITY;

  /** Distance of the tested bit patterns; a prime, so that all mantissa patterns are met. */
  private static final int STRIDE = 2003;

  interface Kernel {

    void apply(Tensor x, Tensor y, int threads);
  }

  interface Product {

    void apply(Tensor a, Tensor dy, Tensor dx, int threads);
  }

  /** A function with the error in ULP that its documentation allows. */
  record Function(
      String name,
      Kernel kernel,
      Product product,
      boolean gradientFromValue,
      DoubleUnaryOperator meaning,
      double ulps,
      double subnormalUlps) {

    static final Function EXP = new Function("exp", Exp::apply, Exp::vjp, true, Exp::of, 1, 1.5);
    static final Function LOG = new Function("log", Log::apply, Log::vjp, false, Log::of, 1.5, 1.5);
    static final Function SIGMOID =
        new Function("sigmoid", Sigmoid::apply, Sigmoid::vjp, true, Sigmoid::of, 2.5, 2.5);
    static final Function SOFTPLUS =
        new Function("softplus", Softplus::apply, Softplus::vjp, false, Softplus::of, 2.5, 2.5);
    static final Function TANH = new Function("tanh", Tanh::apply, Tanh::vjp, true, Tanh::of, 2, 2);
    static final Function ERF = new Function("erf", Erf::apply, Erf::vjp, false, Erf::of, 2, 2);

    float[] of(float... x) {
      final float[] y = poison(x.length);
      kernel.apply(Tensor.of(x, x.length), Tensor.of(y, x.length), 1);
      return y;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Function> functions() {
    return Stream.of(
        Function.EXP,
        Function.LOG,
        Function.SIGMOID,
        Function.SOFTPLUS,
        Function.TANH,
        Function.ERF);
  }

  @ParameterizedTest
  @MethodSource("functions")
  void staysWithinTheStatedUlpsOverAllFloats(Function function) {
    final float[] x = new float[1 << 14];
    double worst = 0;
    double worstSubnormal = 0;
    float at = 0;
    for (long bits = 0; bits < 1L << 32; bits += (long) STRIDE * x.length) {
      for (int i = 0; i < x.length; i++) {
        x[i] = Float.intBitsToFloat((int) (bits + (long) i * STRIDE));
      }
      final float[] y = function.of(x);
      for (int i = 0; i < x.length; i++) {
        final double exact = function.meaning().applyAsDouble(x[i]);
        if (Double.isNaN(exact) || Float.isInfinite((float) exact)) {
          assertHolds(Float.compare(y[i], (float) exact) == 0, function, i);
          continue;
        }
        final double error = Math.abs(y[i] - exact) / Math.ulp((float) exact);
        assertHolds(!Double.isNaN(error), function, i);
        if (Math.abs(exact) < Float.MIN_NORMAL) {
          worstSubnormal = Math.max(worstSubnormal, error);
        } else if (error > worst) {
          worst = error;
          at = x[i];
        }
      }
    }
    assertThat(worst)
        .as("%s: largest error in ULP, at x = %s", function, at)
        .isLessThanOrEqualTo(function.ulps());
    assertThat(worstSubnormal)
        .as("%s: largest error in ULP where subnormal", function)
        .isLessThanOrEqualTo(function.subnormalUlps());
    if (Simd.available()) {
      // An error below half an ULP would mean that the kernel was not what ran.
      assertThat(worst).as("%s", function).isGreaterThan(0.501);
    }
  }

  @Test
  void limitsAndZeros() {
    final float[] x = {-INF, INF, Float.NaN, 0f, -0f};
    assertThat(Function.EXP.of(x)).containsExactly(0, INF, Float.NaN, 1, 1);
    assertThat(Function.LOG.of(x)).containsExactly(Float.NaN, INF, Float.NaN, -INF, -INF);
    assertThat(Function.LOG.of(1)).containsExactly(0);
    assertThat(Function.SIGMOID.of(x)).containsExactly(0, 1, Float.NaN, 0.5f, 0.5f);
    final float ln2 = (float) Math.log(2);
    assertThat(Function.SOFTPLUS.of(x)).containsExactly(0, INF, Float.NaN, ln2, ln2);
    assertThat(Function.TANH.of(x)).containsExactly(-1, 1, Float.NaN, 0f, -0f);
    assertThat(Function.ERF.of(x)).containsExactly(-1, 1, Float.NaN, 0f, -0f);
    assertThat(Function.EXP.of(88.72284f, -103.972f, -103.98f))
        .containsExactly(INF, Float.MIN_VALUE, 0);
    assertThat(Function.EXP.of(88.72283f)[0]).isBetween(3.4027e38f, Float.MAX_VALUE);
  }

  @ParameterizedTest
  @CsvSource({
    "1e-300, 1.1283791670955126e-300",
    "1e-10, 1.1283791670955126e-10",
    "0.1, 0.1124629160182849",
    "0.25, 0.27632639016823696",
    "0.5, 0.5204998778130465",
    "0.75, 0.7111556336535151",
    "0.9, 0.7969082124228322",
    "0.999, 0.8422852702064969",
    "1.0, 0.8427007929497149",
    "1.001, 0.8431154854780762",
    "1.1, 0.8802050695740817",
    "1.25, 0.9229001282564583",
    "1.5, 0.9661051464753108",
    "1.75, 0.9866716712191824",
    "2.0, 0.9953222650189527",
    "2.5, 0.999593047982555",
    "3.0, 0.9999779095030014",
    "3.5, 0.9999992569016276",
    "4.0, 0.9999999845827421",
    "5.0, 0.9999999999984626",
    "5.9, 0.9999999999999999",
    "6.5, 1.0",
    "30.0, 1.0"
  })
  void theMeaningOfErfIsWithinTwoUlps(double x, double exact) {
    assertThat(Erf.of(x)).isCloseTo(exact, within(2 * Math.ulp(exact)));
    assertThat(Erf.of(-x)).isEqualTo(-Erf.of(x));
  }

  @ParameterizedTest
  @MethodSource("functions")
  void isTheSameBitsForEveryLengthMemoryStrideAndThreadCount(Function function) {
    final RandomGenerator random = random(21);
    for (final int n : new int[] {0, 1, 2, 7, 8, 16, 17, 31, 33, 255, 257, 4097, 65537, 200_003}) {
      final float[] x = numbers(random, n);
      final float[] expected = new float[n];
      for (int i = 0; i < n; i += 100) {
        // Short pieces, so that another path than the one below gives the expectation.
        final float[] part = function.of(Arrays.copyOfRange(x, i, Math.min(n, i + 100)));
        System.arraycopy(part, 0, expected, i, part.length);
      }
      final String what = function + ", seed 21, n " + n;
      final float[] all = poison(n);
      function.kernel().apply(Tensor.of(x, n), Tensor.of(all, n), 0);
      assertThat(all).as("%s, all threads", what).isEqualTo(expected);

      final float[] inPlace = x.clone();
      function.kernel().apply(Tensor.of(inPlace, 1, n), Tensor.of(inPlace, 1, n), 0);
      assertThat(inPlace).as("%s, in place", what).isEqualTo(expected);

      final float[] rows = poison(n);
      function.kernel().apply(Tensor.of(x, n, 1), Tensor.of(rows, n, 1), 0);
      assertThat(rows).as("%s, rows of one", what).isEqualTo(expected);

      try (Arena arena = Arena.ofConfined()) {
        final MemorySegment in = arena.allocate(4L * Math.max(1, n), 64);
        final MemorySegment out = arena.allocate(4L * Math.max(1, n), 64);
        MemorySegment.copy(MemorySegment.ofArray(x), 0, in, 0, 4L * n);
        out.fill((byte) -1);
        function.kernel().apply(Tensor.of(in, DType.F32, n), Tensor.of(out, DType.F32, n), 1);
        assertThat(Tensor.of(out, DType.F32, n).toFloatArray())
            .as("%s, native memory", what)
            .isEqualTo(expected);
      }
      final float[] spread = poison(3 * n);
      final Tensor column = Tensor.of(spread, n, 3).slice(1, 1, 2);
      function.kernel().apply(Tensor.of(x, n, 1), column, 0);
      assertThat(column.toFloatArray()).as("%s, a column", what).isEqualTo(expected);
      for (int i = 0; i < n; i++) {
        assertHolds(Float.isNaN(spread[3 * i]), "beside the column", i);
      }
      function
          .kernel()
          .apply(Tensor.of(x, 1, n).transpose(0, 1), Tensor.of(all, 1, n).transpose(0, 1), 0);
      assertThat(all).as("%s, transposed", what).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @MethodSource("functions")
  void gradientsMatchCentralDifferencesAndTheKernelMatchesThem(Function function) {
    final RandomGenerator random = random(22);
    final int n = 5000;
    final float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian() * 3;
      x[i] = function.equals(Function.LOG) ? Math.abs(x[i]) + 0.01f : x[i];
    }
    final float[] dy = numbers(random, n);
    final Operator operator = Operators.named(function.name());
    final Map<String, Tensor> inputs = Map.of("x", Tensor.of(x, n), "dy", Tensor.of(dy, n));
    final Tensor dx = operator.applyVjp(inputs, Map.of()).get("dx");
    final Tensor exact =
        operator
            .applyVjp(
                Map.of(
                    "x", Tensor.of(x, n).to(DType.F64),
                    "dy", Tensor.of(dy, n).to(DType.F64)),
                Map.of())
            .get("dx");
    final double h = 1e-5;
    for (int i = 0; i < n; i++) {
      final double slope =
          (function.meaning().applyAsDouble(x[i] + h) - function.meaning().applyAsDouble(x[i] - h))
              / (2 * h);
      final String what = function + ", seed 22, x " + x[i];
      assertThat(exact.getDouble(i))
          .as(what)
          .isCloseTo(
              slope * dy[i], within(2e-4 * Math.abs(slope * dy[i]) + 1e-9 * Math.abs(dy[i])));
      // A gradient made from y near 1 has no more than the distance of y from 1, to a rounding.
      final double saturated = function.gradientFromValue() ? 0x1p-22 * Math.abs(dy[i]) : 0;
      assertThat(dx.getDouble(i))
          .as(what)
          .isCloseTo(
              exact.getDouble(i),
              within(8 * 0x1p-24 * Math.abs(exact.getDouble(i)) + saturated + 1e-37));
    }
    final float[] over = dy.clone();
    final Tensor a =
        function.gradientFromValue() ? Tensor.of(function.of(x), n) : Tensor.of(x.clone(), n);
    function.product().apply(a, Tensor.of(over, n), Tensor.of(over, n), 0);
    assertThat(over).as("%s, over dy", function).isEqualTo(dx.toFloatArray());
    function.product().apply(a, Tensor.of(dy, n), a, 1);
    assertThat(a.toFloatArray()).as("%s, over its input", function).isEqualTo(dx.toFloatArray());
  }

  @Test
  void keepsTheLawsOfTheFunctions() {
    final RandomGenerator random = random(23);
    final float[] x = numbers(random, 3000);
    final float[] minus = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      minus[i] = -x[i];
    }
    final float[] up = Function.SIGMOID.of(x);
    final float[] down = Function.SIGMOID.of(minus);
    final float[] plus = Function.SOFTPLUS.of(x);
    final float[] rest = Function.SOFTPLUS.of(minus);
    final float[] back = Function.LOG.of(Function.EXP.of(x));
    for (int i = 0; i < x.length; i++) {
      final String what = "seed 23, x " + x[i];
      assertThat(up[i] + (double) down[i]).as(what).isCloseTo(1, within(4 * 0x1p-24));
      assertThat(plus[i] - (double) rest[i])
          .as(what)
          .isCloseTo(x[i], within(3.0 * (Math.ulp(plus[i]) + Math.ulp(rest[i]))));
      assertThat((double) back[i])
          .as(what)
          .isCloseTo(x[i], within(0x1p-23 + 2 * (double) Math.ulp(x[i])));
    }
    for (final Function odd : new Function[] {Function.TANH, Function.ERF}) {
      final float[] y = odd.of(x);
      final float[] mirrored = odd.of(minus);
      for (int i = 0; i < x.length; i++) {
        assertThat(mirrored[i]).as("%s, seed 23, x %s", odd, x[i]).isEqualTo(-y[i]);
      }
    }
  }

  @Test
  void badArgumentsAreNamed() {
    final Tensor x = Tensor.of(new float[6], 2, 3);
    assertThatThrownBy(() -> Exp.apply(x, Tensor.of(new float[6], 3, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("y is f32[3, 2]; expected the dtype and shape of x, f32[2, 3]");
    assertThatThrownBy(() -> Log.apply(Tensor.of(new int[2], 2), Tensor.of(new int[2], 2)))
        .hasMessage("x is i32[2]; expected f32 or f64");
    assertThatThrownBy(() -> Tanh.vjp(x, Tensor.of(new double[6], 2, 3), x))
        .hasMessage("dy is f64[2, 3]; expected the dtype and shape of y, f32[2, 3]");
    assertThatThrownBy(() -> Erf.apply(x, x, -1))
        .hasMessage("threads is -1; expected 1 or more, or 0 for all processors");
    final MemorySegment shared = MemorySegment.ofArray(new float[9]);
    assertThatThrownBy(
            () ->
                Sigmoid.apply(
                    Tensor.of(shared, DType.F32, 8), Tensor.of(shared.asSlice(4), DType.F32, 8)))
        .hasMessageContaining("y shares part of its memory with x");
    assertThatThrownBy(() -> Softplus.apply(x, Tensor.of(shared.asReadOnly(), DType.F32, 2, 3)))
        .hasMessage("y is read-only; expected memory to write to");
  }

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static float[] numbers(RandomGenerator random, int n) {
    final float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian() * 5;
    }
    return x;
  }

  private static float[] poison(int n) {
    final float[] y = new float[n];
    Arrays.fill(y, Float.NaN);
    return y;
  }
}
