package io.steelyard.kernels.dense;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Products of many matrices: large ones one after another, each on all threads; small ones side by
 * side, each on one.
 */
final class GemmBatch implements Job {

  /** Operations below which a product is not worth more than one thread. */
  private static final double SMALL = 1 << 22;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0);
  private static final ThreadLocal<GemmBatch> OWN = ThreadLocal.withInitial(GemmBatch::new);

  private Tensor a = NOTHING;
  private Tensor b = NOTHING;
  private Tensor c = NOTHING;
  private int threads;

  private GemmBatch() {}

  static void apply(Tensor a, Tensor b, Tensor c, int threads) {
    OWN.get().multiply(a, b, c, threads);
  }

  private void multiply(Tensor left, Tensor right, Tensor out, int most) {
    a = left;
    b = right;
    c = out;
    final int matrices = Math.toIntExact(out.rows() / out.dim(-2));
    final boolean small = 2.0 * out.dim(-2) * out.dim(-1) * left.dim(-1) < SMALL;
    threads = small ? 1 : most;
    try {
      Workers.shared().run(this, matrices, small ? most : 1);
    } finally {
      a = NOTHING;
      b = NOTHING;
      c = NOTHING;
    }
  }

  @Override
  public void run(int matrix) {
    final long row = matrix * c.dim(-2);
    GemmJob.apply(a, row, b, b.rank() == 2 ? 0 : matrix * b.dim(-2), c, row, threads);
  }
}
