package io.steelyard.bench.doublystochastic;

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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Sinkhorn on one large matrix, on the heads of an attention and on the paper's small matrices, 20
 * times rows and columns and rows once more, and its gradient.
 */
public final class SinkhornSuite implements Suite {

  private static final Batch LARGE = new Batch(1, 1024);
  private static final List<Batch> MAIN = List.of(LARGE, new Batch(64, 128));
  private static final List<Batch> MORE =
      List.of(new Batch(1, 256), new Batch(1, 2048), new Batch(256, 8));

  private static final int ITERATIONS = 41;

  private static final Target THREE_TIMES_LIBTORCH = new Target(Metric.RATIO, 3.0);
  private static final Target AS_FAST_AS_UNSAFE_CODE = new Target(Metric.RATIO, 1.0);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "sinkhorn";
  }

  @Override
  public String summary() {
    return "Sinkhorn's normalisation beside compositions of libtorch's operators";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Batch> batches = new ArrayList<>(MAIN);
    if (scope == Scope.FULL) {
      batches.addAll(MORE);
    }
    final List<Case> cases = new ArrayList<>();
    for (final Batch batch : batches) {
      cases.add(
          weights(
              "",
              batch,
              cores,
              List.of(SinkhornComposition.LOG_SOFTMAX, SinkhornComposition.LOG_SUM_EXP),
              THREE_TIMES_LIBTORCH));
      if (scope == Scope.FULL || batch.equals(LARGE)) {
        cases.add(
            weights(
                " beside unsafe scaling",
                batch,
                cores,
                List.of(SinkhornComposition.SCALING),
                AS_FAST_AS_UNSAFE_CODE));
        cases.add(
            Case.alone(
                "sinkhorn gradient " + batch + " K=" + ITERATIONS,
                cores,
                new Trial(SinkhornKernels.class, "gradient", parameters(batch, cores)),
                new Work(batch.floats(), Work.Unit.ELEMENTS)));
      }
    }
    return cases;
  }

  private static Case weights(
      String note,
      Batch batch,
      int threads,
      List<SinkhornComposition> compositions,
      Target target) {
    // A product with the matrix for each iteration, a multiplication and an addition an entry.
    final double flops = 2.0 * batch.floats() * ITERATIONS;
    return new Case(
        "sinkhorn " + batch + " K=" + ITERATIONS + note,
        threads,
        new Trial(SinkhornKernels.class, "run", parameters(batch, threads)),
        new Work(batch.floats(), Work.Unit.ELEMENTS),
        compositions.stream().map(composition -> peer(composition, batch, threads)).toList(),
        Optional.of(
            new Limit(
                "multiply-add peak",
                MachineSuite.fma(threads),
                flops / MachineSuite.flops(threads).amount())),
        List.of(),
        List.of(target, NO_ALLOCATION));
  }

  private static Contender peer(SinkhornComposition composition, Batch batch, int threads) {
    final Map<String, String> parameters = new HashMap<>(parameters(batch, threads));
    parameters.put("composition", composition.name());
    return new Contender(
        "libtorch " + composition.label(),
        new Trial(SinkhornPeers.class, "run", Map.copyOf(parameters)));
  }

  private static Map<String, String> parameters(Batch batch, int threads) {
    return Map.of(
        "batch", batch.toString(),
        "iterations", Integer.toString(ITERATIONS),
        "threads", Integer.toString(threads));
  }
}
