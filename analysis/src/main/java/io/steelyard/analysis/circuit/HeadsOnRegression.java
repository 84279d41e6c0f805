package io.steelyard.analysis.circuit;

import java.util.Arrays;
import java.util.List;
import org.hipparchus.linear.CholeskyDecomposition;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/**
 * The reduced model of softmax heads on in-context linear regression, {@code yhat = sum_h mu_h y^T
 * softmax(omega_h X x_q)}: its risk, the best readout, and the gradient flow that training follows.
 *
 * <p>Prompts have L examples of dimension d, {@code x ~ N(0, I)}, {@code beta ~ N(0, I/d)} and
 * label noise of variance sigma2, as in arXiv 2503.12734. With {@code A_gh = omega_g omega_h + (1 +
 * sigma2)/L exp(d omega_g omega_h)} the risk is {@code 1 + sigma2 - 2 mu.omega + mu^T A mu}, noise
 * of the query included. It approximates that of the full model for small {@code d omega^2}.
 *
 * @param dimension d, at least 1
 * @param examples L, at least 1
 * @param sigma2 variance of the noise, at least 0
 */
public record HeadsOnRegression(int dimension, int examples, double sigma2) {

  /** Above this {@code d omega_g omega_h} the exponential leaves the range of double. */
  private static final double LARGEST_EXPONENT = 700;

  /** Checks the ranges. */
  public HeadsOnRegression {
    if (dimension < 1 || examples < 1) {
      throw new IllegalArgumentException(
          "dimension and examples are "
              + dimension
              + " and "
              + examples
              + "; expected 1 or more of each");
    }
    if (!(sigma2 >= 0) || Double.isInfinite(sigma2)) {
      throw new IllegalArgumentException(
          "sigma2 is " + sigma2 + "; expected a number of 0 or more");
    }
  }

  /**
   * Strengths and directions of heads.
   *
   * @param mu what each head makes of a label
   * @param omega what each head multiplies the query by
   */
  public record Heads(List<Double> mu, List<Double> omega) {

    /** Checks the lengths and copies the lists. */
    public Heads {
      mu = List.copyOf(mu);
      omega = List.copyOf(omega);
      if (mu.size() != omega.size() || mu.isEmpty()) {
        throw new IllegalArgumentException(
            "mu and omega have "
                + mu.size()
                + " and "
                + omega.size()
                + " heads; expected the same number, at least one");
      }
    }

    static Heads of(double[] mu, double[] omega) {
      return new Heads(Arrays.stream(mu).boxed().toList(), Arrays.stream(omega).boxed().toList());
    }

