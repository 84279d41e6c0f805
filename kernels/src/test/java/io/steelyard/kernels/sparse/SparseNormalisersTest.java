package io.steelyard.kernels.sparse;

import static io.steelyard.kernels.softmax.NormaliserFixture.poison;
import static io.steelyard.kernels.softmax.NormaliserFixture.random;
import static io.steelyard.kernels.softmax.NormaliserFixture.scores;
import static io.steelyard.kernels.tensor.Elements.assertHolds;
import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.softmax.KernelCheck;
import io.steelyard.kernels.softmax.NormaliserFixture;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sparsemax and entmax against their meaning, an oracle that sorts, and their laws. */
class SparseNormalisersTest {

  /** A normaliser with its alpha and the error its documentation allows. */
  record Sparse(NormaliserFixture.Named named, double alpha, double allowed) {

    KernelCheck check() {
      // Where alpha is not one of the kernels', the only error is the rounding to float.
      return new KernelCheck(
          named, (exact, _) -> allowed > 0 ? allowed : 0.5 * Math.ulp((float) exact));
    }

    double[] of(double... x) {
      final double[] y = new double[x.length];
      named
          .algorithm()
          .apply(Tensor.of(x, x.length), Tensor.of(y, x.length), NormaliserOptions.defaults());
      return y;
    }

    @Override
    public String toString() {
      return named.name();
    }
  }

  static Stream<Sparse> all() {
    return Stream.of(
        new Sparse(new NormaliserFixture.Named("sparsemax", Sparsemax::apply), 2, 0x1p-23),
        new Sparse(new NormaliserFixture.Named("entmax15", Entmax15::apply), 1.5, 0x1p-22),
        entmax(1.25),
        entmax(3));
  }

  private static Sparse entmax(double alpha) {
    return new Sparse(
        new NormaliserFixture.Named(
            "entmax " + alpha, (x, y, options) -> Entmax.apply(x, y, alpha, options)),
        alpha,
        0);
  }

  @ParameterizedTest
  @MethodSource("all")
  void agreesWithTheMeaningAtAwkwardLengths(Sparse sparse) {
    sparse.check().atAwkwardLengths(41);
  }

  @ParameterizedTest
  @MethodSource("all")
  void keepsTheRuleForEdges(Sparse sparse) {
    sparse.check().atTheEdges();
    sparse.check().emptyRowsAndNoRows();
  }

  @ParameterizedTest
  @MethodSource("all")
  void whatStandsUnderAMaskNeverLeaks(Sparse sparse) {
    sparse.check().underMasks(42);
  }

  @ParameterizedTest
  @MethodSource("all")
  void isTheSameBitsForEveryMemoryAndThreadCount(Sparse sparse) {
    sparse.check().isTheSameBitsForEveryMemoryAndThreadCount();
  }

