package io.steelyard.feed.plot;

import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The picture beside a claim: seeds, value and interval on a line on which the region where the
 * claim holds is shaded. The numbers stand beside it as text, so readers of screens skip it.
 */
public final class StripSvg {

  private static final double WIDTH = 640;
  private static final double MARGIN = 24;

  private StripSvg() {}

  /** The strip of a finding; empty where there is no finite value to show. */
  public static Optional<String> of(Finding finding) {
    final List<Double> seeds = finding.perSeed();
    if (finding.value().isEmpty()
        || seeds.isEmpty()
        || !seeds.stream().allMatch(Double::isFinite)) {
      return Optional.empty();
    }
    final Optional<Region> region = finding.claim().criterion().region();
    final List<Double> shown = new ArrayList<>(seeds);
    finding
        .interval()
        .ifPresent(
            interval -> {
              shown.add(interval.low());
              shown.add(interval.high());
            });
    region.ifPresent(
        hold -> {
          shown.add(hold.low());
          shown.add(hold.high());
        });
    final Axis axis = Axis.over(shown, 0, false);
    final StringBuilder svg =
        new StringBuilder("<svg class=\"strip\" viewBox=\"0 0 640 64\" aria-hidden=\"true\">");
    region.ifPresent(
        hold -> {
          final double from = at(axis, Math.max(axis.low(), hold.low()));
          final double to = at(axis, Math.min(axis.high(), hold.high()));
          svg.append(
              "<rect class=\"region\" x=\"%s\" y=\"2\" width=\"%s\" height=\"36\"/>"
                  .formatted(number(from), number(Math.max(0, to - from))));
        });
    svg.append("<line class=\"axis\" x1=\"0\" x2=\"640\" y1=\"38\" y2=\"38\"/>");
    for (final double tick : axis.ticks()) {
      svg.append(
          "<line class=\"axis\" x1=\"%1$s\" x2=\"%1$s\" y1=\"38\" y2=\"43\"/><text class=\"tick middle\" x=\"%1$s\" y=\"58\">%2$s</text>"
              .formatted(number(at(axis, tick)), axis.label(tick)));
    }
    finding
        .interval()
        .ifPresent(
            interval ->
                svg.append(
                    "<path class=\"whisker\" d=\"M%1$s 8v10M%1$s 13H%2$sM%2$s 8v10\"/>"
                        .formatted(
                            number(at(axis, interval.low())), number(at(axis, interval.high())))));
    for (final double seed : seeds) {
      svg.append(
          "<circle class=\"seed\" cx=\"%s\" cy=\"29\" r=\"4\"/>".formatted(number(at(axis, seed))));
    }
    svg.append(
        "<circle class=\"value\" cx=\"%s\" cy=\"13\" r=\"5.5\"/></svg>"
            .formatted(number(at(axis, finding.value().getAsDouble()))));
    return Optional.of(svg.toString());
  }

  private static double at(Axis axis, double value) {
    return MARGIN + axis.place(value) * (WIDTH - 2 * MARGIN);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }
}
