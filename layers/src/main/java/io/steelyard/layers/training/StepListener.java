package io.steelyard.layers.training;

import java.util.function.Consumer;

/**
 * Hears about every step of a {@link Training}: the hook for progress, curves and logs.
 *
 * <pre>{@code
 * Curve losses = Curve.of(Step::loss, 10);
 * training.fit(data, batches, losses.and(StepListener.lines(400, System.err::println)));
 * }</pre>
 */
@FunctionalInterface
public interface StepListener {

  /** A listener that does nothing. */
  StepListener NONE = _ -> {};

  /** Called after the parameters were updated. */
  void step(Step step);

  /** This, then another one. */
  default StepListener and(StepListener other) {
    return step -> {
      step(step);
      other.step(step);
    };
  }

  /** Hands each step on as one line of text, for example to a progress bar. */
  static StepListener lines(long total, Consumer<String> reader) {
    return step -> reader.accept(step.line(total));
  }
}
