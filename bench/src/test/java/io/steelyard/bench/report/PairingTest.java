package io.steelyard.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Metric;
import io.steelyard.bench.suite.Trial;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class PairingTest {

  private final Map<Trial, Measurement> measured = new HashMap<>(MadeUp.measurements());

  @Test
  void pairsMediansWithTheFastestPeerTheScaledLimitAndTheFastestRival() {
    final CaseResult result = pair();

    assertThat(result.oursNanos()).isEqualTo(400);
    assertThat(result.peer()).hasValue(new CaseResult.Timed("fast peer", 1000));
    assertThat(result.limitNanos()).hasValue(360);
    assertThat(value(result, Metric.RATIO)).isEqualTo(2.5);
    assertThat(value(result, Metric.LIMIT_SHARE)).isEqualTo(0.9, within(1e-12));
    assertThat(value(result, Metric.BEST_SHARE)).isEqualTo(1.25);
    assertThat(value(result, Metric.ALLOCATION)).isZero();
    assertThat(result.targetsMet()).isTrue();
  }

  @Test
  void eachTargetIsMissedOnItsOwn() {
    measured.put(MadeUp.FAST_PEER, MadeUp.once(799));
    assertThat(missed()).containsExactly(MadeUp.RATIO);

    measured.put(MadeUp.FAST_PEER, MadeUp.once(800));
    assertThat(missed()).isEmpty();

    measured.put(MadeUp.LIMIT, MadeUp.once(4 * 339));
    assertThat(missed()).containsExactly(MadeUp.SHARE);

    measured.put(MadeUp.RIVAL, MadeUp.once(379));
    assertThat(missed()).containsExactly(MadeUp.SHARE, MadeUp.BEST);

    measured.put(MadeUp.OURS, new Measurement(List.of(400.0), OptionalDouble.of(24)));
    assertThat(missed()).containsExactly(MadeUp.SHARE, MadeUp.BEST, MadeUp.NO_ALLOCATION);
  }

  @Test
  void aPeerThatCouldNotBeMeasuredLeavesTheOther() {
    measured.remove(MadeUp.FAST_PEER);

    assertThat(pair().peer()).hasValue(new CaseResult.Timed("slow peer", 1200));
  }

  @Test
  void aTargetThatCouldNotBeMeasuredIsNotMet() {
    measured.remove(MadeUp.FAST_PEER);
    measured.remove(MadeUp.SLOW_PEER);

    final CaseResult result = pair();

    assertThat(result.value(Metric.RATIO)).isEmpty();
    assertThat(missed()).containsExactly(MadeUp.RATIO);
    assertThat(result.targetsMet()).isFalse();
  }

  @Test
  void withoutOurOwnTimeOrTheLimitThereIsNoResult() {
    measured.remove(MadeUp.LIMIT);
    assertThatThrownBy(this::pair)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(MadeUp.CASE.name())
        .hasMessageContaining("MadeUp.limit");
  }

  @Test
  void spreadIsOverForksAndMedianOfAnEvenNumberIsTheMean() {
    assertThat(pair().ours().spread()).isEqualTo((4000 - 390) / 400.0);
    assertThat(Measurement.median(List.of(4.0, 1.0, 3.0, 100.0))).isEqualTo(3.5);
  }

  private CaseResult pair() {
    return new Pairing(measured).pair("softmax", MadeUp.CASE);
  }

  private List<io.steelyard.bench.suite.Target> missed() {
    return pair().verdicts().stream()
        .filter(verdict -> !verdict.met())
        .map(CaseResult.Verdict::target)
        .toList();
  }

  private static double value(CaseResult result, Metric metric) {
    return result.value(metric).orElseThrow();
  }
}
