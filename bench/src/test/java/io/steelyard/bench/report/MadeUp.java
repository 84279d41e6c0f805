package io.steelyard.bench.report;

import io.steelyard.bench.jmh.Effort;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Metric;
import io.steelyard.bench.suite.Target;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import io.steelyard.papers.run.Machine;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Cases and measurements whose ratios can be checked in the head. */
final class MadeUp {

  static final Trial OURS = trial("ours");
  static final Trial SLOW_PEER = trial("slow");
  static final Trial FAST_PEER = trial("fast");
  static final Trial LIMIT = trial("limit");
  static final Trial RIVAL = trial("rival");

  static final Target RATIO = new Target(Metric.RATIO, 2);
  static final Target SHARE = new Target(Metric.LIMIT_SHARE, 0.85);
  static final Target BEST = new Target(Metric.BEST_SHARE, 0.95);
  static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  /** 1000 elements; the limit does a quarter of the work of the limit's trial. */
  static final Case CASE =
      new Case(
          "softmax 10x100, reused",
          2,
          OURS,
          new Work(1000, Work.Unit.ELEMENTS),
          List.of(new Contender("slow peer", SLOW_PEER), new Contender("fast peer", FAST_PEER)),
          Optional.of(new Limit("memory: 2 reads, 1 write", LIMIT, 0.25)),
          List.of(new Contender("rival", RIVAL)),
          List.of(RATIO, SHARE, BEST, NO_ALLOCATION));

  private MadeUp() {}

  /** Ours 400, slow peer 1200, fast peer 1000, limit 0.25 * 1440 = 360, rival 500. */
  static Map<Trial, Measurement> measurements() {
    return Map.of(
        OURS, new Measurement(List.of(390.0, 4000.0, 400.0), OptionalDouble.of(0)),
        SLOW_PEER, once(1200),
        FAST_PEER, once(1000),
        LIMIT, once(1440),
        RIVAL, once(500));
  }

  static Measurement once(double nanos) {
    return new Measurement(List.of(nanos), OptionalDouble.empty());
  }

  static BenchReport report(boolean quick, CaseResult... results) {
    return new BenchReport(
        new Machine("Some (R) CPU", 2, "Linux", "25.0.3", 512, 16),
        new Setup(
            quick,
            Instant.EPOCH,
            2,
            quick ? Effort.QUICK : Effort.FULL,
            List.of("--some-flag"),
            Map.of("libtorch", "2.7.1", "jmh", "1.37")),
        List.of(results),
        List.of("a note"));
  }

  private static Trial trial(String method) {
    return new Trial(MadeUp.class, method, Map.of());
  }
}
