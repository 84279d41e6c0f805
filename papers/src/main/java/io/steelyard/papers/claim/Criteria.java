package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.DoublePredicate;
import java.util.stream.Collectors;

/**
 * The rules that the pages use most, so that a paper's class reads like its page. Each says itself
 * in words, names the numbers it rests on, and is inconclusive when one of them is NaN.
 */
public final class Criteria {

  private Criteria() {}

  /** Which values beyond a bound of {@link #meanWithin} falsify the claim. */
  public enum Falsified {
    /** The mean beyond the bound is enough. */
    BY_MEAN,
    /** The mean and every seed have to be beyond it; the mean alone is inconclusive. */
    BY_MEAN_AND_EVERY_SEED
  }

  /**
   * Holds if the mean over seeds lies in {@code [low, high]}, bounds included; else falsified,
   * below and above each as asked for.
   */
  public static Criterion meanWithin(
      Quantity quantity, double low, double high, Falsified below, Falsified above) {
    final Region region = new Region(low, high);
    final String range =
        "[" + Quantity.number(low) + ", " + Quantity.number(high) + "]" + suffix(quantity);
    return new WordedCriterion(
        "holds if the mean over seeds lies in "
            + range
            + falsification(quantity, region, below, above),
        Optional.of(region),
        runs -> {
          final double[] values = quantity.values(runs);
          final double mean = Summary.MEAN.of(values);
          final String numbers = numbers(quantity, "mean", mean, runs);
          if (Double.isNaN(mean)) {
            return notANumber(numbers);
          }
          if (mean >= low && mean <= high) {
            return new Verdict.Holds(numbers + " lies in " + range);
          }
          final boolean under = mean < low;
          final String side =
              under ? "below " + quantity.text(low) : "above " + quantity.text(high);
          final DoublePredicate out = under ? value -> value < low : value -> value > high;
          final Falsified rule = under ? below : above;
          return rule == Falsified.BY_MEAN || Arrays.stream(values).allMatch(out)
              ? new Verdict.DoesNotHold(
                  numbers
                      + " is "
                      + side
                      + (rule == Falsified.BY_MEAN ? "" : ", and so is every seed"))
              : new Verdict.Inconclusive(numbers + " is " + side + ", but not in every seed");
        });
  }

  /** Holds if the mean over seeds lies in {@code [low, high]}, bounds included; else falsified. */
  public static Criterion meanWithin(Quantity quantity, double low, double high) {
    return meanWithin(quantity, low, high, Falsified.BY_MEAN, Falsified.BY_MEAN);
  }

  /** Holds if the value of every seed is at most {@code bound}; else falsified. */
  public static Criterion everySeedAtMost(Quantity quantity, double bound) {
    return everySeed(
        quantity, "at most", bound, value -> value <= bound, Region.upTo(bound), Summary.MAXIMUM);
  }

  /** Holds if the value of every seed is below {@code bound}; else falsified. */
  public static Criterion everySeedBelow(Quantity quantity, double bound) {
    return everySeed(
        quantity, "below", bound, value -> value < bound, Region.upTo(bound), Summary.MAXIMUM);
  }

  /** Holds if the value of every seed is at least {@code bound}; else falsified. */
  public static Criterion everySeedAtLeast(Quantity quantity, double bound) {
    return everySeed(
        quantity, "at least", bound, value -> value >= bound, Region.from(bound), Summary.MINIMUM);
  }

  /** Holds if the value of every seed is above {@code bound}; else falsified. */
  public static Criterion everySeedAbove(Quantity quantity, double bound) {
    return everySeed(
        quantity, "above", bound, value -> value > bound, Region.from(bound), Summary.MINIMUM);
  }

