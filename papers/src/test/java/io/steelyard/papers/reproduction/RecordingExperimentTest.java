package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.run.TestRuns;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class RecordingExperimentTest {

  private static RecordingExperiment experiment(long seed) {
    return new RecordingExperiment(
        Scale.QUICK, seed, Optional.empty(), RecordingExperiment.Listener.none());
  }

  private static List<Long> draw(RandomGenerator random) {
    return random.longs(5).boxed().toList();
  }

  @Test
  void aStreamDependsOnSeedAndPurposeOnly() {
    final RecordingExperiment one = experiment(1);
    final List<Long> batches = draw(one.random("batches"));
    final List<Long> init = draw(one.random("init"));

    final RecordingExperiment again = experiment(1);
    assertThat(draw(again.random("init"))).as("asked for first").isEqualTo(init);
    assertThat(draw(again.random("batches"))).isEqualTo(batches);
    assertThat(draw(again.random("batches"))).as("from its start again").isEqualTo(batches);

    assertThat(init).isNotEqualTo(batches);
    assertThat(draw(experiment(2).random("init"))).isNotEqualTo(init);
    // "1" + "2x" and "12" + "x" must not meet.
    assertThat(draw(experiment(12).random("x"))).isNotEqualTo(draw(experiment(1).random("2x")));
  }

  @Test
  void theStreamsOfAFileStayWhatTheyAre() {
    // A change here would make new runs differ from shipped ones without a change of format.
    assertThat(experiment(1).random("init").getClass().getSimpleName())
        .isEqualTo("L64X128MixRandom");
    assertThat(experiment(1).random("init").nextLong()).isEqualTo(FIRST_LONG_OF_SEED_1_INIT);
  }

  private static final long FIRST_LONG_OF_SEED_1_INIT = -575609165953875647L;

  @Test
  void whatIsRecordedIsInTheRun() {
    final List<String> heard = new ArrayList<>();
    final RecordingExperiment experiment =
        new RecordingExperiment(
            Scale.SMOKE,
            5,
            Optional.empty(),
            new RecordingExperiment.Listener() {
              @Override
              public void steps(long total) {
                heard.add("of " + total);
              }

              @Override
              public void step(long done, String what) {
                heard.add(done + " " + what);
              }

              @Override
              public void warning(String text) {
                heard.add("! " + text);
              }
            });
    experiment.steps(2);
    experiment.step("a");
    experiment.warning("hm");
    experiment.step("b");
    experiment.metric("m", Double.NaN);
    experiment.setting("rate", "0.1");
    experiment.data("digits", "made up");
    experiment.items("right", List.of(1.0));
    experiment.series(new Series("s", "x", "y", List.of(), List.of()));
    final Run run = experiment.run("p", "c", TestRuns.MACHINE);

    assertThat(heard).containsExactly("of 2", "1 a", "! hm", "2 b");
    assertThat(run.metric("m")).isNaN();
    assertThat(run.scale()).isEqualTo(Scale.SMOKE);
    assertThat(run.seed()).isEqualTo(5);
    assertThat(run.settings()).containsEntry("rate", "0.1");
    assertThat(run.data()).containsEntry("digits", "made up");
    assertThat(run.warnings()).containsExactly("hm");
    assertThat(run.outcomes("right")).containsExactly(1.0);
    assertThat(run.curve("s").xs()).isEmpty();
    assertThat(run.seconds()).isNotNegative();
  }

  @Test
  void aNameIsRecordedOnce() {
    final RecordingExperiment experiment = experiment(1);
    experiment.metric("m", 1);
    assertThatThrownBy(() -> experiment.metric("m", 2)).hasMessageContaining("'m'");
  }
}
