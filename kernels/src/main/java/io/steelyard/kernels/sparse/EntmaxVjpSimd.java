package io.steelyard.kernels.sparse;

import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GT;

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

/**
 * Gradient of sparsemax and 1.5-entmax on float32 rows: {@code dx = s (dy - <s, dy> / sum s)}, s
 * being the root of y for 1.5-entmax and 1 on the support for sparsemax.
 */
final class EntmaxVjpSimd extends RowJob {

  private static final int SUM = 0;
  private static final int EMIT = 1;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final ThreadLocal<EntmaxVjpSimd> OWN = ThreadLocal.withInitial(EntmaxVjpSimd::new);

  private boolean squares;

  private EntmaxVjpSimd() {}

  /**
   * Writes the gradient.
   *
   * @param squares whether a weight is a square (1.5-entmax) or not (sparsemax)
   */
  static void apply(Tensor y, Tensor dy, Tensor dx, int threads, boolean squares) {
    final EntmaxVjpSimd job = OWN.get();
    job.squares = squares;
    job.run(y, dy, dx, Mask.none(), threads);
  }

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
    double dot = 0;
    double sum = 0;
    for (int i = 0; i < row.chunks; i++) {
      dot += row.sums[i];
      sum += row.references[i];
    }
    row.sum = sum == 0 ? 0 : dot / sum;
    return EMIT;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader y = work.first();
    final TileReader dy = work.second();
    final TileWriter dx = work.out();
    double dot = 0;
    double sum = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      y.load(row.row, at, n);
      dy.load(row.row, at, n);
      if (phase == SUM) {
        dot +=
            squares
                ? rootSums(y.array(), y.offset(), dy.array(), dy.offset(), y.width(), work.lanes())
                : sums(y.array(), y.offset(), dy.array(), dy.offset(), y.width(), work.lanes());
        sum += work.lanes()[1];
      } else {
        dx.open(row.row, at, n);
        emit(
            y.array(),
            y.offset(),
            dy.array(),
            dy.offset(),
            dx.array(),
            dx.offset(),
            y.width(),
            (float) row.sum,
            squares);
        dx.close(n);
      }
    }
    if (phase == SUM) {
      row.sums[index] = dot;
      row.references[index] = sum;
    }
  }

  /** The sum of g over the support; leaves in {@code lanes[1]} how many that are. */
  private static float sums(float[] y, int yOffset, float[] g, int gOffset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    FloatVector dot0 = FloatVector.zero(S);
    FloatVector dot1 = FloatVector.zero(S);
    FloatVector count0 = FloatVector.zero(S);
    FloatVector count1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector y0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g0 = FloatVector.fromArray(S, g, gOffset + i);
      dot0 = dot0.add(g0.blend(zero, y0.compare(EQ, zero)));
      count0 = count0.add(y0.blend(one, y0.compare(GT, zero)));
      final FloatVector y1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector g1 = FloatVector.fromArray(S, g, gOffset + i + L);
      dot1 = dot1.add(g1.blend(zero, y1.compare(EQ, zero)));
      count1 = count1.add(y1.blend(one, y1.compare(GT, zero)));
    }
    count0.add(count1).intoArray(lanes, 0);
    final float count = LaneSum.of(lanes);
    dot0.add(dot1).intoArray(lanes, 0);
    final float dot = LaneSum.of(lanes);
    lanes[1] = count;
    return dot;
  }

  /** The sum of {@code s g}, s the root of y; leaves the sum of s in {@code lanes[1]}. */
  private static float rootSums(
      float[] y, int yOffset, float[] g, int gOffset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    FloatVector dot0 = FloatVector.zero(S);
    FloatVector dot1 = FloatVector.zero(S);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector s0 = FloatVector.fromArray(S, y, yOffset + i).sqrt();
      final FloatVector g0 =
          FloatVector.fromArray(S, g, gOffset + i).blend(zero, s0.compare(EQ, zero));
      dot0 = s0.fma(g0, dot0);
      sum0 = sum0.add(s0);
      final FloatVector s1 = FloatVector.fromArray(S, y, yOffset + i + L).sqrt();
      final FloatVector g1 =
          FloatVector.fromArray(S, g, gOffset + i + L).blend(zero, s1.compare(EQ, zero));
      dot1 = s1.fma(g1, dot1);
      sum1 = sum1.add(s1);
    }
    sum0.add(sum1).intoArray(lanes, 0);
    final float sum = LaneSum.of(lanes);
    dot0.add(dot1).intoArray(lanes, 0);
    final float dot = LaneSum.of(lanes);
    lanes[1] = sum;
    return dot;
  }

  private static void emit(
      float[] y,
      int yOffset,
      float[] dy,
      int dyOffset,
      float[] dx,
      int dxOffset,
      int n,
      float mean,
      boolean squares) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector m = FloatVector.broadcast(S, mean);
    for (int i = 0; i < n; i += L) {
      final FloatVector w = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g = FloatVector.fromArray(S, dy, dyOffset + i).sub(m);
      // A weight that is NaN makes its gradient NaN.
      final FloatVector s = squares ? w.sqrt() : w.blend(one, w.compare(GT, zero));
      s.mul(g.blend(zero, w.compare(EQ, zero))).intoArray(dx, dxOffset + i);
    }
  }
}
