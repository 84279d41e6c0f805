package io.steelyard.papers.report;

import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Interval;
import io.steelyard.papers.claim.Region;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * The picture beside a claim: seeds, value and interval on a line on which the region where the
 * claim holds is shaded. All positions are percentages of the width.
 *
 * @param seeds positions of the seeds
 * @param value position of the value shown
 * @param interval the interval, if any
 * @param region where the claim holds, if its rule says
 * @param ticks positions with their labels
 */
record Strip(
    List<String> seeds,
    String value,
    Optional<Span> interval,
    Optional<Span> region,
    List<Tick> ticks) {

  private static final double MARGIN = 0.08;
  private static final int TICKS = 5;

  /** A stretch of the line. */
  record Span(String left, String width) {}

  /** A mark under the line. */
  record Tick(String left, String label) {}

  /** The strip of a finding; empty where there is no finite value to show. */
  static Optional<Strip> of(Finding finding) {
    final List<Double> values = finding.perSeed();
    if (finding.value().isEmpty()
        || values.isEmpty()
        || !values.stream().allMatch(Double::isFinite)) {
      return Optional.empty();
    }
    final Optional<Region> region = finding.claim().criterion().region();
    final DoubleSummaryStatistics range =
        Stream.of(
                values.stream().mapToDouble(Double::doubleValue),
                finding.interval().stream()
                    .flatMapToDouble(interval -> DoubleStream.of(interval.low(), interval.high())),
                region.stream()
                    .flatMapToDouble(hold -> DoubleStream.of(hold.low(), hold.high()))
                    .filter(Double::isFinite))
            .flatMapToDouble(part -> part)
            .summaryStatistics();
    final double spread =
        range.getMax() > range.getMin()
            ? range.getMax() - range.getMin()
            : Math.max(Math.abs(range.getMax()), 1) / 10;
    final Scale scale =
        new Scale(range.getMin() - MARGIN * spread, range.getMax() + MARGIN * spread);
    return Optional.of(
        new Strip(
            values.stream().map(scale::position).toList(),
            scale.position(finding.value().getAsDouble()),
            finding.interval().map(interval -> scale.span(interval)),
            region.map(hold -> scale.span(hold.low(), hold.high())),
            scale.ticks()));
  }

  private record Scale(double low, double high) {

    String position(double value) {
      return percent(Math.clamp((value - low) / (high - low), 0, 1));
    }

    Span span(Interval interval) {
      return span(interval.low(), interval.high());
    }

    Span span(double from, double to) {
      final double left = Math.clamp((from - low) / (high - low), 0, 1);
      final double right = Math.clamp((to - low) / (high - low), 0, 1);
      return new Span(percent(left), percent(right - left));
    }

    List<Tick> ticks() {
      final double rough = (high - low) / TICKS;
      final double power = Math.pow(10, Math.floor(Math.log10(rough)));
      final double step =
          DoubleStream.of(1, 2, 5, 10)
              .map(factor -> factor * power)
              .filter(candidate -> candidate >= rough)
              .findFirst()
              .orElse(10 * power);
      final List<Tick> ticks = new ArrayList<>();
      for (long i = (long) Math.ceil(low / step); i * step <= high; i++) {
        ticks.add(new Tick(position(i * step), Words.number(clean(i * step))));
      }
      return ticks;
    }

    /** Without the rounding noise of a multiple of 0.1. */
    private static double clean(double value) {
      return Double.parseDouble(String.format(Locale.ROOT, "%.12g", value));
    }

    private static String percent(double share) {
      return String.format(Locale.ROOT, "%.2f%%", 100 * share);
    }
  }
}
