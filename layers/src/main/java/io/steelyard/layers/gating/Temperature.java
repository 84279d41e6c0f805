package io.steelyard.layers.gating;

/**
 * Where the temperature tau of a {@link DenseToSparseGating} comes from. A large one gives all
 * experts the same weight, a small one nearly all to the best.
 */
public sealed interface Temperature {

  /** Where the annealing of {@link #annealed(long)} starts. */
  double DENSE = 2;

  /** Where it ends. */
  double SPARSE = 0.3;

  /** The temperature a gate starts with. */
  double initial();

  /**
   * Always the same.
   *
   * @param initial finite, above 0
   */
  record Fixed(double initial) implements Temperature {

    /** Checks the value. */
    public Fixed {
      check("temperature", initial);
    }
  }

  /**
   * A parameter like others, trained as its logarithm so that it stays positive. Weight decay on it
   * or on the gate's weights chooses a scale of its own; leave it out when the temperature matters.
   *
   * @param initial finite, above 0
   */
  record Learned(double initial) implements Temperature {

    /** Checks the value. */
    public Learned {
      check("temperature", initial);
    }
  }

  /**
   * Goes from one value to another during training, and stays there.
   *
   * @param from at step 0; finite, above 0
   * @param to from step {@code steps} on; finite, above 0
   * @param steps how many steps it takes, at least 1
   * @param curve the way between
   */
  record Annealed(double from, double to, long steps, Curve curve) implements Temperature {

    /** Checks the values. */
    public Annealed {
      check("from", from);
      check("to", to);
      if (steps < 1) {
        throw new IllegalArgumentException("steps is " + steps + "; expected 1 or more");
      }
    }

    @Override
    public double initial() {
      return from;
    }

    /** The temperature after so many steps of training, 0 or more. */
    public double at(long step) {
      if (step < 0) {
        throw new IllegalArgumentException("step is " + step + "; expected 0 or more");
      }
      if (step >= steps) {
        return to;
      }
      final double share = (double) step / steps;
      return switch (curve) {
        case LINEAR -> from + share * (to - from);
        case GEOMETRIC -> from * Math.pow(to / from, share);
      };
    }
  }

  /** How an annealed temperature moves. */
  enum Curve {
    /** By the same amount each step. */
    LINEAR,
    /** By the same factor each step. */
    GEOMETRIC
  }

  /** Always this one. */
  static Temperature fixed(double value) {
    return new Fixed(value);
  }

  /** Trained, from this one on. */
  static Temperature learned(double initial) {
    return new Learned(initial);
  }

  /** From 2 down to 0.3 in so many steps, by the same amount each step. */
  static Temperature annealed(long steps) {
    return new Annealed(DENSE, SPARSE, steps, Curve.LINEAR);
  }

  private static void check(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " is " + value + "; expected a finite number above 0");
    }
  }
}
