package io.steelyard.layers.attention;

import io.steelyard.kernels.attention.FixedFeatureOptions;
import io.steelyard.kernels.attention.KroneckerPolynomialOptions;
import io.steelyard.kernels.attention.Reweighting;
import io.steelyard.kernels.doublystochastic.SinkhornOptions;
import io.steelyard.kernels.linear.FeatureMap;
import io.steelyard.kernels.linear.MalaScale;
import io.steelyard.kernels.linear.NalaForm;
import io.steelyard.kernels.recurrent.SeparableAttention.Normaliser;

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

  /** {@link SigmoidAttentionBlock}. */
  static Attention sigmoid(SigmoidOptions options) {
    return shape -> new SigmoidAttentionBlock(options);
  }

  /** {@link LinearAttentionBlock} with {@code elu + 1}. */
  static Attention linear() {
    return shape -> new LinearAttentionBlock(FeatureMap.ELU1);
  }

  /** {@link NormalisedAttentionBlock} with an exponential normaliser. */
  static Attention normalised() {
    return shape -> new NormalisedAttentionBlock(Normaliser.EXP, shape);
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

  /** {@link SoftplusAttentionBlock}. */
  static Attention softplus(SoftplusOptions options) {
    return shape -> new SoftplusAttentionBlock(options);
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
    return soft(SoftOptions.of(stride));
  }

  /**
   * {@link SoftAttentionBlock} with SOFT++'s normalisation.
   *
   * @param stride r of its landmarks
   */
  static Attention softPlusPlus(int stride) {
    return soft(SoftOptions.of(stride).normalizedByDegrees());
  }

  /** {@link SoftAttentionBlock}. */
  static Attention soft(SoftOptions options) {
    return shape -> new SoftAttentionBlock(options, shape);
  }

  /** {@link FixedFeatureAttentionBlock}. */
  static Attention fixedFeatures(FixedFeatureOptions options) {
    return shape -> new FixedFeatureAttentionBlock(options, shape);
  }

  /** {@link KroneckerAttentionBlock} with scale 1/D. */
  static Attention kronecker() {
    return shape -> new KroneckerAttentionBlock();
  }

  /** {@link KroneckerPolynomialAttentionBlock}. */
  static Attention kronecker(KroneckerPolynomialOptions options) {
    return shape -> new KroneckerPolynomialAttentionBlock(options);
  }

  /** {@link SinkhornAttentionBlock} with the kernel's defaults. */
  static Attention sinkhorn() {
    return shape -> new SinkhornAttentionBlock(SinkhornOptions.defaults());
  }

  /** {@link SinkhornAttentionBlock}. */
  static Attention sinkhorn(SinkhornOptions options) {
    return shape -> new SinkhornAttentionBlock(options);
  }

  /** {@link NormSoftmaxAttentionBlock}. */
  static Attention normSoftmax(NormSoftmaxAttentionBlock.Spread spread) {
    return shape -> new NormSoftmaxAttentionBlock(spread);
  }

  /** {@link QrAttentionBlock} whose noise has seed 0. */
  static Attention qr() {
    return shape -> new QrAttentionBlock(0);
  }

  /** {@link QuantumAttentionBlock} of the paper's size. */
  static Attention quantum() {
    return shape -> new QuantumAttentionBlock(CircuitOptions.forTokens(shape.tokens()), shape);
  }

  /** {@link QuantumAttentionBlock}. */
  static Attention quantum(CircuitOptions options) {
    return shape -> new QuantumAttentionBlock(options, shape);
  }
}
