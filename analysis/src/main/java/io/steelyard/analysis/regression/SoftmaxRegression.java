package io.steelyard.analysis.regression;

import java.util.Arrays;
import org.hipparchus.exception.MathIllegalArgumentException;
import org.hipparchus.linear.CholeskyDecomposition;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.RealVector;

/**
 * Softmax regression, {@code min_x 1/2 ||softmax(A x) - b||^2}: one row of attention as a least
 * squares problem. The softmax runs over the n rows of A; there are no classes.
 *
 * <p>With {@code f = softmax(A x)}, {@code c = f - b} and {@code P = diag(f) - f f^T}: {@code
 * grad_x = A^T P c}, {@code dL/dA = (P c) x^T}, {@code dL/db = -c}, and the Hessian is {@code A^T
 * H_z A} with {@code H_z = diag(f + c) P - <f, c> P - f (P (f + c))^T}. The loss is not convex and
 * the Hessian may be indefinite. A penalty {@code 1/2 ||diag(w) A x||^2} can be added to loss,
 * gradient and Hessian.
 *
 * <p>Edges: large scores do not overflow. NaN in x makes everything NaN. Cost: O(n d) for a loss or
 * gradient, O(n d^2 + n^2 d) for a Hessian. Nothing is modified; immutable.
 *
 * <p>Source: arXiv 2304.13276; gradient and Hessian derived and held to central differences.
 *
 * <pre>{@code
 * SoftmaxRegression problem = new SoftmaxRegression(a, b);
 * double[] x = problem.step(new double[5], 10);
 * SoftmaxRegression.Solution solution = problem.withPenalty(w).newton(x, 1e-10, 100);
 * }</pre>
 */
public final class SoftmaxRegression {

  private static final double ARMIJO = 1e-4;
  private static final int HALVINGS = 60;
  private static final double FIRST_SHIFT = 1e-10;

  private final RealMatrix a;
  private final RealVector b;
  private final RealVector penalty;

  /**
   * A problem without penalty.
   *
   * @param a {@code [n][d]}, n and d at least 1
   * @param b {@code [n]}, usually probabilities
   * @throws IllegalArgumentException if the shapes are not as above
   */
  public SoftmaxRegression(double[][] a, double[] b) {
    this(matrix("a", a), MatrixUtils.createRealVector(b), new double[b.length]);
  }

  private SoftmaxRegression(RealMatrix a, RealVector b, double[] w) {
    checkLength("b", b.getDimension(), a.getRowDimension());
    checkLength("w", w.length, a.getRowDimension());
    this.a = a;
    this.b = b;
    this.penalty = MatrixUtils.createRealVector(Arrays.stream(w).map(v -> v * v).toArray());
  }

  /** The same with the penalty {@code 1/2 ||diag(w) A x||^2}, w of {@code [n]}. */
  public SoftmaxRegression withPenalty(double[] w) {
    return new SoftmaxRegression(a, b, w);
  }

  /** n, the number of rows. */
  public int rows() {
    return a.getRowDimension();
  }

  /** d, the number of weights. */
  public int dimension() {
    return a.getColumnDimension();
  }

  /** {@code f = softmax(A x)}, {@code [n]}. */
  public double[] prediction(double[] x) {
    return softmax(scores(x));
  }

  /** {@code log sum exp(A x)}. */
  public double logPartition(double[] x) {
    final double[] scores = scores(x);
    final double most = Arrays.stream(scores).max().orElseThrow();
    return most + Math.log(Arrays.stream(scores).map(s -> Math.exp(s - most)).sum());
  }

  /** The loss, penalty included. */
  public double loss(double[] x) {
    final RealVector z = MatrixUtils.createRealVector(scores(x));
    final RealVector c = MatrixUtils.createRealVector(softmax(z.toArray())).subtract(b);
    return (c.dotProduct(c) + penalty.dotProduct(z.ebeMultiply(z))) / 2;
  }

  /** Gradient by x, {@code [d]}, penalty included. */
  public double[] gradient(double[] x) {
    final Point at = new Point(x);
    return a.preMultiply(at.pc.add(penalty.ebeMultiply(at.z))).toArray();
  }

