package io.steelyard.bench.softmax;

import io.steelyard.bench.rows.Rows;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * What the operators of this suite mean, in double; guards that no time of a wrong result counts.
 */
public enum Meaning {
  /** {@code exp(x_i) / sum exp(x)}. */
  SOFTMAX,
  /** {@code x_i - log sum exp(x)}. */
  LOG_SOFTMAX,
  /** {@code log sum exp(x)}, one number for each row. */
  LOG_SUM_EXP;

  /** Largest error allowed to our own operators. */
  static final double OURS = 1e-5;

  /**
   * Largest error allowed to libtorch, only to see that it computes the same thing: it adds up a
   * row in float32, which at 2^24 entries is off by about 1e-3.
   */
  static final double PEERS = 1e-2;

  /** How many numbers a row gives. */
  int outputs(Rows rows) {
    return this == LOG_SUM_EXP ? 1 : rows.length();
  }

  /**
   * Compares the first, a middle and the last row with the meaning: relative for weights, absolute
   * (relative above 1) for logarithms.
   *
   * @param who named in the message
   * @param result gives a row's outputs
   * @param tolerance largest error, {@link #OURS} or {@link #PEERS}
   * @throws IllegalStateException at the first entry that is off or NaN
   */
  void check(String who, Rows rows, float[] x, IntFunction<float[]> result, double tolerance) {
    IntStream.of(0, rows.count() / 2, rows.count() - 1)
        .distinct()
        .forEach(
            row ->
                checkRow(
                    who, row, x, row * rows.length(), rows.length(), result.apply(row), tolerance));
  }

  private void checkRow(
      String who, int row, float[] x, int from, int length, float[] actual, double tolerance) {
    final double max =
        IntStream.range(from, from + length).mapToDouble(i -> x[i]).max().orElseThrow();
    final double sum =
        IntStream.range(from, from + length)
            .parallel()
            .mapToDouble(i -> Math.exp(x[i] - max))
            .sum();
    final double logSumExp = max + Math.log(sum);
    IntStream.range(0, actual.length)
        .parallel()
        .filter(i -> !near(actual[i], expected(x[from + i], logSumExp), tolerance))
        .findFirst()
        .ifPresent(
            i -> {
              throw new IllegalStateException(
                  String.format(
                      Locale.ROOT,
                      "%s is wrong: row %d, entry %d is %s; expected %.9g. No time is reported for"
                          + " it.",
                      who,
                      row,
                      i,
                      actual[i],
                      expected(x[from + i], logSumExp)));
            });
  }

  private double expected(double score, double logSumExp) {
    return switch (this) {
      case SOFTMAX -> Math.exp(score - logSumExp);
      case LOG_SOFTMAX -> score - logSumExp;
      case LOG_SUM_EXP -> logSumExp;
    };
  }

  /** False for NaN. */
  private boolean near(double actual, double expected, double tolerance) {
    final double unit = this == SOFTMAX ? expected : Math.max(1, Math.abs(expected));
    return Math.abs(actual - expected) <= tolerance * unit;
  }
}
