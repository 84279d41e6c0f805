package io.steelyard.bench.attention;

import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.ReweightedSoftplusAttention;
import io.steelyard.kernels.attention.Reweighting;
import io.steelyard.kernels.attention.SelectiveAttention;
import io.steelyard.kernels.attention.SigmoidAttention;
import io.steelyard.kernels.attention.SoftmaxAttention;
import io.steelyard.kernels.attention.SoftplusAttention;
import io.steelyard.kernels.attention.Temperatures;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** The attentions of this suite, as Steelyard computes them. */
public enum AttentionFunction {
  SOFTMAX("softmax-attention"),
  SIGMOID("sigmoid-attention"),
  SELECTIVE("selective-attention"),
  SOFTPLUS("softplus-attention"),
  REWEIGHTED("reweighted-softplus-attention");

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

  /** Power of the re-weighting: the paper's. */
  private static final int POWER = 15;

  /** Between 0.5 and 1.5, for each query of each head or each value. */
  static double temperature(int token) {
    return 1 + 0.5 * Math.sin(token);
  }

  /** Temperatures of all queries and values, for the function that wants them. */
  static Temperatures temperatures(Size size) {
    return Temperatures.of(
        temperatures(size.heads(), size.queries()), temperatures(size.heads(), size.tokens()));
  }

  private static Tensor temperatures(int heads, int tokens) {
    final float[] all = new float[heads * tokens];
    for (int i = 0; i < all.length; i++) {
      all[i] = (float) temperature(i);
    }
    return Tensor.of(all, 1, heads, tokens);
  }

  void apply(
      Tensor q, Tensor k, Tensor v, Temperatures temperatures, Tensor o, AttentionOptions options) {
    switch (this) {
      case SELECTIVE -> SelectiveAttention.apply(q, k, v, temperatures, o, options);
      case SOFTPLUS -> SoftplusAttention.apply(q, k, v, o, options);
      case REWEIGHTED ->
          ReweightedSoftplusAttention.apply(q, k, v, o, Reweighting.defaults(), options);
      case SOFTMAX -> SoftmaxAttention.apply(q, k, v, o, options);
      case SIGMOID -> SigmoidAttention.apply(q, k, v, o, BIAS, options);
    }
  }

  /** The weights of a query of head 0 that sees keys 0 to {@code last}, in double. */
  double[] weights(Size size, float[] q, float[] k, int query, int last) {
    final int d = size.depth();
    final double[] weights = new double[last + 1];
    for (int j = 0; j <= last; j++) {
      weights[j] = score(q, k, d, query, j, last + 1);
    }
    weigh(weights);
    return weights;
  }

  /** The output of a query of head 0 that sees keys 0 to {@code last}, in double. */
  double[] row(Size size, float[] q, float[] k, float[] v, int query, int last) {
    final int d = size.depth();
    final double[] weights = weights(size, q, k, query, last);
    final double[] out = new double[d];
    for (int j = 0; j <= last; j++) {
      for (int c = 0; c < d; c++) {
        out[c] += weights[j] * v[j * d + c] * (this == SELECTIVE ? temperature(j) : 1);
      }
    }
    return out;
  }

  private double score(float[] q, float[] k, int d, int query, int key, int seen) {
    double dot = 0;
    double queries = 0;
    double keys = 0;
    for (int c = 0; c < d; c++) {
      final double x = q[query * d + c];
      final double y = k[key * d + c];
      dot += x * y;
      queries += x * x;
      keys += y * y;
    }
    return switch (this) {
      case SOFTMAX, SIGMOID -> dot / Math.sqrt(d);
      case SELECTIVE -> temperature(query) * dot / Math.sqrt(d);
      case SOFTPLUS, REWEIGHTED ->
          Math.log(d) * Math.log((double) seen) * dot / Math.sqrt(queries * keys);
    };
  }

  private void weigh(double[] weights) {
    final double max = Arrays.stream(weights).max().orElse(0);
    for (int j = 0; j < weights.length; j++) {
      weights[j] =
          switch (this) {
            case SOFTMAX, SELECTIVE -> Math.exp(weights[j] - max);
            case SIGMOID -> 1 / (1 + Math.exp(-weights[j] - BIAS));
            case SOFTPLUS, REWEIGHTED -> Math.log1p(Math.exp(weights[j]));
          };
    }
    if (this != SIGMOID) {
      divide(weights);
    }
    if (this == REWEIGHTED) {
      for (int j = 0; j < weights.length; j++) {
        final double excess = weights.length * weights[j] - (weights.length > 3 ? 1 : 0);
        weights[j] = Math.pow(Math.max(0, excess), POWER);
      }
      divide(weights);
    }
  }

  private static void divide(double[] weights) {
    final double sum = Arrays.stream(weights).sum();
    for (int j = 0; j < weights.length; j++) {
      weights[j] /= sum;
    }
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
