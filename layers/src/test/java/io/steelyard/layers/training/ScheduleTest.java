package io.steelyard.layers.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class ScheduleTest {

  private static double[] rates(Schedule schedule, long... steps) {
    return LongStream.of(steps).mapToDouble(schedule::rate).toArray();
  }

  @Test
  void aConstantIsTheSameAtEveryStep() {
    assertThat(rates(Schedule.constant(0.25), 0, 1, Long.MAX_VALUE))
        .containsExactly(0.25, 0.25, 0.25);
  }

  @Test
  void linearReachesItsEndAndStays() {
    assertThat(rates(Schedule.linear(1, 0.5, 4), 0, 1, 2, 3, 4, 5, Long.MAX_VALUE))
        .containsExactly(1, 0.875, 0.75, 0.625, 0.5, 0.5, 0.5);
    assertThat(rates(Schedule.linear(0, 1, 1), 0, 1)).containsExactly(0, 1);
  }

  @Test
  void cosineReachesItsEndAndStays() {
    assertThat(rates(Schedule.cosine(2, 1, 4), 0, 1, 2, 3, 4, 100))
        .containsExactly(
            new double[] {2, 1.5 + Math.sqrt(0.5) / 2, 1.5, 1.5 - Math.sqrt(0.5) / 2, 1, 1},
            within(1e-15));
  }

  @Test
  void dropsHappenAtTheirSteps() {
    assertThat(rates(Schedule.drops(1, 0.5, 3, 5), 0, 2, 3, 4, 5, 1000))
        .containsExactly(1, 1, 0.5, 0.5, 0.25, 0.25);
  }

  @Test
  void warmUpMultipliesWhatRunsMeanwhile() {
    final long length = 400;
    final Schedule schedule = Schedule.cosine(3e-3, 0, length).warmedUp(50);
    for (long i = 0; i <= length; i++) {
      assertThat(schedule.rate(i))
          .describedAs("step " + i)
          .isCloseTo(
              3e-3 * Math.min(1, (i + 1) / 50.0) * (1 + Math.cos(Math.PI * i / length)) / 2,
              within(1e-18));
    }
    assertThat(schedule.rate(0)).isCloseTo(3e-3 / 50, within(1e-18));
    assertThat(schedule.rate(length)).isZero();
  }

  @Test
  void aSequenceBeginsItsSecondPartAtZero() {
    final Schedule schedule =
        Schedule.linear(1e-5, 3e-4, 100).then(100, Schedule.cosine(3e-4, 1e-5, 900));
    assertThat(rates(schedule, 0, 50, 100, 550, 1000, 2000))
        .containsExactly(new double[] {1e-5, 1.55e-4, 3e-4, 1.55e-4, 1e-5, 1e-5}, within(1e-18));
  }

  @Test
  void schedulesAreValues() {
    assertThat(Schedule.cosine(1, 0, 10).warmedUp(2))
        .isEqualTo(Schedule.cosine(1, 0, 10).warmedUp(2))
        .isNotEqualTo(Schedule.cosine(1, 0, 11).warmedUp(2))
        .hasToString("WarmedUp[schedule=Cosine[from=1.0, to=0.0, steps=10], steps=2]");
  }

  @Test
  void rangesAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Schedule.constant(-1))
        .withMessageContaining("rate is -1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Schedule.cosine(1, Double.POSITIVE_INFINITY, 5))
        .withMessageContaining("to is Infinity");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Schedule.linear(1, 0, 0))
        .withMessageContaining("steps is 0; expected 1 or more");
  }
}
