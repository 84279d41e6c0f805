package io.steelyard.bench.loss;

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

/** Losses over logits, value and gradient in one call. */
public final class LossSuite implements Suite {

  private static final Rows VOCABULARY = new Rows(1024, 50_257);
  private static final List<Rows> MORE = List.of(new Rows(8192, 1000), new Rows(64, 1 << 18));

  private static final Target TWICE_LIBTORCH = new Target(Metric.RATIO, 2.0);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "loss";
  }

  @Override
  public String summary() {
    return "losses over logits with their gradients beside libtorch and memory speed";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    cases.add(crossEntropy(VOCABULARY, cores));
    if (scope == Scope.FULL) {
      MORE.forEach(rows -> cases.add(crossEntropy(rows, cores)));
      for (final LossFunction function : LossFunction.values()) {
        if (function != LossFunction.CROSS_ENTROPY) {
          cases.add(loss(function, VOCABULARY, cores, List.of(), List.of(NO_ALLOCATION)));
        }
      }
    }
    return cases;
  }

  private static Case crossEntropy(Rows rows, int threads) {
    return loss(
        LossFunction.CROSS_ENTROPY,
        rows,
        threads,
        List.of(
            new Contender(
                "libtorch log_softmax, gather, backward",
                new Trial(
                    CrossEntropyPeer.class,
                    "run",
                    Map.of("shape", rows.toString(), "threads", Integer.toString(threads))))),
        rows.equals(VOCABULARY) ? List.of(TWICE_LIBTORCH, NO_ALLOCATION) : List.of(NO_ALLOCATION));
  }

  private static Case loss(
      LossFunction function, Rows rows, int threads, List<Contender> peers, List<Target> targets) {
    return new Case(
        function.label() + " with gradient " + rows,
        threads,
        new Trial(
            LossKernels.class,
            "run",
            Map.of(
                "function", function.name(),
                "shape", rows.toString(),
                "threads", Integer.toString(threads))),
        new Work(rows.floats(), Work.Unit.ELEMENTS),
        peers,
        Optional.of(RowTraffic.limit(RowTraffic.Moves.LEAN, rows, Output.REUSED, threads)),
        List.of(),
        targets);
  }
}
