package io.steelyard.bench.kronecker;

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

/** Attention to pairs of keys: exact, and through Taylor's polynomial of degree 4. */
public final class KroneckerSuite implements Suite {

  private static final Target HALF_THE_PEAK = new Target(Metric.LIMIT_SHARE, 0.5);
  private static final Target FASTER_THAN_EXACT = new Target(Metric.BEST_SHARE, 1);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "kronecker";
  }

  @Override
  public String summary() {
    return "attention to pairs of keys beside the multiply-add peak, and its approximation";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    cases.add(exact(new Size(1, 256, 32), cores));
    cases.add(polynomial(new Size(1, 512, 3), cores));
    if (scope == Scope.FULL) {
      cases.add(exact(new Size(8, 128, 64), cores));
      cases.add(exact(new Size(1, 512, 32), cores));
      cases.add(polynomial(new Size(1, 128, 3), cores));
      cases.add(polynomial(new Size(1, 256, 3), cores));
      cases.add(polynomial(new Size(1, 512, 8), cores));
    }
    return cases;
  }

  private static Case exact(Size size, int threads) {
    final Work work = new Work(size.flops(), Work.Unit.FLOPS);
    return new Case(
        "kronecker-attention" + suffix(size),
        threads,
        trial(KroneckerKernels.EXACT, size, threads),
        work,
        List.of(),
        Optional.of(
            new Limit(
                "multiply-add peak",
                MachineSuite.fma(threads),
                work.amount() / MachineSuite.flops(threads).amount())),
        List.of(),
        List.of(HALF_THE_PEAK, NO_ALLOCATION));
  }

  private static Case polynomial(Size size, int threads) {
    return new Case(
        "kronecker-attention-polynomial g=4" + suffix(size),
        threads,
        trial(4, size, threads),
        new Work(3.0 * size.heads() * size.tokens() * size.depth(), Work.Unit.ELEMENTS),
        List.of(),
        Optional.empty(),
        List.of(new Contender("kronecker-attention", trial(KroneckerKernels.EXACT, size, threads))),
        List.of(FASTER_THAN_EXACT, NO_ALLOCATION));
  }

  private static String suffix(Size size) {
    return " h=" + size.heads() + " n=" + size.tokens() + " d=" + size.depth();
  }

  private static Trial trial(int degree, Size size, int threads) {
    return new Trial(
        KroneckerKernels.class,
        "run",
        Map.of(
            "degree", Integer.toString(degree),
            "size", size.toString(),
            "threads", Integer.toString(threads)));
  }
}
