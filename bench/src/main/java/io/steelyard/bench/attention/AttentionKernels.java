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
    k = Tensor.of(qkv[1], extents.keyShape());
    v = Tensor.of(qkv[2], extents.keyShape());
    o = Tensor.zeros(DType.F32, extents.queryShape());
    temperatures = AttentionFunction.temperatures(extents);
    options =
        AttentionOptions.defaults()
            .withMask(causal ? Mask.causal() : Mask.none())
            .withThreads(threads);
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

  private void check() {
    final float[] out = o.floatArray().orElseThrow();
    Arrays.fill(out, Float.NaN);
    run();
    function.check(function.label() + " " + size, extents, causal, qkv, out);
  }
}
