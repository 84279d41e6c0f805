package io.steelyard.bench;

import io.steelyard.bench.jmh.Effort;
import io.steelyard.bench.jmh.ForkFlags;
import io.steelyard.bench.jmh.TrialException;
import io.steelyard.bench.report.BenchReport;
import io.steelyard.bench.report.CaseResult;
import io.steelyard.bench.report.Pairing;
import io.steelyard.bench.report.Setup;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.bench.suite.Trial;
import io.steelyard.papers.run.Machine;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** One run: which trials the cases need, in which order, and what becomes of those that fail. */
final class BenchRun {

  private final List<Suite> suites;
  private final Scope scope;
  private final String only;
  private final Effort effort;
  private final BenchListener listener;
  private final Map<Trial, List<Measurement>> measured = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  BenchRun(List<Suite> suites, Scope scope, String only, Effort effort, BenchListener listener) {
    this.suites = suites;
    this.scope = scope;
    this.only = only;
    this.effort = effort;
    this.listener = listener;
  }

  /** Adds a line to the report's notes and tells the listener. */
  void note(String message) {
    notes.add(message);
    listener.warning(message);
  }

  /**
   * Measures and pairs.
   *
   * @param measure measures a trial once, in one fork
   */
  BenchReport run(Machine machine, Function<Trial, Measurement> measure) {
    final int cores = Runtime.getRuntime().availableProcessors();
    final Map<Suite, List<Case>> cases = new LinkedHashMap<>();
    suites.forEach(suite -> cases.put(suite, wanted(suite.cases(scope, cores))));
    if (cases.values().stream().allMatch(List::isEmpty)) {
      throw new IllegalArgumentException(
          "no case has '"
              + only
              + "' in its name; expected part of one of "
              + suites.stream()
                  .flatMap(suite -> suite.cases(scope, cores).stream())
                  .map(Case::name)
                  .distinct()
                  .collect(Collectors.joining("; ")));
    }
    final Instant started = Instant.now();
    measureAll(cases.values().stream().flatMap(List::stream).toList(), measure);
    final Pairing pairing = new Pairing(merged());
    final List<CaseResult> results = new ArrayList<>();
    cases.forEach(
        (suite, list) -> list.forEach(one -> results.add(pairing.pair(suite.name(), one))));
    final Setup setup =
        new Setup(
            scope == Scope.QUICK, started, cores, effort, ForkFlags.all(), Libraries.versions());
    return new BenchReport(machine, setup, results, notes);
  }

  private List<Case> wanted(List<Case> cases) {
    return cases.stream().filter(one -> one.name().contains(only)).toList();
  }

  private void measureAll(List<Case> cases, Function<Trial, Measurement> measure) {
    final Set<Trial> trials = new LinkedHashSet<>();
    final Set<Trial> needed = new LinkedHashSet<>();
    for (final Case one : cases) {
      final List<Trial> own = new ArrayList<>(List.of(one.ours()));
      one.limit().map(Limit::trial).ifPresent(own::add);
      one.rivals().stream().map(Contender::trial).forEach(own::add);
      needed.addAll(own);
      trials.addAll(own);
      one.peers().stream().map(Contender::trial).forEach(trials::add);
    }
    final int total = effort.forks() * trials.size();
    int done = 0;
    final Set<Trial> failed = new LinkedHashSet<>();
    for (int fork = 0; fork < effort.forks(); fork++) {
      for (final Trial trial : trials) {
        listener.trial(done++, total, trial.label());
        if (failed.contains(trial)) {
          continue;
        }
        try {
          measured.computeIfAbsent(trial, _ -> new ArrayList<>()).add(measure.apply(trial));
        } catch (TrialException e) {
          if (needed.contains(trial)) {
            throw e;
          }
          failed.add(trial);
          note("peer not measured: " + e.getMessage());
        }
      }
    }
    measured.keySet().removeAll(failed);
  }

  private Map<Trial, Measurement> merged() {
    return measured.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, entry -> merge(entry.getValue())));
  }

  private static Measurement merge(List<Measurement> forks) {
    final OptionalDouble bytes =
        forks.stream()
            .map(Measurement::allocatedBytes)
            .filter(OptionalDouble::isPresent)
            .mapToDouble(OptionalDouble::getAsDouble)
            .max();
    return new Measurement(
        forks.stream().flatMap(fork -> fork.forkNanos().stream()).toList(), bytes);
  }
}
