package io.steelyard.layers.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CurveTest {

  private static Step step(long number) {
    return new Step(number, number * number, 0.5 / number, 2);
  }

  @Test
  void aPointIsTheMeanOfAWindow() {
    final Curve losses = Curve.of(Step::loss, 2);
    final Curve rates = Curve.of(Step::rate, 1);
    final List<String> lines = new ArrayList<>();
    final StepListener all = losses.and(rates).and(StepListener.lines(5, lines::add));
    for (long number = 1; number <= 5; number++) {
      all.step(step(number));
    }
    assertThat(losses.steps()).containsExactly(2.0, 4.0);
    assertThat(losses.values()).containsExactly(2.5, 12.5);
    assertThat(rates.steps()).containsExactly(1.0, 2.0, 3.0, 4.0, 5.0);
    assertThat(rates.values()).startsWith(0.5, 0.25);
    assertThat(lines).hasSize(5).contains("step 4 of 5, loss 16.00, rate 1.25e-01");
  }

  @Test
  void windowsAreAtLeastOne() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Curve.of(Step::loss, 0))
        .withMessageContaining("window is 0");
  }
}
