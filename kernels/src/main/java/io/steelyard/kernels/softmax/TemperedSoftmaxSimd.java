package io.steelyard.kernels.softmax;

import static jdk.incubator.vector.VectorOperators.EQ;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Multiplies float32 rows by one number each; -inf, which stands for a mask, stays. */
final class TemperedSoftmaxSimd extends RowJob {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final Tensor ONE = Tensor.of(new float[] {1}, 1);
  private static final ThreadLocal<TemperedSoftmaxSimd> OWN =
      ThreadLocal.withInitial(TemperedSoftmaxSimd::new);

  private Tensor factors = ONE;

  private TemperedSoftmaxSimd() {}

  /** {@code y = tau x}, tau one number for each row. */
  static void scale(Tensor x, Tensor tau, Tensor y, int threads) {
    final TemperedSoftmaxSimd job = OWN.get();
    job.factors = tau;
    try {
      job.run(x, x, y, Mask.none(), threads);
    } finally {
      job.factors = ONE;
    }
  }

  @Override
  protected boolean writes(int phase) {
    return true;
  }

  @Override
  protected int next(int phase, RowState row) {
    return DONE;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    final float tau = (float) factors.getDouble(factors.flatIndex(row.row));
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      in.load(row.row, at, n);
      out.open(row.row, at, n);
      scale(in.array(), in.offset(), out.array(), out.offset(), in.width(), tau);
      out.close(n);
    }
  }

  private static void scale(float[] x, int xOffset, float[] y, int yOffset, int n, float tau) {
    final FloatVector factor = FloatVector.broadcast(S, tau);
    final FloatVector none = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < n; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      x0.mul(factor).blend(none, x0.compare(EQ, none)).intoArray(y, yOffset + i);
    }
  }
}
