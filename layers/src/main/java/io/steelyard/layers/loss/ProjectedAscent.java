package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;

/**
 * Looks within a box around each input for the one whose score differences are farthest from the
 * clean ones, by ascent along the sign of the gradient: the inner supremum of {@link
 * AdversarialCompSumLoss} for the maximum norm. It starts at a random point of the box, since the
 * norm has no gradient at the input itself, and keeps the last point.
 *
 * <p>It collects gradients itself, and DJL collects for one at a time: call it before the step's
 * own collector is opened.
 *
 * <p>Cost: {@code steps} forward and backward passes of the scores. Source: arXiv 2304.07288,
 * section 5.
 *
 * <pre>{@code
 * ProjectedAscent search = new ProjectedAscent(0.1, 0.03, 5, 0, 1);
 * NDArray moved = search.moved(input -> input.mul(2), x, labels, random);
 * }</pre>
 *
 * @param radius g, half the side of the box, 0 or more
 * @param step how far one step goes, above 0
 * @param steps how many, 0 or more
 * @param lowest number that an input may have
 * @param highest number that an input may have
 */
public record ProjectedAscent(
    double radius, double step, int steps, double lowest, double highest) {

  /** Checks the ranges. */
  public ProjectedAscent {
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

  /**
   * Moves inputs.
   *
   * @param scores from inputs {@code [N, ...]} to {@code [N, K]}; must not open a collector
   * @param inputs within lowest and highest; not modified
   * @param labels class ids {@code [N]}
   * @param random of the starting points
   * @return moved inputs, without gradient, in the manager of the inputs
   */
  public NDArray moved(
      UnaryOperator<NDArray> scores, NDArray inputs, NDArray labels, RandomGenerator random) {
    try (NDManager scope = inputs.getManager().newSubManager()) {
      final NDArray x = inputs.stopGradient();
      x.attach(scope);
      final NDArray clean = scores.apply(x).stopGradient();
      NDArray moved = x.add(jitter(x, random)).clip(lowest, highest);
      for (int i = 0; i < steps; i++) {
        try (NDManager round = scope.newSubManager()) {
          final NDArray at = moved.stopGradient();
          at.attach(round);
          final NDArray gradient = gradient(scores, clean, at, labels);
          final NDArray next =
              at.add(Scalars.mul(gradient.sign(), step))
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
      UnaryOperator<NDArray> scores, NDArray clean, NDArray at, NDArray labels) {
    at.setRequiresGradient(true);
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(
          AdversarialCompSumLoss.norms(clean, scores.apply(at), labels, LossOptions.mean()).sum());
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
