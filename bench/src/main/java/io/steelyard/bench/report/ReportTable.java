package io.steelyard.bench.report;

import io.steelyard.bench.suite.Metric;
import io.steelyard.papers.run.Machine;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The table that a terminal shows, and the same for a page: one line for each case, missed targets
 * last.
 */
final class ReportTable {

  private static final String RED = "\u001B[31m";
  private static final String GREEN = "\u001B[32m";
  private static final String PLAIN = "\u001B[0m";
  private static final List<String> HEADER =
      List.of("case", "thr", "ours", "speed", "peer", "ratio", "limit", "own best", "B/op");

  private static final String LEGEND =
      "ratio: peer time over ours. limit: time of the machine's limit over ours. own best: time of our"
          + " fastest other variant over ours.\n";

  private final boolean colour;

  ReportTable(boolean colour) {
    this.colour = colour;
  }

  String render(BenchReport report) {
    final StringBuilder text = new StringBuilder();
    report.results().stream()
        .map(CaseResult::suite)
        .distinct()
        .forEach(suite -> renderSuite(suite, report.only(suite), text));
    report.notes().forEach(note -> text.append("note: ").append(note).append('\n'));
    text.append(LEGEND);
    if (report.setup().quick()) {
      text.append("A quick run is for looking; figures to quote come from a full run.\n");
    }
    return text.toString();
  }

  /** A page in Markdown: where it was measured, a table, how time grows, notes. */
  static String markdown(BenchReport report) {
    final Machine machine = report.machine();
    final Setup setup = report.setup();
    final StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "# %s%n%n%s, %d cores, %d-bit vectors, JDK %s; %s; %s; started %s; medians over %d fork%s.%n",
            report.results().getFirst().suite(),
            machine.cpu(),
            machine.cores(),
            machine.vectorBits(),
            machine.jdk(),
            machine.os(),
            setup.libraries().entrySet().stream()
                .map(entry -> entry.getKey() + " " + entry.getValue())
                .sorted()
                .collect(Collectors.joining(", ")),
            setup.started(),
            setup.effort().forks(),
            setup.effort().forks() == 1 ? "" : "s"));
    final List<String> header = new ArrayList<>(HEADER);
    header.add("targets");
    text.append("\n| ").append(String.join(" | ", header)).append(" |\n|");
    header.forEach(_ -> text.append(" --- |"));
    text.append('\n');
    for (final CaseResult result : report.results()) {
      final List<String> cells = new ArrayList<>(cells(result));
      cells.add(new ReportTable(false).verdict(result));
      text.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }
    text.append('\n');
    report.growths().forEach(growth -> text.append("- ").append(growth).append('\n'));
    report.notes().forEach(note -> text.append("- note: ").append(note).append('\n'));
    return text.append('\n').append(LEGEND).toString();
  }

  private void renderSuite(String suite, BenchReport part, StringBuilder text) {
    final List<CaseResult> results = part.results();
    final List<List<String>> lines = new ArrayList<>();
    lines.add(HEADER);
    results.forEach(result -> lines.add(cells(result)));
    final int[] widths =
        IntStream.range(0, HEADER.size())
            .map(
                column ->
                    lines.stream().mapToInt(line -> line.get(column).length()).max().orElse(0))
            .toArray();
    text.append(suite).append('\n');
    for (int i = 0; i < lines.size(); i++) {
      final List<String> line = lines.get(i);
      text.append("  ").append(pad(line.getFirst(), -widths[0]));
      for (int column = 1; column < line.size(); column++) {
        text.append("  ").append(pad(line.get(column), widths[column]));
      }
      if (i > 0) {
        text.append("  ").append(verdict(results.get(i - 1)));
      }
      text.append('\n');
    }
    part.growths().forEach(growth -> text.append("  ").append(growth).append('\n'));
    text.append('\n');
  }

  private static List<String> cells(CaseResult result) {
    return List.of(
        result.benchmarkCase().name(),
        Integer.toString(result.benchmarkCase().threads()),
        time(result.oursNanos()),
        result.benchmarkCase().work().speed(result.oursNanos()),
        result.peer().map(peer -> time(peer.nanos())).orElse(""),
        number("%.2fx", result.value(Metric.RATIO), 1),
        number("%.0f%%", result.value(Metric.LIMIT_SHARE), 100),
        number("%.0f%%", result.value(Metric.BEST_SHARE), 100),
        number("%.1f", result.value(Metric.ALLOCATION), 1));
  }

  private String verdict(CaseResult result) {
    if (result.benchmarkCase().targets().isEmpty()) {
      return "";
    }
    if (result.targetsMet()) {
      return paint(GREEN, "ok");
    }
    return paint(
        RED,
        "missed: "
            + result.verdicts().stream()
                .filter(verdict -> !verdict.met())
                .map(
                    verdict ->
                        verdict.target() + (verdict.value().isEmpty() ? " (not measured)" : ""))
                .collect(Collectors.joining(", ")));
  }

  private String paint(String code, String text) {
    return colour ? code + text + PLAIN : text;
  }

  private static String time(double nanos) {
    if (nanos >= 1e6) {
      return String.format(Locale.ROOT, "%.3f ms", nanos / 1e6);
    }
    return nanos >= 1e3
        ? String.format(Locale.ROOT, "%.2f us", nanos / 1e3)
        : String.format(Locale.ROOT, "%.1f ns", nanos);
  }

  private static String number(String format, OptionalDouble value, double factor) {
    return value.isPresent()
        ? String.format(Locale.ROOT, format, value.getAsDouble() * factor)
        : "";
  }

  private static String pad(String text, int width) {
    return width == 0 ? text : String.format(Locale.ROOT, "%" + width + "s", text);
  }
}
