package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Sinkhorn's iterations on many float32 matrices: large ones one after another, each on all
 * threads; small ones side by side, each on one; the smallest side by side in the lanes of vectors.
 */
final class SinkhornBatch implements Job {

  /** Entries above which a matrix is worth more than one thread. */
  private static final long LARGE = 1L << 16;

  /** Entries times iterations below which waking another thread costs more than it saves. */
  private static final double WORTH_WAKING = 1 << 17;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0);
  private static final ThreadLocal<SinkhornBatch> OWN = ThreadLocal.withInitial(SinkhornBatch::new);

  private Tensor x = NOTHING;
  private Tensor dy = NOTHING;
  private Tensor out = NOTHING;
  private SinkhornOptions options = SinkhornOptions.defaults();
  private boolean backward;
  private int threads;

  private SinkhornBatch() {}

  static void apply(Tensor x, Tensor y, SinkhornOptions options) {
    OWN.get().run(x, NOTHING, y, options, false);
  }

  static void vjp(Tensor x, Tensor dy, Tensor dx, SinkhornOptions options) {
    OWN.get().run(x, dy, dx, options, true);
  }

  private void run(
      Tensor scores, Tensor gradient, Tensor target, SinkhornOptions how, boolean back) {
    final int matrices = Matrices.count(scores);
    final int most = (double) scores.size() * how.iterations() < WORTH_WAKING ? 1 : how.threads();
    final boolean inLanes =
        !back
            && matrices > 1
            && scores.rowLength() <= SinkhornLanes.LARGEST_SIDE
            && how.tolerance() == 0;
    if (inLanes) {
      SinkhornLanes.apply(scores, target, how, most);
      return;
    }
    final long entries = scores.rowLength() * scores.rowLength();
    final boolean large = matrices == 1 || entries > LARGE;
    x = scores;
    dy = gradient;
    out = target;
    options = how;
    backward = back;
    threads = large ? most : 1;
    try {
      Workers.shared().run(this, matrices, large ? 1 : most);
    } finally {
      x = NOTHING;
      dy = NOTHING;
      out = NOTHING;
    }
  }

  @Override
  public void run(int matrix) {
    final SinkhornSolver solver = SinkhornSolver.own();
    if (backward) {
      solver.vjp(x, dy, out, matrix, options, threads);
    } else {
      solver.apply(x, out, matrix, options, threads);
    }
  }
}
