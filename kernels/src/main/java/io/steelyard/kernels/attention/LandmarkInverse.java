package io.steelyard.kernels.attention;

import io.steelyard.kernels.inverse.SymmetricInverse;

/**
 * How the kernel matrix of the landmarks is inverted, with {@code ridge} added to its diagonal. In
 * double for both dtypes.
 */
public sealed interface LandmarkInverse {

  /** 20 iterations, ridge 0.01: the published code's. */
  Newton NEWTON = new Newton(20, 0.01);

  /** What is added to the diagonal. */
  double ridge();

  /**
   * Newton's iteration, of matrix products alone: {@code Y <- 2 Y - Y A' Y} from {@code 1.8 / R^2
   * A'}, with {@code A' = A + ridge I} and R the largest row sum of A.
   *
   * <p>An eigenvalue m of A' is inverted up to a relative error of {@code (1 - 1.8 m^2 /
   * R^2)^(2^iterations)}, so with 20 iterations those below about {@code R/1000} stay damped: a
   * spectral cut-off, which landmarks that nearly coincide need.
   *
   * @param iterations 0 or more, at most 1000
   * @param ridge in [0, 0.05], where the first estimate is one from which the iteration converges
   */
  record Newton(int iterations, double ridge) implements LandmarkInverse {

    /** Checks the numbers. */
    public Newton {
      if (iterations < 0 || iterations > 1000) {
        throw new IllegalArgumentException(
            "iterations is " + iterations + "; expected a number in [0, 1000]");
      }
      if (!(ridge >= 0 && ridge <= SymmetricInverse.MOST_RIDGE)) {
        throw new IllegalArgumentException(
            "ridge is "
                + ridge
                + "; expected a number in [0, "
                + SymmetricInverse.MOST_RIDGE
                + "] for Newton's iteration");
      }
    }
  }

  /**
   * The inverse itself, by Cholesky's factorisation.
   *
   * @param ridge 0 or more; with 0, landmarks that coincide are refused
   */
  record Cholesky(double ridge) implements LandmarkInverse {

    /** Checks the number. */
    public Cholesky {
      if (!(ridge >= 0 && ridge < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("ridge is " + ridge + "; expected a finite number >= 0");
      }
    }
  }
}
