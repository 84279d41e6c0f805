package io.steelyard.layers.training;

/**
 * Weight decay.
 *
 * @param rate lambda, at least 0
 * @param form how it enters an update
 * @param scope which parameters it shrinks
 */
public record Decay(double rate, Form form, Scope scope) {

  /** How decay enters an update. */
  public enum Form {
    /** {@code g + lambda w} takes the place of the gradient g: a ridge on the loss. */
    RIDGE,
    /** {@code w <- (1 - eta lambda) w} before the update with step size eta, as in AdamW. */
    DECOUPLED
  }

  /** What is shrunk. */
  public enum Scope {
    /** Every trained parameter. */
    ALL,
    /** Arrays of two and more axes: no biases, no gains and shifts of norms, no temperatures. */
    MATRICES
  }

  /** No decay. */
  public static final Decay NONE = new Decay(0, Form.RIDGE, Scope.ALL);

  /** Checks the rate. */
  public Decay {
    Ranges.atLeastZero("rate", rate);
  }

  /** A ridge on all parameters. */
  public static Decay ridge(double rate) {
    return new Decay(rate, Form.RIDGE, Scope.ALL);
  }

  /** Decoupled decay of all parameters. */
  public static Decay decoupled(double rate) {
    return new Decay(rate, Form.DECOUPLED, Scope.ALL);
  }

  /** The same, of matrices only. */
  public Decay ofMatrices() {
    return new Decay(rate, form, Scope.MATRICES);
  }
}
