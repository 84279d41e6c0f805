package io.steelyard.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.cli.terminal.Table.Cell;
import io.steelyard.cli.terminal.Table.Column;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Help.Ansi.Style;

class TableTest {

  private static Table table() {
    return new Table(
            List.of("name", "n", "words", "end"),
            List.of(Column.WORD, Column.NUMBER, Column.TEXT, Column.WORD))
        .row("a", "7", "one two three four five six seven", "x")
        .row("bcd", "1234", "short", "yz");
  }

  @Test
  void columnsAreAlignedAndNoLineEndsInBlanks() {
    assertThat(table().render(100, false))
        .isEqualToNormalizingNewlines(
            """
            name     n  words                              end
            a        7  one two three four five six seven  x
            bcd   1234  short                              yz
            """);
  }

  @Test
  void textGivesWayAndOtherCellsStayOnTheFirstLine() {
    assertThat(table().render(36, false))
        .isEqualToNormalizingNewlines(
            """
            name     n  words               end
            a        7  one two three four  x
                        five six seven
            bcd   1234  short               yz
            """);
  }

  @ParameterizedTest
  @ValueSource(ints = {40, 50, 80, 120})
  void linesAreShorterThanTheWidth(int width) {
    assertThat(table().render(width, false).lines())
        .allSatisfy(line -> assertThat(line.length()).isLessThan(width));
  }

  @Test
  void colourIsForTerminalsOnly() {
    final Table table =
        new Table(List.of("a"), List.of(Column.WORD)).row(Cell.of("red", Style.fg_red));
    assertThat(table.render(80, true)).contains("\u001b[31mred\u001b[39m");
    assertThat(table.render(80, false)).doesNotContain("\u001b");
  }
}
