package io.steelyard.bench.attention;

import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.SigmoidAttention;
import io.steelyard.kernels.attention.SoftmaxAttention;
import io.steelyard.kernels.tensor.Tensor;

/** The attentions of this suite, as Steelyard computes them. */
public enum AttentionFunction {
  SOFTMAX("softmax-attention"),
  SIGMOID("sigmoid-attention");

  private final String label;

  AttentionFunction(String label) {
    this.label = label;
  }

  /** As in case names. */
  String label() {
    return label;
  }

  /** Bias of the sigmoid: -ln 2048, as in the peer's archive, whatever the size. */
  static final double BIAS = -7.6246189861593985;

  void apply(Tensor q, Tensor k, Tensor v, Tensor o, AttentionOptions options) {
    switch (this) {
      case SOFTMAX -> SoftmaxAttention.apply(q, k, v, o, options);
      case SIGMOID -> SigmoidAttention.apply(q, k, v, o, BIAS, options);
    }
  }

  /** The weights of a query of head 0 that sees keys 0 to {@code last}, in double. */
  double[] weights(Size size, float[] q, float[] k, int query, int last) {
    final int d = size.depth();
    final double[] weights = new double[last + 1];
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j <= last; j++) {
      for (int c = 0; c < d; c++) {
        weights[j] += (double) q[query * d + c] * k[j * d + c];
      }
      weights[j] /= Math.sqrt(d);
      max = Math.max(max, weights[j]);
    }
    double sum = 0;
    for (int j = 0; j <= last; j++) {
      weights[j] =
          switch (this) {
            case SOFTMAX -> Math.exp(weights[j] - max);
            case SIGMOID -> 1 / (1 + Math.exp(-weights[j] - BIAS));
          };
      sum += weights[j];
    }
    for (int j = 0; j <= last && this == SOFTMAX; j++) {
      weights[j] /= sum;
    }
    return weights;
  }

  /** The output of a query of head 0 that sees keys 0 to {@code last}, in double. */
  double[] row(Size size, float[] q, float[] k, float[] v, int query, int last) {
    final int d = size.depth();
    final double[] weights = weights(size, q, k, query, last);
    final double[] out = new double[d];
    for (int j = 0; j <= last; j++) {
      for (int c = 0; c < d; c++) {
        out[c] += weights[j] * v[j * d + c];
      }
    }
    return out;
  }

  /** Compares the first, a middle and the last query of head 0 with {@link #row}. */
  void check(String who, Size size, boolean causal, float[][] qkv, float[] o) {
    final int d = size.depth();
    for (final int query : new int[] {0, size.queries() / 2, size.queries() - 1}) {
      final double[] exact =
          row(size, qkv[0], qkv[1], qkv[2], query, causal ? query : size.tokens() - 1);
      for (int c = 0; c < d; c++) {
        final float actual = o[query * d + c];
        if (!(Math.abs(actual - exact[c]) <= 1e-4)) {
          throw new IllegalStateException(
              who
                  + " is wrong: query "
                  + query
                  + ", entry "
                  + c
                  + " is "
                  + actual
                  + "; expected "
                  + exact[c]
                  + ". No time is reported for it.");
        }
      }
    }
  }
}
