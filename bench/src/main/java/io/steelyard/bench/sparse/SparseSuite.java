package io.steelyard.bench.sparse;

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

/** Sparsemax and entmax beside the form that sorts. */
public final class SparseSuite implements Suite {

  private static final List<Integer> LENGTHS = List.of(1 << 10, 50_257, 1 << 20);
  private static final int VOCABULARY = 50_257;
  private static final int ELEMENTS = 1 << 21;

  private static final Target FIVE_TIMES_SORTING = new Target(Metric.RATIO, 5.0);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "sparse";
  }

  @Override
  public String summary() {
    return "sparsemax and entmax15 beside a scalar form that sorts";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    cases.add(rows(SparseFunction.ENTMAX15, VOCABULARY, 1, cores));
    cases.add(rows(SparseFunction.SPARSEMAX, VOCABULARY, 1, cores));
    if (scope == Scope.FULL) {
      cases.add(rows(SparseFunction.ENTMAX15, VOCABULARY, 0.1, cores));
      cases.add(rows(SparseFunction.SPARSEMAX, VOCABULARY, 0.1, cores));
      for (final int length : LENGTHS) {
        if (length != VOCABULARY) {
          cases.add(rows(SparseFunction.ENTMAX15, length, 1, cores));
        }
      }
    }
    return cases;
  }

  private static Case rows(SparseFunction function, int length, double deviation, int threads) {
    final Rows rows = new Rows(Math.max(1, ELEMENTS / length), length);
    final Map<String, String> parameters =
        Map.of(
            "function", function.name(),
            "shape", rows.toString(),
            "deviation", Double.toString(deviation),
            "threads", Integer.toString(threads));
    return new Case(
        function.label() + " " + rows + " sd=" + deviation,
        threads,
        new Trial(SparseKernels.class, "run", parameters),
        new Work(rows.floats(), Work.Unit.ELEMENTS),
        List.of(new Contender("scalar, sort-based", new Trial(SortBased.class, "run", parameters))),
        Optional.empty(),
        List.of(),
        length == VOCABULARY && function == SparseFunction.ENTMAX15
            ? List.of(FIVE_TIMES_SORTING, NO_ALLOCATION)
            : List.of(NO_ALLOCATION));
  }
}
