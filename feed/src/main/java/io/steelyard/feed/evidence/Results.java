package io.steelyard.feed.evidence;

import io.steelyard.feed.paper.ArxivId;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.report.Section;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.reproduction.Reproductions;
import io.steelyard.papers.run.Evidence;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunStore;
import io.steelyard.papers.run.ShippedRuns;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Everything the runs say, read once and again when the folder of runs has changed. Safe to use
 * from any thread.
 */
public final class Results {

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

  private final RunStore store;
  private volatile Snapshot snapshot;
  private volatile long nextLook;

  /** The shipped runs and those in a folder, which need not exist. */
  public Results(Path runs) {
    this.store = new RunStore(runs);
    this.snapshot = load(fingerprint(), 0);
    this.nextLook = System.nanoTime() + LOOK_AGAIN.toNanos();
  }

  /** What the runs say now. */
  public Snapshot now() {
    if (System.nanoTime() - nextLook > 0) {
      look();
    }
    return snapshot;
  }

  private synchronized void look() {
    if (System.nanoTime() - nextLook <= 0) {
      return;
    }
    final String print = fingerprint();
    if (!print.equals(snapshot.fingerprint)) {
      snapshot = load(print, snapshot.number + 1);
    }
    nextLook = System.nanoTime() + LOOK_AGAIN.toNanos();
  }

  private Snapshot load(String print, long number) {
    return new Snapshot(print, number, store.list(), ShippedRuns.list());
  }

  /** Names, sizes and times of the files: changes when a run is added, replaced or removed. */
  private String fingerprint() {
    if (!Files.isDirectory(store.root())) {
      return "";
    }
    try (Stream<Path> files = Files.walk(store.root())) {
      final StringBuilder print = new StringBuilder();
      files
          .filter(file -> file.toString().endsWith(".json"))
          .sorted()
          .forEach(file -> print.append(file).append(' ').append(stamp(file)).append('\n'));
      return print.toString();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list the runs in " + store.root(), e);
    }
  }

  private static String stamp(Path file) {
    try {
      return Files.getLastModifiedTime(file).toMillis() + " " + Files.size(file);
    } catch (NoSuchFileException e) {
      return "gone";
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at the run " + file, e);
    }
  }

  /** What the runs said at one moment. */
  public static final class Snapshot {

    private final String fingerprint;
    private final long number;
    private final List<Run> runs;
    private final Map<String, Built> built = new LinkedHashMap<>();
    private final List<LeaderboardRow> leaderboard;

    private Snapshot(
        String fingerprint, long number, RunStore.Listing here, RunStore.Listing shipped) {
      this.fingerprint = fingerprint;
      this.number = number;
      final Map<String, Run> byPlace = new LinkedHashMap<>();
      here.runs().forEach(run -> byPlace.put(place(run), run));
      shipped.runs().forEach(run -> byPlace.putIfAbsent(place(run), run));
      this.runs = List.copyOf(byPlace.values());
      for (final Paper paper : Catalogue.all()) {
        built.put(paper.arxivId(), built(paper, here, shipped));
      }
      this.leaderboard = LeaderboardRow.of(built.values());
    }

    private static Built built(Paper paper, RunStore.Listing here, RunStore.Listing shipped) {
      final Optional<Reproduction> reproduction = Reproductions.find(paper.slug());
      final Evidence evidence = Evidence.of(paper.slug(), here, shipped);
      final Optional<Section> section =
          reproduction
              .filter(_ -> !evidence.runs().isEmpty())
              .map(
                  found ->
                      Section.of(
                          paper,
                          found,
                          evidence.runs(),
                          evidence.origin() == Evidence.Origin.SHIPPED
                              ? Section.Source.SHIPPED
                              : Section.Source.RUNS,
                          _ -> Optional.empty()));
      return Built.of(paper.slug(), paper.arxivId(), reproduction, section);
    }

    /** Advances when the runs change. */
    public long number() {
      return number;
    }

    /** Every run there is, one for each paper, scale and seed. */
    public List<Run> runs() {
      return runs;
    }

    /** The run of a paper at a scale with a seed. */
    public Optional<Run> run(String paper, String scale, long seed) {
      return runs.stream()
          .filter(
              run ->
                  run.paper().equals(paper)
                      && run.scale().label().equals(scale)
                      && run.seed() == seed)
          .findFirst();
    }

    /** What was built of a paper. */
    public Built of(ArxivId id) {
      return Optional.ofNullable(built.get(id.value()))
          .orElseGet(() -> Built.of("", id.value(), Optional.empty(), Optional.empty()));
    }

    /** What was built of every paper of the collection, by arXiv id. */
    public Map<String, Built> all() {
      return Map.copyOf(built);
    }

    /** Every measured number with its place. */
    public List<LeaderboardRow> leaderboard() {
      return leaderboard;
    }

    /** How many claims have which verdict. */
    public Map<String, Integer> verdicts() {
      final Map<String, Integer> counts = new HashMap<>();
      built.values().stream()
          .flatMap(one -> one.findings().stream())
          .map(Finding::verdict)
          .forEach(verdict -> counts.merge(verdict.label(), 1, Integer::sum));
      return counts;
    }

    /** The papers with results, those of the newest runs first. */
    public List<Section> sections() {
      final List<Section> sections = new ArrayList<>();
      built.values().forEach(one -> one.section().ifPresent(sections::add));
      return sections;
    }

    private static String place(Run run) {
      return run.paper() + "/" + run.scale().label() + "/" + run.seed();
    }
  }
}
