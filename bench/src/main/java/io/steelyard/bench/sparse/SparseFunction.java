package io.steelyard.bench.sparse;

import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.sparse.Entmax15;
import io.steelyard.kernels.sparse.Sparsemax;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** The sparse normalisers of this suite. */
public enum SparseFunction {
  SPARSEMAX("sparsemax"),
  ENTMAX15("entmax15");

  private final String label;

  SparseFunction(String label) {
    this.label = label;
  }

  /** As in case names. */
  String label() {
    return label;
  }

  void apply(Tensor x, Tensor y, NormaliserOptions options) {
    switch (this) {
      case SPARSEMAX -> Sparsemax.apply(x, y, options);
      case ENTMAX15 -> Entmax15.apply(x, y, options);
    }
  }

  /**
   * The form that papers give: sort, cumulative sums, the largest support that fits. In double, so
   * that it serves as what is right too.
   *
   * @param sorted room for a row
   */
  void sortBased(float[] x, float[] y, int from, int length, double[] sorted) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, x[from + i]);
    }
    final double scale = this == ENTMAX15 ? 0.5 : 1;
    for (int i = 0; i < length; i++) {
      sorted[i] = (x[from + i] - max) * scale;
    }
    Arrays.sort(sorted, 0, length);
    final double tau = this == ENTMAX15 ? entmaxTau(sorted, length) : sparsemaxTau(sorted, length);
    for (int i = 0; i < length; i++) {
      final double above = Math.max(0, (x[from + i] - max) * scale - tau);
      y[from + i] = (float) (this == ENTMAX15 ? above * above : above);
    }
  }

  /** Martins and Astudillo (2016), algorithm 1. */
  private static double sparsemaxTau(double[] ascending, int length) {
    double sum = 0;
    double tau = 0;
    for (int k = 1; k <= length; k++) {
      final double value = ascending[length - k];
      sum += value;
      if (1 + k * value <= sum) {
        break;
      }
      tau = (sum - 1) / k;
    }
    return tau;
  }

  /** Peters, Niculae and Martins (2019), the exact algorithm for alpha = 1.5. */
  private static double entmaxTau(double[] ascending, int length) {
    double sum = 0;
    double squares = 0;
    double tau = 0;
    for (int k = 1; k <= length; k++) {
      final double value = ascending[length - k];
      sum += value;
      squares += value * value;
      final double mean = sum / k;
      final double spread = squares - k * mean * mean;
      final double candidate = mean - Math.sqrt(Math.max(0, (1 - spread) / k));
      if (candidate > value) {
        break;
      }
      tau = candidate;
    }
    return tau;
  }
}
