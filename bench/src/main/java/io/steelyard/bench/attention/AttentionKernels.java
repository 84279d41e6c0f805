package io.steelyard.bench.attention;

import io.steelyard.bench.jmh.Allocation;
import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.Temperatures;
import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Steelyard's attentions. */
@State(Scope.Benchmark)
public class AttentionKernels {

  @Param("SOFTMAX")
  AttentionFunction function;

  @Param("2x256x256x64")
  String size;

  @Param("false")
  boolean causal;

  /** Whether there is a mask with a flag for each pair; it hides one in ten, all over the place. */
  @Param("false")
  boolean flags;

  /** Of keys and values. */
  @Param("F32")
  DType cache;

  @Param("1")
  int threads;

  private Size extents = new Size(0, 0, 0, 0);
  private float[][] qkv = new float[0][];
  private Tensor q = Tensor.zeros(DType.F32, 0);
  private Tensor k = q;
  private Tensor v = q;
  private Tensor o = q;
  private Temperatures temperatures = Temperatures.none();
  private AttentionOptions options = AttentionOptions.defaults();

  /** Makes the inputs and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    extents = Size.parse(size);
    qkv = extents.inputs();
    q = Tensor.of(qkv[0], extents.queryShape());
    k = Tensor.of(qkv[1], extents.keyShape()).to(cache);
    v = Tensor.of(qkv[2], extents.keyShape()).to(cache);
    o = Tensor.zeros(DType.F32, extents.queryShape());
    temperatures = AttentionFunction.temperatures(extents);
    options = AttentionOptions.defaults().withMask(mask()).withThreads(threads);
    check();
  }

  /** One call. */
  @Benchmark
  public Tensor run() {
    function.apply(q, k, v, temperatures, o, options);
    return o;
  }

  /** Checks again, now on what the optimising compiler made of it, and counts allocation. */
  @TearDown(Level.Trial)
  public void tearDown() {
    Allocation.measure(this::run);
    check();
  }

  private Mask mask() {
    final Mask mask = causal ? Mask.causal() : Mask.none();
    if (!flags) {
      return mask;
    }
    final boolean[] keep = new boolean[extents.queries() * extents.tokens()];
    for (int i = 0; i < keep.length; i++) {
      keep[i] = i * 0x9E3779B9L % 10 != 0;
    }
    return mask.and(Mask.keep(Tensor.of(keep, extents.queries(), extents.tokens())));
  }

  private void check() {
    final float[] out = o.floatArray().orElseThrow();
    Arrays.fill(out, Float.NaN);
    run();
    if (flags || cache != DType.F32) {
      checkByMeaning(out);
    } else {
      function.check(function.label() + " " + size, extents, causal, qkv, out);
    }
  }

  /** Head 0, in double. */
  private void checkByMeaning(float[] out) {
    final Tensor exact = Tensor.zeros(DType.F64, 1, 1, extents.queries(), extents.depth());
    function.apply(first(q), first(k), first(v), temperatures, exact, options.withThreads(1));
    for (int i = 0; i < exact.size(); i++) {
      final double want = exact.getDouble(i);
      if (!(Math.abs(out[i] - want) <= 1e-4)) {
        throw new IllegalStateException(
            "%s %s is wrong: entry %d is %s; expected %s. No time is reported for it."
                .formatted(function.label(), size, i, out[i], want));
      }
    }
  }

  private static Tensor first(Tensor x) {
    return x.slice(1, 0, 1).to(DType.F64);
  }
}
