package io.steelyard.bench.sparse;

import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/** Steelyard's sparse normalisers. */
public class SparseKernels extends SparseRows {

  private Tensor scores = Tensor.zeros(DType.F32, 0);
  private Tensor weights = scores;
  private NormaliserOptions options = NormaliserOptions.defaults();

  @Override
  protected void prepare() {
    super.prepare();
    scores = Tensor.of(x, rows.shape());
    weights = Tensor.of(y, rows.shape());
    options = NormaliserOptions.defaults().withThreads(threads);
  }

  @Override
  protected void call() {
    function.apply(scores, weights, options);
  }
}
