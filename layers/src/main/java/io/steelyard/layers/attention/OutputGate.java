package io.steelyard.layers.attention;

/**
 * What a {@link MultiHeadAttention} on images may do with the outputs of its heads before the last
 * projection: {@code act(W x + b) * norm(o + conv(v))}, o and v with all heads side by side.
 *
 * <p>The convolution of values is depthwise with zeros around ("locally enhanced positional
 * encoding"), the gate a projection of the tokens themselves.
 *
 * <pre>{@code
 * MultiHeadOptions options =
 *     MultiHeadOptions.of(64, 4, 196, Attention.mala(), random)
 *         .on(new Grid(14, 14))
 *         .with(Rotary.grid())
 *         .with(OutputGate.plain());
 * }</pre>
 *
 * @param kernel height and width of the convolution, odd
 * @param norm whether there is a layer norm over all {@code H Dv} features; its epsilon is {@link
 *     #NORM_EPSILON}
 * @param activation of the gate
 */
public record OutputGate(int kernel, boolean norm, GateActivation activation) {

  /** Epsilon of the norm, as in the released code of arXiv 2506.21137. */
  public static final double NORM_EPSILON = 1e-5;

  private static final int KERNEL = 5;

  /** The function on the gate's numbers. */
  public enum GateActivation {
    /** {@code g}. */
    IDENTITY,
    /** {@code g sigmoid(g)}. */
    SILU
  }

  /** Checks the extent. */
  public OutputGate {
    if (kernel < 1 || kernel % 2 == 0) {
      throw new IllegalArgumentException("kernel is " + kernel + "; expected an odd number");
    }
  }

  /** Of MAViT, arXiv 2507.00698: 5 x 5, no norm, no activation. */
  public static OutputGate plain() {
    return new OutputGate(KERNEL, false, GateActivation.IDENTITY);
  }

  /** Of NaLaFormer, arXiv 2506.21137: 5 x 5, a norm, SiLU. */
  public static OutputGate normed() {
    return new OutputGate(KERNEL, true, GateActivation.SILU);
  }
}
