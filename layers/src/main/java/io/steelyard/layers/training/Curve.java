package io.steelyard.layers.training;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Records a number of each step as a curve: a point for every {@code window} steps, at the last of
 * them, with their mean. An unfinished window is no point. Run records take {@link #steps()} and
 * {@link #values()} as they are.
 *
 * <pre>{@code
 * Curve norms = Curve.of(Step::gradientNorm, 1);
 * training.fit(data, batches, norms);
 * List<Double> ys = norms.values();
 * }</pre>
 */
public final class Curve implements StepListener {

  private final ToDoubleFunction<Step> quantity;
  private final int window;
  private final List<Double> steps = new ArrayList<>();
  private final List<Double> values = new ArrayList<>();
  private double sum;
  private int count;

  private Curve(ToDoubleFunction<Step> quantity, int window) {
    Ranges.atLeastOne("window", window);
    this.quantity = quantity;
    this.window = window;
  }

  /** An empty curve. */
  public static Curve of(ToDoubleFunction<Step> quantity, int window) {
    return new Curve(quantity, window);
  }

  @Override
  public void step(Step step) {
    sum += quantity.applyAsDouble(step);
    count++;
    if (count == window) {
      steps.add((double) step.number());
      values.add(sum / window);
      sum = 0;
      count = 0;
    }
  }

  /** Horizontal values: step numbers, from 1. */
  public List<Double> steps() {
    return List.copyOf(steps);
  }

  /** Vertical values. */
  public List<Double> values() {
    return List.copyOf(values);
  }
}
