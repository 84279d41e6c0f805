package io.steelyard.analysis.recurrent;

import io.steelyard.kernels.recurrent.LtvSystem;

/**
 * How a {@link LtvSystem} treats what is in its state, read from the diagonals of its decays; that
 * of the first step, which meets an empty state, does not count. O(T n d).
 *
 * <pre>{@code
 * Stability stability = Stability.of(SeparableAttention.linear(q, k).system(64));
 * boolean forgets = stability.isContractive();
 * }</pre>
 *
 * <p>Source: the view of arXiv 2405.15731, section 3; these measures are derived.
 *
 * @param largest largest modulus of an eigenvalue; 0 for fewer than two steps
 * @param amplification the most by which anything in the state is multiplied between two steps, at
 *     least 1
 * @param halfLife steps after which half of what is in the state is left at its mean rate of decay;
 *     infinite if it does not decay
 */
public record Stability(double largest, double amplification, double halfLife) {

  /** The stability of a system; NaN where a decay is. */
  public static Stability of(LtvSystem system) {
    double largest = 0;
    double amplification = 1;
    double logs = 0;
    long count = 0;
    for (int s = 0; s < system.expansion(); s++) {
      for (int channel = 0; channel < system.channels(); channel++) {
        double product = 1;
        for (int i = 1; i < system.steps(); i++) {
          final double modulus = Math.abs(system.lambda().get(i, s, channel));
          // What enters here begins at 1; it is the better start wherever less is left before.
          product = Math.max(product, 1) * modulus;
          largest = Math.max(largest, modulus);
          amplification = Math.max(amplification, product);
          logs += Math.log(modulus);
          count++;
        }
      }
    }
    final double rate = count == 0 ? 0 : -logs / count;
    return new Stability(
        largest, amplification, rate <= 0 ? Double.POSITIVE_INFINITY : Math.log(2) / rate);
  }

  /** Whether every step shrinks everything in the state. */
  public boolean isContractive() {
    return largest < 1;
  }

  /** Whether nothing in the state is ever larger than when it came in. */
  public boolean isNonExpansive() {
    return amplification <= 1;
  }
}
