package io.steelyard.bench.dense;

import io.steelyard.bench.machine.MachineSuite;
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
import java.util.stream.IntStream;

/** The matrix product that layers and retrieval stand on. */
public final class DenseSuite implements Suite {

  private static final int MAIN = 1024;
  private static final List<Integer> MORE = List.of(256, 512, 2048);

  private static final Target PEAK_OF_ONE = new Target(Metric.LIMIT_SHARE, 0.80);
  private static final Target PEAK_OF_MANY = new Target(Metric.LIMIT_SHARE, 0.75);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "dense";
  }

  @Override
  public String summary() {
    return "sgemm beside libtorch's matmul and the multiply-add peak";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    IntStream.of(1, cores).distinct().forEach(threads -> cases.add(sgemm(MAIN, threads)));
    if (scope == Scope.FULL) {
      MORE.forEach(n -> cases.add(sgemm(n, cores)));
    }
    return cases;
  }

  private static Case sgemm(int n, int threads) {
    final Work work = new Work(2.0 * n * n * n, Work.Unit.FLOPS);
    final Map<String, String> parameters =
        Map.of("n", Integer.toString(n), "threads", Integer.toString(threads));
    return new Case(
            "sgemm n=" + n,
            threads,
            new Trial(SgemmKernel.class, "run", parameters),
            work,
            List.of(
                new Contender("libtorch matmul", new Trial(SgemmPeer.class, "run", parameters))),
            Optional.of(MachineSuite.fmaLimit(work, threads)),
            List.of(),
            n == MAIN
                ? List.of(threads == 1 ? PEAK_OF_ONE : PEAK_OF_MANY, NO_ALLOCATION)
                : List.of(NO_ALLOCATION))
        .in("sgemm on " + threads + (threads == 1 ? " thread" : " threads"), "n", n);
  }
}
