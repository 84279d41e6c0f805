package io.steelyard.analysis.regression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SoftmaxRegressionTest {

  private static final double[][] A = {{1, .5}, {-.5, 1}, {0, -1}};
  private static final double[] X = {.5, -.25};
  private static final double[] B = {.5, .25, .25};
  private static final SoftmaxRegression PROBLEM = new SoftmaxRegression(A, B);

  @Test
  void goldenLossGradientsAndHessian() {
    assertThat(PROBLEM.prediction(X))
        .containsExactly(
            new double[] {0.4349038292011268, 0.1812948886066988, 0.3838012821921743},
            within(1e-15));
    assertThat(PROBLEM.logPartition(X)).isCloseTo(1.2076303546320064, within(1e-15));
    assertThat(PROBLEM.loss(X)).isCloseTo(0.01343034345025593, within(1e-16));
    assertThat(PROBLEM.gradient(X))
        .containsExactly(new double[] {-0.025727151049145042, -0.07812249906783529}, within(1e-15));
    final double[][] h = PROBLEM.hessian(X);
    assertThat(h[0])
        .containsExactly(new double[] {0.10342010695050048, 0.10230321791336856}, within(1e-15));
    assertThat(h[1])
        .containsExactly(new double[] {0.10230321791336859, 0.25515409436455394}, within(1e-15));
    final double[][] byData = PROBLEM.gradientByData(X);
    assertThat(byData[0])
        .containsExactly(new double[] {-0.01645737302403777, 0.008228686512018885}, within(1e-16));
    assertThat(byData[1])
        .containsExactly(new double[] {-0.007187594998930496, 0.003593797499465248}, within(1e-16));
    assertThat(byData[2])
        .containsExactly(new double[] {0.023644968022968265, -0.011822484011484133}, within(1e-16));
  }

  @Test
  void goldenShiftOfAStep() {
    final double[] next = PROBLEM.step(X, 2);
    assertThat(next)
        .containsExactly(new double[] {0.55145430209829, -0.09375500186432942}, within(1e-14));
    final TargetShift shift = TargetShift.ofWeights(A, B, X, next, OptionalDouble.of(1.5));
    assertThat(shift.target())
        .containsExactly(
            new double[] {0.45421769646502885, 0.23072644114422253, 0.3150558623907485},
            within(1e-14));
    assertThat(shift.actual()).isCloseTo(0.08185202880405199, within(1e-14));
    assertThat(shift.tight()).isCloseTo(0.12066229242286398, within(1e-14));
    assertThat(shift.paper()).isCloseTo(5.052100477e9, within(1.0));
    assertThat(shift.log10Looseness())
        .isCloseTo(Math.log10(5.052100477e9 / 0.08185202880405199), within(1e-8));
  }

  @Test
  void goldenStepAsAttention() {
    final double[][] queries = {{1, 0}, {0, 1}, {1, 1}};
    assertThat(PROBLEM.afterOneStep(queries, 6))
        .containsExactly(
            new double[] {0.33781944083739196, 0.263094045060905, 0.39908651410170304},
            within(1e-15));
    final Random random = new Random(2);
    for (int trial = 0; trial < 20; trial++) {
      final double[][] a = matrix(random, 16, 5);
      final double[] b = new SoftmaxRegression(a, new double[16]).prediction(vector(random, 5));
      final SoftmaxRegression problem = new SoftmaxRegression(a, b);
      final double[][] aq = matrix(random, 7, 5);
      final double[] x = problem.step(new double[5], 40);
      assertThat(problem.afterOneStep(aq, 40))
          .containsExactly(new SoftmaxRegression(aq, new double[7]).prediction(x), within(1e-12));
    }
  }

  @Test
  void gradientsAreThoseOfCentralDifferences() {
    final double step = 1e-5;
    for (int seed = 0; seed < 10; seed++) {
      final Random random = new Random(seed);
      final double[][] a = matrix(random, 6, 3);
      final double[] b = vector(random, 6);
      final double[] w = vector(random, 6);
      final double[] x = vector(random, 3);
      final SoftmaxRegression problem = new SoftmaxRegression(a, b).withPenalty(w);
      for (int i = 0; i < 3; i++) {
        final double[] up = x.clone();
        final double[] down = x.clone();
        up[i] += step;
        down[i] -= step;
        assertThat(problem.gradient(x)[i])
            .as("seed %d", seed)
            .isCloseTo((problem.loss(up) - problem.loss(down)) / (2 * step), within(1e-8));
        for (int j = 0; j < 3; j++) {
          assertThat(problem.hessian(x)[i][j])
              .as("seed %d", seed)
              .isCloseTo(
                  (problem.gradient(up)[j] - problem.gradient(down)[j]) / (2 * step), within(1e-8))
              .isEqualTo(problem.hessian(x)[j][i]);
        }
      }
      for (int k = 0; k < 6; k++) {
        for (int i = 0; i < 3; i++) {
          final double[][] up = Arrays.stream(a).map(double[]::clone).toArray(double[][]::new);
          final double[][] down = Arrays.stream(a).map(double[]::clone).toArray(double[][]::new);
          up[k][i] += step;
          down[k][i] -= step;
          assertThat(problem.gradientByData(x)[k][i])
              .isCloseTo(
                  (new SoftmaxRegression(up, b).loss(x) - new SoftmaxRegression(down, b).loss(x))
                      / (2 * step),
                  within(1e-8));
        }
        final double[] up = b.clone();
        final double[] down = b.clone();
        up[k] += step;
        down[k] -= step;
        assertThat(problem.gradientByTarget(x)[k])
            .isCloseTo(
                (new SoftmaxRegression(a, up).loss(x) - new SoftmaxRegression(a, down).loss(x))
                    / (2 * step),
                within(1e-8));
      }
    }
  }

  @Test
  void aConstantInAllScoresChangesNothing() {
    final Random random = new Random(3);
    final double[][] a = matrix(random, 6, 3);
    final double[] x = vector(random, 3);
    final double[] b = vector(random, 6);
    final double[][] moved = new double[6][];
    final double[][] constant = new double[6][];
    for (int i = 0; i < 6; i++) {
      moved[i] = new double[] {a[i][0] + 2, a[i][1] - 1, a[i][2] + 3};
      constant[i] = new double[] {a[i][0], 4, a[i][2]};
    }
    assertThat(new SoftmaxRegression(moved, b).loss(x))
        .isCloseTo(new SoftmaxRegression(a, b).loss(x), within(1e-14));
    assertThat(new SoftmaxRegression(constant, b).gradient(x)[1]).isCloseTo(0, within(1e-15));
    final double[] large = {1e4, -1e4, 1e4};
    assertThat(Arrays.stream(new SoftmaxRegression(a, b).prediction(large)).sum())
        .isCloseTo(1, within(1e-15));
  }

  @Test
  void newtonFindsTheWeightsThatMadeTheTarget() {
    for (int seed = 0; seed < 20; seed++) {
      final Random random = new Random(seed);
      final double[][] a = matrix(random, 16, 5);
      final double[] wanted = vector(random, 5);
      final double[] b = new SoftmaxRegression(a, new double[16]).prediction(wanted);
      final SoftmaxRegression.Solution solution =
          new SoftmaxRegression(a, b).newton(new double[5], 1e-12, 200);
      assertThat(solution.converged()).as("seed %d", seed).isTrue();
      assertThat(solution.gradientNorm()).isLessThanOrEqualTo(1e-12);
      assertThat(solution.loss()).as("seed %d", seed).isLessThan(1e-15);
      assertThat(solution.x()).as("seed %d", seed).containsExactly(wanted, within(1e-6));
    }
  }

  @Test
  void newtonWithPenaltyEndsWhereTheGradientIsZero() {
    final Random random = new Random(4);
    final double[][] a = matrix(random, 8, 3);
    final double[] w = new double[8];
    Arrays.fill(w, 1);
    final SoftmaxRegression problem = new SoftmaxRegression(a, vector(random, 8)).withPenalty(w);
    final SoftmaxRegression.Solution solution = problem.newton(vector(random, 3), 1e-12, 100);
    assertThat(solution.converged()).isTrue();
    assertThat(problem.newton(vector(random, 3), 1e-12, 100).x())
        .as("convex: the same from anywhere")
        .containsExactly(solution.x(), within(1e-9));
    assertThat(problem.newton(vector(random, 3), 0, 1).steps()).isEqualTo(1);
  }

  @Test
  void shiftsKeepTheResidualAndTheirBounds() {
    for (int seed = 0; seed < 200; seed++) {
      final Random random = new Random(seed);
      final double[][] a = matrix(random, 16, 5);
      final double[] b = new SoftmaxRegression(a, new double[16]).prediction(vector(random, 5));
      final double[] x = vector(random, 5);
      final double[] y =
          new SoftmaxRegression(a, b).step(x, Math.pow(10, 4 * random.nextDouble() - 2));
      final TargetShift weights = TargetShift.ofWeights(a, b, x, y, OptionalDouble.empty());
      final double[][] other = matrix(random, 16, 5);
      final TargetShift data = TargetShift.ofData(a, other, b, x, OptionalDouble.empty());
      final double[] old = new SoftmaxRegression(a, b).prediction(x);
      final double[] newByX = new SoftmaxRegression(a, b).prediction(y);
      final double[] newByA = new SoftmaxRegression(other, b).prediction(x);
      for (int i = 0; i < 16; i++) {
        assertThat(old[i] - weights.target()[i]).isCloseTo(newByX[i] - b[i], within(1e-14));
        assertThat(old[i] - data.target()[i]).isCloseTo(newByA[i] - b[i], within(1e-14));
      }
      for (final TargetShift shift : new TargetShift[] {weights, data}) {
        assertThat(Arrays.stream(shift.target()).sum()).isCloseTo(1, within(1e-14));
        assertThat(shift.actual()).as("seed %d", seed).isLessThanOrEqualTo(shift.tight());
        assertThat(Math.log(shift.tight())).as("seed %d", seed).isLessThan(shift.logPaper());
      }
    }
  }

  @Test
  void errorsNameTheArgument() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SoftmaxRegression(A, new double[2]))
        .withMessage("b has 2 numbers; expected 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SoftmaxRegression(new double[][] {{1}, {1, 2}}, new double[2]))
        .withMessage(
            "a has rows of [1, 2] numbers; expected at least one row, all of the same length of 1 or"
                + " more");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PROBLEM.gradient(new double[3]))
        .withMessage("x has 3 numbers; expected 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PROBLEM.afterOneStep(new double[][] {{1}}, 1))
        .withMessage("queries have 1 columns; expected 2, as a");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PROBLEM.newton(new double[] {Double.NaN, 0}, 0, 1))
        .withMessage("start is [NaN, 0.0]; expected finite numbers");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TargetShift.ofWeights(A, B, X, X, OptionalDouble.of(1)))
        .withMessageStartingWith("radius is 1.0; expected at least 1.");
  }

  private static double[][] matrix(Random random, int n, int d) {
    final double[][] a = new double[n][d];
    for (final double[] row : a) {
      Arrays.setAll(row, _ -> 2 * random.nextDouble() - 1);
    }
    return a;
  }

  private static double[] vector(Random random, int d) {
    final double[] x = new double[d];
    Arrays.setAll(x, _ -> random.nextGaussian());
    return x;
  }
}
