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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One run: which trials the cases need, in which order, and what becomes of those that fail. */
final class BenchRun {

  private final List<Suite> suites;
  private final Scope scope;
  private final String only;
  private final Effort effort;
  private final BenchListener listener;
  private final Map<Trial, List<Measurement>> measured = new LinkedHashMap<>();
  private final Set<Trial> failed = new HashSet<>();
  private final List<String> notes = new ArrayList<>();
  private int done;
  private int total;

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
   * Measures and pairs, suite after suite.
   *
   * @param measure measures a trial once, in one fork
   * @param ended hears of each suite when it has been measured, so that a run that is stopped later
   *     has not lost it
   */
  BenchReport run(
      Machine machine, Function<Trial, Measurement> measure, Consumer<BenchReport> ended) {
    final int cores = Runtime.getRuntime().availableProcessors();
    final Map<Suite, List<Case>> cases = new LinkedHashMap<>();
    suites.forEach(suite -> cases.put(suite, wanted(suite.cases(scope, cores))));
    cases.values().removeIf(List::isEmpty);
    if (cases.isEmpty()) {
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
    final Setup setup =
        new Setup(
            scope == Scope.QUICK,
            Instant.now(),
            cores,
            effort,
            ForkFlags.all(),
            Libraries.versions());
    total =
        effort.forks()
            * Math.toIntExact(
                cases.values().stream()
                    .flatMap(List::stream)
                    .flatMap(BenchRun::trials)
                    .distinct()
                    .count());
    final Set<Trial> needed =
        cases.values().stream()
            .flatMap(List::stream)
            .flatMap(BenchRun::needed)
            .collect(Collectors.toUnmodifiableSet());
    final List<CaseResult> results = new ArrayList<>();
    cases.forEach(
        (suite, list) -> {
          measureAll(list, needed, measure);
          final Pairing pairing = new Pairing(merged());
          final List<CaseResult> own =
              list.stream().map(one -> pairing.pair(suite.name(), one)).toList();
          ended.accept(new BenchReport(machine, setup, own, notes));
          results.addAll(own);
        });
    return new BenchReport(machine, setup, results, notes);
  }

  /** What a case needs, and its peers, which may fail. */
  private static Stream<Trial> trials(Case one) {
    return Stream.concat(needed(one), one.peers().stream().map(Contender::trial));
  }

  private static Stream<Trial> needed(Case one) {
    return Stream.concat(
        Stream.concat(Stream.of(one.ours()), one.limit().map(Limit::trial).stream()),
        one.rivals().stream().map(Contender::trial));
  }

  private List<Case> wanted(List<Case> cases) {
    return cases.stream().filter(one -> one.name().contains(only)).toList();
  }

  private void measureAll(
      List<Case> cases, Set<Trial> needed, Function<Trial, Measurement> measure) {
    final List<Trial> trials =
        cases.stream()
            .flatMap(BenchRun::trials)
            .distinct()
            .filter(trial -> !measured.containsKey(trial) && !failed.contains(trial))
            .toList();
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
