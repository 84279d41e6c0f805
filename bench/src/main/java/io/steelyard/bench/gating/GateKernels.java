package io.steelyard.bench.gating;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.rows.Rows;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Steelyard's gates: weights of experts, a row for each token. */
public class GateKernels extends CheckedBenchmark {

  @Param("TOP_K")
  GateFunction gate;

  @Param("256x64")
  String shape;

  private Tensor x = Tensor.zeros(DType.F32, 0);
  private Tensor y = x;
  private Tensor indices = x;

  @Override
  protected void prepare() {
    final Rows rows = Rows.parse(shape);
    x = Tensor.of(rows.scores(), rows.shape());
    y = Tensor.zerosLike(x);
    indices = Tensor.zeros(DType.I32, rows.count(), GateFunction.CHOICES);
  }

  @Override
  protected void call() {
    gate.apply(x, y, indices, threads);
  }

  @Override
  protected void check() {
    final float[] weights = y.floatArray().orElseThrow();
    Arrays.fill(weights, Float.NaN);
    call();
    final double[] exact = exact(gate, Rows.parse(shape));
    for (int i = 0; i < exact.length; i++) {
      expect("weight " + i, weights[i], exact[i], 1e-5);
    }
  }

  /** Weights of the first rows, in double. */
  static double[] exact(GateFunction gate, Rows rows) {
    final int some = Math.min(rows.count(), 1000);
    final Tensor first = Tensor.of(rows.scores(), rows.shape()).slice(0, 0, some).to(DType.F64);
    final Tensor weights = Tensor.zerosLike(first);
    gate.apply(first, weights, Tensor.zeros(DType.I32, some, GateFunction.CHOICES), 1);
    return weights.toDoubleArray();
  }
}
