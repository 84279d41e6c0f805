package io.steelyard.bench.soft;

import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.GaussianAttention;
import io.steelyard.kernels.attention.LandmarkInverse;
import io.steelyard.kernels.attention.LandmarkOptions;
import io.steelyard.kernels.attention.SoftAttention;
import io.steelyard.kernels.attention.SoftPlusPlusAttention;
import io.steelyard.kernels.tensor.Tensor;

/** The attentions of this suite. */
public enum SoftFunction {
  GAUSSIAN("gaussian-attention"),
  SOFT("soft-attention"),
  SOFT_CHOLESKY("soft-attention cholesky"),
  SOFT_PLUS_PLUS("soft-plus-plus-attention");

  private static final LandmarkInverse EXACT = new LandmarkInverse.Cholesky(0.01);

  private final String label;

  SoftFunction(String label) {
    this.label = label;
  }

  /** As in case names. */
  String label() {
    return label;
  }

  void apply(Tensor q, Tensor landmarks, Tensor v, Tensor o, int threads) {
    final LandmarkOptions options = LandmarkOptions.defaults().withThreads(threads);
    switch (this) {
      case GAUSSIAN ->
          GaussianAttention.apply(q, q, v, o, AttentionOptions.defaults().withThreads(threads));
      case SOFT -> SoftAttention.apply(q, landmarks, v, o, options);
      case SOFT_CHOLESKY -> SoftAttention.apply(q, landmarks, v, o, options.withInverse(EXACT));
      case SOFT_PLUS_PLUS -> SoftPlusPlusAttention.apply(q, landmarks, v, o, options);
    }
  }

  /** Multiplications and additions. */
  double flops(Size size) {
    final double n = size.tokens();
    final double m = size.landmarks();
    final double d = size.depth();
    // A difference, a multiplication and an addition for each coordinate of a distance.
    return size.heads()
        * switch (this) {
          case GAUSSIAN -> 5 * n * n * d;
          case SOFT, SOFT_PLUS_PLUS -> 10 * n * m * d + 80 * m * m * m;
          case SOFT_CHOLESKY -> 10 * n * m * d + m * m * m;
        };
  }
}
