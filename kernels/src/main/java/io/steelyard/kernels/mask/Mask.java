package io.steelyard.kernels.mask;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Which entries of each row take part. An entry that does not gets weight 0, and whatever stands in
 * it, NaN included, has no influence. A row in which no entry takes part gives zeros (log-weights
 * and log-sum-exp: -inf). An additive mask needs no type of its own: a score of -inf has weight 0.
 */
public sealed interface Mask {

  /** Every entry takes part. */
  static Mask none() {
    return None.INSTANCE;
  }

  /**
   * The last two axes are queries and keys, aligned at their ends: query {@code i} of {@code Tq}
   * sees key {@code j} of {@code Tk} if {@code j <= i + Tk - Tq}.
   */
  static Mask causal() {
    return new Causal();
  }

  /**
   * Entries whose flag is true take part.
   *
   * @param keep bool, broadcast to the scores' shape from the right
   */
  static Mask keep(Tensor keep) {
    return new Keep(keep);
  }

  /**
   * The first {@code lengths[row]} entries of each row take part.
   *
   * @param lengths i32, broadcast from the right to the scores' shape with last extent 1; values
   *     outside {@code [0, N]} count as the nearest bound
   */
  static Mask lengths(Tensor lengths) {
    return new Lengths(lengths);
  }

  /** Entries that take part in both. */
  default Mask and(Mask other) {
    if (this instanceof None) {
      return other;
    }
    return other instanceof None ? this : new And(this, other);
  }

  /** See {@link #none()}. */
  record None() implements Mask {

    private static final Mask INSTANCE = new None();
  }

  /** See {@link #causal()}. */
  record Causal() implements Mask {}

  /**
   * See {@link #keep(Tensor)}.
   *
   * @param flags bool
   */
  record Keep(Tensor flags) implements Mask {

    /** Checks the dtype. */
    public Keep {
      if (flags.dtype() != DType.BOOL) {
        throw new IllegalArgumentException("mask is " + flags + "; expected bool");
      }
    }
  }

  /**
   * See {@link #lengths(Tensor)}.
   *
   * @param counts i32
   */
  record Lengths(Tensor counts) implements Mask {

    /** Checks the dtype. */
    public Lengths {
      if (counts.dtype() != DType.I32) {
        throw new IllegalArgumentException("lengths is " + counts + "; expected i32");
      }
    }
  }

  /**
   * See {@link #and(Mask)}.
   *
   * @param first one mask
   * @param second the other
   */
  record And(Mask first, Mask second) implements Mask {}
}
