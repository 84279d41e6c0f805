package io.steelyard.kernels.doublystochastic;

import static io.steelyard.kernels.softmax.NormaliserFixture.random;
import static io.steelyard.kernels.softmax.NormaliserFixture.scores;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The doubly stochastic matrices of an orthogonal and of a unitary factor. */
class OrthogonalAndCircuitTest {

  private static double[] normal(long seed, int count) {
    final var random = random(seed);
    final double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextGaussian();
    }
    return values;
  }

  private static double[] theta(long seed, int qubits, int layers) {
    return random(seed).doubles(QuantumDoublyStochastic.angles(qubits, layers), -1, 1).toArray();
  }

  private static double[] qr(double[] x, int n) {
    final double[] y = new double[x.length];
    QrDoublyStochastic.apply(Tensor.of(x, n, n), Tensor.of(y, n, n), 0, 1);
    return y;
  }

  private static double[] circuit(double[] x, int n, double[] theta, int qubits, int layers) {
    final double[] y = new double[x.length];
    QuantumDoublyStochastic.apply(
        Tensor.of(x, n, n), Tensor.of(theta, theta.length), Tensor.of(y, n, n), qubits, layers, 1);
    return y;
  }

  private static void isDoublyStochastic(double[] p, int n, String what) {
    for (int i = 0; i < n; i++) {
      double row = 0;
      double column = 0;
      for (int j = 0; j < n; j++) {
        assertThat(p[i * n + j]).as(what).isBetween(0.0, 1 + 1e-12);
        row += p[i * n + j];
        column += p[j * n + i];
      }
      assertThat(row).as("%s, row %d", what, i).isCloseTo(1, within(1e-12));
      assertThat(column).as("%s, column %d", what, i).isCloseTo(1, within(1e-12));
    }
  }

  /** Compares a gradient with central differences. */
  private static void check(double[] at, double[] gradient, ToDoubleFunction<double[]> loss) {
    final double h = 1e-5;
    for (int i = 0; i < at.length; i++) {
      final double middle = at[i];
      at[i] = middle + h;
      final double above = loss.applyAsDouble(at);
      at[i] = middle - h;
      final double below = loss.applyAsDouble(at);
      at[i] = middle;
      final double difference = (above - below) / (2 * h);
      assertThat(gradient[i])
          .as("entry %d", i)
          .isCloseTo(difference, within(1e-8 * Math.max(1, Math.abs(difference))));
    }
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 17, 60})
  void squaredOrthogonalFactorsAreDoublyStochastic(int n) {
    isDoublyStochastic(qr(normal(91, n * n), n), n, "seed 91");
    isDoublyStochastic(qr(new double[n * n], n), n, "zeros");
    final double[] rankOne = new double[n * n];
    for (int i = 0; i < n * n; i++) {
      rankOne[i] = (1 + i / n) * (2 - i % n);
    }
    isDoublyStochastic(qr(rankOne, n), n, "rank one");
  }

  @Test
  void orthogonalFactorIgnoresScaleAndSignsOfColumns() {
    final int n = 6;
    final double[] x = normal(92, n * n);
    final double[] other = x.clone();
    for (int i = 0; i < n; i++) {
      other[i * n + 2] *= -1;
    }
    for (int i = 0; i < n * n; i++) {
      other[i] *= 0x1p-500;
    }
    final double[] first = qr(x, n);
    final double[] second = qr(other, n);
    for (int i = 0; i < n * n; i++) {
      assertThat(second[i]).as("seed 92, %d", i).isCloseTo(first[i], within(1e-14));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 0", "2, 0", "5, 300", "17, -300"})
  void factorsAreThoseOfTheWeights(int n, int exponent) {
    final double[] x = normal(95, n * n);
    for (int i = 0; i < n * n; i++) {
      x[i] = Math.scalb(x[i], exponent);
    }
    final double[] u = new double[n * n];
    final double[] inverse = new double[n * n];
    QrDoublyStochastic.factors(
        Tensor.of(x, n, n), Tensor.of(u, n, n), Tensor.of(inverse, n, n), 0, 1);
    final double[] p = qr(x, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        assertThat(u[i * n + j] * u[i * n + j]).isCloseTo(p[i * n + j], within(1e-14));
        if (i > j) {
          assertThat(inverse[i * n + j]).isZero();
        }
        double product = 0;
        for (int k = 0; k < n; k++) {
          product += x[i * n + k] * inverse[k * n + j];
        }
        assertThat(product).as("seed 95, %d %d", i, j).isCloseTo(u[i * n + j], within(1e-11));
      }
    }
  }

  @Test
  void factorsOfAMatrixWithoutFullRankAreThoseOfTheMatrixWithNoise() {
    final int n = 4;
    final Tensor x = Tensor.zeros(DType.F64, 2, n, n);
    final Tensor u = Tensor.zerosLike(x);
    final Tensor inverse = Tensor.zerosLike(x);
    final Tensor p = Tensor.zerosLike(x);
    QrDoublyStochastic.factors(x, u, inverse, 7, 0);
    QrDoublyStochastic.apply(x, p, 7, 0);
    for (int i = 0; i < 2 * n * n; i++) {
      final double entry = u.toDoubleArray()[i];
      assertThat(entry * entry).isCloseTo(p.toDoubleArray()[i], within(1e-14));
    }
    assertThat(inverse.toDoubleArray()[0]).isFinite();
    assertThat(Math.abs(inverse.toDoubleArray()[0])).isGreaterThan(1e5);
    assertThatThrownBy(() -> QrDoublyStochastic.factors(x, u, u, 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("inverse shares memory with x or u; expected memory of its own");
    assertThatThrownBy(() -> QrDoublyStochastic.factors(x, u, Tensor.zeros(DType.F64, n, n), 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("inverse is ");
  }

  @Test
  void noiseDependsOnTheSeedAndTheMatrixAlone() {
    final int n = 4;
    final Tensor x = Tensor.zeros(DType.F64, 5, n, n);
    final Tensor one = Tensor.zerosLike(x);
    final Tensor all = Tensor.zerosLike(x);
    QrDoublyStochastic.apply(x, one, 7, 1);
    QrDoublyStochastic.apply(x, all, 7, 0);
    assertThat(all.toDoubleArray()).isEqualTo(one.toDoubleArray());
    QrDoublyStochastic.apply(x, all, 8, 0);
    assertThat(all.toDoubleArray()).isNotEqualTo(one.toDoubleArray());
    assertThat(one.slice(0, 0, 1).toDoubleArray()).isNotEqualTo(one.slice(0, 1, 2).toDoubleArray());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void gradientOfTheOrthogonalFactorIsThatOfCentralDifferences(int n) {
    final double[] x = normal(93, n * n);
    final double[] dy = normal(94, n * n);
    final double[] dx = new double[n * n];
    QrDoublyStochastic.vjp(Tensor.of(x, n, n), Tensor.of(dy, n, n), Tensor.of(dx, n, n), 0, 1);
    check(x, dx, at -> dot(dy, qr(at, n)));
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 0", "2, 1, 0", "2, 2, 1", "4, 3, 5", "8, 4, 4", "4, 6, 2"})
  void circuitsAreDoublyStochastic(int n, int qubits, int layers) {
    final double[] x = normal(95, n * n);
    isDoublyStochastic(circuit(x, n, theta(96, qubits, layers), qubits, layers), n, "seeds 95, 96");
    final double[] identity =
        circuit(new double[n * n], n, theta(96, qubits, layers), qubits, layers);
    for (int i = 0; i < n * n; i++) {
      assertThat(identity[i]).isCloseTo(i / n == i % n ? 1 : 0, within(1e-14));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 2, 1", "2, 1, 0", "2, 2, 1", "4, 3, 2", "4, 4, 1"})
  void gradientsOfTheCircuitAreThoseOfCentralDifferences(int n, int qubits, int layers) {
    final double[] x = normal(97, n * n);
    final double[] theta = theta(98, qubits, layers);
    final double[] dy = normal(99, n * n);
    final double[] dx = new double[n * n];
    final double[] dtheta = new double[theta.length];
    QuantumDoublyStochastic.vjp(
        Tensor.of(x, n, n),
        Tensor.of(theta, theta.length),
        Tensor.of(dy, n, n),
        Tensor.of(dx, n, n),
        Tensor.of(dtheta, theta.length),
        qubits,
        layers,
        1);
    check(x, dx, at -> dot(dy, circuit(at, n, theta, qubits, layers)));
    check(theta, dtheta, at -> dot(dy, circuit(x, n, at, qubits, layers)));
  }

  @Test
  void gradientOfThetaIsTheSumOverMatricesInOrder() {
    final Tensor x = Tensor.of(normal(100, 6 * 16), 2, 3, 4, 4);
    final Tensor dy = Tensor.of(normal(101, 6 * 16), 2, 3, 4, 4);
    final double[] theta = theta(102, 3, 2);
    final Tensor factors = Tensor.of(theta, theta.length);
    final Tensor dx = Tensor.zerosLike(x);
    final Tensor one = Tensor.zerosLike(factors);
    final Tensor all = Tensor.zerosLike(factors);
    QuantumDoublyStochastic.vjp(x, factors, dy, dx, one, 3, 2, 1);
    QuantumDoublyStochastic.vjp(x, factors, dy, dx, all, 3, 2, 0);
    assertThat(all.toDoubleArray()).isEqualTo(one.toDoubleArray());
    final double[] sum = new double[theta.length];
    for (int i = 0; i < 6; i++) {
      final Tensor matrix = x.reshape(6, 4, 4).slice(0, i, i + 1);
      final Tensor cotangent = dy.reshape(6, 4, 4).slice(0, i, i + 1);
      QuantumDoublyStochastic.vjp(
          matrix, factors, cotangent, Tensor.zerosLike(matrix), all, 3, 2, 1);
      for (int a = 0; a < sum.length; a++) {
        sum[a] += all.getDouble(a);
      }
    }
    assertThat(one.toDoubleArray()).isEqualTo(sum);
  }

  /** How many of 625 small matrices are told apart: the paper's measure of expressivity. */
  @Test
  void deepCircuitsTellAlmostAllMatricesApartAndSinkhornAllButTheConstantOnes() {
    final Set<String> sinkhorn = new HashSet<>();
    final Set<String> shallow = new HashSet<>();
    final Set<String> deep = new HashSet<>();
    final double[] one = theta(103, 6, 1);
    final double[] eight = theta(103, 6, 8);
    for (int code = 0; code < 625; code++) {
      final double[] x = new double[16];
      for (int column = 0, rest = code; column < 4; column++, rest /= 5) {
        for (int row = 0; row < 4; row++) {
          x[row * 4 + column] = rest % 5 == 4 ? 0.5 : rest % 5 == row ? 1 : 0;
        }
      }
      final double[] p = new double[16];
      Sinkhorn.apply(Tensor.of(x, 4, 4), Tensor.of(p, 4, 4));
      sinkhorn.add(rounded(p));
      shallow.add(rounded(circuit(x, 4, one, 6, 1)));
      deep.add(rounded(circuit(x, 4, eight, 6, 8)));
    }
    assertThat(sinkhorn).hasSize(621);
    assertThat(shallow).as("seed 103").hasSizeBetween(200, 400);
    assertThat(deep).as("seed 103").hasSizeGreaterThan(621);
  }

  private static String rounded(double[] p) {
    return Arrays.toString(Arrays.stream(p).mapToLong(v -> Math.round(1000 * v)).toArray());
  }

  @Test
  void floatsAreTheDoublesRounded() {
    final Tensor x = Tensor.of(scores(random(104), 3 * 16, 1), 3, 4, 4);
    final Tensor y = Tensor.zerosLike(x);
    final Tensor exact = Tensor.zeros(DType.F64, 3, 4, 4);
    QrDoublyStochastic.apply(x, y, 0, 0);
    QrDoublyStochastic.apply(x.to(DType.F64), exact, 0, 0);
    assertThat(y.toFloatArray()).isEqualTo(exact.toFloatArray());
    final Tensor theta = Tensor.of(scores(random(105), 25, 1), 25);
    QuantumDoublyStochastic.apply(x, theta, y, 3, 1, 0);
    QuantumDoublyStochastic.apply(x.to(DType.F64), theta.to(DType.F64), exact, 3, 1, 0);
    assertThat(y.toFloatArray()).isEqualTo(exact.toFloatArray());
    final Tensor both = x.to(DType.F32);
    QuantumDoublyStochastic.apply(both, theta, both, 3, 1, 0);
    assertThat(both.toFloatArray()).as("in place").isEqualTo(y.toFloatArray());
  }

  @Tag("allocation")
  @Test
  void aCallAllocatesNothing() {
    final Tensor x = Tensor.of(scores(random(106), 5 * 16, 1), 5, 4, 4);
    final Tensor dy = Tensor.of(scores(random(107), 5 * 16, 1), 5, 4, 4);
    final Tensor theta = Tensor.of(scores(random(108), 25, 1), 25);
    final Tensor dtheta = Tensor.zerosLike(theta);
    final Tensor y = Tensor.zerosLike(x);
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  QrDoublyStochastic.apply(x, y, 0, 0);
                  QrDoublyStochastic.vjp(x, dy, y, 0, 0);
                  QuantumDoublyStochastic.apply(x, theta, y, 3, 1, 0);
                  QuantumDoublyStochastic.vjp(x, theta, dy, y, dtheta, 3, 1, 0);
                }))
        .isZero();
  }

  @Test
  void badCallsNameTheArgumentItsValueAndWhatWasExpected() {
    final Tensor three = Tensor.zeros(DType.F32, 3, 3);
    final Tensor four = Tensor.zeros(DType.F32, 4, 4);
    final Tensor theta = Tensor.zeros(DType.F32, 14);
    assertThatThrownBy(() -> QuantumDoublyStochastic.apply(three, theta, three, 2, 1, 0))
        .hasMessage("x is f32[3, 3]; expected matrices of a power of two of rows");
    assertThatThrownBy(() -> QuantumDoublyStochastic.apply(four, theta, four, 1, 1, 0))
        .hasMessage(
            "qubits is 1; expected 1 to 12 and at least log2 of the 4 rows of a matrix of x");
    assertThatThrownBy(() -> QuantumDoublyStochastic.apply(four, theta, four, 2, 2, 0))
        .hasMessage(
            "theta is f32[14]; expected f32[22], a factor for each angle of 2 qubits and 2 layers");
    assertThatThrownBy(() -> QuantumDoublyStochastic.apply(four, theta, four, 2, 1, -1))
        .hasMessage("threads is -1; expected 1 or more, or 0 for all processors");
    assertThatThrownBy(() -> QuantumDoublyStochastic.vjp(four, theta, four, four, four, 2, 1, 0))
        .hasMessage("dtheta is f32[4, 4]; expected the dtype and shape of theta, f32[14]");
    assertThatThrownBy(() -> QuantumDoublyStochastic.angles(13, 1))
        .hasMessage("qubits is 13 and layers is 1; expected 1 to 12 and 0 to 100000");
    assertThatThrownBy(() -> QuantumDoublyStochastic.qubits(0))
        .hasMessage("tokens is 0; expected 1 or more");
    assertThatThrownBy(() -> QrDoublyStochastic.apply(three, four, 0, 0))
        .hasMessage("y is f32[4, 4]; expected the dtype and shape of x, f32[3, 3]");
    assertThatThrownBy(() -> QrDoublyStochastic.apply(three, three, 0, -2))
        .hasMessage("threads is -2; expected 1 or more, or 0 for all processors");
  }
}
