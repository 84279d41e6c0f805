package io.steelyard.bench.recurrent;

import io.steelyard.bench.machine.MachineSuite;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Metric;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.bench.suite.Target;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** The selective scan over sequences of growing length. */
public final class RecurrentSuite implements Suite {

  private static final int CHANNELS = 1024;
  private static final int STATES = 16;
  private static final int SHORT = 512;
  private static final int[] LONGER = {2048, 8192};

  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "recurrent";
  }

  @Override
  public String summary() {
    return "the selective scan beside DJL's operators and the multiply-add peak";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final IntStream steps =
        IntStream.concat(
            IntStream.of(SHORT), scope == Scope.FULL ? IntStream.of(LONGER) : IntStream.empty());
    return steps.mapToObj(t -> scan(new ScanSize(t, CHANNELS, STATES), cores)).toList();
  }

  private static Case scan(ScanSize size, int threads) {
    final Map<String, String> parameters =
        Map.of("size", size.toString(), "threads", Integer.toString(threads));
    final Work work = new Work(size.flops(), Work.Unit.FLOPS);
    return new Case(
            "selective-scan T=" + size.steps() + " d=" + CHANNELS + " n=" + STATES,
            threads,
            new Trial(ScanKernel.class, "run", parameters),
            work,
            size.steps() == SHORT
                ? List.of(
                    new Contender(
                        "composed from DJL operators",
                        new Trial(ScanComposition.class, "run", parameters)))
                : List.of(),
            Optional.of(MachineSuite.fmaLimit(work, threads)),
            List.of(),
            List.of(NO_ALLOCATION))
        .in("selective-scan", "T", size.steps());
  }
}
