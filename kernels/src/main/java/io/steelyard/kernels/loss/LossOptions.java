package io.steelyard.kernels.loss;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/**
 * How a loss over rows is applied.
 *
 * @param ignoreIndex a target of this value is left out; a row with no other target has loss 0 and
 *     gradient 0, whatever it holds
 * @param weights a factor for the loss of each row, {@code [...]}; a row of weight 0 is left out
 * @param threads most threads to use, 0 for all processors
 */
public record LossOptions(int ignoreIndex, Optional<Tensor> weights, int threads) {

  /** The value of {@link #ignoreIndex} where none is given. */
  public static final int IGNORE_INDEX = -100;

  private static final LossOptions DEFAULTS = new LossOptions(IGNORE_INDEX, Optional.empty(), 0);

  /** Checks the thread count. */
  public LossOptions {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** Targets of -100 are left out, all rows count once, all processors. */
  public static LossOptions defaults() {
    return DEFAULTS;
  }

  /** These options with another value for targets that are left out. */
  public LossOptions withIgnoreIndex(int index) {
    return new LossOptions(index, weights, threads);
  }

  /** These options with a factor for each row. */
  public LossOptions withWeights(Tensor newWeights) {
    return new LossOptions(ignoreIndex, Optional.of(newWeights), threads);
  }

  /** These options with another thread limit. */
  public LossOptions withThreads(int newThreads) {
    return new LossOptions(ignoreIndex, weights, newThreads);
  }
}
