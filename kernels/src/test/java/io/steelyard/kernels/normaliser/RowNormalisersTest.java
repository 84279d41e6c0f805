package io.steelyard.kernels.normaliser;

import static io.steelyard.kernels.softmax.NormaliserFixture.poison;
import static io.steelyard.kernels.softmax.NormaliserFixture.random;
import static io.steelyard.kernels.softmax.NormaliserFixture.scores;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.softmax.KernelCheck;
import io.steelyard.kernels.softmax.NormaliserFixture;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.softmax.Softmax1;
import io.steelyard.kernels.softmax.TemperedSoftmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The normalisers beside softmax against their meaning in double, and their laws. */
class RowNormalisersTest {

  private static final NormaliserOptions DEFAULTS = NormaliserOptions.defaults();

  /** A normaliser with the error its documentation allows. */
  record Case(NormaliserFixture.Named named, KernelCheck.Tolerance tolerance) {

    KernelCheck check() {
      return new KernelCheck(named, tolerance);
    }

    @Override
    public String toString() {
      return named.name();
    }
  }

  static Stream<Case> all() {
    return Stream.of(
        sigmoid(1, 0),
        sigmoid(0.125, -7.62),
        softmax1(1),
        softmax1(0),
        softmax1(1e9),
        tempered(),
        softplusL1(),
        reweighted());
  }

  /** In double for both dtypes, so that only the rounding is left. */
  private static Case reweighted() {
    return new Case(
        new NormaliserFixture.Named(
            "softplus l1 reweighted",
            (x, y, options) -> SoftplusL1Reweighted.apply(x, y, 15, options)),
        (exact, _) -> 0.5 * Math.ulp((float) exact));
  }

  private static Case softplusL1() {
    return new Case(
        new NormaliserFixture.Named("softplus l1", SoftplusL1::apply),
        (exact, score) -> exact < 0x1p-125 || score < -80 ? exact : exact * 148 * 0x1p-24);
  }

  /** Temperatures of 0.5, 1, 1.5, 0.5, ... by row. */
  private static Case tempered() {
    return new Case(
        new NormaliserFixture.Named(
            "tempered softmax",
            (x, y, options) -> TemperedSoftmax.apply(x, temperatures(x), y, options)),
        (exact, _) -> {
          final double distance = exact == 0 ? 0 : -Math.log(exact);
          // A tau of 0.5 or 1 rounds nothing, and the scores of rows that have 1.5 stay below 14.
          return exact < 0x1p-125 ? exact : exact * (24 + distance + 1.5 * 14) * 0x1p-23;
        });
  }

  private static Tensor temperatures(Tensor x) {
    final Tensor tau = Tensor.zeros(x.dtype(), x.rows());
    for (long row = 0; row < x.rows(); row++) {
      tau.setDouble(row, 0.5 + 0.5 * (row % 3));
    }
    return tau;
  }

  private static Case sigmoid(double scale, double bias) {
    return new Case(
        new NormaliserFixture.Named(
            "sigmoid " + scale + " x + " + bias,
            (x, y, options) -> BiasedSigmoid.apply(x, y, scale, bias, options)),
        (exact, score) -> {
          final double terms =
              5 + Math.abs(scale * score + bias) + Math.abs(scale * score) + Math.abs(bias);
          final double relative = exact == 0 || exact == 1 ? 0 : exact * terms * 0x1p-24;
          return Math.min(relative, exact) + (exact < Float.MIN_NORMAL ? Float.MIN_VALUE : 0);
        });
  }

  private static Case softmax1(double n) {
    return new Case(
        new NormaliserFixture.Named(
            "softmax1 of " + n, (x, y, options) -> Softmax1.apply(x, y, n, options)),
        (exact, _) -> {
          // -ln of the weight is at least the distance of the score from m.
          final double distance = exact == 0 ? 0 : -Math.log(exact);
          return exact < 0x1p-125 ? exact : exact * (24 + distance) * 0x1p-23;
        });
  }

  @ParameterizedTest
  @MethodSource("all")
  void agreesWithTheMeaningAtAwkwardLengths(Case normaliser) {
    normaliser.check().atAwkwardLengths(51);
  }

