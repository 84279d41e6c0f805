package io.steelyard.bench.soft;

import io.steelyard.bench.jmh.Allocation;
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

/** Gaussian attention and attention through landmarks. */
@State(Scope.Benchmark)
public class SoftKernels {

  private static final int SAMPLE = 64;

  @Param("SOFT")
  SoftFunction function;

  @Param("1x256x49x32")
  String size;

  @Param("1")
  int threads;

  private Size extents = new Size(0, 0, 0, 0);
  private SoftFunction.Call call = (_, _, _, _) -> {};
  private Tensor q = Tensor.zeros(DType.F32, 0);
  private Tensor landmarks = q;
  private Tensor v = q;
  private Tensor o = q;
  private double[] expected = new double[0];

  /** Makes the inputs and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    extents = Size.parse(size);
    call = function.on(threads);
    final float[][] inputs = extents.inputs();
    q = Tensor.of(inputs[0], extents.tokenShape());
    landmarks = Tensor.of(extents.landmarks(inputs[0]), extents.landmarkShape());
    v = Tensor.of(inputs[1], extents.tokenShape());
    o = Tensor.zeros(DType.F32, extents.tokenShape());
    expected = exact();
    check();
  }

  /** One call. */
  @Benchmark
  public Tensor run() {
    call.apply(q, landmarks, v, o);
    return o;
  }

  /** Checks again, now on what the optimising compiler made of it, and counts allocation. */
  @TearDown(Level.Trial)
  public void tearDown() {
    Allocation.measure(this::run);
    check();
  }

  /**
   * Some outputs of head 0 in double. Gaussian attention, whose meaning takes a second for each
   * hundred thousand pairs, only of a few queries.
   */
  private double[] exact() {
    final int n = extents.tokens();
    final int d = extents.depth();
    if (function != SoftFunction.GAUSSIAN) {
      final Tensor out = Tensor.zeros(DType.F64, 1, 1, n, d);
      function
          .on(1)
          .apply(
              q.slice(1, 0, 1).to(DType.F64),
              landmarks.slice(1, 0, 1).to(DType.F64),
              v.slice(1, 0, 1).to(DType.F64),
              out);
      return Arrays.copyOf(out.toDoubleArray(), SAMPLE * d);
    }
    final double[] out = new double[Math.min(SAMPLE, n) * d];
    for (int i = 0; i < out.length / d; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int c = 0; c < d; c++) {
          final double difference = q.get(0, 0, i, c) - q.get(0, 0, j, c);
          sum += difference * difference;
        }
        final double weight = Math.exp(-sum / (2 * Math.sqrt(d)));
        for (int c = 0; c < d; c++) {
          out[i * d + c] += weight * v.get(0, 0, j, c);
        }
      }
    }
    return out;
  }

  private void check() {
    final float[] out = o.floatArray().orElseThrow();
    Arrays.fill(out, Float.NaN);
    run();
    double largest = 1;
    for (final double x : expected) {
      largest = Math.max(largest, Math.abs(x));
    }
    for (int i = 0; i < Math.min(out.length, expected.length); i++) {
      if (!(Math.abs(out[i] - expected[i]) <= 1e-3 * largest)) {
        throw new IllegalStateException(
            function.label()
                + " "
                + size
                + " is wrong: number "
                + i
                + " is "
                + out[i]
                + "; expected "
                + expected[i]
                + ". No time is reported for it.");
      }
    }
  }
}
