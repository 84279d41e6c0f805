package io.steelyard.kernels.softmax;

import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileSimd;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Softmax with a constant in the denominator on float32 rows: the constant is an entry of score
 * {@code ln n} that is never written, so the reference is the larger of that and the maximum.
 */
final class Softmax1Simd extends RowStatisticsSimd {

  private static final ThreadLocal<Softmax1Simd> OWN = ThreadLocal.withInitial(Softmax1Simd::new);

  private double score = Double.NEGATIVE_INFINITY;

  private Softmax1Simd() {}

  static void apply(Tensor x, Tensor y, double n, NormaliserOptions options) {
    final Softmax1Simd job = OWN.get();
    job.use(SoftmaxAlgorithm.THREE_PASS_RELOAD);
    job.score = Math.log(n);
    job.run(x, x, y, options.mask(), options.threads());
  }

  @Override
  double lowestReference() {
    return (float) score;
  }

  @Override
  boolean emits() {
    return true;
  }

  @Override
  void emit(RowState row, RowWorkspace work, long from, long to) {
    if (!(row.sum > 0)) {
      fill(work, row.row, from, to, row.sum == 0 ? 0 : Float.NaN);
      return;
    }
    final float c = (float) (1 / (row.sum + Math.exp(score - row.reference)));
    final TileWriter out = work.out();
    final long end = Math.clamp(row.visible, from, to);
    for (long at = from; at < end; at += piece(at, end)) {
      final int n = piece(at, end);
      out.reopen(row.row, at, n);
      TileSimd.scale(out.array(), out.offset(), wholeBlocks(n), c);
      out.close(n);
    }
    fill(work, row.row, end, to, 0);
  }
}
