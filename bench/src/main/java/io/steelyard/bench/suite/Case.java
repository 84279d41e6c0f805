package io.steelyard.bench.suite;

import java.util.List;
import java.util.Optional;

/**
 * One line of a report: our own code at one size, and all that it is compared with.
 *
 * @param name what is run, for example {@code softmax 8192x1024 reused}
 * @param threads how many threads ours, the peers and the limit use
 * @param ours what measures our own code
 * @param work how much one call does
 * @param peers other people's code for the same task; the fastest one counts
 * @param limit what the machine allows
 * @param rivals other variants of our own for the same task; the fastest one counts
 * @param targets what should be reached
 * @param series where it stands among cases that differ in size only, if there are such
 */
public record Case(
    String name,
    int threads,
    Trial ours,
    Work work,
    List<Contender> peers,
    Optional<Limit> limit,
    List<Contender> rivals,
    List<Target> targets,
    Optional<Series> series) {

  /** Copies the lists. */
  public Case {
    peers = List.copyOf(peers);
    rivals = List.copyOf(rivals);
    targets = List.copyOf(targets);
  }

  /** A case in no series. */
  public Case(
      String name,
      int threads,
      Trial ours,
      Work work,
      List<Contender> peers,
      Optional<Limit> limit,
      List<Contender> rivals,
      List<Target> targets) {
    this(name, threads, ours, work, peers, limit, rivals, targets, Optional.empty());
  }

  /** This case as one of a series. */
  public Case in(String seriesName, String variable, double value) {
    return new Case(
        name,
        threads,
        ours,
        work,
        peers,
        limit,
        rivals,
        targets,
        Optional.of(new Series(seriesName, variable, value)));
  }

  /** A case that is compared with nothing. */
  public static Case alone(String name, int threads, Trial ours, Work work) {
    return new Case(name, threads, ours, work, List.of(), Optional.empty(), List.of(), List.of());
  }
}
