package io.steelyard.kernels.linear;

/** How the features of norm-aware linear attention keep apart what has opposite signs. */
public enum NalaForm {
  /** One half of the features for positive numbers and one for negative ones; the released code. */
  SPLIT,
  /** Cosines and sines of {@code (pi / 4) tanh(20 x / |x|)}; the paper's formula. */
  COSINE;

  Features features() {
    return switch (this) {
      case SPLIT -> NalaFeatures.SPLIT;
      case COSINE -> NalaFeatures.COSINE;
    };
  }
}
