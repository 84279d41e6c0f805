package io.steelyard.bench.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Trial;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Runs JMH in this JVM for a few milliseconds: enough to see that it is driven right. */
class TrialRunnerTest {

  private final List<String> printed = new ArrayList<>();
  private final TrialRunner runner = new TrialRunner(new Effort(1, 1, 3, 1), printed::add, 0);

  @BeforeAll
  static void letOtherBuildsMeasure() {
    System.setProperty("jmh.ignoreLock", "true");
  }

  @Test
  void measuresTimeAndAllocationAndPrintsToTheListenerOnly() {
    final Measurement measured = runner.measure(trial("bytes", "4096"));

    assertThat(measured.forkNanos()).hasSize(1);
    assertThat(measured.nanos()).isBetween(1.0, 1e8);
    assertThat(measured.allocatedBytes().orElseThrow()).isBetween(4096.0, 4096.0 + 64);
    assertThat(printed).anyMatch(line -> line.contains("(bytes = 4096)"));
  }

  @Test
  void aCallWithoutAllocationHasNone() {
    assertThat(runner.measure(trial("bytes", "0")).allocatedBytes().orElseThrow()).isZero();
  }

  @Test
  void saysWhatTheSetUpFoundWrong() {
    assertThatThrownBy(() -> runner.measure(trial("bytes", "-1")))
        .isInstanceOf(TrialException.class)
        .hasMessageContaining("TinyBenchmark.allocate bytes=-1")
        .hasMessageContaining("bytes is -1");
  }

  private static Trial trial(String parameter, String value) {
    return new Trial(TinyBenchmark.class, "allocate", Map.of(parameter, value));
  }
}
