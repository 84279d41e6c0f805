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

  /** A call with its options, which are made once. */
  @FunctionalInterface
  interface Call {
    /** Attends from q to the landmarks, or to q itself, into o. */
    void apply(Tensor q, Tensor landmarks, Tensor v, Tensor o);
  }

  /** What is called on so many threads. */
  Call on(int threads) {
    final AttentionOptions all = AttentionOptions.defaults().withThreads(threads);
    final LandmarkOptions options = LandmarkOptions.defaults().withThreads(threads);
    final LandmarkOptions exact = options.withInverse(EXACT);
    return switch (this) {
      case GAUSSIAN -> (q, _, v, o) -> GaussianAttention.apply(q, q, v, o, all);
      case SOFT -> (q, landmarks, v, o) -> SoftAttention.apply(q, landmarks, v, o, options);
      case SOFT_CHOLESKY -> (q, landmarks, v, o) -> SoftAttention.apply(q, landmarks, v, o, exact);
      case SOFT_PLUS_PLUS ->
          (q, landmarks, v, o) -> SoftPlusPlusAttention.apply(q, landmarks, v, o, options);
    };
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