  /**
   * A gain: holds if the summary over seeds is at least {@code enough} and so are at least {@code
   * seeds} of the seeds; falsified if the summary is at most {@code nothing}; partly, so
   * inconclusive, in between.
   *
   * @param seeds 0 if the summary alone decides
   * @throws IllegalArgumentException unless {@code nothing < enough} and {@code seeds >= 0}
   */
  public static Criterion gain(
      Quantity quantity, Summary summary, double enough, double nothing, int seeds) {
    if (!(nothing < enough) || seeds < 0) {
      throw new IllegalArgumentException(
          "gain is to hold from %s in %d seeds and to be falsified up to %s; expected a lower bound for falsification and a count >= 0"
              .formatted(enough, seeds, nothing));
    }
    final String of = summary.label();
    return new WordedCriterion(
        "holds if the %s over seeds is at least %s%s; falsified if it is at most %s; inconclusive in between"
            .formatted(
                of,
                quantity.text(enough),
                seeds == 0 ? "" : " and at least " + seeds + " seeds reach that",
                quantity.text(nothing)),
        Optional.of(Region.from(enough)),
        runs -> {
          final double[] values = quantity.values(runs);
          final double value = summary.of(values);
          final String numbers = numbers(quantity, of, value, runs);
          if (Double.isNaN(value)) {
            return notANumber(numbers);
          }
          final long reaching = Arrays.stream(values).filter(one -> one >= enough).count();
          if (value >= enough && reaching >= seeds) {
            return new Verdict.Holds(numbers + " is at least " + quantity.text(enough));
          }
          if (value <= nothing) {
            return new Verdict.DoesNotHold(numbers + " is at most " + quantity.text(nothing));
          }
          return new Verdict.Inconclusive(
              value >= enough
                  ? numbers
                      + " reaches "
                      + quantity.text(enough)
                      + ", but only "
                      + reaching
                      + " of "
                      + values.length
                      + " seeds do"
                  : numbers
                      + " lies between "
                      + quantity.text(nothing)
                      + " and "
                      + quantity.text(enough)
                      + ": partly");
        });
  }

  /** Holds if all hold; falsified if one is; else inconclusive. */
  public static Criterion all(Criterion... criteria) {
    final List<Criterion> parts = List.of(criteria);
    return new WordedCriterion(
        parts.stream().map(Criterion::words).collect(Collectors.joining("; and ")),
        parts.size() == 1 ? parts.getFirst().region() : Optional.empty(),
        runs -> {
          final List<Verdict> verdicts = parts.stream().map(part -> part.judge(runs)).toList();
          final List<Verdict> against =
              verdicts.stream().filter(verdict -> verdict instanceof Verdict.DoesNotHold).toList();
          final List<Verdict> open =
              verdicts.stream().filter(verdict -> verdict instanceof Verdict.Inconclusive).toList();
          if (!against.isEmpty()) {
            return new Verdict.DoesNotHold(reasons(against));
          }
          return open.isEmpty()
              ? new Verdict.Holds(reasons(verdicts))
              : new Verdict.Inconclusive(reasons(open));
        });
  }

  private static Criterion everySeed(
      Quantity quantity,
      String relation,
      double bound,
      DoublePredicate holds,
      Region region,
      Summary worst) {
    return new WordedCriterion(
        "holds if every seed is " + relation + " " + quantity.text(bound) + ", else falsified",
        Optional.of(region),
        runs -> {
          final double[] values = quantity.values(runs);
          final double value = worst.of(values);
          final String numbers = numbers(quantity, worst.label(), value, runs);
          if (Double.isNaN(value)) {
            return notANumber(numbers);
          }
          final long failing = Arrays.stream(values).filter(one -> !holds.test(one)).count();
          final String limit = relation + " " + quantity.text(bound);
          return failing == 0
              ? new Verdict.Holds(numbers + " is " + limit)
              : new Verdict.DoesNotHold(
                  numbers
                      + ": "
                      + failing
                      + " of "
                      + values.length
                      + (failing == 1 ? " seeds is not " : " seeds are not ")
                      + limit);
        });
  }

  private static String falsification(
      Quantity quantity, Region region, Falsified below, Falsified above) {
    return below == Falsified.BY_MEAN && above == Falsified.BY_MEAN
        ? ", else falsified"
        : "; falsified if "
            + beyond(above)
            + " above "
            + quantity.text(region.high())
            + ", or if "
            + beyond(below)
            + " below "
            + quantity.text(region.low())
            + "; else inconclusive";
  }

  private static String beyond(Falsified rule) {
    return switch (rule) {
      case BY_MEAN -> "the mean is";
      case BY_MEAN_AND_EVERY_SEED -> "the mean and every seed are";
    };
  }

  private static String numbers(Quantity quantity, String of, double value, List<Run> runs) {
    return of + " " + quantity.text(value) + " (" + quantity.perSeed(runs) + ")";
  }

  private static Verdict notANumber(String numbers) {
    return new Verdict.Inconclusive(numbers + " is not a number");
  }

  private static String suffix(Quantity quantity) {
    return quantity.unit().isEmpty() ? "" : " " + quantity.unit();
  }

  private static String reasons(List<Verdict> verdicts) {
    return verdicts.stream().map(Verdict::reason).collect(Collectors.joining("; "));
  }
}
