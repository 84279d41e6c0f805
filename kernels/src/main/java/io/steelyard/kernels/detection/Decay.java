package io.steelyard.kernels.detection;

/**
 * What the score of a box is multiplied with when it overlaps a selected one: a function f of their
 * intersection over union u.
 */
public sealed interface Decay {

  /** {@code f(u) = 0} if {@code u > threshold}, else 1: plain suppression. */
  static Decay hard(double threshold) {
    return new Hard(threshold);
  }

  /** {@code f(u) = 1 - u} if {@code u > threshold}, else 1. */
  static Decay linear(double threshold) {
    return new Linear(threshold);
  }

  /** {@code f(u) = exp(-u^2 / sigma)}, for every u. */
  static Decay gaussian(double sigma) {
    return new Gaussian(sigma);
  }

  /** f(u). */
  double factor(double u);

  /**
   * See {@link #hard}.
   *
   * @param threshold N_t, in [0, 1]
   */
  record Hard(double threshold) implements Decay {

    /** Checks the threshold. */
    public Hard {
      check(threshold);
    }

    @Override
    public double factor(double u) {
      return u > threshold ? 0 : 1;
    }
  }

  /**
   * See {@link #linear}.
   *
   * @param threshold N_t, in [0, 1]
   */
  record Linear(double threshold) implements Decay {

    /** Checks the threshold. */
    public Linear {
      check(threshold);
    }

    @Override
    public double factor(double u) {
      return u > threshold ? 1 - u : 1;
    }
  }

  /**
   * See {@link #gaussian}.
   *
   * @param sigma above 0
   */
  record Gaussian(double sigma) implements Decay {

    /** Checks sigma. */
    public Gaussian {
      if (!(sigma > 0)) {
        throw new IllegalArgumentException(
            "sigma is " + sigma + "; expected a number greater than 0");
      }
    }

    @Override
    public double factor(double u) {
      return u > 0 ? Math.exp(-u * u / sigma) : 1;
    }
  }

  private static void check(double threshold) {
    if (!(threshold >= 0 && threshold <= 1)) {
      throw new IllegalArgumentException(
          "threshold is " + threshold + "; expected a number in [0, 1]");
    }
  }
}