  /** Algorithm 1 of arXiv 1602.02068 and algorithm 2 of 1905.05702: sort, then scan. */
  @ParameterizedTest
  @ValueSource(longs = {43, 44, 45})
  void theMeaningAgreesWithSorting(long seed) {
    final var random = random(seed);
    for (final int n : new int[] {1, 2, 3, 10, 100, 2000}) {
      for (final double spread : new double[] {0.01, 0.5, 5}) {
        final double[] x = new double[n];
        for (int i = 0; i < n; i++) {
          x[i] = random.nextGaussian() * spread;
        }
        final double[] sorted = x.clone();
        Arrays.sort(sorted);
        double sum = 0;
        double squares = 0;
        double tau = 0;
        double rootTau = 0;
        boolean linear = true;
        boolean square = true;
        for (int k = 1; k <= n; k++) {
          final double z = sorted[n - k];
          sum += z;
          linear = linear && 1 + k * z > sum;
          tau = linear ? (sum - 1) / k : tau;
          squares += z * z / 4;
          final double mean = sum / 2 / k;
          final double rest = (1 - (squares - k * mean * mean)) / k;
          final double t = mean - Math.sqrt(Math.max(0, rest));
          square = square && rest >= 0 && t <= z / 2;
          rootTau = square ? t : rootTau;
        }
        final double[] flat = new double[n];
        final double[] root = new double[n];
        Sparsemax.apply(Tensor.of(x, n), Tensor.of(flat, n));
        Entmax15.apply(Tensor.of(x, n), Tensor.of(root, n));
        for (int i = 0; i < n; i++) {
          final String what = "seed " + seed + ", n " + n + ", spread " + spread;
          assertThat(flat[i]).as(what).isCloseTo(Math.max(0, x[i] - tau), within(1e-12));
          final double u = Math.max(0, x[i] / 2 - rootTau);
          assertThat(root[i]).as(what).isCloseTo(u * u, within(1e-12));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void sumsToOneIsShiftInvariantKeepsOrderAndGetsSparser(Sparse sparse) {
    final var random = random(46);
    for (final int n : new int[] {2, 19, 1000, 33_001}) {
      final float[] x = scores(random, n, 1);
      final float[] shifted = new float[n];
      for (int i = 0; i < n; i++) {
        x[i] = Math.round(x[i] * 64) / 64f; // x + 100 is then exact
        shifted[i] = x[i] + 100;
      }
      final float[] y = poison(n);
      final float[] z = poison(n);
      final NormaliserOptions options = NormaliserOptions.defaults();
      sparse.named.algorithm().apply(Tensor.of(x, n), Tensor.of(y, n), options);
      sparse.named.algorithm().apply(Tensor.of(shifted, n), Tensor.of(z, n), options);
      assertThat(z).as("%s, seed 46, n %d", sparse, n).isEqualTo(y);
      double sum = 0;
      float max = Float.NEGATIVE_INFINITY;
      int support = 0;
      for (int i = 0; i < n; i++) {
        sum += y[i];
        max = Math.max(max, x[i]);
        support += y[i] > 0 ? 1 : 0;
      }
      assertThat(sum)
          .as("%s, seed 46, n %d", sparse, n)
          .isCloseTo(1, within(1e-15 * n + 0x1p-24 + support * sparse.allowed));
      final Integer[] order = new Integer[n];
      Arrays.setAll(order, i -> i);
      Arrays.sort(order, (a, b) -> Float.compare(x[a], x[b]));
      final String what = sparse + ", seed 46, n " + n;
      final String ordered = what + ", in order";
      for (int i = 1; i < n; i++) {
        assertHolds(y[order[i]] >= y[order[i - 1]], ordered, i);
      }
      final String outside = what + ", outside the support";
      for (int i = 0; i < n; i++) {
        assertHolds((sparse.alpha - 1) * (max - x[i]) <= 1 || y[i] == 0, outside, i);
      }
    }
  }

  @Test
  void alphaOneIsSoftmaxAndSoIsItsLimit() {
    final double[] x = {0.3, -1, 2, 1.5, 0};
    final double[] softmax = new double[5];
    Softmax.apply(Tensor.of(x, 5), Tensor.of(softmax, 5));
    assertThat(entmax(1).of(x)).isEqualTo(softmax);
    final double[] near = entmax(1 + 1e-6).of(x);
    final double[] root = entmax(1.5).of(x);
    final double[] close = entmax(1.5 + 1e-9).of(x);
    final double[] flat = entmax(2).of(x);
    final double[] beside = entmax(2 - 1e-9).of(x);
    for (int i = 0; i < x.length; i++) {
      assertThat(near[i]).isCloseTo(softmax[i], within(2e-6));
      assertThat(close[i]).isCloseTo(root[i], within(1e-8));
      assertThat(beside[i]).isCloseTo(flat[i], within(1e-8));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 1.01, 1.25, 1.5, 1.75, 2, 2.5, 4})
  void gradientsMatchCentralDifferences(double alpha) {
    final var random = random(47);
    final int n = 6;
    final double h = 1e-6;
    for (int trial = 0; trial < 20; trial++) {
      final double[] x = new double[n];
      final double[] dy = new double[n];
      for (int i = 0; i < n; i++) {
        x[i] = random.nextGaussian() * 0.5;
        dy[i] = random.nextGaussian();
      }
      final double[] y = entmax(alpha).of(x);
      // At the border of the support there is no gradient, and near it none that differences see.
      if (Arrays.stream(y).anyMatch(p -> p > 0 && p < 1e-3)) {
        continue;
      }
      final double[] dx = new double[n];
      final double[] dalpha = new double[1];
      Entmax.vjp(
          Tensor.of(y, n), Tensor.of(dy, n), Tensor.of(dx, n), alpha, NormaliserOptions.defaults());
      Entmax.vjpAlpha(Tensor.of(y, n), Tensor.of(dy, n), Tensor.of(dalpha), alpha);
      final String what = "alpha " + alpha + ", seed 47, trial " + trial;
      for (int i = 0; i < n; i++) {
        final double[] moved = x.clone();
        moved[i] = x[i] + h;
        final double up = dot(entmax(alpha).of(moved), dy);
        moved[i] = x[i] - h;
        final double down = dot(entmax(alpha).of(moved), dy);
        assertThat(dx[i]).as(what).isCloseTo((up - down) / (2 * h), within(1e-5));
      }
      // One-sided at 1, where the family ends.
      final double step = 1e-4;
      final double low = alpha == 1 ? alpha : alpha - step;
      final double slope =
          (dot(entmax(alpha + step).of(x), dy) - dot(entmax(low).of(x), dy)) / (alpha + step - low);
      assertThat(dalpha[0])
          .as("%s, in alpha", what)
          .isCloseTo(slope, within(alpha == 1 ? 1e-3 : 1e-5));
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void kernelsMatchTheScalarGradients(Sparse sparse) {
    for (final int n : new int[] {1, 3, 16, 17, 250, 1024, 5000, 33_001}) {
      final var random = random(48);
      final Tensor x = Tensor.of(scores(random, 2 * n, 1), 2, n);
      final Tensor y = Tensor.of(poison(2 * n), 2, n);
      sparse.named.algorithm().apply(x, y, NormaliserOptions.defaults());
      final float[] cotangent = scores(random, 2 * n, 1);
      for (int i = 0; i < 2 * n; i++) {
        cotangent[i] = y.getDouble(i) == 0 ? Float.NaN : cotangent[i];
      }
      final Tensor dy = Tensor.of(cotangent, 2, n);
      final Tensor dx = Tensor.of(poison(2 * n), 2, n);
      Entmax.vjp(y, dy, dx, sparse.alpha, NormaliserOptions.defaults());
      final Tensor exact = Tensor.of(new double[2 * n], 2, n);
      Entmax.vjp(
          y.to(DType.F64), dy.to(DType.F64), exact, sparse.alpha, NormaliserOptions.defaults());
      final String what = sparse + ", seed 48, n " + n;
      for (int i = 0; i < 2 * n; i++) {
        assertWithin(dx.getDouble(i), exact.getDouble(i), 5e-6, what, i);
        assertHolds(y.getDouble(i) != 0 || dx.getDouble(i) == 0, what, i);
      }
      Entmax.vjp(y, dy, dy, sparse.alpha, NormaliserOptions.defaults());
      assertThat(dy.toFloatArray()).as("%s, over dy", sparse).isEqualTo(dx.toFloatArray());
    }
  }

  @Test
  void badArgumentsAreNamed() {
    final Tensor x = Tensor.of(new float[6], 2, 3);
    assertThatThrownBy(() -> Sparsemax.apply(x, Tensor.of(new float[6], 3, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("y is f32[3, 2]; expected the dtype and shape of x, f32[2, 3]");
    assertThatThrownBy(() -> Entmax.apply(x, x, 0.5, NormaliserOptions.defaults()))
        .hasMessage("alpha is 0.5; expected a number in [1, 100.0]");
    assertThatThrownBy(() -> Entmax.vjpAlpha(x, x, Tensor.of(new float[3], 3), 1.5))
        .hasMessageContaining("dalpha is f32[3]; expected f32[2]");
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < b.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
