package io.steelyard.papers.report;

import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The report as Markdown, figures as tables. */
final class MarkdownReport {

  private final StringBuilder out = new StringBuilder();

  private MarkdownReport() {}

  static String render(Report report) {
    final MarkdownReport markdown = new MarkdownReport();
    markdown.write(report);
    return markdown.out.toString();
  }

  private void write(Report report) {
    line("# Steelyard: papers, re-run");
    line("");
    line(report.summary() + " Each verdict is computed from the runs by the criterion beside it.");
    line("");
    line("- Made: " + Words.time(report.made()));
    line("- Code: " + text(String.join(", ", report.codes())));
    report.machines().forEach(machine -> line("- Machine: " + text(machine)));
    line("");
    row(List.of("Paper", "Claim", "Published", "Here", "Verdict", "Seeds", "Scale", "Time"));
    row(List.of("---", "---", "---", "---", "---", "---", "---", "---"));
    for (final Section section : report.sections()) {
      for (final Finding finding : section.findings()) {
        row(
            List.of(
                text(section.paper().title()),
                text(finding.claim().statement()),
                text(finding.claim().published()),
                text((Words.value(finding) + " " + Words.interval(finding)).strip()),
                "**" + finding.verdict().label() + "**",
                section.seeds(),
                section.scale().label(),
                Words.duration(section.seconds())));
      }
    }
    report.sections().forEach(this::write);
    if (!report.ignored().isEmpty()) {
      line("");
      line("## Ignored files");
      line("");
      report.ignored().forEach(one -> line("- " + text(one.file()) + ": " + text(one.why())));
    }
  }

  private void write(Section section) {
    final Paper paper = section.paper();
    line("");
    line("## " + paper.number() + ". " + text(paper.title()));
    line("");
    line("[arXiv " + text(paper.arxivId()) + "](" + paper.arxivPage() + ")");
    line("");
    line(text(paper.idea()));
    line("");
    line("Design: " + text(section.design()));
    section.findings().forEach(this::write);
    section.figures().forEach(this::write);
    line("");
    line("### Settings, data and runs");
    line("");
    list(section.settings());
    list(section.data());
    section.notes().forEach(note -> line("- Note: " + text(note)));
    line("");
    row(List.of("Seed", "Started", "Time", "Code", "Machine", "File"));
    row(List.of("---:", "---", "---:", "---", "---", "---"));
    for (int i = 0; i < section.runs().size(); i++) {
      final Run run = section.runs().get(i);
      row(
          List.of(
              Long.toString(run.seed()),
              Words.time(run.started()),
              Words.duration(run.seconds()),
              text(run.code()),
              text(run.machine().summary()),
              section.links().get(i).map(link -> "[run file](" + link + ")").orElse("shipped")));
    }
  }

  private void write(Finding finding) {
    final Claim claim = finding.claim();
    line("");
    line("### " + text(claim.statement()));
    line("");
    line("**" + finding.verdict().label() + "**: " + text(finding.verdict().reason()) + ".");
    line("");
    if (!claim.published().isEmpty()) {
      line("- Published: " + text(claim.published()));
    }
    line(
        "- Here: "
            + text((Words.value(finding) + " " + Words.interval(finding)).strip())
            + " ("
            + text(claim.measure())
            + ", "
            + claim.summary().label()
            + " over seeds"
            + finding.interval().map(interval -> "; " + text(interval.method())).orElse("")
            + ")");
    line("- Rule: " + text(claim.rule()));
  }

  private void write(Figure figure) {
    final FigureTable table = FigureTable.of(figure);
    line("");
    line("### " + text(figure.title()));
    line("");
    line(text(figure.caption()) + " Vertical: " + text(figure.y().label()) + ".");
    line("");
    row(table.head().stream().map(MarkdownReport::text).toList());
    row(table.head().stream().map(_ -> "---:").toList());
    table.rows().forEach(cells -> row(cells.stream().map(MarkdownReport::text).toList()));
    if (table.every() > 1) {
      line("");
      line("Every " + table.every() + "th point; the run files have all.");
    }
  }

  private void list(Map<String, String> texts) {
    texts.forEach((name, value) -> line("- " + text(name) + ": " + text(value)));
  }

  private void row(List<String> cells) {
    line(cells.stream().collect(Collectors.joining(" | ", "| ", " |")));
  }

  private void line(String text) {
    out.append(text).append('\n');
  }

  /** Text that Markdown takes as it is: no markup, no cell border, one line. */
  private static String text(String raw) {
    return raw.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replaceAll("([\\\\`*_\\[\\]|#])", "\\\\$1")
        .replaceAll("\\R", " ");
  }
}
