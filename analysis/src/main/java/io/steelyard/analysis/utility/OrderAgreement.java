package io.steelyard.analysis.utility;

/**
 * How well the order of utilities is that of true probabilities, whatever their values are.
 *
 * <p>Source: derived for arXiv 2305.14859: what a scorer can have right long before its
 * probabilities are.
 */
public final class OrderAgreement {

  private OrderAgreement() {}

  /**
   * Share of the pairs with different probabilities that the utilities order in the same way; equal
   * utilities count one half. NaN if all probabilities are equal. Cost O(K^2).
   *
   * @param utilities {@code [K]}
   * @param probabilities {@code [K]}
   */
  public static double concordance(double[] utilities, double[] probabilities) {
    check(utilities, probabilities);
    double right = 0;
    int pairs = 0;
    for (int i = 0; i < utilities.length; i++) {
      for (int j = 0; j < i; j++) {
        if (probabilities[i] != probabilities[j]) {
          pairs++;
          final boolean same = probabilities[i] > probabilities[j] == utilities[i] > utilities[j];
          right += utilities[i] == utilities[j] ? 0.5 : same ? 1 : 0;
        }
      }
    }
    return right / pairs;
  }

  /** Whether the candidate of the largest utility has the largest probability. */
  public static boolean sameBest(double[] utilities, double[] probabilities) {
    return regret(utilities, probabilities) == 0;
  }

  /** What is lost by taking the candidate of the largest utility: the best probability less its. */
  public static double regret(double[] utilities, double[] probabilities) {
    check(utilities, probabilities);
    return probabilities[Decisions.best(probabilities)] - probabilities[Decisions.best(utilities)];
  }

  private static void check(double[] utilities, double[] probabilities) {
    if (utilities.length == 0 || utilities.length != probabilities.length) {
      throw new IllegalArgumentException(
          "utilities and probabilities have "
              + utilities.length
              + " and "
              + probabilities.length
              + " candidates; expected the same number, at least one");
    }
  }
}
