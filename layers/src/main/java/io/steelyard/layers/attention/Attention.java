package io.steelyard.layers.attention;

/**
 * An attention as a value: what a {@link MultiHeadAttention} puts between its projections. Change
 * this one word to train the same model with another attention.
 *
 * <pre>{@code
 * MultiHeadOptions options = MultiHeadOptions.of(64, 4, Attention.sigmoid());
 * }</pre>
 */
@FunctionalInterface
public interface Attention {

  /**
   * A new block for a layer of this shape; every layer has its own, since it may have parameters.
   */
  AttentionBlock block(AttentionShape shape);

  /** {@link SoftmaxAttentionBlock}. */
  static Attention softmax() {
    return shape -> new SoftmaxAttentionBlock();
  }

  /** {@link SigmoidAttentionBlock} with {@code b = -ln n}. */
  static Attention sigmoid() {
    return shape -> SigmoidAttentionBlock.forLength(shape.tokens());
  }
}
