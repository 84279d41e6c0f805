package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.analysis.rate.PowerLaw;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RatesTest {

  private static Run run(long seed, double[][] errors) {
    final RecordingExperiment experiment =
        new RecordingExperiment(
            Scale.QUICK, seed, Optional.empty(), RecordingExperiment.Listener.none());
    Rates.record(experiment, "loss", List.of(100, 10_000), errors);
    return experiment.run("paper", "test", TestRuns.MACHINE);
  }

  @Test
  void aRunHasMediansRepetitionsAndTheirSlope() {
    final Run run = run(1, new double[][] {{1, 2, 900}, {.2, .1, .3}});
    assertThat(run.curve("loss").xs()).containsExactly(100.0, 10_000.0);
    assertThat(run.curve("loss").ys()).containsExactly(2.0, .2);
    assertThat(run.outcomes("loss at n 100")).containsExactly(1.0, 2.0, 900.0);
    assertThat(run.metric("loss, log-log slope")).isEqualTo(-.5, within(1e-12));
    assertThat(Rates.slopeOf("loss").of().applyAsDouble(run)).isEqualTo(-.5, within(1e-12));
    assertThat(run.warnings()).isEmpty();
  }

  @Test
  void whatIsNotANumberIsLeftOutAndTold() {
    final Run run = run(1, new double[][] {{Double.NaN, 2, 2}, {.2, Double.POSITIVE_INFINITY, .2}});
    assertThat(run.outcomes("loss at n 100")).containsExactly(2.0, 2.0);
    assertThat(run.metric("loss, log-log slope")).isEqualTo(-.5, within(1e-12));
    assertThat(run.warnings())
        .containsExactly(
            "loss: 1 of 3 fits at n = 100 have none and are left out",
            "loss: 1 of 3 fits at n = 10,000 have none and are left out");
  }

  @Test
  void figuresPoolTheRepetitionsOfAllSeeds() {
    final List<Run> runs =
        List.of(
            run(1, new double[][] {{1, 1, 1}, {.1, .1, .1}}),
            run(2, new double[][] {{1, 1, 1}, {.1, .1, .1}}),
            run(3, new double[][] {{50}, {50}}));
    final PowerLaw law = Rates.pooled(runs, "loss").orElseThrow();
    assertThat(law.slope()).isEqualTo(-.5, within(1e-12));
    final List<Curve> curves = Rates.curves(runs, "D1", "loss");
    assertThat(curves)
        .extracting(Curve::name)
        .containsExactly("D1: slope -0.50 [-0.50, -0.50]", "D1, fitted");
    assertThat(curves.getFirst().high()).containsExactly(50.0, 50.0);
    assertThat(Rates.theorem("n^(-1/4)", -.25, curves.get(1)).ys().getLast())
        .isEqualTo(Math.pow(100, -.25), within(1e-12));
  }

  @Test
  void aSizeWithoutAnyIsLeftOutOfCurveSlopeAndFigure() {
    final Run lacking = run(1, new double[][] {{Double.NaN}, {.2}});
    assertThat(lacking.curve("loss").xs()).containsExactly(10_000.0);
    assertThat(lacking.outcomes("loss at n 100")).isEmpty();
    assertThat(lacking.metrics()).isEmpty();
    assertThat(Rates.pooled(List.of(lacking), "loss")).isEmpty();
    assertThat(Rates.curves(List.of(lacking), "D1", "loss")).hasSize(1);

    final Run whole = run(2, new double[][] {{1}, {.1}});
    final List<Curve> both = Rates.curves(List.of(lacking, whole), "D1", "loss");
    assertThat(both).hasSize(2);
    assertThat(both.getFirst().xs()).containsExactly(10_000.0);

    final Run none = run(3, new double[][] {{Double.NaN}, {Double.NaN}});
    final Curve empty = Rates.curves(List.of(none), "D1", "loss").getFirst();
    assertThat(empty.xs()).isEmpty();
    assertThat(Rates.theorem("n^(-1/2)", -.5, empty).ys()).isEmpty();
  }

  @Test
  void sizesAreEvenInLogarithms() {
    assertThat(Rates.logSpaced(100, 100_000, 4)).containsExactly(100, 1000, 10_000, 100_000);
    assertThat(Rates.text(List.of(300, 1000))).isEqualTo("300; 1,000");
    assertThat(Rates.text(Rates.logSpaced(100, 100_000, 200))).isEqualTo("200 from 100 to 100,000");
  }
}