  /** Gradient of the loss without penalty by A, {@code [n][d]}. */
  public double[][] gradientByData(double[] x) {
    return new Point(x).pc.outerProduct(MatrixUtils.createRealVector(x)).getData();
  }

  /** Gradient of the loss by b, {@code [n]}. */
  public double[] gradientByTarget(double[] x) {
    return new Point(x).c.mapMultiply(-1).toArray();
  }

  /** Hessian by x, {@code [d][d]}, symmetric, penalty included. */
  public double[][] hessian(double[] x) {
    return hessian(new Point(x)).getData();
  }

  private RealMatrix hessian(Point at) {
    final int n = rows();
    final RealVector sum = at.f.add(at.c);
    final double fc = at.f.dotProduct(at.c);
    final RealVector psum = at.project(sum);
    final RealMatrix hz = MatrixUtils.createRealMatrix(n, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        final double p = (i == j ? at.f.getEntry(i) : 0) - at.f.getEntry(i) * at.f.getEntry(j);
        hz.setEntry(i, j, (sum.getEntry(i) - fc) * p - at.f.getEntry(i) * psum.getEntry(j));
      }
      hz.addToEntry(i, i, penalty.getEntry(i));
    }
    final RealMatrix h = a.transposeMultiply(hz.multiply(a));
    // Symmetric but for rounding.
    return h.add(h.transpose()).scalarMultiply(0.5);
  }

  /** What is needed at an x. */
  private final class Point {

    private final RealVector z;
    private final RealVector f;
    private final RealVector c;
    private final RealVector pc;

    Point(double[] x) {
      z = MatrixUtils.createRealVector(scores(x));
      f = MatrixUtils.createRealVector(softmax(z.toArray()));
      c = f.subtract(b);
      pc = project(c);
    }

    /** P v. */
    RealVector project(RealVector v) {
      return f.ebeMultiply(v).subtract(f.mapMultiply(f.dotProduct(v)));
    }
  }

  /** One step of gradient descent, {@code x - eta grad}. */
  public double[] step(double[] x, double eta) {
    final double[] next = gradient(x);
    for (int i = 0; i < next.length; i++) {
      next[i] = x[i] - eta * next[i];
    }
    return next;
  }

  /**
   * What one step of gradient descent from 0 predicts for other rows: {@code softmax((eta/n) Aq A^T
   * (b - 1/n))}, which is linear attention of the queries Aq on the keys A with values {@code b -
   * 1/n}, and a softmax over the queries. The penalty does not matter: its gradient is 0 there.
   *
   * @param queries {@code [m][d]}
   * @return {@code [m]}
   */
  public double[] afterOneStep(double[][] queries, double eta) {
    final RealMatrix aq = matrix("queries", queries);
    if (aq.getColumnDimension() != dimension()) {
      throw new IllegalArgumentException(
          "queries have "
              + aq.getColumnDimension()
              + " columns; expected "
              + dimension()
              + ", as a");
    }
    final RealVector values = b.mapSubtract(1.0 / rows());
    return softmax(aq.operate(a.preMultiply(values)).mapMultiply(eta / rows()).toArray());
  }

  /** Where an iteration ended. */
  public static final class Solution {

    private final double[] x;
    private final double loss;
    private final double gradientNorm;
    private final int steps;
    private final boolean converged;

    private Solution(double[] x, double loss, double gradientNorm, int steps, boolean converged) {
      this.x = x;
      this.loss = loss;
      this.gradientNorm = gradientNorm;
      this.steps = steps;
      this.converged = converged;
    }

    /** The weights, {@code [d]}. */
    public double[] x() {
      return x.clone();
    }

    /** Their loss. */
    public double loss() {
      return loss;
    }

    /** Euclidean norm of the gradient there. */
    public double gradientNorm() {
      return gradientNorm;
    }

    /** Steps taken. */
    public int steps() {
      return steps;
    }

    /** Whether that norm is at most the tolerance. */
    public boolean converged() {
      return converged;
    }
  }

  /**
   * Newton's method with halved steps. Where the Hessian is not positive definite a multiple of the
   * identity is added to it, so every step goes down; with a large enough penalty none is needed.
   *
   * @param start {@code [d]}; not modified
   * @param tolerance of the gradient's norm, at least 0
   * @param maxSteps at least 0
   * @return the last point; it has not converged if the steps ran out or none of them went down
   * @throws IllegalArgumentException if start has another length or is not finite, or a number is
   *     out of range
   */
  public Solution newton(double[] start, double tolerance, int maxSteps) {
    if (!Arrays.stream(start).allMatch(Double::isFinite)) {
      throw new IllegalArgumentException(
          "start is " + Arrays.toString(start) + "; expected finite numbers");
    }
    if (!(tolerance >= 0) || maxSteps < 0) {
      throw new IllegalArgumentException(
          "tolerance and maxSteps are "
              + tolerance
              + " and "
              + maxSteps
              + "; expected numbers of 0 or more");
    }
    double[] x = start.clone();
    for (int step = 0; ; step++) {
      final RealVector gradient = MatrixUtils.createRealVector(gradient(x));
      final double norm = gradient.getNorm();
      final double loss = loss(x);
      if (norm <= tolerance || step == maxSteps) {
        return new Solution(x, loss, norm, step, norm <= tolerance);
      }
      final RealVector direction = downhill(hessian(new Point(x)), gradient);
      final double slope = gradient.dotProduct(direction);
      double size = 1;
      double[] next = moved(x, direction, size);
      for (int h = 0; h < HALVINGS && loss(next) > loss + ARMIJO * size * slope; h++) {
        size /= 2;
        next = moved(x, direction, size);
      }
      if (!(loss(next) < loss)) {
        // Rounding is all that is left.
        return new Solution(x, loss, norm, step, false);
      }
      x = next;
    }
  }

  private static RealVector downhill(RealMatrix hessian, RealVector gradient) {
    final int d = gradient.getDimension();
    final double size = Math.max(hessian.getNorm1(), Double.MIN_NORMAL);
    for (double shift = 0; ; shift = shift == 0 ? FIRST_SHIFT * size : 10 * shift) {
      try {
        return new CholeskyDecomposition(
                hessian.add(MatrixUtils.createRealIdentityMatrix(d).scalarMultiply(shift)))
            .getSolver()
            .solve(gradient.mapMultiply(-1));
      } catch (MathIllegalArgumentException notPositiveDefinite) {
        // A larger shift makes it so.
      }
    }
  }

  private static double[] moved(double[] x, RealVector direction, double size) {
    return MatrixUtils.createRealVector(x).add(direction.mapMultiply(size)).toArray();
  }

  private double[] scores(double[] x) {
    checkLength("x", x.length, dimension());
    return a.operate(x);
  }

  static double[] softmax(double[] scores) {
    double most = Double.NEGATIVE_INFINITY;
    for (final double score : scores) {
      most = Math.max(most, score);
    }
    final double[] f = new double[scores.length];
    double sum = 0;
    for (int i = 0; i < f.length; i++) {
      f[i] = Math.exp(scores[i] - most);
      sum += f[i];
    }
    for (int i = 0; i < f.length; i++) {
      f[i] /= sum;
    }
    return f;
  }

  static RealMatrix matrix(String name, double[][] rows) {
    if (rows.length == 0
        || rows[0].length == 0
        || Arrays.stream(rows).anyMatch(row -> row.length != rows[0].length)) {
      throw new IllegalArgumentException(
          name
              + " has rows of "
              + Arrays.toString(Arrays.stream(rows).mapToInt(row -> row.length).toArray())
              + " numbers; expected at least one row, all of the same length of 1 or more");
    }
    return MatrixUtils.createRealMatrix(rows);
  }

  private static void checkLength(String name, int length, int expected) {
    if (length != expected) {
      throw new IllegalArgumentException(
          name + " has " + length + " numbers; expected " + expected);
    }
  }
}
