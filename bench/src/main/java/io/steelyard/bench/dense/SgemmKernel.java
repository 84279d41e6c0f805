package io.steelyard.bench.dense;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.kernels.dense.Sgemm;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Steelyard's matrix product. */
public class SgemmKernel extends CheckedBenchmark {

  @Param("128")
  int n;

  private float[] a = new float[0];
  private float[] b = a;
  private float[] c = a;
  private Tensor left = Tensor.zeros(DType.F32, 0, 0);
  private Tensor right = left;
  private Tensor product = left;

  @Override
  protected void prepare() {
    final Square square = new Square(n);
    a = square.matrix(1);
    b = square.matrix(2);
    c = new float[n * n];
    left = Tensor.of(a, n, n);
    right = Tensor.of(b, n, n);
    product = Tensor.of(c, n, n);
  }

  @Override
  protected void call() {
    Sgemm.apply(left, right, product, threads);
  }

  @Override
  protected void check() {
    Arrays.fill(c, Float.NaN);
    call();
    final Square square = new Square(n);
    for (final int row : new int[] {0, n / 2, n - 1}) {
      for (int column = 0; column < n; column++) {
        expect(
            "entry " + row + ", " + column,
            c[row * n + column],
            square.entry(a, b, row, column),
            square.tolerance());
      }
    }
  }
}
