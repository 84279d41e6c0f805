package io.steelyard.bench.detection;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Metric;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.bench.suite.Target;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import io.steelyard.kernels.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Suppression of overlapping boxes beside the scalar form. */
public final class DetectionSuite implements Suite {

  private static final int BOXES = 5000;
  private static final List<Integer> MORE = List.of(1250, 20_000);

  private static final Target FOUR_TIMES_SCALAR = new Target(Metric.RATIO, 4.0);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "detection";
  }

  @Override
  public String summary() {
    return "soft-NMS of boxes of one class beside our scalar form";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    for (final BoxesBenchmark.Rule rule : BoxesBenchmark.Rule.values()) {
      cases.add(softNms(rule, BOXES));
    }
    if (scope == Scope.FULL) {
      MORE.forEach(count -> cases.add(softNms(BoxesBenchmark.Rule.GAUSSIAN, count)));
    }
    return cases;
  }

  /** One class is one thread's work. */
  private static Case softNms(BoxesBenchmark.Rule rule, int count) {
    final String name = "soft-nms " + rule.name().toLowerCase(Locale.ROOT);
    return new Case(
            name + " n=" + count,
            1,
            trial(rule, count, DType.F32),
            new Work(count, Work.Unit.ELEMENTS),
            List.of(new Contender("our scalar form", trial(rule, count, DType.F64))),
            Optional.empty(),
            List.of(),
            count == BOXES && rule != BoxesBenchmark.Rule.HARD
                ? List.of(FOUR_TIMES_SCALAR, NO_ALLOCATION)
                : List.of(NO_ALLOCATION))
        .in(name, "n", count);
  }

  private static Trial trial(BoxesBenchmark.Rule rule, int count, DType dtype) {
    return new Trial(
        BoxesBenchmark.class,
        "run",
        Map.of(
            "rule", rule.name(),
            "count", Integer.toString(count),
            "dtype", dtype.name(),
            "threads", "1"));
  }
}
