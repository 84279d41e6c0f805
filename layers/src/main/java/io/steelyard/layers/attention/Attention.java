package io.steelyard.layers.attention;

import io.steelyard.kernels.attention.Reweighting;
import io.steelyard.kernels.doublystochastic.SinkhornOptions;
import io.steelyard.kernels.linear.FeatureMap;
import io.steelyard.kernels.linear.MalaScale;
import io.steelyard.kernels.linear.NalaForm;

/**
 * An attention as a value: what a {@link MultiHeadAttention} puts between its projections. Change
 * this one word to train the same model with another attention.
 *
 * <pre>{@code
 * MultiHeadOptions options = MultiHeadOptions.of(64, 4, 196, Attention.sigmoid(), random);
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

  /** {@link LinearAttentionBlock} with {@code elu + 1}. */
  static Attention linear() {
    return shape -> new LinearAttentionBlock(FeatureMap.ELU1);
  }

  /** {@link MalaAttentionBlock} with {@code elu + 1} and the scale of the released code. */
  static Attention mala() {
    return shape -> new MalaAttentionBlock(FeatureMap.ELU1, MalaScale.MEAN);
  }

  /** {@link NalaAttentionBlock} in the split form. */
  static Attention nala() {
    return shape -> new NalaAttentionBlock(NalaForm.SPLIT);
  }

  /** {@link SelectiveAttentionBlock}. */
  static Attention selective(SelectiveOptions options) {
    return shape -> new SelectiveAttentionBlock(options, shape);
  }

  /** {@link SoftplusAttentionBlock} without a re-weighting. */
  static Attention softplus() {
    return shape -> SoftplusAttentionBlock.plain();
  }

  /** {@link SoftplusAttentionBlock} with a re-weighting of power 15. */
  static Attention reweightedSoftplus() {
    return shape -> SoftplusAttentionBlock.reweighted(Reweighting.defaults());
  }

  /** {@link CosineSoftmaxAttentionBlock}. */
  static Attention cosineSoftmax() {
    return shape -> new CosineSoftmaxAttentionBlock();
  }

  /** {@link GaussianAttentionBlock}. */
  static Attention gaussian() {
    return shape -> new GaussianAttentionBlock();
  }

  /**
   * {@link SoftAttentionBlock}.
   *
   * @param stride r of its landmarks
   */
  static Attention soft(int stride) {
    return shape -> new SoftAttentionBlock(stride, false, shape);
  }

  /**
   * {@link SoftAttentionBlock} with SOFT++'s normalisation.
   *
   * @param stride r of its landmarks
   */
  static Attention softPlusPlus(int stride) {
    return shape -> new SoftAttentionBlock(stride, true, shape);
  }

  /** {@link KroneckerAttentionBlock}. */
  static Attention kronecker() {
    return shape -> new KroneckerAttentionBlock();
  }

  /** {@link SinkhornAttentionBlock} with the kernel's defaults. */
  static Attention sinkhorn() {
    return shape -> new SinkhornAttentionBlock(SinkhornOptions.defaults());
  }
}
