package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;

/**
 * The part of a query's temperature that grows with how many keys it sees, {@code tau_pos(i) = 1 +
 * g(alpha) ln i}: weights of a query among many keys then stay as spiky as among few.
 *
 * <p>i counts the visible keys from 1, in decoding too: the absolute position, not that within a
 * chunk. For attention without a causal mask it is the number of keys, for every query.
 *
 * <p>Source: arXiv 2411.12892.
 *
 * @param form how the slope depends on alpha
 * @param alpha what is learned
 */
public record PositionTemperature(Form form, double alpha) {

  /** The slope {@code g(alpha)} of the logarithm. */
  public enum Form {
    /** {@code sigmoid(alpha)}: the paper's, usually begun at -5. */
    SIGMOID {
      @Override
      double slope(double alpha) {
        return SigmoidAttention.sigmoid(alpha);
      }

      @Override
      double derivative(double alpha) {
        return SigmoidAttention.sigmoid(alpha) * SigmoidAttention.sigmoid(-alpha);
      }
    },
    /** {@code exp(-exp(alpha))}: usually begun at 1.5 or 2. */
    DOUBLE_EXP {
      @Override
      double slope(double alpha) {
        return Math.exp(-Math.exp(alpha));
      }

      @Override
      double derivative(double alpha) {
        return -Math.exp(alpha - Math.exp(alpha));
      }
    },
    /** {@code alpha} itself: usually begun at 1e-5. */
    LINEAR {
      @Override
      double slope(double alpha) {
        return alpha;
      }

      @Override
      double derivative(double alpha) {
        return 1;
      }
    };

    abstract double slope(double alpha);

    abstract double derivative(double alpha);
  }

  /** Checks alpha. */
  public PositionTemperature {
    if (!Double.isFinite(alpha)) {
      throw new IllegalArgumentException("alpha is " + alpha + "; expected a finite number");
    }
  }

  /**
   * The temperature of a query.
   *
   * @param position how many keys it sees, 1 or more
   */
  public double at(long position) {
    return 1 + form.slope(alpha) * logarithm(position);
  }

  /** The derivative of {@link #at} with respect to alpha. */
  public double derivativeAt(long position) {
    return form.derivative(alpha) * logarithm(position);
  }

  private static double logarithm(long position) {
    if (position < 1) {
      throw new IllegalArgumentException("position is " + position + "; expected 1 or more");
    }
    return Math.log((double) position);
  }

  /**
   * Writes the temperatures of consecutive queries.
   *
   * @param first position of the first one
   * @param temperatures {@code [..., Tq]}, every row the same; modified
   */
  public void fill(long first, Tensor temperatures) {
    for (long i = 0; i < temperatures.size(); i++) {
      temperatures.setDouble(temperatures.flatIndex(i), at(first + i % temperatures.rowLength()));
    }
  }

  /**
   * The gradient of alpha, from that of what {@link #fill} has written.
   *
   * @param first as in {@link #fill}
   * @param gradients {@code [..., Tq]}; not modified
   */
  public double gradient(long first, Tensor gradients) {
    double sum = 0;
    for (long i = 0; i < gradients.size(); i++) {
      sum +=
          gradients.getDouble(gradients.flatIndex(i))
              * derivativeAt(first + i % gradients.rowLength());
    }
    return sum;
  }
}
