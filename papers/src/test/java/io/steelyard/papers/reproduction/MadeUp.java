package io.steelyard.papers.reproduction;

import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Runs for tests of reproductions: real ones and made-up ones. */
final class MadeUp {

  private MadeUp() {}

  /** A run at smoke scale. */
  static Run smoke(Reproduction reproduction, long seed) {
    return real(reproduction, Scale.SMOKE, seed);
  }

  /** A run that is really made. */
  static Run real(Reproduction reproduction, Scale scale, long seed) {
    return real(reproduction, scale, seed, Optional.empty());
  }

  /** A run that is really made, on the data of a folder. */
  static Run real(Reproduction reproduction, Scale scale, long seed, Optional<Path> data) {
    return real(reproduction, scale, seed, data, RecordingExperiment.Listener.none());
  }

  /** The same with somebody who listens. */
  static Run real(
      Reproduction reproduction,
      Scale scale,
      long seed,
      Optional<Path> data,
      RecordingExperiment.Listener listener) {
    final RecordingExperiment experiment = new RecordingExperiment(scale, seed, data, listener);
    reproduction.run(experiment);
    return experiment.run(reproduction.paper(), "test", TestRuns.MACHINE);
  }

  /** A run with these metrics and data. */
  static Run run(String paper, long seed, Map<String, Double> metrics, Map<String, String> data) {
    final Run bare = TestRuns.of(paper, seed, metrics);
    return new Run(
        bare.format(),
        bare.paper(),
        bare.scale(),
        bare.seed(),
        bare.code(),
        bare.machine(),
        bare.settings(),
        data,
        bare.started(),
        bare.seconds(),
        bare.metrics(),
        bare.series(),
        bare.items(),
        bare.warnings());
  }

  /** Three runs, seeds 1 to 3, with metrics by position 0 to 2. */
  static List<Run> three(String paper, IntFunction<Map<String, Double>> metrics) {
    return IntStream.range(0, 3)
        .mapToObj(i -> run(paper, i + 1L, metrics.apply(i), Map.of()))
        .toList();
  }

  /** The verdict's label on a claim. */
  static String verdict(Reproduction reproduction, String claim, List<Run> runs) {
    return reproduction.claims().stream()
        .filter(one -> one.id().equals(claim))
        .findFirst()
        .orElseThrow()
        .judge(runs)
        .label();
  }
}
