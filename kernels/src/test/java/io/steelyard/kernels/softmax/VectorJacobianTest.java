package io.steelyard.kernels.softmax;

import static io.steelyard.kernels.softmax.NormaliserFixture.poison;
import static io.steelyard.kernels.softmax.NormaliserFixture.random;
import static io.steelyard.kernels.softmax.NormaliserFixture.scores;
import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Gradients: the scalar meaning against central differences, the kernels against the scalar
 * meaning.
 */
class VectorJacobianTest {

  static Stream<Operator> differentiable() {
    return Operators.all().stream()
        .filter(operator -> operator.family().equals("softmax") && operator.vjp().isPresent());
  }

  @ParameterizedTest
  @MethodSource("differentiable")
  void scalarGradientsMatchCentralDifferences(Operator operator) {
    final int rows = 2;
    final int n = 5;
    final double[] x = new double[rows * n];
    final var random = random(31);
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextGaussian();
    }
    final boolean[] keep = new boolean[rows * n];
    for (int i = 0; i < keep.length; i++) {
      keep[i] = i != 3 && i != 5;
    }
    final Tensor mask = Tensor.of(keep, rows, n);
    final Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("x", Tensor.of(x, rows, n));
    inputs.put("mask", mask);
    final Tensor y = operator.apply(inputs, Map.of()).get("y");
    final double[] dy = new double[(int) y.size()];
    for (int i = 0; i < dy.length; i++) {
      dy[i] = random.nextGaussian();
    }
    inputs.put("dy", Tensor.of(dy, y.shape()));
    final Tensor dx = operator.applyVjp(inputs, Map.of()).get("dx");
    inputs.remove("dy");
    final double h = 1e-6;
    for (int i = 0; i < x.length; i++) {
      final double kept = x[i];
      x[i] = kept + h;
      final double up = dot(operator.apply(inputs, Map.of()).get("y"), dy);
      x[i] = kept - h;
      final double down = dot(operator.apply(inputs, Map.of()).get("y"), dy);
      x[i] = kept;
      assertThat(dx.getDouble(i))
          .as("%s, seed 31, element %d", operator.name(), i)
          .isCloseTo((up - down) / (2 * h), org.assertj.core.data.Offset.offset(1e-8));
    }
  }

  @ParameterizedTest
  @MethodSource("differentiable")
  void kernelsMatchTheScalarGradients(Operator operator) {
    for (final int n : new int[] {1, 3, 16, 17, 250, 1024, 5000, 33_001}) {
      final var random = random(32);
      final Tensor x = Tensor.of(scores(random, 2 * n, 2), 2, n);
      final Tensor y = operator.apply(Map.of("x", x), Map.of()).get("y");
      final Tensor dy = Tensor.of(scores(random, (int) y.size(), 1), y.shape());
      final Tensor dx = operator.applyVjp(Map.of("x", x, "dy", dy), Map.of()).get("dx");
      final Tensor exact =
          operator
              .applyVjp(Map.of("x", x.to(DType.F64), "dy", dy.to(DType.F64)), Map.of())
              .get("dx");
      double scale = 0;
      for (long i = 0; i < exact.size(); i++) {
        scale = Math.max(scale, Math.abs(exact.getDouble(i)));
      }
      final String what = operator.name() + ", seed 32, n " + n;
      for (int i = 0; i < exact.size(); i++) {
        assertWithin(dx.getDouble(i), exact.getDouble(i), 2e-5 * scale + 1e-6, what, i);
      }
    }
  }

  @Test
  void gradientsUnderAWeightOfZeroAreZeroWhateverTheCotangent() {
    final float[] y = {0.25f, 0, 0.75f};
    final float[] dx = poison(3);
    Softmax.vjp(Tensor.of(y, 3), Tensor.of(new float[] {1, Float.NaN, 3}, 3), Tensor.of(dx, 3));
    assertThat(dx).containsExactly(-0.375f, 0, 0.375f);

    final float[] logY = {(float) Math.log(0.25), Float.NEGATIVE_INFINITY, (float) Math.log(0.75)};
    final float[] logDx = poison(3);
    LogSoftmax.vjp(
        Tensor.of(logY, 3), Tensor.of(new float[] {1, Float.NaN, 3}, 3), Tensor.of(logDx, 3));
    assertThat(logDx[0]).isEqualTo(0f, org.assertj.core.data.Offset.offset(1e-6f));
    assertThat(logDx[1]).isZero();
    assertThat(logDx[2]).isEqualTo(0f, org.assertj.core.data.Offset.offset(1e-6f));
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 100, 5000})
  void mayBeWrittenOverTheCotangent(int n) {
    final float[] y = poison(n);
    Softmax.apply(Tensor.of(scores(random(33), n, 1), n), Tensor.of(y, n));
    final float[] dy = scores(random(34), n, 1);
    final float[] dx = poison(n);
    Softmax.vjp(Tensor.of(y, n), Tensor.of(dy, n), Tensor.of(dx, n));
    Softmax.vjp(Tensor.of(y, n), Tensor.of(dy, n), Tensor.of(dy, n));
    assertThat(dy).isEqualTo(dx);
  }

  private static double dot(Tensor a, double[] b) {
    double sum = 0;
    for (int i = 0; i < b.length; i++) {
      final double v = a.getDouble(i);
      sum += v == Double.NEGATIVE_INFINITY ? 0 : v * b[i];
    }
    return sum;
  }
}
