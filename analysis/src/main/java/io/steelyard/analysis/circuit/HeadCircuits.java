package io.steelyard.analysis.circuit;

import java.util.Arrays;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/**
 * What the heads of one attention layer do on prompts of examples {@code (x, y)}, read from their
 * weights: {@code KQ_h = K_h^T Q_h / sqrt(D)} says what a query looks for, {@code OV_h = O_h V_h}
 * what a head says.
 *
 * <p>For one label, D = d + 1, a trained head looks for {@code omega_h} times the query and says
 * {@code mu_h} times the label. The last column of KQ meets the 0 in place of the query's label and
 * is never used, so it is left out everywhere.
 *
 * <p>Cost of making one: {@code O(H D^3)}. Immutable.
 *
 * <p>Source: arXiv 2503.12734 and the code of its repository; the summary numbers as there.
 *
 * <pre>{@code
 * HeadCircuits heads = HeadCircuits.of(q, k, v, o);
 * boolean cancels = heads.zeroSum() < 0.05;
 * }</pre>
 */
public final class HeadCircuits {

  private final int dimension;
  private final double[][][] kq;
  private final double[][] ov;

  private HeadCircuits(int dimension, double[][][] kq, double[][] ov) {
    this.dimension = dimension;
    this.kq = kq;
    this.ov = ov;
  }

  /**
   * The circuits of H heads of width D.
   *
   * @param q {@code [H][D][D]}, applied to a token from the left
   * @param k {@code [H][D][D]}
   * @param v {@code [H][D][D]}
   * @param o {@code [H][D]}, the row that makes the output
   */
  public static HeadCircuits of(double[][][] q, double[][][] k, double[][][] v, double[][] o) {
    final int heads = q.length;
    if (heads == 0 || k.length != heads || v.length != heads || o.length != heads) {
      throw new IllegalArgumentException(
          "q, k, v and o have "
              + heads
              + ", "
              + k.length
              + ", "
              + v.length
              + " and "
              + o.length
              + " heads; expected the same number of each, at least one");
    }
    final int width = q[0].length;
    final double[][][] kq = new double[heads][][];
    final double[][] ov = new double[heads][];
    for (int h = 0; h < heads; h++) {
      final RealMatrix keys = MatrixUtils.createRealMatrix(k[h]);
      kq[h] =
          keys.transposeMultiply(MatrixUtils.createRealMatrix(q[h]))
              .scalarMultiply(1 / Math.sqrt(width))
              .getData();
      ov[h] = MatrixUtils.createRealMatrix(v[h]).preMultiply(o[h]);
    }
    return new HeadCircuits(width - 1, kq, ov);
  }

  /** H. */
  public int heads() {
    return kq.length;
  }

  /** {@code KQ_h}, row = key index, column = query index, {@code [D][D]}. */
  public double[][] kq(int head) {
    return Arrays.stream(kq[head]).map(double[]::clone).toArray(double[][]::new);
  }

  /** {@code OV_h}, {@code [D]}. */
  public double[] ov(int head) {
    return ov[head].clone();
  }

  /** The mean of the first d diagonal entries of {@code KQ_h}. */
  public double omega(int head) {
    double sum = 0;
    for (int i = 0; i < dimension; i++) {
      sum += kq[head][i][i];
    }
    return sum / dimension;
  }

  /** What the head makes of a label: the last entry of {@code OV_h}. */
  public double mu(int head) {
    return ov[head][dimension];
  }

  /** Standard deviation of the first d diagonal entries of {@code KQ_h} over their mean's size. */
  public double diagonalSpread(int head) {
    final double mean = omega(head);
    double sum = 0;
    for (int i = 0; i < dimension; i++) {
      sum += (kq[head][i][i] - mean) * (kq[head][i][i] - mean);
    }
    return Math.sqrt(sum / dimension) / Math.abs(mean);
  }

  /** The largest entry of {@code KQ_h} off the first d of the diagonal, in used columns. */
  public double offDiagonal(int head) {
    double most = 0;
    for (int i = 0; i <= dimension; i++) {
      for (int j = 0; j < dimension; j++) {
        if (i != j) {
          most = Math.max(most, Math.abs(kq[head][i][j]));
        }
      }
    }
    return most;
  }

  /** The largest entry of {@code OV_h} that reads x. */
  public double inputLeak(int head) {
    double most = 0;
    for (int i = 0; i < dimension; i++) {
      most = Math.max(most, Math.abs(ov[head][i]));
    }
    return most;
  }

  /** {@code |sum_h mu_h| / sum_h |mu_h|}: 0 if heads cancel on constant labels. */
  public double zeroSum() {
    double sum = 0;
    double size = 0;
    for (int h = 0; h < heads(); h++) {
      sum += mu(h);
      size += Math.abs(mu(h));
    }
    return Math.abs(sum) / size;
  }

  /** Standard deviation of {@code |omega_h|} over heads, over their mean. */
  public double homogeneity() {
    return homogeneity(omegas());
  }

  static double homogeneity(double[] omegas) {
    final double mean = Arrays.stream(omegas).map(Math::abs).average().orElseThrow();
    double sum = 0;
    for (final double omega : omegas) {
      sum += (Math.abs(omega) - mean) * (Math.abs(omega) - mean);
    }
    return Math.sqrt(sum / omegas.length) / mean;
  }

  /** {@code sum_h |mu_h| offDiagonal_h / sum_h |mu_h omega_h|}: heads that say more count more. */
  public double leak() {
    double off = 0;
    double on = 0;
    for (int h = 0; h < heads(); h++) {
      off += Math.abs(mu(h)) * offDiagonal(h);
      on += Math.abs(mu(h) * omega(h));
    }
    return off / on;
  }

  /** Whether some heads look for the query and others for its opposite. */
  public boolean looksBothWays() {
    final double[] omegas = omegas();
    return Arrays.stream(omegas).anyMatch(w -> w > 0) && Arrays.stream(omegas).anyMatch(w -> w < 0);
  }

  private double[] omegas() {
    final double[] omegas = new double[heads()];
    for (int h = 0; h < omegas.length; h++) {
      omegas[h] = omega(h);
    }
    return omegas;
  }
}
