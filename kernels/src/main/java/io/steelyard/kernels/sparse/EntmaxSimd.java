package io.steelyard.kernels.sparse;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileSimd;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sparsemax and 1.5-entmax of float32 rows. With {@code u = max(0, s (x - max) - tau)}, s being 1
 * for sparsemax and 1/2 for 1.5-entmax, tau is the root of {@code sum u - 1} or {@code sum u^2 -
 * 1}.
 *
 * <p>Both are convex and fall with tau, so Newton's method started at -1 climbs to the root and
 * never passes it but for rounding. Passes over the row in float bring tau near; then passes in
 * double, which look only at blocks that hold support, correct it: for sparsemax one such step is
 * exact once the support is right, for 1.5-entmax it squares the error.
 *
 * <p>In the row state, {@code reference} is the maximum, {@code sum} is tau. A row without entries
 * has the maximum -inf, a row with NaN or +inf has tau NaN.
 */
final class EntmaxSimd extends RowJob {

  private static final int MAXIMUM = 0;
  private static final int APPROACH = 1;
  private static final int CORRECT = 2;
  private static final int EMIT = 3;

  /** A step of tau that float sums still resolve; a smaller one is left to double. */
  private static final double NEAR = 0x1p-12;

  /** An error of tau that the stated bounds have room for. */
  private static final double LEFT = 0x1p-27;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final ThreadLocal<EntmaxSimd> OWN = ThreadLocal.withInitial(EntmaxSimd::new);

  private boolean squares;

  private EntmaxSimd() {}

  /**
   * Writes the weights.
   *
   * @param squares whether a weight is the square of u (1.5-entmax) or u itself (sparsemax)
   */
  static void apply(Tensor x, Tensor y, NormaliserOptions options, boolean squares) {
    final EntmaxSimd job = OWN.get();
    job.squares = squares;
    job.run(x, x, y, options.mask(), options.threads());
  }

  @Override
  protected boolean writes(int phase) {
    return phase == EMIT;
  }

