package io.steelyard.bench.report;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Metric;
import io.steelyard.bench.suite.Target;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One case with all that was measured for it in one run.
 *
 * @param suite name of the suite
 * @param benchmarkCase what was run
 * @param ours our time and allocation
 * @param peer the fastest peer, if any could be measured
 * @param limitNanos time of the machine's limit, if the case has one
 * @param rival our fastest other variant, if the case has any
 */
public record CaseResult(
    String suite,
    Case benchmarkCase,
    Measurement ours,
    Optional<Timed> peer,
    OptionalDouble limitNanos,
    Optional<Timed> rival) {

  /**
   * A contender's time.
   *
   * @param name of the contender
   * @param nanos median over forks
   */
  public record Timed(String name, double nanos) {}

  /** A target with what was measured; {@code value} is empty where that was not possible. */
  public record Verdict(Target target, OptionalDouble value) {

    /** Whether the target was reached; one that could not be measured was not. */
    public boolean met() {
      return value.isPresent() && target.met(value.getAsDouble());
    }
  }

  /** Time of our code in nanoseconds, median over forks. */
  public double oursNanos() {
    return ours.nanos();
  }

  /** The value of a metric, where it was measured. */
  public OptionalDouble value(Metric metric) {
    return switch (metric) {
      case RATIO -> over(peer.map(Timed::nanos));
      case LIMIT_SHARE ->
          over(limitNanos.isPresent() ? Optional.of(limitNanos.getAsDouble()) : Optional.empty());
      case BEST_SHARE -> over(rival.map(Timed::nanos));
      case NANOS_EACH -> OptionalDouble.of(benchmarkCase.work().nanosEach(oursNanos()));
      case ALLOCATION -> ours.allocatedBytes();
    };
  }

  /** Every target of the case with its value. */
  public List<Verdict> verdicts() {
    return benchmarkCase.targets().stream()
        .map(target -> new Verdict(target, value(target.metric())))
        .toList();
  }

  /** Whether every target was reached. */
  public boolean targetsMet() {
    return verdicts().stream().allMatch(Verdict::met);
  }

  private OptionalDouble over(Optional<Double> nanos) {
    return nanos.map(n -> OptionalDouble.of(n / oursNanos())).orElse(OptionalDouble.empty());
  }
}
