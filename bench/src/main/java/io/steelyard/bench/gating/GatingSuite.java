package io.steelyard.bench.gating;

import io.steelyard.bench.rows.Output;
import io.steelyard.bench.rows.RowTraffic;
import io.steelyard.bench.rows.Rows;
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
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Gates over experts, and tokens on their way to experts and back. */
public final class GatingSuite implements Suite {

  private static final List<Rows> GATES = List.of(new Rows(65_536, 64), new Rows(8192, 8));
  private static final Rows TOKENS = new Rows(8192, 1024);

  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "gating";
  }

  @Override
  public String summary() {
    return "gates over experts beside DJL's operators, dispatch to experts beside memory speed";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    for (final GateFunction gate : GateFunction.values()) {
      for (final Rows rows : scope == Scope.FULL ? GATES : GATES.subList(0, 1)) {
        cases.add(gate(gate, rows, cores));
      }
    }
    for (final DispatchKernels.Way way : DispatchKernels.Way.values()) {
      cases.add(dispatch(way));
    }
    return cases;
  }

  private static Case gate(GateFunction gate, Rows rows, int threads) {
    final Map<String, String> parameters =
        Map.of(
            "gate", gate.name(),
            "shape", rows.toString(),
            "threads", Integer.toString(threads));
    return new Case(
        gate.label() + " " + rows,
        threads,
        new Trial(GateKernels.class, "run", parameters),
        new Work(rows.floats(), Work.Unit.ELEMENTS),
        List.of(
            new Contender(
                "composed from DJL operators",
                new Trial(GateComposition.class, "run", parameters))),
        Optional.of(RowTraffic.limit(RowTraffic.Moves.COPY, rows, Output.REUSED, threads)),
        List.of(),
        List.of(NO_ALLOCATION));
  }

  /** One thread's work; each token is read or written once for every expert it goes to. */
  private static Case dispatch(DispatchKernels.Way way) {
    final Limit copy = RowTraffic.limit(RowTraffic.Moves.COPY, TOKENS, Output.REUSED, 1);
    return new Case(
        "dispatch " + way.name().toLowerCase(Locale.ROOT) + " " + TOKENS,
        1,
        new Trial(
            DispatchKernels.class,
            "run",
            Map.of("way", way.name(), "shape", TOKENS.toString(), "threads", "1")),
        new Work(2.0 * GateFunction.CHOICES * Float.BYTES * TOKENS.floats(), Work.Unit.BYTES),
        List.of(),
        Optional.of(
            new Limit(
                copy.name() + " for each expert of a token", copy.trial(), GateFunction.CHOICES)),
        List.of(),
        List.of(NO_ALLOCATION));
  }
}
