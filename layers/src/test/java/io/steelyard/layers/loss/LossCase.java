package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.loss.Loss;
import java.util.List;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * A loss of one row against one label, as all of them are.
 *
 * @param labels what it reads
 * @param loss as a DJL loss
 */
record LossCase(String name, Labels labels, Function<LossOptions, Loss> loss, Static function) {

  /** What a loss reads. */
  enum Labels {
    IDS,
    SEVERAL,
    SOFT
  }

  /** A loss as a function. */
  @FunctionalInterface
  interface Static {
    NDArray apply(NDArray scores, NDArray labels, LossOptions options);
  }

  /** All losses with these three arguments. */
  static List<LossCase> all() {
    return List.of(
        of("cross-entropy", Labels.IDS, o -> new CrossEntropyLoss(0, o), crossEntropy(0)),
        of("smoothed", Labels.IDS, o -> new CrossEntropyLoss(0.1, o), crossEntropy(0.1)),
        of("smoothed to the end", Labels.IDS, o -> new CrossEntropyLoss(1, o), crossEntropy(1)),
        of("soft labels", Labels.SOFT, o -> new CrossEntropyLoss(0, o), crossEntropy(0)),
        of("soft and smoothed", Labels.SOFT, o -> new CrossEntropyLoss(0.2, o), crossEntropy(0.2)),
        compSum(0, Labels.IDS),
        compSum(0.5, Labels.IDS),
        compSum(1, Labels.IDS),
        compSum(1.7, Labels.IDS),
        compSum(2, Labels.SOFT),
        compSum(0.5, Labels.SOFT),
        of(
            "decoupled",
            Labels.SEVERAL,
            DecoupledSoftmaxLoss::new,
            DecoupledSoftmaxLoss::decoupledSoftmax),
        of(
            "decoupled one",
            Labels.IDS,
            DecoupledSoftmaxLoss::new,
            DecoupledSoftmaxLoss::decoupledSoftmax),
        of(
            "relevance",
            Labels.SOFT,
            DecoupledSoftmaxLoss::ofRelevance,
            DecoupledSoftmaxLoss::weighted),
        topK(SoftTopKLoss.Form.of(2, 2), Labels.SEVERAL),
        topK(SoftTopKLoss.Form.of(1.5, 0.7), Labels.IDS),
        topK(SoftTopKLoss.Form.ofTargets(1), Labels.SEVERAL),
        infoNce(Labels.IDS),
        infoNce(Labels.SEVERAL),
        hinge(io.steelyard.kernels.loss.HingeLoss.Form.L2, Labels.IDS),
        hinge(io.steelyard.kernels.loss.HingeLoss.Form.L2.summed(), Labels.SEVERAL),
        hinge(io.steelyard.kernels.loss.HingeLoss.Form.L1.withPenalty(0.5), Labels.IDS),
        distillation(DistillationLoss.Form.SOFT),
        distillation(DistillationLoss.Form.SOFT.withTemperature(3).withFactor()));
  }

  @Override
  public String toString() {
    return name + " of " + labels;
  }

  /** Labels of N rows of K entries, with something to learn in each. */
  NDArray labels(NDManager manager, RandomGenerator random, int n, int k) {
    return switch (labels) {
      case IDS -> manager.create(random.ints(n, 0, k).asLongStream().toArray());
      case SEVERAL -> {
        final double[] hot = new double[n * k];
        for (int i = 0; i < n; i++) {
          for (int j = 0; j < k; j++) {
            hot[i * k + j] = random.nextInt(3) == 0 ? 1 : 0;
          }
          hot[i * k + random.nextInt(k)] = 1;
        }
        yield manager.create(hot, new Shape(n, k));
      }
      case SOFT -> {
        final NDArray raw =
            manager.create(random.doubles((long) n * k, -2, 2).toArray(), new Shape(n, k));
        yield raw.softmax(1);
      }
    };
  }

  /** Labels in the type of the scores where they are rows. */
  NDArray typed(NDArray given, DataType type) {
    return labels == Labels.IDS ? given : given.toType(type, true);
  }

  private static LossCase of(
      String name, Labels labels, Function<LossOptions, Loss> loss, Static function) {
    return new LossCase(name, labels, loss, function);
  }

  private static Static crossEntropy(double smoothing) {
    return (x, y, o) -> CrossEntropyLoss.crossEntropy(x, y, smoothing, o);
  }

  private static LossCase compSum(double tau, Labels labels) {
    return of(
        "comp-sum " + tau,
        labels,
        o -> new CompSumLoss(tau, o),
        (x, y, o) -> CompSumLoss.compSum(x, y, tau, o));
  }

  private static LossCase topK(SoftTopKLoss.Form form, Labels labels) {
    return of(
        "top-k " + form,
        labels,
        o -> new SoftTopKLoss(form, o),
        (x, y, o) -> SoftTopKLoss.softTopK(x, y, form, o));
  }

  private static LossCase infoNce(Labels labels) {
    final InfoNceLoss.Form form = InfoNceLoss.Form.of(0.5);
    return of(
        "info-nce",
        labels,
        o -> new InfoNceLoss(form, o),
        (x, y, o) -> InfoNceLoss.infoNce(x, y, form, o));
  }

  private static LossCase hinge(io.steelyard.kernels.loss.HingeLoss.Form form, Labels labels) {
    return of(
        "hinge " + form,
        labels,
        o -> new HingeLoss(form, o),
        (x, y, o) -> HingeLoss.hinge(x, y, form, o));
  }

  private static LossCase distillation(DistillationLoss.Form form) {
    return of(
        "distillation " + form,
        Labels.SOFT,
        o -> new DistillationLoss(form, o),
        (x, y, o) -> DistillationLoss.soft(x, y, form, o));
  }
}
