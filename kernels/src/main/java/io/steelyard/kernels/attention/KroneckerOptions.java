package io.steelyard.kernels.attention;

import io.steelyard.kernels.mask.Mask;
import java.util.OptionalDouble;

/**
 * How {@link KroneckerAttention} is applied.
 *
 * @param first which keys of the first kind each query sees; its shapes are {@code [B, H, Tq, T1]}
 * @param second which keys of the second kind each query sees: {@code [B, H, Tq, T2]}; a pair is
 *     seen if both of it are
 * @param scale what {@code sum_l q_l k1_l k2_l} is multiplied by; {@code 1/D} if empty
 * @param threads most threads to use, 0 for all processors
 */
public record KroneckerOptions(Mask first, Mask second, OptionalDouble scale, int threads) {

  private static final KroneckerOptions DEFAULTS =
      new KroneckerOptions(Mask.none(), Mask.none(), OptionalDouble.empty(), 0);

  /** Checks the numbers. */
  public KroneckerOptions {
    if (scale.isPresent() && !Double.isFinite(scale.getAsDouble())) {
      throw new IllegalArgumentException(
          "scale is " + scale.getAsDouble() + "; expected a finite number");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** No masks, scale {@code 1/D}, all processors. */
  public static KroneckerOptions defaults() {
    return DEFAULTS;
  }

  /** Query i sees pairs of keys {@code j <= i + T1 - Tq} and {@code k <= i + T2 - Tq}. */
  public static KroneckerOptions causal() {
    return DEFAULTS.withMasks(Mask.causal(), Mask.causal());
  }

  /** These options with other masks. */
  public KroneckerOptions withMasks(Mask newFirst, Mask newSecond) {
    return new KroneckerOptions(newFirst, newSecond, scale, threads);
  }

  /** These options with another scale. */
  public KroneckerOptions withScale(double newScale) {
    return new KroneckerOptions(first, second, OptionalDouble.of(newScale), threads);
  }

  /** These options with another thread limit. */
  public KroneckerOptions withThreads(int newThreads) {
    return new KroneckerOptions(first, second, scale, newThreads);
  }
}
