package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A criterion over the means of several quantities: it holds if all of some conditions are met, is
 * falsified if any of some others is, and else inconclusive. A mean that is not a number meets
 * none.
 *
 * @param holds what has to be met for the claim to hold, at least one
 * @param falsifies what falsifies it; may be empty
 */
public record MeanRule(List<Condition> holds, List<Condition> falsifies) implements Criterion {

  /**
   * A condition on the mean over seeds of a quantity.
   *
   * @param name the quantity in words
   * @param quantity the quantity
   * @param low lower bound
   * @param high upper bound
   * @param open whether the bounds themselves are left out
   */
  public record Condition(String name, Quantity quantity, double low, double high, boolean open) {

    /** Checks the order. */
    public Condition {
      if (!(low <= high)) {
        throw new IllegalArgumentException(
            name + " is to lie in [" + low + ", " + high + "]; expected two numbers in order");
      }
    }

    /** In {@code [low, high]}. */
    public static Condition within(String name, Quantity quantity, double low, double high) {
      return new Condition(name, quantity, low, high, false);
    }

    /** Greater than {@code bound}. */
    public static Condition above(String name, Quantity quantity, double bound) {
      return new Condition(name, quantity, bound, Double.POSITIVE_INFINITY, true);
    }

    /** Less than {@code bound}. */
    public static Condition below(String name, Quantity quantity, double bound) {
      return new Condition(name, quantity, Double.NEGATIVE_INFINITY, bound, true);
    }

    /** At least {@code bound}. */
    public static Condition atLeast(String name, Quantity quantity, double bound) {
      return new Condition(name, quantity, bound, Double.POSITIVE_INFINITY, false);
    }

    /** At most {@code bound}. */
    public static Condition atMost(String name, Quantity quantity, double bound) {
      return new Condition(name, quantity, Double.NEGATIVE_INFINITY, bound, false);
    }

    boolean isMet(List<Run> runs) {
      final double mean = mean(runs);
      return open ? mean > low && mean < high : mean >= low && mean <= high;
    }

    private double mean(List<Run> runs) {
      return Summary.MEAN.of(quantity.values(runs));
    }

    private String words() {
      return name + " is " + bounds();
    }

    private String bounds() {
      if (high == Double.POSITIVE_INFINITY) {
        return (open ? "above " : "at least ") + quantity.text(low);
      }
      if (low == Double.NEGATIVE_INFINITY) {
        return (open ? "below " : "at most ") + quantity.text(high);
      }
      return "in ["
          + Quantity.number(low)
          + ", "
          + Quantity.number(high)
          + "]"
          + (quantity.unit().isEmpty() ? "" : " " + quantity.unit());
    }

    private String numbers(List<Run> runs) {
      return name
          + " "
          + quantity.text(mean(runs))
          + " ("
          + quantity.perSeed(runs)
          + ") is "
          + (isMet(runs) ? "" : "not ")
          + bounds();
    }
  }

  /** Copies the lists. */
  public MeanRule {
    holds = List.copyOf(holds);
    falsifies = List.copyOf(falsifies);
    if (holds.isEmpty()) {
      throw new IllegalArgumentException("holds is empty; expected at least one condition");
    }
  }

  /** Holds if all conditions are met. */
  public static MeanRule holdsIf(Condition... conditions) {
    return new MeanRule(Arrays.asList(conditions), List.of());
  }

  /** The same, falsified if any of these is met. */
  public MeanRule falsifiedIf(Condition... conditions) {
    return new MeanRule(holds, Arrays.asList(conditions));
  }

  @Override
  public Verdict judge(List<Run> runs) {
    final List<Condition> against =
        falsifies.stream().filter(condition -> condition.isMet(runs)).toList();
    if (!against.isEmpty()) {
      return new Verdict.DoesNotHold(reasons(against, runs));
    }
    final List<Condition> unmet =
        holds.stream().filter(condition -> !condition.isMet(runs)).toList();
    return unmet.isEmpty()
        ? new Verdict.Holds(reasons(holds, runs))
        : new Verdict.Inconclusive(reasons(unmet, runs));
  }

  @Override
  public String words() {
    return "of the means over seeds: holds if "
        + holds.stream().map(Condition::words).collect(Collectors.joining(" and "))
        + (falsifies.isEmpty()
            ? ""
            : "; falsified if "
                + falsifies.stream().map(Condition::words).collect(Collectors.joining(" or ")))
        + "; else inconclusive";
  }

  @Override
  public Optional<Region> region() {
    final Condition first = holds.getFirst();
    return holds.size() == 1
        ? Optional.of(new Region(first.low(), first.high()))
        : Optional.empty();
  }

  private static String reasons(List<Condition> conditions, List<Run> runs) {
    return conditions.stream()
        .map(condition -> condition.numbers(runs))
        .collect(Collectors.joining("; "));
  }
}
