package io.steelyard.papers.claim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FindingTest {

  private static final Quantity V = Quantity.metric("pp", "v");
  private static final Claim CLAIM =
      Claim.named("a-claim")
          .states("It works")
          .published("3 pp")
          .measures("gain")
          .decidedBy(V, Criteria.meanWithin(V, 0, 10));

  @Test
  void itHasValueIntervalVerdictAndSeeds() {
    final List<Run> runs = TestRuns.withValues(4, 1, 1);
    final Finding finding = Finding.of(CLAIM, runs.reversed());
    assertThat(finding.value()).hasValue(2);
    assertThat(finding.perSeed()).containsExactly(4.0, 1.0, 1.0);
    assertThat(finding.seeds()).containsExactly(1L, 2L, 3L);
    assertThat(finding.verdict()).isInstanceOf(Verdict.Holds.class);
    // Standard deviation sqrt(3), so standard error 1; t(0.975, 2) = 4.302652729696.
    assertThat(finding.interval().orElseThrow().low()).isCloseTo(2 - 4.302652729696, within(1e-9));
    assertThat(finding.interval().orElseThrow().high()).isCloseTo(2 + 4.302652729696, within(1e-9));
    assertThat(finding.valueText()).isEqualTo("2.0 pp");
    assertThat(finding.intervalText()).isEqualTo("[-2.3, 6.3]");
  }

  @Test
  void tooFewSeedsDecideNothing() {
    final Finding two = Finding.of(CLAIM, TestRuns.withValues(1, 2));
    assertThat(two.verdict())
        .isEqualTo(new Verdict.Inconclusive("2 of the 3 seeds that a verdict needs have been run"));
    assertThat(two.interval()).isPresent();
    final Finding one = Finding.of(CLAIM, TestRuns.withValues(1));
    assertThat(one.verdict()).isInstanceOf(Verdict.Inconclusive.class);
    assertThat(one.interval()).isEmpty();
    assertThat(one.value()).hasValue(1);
  }

  @Test
  void smokeRunsDecideNothing() {
    final List<Run> smoke =
        List.of(1L, 2L, 3L).stream()
            .map(s -> TestRuns.of("p", Scale.SMOKE, s, "c", Map.of("v", 1.0), Map.of()))
            .toList();
    assertThat(Finding.of(CLAIM, smoke).verdict())
        .isInstanceOf(Verdict.Inconclusive.class)
        .extracting(Verdict::reason)
        .asString()
        .contains("smoke");
  }

  @Test
  void runsThatLackTheMetricAreInconclusiveWithTheReason() {
    final List<Run> runs =
        List.of(1L, 2L, 3L).stream().map(s -> TestRuns.of("p", s, Map.of("w", 1.0))).toList();
    final Finding finding = Finding.of(CLAIM, runs);
    assertThat(finding.value()).isEmpty();
    assertThat(finding.interval()).isEmpty();
    assertThat(finding.valueText()).isEqualTo("–");
    assertThat(finding.intervalText()).isEmpty();
    assertThat(finding.verdict().reason()).contains("'v'").contains("[w]");
  }

  @Test
  void runsOfTwoScalesOrNoneAreRefused() {
    final Run quick = TestRuns.of("p", 1, Map.of("v", 1.0));
    final Run full = TestRuns.of("p", Scale.FULL, 2, "c", Map.of("v", 1.0), Map.of());
    assertThatThrownBy(() -> Finding.of(CLAIM, List.of(quick, full)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Finding.of(CLAIM, List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aClaimNeedsItsPartsAndAnotherSummaryHasNoInterval() {
    assertThatThrownBy(() -> Claim.named("A Claim").decidedBy(V, Criteria.meanWithin(V, 0, 1)))
        .hasMessageContaining("'A Claim'");
    assertThatThrownBy(() -> Claim.named("c").decidedBy(V, Criteria.meanWithin(V, 0, 1)))
        .hasMessageContaining("claim 'c' has no statement");
    assertThatThrownBy(
            () ->
                Claim.named("c").states("s").measures("m").decidedBy(V, _ -> new Verdict.Holds("")))
        .hasMessageContaining("claim 'c' has no rule");
    final Claim largest =
        Claim.named("c")
            .states("s")
            .measures("m")
            .shows(Summary.MAXIMUM)
            .decidedBy(V, Criteria.everySeedAtMost(V, 1));
    final Finding finding = Finding.of(largest, TestRuns.withValues(1, 3, 2));
    assertThat(finding.value()).hasValue(3);
    assertThat(finding.interval()).isEmpty();
  }

  @Test
  void numbersAreReadable() {
    assertThat(Quantity.number(0)).isEqualTo("0");
    assertThat(Quantity.number(82.7333333)).isEqualTo("82.73");
    assertThat(Quantity.number(-0.5)).isEqualTo("-0.5");
    assertThat(Quantity.number(1234.5678)).isEqualTo("1235");
    assertThat(Quantity.number(2e-6)).isEqualTo("2.00e-6");
    assertThat(Quantity.number(1.5e10)).isEqualTo("1.50e+10");
    assertThat(Quantity.number(Double.NaN)).isEqualTo("NaN");
    assertThat(Summary.MEDIAN.of(4, 1, 3, 2)).isEqualTo(2.5);
    assertThat(Summary.MINIMUM.of(4, 1)).isEqualTo(1);
  }
}
