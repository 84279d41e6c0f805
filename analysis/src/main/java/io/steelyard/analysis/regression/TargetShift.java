package io.steelyard.analysis.regression;

import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.RealVector;
import org.hipparchus.linear.SingularValueDecomposition;

/**
 * A change of weights, or of data, of a {@link SoftmaxRegression} read as a change of its target:
 * the target b~ with which the old point has the residual of the new one, {@code f_new - b = f_old
 * - b~}; and bounds on how far it moves.
 *
 * <p>The <em>tight</em> bound is half the norm of the change of scores, {@code 1/2 ||A (x' - x)||}
 * or {@code 1/2 ||(A' - A) x||} (derived: the Jacobian of the softmax has norm at most 1/2). The
 * <em>paper's</em> is {@code n^1.5 exp(10 R^2)} times the norm of the change, R a bound of the
 * spectral norms of A and A' and of the norms of x and x'. It is larger by many orders of magnitude
 * and leaves the range of double soon, so it is given as a logarithm.
 *
 * <p>Cost: O(n d), and O(n d^2) for the spectral norms. Immutable.
 *
 * <p>Source: arXiv 2304.13276, with the factor of its bounds; their side conditions are not known
 * to us.
 *
 * <pre>{@code
 * TargetShift shift = TargetShift.ofWeights(a, b, x, y, OptionalDouble.empty());
 * boolean holds = shift.actual() <= shift.tight() && Math.log(shift.tight()) <= shift.logPaper();
 * }</pre>
 */
public final class TargetShift {

  private static final double EXPONENT = 10;

  /** Of a spectral norm. */
  private static final double ROUNDING = 1e-12;

  private final double[] target;
  private final double actual;
  private final double tight;
  private final double logPaper;

  private TargetShift(
      RealVector before, RealVector after, RealVector b, RealVector scores, double logPaper) {
    final RealVector shift = after.subtract(before);
    this.target = b.subtract(shift).toArray();
    this.actual = shift.getNorm();
    this.tight = scores.getNorm() / 2;
    this.logPaper = logPaper;
  }

  /**
   * Other weights.
   *
   * @param a {@code [n][d]}
   * @param b {@code [n]}
   * @param x the old weights, {@code [d]}
   * @param y the new ones
   * @param radius R; without it, the largest of the norms
   * @throws IllegalArgumentException if shapes differ or a norm exceeds the radius
   */
  public static TargetShift ofWeights(
      double[][] a, double[] b, double[] x, double[] y, OptionalDouble radius) {
    final SoftmaxRegression problem = new SoftmaxRegression(a, b);
    final RealVector before = MatrixUtils.createRealVector(problem.prediction(x));
    final RealVector after = MatrixUtils.createRealVector(problem.prediction(y));
    final RealMatrix matrix = MatrixUtils.createRealMatrix(a);
    final RealVector change =
        MatrixUtils.createRealVector(y).subtract(MatrixUtils.createRealVector(x));
    final double r = radius(radius, norm(matrix), norm(x), norm(y));
    return new TargetShift(
        before,
        after,
        MatrixUtils.createRealVector(b),
        matrix.operate(change),
        logPaper(a.length, r, change.getNorm()));
  }

  /**
   * Other data.
   *
   * @param a the old data, {@code [n][d]}
   * @param other the new ones, {@code [n][d]}
   * @param b {@code [n]}
   * @param x {@code [d]}
   * @param radius R; without it, the largest of the norms
   * @throws IllegalArgumentException if shapes differ or a norm exceeds the radius
   */
  public static TargetShift ofData(
      double[][] a, double[][] other, double[] b, double[] x, OptionalDouble radius) {
    final RealVector before =
        MatrixUtils.createRealVector(new SoftmaxRegression(a, b).prediction(x));
    final RealVector after =
        MatrixUtils.createRealVector(new SoftmaxRegression(other, b).prediction(x));
    final RealMatrix from = MatrixUtils.createRealMatrix(a);
    final RealMatrix to = MatrixUtils.createRealMatrix(other);
    final RealMatrix change = to.subtract(from);
    final double r = radius(radius, norm(from), norm(to), norm(x));
    return new TargetShift(
        before,
        after,
        MatrixUtils.createRealVector(b),
        change.operate(MatrixUtils.createRealVector(x)),
        logPaper(a.length, r, norm(change)));
  }

  /** The shifted target b~, {@code [n]}; its sum is that of b. */
  public double[] target() {
    return target.clone();
  }

  /** {@code ||b~ - b||}. */
  public double actual() {
    return actual;
  }

  /** The tight bound. */
  public double tight() {
    return tight;
  }

  /** Natural logarithm of the paper's bound, {@code -inf} where nothing changes. */
  public double logPaper() {
    return logPaper;
  }

  /** The paper's bound, infinite where it leaves the range of double. */
  public double paper() {
    return Math.exp(logPaper);
  }

  /** Decimal logarithm of the paper's bound over the actual shift; NaN where nothing changes. */
  public double log10Looseness() {
    return (logPaper - Math.log(actual)) / Math.log(10);
  }

  private static double logPaper(int n, double radius, double change) {
    return 1.5 * Math.log(n) + EXPONENT * radius * radius + Math.log(change);
  }

  private static double radius(OptionalDouble given, double... norms) {
    final double largest = DoubleStream.of(norms).max().orElseThrow();
    if (given.isPresent() && !(given.getAsDouble() >= largest * (1 - ROUNDING))) {
      throw new IllegalArgumentException(
          "radius is "
              + given.getAsDouble()
              + "; expected at least "
              + largest
              + ", the largest of the norms");
    }
    return given.orElse(largest);
  }

  private static double norm(double[] x) {
    return MatrixUtils.createRealVector(x).getNorm();
  }

  private static double norm(RealMatrix matrix) {
    return new SingularValueDecomposition(matrix).getNorm();
  }
}
