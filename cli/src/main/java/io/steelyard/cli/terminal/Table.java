package io.steelyard.cli.terminal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Help.Ansi.Style;
import picocli.CommandLine.Help.ColorScheme;

/**
 * Rows in aligned columns that fit a width: columns that may wrap give way, the widest first, when
 * the terminal is narrower than the text.
 */
public final class Table {

  private static final int GAP = 2;
  private static final int NARROWEST = 12;
  private static final Pattern BLANKS = Pattern.compile("\\s+");

  /** How a column is set. */
  public enum Column {
    /** Flush left, never broken. */
    WORD,
    /** Flush right, never broken. */
    NUMBER,
    /** Flush left, broken into lines where the width asks for it. */
    TEXT
  }

  /** A cell: its text and how it is set on a terminal with colour. */
  public record Cell(String text, List<Style> styles) {

    /** Copies the list. */
    public Cell {
      styles = List.copyOf(styles);
    }

    /** A cell in these styles. */
    public static Cell of(String text, Style... styles) {
      return new Cell(text, List.of(styles));
    }
  }

  private final List<Column> columns;
  private final List<List<Cell>> rows = new ArrayList<>();

  /** A table whose first row is a header. */
  public Table(List<String> header, List<Column> columns) {
    this.columns = List.copyOf(columns);
    rows.add(header.stream().map(text -> Cell.of(text, Style.bold)).toList());
  }

  /** Adds a row of plain cells, one for each column. */
  public Table row(String... cells) {
    return row(Arrays.stream(cells).map(text -> Cell.of(text)).toArray(Cell[]::new));
  }

  /** Adds a row, one cell for each column. */
  public Table row(Cell... cells) {
    if (cells.length != columns.size()) {
      throw new IllegalArgumentException(
          "row has " + cells.length + " cells; expected " + columns.size());
    }
    rows.add(List.of(cells));
    return this;
  }

  /** Writes the table. */
  public void print(Terminal terminal) {
    terminal.out().print(render(terminal.columns(), terminal.colour()));
    terminal.out().flush();
  }

  /** The table as text, lines no longer than {@code width} unless words alone are longer. */
  public String render(int width, boolean colour) {
    final int[] widths = widths(width);
    final ColorScheme scheme = new ColorScheme.Builder(colour ? Ansi.ON : Ansi.OFF).build();
    final StringBuilder text = new StringBuilder();
    rows.forEach(row -> render(row, widths, scheme, text));
    return text.toString();
  }

  private void render(List<Cell> row, int[] widths, ColorScheme scheme, StringBuilder text) {
    final List<List<String>> cells =
        IntStream.range(0, widths.length)
            .mapToObj(i -> lines(row.get(i).text(), widths[i]))
            .toList();
    final int height = cells.stream().mapToInt(List::size).max().orElse(0);
    for (int line = 0; line < height; line++) {
      int gap = 0;
      for (int i = 0; i < widths.length; i++) {
        final String word = line < cells.get(i).size() ? cells.get(i).get(line) : "";
        final int free = widths[i] - word.length();
        final boolean right = columns.get(i) == Column.NUMBER;
        if (!word.isEmpty()) {
          text.append(" ".repeat(gap + (right ? free : 0)))
              .append(scheme.apply(word, List.copyOf(row.get(i).styles())));
          gap = 0;
        }
        // Blanks are written only before a word, so that no line ends in them.
        gap += GAP + (word.isEmpty() ? widths[i] : right ? 0 : free);
      }
      text.append(System.lineSeparator());
    }
  }

  /** Breaks text between words; a word that is longer than a line stays whole. */
  private static List<String> lines(String text, int width) {
    final List<String> lines = new ArrayList<>();
    final StringBuilder line = new StringBuilder();
    for (final String word : BLANKS.splitAsStream(text.strip()).toList()) {
      if (!line.isEmpty() && line.length() + 1 + word.length() > width) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.isEmpty() ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }

  private int[] widths(int width) {
    final int[] widths = new int[columns.size()];
    for (final List<Cell> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).text().strip().length());
      }
    }
    // The last character of a line stays free: terminals break after it.
    int excess = Arrays.stream(widths).sum() + GAP * (widths.length - 1) - (width - 1);
    while (excess > 0) {
      final int widest =
          IntStream.range(0, widths.length)
              .filter(i -> columns.get(i) == Column.TEXT && widths[i] > NARROWEST)
              .reduce((a, b) -> widths[b] > widths[a] ? b : a)
              .orElse(-1);
      if (widest < 0) {
        break;
      }
      widths[widest]--;
      excess--;
    }
    return widths;
  }
}