    private double[] mus() {
      return mu.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private double[] omegas() {
      return omega.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** Whether not all omegas have the same sign. */
    public boolean looksBothWays() {
      return omega.stream().anyMatch(w -> w > 0) && omega.stream().anyMatch(w -> w < 0);
    }

    /** {@code |sum mu| / sum |mu|}. */
    public double zeroSum() {
      return Math.abs(Arrays.stream(mus()).sum()) / Arrays.stream(mus()).map(Math::abs).sum();
    }

    /** Standard deviation of {@code |omega|} over its mean. */
    public double homogeneity() {
      return HeadCircuits.homogeneity(omegas());
    }
  }

  /**
   * A gradient.
   *
   * @param mu by mu
   * @param omega by omega
   */
  public record Gradient(List<Double> mu, List<Double> omega) {}

  /** The risk of the reduced model. */
  public double risk(Heads heads) {
    final double[] mu = heads.mus();
    final double[] omega = heads.omegas();
    double risk = 1 + sigma2;
    for (int g = 0; g < mu.length; g++) {
      risk -= 2 * mu[g] * omega[g];
      for (int h = 0; h < mu.length; h++) {
        risk += mu[g] * a(omega[g], omega[h]) * mu[h];
      }
    }
    return risk;
  }

  /** The mu with the least risk for these omegas, {@code A^-1 omega}. */
  public Heads best(List<Double> omega) {
    final int heads = omega.size();
    final RealMatrix a = MatrixUtils.createRealMatrix(heads, heads);
    for (int g = 0; g < heads; g++) {
      for (int h = 0; h < heads; h++) {
        a.setEntry(g, h, a(omega.get(g), omega.get(h)));
      }
    }
    final double[] omegas = omega.stream().mapToDouble(Double::doubleValue).toArray();
    final double[] mu =
        new CholeskyDecomposition(a)
            .getSolver()
            .solve(MatrixUtils.createRealVector(omegas))
            .toArray();
    return Heads.of(mu, omegas);
  }

  /** The best single head: {@code omega = 1/sqrt(d)} and its mu. */
  public Heads bestSingle() {
    final double omega = 1 / Math.sqrt(dimension);
    return Heads.of(
        new double[] {Math.sqrt(dimension) / (1 + (1 + sigma2) * dimension / examples * Math.E)},
        new double[] {omega});
  }

  /** The gradient of half the risk, which the flow follows. */
  public Gradient halfGradient(Heads heads) {
    final double[] mu = heads.mus();
    final double[] omega = heads.omegas();
    final double[] byMu = new double[mu.length];
    final double[] byOmega = new double[mu.length];
    halfGradient(mu, omega, byMu, byOmega);
    return new Gradient(
        Arrays.stream(byMu).boxed().toList(), Arrays.stream(byOmega).boxed().toList());
  }

  private void halfGradient(double[] mu, double[] omega, double[] byMu, double[] byOmega) {
    double product = 0;
    for (int h = 0; h < mu.length; h++) {
      product += mu[h] * omega[h];
    }
    final double noise = (1 + sigma2) / examples;
    for (int g = 0; g < mu.length; g++) {
      double alongMu = -omega[g];
      double alongOmega = -mu[g] + product * mu[g];
      for (int h = 0; h < mu.length; h++) {
        final double exponential = exponential(omega[g], omega[h]);
        alongMu += (omega[g] * omega[h] + noise * exponential) * mu[h];
        alongOmega += dimension * noise * exponential * mu[g] * mu[h] * omega[h];
      }
      byMu[g] = alongMu;
      byOmega[g] = alongOmega;
    }
  }

  /**
   * Euler's steps along the gradient of half the risk.
   *
   * @param size of a step, greater than 0
   * @param steps at least 0
   * @throws ArithmeticException if the heads run off to infinity: take smaller steps
   */
  public Heads flow(Heads start, double size, int steps) {
    final double[] mu = start.mus();
    final double[] omega = start.omegas();
    final double[] byMu = new double[mu.length];
    final double[] byOmega = new double[mu.length];
    for (int step = 0; step < steps; step++) {
      halfGradient(mu, omega, byMu, byOmega);
      for (int h = 0; h < mu.length; h++) {
        mu[h] -= size * byMu[h];
        omega[h] -= size * byOmega[h];
      }
    }
    return Heads.of(mu, omega);
  }

  /**
   * Risk in the limit of long prompts at fixed d/L that the debiased step of gradient descent has.
   */
  public double limitOfDebiased() {
    return 1 + sigma2 - 1 / (1 + (1 + sigma2) * dimension / examples);
  }

  /** The least exact risk of a debiased step of gradient descent, over its step sizes. */
  public double leastOfDebiased() {
    final double l = examples;
    return 1 + sigma2 - (l - 1) / (l + dimension * (1 + sigma2));
  }

  /** The risk of Bayes-optimal ridge regression in the same limit. */
  public double limitOfRidge() {
    final double xi = (double) dimension / examples;
    final double shift = sigma2 + (1 - xi) / xi;
    return (sigma2 + (xi - 1) / xi + Math.sqrt(4 * sigma2 + shift * shift)) / 2;
  }

  private double a(double g, double h) {
    return g * h + (1 + sigma2) / examples * exponential(g, h);
  }

  private double exponential(double g, double h) {
    final double exponent = dimension * g * h;
    if (!(exponent < LARGEST_EXPONENT)) {
      throw new ArithmeticException(
          "d omega omega' is " + exponent + "; expected below " + LARGEST_EXPONENT);
    }
    return Math.exp(exponent);
  }
}
