package io.steelyard.bench.soft;

import io.steelyard.bench.attention.AttentionKernels;
import io.steelyard.bench.machine.MachineSuite;
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

/** Attention through 49 landmarks beside softmax attention, and Gaussian attention, one head. */
public final class SoftSuite implements Suite {

  private static final Size MAIN = new Size(1, 4096, 49, 32);
  private static final List<Size> MORE =
      List.of(new Size(1, 256, 49, 32), new Size(1, 1024, 49, 32), new Size(1, 16_384, 49, 32));

  private static final Target TEN_TIMES_SOFTMAX = new Target(Metric.BEST_SHARE, 10);
  private static final Target HALF_THE_PEAK = new Target(Metric.LIMIT_SHARE, 0.5);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "soft";
  }

  @Override
  public String summary() {
    return "attention through landmarks beside softmax attention of the same size";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    for (final SoftFunction function : SoftFunction.values()) {
      cases.add(of(function, MAIN, cores));
    }
    if (scope == Scope.FULL) {
      for (final Size size : MORE) {
        cases.add(of(SoftFunction.SOFT, size, cores));
        cases.add(of(SoftFunction.SOFT_CHOLESKY, size, cores));
      }
    }
    return cases;
  }

  private static Case of(SoftFunction function, Size size, int threads) {
    final Work work = new Work(function.flops(size), Work.Unit.FLOPS);
    final boolean quadratic = function == SoftFunction.GAUSSIAN;
    final List<Target> targets = new ArrayList<>();
    if (quadratic) {
      targets.add(HALF_THE_PEAK);
    } else if (size.tokens() == MAIN.tokens()) {
      targets.add(TEN_TIMES_SOFTMAX);
    }
    targets.add(NO_ALLOCATION);
    return new Case(
        function.label()
            + " h="
            + size.heads()
            + " n="
            + size.tokens()
            + (quadratic ? "" : " m=" + size.landmarks())
            + " d="
            + size.depth(),
        threads,
        new Trial(
            SoftKernels.class,
            "run",
            Map.of(
                "function", function.name(),
                "size", size.toString(),
                "threads", Integer.toString(threads))),
        work,
        List.of(),
        Optional.of(
            new Limit(
                "multiply-add peak",
                MachineSuite.fma(threads),
                work.amount() / MachineSuite.flops(threads).amount())),
        List.of(softmax(size, threads)),
        targets);
  }

  private static Contender softmax(Size size, int threads) {
    return new Contender(
        "softmax-attention",
        new Trial(
            AttentionKernels.class,
            "run",
            Map.of(
                "function",
                "SOFTMAX",
                "size",
                size.heads() + "x" + size.tokens() + "x" + size.tokens() + "x" + size.depth(),
                "causal",
                "false",
                "threads",
                Integer.toString(threads))));
  }
}