  @ParameterizedTest
  @MethodSource("all")
  void keepsTheRuleForEdges(Case normaliser) {
    normaliser.check().atTheEdges();
    normaliser.check().emptyRowsAndNoRows();
  }

  @ParameterizedTest
  @MethodSource("all")
  void whatStandsUnderAMaskNeverLeaks(Case normaliser) {
    normaliser.check().underMasks(52);
  }

  @ParameterizedTest
  @MethodSource("all")
  void isTheSameBitsForEveryMemoryAndThreadCount(Case normaliser) {
    normaliser.check().isTheSameBitsForEveryMemoryAndThreadCount();
  }

  @Test
  void sigmoidWeightsOfOppositeScoresSumToOneAndZeroScoresToTheirShare() {
    final float[] x = scores(random(53), 1000, 4);
    final float[] minus = new float[1000];
    for (int i = 0; i < 1000; i++) {
      minus[i] = -x[i];
    }
    final float[] y = poison(1000);
    final float[] z = poison(1000);
    BiasedSigmoid.apply(Tensor.of(x, 1000), Tensor.of(y, 1000), 1, 0, DEFAULTS);
    BiasedSigmoid.apply(Tensor.of(minus, 1000), Tensor.of(z, 1000), 1, 0, DEFAULTS);
    for (int i = 0; i < 1000; i++) {
      assertThat(y[i] + (double) z[i]).as("seed 53, %s", x[i]).isCloseTo(1, within(0x1p-22));
    }
    final double[] zeros = new double[64];
    BiasedSigmoid.apply(Tensor.of(zeros, 64), Tensor.of(zeros, 64), 0.5, -Math.log(64), DEFAULTS);
    double sum = 0;
    for (final double weight : zeros) {
      sum += weight;
    }
    assertThat(sum).isCloseTo(64 / 65.0, within(1e-14));
  }

  @Test
  void softmax1IsSoftmaxWithAnEntryMoreOfWhichNothingIsWritten() {
    final float[] x = scores(random(54), 100, 5);
    final double[] longer = new double[101];
    for (int i = 0; i < 100; i++) {
      longer[i] = x[i];
    }
    longer[100] = Math.log(7);
    Softmax.apply(Tensor.of(longer, 101), Tensor.of(longer, 101));
    final double[] y = new double[100];
    Softmax1.apply(Tensor.of(x, 100).to(DType.F64), Tensor.of(y, 100), 7, DEFAULTS);
    for (int i = 0; i < 100; i++) {
      assertThat(y[i]).as("seed 54").isCloseTo(longer[i], within(1e-14));
    }
  }

  @ParameterizedTest
  @CsvSource({"biased-sigmoid, 0.7, -2", "biased-sigmoid, 1, 0"})
  void gradientsMatchCentralDifferencesAndTheKernelMatchesThem(
      String name, double scale, double bias) {
    final Operator operator = Operators.named(name);
    final Map<String, Object> settings = Map.of("scale", scale, "bias", bias);
    final var random = random(55);
    final int n = 300;
    final float[] x = scores(random, 2 * n, 2);
    final float[] dy = scores(random, 2 * n, 1);
    final boolean[] keep = new boolean[2 * n];
    for (int i = 0; i < keep.length; i++) {
      keep[i] = random.nextInt(4) > 0;
      dy[i] = keep[i] ? dy[i] : Float.NaN;
    }
    final Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("x", Tensor.of(x, 2, n));
    inputs.put("mask", Tensor.of(keep, 2, n));
    inputs.put("dy", Tensor.of(dy, 2, n));
    final Tensor dx = operator.applyVjp(inputs, settings).get("dx");
    inputs.replaceAll((_, tensor) -> tensor.dtype() == DType.F32 ? tensor.to(DType.F64) : tensor);
    final Tensor exact = operator.applyVjp(inputs, settings).get("dx");
    inputs.remove("dy");
    final double h = 1e-6;
    final double[] up = new double[2 * n];
    final double[] down = new double[2 * n];
    for (int i = 0; i < 2 * n; i++) {
      up[i] = x[i] + h;
      down[i] = x[i] - h;
    }
    // Entries do not see each other, so all are moved at once.
    inputs.put("x", Tensor.of(up, 2, n));
    final Tensor above = operator.apply(inputs, settings).get("y");
    inputs.put("x", Tensor.of(down, 2, n));
    final Tensor below = operator.apply(inputs, settings).get("y");
    for (int i = 0; i < 2 * n; i++) {
      final double slope = (above.getDouble(i) - below.getDouble(i)) / (2 * h);
      assertThat(exact.getDouble(i))
          .as("%s, seed 55, element %d", name, i)
          .isCloseTo(keep[i] ? slope * dy[i] : 0, within(1e-8));
      assertThat(dx.getDouble(i))
          .as("%s, seed 55, element %d", name, i)
          .isCloseTo(exact.getDouble(i), within(2e-6));
    }
  }

