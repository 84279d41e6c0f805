package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import io.steelyard.layers.loss.DecoupledSoftmaxLoss;
import io.steelyard.layers.loss.InfoNceLoss;
import io.steelyard.layers.loss.LossOptions;
import io.steelyard.layers.loss.SoftTopKLoss;
import java.util.random.RandomGenerator;

/**
 * The losses of the published experiments, with the number of positives that a query takes along
 * each time it is seen; the others are masked, so that they are neither positives nor negatives.
 */
public enum RetrievalLoss {
  /** All positives: with one of them, it would be the decoupled softmax. */
  INFO_NCE("InfoNCE", Integer.MAX_VALUE),
  /** One positive, whose loss is in the mean that of all. */
  DECOUPLED("decoupled softmax", 1),
  /** As many positives as the loss selects. */
  TOP_5("soft top-5", 5);

  private final String label;
  private final int positives;

  RetrievalLoss(String label, int positives) {
    this.label = label;
    this.positives = positives;
  }

  /** In words. */
  public String label() {
    return label;
  }

  /** How positives are taken, in words. */
  public String sampling() {
    return switch (this) {
      case INFO_NCE -> "all positives of a query";
      case DECOUPLED -> "one positive drawn each time";
      case TOP_5 -> "up to five positives drawn each time";
    };
  }

  /** Those of a query's positives that take part, drawn without replacement. */
  int[] drawn(int[] all, RandomGenerator random) {
    final int count = Math.min(positives, all.length);
    final int[] order = all.clone();
    if (count == all.length) {
      return order;
    }
    final int[] drawn = new int[count];
    for (int i = 0; i < count; i++) {
      final int at = i + random.nextInt(order.length - i);
      drawn[i] = order[at];
      order[at] = order[i];
    }
    return drawn;
  }

  /**
   * The sum over queries.
   *
   * @param scores {@code [N, L]}
   * @param targets of the same shape, 1 at positives that take part
   * @param keep bool of the same shape, false at positives that do not
   */
  NDArray sum(NDArray scores, NDArray targets, NDArray keep) {
    final LossOptions options = LossOptions.sum().withMask(keep);
    return switch (this) {
      case INFO_NCE -> InfoNceLoss.infoNce(scores, targets, InfoNceLoss.Form.of(1), options);
      case DECOUPLED -> DecoupledSoftmaxLoss.decoupledSoftmax(scores, targets, options);
      case TOP_5 -> SoftTopKLoss.softTopK(scores, targets, SoftTopKLoss.Form.DEFAULTS, options);
    };
  }
}
