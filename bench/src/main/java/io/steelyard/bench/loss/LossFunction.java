package io.steelyard.bench.loss;

import io.steelyard.kernels.loss.CompSumLoss;
import io.steelyard.kernels.loss.CrossEntropy;
import io.steelyard.kernels.loss.DecoupledSoftmaxLoss;
import io.steelyard.kernels.loss.HingeLoss;
import io.steelyard.kernels.loss.LossOptions;
import io.steelyard.kernels.tensor.Tensor;

/** The losses of this suite: value and gradient of every row in one call. */
public enum LossFunction {
  CROSS_ENTROPY("cross-entropy"),
  COMP_SUM("comp-sum-loss"),
  DECOUPLED("decoupled-softmax-loss"),
  HINGE("hinge-loss");

  private final String label;

  LossFunction(String label) {
    this.label = label;
  }

  /** As in case names. */
  String label() {
    return label;
  }

  /**
   * Shape of the targets of so many rows, one for each; a list of one where the loss takes lists.
   */
  long[] targetShape(int rows) {
    return this == DECOUPLED ? new long[] {rows, 1} : new long[] {rows};
  }

  void apply(Tensor x, Tensor targets, Tensor loss, Tensor dx, LossOptions options) {
    switch (this) {
      case CROSS_ENTROPY -> CrossEntropy.lossAndGradient(x, targets, loss, dx, 0, options);
      case COMP_SUM -> CompSumLoss.lossAndGradient(x, targets, loss, dx, 1.5, options);
      case DECOUPLED -> DecoupledSoftmaxLoss.lossAndGradient(x, targets, loss, dx, options);
      case HINGE -> HingeLoss.lossAndGradient(x, targets, loss, dx, HingeLoss.Form.L2, options);
    }
  }
}
