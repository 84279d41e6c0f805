package io.steelyard.kernels.head;

import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/**
 * The scores of float32 rows below their maximum, times {@code d ln(2 + q)}: what softmax is taken
 * of. The maximum goes first, so that scaling rounds distances and not scores. The loops are plain
 * ones that C2 turns into vectors by itself.
 */
final class SdmScaling extends RowMap {

  private static final ThreadLocal<SdmScaling> OWN = ThreadLocal.withInitial(SdmScaling::new);
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  private Tensor similarities = NOTHING;
  private Tensor distances = NOTHING;
  private int n;
  private NormaliserOptions options = NormaliserOptions.defaults();

  private SdmScaling() {}

  /** Options with these threads, kept for the next call. */
  static NormaliserOptions options(int threads) {
    final SdmScaling job = OWN.get();
    if (job.options.threads() != threads) {
      job.options = job.options.withThreads(threads);
    }
    return job.options;
  }

  static void apply(Tensor z, Tensor q, Tensor d, Tensor y, int threads) {
    final SdmScaling job = OWN.get();
    job.similarities = q;
    job.distances = d;
    job.n = Math.toIntExact(z.rowLength());
    try {
      job.run(z, y, job.n, threads);
    } finally {
      job.similarities = NOTHING;
      job.distances = NOTHING;
    }
  }

  @Override
  void map(long row, Panels panels) {
    final float[] x = panels.x;
    final float[] y = panels.y;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = x[i] > max ? x[i] : max;
    }
    final float c = (float) Sdm.exponent(similarities, distances, row);
    for (int i = 0; i < n; i++) {
      y[i] = x[i] == Float.NEGATIVE_INFINITY ? Float.NEGATIVE_INFINITY : (x[i] - max) * c;
    }
  }
}
