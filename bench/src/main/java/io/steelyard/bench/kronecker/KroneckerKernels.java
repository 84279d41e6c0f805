package io.steelyard.bench.kronecker;

import io.steelyard.bench.jmh.Allocation;
import io.steelyard.kernels.attention.KroneckerAttention;
import io.steelyard.kernels.attention.KroneckerAttentionPolynomial;
import io.steelyard.kernels.attention.KroneckerOptions;
import io.steelyard.kernels.attention.KroneckerPolynomialOptions;
import io.steelyard.kernels.attention.PolynomialBounds;
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

/** Attention to pairs of keys. */
@State(Scope.Benchmark)
public class KroneckerKernels {

  /** For the exact form. */
  static final int EXACT = -1;

  /** Degree of Taylor's polynomial, or {@link #EXACT}. */
  @Param("-1")
  int degree;

  @Param("1x64x32")
  String size;

  @Param("1")
  int threads;

  private Size extents = new Size(0, 0, 0);
  private Tensor q = Tensor.zeros(DType.F32, 0);
  private Tensor k1 = q;
  private Tensor k2 = q;
  private Tensor v1 = q;
  private Tensor v2 = q;
  private Tensor o = q;
  private KroneckerOptions exact = KroneckerOptions.defaults();
  private KroneckerPolynomialOptions polynomial = KroneckerPolynomialOptions.ofDegree(0);

  /** Makes the inputs and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    extents = Size.parse(size);
    final float[][] inputs = extents.inputs();
    q = Tensor.of(inputs[0], extents.shape());
    k1 = Tensor.of(inputs[1], extents.shape());
    k2 = Tensor.of(inputs[2], extents.shape());
    v1 = Tensor.of(inputs[3], extents.shape());
    v2 = Tensor.of(inputs[4], extents.shape());
    o = Tensor.zeros(DType.F32, extents.shape());
    exact = KroneckerOptions.defaults().withThreads(threads);
    polynomial = KroneckerPolynomialOptions.ofDegree(Math.max(0, degree)).withThreads(threads);
    check();
  }

  /** One call. */
  @Benchmark
  public Tensor run() {
    if (degree == EXACT) {
      KroneckerAttention.apply(q, k1, k2, v1, v2, o, exact);
    } else {
      KroneckerAttentionPolynomial.apply(q, k1, k2, v1, v2, o, polynomial);
    }
    return o;
  }

  /** Checks again, now on what the optimising compiler made of it, and counts allocation. */
  @TearDown(Level.Trial)
  public void tearDown() {
    Allocation.measure(this::run);
    check();
  }

  /** Compares the first and the last query of head 0 with the formula in double. */
  private void check() {
    final float[] out = o.floatArray().orElseThrow();
    Arrays.fill(out, Float.NaN);
    run();
    final int n = extents.tokens();
    final int d = extents.depth();
    final double allowed = 1e-5 + (degree == EXACT ? 0 : approximation());
    for (final int i : new int[] {0, n - 1}) {
      final double[] row = row(i);
      for (int c = 0; c < d; c++) {
        if (!(Math.abs(out[i * d + c] - row[c]) <= allowed)) {
          throw new IllegalStateException(
              "attention to pairs, "
                  + size
                  + ", is wrong: query "
                  + i
                  + ", entry "
                  + c
                  + " is "
                  + out[i * d + c]
                  + "; expected "
                  + row[c]
                  + ". No time is reported for it.");
        }
      }
    }
  }

  private double approximation() {
    final double radius = PolynomialBounds.radius(1.0 / extents.depth(), q, k1, k2);
    return PolynomialBounds.outputError(
        PolynomialBounds.relativeError(PolynomialBounds.Series.TAYLOR, radius, degree));
  }

  private double[] row(int query) {
    final int n = extents.tokens();
    final int d = extents.depth();
    final double[] row = new double[d];
    double total = 0;
    for (int j = 0; j < n; j++) {
      for (int k = 0; k < n; k++) {
        double score = 0;
        for (int c = 0; c < d; c++) {
          score += q.get(0, 0, query, c) * k1.get(0, 0, j, c) * k2.get(0, 0, k, c);
        }
        final double weight = Math.exp(score / d);
        total += weight;
        for (int c = 0; c < d; c++) {
          row[c] += weight * v1.get(0, 0, j, c) * v2.get(0, 0, k, c);
        }
      }
    }
    for (int c = 0; c < d; c++) {
      row[c] /= total;
    }
    return row;
  }
}