  @Test
  void softplusWeightsSumToOneAndTheirGradientMatchesCentralDifferences() {
    final var random = random(56);
    final int n = 7;
    final double[] x = new double[n];
    final double[] dy = new double[n];
    for (int i = 0; i < n; i++) {
      x[i] = random.nextGaussian() * 2;
      dy[i] = i == 3 ? Double.NaN : random.nextGaussian();
    }
    final boolean[] keep = {true, true, true, false, true, true, true};
    final NormaliserOptions options = NormaliserFixture.masked(Mask.keep(Tensor.of(keep, n)));
    final double[] y = new double[n];
    final double[] dx = new double[n];
    final double h = 1e-6;
    SoftplusL1.apply(Tensor.of(x, n), Tensor.of(y, n), options);
    assertThat(Arrays.stream(y).sum()).as("seed 56").isCloseTo(1, within(1e-15));
    SoftplusL1.vjp(Tensor.of(x, n), Tensor.of(dy, n), Tensor.of(dx, n), options);
    for (int i = 0; i < n; i++) {
      double slope = 0;
      for (final int sign : new int[] {1, -1}) {
        final double[] moved = x.clone();
        moved[i] += sign * h;
        SoftplusL1.apply(Tensor.of(moved, n), Tensor.of(y, n), options);
        for (int j = 0; j < n; j++) {
          slope += keep[j] ? sign * y[j] * dy[j] / (2 * h) : 0;
        }
      }
      assertThat(dx[i]).as("seed 56, element %d", i).isCloseTo(slope, within(1e-8));
    }
  }

  @Test
  void reweightingKeepsWhatIsAboveAverageAndOneOfPowerOneWithoutShiftIsNone() {
    final double[] x = {0.5, -1, 2, 1.5, 0, 3, -4};
    final int n = x.length;
    final double[] a = new double[n];
    final double[] w = new double[n];
    SoftplusL1.apply(Tensor.of(x, n), Tensor.of(a, n), DEFAULTS);
    SoftplusL1Reweighted.apply(Tensor.of(x, n), Tensor.of(w, n), 3, DEFAULTS);
    assertThat(Arrays.stream(w).sum()).isCloseTo(1, within(1e-15));
    for (int i = 0; i < n; i++) {
      assertThat(w[i] > 0).as("element %d", i).isEqualTo(a[i] > 1.0 / n);
    }
    // Three entries are not shifted.
    SoftplusL1.apply(Tensor.of(x, n).slice(0, 0, 3), Tensor.of(a, n).slice(0, 0, 3), DEFAULTS);
    SoftplusL1Reweighted.apply(
        Tensor.of(x, n).slice(0, 0, 3), Tensor.of(w, n).slice(0, 0, 3), 1, DEFAULTS);
    for (int i = 0; i < 3; i++) {
      assertThat(w[i]).as("element %d", i).isCloseTo(a[i], within(1e-15));
    }
    final double[] equal = {2, 2, 2, 2};
    SoftplusL1Reweighted.apply(Tensor.of(equal, 4), Tensor.of(equal, 4), 15, DEFAULTS);
    assertThat(equal).containsOnly(0);
  }

