package io.steelyard.kernels.loss;

import static io.steelyard.kernels.loss.LossFixture.lengths;
import static io.steelyard.kernels.loss.LossFixture.poison;
import static io.steelyard.kernels.loss.LossFixture.random;
import static io.steelyard.kernels.loss.LossFixture.scores;
import static io.steelyard.kernels.loss.LossFixture.targets;
import static io.steelyard.kernels.tensor.Elements.assertHolds;
import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Cross-entropy and its relatives: kernel against meaning, edges, laws, gradients. */
class ContrastTest {

  private static final String LOSSES = "io.steelyard.kernels.loss.LossFixture#contrasts";
  private static final String LOSSES_AND_SEEDS =
      "io.steelyard.kernels.loss.LossFixture#contrastsAndSeeds";

  private static final LossOptions DEFAULTS = LossOptions.defaults();

  /** What the documentation allows for a loss, relative. */
  private static final double ALLOWED = 1.2e-5;

  @ParameterizedTest
  @MethodSource(LOSSES_AND_SEEDS)
  void agreesWithTheMeaningAtAwkwardLengths(LossFixture.Named loss, long seed) {
    final var random = random(seed);
    for (final int n : lengths(seed)) {
      for (final double spread : new double[] {0.01, 3, 30}) {
        final int rows = n < 100 ? 5 : 1;
        final Tensor x = Tensor.of(scores(random, rows * n, spread), rows, n);
        assertClose(
            loss,
            x,
            targets(random, loss.lists(), rows, n),
            loss + ", seed " + seed + ", n " + n + ", spread " + spread);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(LOSSES_AND_SEEDS)
  void findsALateMaximum(LossFixture.Named loss, long seed) {
    final var random = random(seed);
    for (final int n : new int[] {40, 300, 4097, 20_011}) {
      for (final float top : new float[] {10, 17, 50, 90, 130, 250, 1e4f}) {
        for (final float start : new float[] {0, -1e4f, Float.NEGATIVE_INFINITY}) {
          final float[] x = scores(random, n, 3);
          Arrays.fill(x, 0, 32, start);
          x[32 + random.nextInt(n - 32)] = top;
          final Tensor targets = targets(random, loss.lists(), 1, n);
          // A target so far below is a loss beyond the float range for tau < 1.
          final boolean overflows = loss.name().equals("comp-sum 0.5") && top > 100;
          if (!overflows && x[(int) targets.getDouble(0)] > -1e4f) {
            assertClose(
                loss,
                Tensor.of(x, 1, n),
                targets,
                loss + ", seed " + seed + ", n " + n + ", top " + top + ", start " + start);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource(LOSSES)
  void aBadEntryMakesItsRowNaNAndNoOther(LossFixture.Named loss) {
    for (final int n : new int[] {2, 17, 300, 5000, 33_001}) {
      for (final float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
        for (final int place : new int[] {0, 1, n / 2, n - 1}) {
          final float[] x = scores(random(5), 3 * n, 1);
          x[n + place] = bad;
          final Tensor targets = targets(random(6), loss.lists(), 3, n);
          final float[] values = poison(3);
          final float[] dx = new float[3 * n];
          loss.both()
              .run(
                  Tensor.of(x, 3, n), targets, Tensor.of(values, 3), Tensor.of(dx, 3, n), DEFAULTS);
          final String what = loss + ", n " + n + ", " + bad + " at " + place;
          for (int i = 0; i < 3 * n; i++) {
            assertHolds(Float.isNaN(dx[i]) == (i / n == 1), what, i);
          }
          assertThat(values[1]).isNaN();
          assertThat(values[0]).isFinite();
          assertThat(values[2]).isFinite();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource(LOSSES_AND_SEEDS)
  void minusInfinityIsAMaskedEntry(LossFixture.Named loss, long seed) {
    final var random = random(seed);
    for (final int n : new int[] {20, 300, 9000, 33_001}) {
      final Tensor targets = targets(random, loss.lists(), 1, n);
      final float[] x = scores(random, n, 2);
      final float[] shorter = new float[n];
      final int[] moved = new int[n];
      int kept = 0;
      for (int i = 0; i < n; i++) {
        boolean target = false;
        for (long slot = 0; slot < targets.size(); slot++) {
          target |= targets.getDouble(slot) == i;
        }
        if (target || random.nextInt(3) > 0) {
          moved[i] = kept;
          shorter[kept++] = x[i];
        } else {
          moved[i] = -1;
          x[i] = Float.NEGATIVE_INFINITY;
        }
      }
      final Tensor movedTargets = targets.to(DType.I32);
      for (long slot = 0; slot < targets.size(); slot++) {
        final int target = (int) targets.getDouble(slot);
        movedTargets.setDouble(slot, target < 0 ? target : moved[target]);
      }
      final float[] values = poison(1);
      final float[] dx = poison(n);
      loss.both()
          .run(Tensor.of(x, 1, n), targets, Tensor.of(values, 1), Tensor.of(dx, 1, n), DEFAULTS);
      final double[] exact = new double[1];
      final double[] exactDx = new double[kept];
      loss.both()
          .run(
              Tensor.of(Arrays.copyOf(shorter, kept), 1, kept).to(DType.F64),
              movedTargets,
              Tensor.of(exact, 1),
              Tensor.of(exactDx, 1, kept),
              DEFAULTS);
      assertThat((double) values[0]).isCloseTo(exact[0], offset(exact[0] * 2 * ALLOWED));
      final String what = loss + ", seed " + seed + ", n " + n;
      for (int i = 0; i < n; i++) {
        final double want = moved[i] < 0 ? 0 : exactDx[moved[i]];
        assertWithin(dx[i], want, (Math.abs(want) + loss.slack()) * 4 * ALLOWED, what, i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(LOSSES_AND_SEEDS)
  void isNotNegativeIgnoresAShiftAndItsGradientSumsToZero(LossFixture.Named loss, long seed) {
    final var random = random(seed);
    for (final int n : new int[] {2, 19, 1000, 33_001}) {
      final double[] x = new double[n];
      final double[] shifted = new double[n];
      for (int i = 0; i < n; i++) {
        x[i] = Math.round(random.nextGaussian() * 128) / 64.0; // x + 1000 is then exact
        shifted[i] = x[i] + 1000;
      }
      final Tensor targets = targets(random, loss.lists(), 1, n);
      for (final DType dtype : new DType[] {DType.F32, DType.F64}) {
        final Tensor value = Tensor.zeros(dtype, 1);
        final Tensor other = Tensor.zeros(dtype, 1);
        final Tensor dx = Tensor.zeros(dtype, 1, n);
        loss.both().run(Tensor.of(x, 1, n).to(dtype), targets, value, dx, DEFAULTS);
        loss.value().run(Tensor.of(shifted, 1, n).to(dtype), targets, other, DEFAULTS);
        final String what = loss + ", seed " + seed + ", n " + n + ", " + dtype;
        assertThat(value.getDouble(0)).as(what).isGreaterThanOrEqualTo(0);
        assertThat(other.getDouble(0))
            .as(what)
            .isCloseTo(value.getDouble(0), offset(1e-9 + value.getDouble(0) * ALLOWED));
        double sum = 0;
        double size = 0;
        for (final double g : dx.toDoubleArray()) {
          sum += g;
          size += Math.abs(g);
        }
        assertThat(Math.abs(sum))
            .as(what)
            .isLessThanOrEqualTo((size + loss.slack()) * (dtype == DType.F32 ? ALLOWED : 1e-12));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {51, 52, 53})
  void oneNegativeFewPositivesAndTheirLimitsAgree(long seed) {
    final var random = random(seed);
    final int n = 50;
    final Tensor x = Tensor.of(scores(random, n, 2), 1, n).to(DType.F64);
    final int t = random.nextInt(n);
    final Tensor one = Tensor.of(new int[] {t}, 1);
    final Tensor list = Tensor.of(new int[] {t}, 1, 1);
    final double entropy = value(l -> CrossEntropy.apply(x, one, l));
    assertThat(value(l -> DecoupledSoftmaxLoss.apply(x, list, l, DEFAULTS)))
        .as("seed %d", seed)
        .isCloseTo(entropy, offset(1e-12));
    assertThat(value(l -> InfoNceLoss.apply(x, list, l, 1, DEFAULTS)))
        .as("seed %d", seed)
        .isCloseTo(entropy, offset(1e-12));
    double last = Double.POSITIVE_INFINITY;
    for (final double tau : new double[] {0, 0.5, 0.999999, 1, 1.000001, 1.5, 2, 3}) {
      final double loss = value(l -> CompSumLoss.apply(x, one, l, tau, DEFAULTS));
      assertThat(loss).as("seed %d, tau %s", seed, tau).isLessThanOrEqualTo(last);
      last = loss;
    }
    assertThat(value(l -> CompSumLoss.apply(x, one, l, 1.000001, DEFAULTS)))
        .as("seed %d", seed)
        .isCloseTo(entropy, offset(1e-5 * entropy * entropy));
    assertThat(value(l -> CompSumLoss.apply(x, one, l, 2, DEFAULTS)))
        .as("seed %d", seed)
        .isCloseTo(1 - Math.exp(-entropy), offset(1e-12));
  }

  @ParameterizedTest
  @ValueSource(longs = {54, 55, 56})
  void decoupledIsTheMeanOfOnePositiveAtATimeAndBelowInfoNce(long seed) {
    final var random = random(seed);
    final int n = 30;
    final double[] scores = new double[n];
    Arrays.setAll(scores, i -> random.nextGaussian());
    final Tensor x = Tensor.of(scores, 1, n);
    final int[] positives = {3, 11, 29};
    final Tensor list = Tensor.of(positives, 1, 3);
    double mean = 0;
    for (final int positive : positives) {
      final double[] alone = scores.clone();
      for (final int other : positives) {
        alone[other] = other == positive ? alone[other] : Double.NEGATIVE_INFINITY;
      }
      final Tensor target = Tensor.of(new int[] {positive}, 1);
      mean += value(l -> CrossEntropy.apply(Tensor.of(alone, 1, n), target, l)) / 3;
    }
    final double decoupled = value(l -> DecoupledSoftmaxLoss.apply(x, list, l, DEFAULTS));
    assertThat(decoupled).as("seed %d", seed).isCloseTo(mean, offset(1e-12));
    assertThat(decoupled)
        .as("seed %d", seed)
        .isLessThan(value(l -> InfoNceLoss.apply(x, list, l, 1, DEFAULTS)));
  }

  @Test
  void pairsOnTheDiagonalAreTheDefaultOfInfoNce() {
    final int batch = 70;
    final float[] scores = scores(random(13), 2 * batch * batch, 0.3);
    final Tensor x = Tensor.of(scores, 2, batch, batch);
    final int[] diagonal = new int[2 * batch];
    Arrays.setAll(diagonal, i -> i % batch);
    final float[] values = poison(2 * batch);
    final float[] dx = poison(scores.length);
    final float[] wanted = poison(2 * batch);
    final float[] wantedDx = poison(scores.length);
    InfoNceLoss.lossAndGradient(
        x, Tensor.of(values, 2, batch), Tensor.of(dx, 2, batch, batch), 0.05, DEFAULTS);
    InfoNceLoss.lossAndGradient(
        x,
        Tensor.of(diagonal, 2, batch, 1),
        Tensor.of(wanted, 2, batch),
        Tensor.of(wantedDx, 2, batch, batch),
        0.05,
        DEFAULTS);
    assertThat(values).isEqualTo(wanted);
    assertThat(dx).isEqualTo(wantedDx);
    final float[] byVjp = poison(scores.length);
    final float[] ones = new float[2 * batch];
    Arrays.fill(ones, 1);
    InfoNceLoss.vjp(
        x, Tensor.of(ones, 2, batch), Tensor.of(byVjp, 2, batch, batch), 0.05, DEFAULTS);
    assertThat(byVjp).isEqualTo(dx);
  }

  @Test
  void aGradientBeyondTheRangeIsTheLargestFloat() {
    final float[] x = {0, 400, -3};
    final float[] values = poison(1);
    final float[] dx = poison(3);
    CompSumLoss.lossAndGradient(
        Tensor.of(x, 1, 3),
        Tensor.of(new int[] {0}, 1),
        Tensor.of(values, 1),
        Tensor.of(dx, 1, 3),
        0,
        DEFAULTS);
    assertThat(values[0]).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(dx[0]).isEqualTo(-Float.MAX_VALUE);
    assertThat(dx[1]).isEqualTo(Float.MAX_VALUE);
    assertThat(dx[2]).isZero();
  }

  @Test
  void emptyRowsNoRowsAndScalarsGiveWhatTheyHold() {
    final float[] values = poison(2);
    CrossEntropy.lossAndGradient(
        Tensor.of(new float[0], 2, 0),
        Tensor.of(new int[] {-100, -100}, 2),
        Tensor.of(values, 2),
        Tensor.of(new float[0], 2, 0));
    assertThat(values).containsExactly(0, 0);
    CrossEntropy.apply(
        Tensor.of(new float[0], 0, 3), Tensor.of(new int[0], 0), Tensor.of(new float[0], 0));
    final float[] one = poison(1);
    final float[] dx = poison(1);
    CrossEntropy.lossAndGradient(
        Tensor.of(new float[] {7}), Tensor.of(new int[] {0}), Tensor.of(one), Tensor.of(dx));
    assertThat(one[0]).isZero();
    assertThat(dx[0]).isZero();
  }

  @ParameterizedTest
  @MethodSource("floats")
  void relevancesMultiplyTerms(DType dtype) {
    final Tensor x = Tensor.of(new double[] {1, 2, 0.5, -1, Double.NEGATIVE_INFINITY}, 1, 5);
    final Tensor scores = x.to(dtype);
    final Tensor lists = Tensor.of(new int[] {0, 4, 1, 0, -100}, 1, 5);
    final Tensor relevances = Tensor.of(new double[] {2, 0, 0.5, 7, Double.NaN}, 1, 5).to(dtype);
    final Tensor loss = Tensor.zeros(dtype, 1);
    final Tensor dx = Tensor.zeros(dtype, 1, 5);
    DecoupledSoftmaxLoss.lossAndGradient(scores, lists, relevances, loss, dx, DEFAULTS);
    final double others = Math.log(Math.exp(0.5) + Math.exp(-1));
    // The third positive has no term, not even at -inf, but is counted; the first counts once.
    final double want =
        (2 * Math.log1p(Math.exp(others - 1)) + 0.5 * Math.log1p(Math.exp(others - 2))) / 3;
    final double allowed = dtype == DType.F32 ? 1e-6 : 1e-14;
    assertThat(loss.getDouble(0)).isCloseTo(want, offset(allowed));
    final double first = 2 / (1 + Math.exp(1 - others)) / 3;
    final double second = 0.5 / (1 + Math.exp(2 - others)) / 3;
    assertThat(dx.getDouble(0)).isCloseTo(-first, offset(allowed));
    assertThat(dx.getDouble(1)).isCloseTo(-second, offset(allowed));
    assertThat(dx.getDouble(2))
        .isCloseTo((first + second) * Math.exp(0.5 - others), offset(allowed));
    assertThat(dx.getDouble(4)).isZero();
    for (final double bad : new double[] {-0.5, Double.NaN, Double.POSITIVE_INFINITY}) {
      relevances.setDouble(2, bad);
      assertThatThrownBy(
              () -> DecoupledSoftmaxLoss.apply(scores, lists, relevances, loss, DEFAULTS))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "relevances holds " + bad + " (element 2); expected finite numbers of 0 or more");
    }
    assertThatThrownBy(
            () ->
                DecoupledSoftmaxLoss.apply(
                    scores, lists, Tensor.zeros(dtype, 1, 4), loss, DEFAULTS))
        .hasMessageContaining("relevances is " + dtype.label() + "[1, 4]; expected");
  }

  static Stream<DType> floats() {
    return Stream.of(DType.F32, DType.F64);
  }

  @ParameterizedTest
  @MethodSource("floats")
  void badArgumentsAreNamed(DType dtype) {
    final Tensor x = Tensor.zeros(dtype, 2, 3);
    final Tensor targets = Tensor.of(new int[] {0, 1}, 2);
    final Tensor loss = Tensor.zeros(dtype, 2);
    final String label = dtype.label();
    assertThatThrownBy(() -> CrossEntropy.apply(x, Tensor.of(new int[] {0, 3}, 2), loss))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("targets holds 3 (element 1); expected 0 to 2, or -100 for none");
    assertThatThrownBy(() -> CrossEntropy.apply(x, Tensor.of(new int[] {0, 1, 2}, 3), loss))
        .hasMessage(
            "targets is i32[3]; expected i32, one index for each row of x, " + label + "[2, 3]");
    assertThatThrownBy(() -> DecoupledSoftmaxLoss.apply(x, targets, loss, DEFAULTS))
        .hasMessage(
            "targets is i32[2]; expected i32, a list of indices for each row of x, "
                + label
                + "[2, 3]");
    assertThatThrownBy(() -> CrossEntropy.apply(x.to(DType.I32), targets, loss))
        .hasMessage("x is i32[2, 3]; expected f32, f64, f16 or bf16");
    assertThatThrownBy(() -> CrossEntropy.apply(x, targets, Tensor.zeros(dtype, 3)))
        .hasMessageContaining("loss is " + label + "[3]; expected " + label);
    assertThatThrownBy(
            () -> CrossEntropy.lossAndGradient(x, targets, loss, Tensor.zeros(dtype, 3, 2)))
        .hasMessageContaining(
            "dx is " + label + "[3, 2]; expected " + label + " and the shape of x");
    assertThatThrownBy(() -> CrossEntropy.apply(x, targets, loss, 1.5, DEFAULTS))
        .hasMessage("smoothing is 1.5; expected a number in [0, 1]");
    assertThatThrownBy(() -> CompSumLoss.apply(x, targets, loss, -1, DEFAULTS))
        .hasMessage("tau is -1.0; expected a finite number of 0 or more");
    assertThatThrownBy(() -> InfoNceLoss.apply(x, loss, 0, DEFAULTS))
        .hasMessage("temperature is 0.0; expected a finite number above 0");
    assertThatThrownBy(
            () -> InfoNceLoss.apply(Tensor.zeros(dtype, 3, 2), Tensor.zeros(dtype, 3), 1, DEFAULTS))
        .hasMessageContaining("x is " + label + "[3, 2]; expected [..., B, N] with B at most N");
    assertThatThrownBy(
            () ->
                CrossEntropy.apply(
                    x, targets, loss, 0, DEFAULTS.withWeights(Tensor.zeros(dtype, 3))))
        .hasMessageContaining("weights is " + label + "[3]");
    assertThatThrownBy(
            () ->
                CrossEntropy.vjp(
                    x, targets, Tensor.zeros(dtype, 1), Tensor.zerosLike(x), 0, DEFAULTS))
        .hasMessageContaining("dloss is " + label + "[1]");
    assertThatThrownBy(() -> CrossEntropy.apply(x, targets, x.reshape(6).slice(0, 0, 2)))
        .hasMessage("loss shares memory with x; expected memory of its own");
    assertThatThrownBy(() -> DEFAULTS.withThreads(-1))
        .hasMessage("threads is -1; expected 1 or more, or 0 for all processors");
  }

  /** A loss to be written. */
  private interface Write {

    void to(Tensor loss);
  }

  private static double value(Write write) {
    final double[] value = new double[1];
    write.to(Tensor.of(value, 1));
    return value[0];
  }

  /** Kernel against meaning, within what the documentation states. */
  private static void assertClose(LossFixture.Named loss, Tensor x, Tensor targets, String what) {
    final int rows = (int) x.rows();
    final int n = (int) x.rowLength();
    final float[] values = poison(rows);
    final float[] dx = poison(rows * n);
    loss.both()
        .run(x, targets, Tensor.of(values, rows), Tensor.of(dx, rows, n), LossOptions.defaults());
    final double[] exact = new double[rows];
    final double[] exactDx = new double[rows * n];
    loss.both()
        .run(
            x.to(DType.F64),
            targets,
            Tensor.of(exact, rows),
            Tensor.of(exactDx, rows, n),
            LossOptions.defaults());
    for (int row = 0; row < rows; row++) {
      double max = Double.NEGATIVE_INFINITY;
      double size = 0;
      for (int i = row * n; i < (row + 1) * n; i++) {
        max = Math.max(max, x.getDouble(i));
        size += Math.abs(x.getDouble(i)) > 1e30 ? 0 : Math.abs(x.getDouble(i)) / n;
      }
      if (exact[row] > Float.MAX_VALUE) {
        assertThat(values[row]).as("%s, row %d", what, row).isEqualTo(Float.POSITIVE_INFINITY);
        continue;
      }
      final double spread = loss.slack() > 0 ? 1e-6 * size : 0;
      assertThat(Math.abs(values[row] - exact[row]))
          .as("%s, row %d: loss %s against %s", what, row, values[row], exact[row])
          .isLessThanOrEqualTo(exact[row] * ALLOWED + spread + Float.MIN_NORMAL);
      for (int i = row * n; i < (row + 1) * n; i++) {
        final double want = exactDx[i];
        // The steepest temperature of the fixture is 0.4; exponentials below 2^-126 are 0.
        final double distance = Math.min(200, 2.5 * (max - x.getDouble(i)));
        final double lost = distance > 87 ? Math.abs(want) : 0;
        final double allowed =
            Math.abs(want) * (2 * ALLOWED + distance * 0x1p-22)
                + loss.slack() * ALLOWED / (n < 100 ? 1 : 10)
                + lost
                + 0x1p-120;
        assertWithin(dx[i], want, allowed, what, i);
      }
    }
  }
}
