package io.steelyard.papers.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunSelectionTest {

  private static Run run(Scale scale, long seed, String code) {
    return TestRuns.of("p", scale, seed, code, Map.of(), Map.of());
  }

  @Test
  void runsOfOneScaleAndOneCodeBelongTogether() {
    final Run old = run(Scale.QUICK, 1, "old");
    final Run b = run(Scale.QUICK, 3, "new");
    final Run a = run(Scale.QUICK, 2, "new");
    final Run smoke = run(Scale.SMOKE, 9, "new");
    final Run other = TestRuns.of("q", 10, Map.of());
    final List<Run> all = List.of(other, smoke, b, old, a);
    assertThat(RunSelection.newest(all, "p", Optional.empty())).containsExactly(a, b);
    assertThat(RunSelection.newest(all, "p", Optional.of(Scale.SMOKE))).containsExactly(smoke);
    assertThat(RunSelection.newest(all, "p", Optional.of(Scale.FULL))).isEmpty();
    assertThat(RunSelection.newest(List.of(smoke), "p", Optional.empty())).containsExactly(smoke);
    assertThat(RunSelection.newest(all, "r", Optional.empty())).isEmpty();
  }

  @Test
  void theNewerOfTwoRunsWithOneSeedCounts() {
    final Run older = run(Scale.QUICK, 1, "c");
    final Run newer =
        new Run(
            Run.FORMAT,
            "p",
            Scale.QUICK,
            1,
            "c",
            TestRuns.MACHINE,
            Map.of(),
            Map.of(),
            TestRuns.START.plusSeconds(100),
            1,
            Map.of(),
            List.of(),
            Map.of(),
            List.of());
    assertThat(RunSelection.newest(List.of(older, newer), "p", Optional.empty()))
        .containsExactly(newer);
  }
}
