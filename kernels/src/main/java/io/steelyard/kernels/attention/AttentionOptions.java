package io.steelyard.kernels.attention;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How attention is applied.
 *
 * @param mask which keys each query sees; its shapes are those of the scores {@code [B, H, Tq, Tk]}
 * @param bias an additive mask, broadcast to the scores; -inf hides a key
 * @param slopes ALiBi slopes {@code m}, {@code [H]}: the score of query i and key j is lowered by
 *     {@code m_h |i + Tk - Tq - j|}
 * @param scale what {@code q.k} is multiplied by; {@code 1/sqrt(D)} if empty
 * @param threads most threads to use, 0 for all processors
 */
public record AttentionOptions(
    Mask mask, Optional<Tensor> bias, Optional<Tensor> slopes, OptionalDouble scale, int threads) {

  private static final AttentionOptions DEFAULTS =
      new AttentionOptions(
          Mask.none(), Optional.empty(), Optional.empty(), OptionalDouble.empty(), 0);

  /** Checks the numbers. */
  public AttentionOptions {
    if (scale.isPresent() && !Double.isFinite(scale.getAsDouble())) {
      throw new IllegalArgumentException(
          "scale is " + scale.getAsDouble() + "; expected a finite number");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** No mask, scale {@code 1/sqrt(D)}, all processors. */
  public static AttentionOptions defaults() {
    return DEFAULTS;
  }

  /** Query i of Tq sees key j of Tk if {@code j <= i + Tk - Tq}. */
  public static AttentionOptions causal() {
    return DEFAULTS.withMask(Mask.causal());
  }

  /** These options with another mask. */
  public AttentionOptions withMask(Mask newMask) {
    return new AttentionOptions(newMask, bias, slopes, scale, threads);
  }

  /** These options with an additive mask. */
  public AttentionOptions withBias(Tensor newBias) {
    return new AttentionOptions(mask, Optional.of(newBias), slopes, scale, threads);
  }

  /** These options with ALiBi slopes. */
  public AttentionOptions withSlopes(Tensor newSlopes) {
    return new AttentionOptions(mask, bias, Optional.of(newSlopes), scale, threads);
  }

  /** These options with another scale. */
  public AttentionOptions withScale(double newScale) {
    return new AttentionOptions(mask, bias, slopes, OptionalDouble.of(newScale), threads);
  }

  /** These options with another thread limit. */
  public AttentionOptions withThreads(int newThreads) {
    return new AttentionOptions(mask, bias, slopes, scale, newThreads);
  }
}
