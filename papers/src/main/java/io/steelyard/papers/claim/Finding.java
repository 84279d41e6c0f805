package io.steelyard.papers.claim;

import io.steelyard.papers.run.MissingRecordException;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a set of runs says about a claim. Computed from the runs, nothing else.
 *
 * @param claim the claim
 * @param scale the scale of the runs
 * @param value the value here, empty if the runs do not have it
 * @param perSeed the value of each seed, in the order of {@code seeds}; empty if the runs lack it
 * @param interval the interval for display, empty with fewer than two seeds and no items
 * @param verdict the verdict
 * @param seeds the seeds, ascending
 */
public record Finding(
    Claim claim,
    Scale scale,
    OptionalDouble value,
    List<Double> perSeed,
    Optional<Interval> interval,
    Verdict verdict,
    List<Long> seeds) {

  private static final double SMALLEST_ALIGNED = 1e-6;
  private static final double LARGEST_ALIGNED = 1e7;

  /** Copies the lists. */
  public Finding {
    Objects.requireNonNull(claim, "claim");
    perSeed = List.copyOf(perSeed);
    seeds = List.copyOf(seeds);
  }

  /**
   * The finding over these runs of one paper at one scale, each with its own seed.
   *
   * <p>Runs of an older version may lack what the claim reads; that is inconclusive, with the
   * reason.
   *
   * @throws IllegalArgumentException if there are no runs or they differ in paper or scale
   */
  public static Finding of(Claim claim, List<Run> runs) {
    if (runs.isEmpty()
        || runs.stream().map(Run::paper).distinct().count() > 1
        || runs.stream().map(Run::scale).distinct().count() > 1) {
      throw new IllegalArgumentException(
          "claim '"
              + claim.id()
              + "' was given "
              + runs.size()
              + " runs; expected at least one, all of one paper and one scale");
    }
    final List<Run> ordered = runs.stream().sorted(Comparator.comparingLong(Run::seed)).toList();
    final List<Long> seeds = ordered.stream().map(Run::seed).toList();
    final Scale scale = ordered.getFirst().scale();
    try {
      final double[] values = claim.quantity().values(ordered);
      return new Finding(
          claim,
          scale,
          OptionalDouble.of(claim.summary().of(values)),
          Arrays.stream(values).boxed().toList(),
          claim.interval().of(ordered),
          claim.judge(ordered),
          seeds);
    } catch (MissingRecordException e) {
      return new Finding(
          claim,
          scale,
          OptionalDouble.empty(),
          List.of(),
          Optional.empty(),
          new Verdict.Inconclusive(e.getMessage()),
          seeds);
    }
  }

  /**
   * The value as text with its unit, to as many decimals as its interval makes sensible; a dash if
   * there is none.
   */
  public String valueText() {
    if (value.isEmpty()) {
      return "–";
    }
    final String number = aligned(value.getAsDouble());
    final String unit = claim.quantity().unit();
    return unit.isEmpty() ? number : number + " " + unit;
  }

  /** The interval as text, {@code [low, high]} to the decimals of the value; empty for none. */
  public String intervalText() {
    return interval
        .map(ends -> "[" + aligned(ends.low()) + ", " + aligned(ends.high()) + "]")
        .orElse("");
  }

  /** Two digits of half the interval's width: more would be noise. */
  private String aligned(double number) {
    final double half = interval.map(ends -> (ends.high() - ends.low()) / 2).orElse(0.0);
    if (!(half > SMALLEST_ALIGNED) || !(Math.abs(number) < LARGEST_ALIGNED)) {
      return Quantity.number(number);
    }
    final int decimals = Math.max(0, 1 - (int) Math.floor(Math.log10(half)));
    final BigDecimal rounded =
        BigDecimal.valueOf(number).setScale(decimals, RoundingMode.HALF_EVEN);
    return rounded.toPlainString();
  }
}
