package io.steelyard.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.bench.suite.Case;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class GrowthTest {

  @Test
  void fourfoldTimeForTwiceTheSizeIsASlopeOfTwo() {
    final List<Growth> growths =
        Growth.of(List.of(result(512, 100), result(1024, 400), result(2048, 1600)));

    assertThat(growths).hasSize(1);
    assertThat(growths.getFirst().slope()).isCloseTo(2, within(1e-12));
    assertThat(growths.getFirst()).hasToString("made up: time ~ n^2.00, n = 512 to 2048");
  }

  @Test
  void oneSizeSaysNothing() {
    assertThat(Growth.of(List.of(result(512, 100)))).isEmpty();
    assertThat(MadeUp.report(false, result(512, 100)).table(false)).doesNotContain("time ~");
    assertThat(MadeUp.report(false, result(512, 100), result(1024, 150)).table(false))
        .contains("  made up: time ~ n^0.58, n = 512 to 1024\n");
  }

  private static CaseResult result(int n, double nanos) {
    final Case one = MadeUp.CASE.in("made up", "n", n);
    return new CaseResult(
        "attention",
        one,
        MadeUp.once(nanos),
        Optional.empty(),
        OptionalDouble.empty(),
        Optional.empty());
  }
}
