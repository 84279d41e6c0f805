package io.steelyard.analysis.density;

import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/**
 * m bins of equal width over [-1, 1].
 *
 * <pre>{@code
 * Bins bins = new Bins(50);
 * double[] truth = bins.probabilities(z -> Math.exp(-0.5 * z * z / 0.01));
 * int token = bins.index(0.31);
 * }</pre>
 *
 * @param count m, 1 or more
 */
public record Bins(int count) {

  /** Checks the range. */
  public Bins {
    if (count < 1) {
      throw new IllegalArgumentException("count is " + count + "; expected 1 or more");
    }
  }

  /**
   * The bin of a number; numbers outside [-1, 1] go to the nearest bin.
   *
   * @throws IllegalArgumentException for NaN
   */
  public int index(double z) {
    if (Double.isNaN(z)) {
      throw new IllegalArgumentException("z is NaN; expected a number");
    }
    return (int) Math.clamp(Math.floor((z + 1) / 2 * count), 0, count - 1);
  }

  /** The middle of bin j, {@code -1 + (2 j + 1) / m}. */
  public double centre(int j) {
    if (j < 0 || j >= count) {
      throw new IllegalArgumentException("bin is " + j + "; expected 0 to " + (count - 1));
    }
    return -1 + (2.0 * j + 1) / count;
  }

  /**
   * A density read at the centres and divided by its sum.
   *
   * @param density 0 or more, not 0 at all centres; need not integrate to 1
   */
  public double[] probabilities(DoubleUnaryOperator density) {
    final double[] values =
        IntStream.range(0, count).mapToDouble(j -> density.applyAsDouble(centre(j))).toArray();
    double sum = 0;
    for (final double value : values) {
      if (!(value >= 0)) {
        throw new IllegalArgumentException("density is " + value + "; expected 0 or more");
      }
      sum += value;
    }
    if (sum == 0) {
      throw new IllegalArgumentException(
          "density is 0 at every centre; expected it above 0 at one");
    }
    for (int j = 0; j < count; j++) {
      values[j] /= sum;
    }
    return values;
  }

  /** The mean of a distribution over the bins, as if all mass lay in the centres. */
  public double mean(double[] probabilities) {
    check(probabilities);
    double sum = 0;
    for (int j = 0; j < count; j++) {
      sum += probabilities[j] * centre(j);
    }
    return sum;
  }

  /**
   * The quantile of a distribution that is uniform within each bin.
   *
   * @param level in [0, 1]
   */
  public double quantile(double[] probabilities, double level) {
    check(probabilities);
    if (!(level >= 0 && level <= 1)) {
      throw new IllegalArgumentException("level is " + level + "; expected a number in [0, 1]");
    }
    double below = 0;
    for (int j = 0; j < count; j++) {
      if (probabilities[j] > 0 && below + probabilities[j] >= level) {
        final double share = Math.max(0, (level - below) / probabilities[j]);
        return centre(j) + (2 * share - 1) / count;
      }
      below += probabilities[j];
    }
    // Rounding has left the sum below the level.
    return 1;
  }

  /**
   * {@code sum_j p_j (ln p_j - ln(q_j + floor))}, in nats.
   *
   * @param p the truth
   * @param q the model
   * @param floor added to the model's probabilities, 0 or more
   */
  public static double divergence(double[] p, double[] q, double floor) {
    if (p.length != q.length) {
      throw new IllegalArgumentException(
          "q has " + q.length + " probabilities; expected " + p.length + " like p");
    }
    if (!(floor >= 0)) {
      throw new IllegalArgumentException("floor is " + floor + "; expected 0 or more");
    }
    double sum = 0;
    for (int j = 0; j < p.length; j++) {
      sum += p[j] == 0 ? 0 : p[j] * (Math.log(p[j]) - Math.log(q[j] + floor));
    }
    return sum;
  }

  private void check(double[] probabilities) {
    if (probabilities.length != count) {
      throw new IllegalArgumentException(
          "probabilities has " + probabilities.length + " numbers; expected " + count);
    }
  }
}
