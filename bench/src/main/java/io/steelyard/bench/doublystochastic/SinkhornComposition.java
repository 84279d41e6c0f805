package io.steelyard.bench.doublystochastic;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Scalars;

/**
 * Sinkhorn's iterations as one writes them with the operators of a tensor library. Each frees what
 * it no longer needs as soon as it can.
 */
public enum SinkhornComposition {
  /** One fused call for each iteration: the least that the log domain can be composed of. */
  LOG_SOFTMAX("log_softmax by rows and columns") {
    @Override
    NDArray apply(NDArray x, int iterations) {
      NDArray z = x.duplicate();
      for (int t = 1; t <= iterations; t++) {
        final NDArray next = z.logSoftmax(t % 2 == 1 ? 2 : 1);
        z.close();
        z = next;
      }
      return weights(z);
    }
  },
  /** Scores minus their log-sum-exp, of maximum, exponential, sum and logarithm. */
  LOG_SUM_EXP("log-sum-exp by rows and columns") {
    @Override
    NDArray apply(NDArray x, int iterations) {
      final NDArray z = x.duplicate();
      for (int t = 1; t <= iterations; t++) {
        final int[] axis = {t % 2 == 1 ? 2 : 1};
        try (NDArray top = z.max(axis, true);
            NDArray low = z.sub(top);
            NDArray terms = low.exp();
            NDArray sum = terms.sum(axis, true);
            NDArray logarithm = sum.log()) {
          z.subi(top).subi(logarithm);
        }
      }
      return weights(z);
    }
  },
  /**
   * Products of the matrix of exponentials with vectors: fast, and lost as soon as an exponential
   * or a factor leaves the range of a float.
   */
  SCALING("matrix-vector products, without the log domain") {
    @Override
    NDArray apply(NDArray x, int iterations) {
      final Shape factors = new Shape(x.getShape().get(0), x.getShape().get(1), 1);
      try (NDArray top = x.max(new int[] {2}, true);
          NDArray low = x.sub(top);
          NDArray k = low.exp();
          NDArray turned = k.transpose(0, 2, 1)) {
        NDArray u = x.getManager().ones(factors);
        NDArray v = x.getManager().ones(factors);
        for (int t = 1; t <= iterations; t++) {
          try (NDArray sums = t % 2 == 1 ? k.matMul(v) : turned.matMul(u)) {
            final NDArray inverse = Scalars.pow(sums, -1);
            if (t % 2 == 1) {
              u.close();
              u = inverse;
            } else {
              v.close();
              v = inverse;
            }
          }
        }
        try (NDArray rows = u;
            NDArray columns = v;
            NDArray across = columns.transpose(0, 2, 1)) {
          return k.mul(rows).muli(across);
        }
      }
    }
  };

  private final String label;

  SinkhornComposition(String label) {
    this.label = label;
  }

  /** In words. */
  String label() {
    return label;
  }

  /** The weights, which the caller closes. */
  abstract NDArray apply(NDArray x, int iterations);

  private static NDArray weights(NDArray z) {
    try (z) {
      return z.exp();
    }
  }
}
