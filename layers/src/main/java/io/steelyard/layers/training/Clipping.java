package io.steelyard.layers.training;

/** What is done to gradients that are too large. */
public sealed interface Clipping {

  /** Nothing. */
  record None() implements Clipping {}

  /**
   * All gradients together are scaled by {@code min(1, max / (norm + 1e-6))}, norm being the
   * Euclidean one over all parameters; like PyTorch's {@code clip_grad_norm_}, the small term
   * included.
   */
  record Norm(double max) implements Clipping {

    /** Checks the range. */
    public Norm {
      Ranges.positive("max", max);
    }
  }

  /** Each entry is moved into {@code [-max, max]}. */
  record Value(double max) implements Clipping {

    /** Checks the range. */
    public Value {
      Ranges.positive("max", max);
    }
  }

  /** Leaves gradients alone. */
  static Clipping none() {
    return new None();
  }

  /** Limits the norm over all parameters. */
  static Clipping byNorm(double max) {
    return new Norm(max);
  }

  /** Limits each entry. */
  static Clipping byValue(double max) {
    return new Value(max);
  }
}
