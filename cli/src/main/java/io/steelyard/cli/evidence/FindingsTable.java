package io.steelyard.cli.evidence;

import io.steelyard.cli.terminal.Table;
import io.steelyard.cli.terminal.Table.Cell;
import io.steelyard.cli.terminal.Table.Column;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Interval;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.run.Run;
import java.util.List;
import picocli.CommandLine.Help.Ansi.Style;

/** What came of the claims, one row each: published, here with interval, verdict, time. */
public final class FindingsTable {

  private FindingsTable() {}

  /** The table of these papers' claims. */
  public static Table of(List<PaperStatus> papers) {
    final Table table =
        new Table(
            List.of("paper", "claim", "published", "here", "verdict", "time"),
            List.of(
                Column.WORD, Column.TEXT, Column.TEXT, Column.TEXT, Column.WORD, Column.NUMBER));
    for (final PaperStatus paper : papers) {
      final double seconds = paper.evidence().runs().stream().mapToDouble(Run::seconds).sum();
      String name = paper.paper().slug();
      String time = RunProgress.seconds(seconds);
      for (final Finding finding : paper.findings()) {
        table.row(
            Cell.of(name, Style.bold),
            Cell.of(finding.claim().statement()),
            Cell.of(finding.claim().published()),
            Cell.of(here(finding)),
            Cell.of(finding.verdict().label(), style(finding.verdict())),
            Cell.of(time));
        // Said once for each paper.
        name = "";
        time = "";
      }
    }
    return table;
  }

  private static String here(Finding finding) {
    return finding.valueText()
        + finding.interval().map(FindingsTable::text).map(text -> " " + text).orElse("");
  }

  private static String text(Interval interval) {
    return "[" + Quantity.number(interval.low()) + ", " + Quantity.number(interval.high()) + "]";
  }

  private static Style style(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Holds _ -> Style.fg_green;
      case Verdict.DoesNotHold _ -> Style.fg_red;
      case Verdict.Inconclusive _ -> Style.fg_yellow;
    };
  }
}
