package io.steelyard.bench.softmax;

import io.steelyard.bench.rows.Output;
import io.steelyard.bench.rows.RowTraffic;
import io.steelyard.bench.rows.Rows;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
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
    final List<Case> cases = new ArrayList<>();
    final Rows first = OUT_OF_CACHE.getFirst();
    for (final Rows rows : OUT_OF_CACHE) {
      cases.add(reused(SoftmaxOperator.SOFTMAX, rows, cores, scope));
    }
    cases.add(reused(SoftmaxOperator.LOG_SOFTMAX, first, cores, scope));
    if (scope == Scope.FULL) {
      cases.add(reused(SoftmaxOperator.LOG_SUM_EXP, first, cores, scope));
      for (final Rows rows : OUT_OF_CACHE) {
        cases.add(fresh(rows, cores));
        for (final SoftmaxOperator variant : VARIANTS) {
          cases.add(reused(variant, rows, cores, scope));
        }
      }
    }
    for (final Rows rows : scope == Scope.FULL ? IN_CACHE : IN_CACHE.subList(0, 1)) {
      cases.add(reused(SoftmaxOperator.SOFTMAX, rows, cores, scope));
    }
    return cases;
  }

  private static Case reused(SoftmaxOperator operator, Rows rows, int threads, Scope scope) {
    final boolean isDefault = operator == SoftmaxOperator.SOFTMAX;
    final boolean variant = VARIANTS.contains(operator);
    final boolean large = OUT_OF_CACHE.contains(rows);
    final boolean rivals = scope == Scope.FULL && isDefault && large;
    final List<Target> targets = new ArrayList<>(List.of(NO_ALLOCATION));
    if (isDefault && large) {
      targets.add(TWICE_LIBTORCH);
    }
    if (!variant && large) {
      targets.add(NEAR_THE_LIMIT);
    }
    if (rivals) {
      targets.add(AS_GOOD_AS_ANY_VARIANT);
    }
    final boolean sums = operator.meaning() == Meaning.LOG_SUM_EXP;
    return new Case(
        operator.label() + " " + rows + (sums ? "" : " reused"),
        threads,
        ours(operator, rows, Output.REUSED, threads),
        new Work(rows.floats(), Work.Unit.ELEMENTS),
        List.of(peer(operator.meaning(), rows, Output.REUSED, threads)),
        variant
            ? Optional.empty()
            : Optional.of(RowTraffic.limit(operator.moves(rows), rows, Output.REUSED, threads)),
        rivals
            ? VARIANTS.stream()
                .filter(v -> !v.isDefaultFor(rows))
                .map(v -> new Contender(v.label(), ours(v, rows, Output.REUSED, threads)))
                .toList()
            : List.of(),
        targets);
  }

  private static Case fresh(Rows rows, int threads) {
    return new Case(
        SoftmaxOperator.SOFTMAX.label() + " " + rows + " fresh",
        threads,
        ours(SoftmaxOperator.SOFTMAX, rows, Output.FRESH, threads),
        new Work(rows.floats(), Work.Unit.ELEMENTS),
        List.of(peer(Meaning.SOFTMAX, rows, Output.FRESH, threads)),
        Optional.of(
            RowTraffic.limit(SoftmaxOperator.SOFTMAX.moves(rows), rows, Output.FRESH, threads)),
        List.of(),
        List.of(TWICE_LIBTORCH, NEAR_THE_LIMIT));
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

  /**
   * libtorch as its users get it: a call into a reused output is only there in TorchScript, so both
   * forms are archives.
   */
  private static Contender peer(Meaning meaning, Rows rows, Output output, int threads) {
    final boolean fresh = output == Output.FRESH;
    final String archive =
        switch (meaning) {
          case SOFTMAX -> fresh ? "softmax_last_dim" : "softmax_last_dim_out";
          case LOG_SOFTMAX -> fresh ? "log_softmax_last_dim" : "log_softmax_last_dim_out";
          case LOG_SUM_EXP -> "log_sum_exp_last_dim";
        };
    return new Contender(
        "libtorch " + archive.replace("_last_dim", ""),
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
