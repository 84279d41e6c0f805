package io.steelyard.papers.task;

import io.steelyard.layers.training.Schedule;

/**
 * How a shared encoder of queries and labels is trained.
 *
 * @param epochs passes over the queries, at least 1
 * @param batch queries of a step, at least 1
 * @param rate the highest learning rate, reached after a tenth of the steps and lowered to 0 from
 *     there, both in equal steps
 * @param decay of the weights, decoupled
 * @param temperature tau: scores are inner products divided by it
 * @param chunk texts that are encoded with a graph at a time, at least 1
 * @param scores how many scores are differentiated at a time: queries of a batch are taken in parts
 *     of no more than that, but of one query at least
 */
public record RetrievalSchedule(
    int epochs, int batch, double rate, double decay, double temperature, int chunk, long scores) {

  private static final double WARM_UP = 0.1;

  /** Checks the ranges. */
  public RetrievalSchedule {
    atLeastOne("epochs", epochs);
    atLeastOne("batch", batch);
    atLeastOne("chunk", chunk);
    atLeastOne("scores", scores);
    if (!(temperature > 0)) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + "; expected a number above 0");
    }
  }

  private static void atLeastOne(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; expected 1 or more");
    }
  }

  /** The learning rate over so many steps. */
  Schedule rates(long steps) {
    final long warm = Math.round(WARM_UP * steps);
    if (warm == 0 || warm == steps) {
      return Schedule.linear(rate, 0, steps);
    }
    return Schedule.linear(0, rate, warm).then(warm, Schedule.linear(rate, 0, steps - warm));
  }
}
