package io.steelyard.analysis.utility;

/**
 * How the utilities of candidates become probabilities.
 *
 * <p>Utilities are logits, or log-probabilities of whole sequences; adding a constant to all
 * changes nothing. Every transform keeps their order. A utility of {@code -inf} gets probability 0;
 * if all are, so do all. NaN or {@code +inf} makes all probabilities NaN. No candidates give none.
 * Nothing is modified; safe to call from any thread.
 *
 * <p>Source: arXiv 2305.14859 for the reading of scores as utilities. Its own transform is not
 * known to us; these are the natural candidates.
 *
 * <pre>{@code
 * double beta = InverseTemperature.fit(heldOut, chosen).beta();
 * ProbabilityTransform transform = ProbabilityTransform.boltzmann(beta);
 * double[] p = transform.probabilities(utilities);
 * int drawn = Decisions.sample(p, random);
 * }</pre>
 */
@FunctionalInterface
public interface ProbabilityTransform {

  /**
   * Probabilities of candidates.
   *
   * @param utilities of one choice, {@code [K]}
   * @return {@code [K]}, summing to 1
   */
  double[] probabilities(double[] utilities);

  /** The softmax of the utilities: the usual reading. */
  static ProbabilityTransform identity() {
    return new Boltzmann(1);
  }

  /**
   * {@code P ~ exp(beta u)}. For utilities that are log-probabilities, this is the power {@code
   * pi^beta}. Cost O(K).
   *
   * @param beta inverse temperature, greater than 0
   */
  static ProbabilityTransform boltzmann(double beta) {
    return new Boltzmann(beta);
  }

  /**
   * {@code P ~ rho^rank}, the best candidate having rank 0 and ties their mean rank. Cost O(K^2).
   *
   * @param rho in (0, 1)
   */
  static ProbabilityTransform ranked(double rho) {
    return new Ranked(rho);
  }

  /**
   * See {@link #boltzmann}.
   *
   * @param beta greater than 0
   */
  record Boltzmann(double beta) implements ProbabilityTransform {

    /** Checks the range. */
    public Boltzmann {
      if (!(beta > 0) || Double.isInfinite(beta)) {
        throw new IllegalArgumentException("beta is " + beta + "; expected a number above 0");
      }
    }

    @Override
    public double[] probabilities(double[] utilities) {
      double most = Double.NEGATIVE_INFINITY;
      for (final double utility : utilities) {
        most = Math.max(most, utility);
      }
      final double[] p = new double[utilities.length];
      if (most == Double.NEGATIVE_INFINITY) {
        return p;
      }
      double sum = 0;
      for (int i = 0; i < p.length; i++) {
        p[i] = Math.exp(beta * (utilities[i] - most));
        sum += p[i];
      }
      for (int i = 0; i < p.length; i++) {
        p[i] /= sum;
      }
      return p;
    }
  }

  /**
   * See {@link #ranked}.
   *
   * @param rho in (0, 1)
   */
  record Ranked(double rho) implements ProbabilityTransform {

    /** Checks the range. */
    public Ranked {
      if (!(rho > 0 && rho < 1)) {
        throw new IllegalArgumentException("rho is " + rho + "; expected a number in (0, 1)");
      }
    }

    @Override
    public double[] probabilities(double[] utilities) {
      return new Boltzmann(-Math.log(rho)).probabilities(negativeRanks(utilities));
    }

    /**
     * Minus the rank of each utility, {@code -inf} and NaN as they are: utilities whose fitted
     * {@link InverseTemperature} is {@code -ln rho}.
     */
    public static double[] negativeRanks(double[] utilities) {
      final double[] ranks = new double[utilities.length];
      for (int i = 0; i < ranks.length; i++) {
        ranks[i] = Double.isFinite(utilities[i]) ? 0 - rank(utilities, utilities[i]) : utilities[i];
      }
      return ranks;
    }

    private static double rank(double[] utilities, double utility) {
      int above = 0;
      int equal = 0;
      for (final double other : utilities) {
        above += other > utility ? 1 : 0;
        equal += other == utility ? 1 : 0;
      }
      return above + (equal - 1) / 2.0;
    }
  }
}
