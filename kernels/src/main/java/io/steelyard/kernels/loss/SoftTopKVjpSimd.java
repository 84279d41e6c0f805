package io.steelyard.kernels.loss;

import static jdk.incubator.vector.VectorOperators.EQ;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Gradient of soft top-k on float32 rows: {@code dx = alpha v (dy - <v, dy> / sum v)}. */
final class SoftTopKVjpSimd extends RowJob {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final int SUM = 0;
  private static final int EMIT = 1;

  private static final ThreadLocal<SoftTopKVjpSimd> OWN =
      ThreadLocal.withInitial(SoftTopKVjpSimd::new);

  private float alpha;

  private SoftTopKVjpSimd() {}

  static void apply(Tensor y, Tensor dy, Tensor dx, double alpha, int threads) {
    final SoftTopKVjpSimd job = OWN.get();
    job.alpha = (float) alpha;
    job.run(y, dy, dx, Mask.none(), threads);
  }

  /** What stands in for entries past the end of a row: a weight without a slope. */
  @Override
  protected float neutral() {
    return 0;
  }

  @Override
  protected boolean writes(int phase) {
    return phase == EMIT;
  }

  @Override
  protected int next(int phase, RowState row) {
    if (phase == EMIT) {
      return DONE;
    }
    double sum = 0;
    double dot = 0;
    for (int i = 0; i < row.chunks; i++) {
      sum += row.sums[i];
      dot += row.references[i];
    }
    row.sum = sum == 0 ? 0 : dot / sum;
    return EMIT;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader y = work.first();
    final TileReader dy = work.second();
    final TileWriter dx = work.out();
    double sum = 0;
    double dot = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      y.load(row.row, at, n);
      if (phase == SUM) {
        sum += sum(y.array(), y.offset(), y.width(), work.lanes());
      }
      dy.load(row.row, at, n);
      if (phase == SUM) {
        dot += dot(y.array(), y.offset(), dy.array(), dy.offset(), y.width(), work.lanes());
        continue;
      }
      dx.open(row.row, at, n);
      emit(
          y.array(),
          y.offset(),
          dy.array(),
          dy.offset(),
          dx.array(),
          dx.offset(),
          y.width(),
          alpha,
          (float) row.sum);
      dx.close(n);
    }
    if (phase == SUM) {
      row.sums[index] = sum;
      row.references[index] = dot;
    }
  }

  private static float sum(float[] y, int offset, int n, float[] lanes) {
    final FloatVector one = FloatVector.broadcast(S, 1);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector p0 = FloatVector.fromArray(S, y, offset + i);
      a = a.add(one.sub(p0).mul(p0));
      final FloatVector p1 = FloatVector.fromArray(S, y, offset + i + L);
      b = b.add(one.sub(p1).mul(p1));
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  private static float dot(float[] y, int yOffset, float[] dy, int dyOffset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector p0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector v0 = one.sub(p0).mul(p0);
      final FloatVector g0 = FloatVector.fromArray(S, dy, dyOffset + i);
      a = a.add(v0.mul(g0).blend(zero, v0.compare(EQ, zero)));
      final FloatVector p1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector v1 = one.sub(p1).mul(p1);
      final FloatVector g1 = FloatVector.fromArray(S, dy, dyOffset + i + L);
      b = b.add(v1.mul(g1).blend(zero, v1.compare(EQ, zero)));
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  private static void emit(
      float[] y,
      int yOffset,
      float[] dy,
      int dyOffset,
      float[] dx,
      int dxOffset,
      int n,
      float alpha,
      float mean) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    for (int i = 0; i < n; i += L) {
      final FloatVector p = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector v = one.sub(p).mul(p);
      final FloatVector g = FloatVector.fromArray(S, dy, dyOffset + i);
      v.mul(alpha).mul(g.sub(mean)).blend(zero, v.compare(EQ, zero)).intoArray(dx, dxOffset + i);
    }
  }
}
