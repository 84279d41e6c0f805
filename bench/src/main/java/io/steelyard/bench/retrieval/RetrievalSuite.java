package io.steelyard.bench.retrieval;

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
import java.util.stream.IntStream;

/** The best 100 of many labels, for a batch of queries and for one. */
public final class RetrievalSuite implements Suite {

  private static final int LOOKING = 1 << 17;
  private static final int MILLION = 1_000_000;
  private static final int DEPTH = 64;

  /** Chunks for which libtorch's scores of 512 queries take 32 and 128 MiB. */
  private static final int[] CHUNKS = {1 << 14, 1 << 16};

  private static final Target TWICE_LIBTORCH = new Target(Metric.RATIO, 2.0);
  private static final Target HALF_THE_PEAK = new Target(Metric.LIMIT_SHARE, 0.5);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "retrieval";
  }

  @Override
  public String summary() {
    return "exact top-k inner products beside libtorch and the multiply-add peak";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final int labels = scope == Scope.FULL ? MILLION : LOOKING;
    final List<Case> cases = new ArrayList<>();
    cases.add(batch(new Search(512, labels, DEPTH, 100), cores));
    if (scope == Scope.FULL) {
      cases.add(batch(new Search(512, labels, DEPTH, 10), cores));
      cases.add(batch(new Search(512, LOOKING, 4 * DEPTH, 100), cores));
    }
    cases.add(one(new Search(1, labels, DEPTH, 100), cores));
    return cases;
  }

  private static Case batch(Search search, int threads) {
    final Work work = new Work(search.flops(), Work.Unit.FLOPS);
    return new Case(
        name(search),
        threads,
        ours(search, threads),
        work,
        peers(search, threads),
        Optional.of(
            new Limit(
                "multiply-add peak",
                MachineSuite.fma(threads),
                work.amount() / MachineSuite.flops(threads).amount())),
        List.of(),
        List.of(TWICE_LIBTORCH, HALF_THE_PEAK, NO_ALLOCATION));
  }

  /** One query waits for the labels to come from memory. */
  private static Case one(Search search, int threads) {
    return new Case(
        name(search),
        threads,
        ours(search, threads),
        new Work(search.labelBytes(), Work.Unit.BYTES),
        peers(search, threads),
        Optional.of(
            new Limit(
                "read bandwidth",
                MachineSuite.read(threads),
                search.labelBytes() / MachineSuite.READ_BYTES)),
        List.of(),
        List.of(NO_ALLOCATION));
  }

  private static String name(Search search) {
    return "top-k-inner-products q="
        + search.queries()
        + " l="
        + search.labels()
        + " d="
        + search.depth()
        + " k="
        + search.k();
  }

  private static Trial ours(Search search, int threads) {
    return new Trial(
        RetrievalKernels.class,
        "run",
        Map.of("search", search.toString(), "threads", Integer.toString(threads)));
  }

  private static List<Contender> peers(Search search, int threads) {
    return IntStream.of(CHUNKS)
        .mapToObj(
            chunk ->
                new Contender(
                    "libtorch matmul, topk by " + chunk,
                    new Trial(
                        RetrievalPeers.class,
                        "run",
                        Map.of(
                            "search", search.toString(),
                            "chunk", Integer.toString(chunk),
                            "threads", Integer.toString(threads)))))
        .toList();
  }
}
