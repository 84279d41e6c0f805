package io.steelyard.bench.attention;

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
import io.steelyard.kernels.simd.Simd;
import io.steelyard.papers.run.MachineDetector;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Attention of 8 heads, full and causal, short to long: softmax and sigmoid beside libtorch, others
 * beside our own softmax.
 */
public final class AttentionSuite implements Suite {

  private static final List<Size> MAIN = List.of(Size.square(8, 512, 64), Size.square(8, 2048, 64));
  private static final List<Size> MORE =
      List.of(
          Size.square(8, 8192, 64),
          Size.square(8, 512, 128),
          Size.square(8, 2048, 128),
          Size.square(8, 8192, 128));

  /** On processors of AMD the library's products keep to 256-bit vectors. */
  private static final Target BESIDE_LIBTORCH =
      new Target(
          Metric.RATIO, MachineDetector.detect(Simd.vectorBits()).cpu().contains("AMD") ? 2 : 1);

  private static final Target FOUR_TIMES_EAGER = new Target(Metric.RATIO, 4.0);
  private static final Target NEAR_THE_PEAK = new Target(Metric.LIMIT_SHARE, 0.65);

  /** Sigmoid attention may be 2 % slower at most. */
  private static final Target AS_FAST_AS_SOFTMAX = new Target(Metric.BEST_SHARE, 1 / 1.02);

