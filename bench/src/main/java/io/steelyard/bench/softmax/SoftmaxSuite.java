package io.steelyard.bench.softmax;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Metric;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.bench.suite.Target;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Softmax, its variants, log-softmax and log-sum-exp: batches of short rows, rows of a vocabulary,
 * one huge row, and small shapes that stay in cache.
 */
public final class SoftmaxSuite implements Suite {

  private static final List<Rows> OUT_OF_CACHE =
      List.of(new Rows(8192, 1024), new Rows(1024, 50_257), new Rows(1, 1 << 24));
  private static final List<Rows> IN_CACHE =
      List.of(new Rows(256, 256), new Rows(64, 1024), new Rows(1, 1 << 16));
  private static final List<SoftmaxOperator> VARIANTS =
      List.of(
          SoftmaxOperator.TWO_PASS,
          SoftmaxOperator.RECOMPUTE,
          SoftmaxOperator.RELOAD,
          SoftmaxOperator.ONLINE);

  /** The default has to be within 5 % of the best variant. */
  private static final Target AS_GOOD_AS_ANY_VARIANT = new Target(Metric.BEST_SHARE, 1 / 1.05);

  private static final Target TWICE_LIBTORCH = new Target(Metric.RATIO, 2.0);
  private static final Target NEAR_THE_LIMIT = new Target(Metric.LIMIT_SHARE, 0.85);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "softmax";
  }

  @Override
  public String summary() {
    return "softmax, its variants, log-softmax and log-sum-exp beside libtorch and memory speed";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final boolean full = scope == Scope.FULL;
    final List<Case> cases = new ArrayList<>();
    for (final Rows rows : OUT_OF_CACHE) {
      for (final SoftmaxOperator operator : SoftmaxOperator.values()) {
        for (final Output output : Output.values()) {
          if (wanted(operator, rows, output)) {
            add(cases, operator, rows, output, cores, full);
          }
        }
      }
    }
    for (final Rows rows : full ? IN_CACHE : IN_CACHE.subList(0, 1)) {
      add(cases, SoftmaxOperator.SOFTMAX, rows, Output.REUSED, cores, full);
    }
    return cases;
  }

  /** The cases that decide something: more would make a full run longer than anybody waits. */
  private static boolean wanted(SoftmaxOperator operator, Rows rows, Output output) {
    return switch (operator) {
      case SOFTMAX -> true;
      case TWO_PASS, RECOMPUTE, RELOAD, ONLINE -> output == Output.REUSED;
      case LOG_SOFTMAX, LOG_SUM_EXP ->
          output == Output.REUSED && rows.equals(OUT_OF_CACHE.getFirst());
    };
  }

  private static void add(
      List<Case> cases,
      SoftmaxOperator operator,
      Rows rows,
      Output output,
      int threads,
      boolean full) {
    final boolean sums = operator.meaning() == Meaning.LOG_SUM_EXP;
    if (sums && output == Output.FRESH) {
      return; // its output is one number a row
    }
    final boolean isDefault = operator == SoftmaxOperator.SOFTMAX;
    final boolean variant = VARIANTS.contains(operator);
    final boolean large = OUT_OF_CACHE.contains(rows);
    final List<Target> targets = new ArrayList<>();
    if (large && isDefault) {
      targets.add(TWICE_LIBTORCH);
    }
    if (large && !variant) {
      targets.add(NEAR_THE_LIMIT);
    }
    if (isDefault) {
      targets.add(AS_GOOD_AS_ANY_VARIANT);
    }
    if (output == Output.REUSED) {
      targets.add(NO_ALLOCATION);
    }
    final List<Contender> rivals =
        isDefault && large && output == Output.REUSED
            ? VARIANTS.stream()
                .map(v -> new Contender(v.label(), ours(v, rows, output, threads)))
                .toList()
            : List.of();
    if (isDefault && rivals.isEmpty()) {
      targets.remove(AS_GOOD_AS_ANY_VARIANT);
    }
    cases.add(
        new Case(
            String.join(
                " ",
                Stream.of(
                        operator.label(),
                        rows.toString(),
                        sums ? "" : output.label(),
                        threads == 1 ? "1-thread" : "")
                    .filter(word -> !word.isEmpty())
                    .toList()),
            threads,
            ours(operator, rows, output, threads),
            new Work(rows.floats(), Work.Unit.ELEMENTS),
            peers(operator.meaning(), rows, output, threads, full),
            variant && !full
                ? Optional.empty()
                : Optional.of(limit(operator, rows, output, threads)),
            rivals,
            targets));
  }

  private static Trial ours(SoftmaxOperator operator, Rows rows, Output output, int threads) {
    return new Trial(
        SoftmaxKernels.class,
        "run",
        Map.of(
            "operator", operator.name(),
            "shape", rows.toString(),
            "output", output.name(),
            "threads", Integer.toString(threads)));
  }

  private static Limit limit(SoftmaxOperator operator, Rows rows, Output output, int threads) {
    final String name =
        switch (operator.moves()) {
          case LEAN -> "memory: 2 reads, 1 write";
          case RECOMPUTE -> "memory: 3 reads, 1 write";
          case RELOAD -> "memory: 3 reads, 2 writes";
          case READ_ONLY -> "memory: 1 read";
        };
    return new Limit(
        name,
        new Trial(
            SoftmaxTraffic.class,
            "run",
            Map.of(
                "moves", operator.moves().name(),
                "shape", rows.toString(),
                "output", output.name(),
                "threads", Integer.toString(threads))),
        1);
  }

  /**
   * libtorch as its users get it. A method of NDArray always makes a fresh output; the call into a
   * reused one is only there in TorchScript.
   */
  private static List<Contender> peers(
      Meaning meaning, Rows rows, Output output, int threads, boolean full) {
    final boolean fresh = output == Output.FRESH;
    final String archive =
        switch (meaning) {
          case SOFTMAX -> fresh ? "softmax_last_dim" : "softmax_last_dim_out";
          case LOG_SOFTMAX -> fresh ? "log_softmax_last_dim" : "log_softmax_last_dim_out";
          case LOG_SUM_EXP -> "log_sum_exp_last_dim";
        };
    final List<Contender> peers = new ArrayList<>();
    peers.add(
        peer("libtorch " + archive.replace("_last_dim", ""), archive, meaning, rows, threads));
    if (fresh && full) {
      final String method =
          meaning == Meaning.SOFTMAX
              ? SoftmaxPeers.NDARRAY_SOFTMAX
              : SoftmaxPeers.NDARRAY_LOG_SOFTMAX;
      peers.add(peer("DJL " + method, method, meaning, rows, threads));
    }
    return peers;
  }

  private static Contender peer(
      String name, String archive, Meaning meaning, Rows rows, int threads) {
    return new Contender(
        name,
        new Trial(
            SoftmaxPeers.class,
            "run",
            Map.of(
                "peer", archive,
                "meaning", meaning.name(),
                "shape", rows.toString(),
                "threads", Integer.toString(threads))));
  }
}
