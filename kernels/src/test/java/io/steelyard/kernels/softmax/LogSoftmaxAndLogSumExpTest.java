package io.steelyard.kernels.softmax;

import static io.steelyard.kernels.softmax.NormaliserFixture.LENGTHS;
import static io.steelyard.kernels.softmax.NormaliserFixture.edgeRows;
import static io.steelyard.kernels.softmax.NormaliserFixture.masked;
import static io.steelyard.kernels.softmax.NormaliserFixture.poison;
import static io.steelyard.kernels.softmax.NormaliserFixture.random;
import static io.steelyard.kernels.softmax.NormaliserFixture.scores;
import static io.steelyard.kernels.tensor.Elements.assertHolds;
import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Log-softmax and log-sum-exp against their meaning in double. */
class LogSoftmaxAndLogSumExpTest {

  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23})
  void agreeWithTheMeaningAtAwkwardLengths(long seed) {
    final var random = random(seed);
    for (final int n : LENGTHS) {
      for (final double spread : new double[] {0.01, 3, 3000}) {
        assertRow(scores(random, n, spread), "seed " + seed + ", n " + n + ", spread " + spread);
      }
    }
  }

  @Test
  void keepTheRuleForEdges() {
    for (final float[] edge : edgeRows()) {
      for (final int n : new int[] {edge.length, 17, 300, 70_000, 200_000}) {
        final float[] x = new float[Math.max(n, edge.length)];
        for (int i = 0; i < x.length; i++) {
          x[i] = edge[i % edge.length];
        }
        assertRow(x, Arrays.toString(edge) + " x " + n);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 40, 5000, 150_000})
  void masksNeverLeak(int n) {
    final float[] x = scores(random(7), n, 3);
    final float[] hidden = x.clone();
    final boolean[] keep = new boolean[n];
    for (int i = 0; i < n; i++) {
      keep[i] = i % 3 != 1;
      if (!keep[i]) {
        x[i] = Float.NEGATIVE_INFINITY;
        hidden[i] = Float.NaN;
      }
    }
    final NormaliserOptions options = masked(Mask.keep(Tensor.of(keep, n)));
    final float[] y = poison(n);
    final float[] lse = poison(1);
    LogSoftmax.apply(Tensor.of(hidden, n), Tensor.of(y, n), options);
    LogSumExp.apply(Tensor.of(hidden, n), Tensor.of(lse), options);
    assertRow(x, y, lse[0], "masked, n " + n);
  }

  @Test
  void logSumExpOfNothingIsMinusInfinity() {
    final float[] lse = poison(2);
    LogSumExp.apply(Tensor.of(new float[0], 2, 0), Tensor.of(lse, 2));
    assertThat(lse).containsExactly(Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY);
  }

  @Test
  void logSumExpWantsOneNumberForEachRow() {
    assertThatThrownBy(
            () -> LogSumExp.apply(Tensor.of(new float[6], 2, 3), Tensor.of(new float[3], 3)))
        .hasMessage("y is f32[3]; expected f32[2], one number for each row of x, f32[2, 3]");
  }

  @Test
  void doNotDependOnTheThreadCount() {
    final int n = 400_001;
    final float[] x = scores(random(8), n, 5);
    final float[] one = poison(1);
    final float[] all = poison(1);
    LogSumExp.apply(Tensor.of(x, n), Tensor.of(one), NormaliserOptions.defaults().withThreads(1));
    LogSumExp.apply(Tensor.of(x, n), Tensor.of(all), NormaliserOptions.defaults());
    assertThat(all).isEqualTo(one);
  }

  @ParameterizedTest
  @ValueSource(longs = {31, 32, 33})
  void findALateMaximum(long seed) {
    NormaliserFixture.lateOutliers(random(seed))
        .forEach(x -> assertRow(x, "seed " + seed + ", n " + x.length));
  }

  private static void assertRow(float[] x, String what) {
    final float[] y = poison(x.length);
    final float[] lse = poison(1);
    LogSoftmax.apply(Tensor.of(x, x.length), Tensor.of(y, x.length));
    LogSumExp.apply(Tensor.of(x, x.length), Tensor.of(lse));
    assertRow(x, y, lse[0], what);
  }

  private static void assertRow(float[] x, float[] y, float lse, String what) {
    double max = Double.NEGATIVE_INFINITY;
    for (final float v : x) {
      max = Math.max(max, v);
    }
    double sum = 0;
    for (final float v : x) {
      sum += max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(v - max);
    }
    if (Double.isNaN(sum)) {
      assertThat(lse).as(what).isNaN();
      for (int i = 0; i < y.length; i++) {
        assertHolds(Float.isNaN(y[i]), what, i);
      }
      return;
    }
    if (sum == 0) {
      assertThat(lse).as(what).isEqualTo(Float.NEGATIVE_INFINITY);
      for (int i = 0; i < y.length; i++) {
        assertHolds(y[i] == Float.NEGATIVE_INFINITY, what, i);
      }
      return;
    }
    final double log = Math.log(sum);
    final double exact = max + log;
    assertThat(Math.abs(lse - exact))
        .as("%s: log-sum-exp %s against %s", what, lse, exact)
        .isLessThanOrEqualTo(2e-6 + Math.abs(exact) * 0x1p-24);
    for (int i = 0; i < x.length; i++) {
      final double want = x[i] - max - log;
      if (x[i] == Float.NEGATIVE_INFINITY) {
        assertHolds(y[i] == x[i], what, i);
      } else if (want >= -Float.MAX_VALUE) {
        final double allowed = 0x1p-20 + (Math.abs(x[i]) + Math.abs(want)) * 0x1p-23;
        assertWithin(y[i], want, allowed, what, i);
      } else {
        assertHolds(y[i] == Float.NEGATIVE_INFINITY, what, i);
      }
    }
  }
}
