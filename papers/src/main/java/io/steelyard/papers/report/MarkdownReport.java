package io.steelyard.papers.report;

import static io.steelyard.papers.report.Markdown.text;

import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Map;

/** The report as Markdown, figures as tables. */
final class MarkdownReport {

  private final Markdown out = new Markdown();

  private MarkdownReport() {}

  static String render(Report report) {
    final MarkdownReport markdown = new MarkdownReport();
    markdown.write(report);
    return markdown.out.toString();
  }

  private void write(Report report) {
    out.line("# Steelyard: papers, re-run");
    out.line("");
    out.line(
        report.summary() + " Each verdict is computed from the runs by the criterion beside it.");
    out.line("");
    out.line("- Made: " + Words.time(report.made()));
    out.line("- Code: " + text(String.join(", ", report.codes())));
    report.machines().forEach(machine -> out.line("- Machine: " + text(machine)));
    out.line("");
    out.row(List.of("Paper", "Claim", "Published", "Here", "Verdict", "Seeds", "Scale", "Time"));
    out.row(List.of("---", "---", "---", "---", "---", "---", "---", "---"));
    for (final Section section : report.sections()) {
      for (final Finding finding : section.findings()) {
        out.row(
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
      out.line("");
      out.line("## Ignored files");
      out.line("");
      report.ignored().forEach(one -> out.line("- " + text(one.file()) + ": " + text(one.why())));
    }
  }

  private void write(Section section) {
    final Paper paper = section.paper();
    out.line("");
    out.line("## " + paper.number() + ". " + text(paper.title()));
    out.line("");
    out.line("[arXiv " + text(paper.arxivId()) + "](" + paper.arxivPage() + ")");
    out.line("");
    out.line(text(paper.idea()));
    out.line("");
    out.line("Design: " + text(section.design()));
    section.findings().forEach(this::write);
    section.figures().forEach(this::write);
    out.line("");
    out.line("### Settings, data and runs");
    out.line("");
    list(section.settings());
    list(section.data());
    section.notes().forEach(note -> out.line("- Note: " + text(note)));
    out.line("");
    out.row(List.of("Seed", "Started", "Time", "Code", "Machine", "File"));
    out.row(List.of("---:", "---", "---:", "---", "---", "---"));
    for (int i = 0; i < section.runs().size(); i++) {
      final Run run = section.runs().get(i);
      out.row(
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
    out.line("");
    out.line("### " + text(claim.statement()));
    out.line("");
    out.line("**" + finding.verdict().label() + "**: " + text(finding.verdict().reason()) + ".");
    out.line("");
    if (!claim.published().isEmpty()) {
      out.line("- Published: " + text(claim.published()));
    }
    out.line(
        "- Here: "
            + text((Words.value(finding) + " " + Words.interval(finding)).strip())
            + " ("
            + text(claim.measure())
            + ", "
            + claim.summary().label()
            + " over seeds"
            + finding.interval().map(interval -> "; " + text(interval.method())).orElse("")
            + ")");
    out.line("- Rule: " + text(claim.rule()));
  }

  private void write(Figure figure) {
    final FigureTable table = FigureTable.of(figure);
    out.line("");
    out.line("### " + text(figure.title()));
    out.line("");
    out.line(text(figure.caption()) + " Vertical: " + text(figure.y().label()) + ".");
    out.line("");
    out.row(table.head().stream().map(Markdown::text).toList());
    out.row(table.head().stream().map(_ -> "---:").toList());
    table.rows().forEach(cells -> out.row(cells.stream().map(Markdown::text).toList()));
    if (table.every() > 1) {
      out.line("");
      out.line("Every " + table.every() + "th point; the run files have all.");
    }
  }

  private void list(Map<String, String> texts) {
    texts.forEach((name, value) -> out.line("- " + text(name) + ": " + text(value)));
  }
}
