package io.steelyard.analysis.selective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.analysis.selective.SelectiveReport.Cell;
import io.steelyard.analysis.selective.SelectiveReport.Condition;
import io.steelyard.analysis.selective.SelectiveReport.Point;
import java.util.List;
import org.junit.jupiter.api.Test;

class SelectiveTest {

  private static final List<Point> POINTS =
      List.of(
          new Point(0, 0, true),
          new Point(0, 0, true),
          new Point(0, 1, true),
          new Point(1, 1, true),
          new Point(1, 0, false));

  @Test
  void cellsByHand() {
    final SelectiveReport report = SelectiveReport.of(POINTS);
    assertThat(report.coverage()).isEqualTo(.8);
    assertThat(report.accuracy()).hasValue(.75);
    assertThat(report.cells())
        .containsExactly(
            new Cell(Condition.LABEL, 0, 3, 2 / 3.0),
            new Cell(Condition.LABEL, 1, 1, 1),
            new Cell(Condition.PREDICTED, 0, 2, 1),
            new Cell(Condition.PREDICTED, 1, 2, .5));
    assertThat(report.lowestConditional(1)).hasValue(.5);
    assertThat(report.lowestConditional(3)).hasValue(2 / 3.0);
    assertThat(report.lowestConditional(4)).isEmpty();
    assertThat(SelectiveReport.of(List.of(new Point(0, 0, false))).accuracy()).isEmpty();
  }

  @Test
  void confidenceByHand() {
    final Confidence confidence =
        new Confidence(List.of(.9, .8, .8, .2), List.of(true, false, true, false));
    // Bins of a half: three confidences of 2.5 in sum with two right, one of 0.2 with none.
    assertThat(confidence.calibrationError(2)).isCloseTo((.5 + .2) / 4, within(1e-12));
    assertThat(confidence.risks())
        .containsExactly(
            new Confidence.Risk(.25, 0),
            new Confidence.Risk(.75, 1 / 3.0),
            new Confidence.Risk(1, .5));
    assertThat(confidence.areaUnderRisk()).isCloseTo(.5 / 3 + .25 / 2, within(1e-12));
    assertThat(new Confidence(List.of(1.0), List.of(true)).calibrationError(10)).isZero();
  }

  @Test
  void whatCannotBeIsNamed() {
    assertThatThrownBy(() -> SelectiveReport.of(List.of())).hasMessageContaining("points");
    assertThatThrownBy(() -> new Point(-1, 0, true)).hasMessageContaining("-1 and 0");
    final SelectiveReport report = SelectiveReport.of(POINTS);
    assertThatThrownBy(() -> report.lowestConditional(0)).hasMessageContaining("least is 0");
    assertThatThrownBy(() -> new Confidence(List.of(.5), List.of()))
        .hasMessageContaining("confidences are 1 and right 0");
    assertThatThrownBy(() -> new Confidence(List.of(1.5), List.of(true)))
        .hasMessageContaining("confidences[0] is 1.5");
    final Confidence one = new Confidence(List.of(1.0), List.of(true));
    assertThatThrownBy(() -> one.calibrationError(0)).hasMessageContaining("bins is 0");
  }
}
