package io.steelyard.bench.doublystochastic;

import io.steelyard.bench.jmh.Allocation;
import io.steelyard.kernels.doublystochastic.Sinkhorn;
import io.steelyard.kernels.doublystochastic.SinkhornOptions;
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

/** Steelyard's Sinkhorn and its gradient. */
@State(Scope.Benchmark)
public class SinkhornKernels {

  @Param("4x64")
  String batch;

  @Param("21")
  int iterations;

  @Param("1")
  int threads;

  private Batch size = new Batch(0, 0);
  private float[] scores = new float[0];
  private Tensor x = Tensor.zeros(DType.F32, 0);
  private Tensor y = x;
  private Tensor dx = x;
  private SinkhornOptions options = SinkhornOptions.defaults();

  /** Makes the scores, poisons the output and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    size = Batch.parse(batch);
    scores = size.scores();
    x = Tensor.of(scores, size.shape());
    y = Tensor.zerosLike(x);
    dx = Tensor.zerosLike(x);
    options = SinkhornOptions.defaults().withIterations(iterations).withThreads(threads);
    check();
  }

  /** One call. */
  @Benchmark
  public Tensor run() {
    Sinkhorn.apply(x, y, options);
    return y;
  }

  /** One gradient; the weights serve as what comes from above. */
  @Benchmark
  public Tensor gradient() {
    Sinkhorn.vjp(x, y, dx, options);
    return dx;
  }

  /** Checks again, now on what the optimising compiler made of it, and counts allocation. */
  @TearDown(Level.Trial)
  public void tearDown() {
    Allocation.measure(this::run);
    check();
  }

  private void check() {
    final float[] out = y.floatArray().orElseThrow();
    Arrays.fill(out, Float.NaN);
    run();
    size.check("sinkhorn " + batch, iterations, scores, out);
  }
}