  private static final Target HALF_THE_PEAK = new Target(Metric.LIMIT_SHARE, 0.5);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "attention";
  }

  @Override
  public String summary() {
    return "attention beside libtorch, our own softmax attention and the multiply-add peak";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Size> sizes = new ArrayList<>(MAIN);
    if (scope == Scope.FULL) {
      sizes.addAll(MORE);
    }
    final List<Case> cases = new ArrayList<>();
    for (final Size size : sizes) {
      cases.add(softmax(size, false, cores));
      cases.add(softmax(size, true, cores));
      cases.add(sigmoid(size, cores));
      if (size.tokens() <= 2048) {
        cases.add(backward(AttentionFunction.SOFTMAX, size, cores));
        cases.add(backward(AttentionFunction.SIGMOID, size, cores));
      }
      cases.add(besideSoftmax(AttentionFunction.SELECTIVE, size, true, cores, 1 / 1.05));
      cases.add(besideSoftmax(AttentionFunction.SOFTPLUS, size, true, cores, 1 / 1.5));
      cases.add(besideSoftmax(AttentionFunction.REWEIGHTED, size, true, cores, 1 / 2.0));
    }
    cases.add(flags(MAIN.getLast(), cores));
    final Size cache = new Size(8, 1, 1 << 15, 64);
    cases.add(halfCache(cache, cores));
    cases.add(decode(cache, cores));
    cases.add(besideSoftmax(AttentionFunction.REWEIGHTED, cache, false, cores, 1 / 2.0));
    return cases;
  }

  private static Case softmax(Size size, boolean causal, int threads) {
    return attention(
        AttentionFunction.SOFTMAX,
        size,
        causal,
        threads,
        List.of(
            peer(
                "libtorch scaled_dot_product_attention",
                causal ? "sdpa_causal" : "sdpa",
                AttentionFunction.SOFTMAX,
                size,
                causal,
                threads)),
        List.of(),
        List.of(BESIDE_LIBTORCH, NEAR_THE_PEAK, NO_ALLOCATION));
  }

  /** What takes the place of softmax attention, as a share of its speed. */
  private static Case besideSoftmax(
      AttentionFunction function, Size size, boolean causal, int threads, double share) {
    final Work work =
        size.queries() == 1
            ? new Work(size.cacheBytes(), Work.Unit.BYTES)
            : new Work(size.flops(causal), Work.Unit.FLOPS);
    return new Case(
        name(function, size, causal),
        threads,
        new Trial(AttentionKernels.class, "run", parameters(function, size, causal, threads)),
        work,
        List.of(),
        Optional.empty(),
        List.of(
            new Contender(
                AttentionFunction.SOFTMAX.label(),
                new Trial(
                    AttentionKernels.class,
                    "run",
                    parameters(AttentionFunction.SOFTMAX, size, causal, threads)))),
        List.of(new Target(Metric.BEST_SHARE, share), NO_ALLOCATION));
  }

  private static String name(AttentionFunction function, Size size, boolean causal) {
    return function.label()
        + (size.queries() == 1 ? " decode" : "")
        + " h="
        + size.heads()
        + " n="
        + size.tokens()
        + " d="
        + size.depth()
        + (causal ? " causal" : "");
  }

  /** A mask with a flag for each pair, as a share of the speed without one. */
  private static Case flags(Size size, int threads) {
    final Map<String, String> plain = parameters(AttentionFunction.SOFTMAX, size, false, threads);
    final Map<String, String> masked = new HashMap<>(plain);
    masked.put("flags", "true");
    return new Case(
        name(AttentionFunction.SOFTMAX, size, false) + " boolean mask",
        threads,
        new Trial(AttentionKernels.class, "run", Map.copyOf(masked)),
        new Work(size.flops(false), Work.Unit.FLOPS),
        List.of(),
        Optional.of(MachineSuite.fmaLimit(new Work(size.flops(false), Work.Unit.FLOPS), threads)),
        List.of(new Contender("without a mask", new Trial(AttentionKernels.class, "run", plain))),
        List.of(new Target(Metric.BEST_SHARE, 1 / 1.05), NO_ALLOCATION));
  }

  /** As {@link #decode}, of keys and values in bf16: half the bytes. */
  private static Case halfCache(Size size, int threads) {
    final Map<String, String> wide = parameters(AttentionFunction.SOFTMAX, size, false, threads);
    final Map<String, String> half = new HashMap<>(wide);
    half.put("cache", "BF16");
    return new Case(
        name(AttentionFunction.SOFTMAX, size, false) + " bf16",
        threads,
        new Trial(AttentionKernels.class, "run", Map.copyOf(half)),
        new Work(size.cacheBytes() / 2, Work.Unit.BYTES),
        List.of(),
        Optional.of(
            new Limit(
                "read bandwidth",
                MachineSuite.read(threads),
                size.cacheBytes() / 2 / MachineSuite.READ_BYTES)),
        List.of(new Contender("f32", new Trial(AttentionKernels.class, "run", wide))),
        List.of(new Target(Metric.LIMIT_SHARE, 0.8), NO_ALLOCATION));
  }

  /** One token against a cache of keys and values that is larger than the processor's. */
  private static Case decode(Size size, int threads) {
    return new Case(
        name(AttentionFunction.SOFTMAX, size, false),
        threads,
        new Trial(
            AttentionKernels.class,
            "run",
            parameters(AttentionFunction.SOFTMAX, size, false, threads)),
        new Work(size.cacheBytes(), Work.Unit.BYTES),
        List.of(
            peer(
                "libtorch scaled_dot_product_attention",
                "sdpa",
                AttentionFunction.SOFTMAX,
                size,
                false,
                threads)),
        Optional.of(
            new Limit(
                "read bandwidth",
                MachineSuite.read(threads),
                size.cacheBytes() / MachineSuite.READ_BYTES)),
        List.of(),
        List.of(new Target(Metric.LIMIT_SHARE, 0.8), NO_ALLOCATION));
  }

  /** The peer's archive has the scale of D = 64 built in. */
  private static Case sigmoid(Size size, int threads) {
    final boolean comparable = size.depth() == 64 && size.tokens() <= 2048;
    return attention(
        AttentionFunction.SIGMOID,
        size,
        false,
        threads,
        comparable
            ? List.of(
                peer(
                    "libtorch matmul, sigmoid, matmul",
                    "sigmoid_attention_eager",
                    AttentionFunction.SIGMOID,
                    size,
                    false,
                    threads))
            : List.of(),
        List.of(
            new Contender(
                AttentionFunction.SOFTMAX.label(),
                new Trial(
                    AttentionKernels.class,
                    "run",
                    parameters(AttentionFunction.SOFTMAX, size, false, threads)))),
        comparable
            ? List.of(FOUR_TIMES_EAGER, NEAR_THE_PEAK, AS_FAST_AS_SOFTMAX, NO_ALLOCATION)
            : List.of(NEAR_THE_PEAK, AS_FAST_AS_SOFTMAX, NO_ALLOCATION));
  }

  private static Case attention(
      AttentionFunction function,
      Size size,
      boolean causal,
      int threads,
      List<Contender> peers,
      List<Contender> rivals,
      List<Target> targets) {
    final Work work = new Work(size.flops(causal), Work.Unit.FLOPS);
    final String series = function.label() + " d=" + size.depth() + (causal ? " causal" : "");
    return new Case(
            name(function, size, causal),
            threads,
            new Trial(AttentionKernels.class, "run", parameters(function, size, causal, threads)),
            work,
            peers,
            Optional.of(MachineSuite.fmaLimit(work, threads)),
            rivals,
            targets)
        .in(series, "n", size.tokens());
  }

  private static Case backward(AttentionFunction function, Size size, int threads) {
    final Map<String, String> parameters =
        Map.of(
            "function", function.name(),
            "size", size.toString(),
            "threads", Integer.toString(threads));
    final Work work = new Work(2.5 * size.flops(false), Work.Unit.FLOPS);
    return new Case(
            name(function, size, false) + " backward",
            threads,
            new Trial(BackwardKernels.class, "run", parameters),
            work,
            function == AttentionFunction.SOFTMAX
                ? List.of(
                    new Contender(
                        "libtorch scaled_dot_product_attention backward",
                        new Trial(
                            BackwardPeer.class,
                            "run",
                            Map.of("size", size.toString(), "threads", Integer.toString(threads)))))
                : List.of(),
            Optional.of(MachineSuite.fmaLimit(work, threads)),
            List.of(),
            List.of(HALF_THE_PEAK, NO_ALLOCATION))
        .in(function.label() + " backward d=" + size.depth(), "n", size.tokens());
  }

  private static Contender peer(
      String name,
      String archive,
      AttentionFunction function,
      Size size,
      boolean causal,
      int threads) {
    final Map<String, String> parameters =
        new HashMap<>(parameters(function, size, causal, threads));
    parameters.put("peer", archive);
    return new Contender(name, new Trial(AttentionPeers.class, "run", Map.copyOf(parameters)));
  }

  private static Map<String, String> parameters(
      AttentionFunction function, Size size, boolean causal, int threads) {
    return Map.of(
        "function", function.name(),
        "size", size.toString(),
        "causal", Boolean.toString(causal),
        "threads", Integer.toString(threads));
  }
}
