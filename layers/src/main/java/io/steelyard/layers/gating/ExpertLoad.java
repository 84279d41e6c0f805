package io.steelyard.layers.gating;

import io.steelyard.kernels.gating.Dispatch;
import java.util.Arrays;
import java.util.List;

/**
 * How busy the experts were with one batch.
 *
 * @param tokens how many tokens there were, padding not counted
 * @param capacity most tokens an expert took
 * @param demand how many tokens asked for each expert
 * @param load how many tokens each expert took
 * @param dropped how many choices found their expert full
 */
public record ExpertLoad(
    int tokens, int capacity, List<Integer> demand, List<Integer> load, int dropped) {

  /** Copies the lists. */
  public ExpertLoad {
    demand = List.copyOf(demand);
    load = List.copyOf(load);
  }

  static ExpertLoad of(int tokens, Dispatch plan) {
    return new ExpertLoad(
        tokens, plan.capacity(), boxed(plan.demand()), boxed(plan.load()), plan.dropped());
  }

  /** How many choices tokens made. */
  public int choices() {
    return demand.stream().mapToInt(Integer::intValue).sum();
  }

  /** Share of choices that were dropped; 0 if there were none. */
  public double droppedShare() {
    return choices() == 0 ? 0 : (double) dropped / choices();
  }

  /**
   * Largest demand over mean demand: 1 for an even load, the number of experts when all ask for
   * one; 0 if nobody asks.
   */
  public double imbalance() {
    final int most = demand.stream().mapToInt(Integer::intValue).max().orElse(0);
    return choices() == 0 ? 0 : (double) most * demand.size() / choices();
  }

  /** How many experts nobody asked for. */
  public int idle() {
    return (int) demand.stream().filter(asked -> asked == 0).count();
  }

  private static List<Integer> boxed(int[] values) {
    return Arrays.stream(values).boxed().toList();
  }
}