  @Override
  protected int next(int phase, RowState row) {
    return switch (phase) {
      case MAXIMUM -> {
        row.reference = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < row.chunks; i++) {
          row.reference = Math.max(row.reference, row.references[i]);
        }
        row.sum = -1;
        yield row.chunks == 0 ? EMIT : APPROACH;
      }
      case APPROACH, CORRECT -> step(phase, row);
      default -> DONE;
    };
  }

  /** One of Newton's steps from the sums of all chunks. */
  private int step(int phase, RowState row) {
    double value = 0;
    double slope = 0;
    for (int i = 0; i < row.chunks; i++) {
      value += row.sums[i];
      slope += row.references[i];
    }
    if (!(slope > 0)) {
      // No entry takes part, or a NaN does.
      row.sum = slope == 0 ? -1 : Double.NaN;
      return EMIT;
    }
    final double step = (value - 1) / (squares ? 2 * slope : slope);
    row.sum += step;
    if (phase == APPROACH) {
      return step > NEAR ? APPROACH : CORRECT;
    }
    // What a step leaves: at most as much again for sparsemax, where only the border of the support
    // can have changed; for squares its square times support over slope, where slope is above 1.
    final double left =
        squares ? Math.min(Math.abs(step), step * step * row.visible) : Math.abs(step);
    return left > LEFT ? CORRECT : EMIT;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    switch (phase) {
      case MAXIMUM -> {
        final TileReader in = work.first();
        float max = Float.NEGATIVE_INFINITY;
        for (long at = from; at < to; at += piece(at, to)) {
          in.load(mask(), row.row, at, piece(at, to));
          max = Math.max(max, TileSimd.max(in.array(), in.offset(), in.width()));
        }
        row.references[index] = max;
      }
      case APPROACH -> approach(row, work, from, to, index);
      case CORRECT -> correct(row, work, from, to, index);
      default -> emit(row, work, from, to);
    }
  }

  private void approach(RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader in = work.first();
    final float mu = shift(row);
    double value = 0;
    double slope = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      in.load(mask(), row.row, at, piece(at, to));
      if (squares) {
        value += squares(in.array(), in.offset(), in.width(), mu, (float) row.sum, work.lanes());
        slope += work.lanes()[1];
      } else {
        value += excess(in.array(), in.offset(), in.width(), mu, (float) row.sum, work.lanes());
        slope += work.lanes()[1];
      }
    }
    row.sums[index] = value;
    row.references[index] = slope;
  }

  private void correct(RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader in = work.first();
    final double tau = row.sum;
    final double mu = row.reference;
    final double scale = squares ? 0.5 : 1;
    // The least float that may be in the support, rounded down.
    final float floor = Math.nextDown((float) (mu + (squares ? 2 * tau : tau)));
    double value = 0;
    double slope = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      in.load(mask(), row.row, at, piece(at, to));
      final float[] x = in.array();
      final int end = in.offset() + in.width();
      // Two sums of each, since one waits for itself.
      double value1 = 0;
      double slope1 = 0;
      for (int i = next(x, in.offset(), end, floor); i < end; i = next(x, i, end, floor)) {
        for (final int last = i + Lanes.BLOCK; i < last; i += 2) {
          // Not Math.max, whose rule for NaN costs double.
          final double d = (x[i] - mu) * scale - tau;
          final double e = (x[i + 1] - mu) * scale - tau;
          final double u = d > 0 ? d : 0;
          final double v = e > 0 ? e : 0;
          value += squares ? u * u : u;
          value1 += squares ? v * v : v;
          slope += squares ? u : u > 0 ? 1 : 0;
          slope1 += squares ? v : v > 0 ? 1 : 0;
        }
      }
      value += value1;
      slope += slope1;
    }
    row.sums[index] = value;
    row.references[index] = slope;
  }

  private void emit(RowState row, RowWorkspace work, long from, long to) {
    if (row.reference == Double.NEGATIVE_INFINITY || Double.isNaN(row.sum)) {
      fill(work, row.row, from, to, Double.isNaN(row.sum) ? Float.NaN : 0);
      return;
    }
    final TileReader in = work.first();
    final TileWriter out = work.out();
    final float mu = shift(row);
    final float tau = (float) row.sum;
    final long end = Math.clamp(row.visible, from, to);
    for (long at = from; at < end; at += piece(at, end)) {
      final int n = piece(at, end);
      in.load(mask(), row.row, at, n);
      out.open(row.row, at, n);
      if (squares) {
        writeSquares(in.array(), in.offset(), out.array(), out.offset(), in.width(), mu, tau);
      } else {
        write(in.array(), in.offset(), out.array(), out.offset(), in.width(), mu, tau);
      }
      out.close(n);
    }
    fill(work, row.row, end, to, 0);
  }

  /** What to subtract: of a row without finite entries, nothing. */
  private static float shift(RowState row) {
    return row.reference == Double.NEGATIVE_INFINITY ? 0 : (float) row.reference;
  }

  /** First block from {@code i} on with an entry above {@code floor}. */
  private static int next(float[] x, int i, int end, float floor) {
    for (int at = i; at < end; at += 2 * L) {
      final FloatVector p = FloatVector.fromArray(S, x, at);
      final FloatVector q = FloatVector.fromArray(S, x, at + L);
      if (p.compare(GT, floor).or(q.compare(GT, floor)).anyTrue()) {
        return at;
      }
    }
    return end;
  }

  /** The sum of u of sparsemax; leaves in {@code lanes[1]} how many are above 0. */
  private static float excess(float[] x, int offset, int n, float mu, float tau, float[] lanes) {
    final FloatVector m = FloatVector.broadcast(S, mu);
    final FloatVector t = FloatVector.broadcast(S, tau);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    FloatVector count0 = FloatVector.zero(S);
    FloatVector count1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      // A NaN is not less than 0, stays, and shows in the sums.
      final FloatVector d0 = FloatVector.fromArray(S, x, offset + i).sub(m).sub(t);
      final FloatVector u0 = d0.blend(zero, d0.compare(LT, zero));
      sum0 = sum0.add(u0);
      count0 = count0.add(u0.blend(one, u0.compare(GT, zero)));
      final FloatVector d1 = FloatVector.fromArray(S, x, offset + i + L).sub(m).sub(t);
      final FloatVector u1 = d1.blend(zero, d1.compare(LT, zero));
      sum1 = sum1.add(u1);
      count1 = count1.add(u1.blend(one, u1.compare(GT, zero)));
    }
    count0.add(count1).intoArray(lanes, 0);
    final float count = LaneSum.of(lanes);
    sum0.add(sum1).intoArray(lanes, 0);
    final float sum = LaneSum.of(lanes);
    lanes[1] = count;
    return sum;
  }

  /** The sum of {@code u^2} of 1.5-entmax; leaves the sum of u in {@code lanes[1]}. */
  private static float squares(float[] x, int offset, int n, float mu, float tau, float[] lanes) {
    final FloatVector m = FloatVector.broadcast(S, mu);
    final FloatVector minusTau = FloatVector.broadcast(S, -tau);
    final FloatVector half = FloatVector.broadcast(S, 0.5f);
    final FloatVector zero = FloatVector.zero(S);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    FloatVector square0 = FloatVector.zero(S);
    FloatVector square1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      // A NaN is not less than 0, stays, and shows in the sums.
      final FloatVector d0 = FloatVector.fromArray(S, x, offset + i).sub(m).fma(half, minusTau);
      final FloatVector u0 = d0.blend(zero, d0.compare(LT, zero));
      sum0 = sum0.add(u0);
      square0 = u0.fma(u0, square0);
      final FloatVector d1 = FloatVector.fromArray(S, x, offset + i + L).sub(m).fma(half, minusTau);
      final FloatVector u1 = d1.blend(zero, d1.compare(LT, zero));
      sum1 = sum1.add(u1);
      square1 = u1.fma(u1, square1);
    }
    sum0.add(sum1).intoArray(lanes, 0);
    final float sum = LaneSum.of(lanes);
    square0.add(square1).intoArray(lanes, 0);
    final float square = LaneSum.of(lanes);
    lanes[1] = sum;
    return square;
  }

  private static void write(
      float[] x, int xOffset, float[] y, int yOffset, int n, float mu, float tau) {
    final FloatVector m = FloatVector.broadcast(S, mu);
    final FloatVector t = FloatVector.broadcast(S, tau);
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < n; i += L) {
      final FloatVector u = FloatVector.fromArray(S, x, xOffset + i).sub(m).sub(t);
      u.blend(zero, u.compare(LT, zero)).intoArray(y, yOffset + i);
    }
  }

  private static void writeSquares(
      float[] x, int xOffset, float[] y, int yOffset, int n, float mu, float tau) {
    final FloatVector m = FloatVector.broadcast(S, mu);
    final FloatVector minusTau = FloatVector.broadcast(S, -tau);
    final FloatVector half = FloatVector.broadcast(S, 0.5f);
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < n; i += L) {
      final FloatVector d = FloatVector.fromArray(S, x, xOffset + i).sub(m).fma(half, minusTau);
      final FloatVector u = d.blend(zero, d.compare(LT, zero));
      u.mul(u).intoArray(y, yOffset + i);
    }
  }
}
