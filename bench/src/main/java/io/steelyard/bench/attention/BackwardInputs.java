package io.steelyard.bench.attention;

import io.steelyard.bench.jmh.CheckedBenchmark;
import java.util.function.IntToDoubleFunction;

/**
 * Queries, keys, values and the gradient of the output of one call, with what the gradients are in
 * double.
 */
final class BackwardInputs {

  final Size size;
  final float[] q;
  final float[] k;
  final float[] v;
  final float[] gradient;

  private final AttentionFunction function;

  BackwardInputs(Size size, AttentionFunction function) {
    this.size = size;
    this.function = function;
    final float[][] qkv = size.inputs();
    q = qkv[0];
    k = qkv[1];
    v = qkv[2];
    gradient = new Size(size.heads(), size.tokens(), size.queries(), size.depth()).inputs()[2];
  }

  /** Compares dq and dv of a few rows of head 0; {@code at} gives entry i of the tensor. */
  void check(CheckedBenchmark who, IntToDoubleFunction dq, IntToDoubleFunction dv) {
    final int d = size.depth();
    for (final int query : new int[] {0, size.queries() - 1}) {
      final double[] exact = queryGradient(query);
      for (int c = 0; c < d; c++) {
        who.expect("dq " + query + ", " + c, dq.applyAsDouble(query * d + c), exact[c], 1e-4);
      }
    }
    final int key = size.tokens() / 2;
    final double[] exact = valueGradient(key);
    for (int c = 0; c < d; c++) {
      who.expect("dv " + key + ", " + c, dv.applyAsDouble(key * d + c), exact[c], 1e-4);
    }
  }

  private double[] queryGradient(int query) {
    final int d = size.depth();
    final double[] p = function.weights(size, q, k, query, size.tokens() - 1);
    final double[] dp = new double[p.length];
    double mean = 0;
    for (int j = 0; j < p.length; j++) {
      for (int c = 0; c < d; c++) {
        dp[j] += (double) gradient[query * d + c] * v[j * d + c];
      }
      mean += p[j] * dp[j];
    }
    final double[] dq = new double[d];
    for (int j = 0; j < p.length; j++) {
      final double ds =
          switch (function) {
            case SOFTMAX -> p[j] * (dp[j] - mean);
            case SIGMOID -> p[j] * (1 - p[j]) * dp[j];
            case SELECTIVE, SOFTPLUS, REWEIGHTED -> throw notTimed(function);
          };
      for (int c = 0; c < d; c++) {
        dq[c] += ds * k[j * d + c] / Math.sqrt(d);
      }
    }
    return dq;
  }

  static IllegalArgumentException notTimed(AttentionFunction function) {
    return new IllegalArgumentException(
        "function is " + function + "; expected SOFTMAX or SIGMOID for gradients");
  }

  private double[] valueGradient(int key) {
    final int d = size.depth();
    final double[] dv = new double[d];
    for (int i = 0; i < size.queries(); i++) {
      final double p = function.weights(size, q, k, i, size.tokens() - 1)[key];
      for (int c = 0; c < d; c++) {
        dv[c] += p * gradient[i * d + c];
      }
    }
    return dv;
  }
}
