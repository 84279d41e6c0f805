package io.steelyard.bench.report;

import io.steelyard.bench.report.CaseResult.Timed;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Trial;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Puts each case together with its peers, rivals and limit out of the measurements of one run. */
public final class Pairing {

  private final Map<Trial, Measurement> measured;

  /** Over the measurements of one run; trials that failed are missing. */
  public Pairing(Map<Trial, Measurement> measured) {
    this.measured = Map.copyOf(measured);
  }

  /**
   * The result of a case.
   *
   * @throws IllegalArgumentException if our own trial or the limit's was not measured
   */
  public CaseResult pair(String suite, Case benchmarkCase) {
    return new CaseResult(
        suite,
        benchmarkCase,
        own(benchmarkCase.ours(), benchmarkCase),
        fastest(benchmarkCase.peers()),
        benchmarkCase
            .limit()
            .map(
                limit ->
                    OptionalDouble.of(own(limit.trial(), benchmarkCase).nanos() * limit.scale()))
            .orElse(OptionalDouble.empty()),
        fastest(benchmarkCase.rivals()));
  }

  private Measurement own(Trial trial, Case benchmarkCase) {
    final Measurement measurement = measured.get(trial);
    if (measurement == null) {
      throw new IllegalArgumentException(
          "case '" + benchmarkCase.name() + "' has no measurement of " + trial.label());
    }
    return measurement;
  }

  private Optional<Timed> fastest(List<Contender> contenders) {
    return contenders.stream()
        .filter(contender -> measured.containsKey(contender.trial()))
        .map(contender -> new Timed(contender.name(), measured.get(contender.trial()).nanos()))
        .min(Comparator.comparingDouble(Timed::nanos));
  }
}
