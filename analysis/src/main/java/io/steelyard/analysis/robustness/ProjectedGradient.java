package io.steelyard.analysis.robustness;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.GradientCollector;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Like;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;

/**
 * Projected gradient ascent (PGD) within a box around each input: the attack that a robust model
 * has to stand, and the inner maximum of adversarial training. It starts at a random point of the
 * box, goes along the sign of the gradient, and keeps the last point.
 *
 * <p>It collects gradients itself, and DJL collects for one at a time: call it before a training
 * step opens its own collector. Gradients of the model's parameters are left dirty, as a training
 * step expects. Cost: {@code steps} forward and backward passes. Source: arXiv 1706.06083.
 *
 * <pre>{@code
 * ProjectedGradient attack = new ProjectedGradient(0.1, 0.01, 40, 0, 1);
 * NDArray moved =
 *     attack.attack(input -> input.mul(input), x, labels, ProjectedGradient.margin(), random);
 * }</pre>
 *
 * @param radius half the side of the box, 0 or more
 * @param step how far one step goes, above 0
 * @param steps how many, 0 or more
 * @param lowest number that an input may have
 * @param highest number that an input may have
 */
public record ProjectedGradient(
    double radius, double step, int steps, double lowest, double highest) {

  /** Checks the ranges. */
  public ProjectedGradient {
    if (!(radius >= 0) || Double.isInfinite(radius)) {
      throw new IllegalArgumentException(
          "radius is " + radius + "; expected a finite number of 0 or more");
    }
    if (!(step > 0) || Double.isInfinite(step)) {
      throw new IllegalArgumentException("step is " + step + "; expected a finite number above 0");
    }
    if (steps < 0) {
      throw new IllegalArgumentException("steps is " + steps + "; expected 0 or more");
    }
    if (!(lowest <= highest)) {
      throw new IllegalArgumentException(
          "lowest is " + lowest + "; expected at most " + highest + ", the highest");
    }
  }

  /** What an attack makes large. */
  @FunctionalInterface
  public interface Goal {

    /**
     * One number for each row.
     *
     * @param scores of the moved inputs {@code [N, K]}
     * @param clean scores of the inputs, without gradient
     * @param labels class ids {@code [N]}, int64
     * @return {@code [N]}
     */
    NDArray of(NDArray scores, NDArray clean, NDArray labels);
  }

  /** The best other score less that of the label: above 0 where the attack has succeeded. */
  public static Goal margin() {
    return (scores, _, labels) -> {
      final NDArray own = scores.gather(labels.reshape(-1, 1), 1).squeeze(1);
      final NDArray taken =
          labels.oneHot(Math.toIntExact(scores.getShape().get(1)), DataType.BOOLEAN);
      final NDArray never = Like.scalar(Double.NEGATIVE_INFINITY, scores);
      return NDArrays.where(taken, never.broadcast(scores.getShape()), scores)
          .max(new int[] {1})
          .sub(own);
    };
  }

  /** Cross-entropy of the label. */
  public static Goal crossEntropy() {
    return (scores, _, labels) ->
        scores.logSoftmax(1).gather(labels.reshape(-1, 1), 1).squeeze(1).neg();
  }

  /** The Kullback-Leibler divergence of the moved distribution from the clean one. */
  public static Goal divergence() {
    return (scores, clean, _) -> divergence(clean, scores);
  }

  /** {@code KL(softmax(clean) || softmax(moved))} of each row; both may have gradients. */
  public static NDArray divergence(NDArray clean, NDArray moved) {
    final NDArray logs = clean.logSoftmax(1);
    return logs.exp().mul(logs.sub(moved.logSoftmax(1))).sum(new int[] {1});
  }

  /**
   * Moves inputs.
   *
   * @param scores from inputs {@code [N, ...]} to {@code [N, K]}; must not open a collector
   * @param inputs within lowest and highest; not modified
   * @param labels class ids {@code [N]}, integers; not modified
   * @param random of the starting points
   * @return moved inputs, without gradient, in the manager of the inputs
   */
  public NDArray attack(
      UnaryOperator<NDArray> scores,
      NDArray inputs,
      NDArray labels,
      Goal goal,
      RandomGenerator random) {
    try (NDManager scope = inputs.getManager().newSubManager()) {
      final NDArray x = inputs.stopGradient();
      x.attach(scope);
      final NDArray ids = labels.toType(DataType.INT64, true);
      ids.attach(scope);
      final NDArray clean = scores.apply(x).stopGradient();
      clean.attach(scope);
      NDArray moved = x.add(jitter(x, random)).clip(lowest, highest);
      for (int i = 0; i < steps; i++) {
        try (NDManager round = scope.newSubManager()) {
          final NDArray at = moved.stopGradient();
          at.attach(round);
          final NDArray direction = gradient(scores, clean, at, ids, goal).sign();
          final NDArray next =
              at.add(direction.mul(Like.scalar(step, x)))
                  .minimum(x.add(radius))
                  .maximum(x.sub(radius))
                  .clip(lowest, highest);
          next.attach(scope);
          moved = next;
        }
      }
      moved.attach(inputs.getManager());
      return moved;
    }
  }

  private static NDArray gradient(
      UnaryOperator<NDArray> scores, NDArray clean, NDArray at, NDArray labels, Goal goal) {
    at.setRequiresGradient(true);
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(goal.of(scores.apply(at), clean, labels).sum());
    }
    final NDArray gradient = at.getGradient().stopGradient();
    at.setRequiresGradient(false);
    return gradient;
  }

  private NDArray jitter(NDArray x, RandomGenerator random) {
    final double[] values = new double[Math.toIntExact(x.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = radius * (2 * random.nextDouble() - 1);
    }
    return Like.values(values, x.getShape(), x);
  }
}
