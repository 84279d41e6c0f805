package io.steelyard.papers.report;

import java.util.List;
import java.util.stream.Collectors;

/** Lines of Markdown. */
final class Markdown {

  private final StringBuilder out = new StringBuilder();

  /** A line. */
  void line(String text) {
    out.append(text).append('\n');
  }

  /** A row of a table. */
  void row(List<String> cells) {
    line(cells.stream().collect(Collectors.joining(" | ", "| ", " |")));
  }

  /** Text that Markdown takes as it is: no markup, no cell border, one line. */
  static String text(String raw) {
    return raw.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replaceAll("([\\\\`*_\\[\\]|#])", "\\\\$1")
        .replaceAll("\\R", " ");
  }

  @Override
  public String toString() {
    return out.toString();
  }
}
