package io.steelyard.papers.report;

import io.steelyard.papers.run.AtomicFile;
import java.nio.file.Path;

/** Writes a report as HTML, Markdown and JSON, which hold the same facts. */
public final class ReportWriter {

  private ReportWriter() {}

  /**
   * Writes {@code report.json}, {@code report.md} and {@code index.html} into {@code folder}, each
   * atomically, and returns the last.
   *
   * @throws java.io.UncheckedIOException if a file cannot be written
   */
  public static Path write(Report report, Path folder) {
    final Path page = folder.resolve("index.html");
    AtomicFile.write(folder.resolve("report.json"), JsonReport.render(report));
    AtomicFile.write(folder.resolve("report.md"), MarkdownReport.render(report));
    AtomicFile.write(page, HtmlReport.render(report));
    return page;
  }
}
