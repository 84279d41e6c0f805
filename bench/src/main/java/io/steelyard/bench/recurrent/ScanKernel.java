package io.steelyard.bench.recurrent;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.kernels.recurrent.ScanOptions;
import io.steelyard.kernels.recurrent.SelectiveScan;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Steelyard's selective scan over a whole sequence. */
public class ScanKernel extends CheckedBenchmark {

  @Param("64x128x16")
  String size;

  private Tensor[] inputs = new Tensor[0];
  private Tensor y = Tensor.zeros(DType.F32, 0);
  private ScanOptions options = ScanOptions.defaults();

  @Override
  protected void prepare() {
    final ScanSize extents = ScanSize.parse(size);
    inputs = extents.inputs();
    y = Tensor.zeros(DType.F32, extents.sequence());
    options = ScanOptions.defaults().withThreads(threads);
  }

  @Override
  protected void call() {
    SelectiveScan.apply(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], y, options);
  }

  @Override
  protected void check() {
    final float[] out = y.floatArray().orElseThrow();
    Arrays.fill(out, Float.NaN);
    call();
    final double[] exact = exact(ScanSize.parse(size));
    for (int i = 0; i < exact.length; i++) {
      expect("entry " + i, out[i], exact[i], 1e-4 * (1 + Math.abs(exact[i])));
    }
  }

  /** In double. */
  static double[] exact(ScanSize size) {
    final Tensor[] x = size.inputs();
    for (int i = 0; i < x.length; i++) {
      x[i] = x[i].to(DType.F64);
    }
    final Tensor y = Tensor.zeros(DType.F64, size.sequence());
    SelectiveScan.apply(x[0], x[1], x[2], x[3], x[4], y, ScanOptions.defaults());
    return y.toDoubleArray();
  }
}
