package io.steelyard.analysis.regression;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Linear regression on given features, or on a kernel, with a ridge: {@code v = (F^T F + lambda s^2
 * I)^-1 F^T y}, s^2 the mean squared norm of the features (the mean diagonal of the kernel), so
 * that lambda does not depend on their size. In float64, in the smaller of the primal and the dual
 * form, for several targets at once; no constant term.
 *
 * <p>Cost: one product of O(n P min(n, P)), then O(min(n, P)^3) for each lambda.
 *
 * <pre>{@code
 * RidgeRegression ridge = RidgeRegression.ofFeatures(features, targets);
 * List<RidgeRegression.Fit> fits = ridge.select(lambdas, validationFeatures, validationTargets);
 * NDArray predicted = testFeatures.matMul(fits.getFirst().coefficients());
 * }</pre>
 */
public final class RidgeRegression implements AutoCloseable {

  private final NDManager scope;
  private final NDArray features;
  private final NDArray targets;
  private final NDArray gram;
  private final Form form;
  private final double scale;

  private enum Form {
    PRIMAL,
    DUAL,
    KERNEL
  }

  /**
   * The fit of one target.
   *
   * @param lambda the chosen ridge
   * @param coefficients {@code [P, 1]}, or of a kernel {@code [n, 1]}
   * @param error mean squared error on the validation data
   */
  public record Fit(double lambda, NDArray coefficients, double error) {}

  private RidgeRegression(NDArray inputs, NDArray targets, boolean kernel) {
    final Shape shape = inputs.getShape();
    if (shape.dimension() != 2 || shape.get(0) == 0 || shape.get(1) == 0) {
      throw new IllegalArgumentException(
          (kernel ? "kernel" : "features")
              + " is "
              + shape
              + "; expected [n, P] with both above 0");
    }
    if (kernel && shape.get(0) != shape.get(1)) {
      throw new IllegalArgumentException("kernel is " + shape + "; expected [n, n]");
    }
    checkTargets("targets", targets, shape.get(0));
    this.scope = inputs.getManager().newSubManager();
    this.features = own(inputs);
    this.targets = own(targets);
    if (kernel) {
      form = Form.KERNEL;
      gram = features;
      scale = features.mul(Like.eye(Math.toIntExact(shape.get(0)), features)).sum().getDouble();
    } else {
      form = shape.get(1) <= shape.get(0) ? Form.PRIMAL : Form.DUAL;
      gram =
          form == Form.PRIMAL
              ? features.transpose().matMul(features)
              : features.matMul(features.transpose());
      scale = features.square().sum().getDouble();
    }
  }

  /**
   * A regression on features.
   *
   * @param features {@code [n, P]}; not modified
   * @param targets {@code [n, K]}; not modified
   */
  public static RidgeRegression ofFeatures(NDArray features, NDArray targets) {
    return new RidgeRegression(features, targets, false);
  }

  /**
   * A regression on a kernel.
   *
   * @param kernel of the samples with each other, {@code [n, n]}; not modified
   * @param targets {@code [n, K]}; not modified
   */
  public static RidgeRegression ofKernel(NDArray kernel, NDArray targets) {
    return new RidgeRegression(kernel, targets, true);
  }

  /**
   * The coefficients of all targets.
   *
   * @param lambda greater than 0
   * @return {@code [P, K]}, or of a kernel {@code [n, K]}, until this is closed
   */
  public NDArray coefficients(double lambda) {
    if (!(lambda > 0) || Double.isInfinite(lambda)) {
      throw new IllegalArgumentException(
          "lambda is " + lambda + "; expected a finite number greater than 0");
    }
    final int size = Math.toIntExact(gram.getShape().get(0));
    final double mean = scale / features.getShape().get(0);
    // Features that are all 0 have every readout for a solution; take 0.
    final double ridge = mean > 0 ? lambda * mean : 1;
    final NDArray matrix = gram.add(Like.eye(size, gram).mul(Like.scalar(ridge, gram)));
    final NDArray right = form == Form.PRIMAL ? features.transpose().matMul(targets) : targets;
    final NDArray inverse = matrix.inverse();
    final NDArray first = inverse.matMul(right);
    // What rounding has left, once more.
    final NDArray solution = first.add(inverse.matMul(right.sub(matrix.matMul(first))));
    inverse.close();
    matrix.close();
    return form == Form.DUAL ? features.transpose().matMul(solution) : solution;
  }

  /**
   * For each target, the lambda with the smallest squared error on other samples, the first of
   * equals.
   *
   * @param lambdas at least one, each greater than 0
   * @param validation their features {@code [m, P]}, or their kernel with the samples {@code [m,
   *     n]}
   * @param validationTargets {@code [m, K]}
   * @return one for each target, until this is closed
   */
  public List<Fit> select(double[] lambdas, NDArray validation, NDArray validationTargets) {
    if (lambdas.length == 0) {
      throw new IllegalArgumentException("lambdas are none; expected at least one");
    }
    final Shape shape = validation.getShape();
    if (shape.dimension() != 2 || shape.get(0) == 0 || shape.get(1) != features.getShape().get(1)) {
      throw new IllegalArgumentException(
          "validation is " + shape + "; expected [m, " + features.getShape().get(1) + "]");
    }
    checkTargets("validationTargets", validationTargets, shape.get(0));
    final NDArray inputs = own(validation);
    final NDArray truth = own(validationTargets);
    final Fit[] best = new Fit[Math.toIntExact(targets.getShape().get(1))];
    for (final double lambda : lambdas) {
      final NDArray all = coefficients(lambda);
      final double[] errors =
          inputs.matMul(all).sub(truth).square().mean(new int[] {0}).toDoubleArray();
      for (int target = 0; target < errors.length; target++) {
        if (best[target] == null || errors[target] < best[target].error()) {
          best[target] =
              new Fit(lambda, all.get(":, " + target + ":" + (target + 1)), errors[target]);
        }
      }
    }
    if (IntStream.range(0, best.length).anyMatch(k -> Double.isNaN(best[k].error()))) {
      throw new IllegalArgumentException(
          "targets or features have an error that is no number; expected finite numbers");
    }
    return Arrays.asList(best);
  }

  /** Frees what it has computed. */
  @Override
  public void close() {
    scope.close();
  }

  private NDArray own(NDArray array) {
    final NDArray alias = array.stopGradient();
    alias.attach(scope);
    return alias.toType(DataType.FLOAT64, false);
  }

  private static void checkTargets(String name, NDArray targets, long samples) {
    final Shape shape = targets.getShape();
    if (shape.dimension() != 2 || shape.get(0) != samples || shape.get(1) == 0) {
      throw new IllegalArgumentException(
          name + " is " + shape + "; expected [" + samples + ", K] with K of 1 or more");
    }
  }
}
