package io.steelyard.analysis.circuit;

import java.util.Arrays;
import org.hipparchus.linear.CholeskyDecomposition;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/**
 * One prompt of linear regression and what the usual predictors make of it.
 *
 * <p>Source: arXiv 2503.12734; labels are not centred anywhere, which would change nothing.
 */
public final class RegressionPrompt {

  private final double[][] x;
  private final double[] y;
  private final double[] query;

  /**
   * A prompt.
   *
   * @param x {@code [L][d]}
   * @param y {@code [L]}
   * @param query {@code [d]}
   */
  public RegressionPrompt(double[][] x, double[] y, double[] query) {
    if (x.length == 0 || x.length != y.length) {
      throw new IllegalArgumentException(
          "x and y have "
              + x.length
              + " and "
              + y.length
              + " examples; expected the same number, at least one");
    }
    for (final double[] row : x) {
      if (row.length != query.length) {
        throw new IllegalArgumentException(
            "x has a row of " + row.length + "; expected " + query.length + ", as the query");
      }
    }
    this.x = Arrays.stream(x).map(double[]::clone).toArray(double[][]::new);
    this.y = y.clone();
    this.query = query.clone();
  }

  /** One step of gradient descent from 0: {@code (eta/L) sum_l y_l x_l.x_q}. */
  public double gradientDescent(double eta) {
    return step(eta, new double[query.length]);
  }

  /** The same on centred inputs: {@code (eta/L) sum_l y_l (x_l - mean x).x_q}. */
  public double debiased(double eta) {
    final double[] mean = new double[query.length];
    for (final double[] row : x) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += row[i] / x.length;
      }
    }
    return step(eta, mean);
  }

  private double step(double eta, double[] centre) {
    double sum = 0;
    for (int l = 0; l < x.length; l++) {
      for (int i = 0; i < query.length; i++) {
        sum += y[l] * (x[l][i] - centre[i]) * query[i];
      }
    }
    return eta / x.length * sum;
  }

  /** {@code x_q^T (X^T X + lambda I)^-1 X^T y}; Bayes-optimal for lambda = sigma2 d. */
  public double ridge(double lambda) {
    final RealMatrix matrix = MatrixUtils.createRealMatrix(x);
    final RealMatrix gram =
        matrix
            .transposeMultiply(matrix)
            .add(MatrixUtils.createRealIdentityMatrix(query.length).scalarMultiply(lambda));
    final double[] weights =
        new CholeskyDecomposition(gram)
            .getSolver()
            .solve(MatrixUtils.createRealVector(matrix.preMultiply(y)))
            .toArray();
    double sum = 0;
    for (int i = 0; i < query.length; i++) {
      sum += weights[i] * query[i];
    }
    return sum;
  }

  /** The reduced model of softmax heads: {@code sum_h mu_h y^T softmax(omega_h X x_q)}. */
  public double heads(HeadsOnRegression.Heads heads) {
    double sum = 0;
    for (int h = 0; h < heads.mu().size(); h++) {
      sum += heads.mu().get(h) * average(heads.omega().get(h));
    }
    return sum;
  }

  private double average(double omega) {
    final double[] scores = new double[x.length];
    double most = Double.NEGATIVE_INFINITY;
    for (int l = 0; l < x.length; l++) {
      for (int i = 0; i < query.length; i++) {
        scores[l] += omega * x[l][i] * query[i];
      }
      most = Math.max(most, scores[l]);
    }
    double weighted = 0;
    double total = 0;
    for (int l = 0; l < x.length; l++) {
      final double weight = Math.exp(scores[l] - most);
      weighted += weight * y[l];
      total += weight;
    }
    return weighted / total;
  }
}
