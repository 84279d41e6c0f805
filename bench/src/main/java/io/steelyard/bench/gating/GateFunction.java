package io.steelyard.bench.gating;

import io.steelyard.kernels.gating.ActivationGate;
import io.steelyard.kernels.gating.DenseToSparseGate;
import io.steelyard.kernels.gating.TopKGate;
import io.steelyard.kernels.tensor.Tensor;

/** The gates of this suite. */
public enum GateFunction {
  TOP_K("top-k-gate"),
  DENSE_TO_SPARSE("dense-to-sparse-gate"),
  ACTIVATION("activation-gate");

  /** Experts that a token goes to. */
  static final int CHOICES = 2;

  static final double TEMPERATURE = 0.7;

  private final String label;

  GateFunction(String label) {
    this.label = label;
  }

  /** As in case names. */
  String label() {
    return label;
  }

  /** Writes weights, and of the gate that chooses also whom. */
  void apply(Tensor x, Tensor y, Tensor indices, int threads) {
    switch (this) {
      case TOP_K -> TopKGate.apply(x, y, indices, CHOICES, threads);
      case DENSE_TO_SPARSE -> DenseToSparseGate.apply(x, y, TEMPERATURE, threads);
      case ACTIVATION ->
          ActivationGate.apply(x, y, ActivationGate.Activation.SIGMOID, TEMPERATURE, threads);
    }
  }
}
