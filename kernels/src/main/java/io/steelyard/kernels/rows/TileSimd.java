package io.steelyard.kernels.rows;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loops over a tile that many row jobs need. In each, {@code n} is a multiple of {@link
 * Lanes#BLOCK}. Why they are written out: see {@link Lanes}.
 */
public final class TileSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private TileSimd() {}

  /** Largest entry that is not NaN. */
  public static float max(float[] x, int offset, int n) {
    FloatVector a = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    FloatVector b = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    FloatVector c = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    FloatVector d = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    int i = 0;
    // Four chains, since one waits for compare and blend. Not lanewise(MAX), whose NaN rule costs
    // double.
    for (; i <= n - 4 * L; i += 4 * L) {
      final FloatVector p = FloatVector.fromArray(S, x, offset + i);
      final FloatVector q = FloatVector.fromArray(S, x, offset + i + L);
      final FloatVector r = FloatVector.fromArray(S, x, offset + i + 2 * L);
      final FloatVector s = FloatVector.fromArray(S, x, offset + i + 3 * L);
      a = a.blend(p, p.compare(GT, a));
      b = b.blend(q, q.compare(GT, b));
      c = c.blend(r, r.compare(GT, c));
      d = d.blend(s, s.compare(GT, d));
    }
    for (; i < n; i += 2 * L) {
      final FloatVector p = FloatVector.fromArray(S, x, offset + i);
      final FloatVector q = FloatVector.fromArray(S, x, offset + i + L);
      a = a.blend(p, p.compare(GT, a));
      b = b.blend(q, q.compare(GT, b));
    }
    a = a.blend(b, b.compare(GT, a));
    c = c.blend(d, d.compare(GT, c));
    return a.blend(c, c.compare(GT, a)).reduceLanes(MAX);
  }

  /** {@code y = y * c}. */
  public static void scale(float[] y, int offset, int n, float c) {
    final FloatVector factor = FloatVector.broadcast(S, c);
    for (int i = 0; i < n; i += L) {
      FloatVector.fromArray(S, y, offset + i).mul(factor).intoArray(y, offset + i);
    }
  }
}
