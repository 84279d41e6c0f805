package io.steelyard.analysis.mixture;

import io.steelyard.kernels.gating.ActivationGate.Activation;

/** How a mixture of experts turns a point into the weights of its experts. */
public sealed interface Gate {

  /**
   * {@code softmax(TopK(x . b1; b0))}: the K experts with the largest scores, of equal ones the
   * first, share the point; the others have weight 0 there.
   *
   * <p>Source: arXiv 2309.13850, section 1.
   *
   * @param k K, at least 1; of fewer experts all are taken
   * @param rankWithBias whether the bias takes part in the selection
   */
  record TopK(int k, boolean rankWithBias) implements Gate {

    /** Checks k. */
    public TopK {
      if (k < 1) {
        throw new IllegalArgumentException("k is " + k + "; expected 1 or more");
      }
    }
  }

  /**
   * {@code softmax((act(x . b1) + b0) / tau)} with tau a parameter of the mixture: the
   * dense-to-sparse gate with the identity, the activation dense-to-sparse gate with another.
   *
   * <p>Source: arXiv 2401.13875, sections 2 and 3.
   *
   * @param activation what scores pass through
   */
  record Softened(Activation activation) implements Gate {}

  /** The K largest scores, the bias in the softmax alone. */
  static Gate topK(int k) {
    return new TopK(k, false);
  }

  /** The dense-to-sparse gate. */
  static Gate denseToSparse() {
    return new Softened(Activation.IDENTITY);
  }

  /** The activation dense-to-sparse gate. */
  static Gate activation(Activation activation) {
    return new Softened(activation);
  }
}
