package io.steelyard.bench.loss;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.rows.Rows;
import io.steelyard.kernels.loss.LossOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Steelyard's losses with their gradients. */
public class LossKernels extends CheckedBenchmark {

  @Param("CROSS_ENTROPY")
  LossFunction function;

  @Param("64x1000")
  String shape;

  private LossRows input = new LossRows(new Rows(1, 1));
  private Tensor x = Tensor.zeros(DType.F32, 0);
  private Tensor targets = x;
  private Tensor loss = x;
  private Tensor dx = x;
  private LossOptions options = LossOptions.defaults();

  @Override
  protected void prepare() {
    input = new LossRows(Rows.parse(shape));
    x = Tensor.of(input.scores(), input.rows().shape());
    targets = Tensor.of(input.targets(), function.targetShape(input.rows().count()));
    loss = Tensor.zeros(DType.F32, input.rows().count());
    dx = Tensor.zeros(DType.F32, input.rows().shape());
    options = LossOptions.defaults().withThreads(threads);
  }

  @Override
  protected void call() {
    function.apply(x, targets, loss, dx, options);
  }

  @Override
  protected void check() {
    final float[] gradient = dx.floatArray().orElseThrow();
    Arrays.fill(gradient, Float.NaN);
    call();
    final int n = input.rows().length();
    for (final int row : input.checkedRows()) {
      final double[] exact = input.exact(function, row);
      expect("loss of row " + row, loss.getDouble(row), exact[0], 1e-5 * (1 + exact[0]));
      for (int i = 0; i < n; i++) {
        final double entry = exact[i + 1];
        expect(
            "gradient " + row + ", " + i,
            gradient[row * n + i],
            entry,
            1e-5 * (1 + Math.abs(entry)));
      }
    }
  }
}
