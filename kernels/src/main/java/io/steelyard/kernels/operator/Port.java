package io.steelyard.kernels.operator;

/**
 * A tensor that goes into or comes out of an {@link Operator}.
 *
 * @param name the key in files and calls, for example {@code x}
 * @param symbol the paper's symbol, for example {@code x_i}
 * @param kind what the elements are
 * @param shape extents by letter, for example {@code [..., N]}
 * @param optional whether a call may leave it out
 * @param description one sentence
 */
public record Port(
    String name, String symbol, Kind kind, String shape, boolean optional, String description) {

  /** What the elements of a tensor are. */
  public enum Kind {
    /** f32 or f64, the same for all float ports of a call. */
    FLOAT,
    /** i32. */
    INTEGER,
    /** bool. */
    BOOLEAN
  }

  /** A required float tensor. */
  public static Port of(String name, String symbol, String shape, String description) {
    return new Port(name, symbol, Kind.FLOAT, shape, false, description);
  }

  /** An optional boolean tensor. */
  public static Port mask(String name, String symbol, String shape, String description) {
    return new Port(name, symbol, Kind.BOOLEAN, shape, true, description);
  }
}