  @ParameterizedTest
  @CsvSource({"3, 15", "7, 3", "7, 1", "7, 15"})
  void gradientsOfReweightingMatchCentralDifferences(int n, double p) {
    final var random = random(58);
    final double[] x = new double[n];
    final double[] dy = new double[n];
    for (int i = 0; i < n; i++) {
      x[i] = random.nextGaussian();
      dy[i] = random.nextGaussian();
    }
    final boolean[] keep = new boolean[n];
    Arrays.fill(keep, true);
    keep[1] = false;
    dy[1] = Double.NaN;
    final NormaliserOptions options = NormaliserFixture.masked(Mask.keep(Tensor.of(keep, n)));
    final double[] dx = new double[n];
    final double[] y = new double[n];
    SoftplusL1Reweighted.vjp(Tensor.of(x, n), Tensor.of(dy, n), Tensor.of(dx, n), p, options);
    final double h = 1e-6;
    for (int i = 0; i < n; i++) {
      double slope = 0;
      for (final int sign : new int[] {1, -1}) {
        final double[] moved = x.clone();
        moved[i] += sign * h;
        SoftplusL1Reweighted.apply(Tensor.of(moved, n), Tensor.of(y, n), p, options);
        for (int j = 0; j < n; j++) {
          slope += keep[j] ? sign * y[j] * dy[j] / (2 * h) : 0;
        }
      }
      assertThat(dx[i])
          .as("seed 58, n %d, p %s, element %d", n, p, i)
          .isCloseTo(slope, within(1e-7));
    }
  }

  @Test
  void gradientsInTheTemperatureMatchCentralDifferences() {
    final var random = random(57);
    final double[] x = new double[15];
    final double[] dy = new double[15];
    for (int i = 0; i < 15; i++) {
      x[i] = random.nextGaussian();
      dy[i] = random.nextGaussian();
    }
    final double[] tau = {0.5, 1, 2};
    final Tensor scores = Tensor.of(x, 3, 5);
    final Tensor y = Tensor.of(new double[15], 3, 5);
    final Tensor dx = Tensor.of(new double[15], 3, 5);
    final double[] dtau = new double[3];
    TemperedSoftmax.apply(scores, Tensor.of(tau, 3), y, DEFAULTS);
    TemperedSoftmax.vjp(
        scores, Tensor.of(tau, 3), y, Tensor.of(dy, 3, 5), dx, Tensor.of(dtau, 3), DEFAULTS);
    final double h = 1e-6;
    for (int i = 0; i < 18; i++) {
      double slope = 0;
      for (final int sign : new int[] {1, -1}) {
        final double[] moved = x.clone();
        final double[] other = tau.clone();
        if (i < 15) {
          moved[i] += sign * h;
        } else {
          other[i - 15] += sign * h;
        }
        final Tensor out = Tensor.of(new double[15], 3, 5);
        TemperedSoftmax.apply(Tensor.of(moved, 3, 5), Tensor.of(other, 3), out, DEFAULTS);
        for (int j = 0; j < 15; j++) {
          slope += sign * out.getDouble(j) * dy[j] / (2 * h);
        }
      }
      assertThat(i < 15 ? dx.getDouble(i) : dtau[i - 15])
          .as("seed 57, element %d", i)
          .isCloseTo(slope, within(1e-8));
    }
  }

  @Test
  void badArgumentsAreNamed() {
    final Tensor x = Tensor.of(new float[6], 2, 3);
    assertThatThrownBy(() -> BiasedSigmoid.apply(x, x, -1, 0, DEFAULTS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("scale is -1.0; expected a finite number above 0");
    assertThatThrownBy(() -> BiasedSigmoid.apply(x, x, 1, Double.NaN, DEFAULTS))
        .hasMessage("bias is NaN; expected a finite number");
    assertThatThrownBy(() -> SoftplusL1Reweighted.apply(x, x, 0.5, DEFAULTS))
        .hasMessage("p is 0.5; expected a number in [1, 1000.0]");
    assertThatThrownBy(() -> TemperedSoftmax.apply(x, x, x, DEFAULTS))
        .hasMessageContaining("tau is f32[2, 3]; expected f32[2], one number for each row of x");
    assertThatThrownBy(() -> Softmax1.apply(x, x, -0.5, DEFAULTS))
        .hasMessage("n is -0.5; expected a number in [0, 1.0E30]");
    assertThatThrownBy(() -> BiasedSigmoid.apply(x, Tensor.of(new double[6], 2, 3), 1, 0, DEFAULTS))
        .hasMessageContaining("y is f64[2, 3]");
  }
}
