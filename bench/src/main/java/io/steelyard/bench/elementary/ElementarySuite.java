package io.steelyard.bench.elementary;

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

/** exp, log, sigmoid, softplus, tanh and erf, in cache and out of it. */
public final class ElementarySuite implements Suite {

  private static final int IN_CACHE = 1 << 16;
  private static final int OUT_OF_CACHE = 1 << 24;

  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "elementary";
  }

  @Override
  public String summary() {
    return "exp, log, sigmoid, softplus, tanh and erf beside libtorch and memory speed";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    for (final ElementaryFunction function : ElementaryFunction.values()) {
      cases.add(elementary(function, IN_CACHE, 1));
      if (scope == Scope.FULL) {
        cases.add(elementary(function, OUT_OF_CACHE, cores));
      }
    }
    return cases;
  }

  private static Case elementary(ElementaryFunction function, int count, int threads) {
    final Map<String, String> parameters =
        Map.of(
            "function", function.name(),
            "count", Integer.toString(count),
            "threads", Integer.toString(threads));
    return new Case(
        function.label() + " n=" + count,
        threads,
        new Trial(ElementaryKernels.class, "run", parameters),
        new Work(count, Work.Unit.ELEMENTS),
        List.of(
            new Contender(
                "libtorch " + function.label(),
                new Trial(ElementaryPeers.class, "run", parameters))),
        Optional.of(
            RowTraffic.limit(RowTraffic.Moves.COPY, new Rows(1, count), Output.REUSED, threads)),
        List.of(),
        List.of(NO_ALLOCATION));
  }
}
