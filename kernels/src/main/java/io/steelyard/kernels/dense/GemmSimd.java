package io.steelyard.kernels.dense;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loop of every matrix product of this module: a few rows of A times two vectors of
 * columns of B, both packed in the order in which they are read. For kernels that keep their
 * matrices packed; others call {@link Sgemm}. Loads only where the vector module is.
 *
 * <p>Sums begin at zero and are added to C in the end. When they began with C, C2 kept them in
 * boxes for good in some runs: where the loop had been profiled by on-stack replacement alone.
 *
 * <p>Eight rows leave 16 accumulators in flight, enough to hide the latency of two multiply-add
 * units; they need the 32 registers that come with 512-bit vectors. Narrower vectors take four.
 */
public final class GemmSimd {

  /** Columns at a time. */
  public static final int W = Lanes.BLOCK;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Rows at a time. */
  public static final int ROWS = L >= 16 ? 8 : 4;

  private GemmSimd() {}

  /**
   * {@code C += A B}.
   *
   * @param a {@code depth} times {@link #ROWS} numbers
   * @param b {@code depth} times {@link #W} numbers
   * @param c {@link #ROWS} rows of {@link #W} numbers, {@code cStride} apart
   */
  public static void multiply(
      float[] a,
      int aOffset,
      float[] b,
      int bOffset,
      int depth,
      float[] c,
      int cOffset,
      int cStride) {
    if (ROWS == 8) {
      multiply8(a, aOffset, b, bOffset, depth, c, cOffset, cStride);
    } else {
      multiply4(a, aOffset, b, bOffset, depth, c, cOffset, cStride);
    }
  }

  private static void multiply8(
      float[] a,
      int aOffset,
      float[] b,
      int bOffset,
      int depth,
      float[] c,
      int cOffset,
      int cStride) {
    FloatVector x0 = FloatVector.zero(S);
    FloatVector y0 = FloatVector.zero(S);
    FloatVector x1 = FloatVector.zero(S);
    FloatVector y1 = FloatVector.zero(S);
    FloatVector x2 = FloatVector.zero(S);
    FloatVector y2 = FloatVector.zero(S);
    FloatVector x3 = FloatVector.zero(S);
    FloatVector y3 = FloatVector.zero(S);
    FloatVector x4 = FloatVector.zero(S);
    FloatVector y4 = FloatVector.zero(S);
    FloatVector x5 = FloatVector.zero(S);
    FloatVector y5 = FloatVector.zero(S);
    FloatVector x6 = FloatVector.zero(S);
    FloatVector y6 = FloatVector.zero(S);
    FloatVector x7 = FloatVector.zero(S);
    FloatVector y7 = FloatVector.zero(S);
    int at = aOffset;
    int bt = bOffset;
    for (int k = 0; k < depth; k++) {
      final FloatVector p = FloatVector.fromArray(S, b, bt);
      final FloatVector q = FloatVector.fromArray(S, b, bt + L);
      final FloatVector a0 = FloatVector.broadcast(S, a[at + 0]);
      x0 = p.fma(a0, x0);
      y0 = q.fma(a0, y0);
      final FloatVector a1 = FloatVector.broadcast(S, a[at + 1]);
      x1 = p.fma(a1, x1);
      y1 = q.fma(a1, y1);
      final FloatVector a2 = FloatVector.broadcast(S, a[at + 2]);
      x2 = p.fma(a2, x2);
      y2 = q.fma(a2, y2);
      final FloatVector a3 = FloatVector.broadcast(S, a[at + 3]);
      x3 = p.fma(a3, x3);
      y3 = q.fma(a3, y3);
      final FloatVector a4 = FloatVector.broadcast(S, a[at + 4]);
      x4 = p.fma(a4, x4);
      y4 = q.fma(a4, y4);
      final FloatVector a5 = FloatVector.broadcast(S, a[at + 5]);
      x5 = p.fma(a5, x5);
      y5 = q.fma(a5, y5);
      final FloatVector a6 = FloatVector.broadcast(S, a[at + 6]);
      x6 = p.fma(a6, x6);
      y6 = q.fma(a6, y6);
      final FloatVector a7 = FloatVector.broadcast(S, a[at + 7]);
      x7 = p.fma(a7, x7);
      y7 = q.fma(a7, y7);
      at += 8;
      bt += W;
    }
    final int c0 = cOffset + 0 * cStride;
    FloatVector.fromArray(S, c, c0).add(x0).intoArray(c, c0);
    FloatVector.fromArray(S, c, c0 + L).add(y0).intoArray(c, c0 + L);
    final int c1 = cOffset + 1 * cStride;
    FloatVector.fromArray(S, c, c1).add(x1).intoArray(c, c1);
    FloatVector.fromArray(S, c, c1 + L).add(y1).intoArray(c, c1 + L);
    final int c2 = cOffset + 2 * cStride;
    FloatVector.fromArray(S, c, c2).add(x2).intoArray(c, c2);
    FloatVector.fromArray(S, c, c2 + L).add(y2).intoArray(c, c2 + L);
    final int c3 = cOffset + 3 * cStride;
    FloatVector.fromArray(S, c, c3).add(x3).intoArray(c, c3);
    FloatVector.fromArray(S, c, c3 + L).add(y3).intoArray(c, c3 + L);
    final int c4 = cOffset + 4 * cStride;
    FloatVector.fromArray(S, c, c4).add(x4).intoArray(c, c4);
    FloatVector.fromArray(S, c, c4 + L).add(y4).intoArray(c, c4 + L);
    final int c5 = cOffset + 5 * cStride;
    FloatVector.fromArray(S, c, c5).add(x5).intoArray(c, c5);
    FloatVector.fromArray(S, c, c5 + L).add(y5).intoArray(c, c5 + L);
    final int c6 = cOffset + 6 * cStride;
    FloatVector.fromArray(S, c, c6).add(x6).intoArray(c, c6);
    FloatVector.fromArray(S, c, c6 + L).add(y6).intoArray(c, c6 + L);
    final int c7 = cOffset + 7 * cStride;
    FloatVector.fromArray(S, c, c7).add(x7).intoArray(c, c7);
    FloatVector.fromArray(S, c, c7 + L).add(y7).intoArray(c, c7 + L);
  }

  private static void multiply4(
      float[] a,
      int aOffset,
      float[] b,
      int bOffset,
      int depth,
      float[] c,
      int cOffset,
      int cStride) {
    FloatVector x0 = FloatVector.zero(S);
    FloatVector y0 = FloatVector.zero(S);
    FloatVector x1 = FloatVector.zero(S);
    FloatVector y1 = FloatVector.zero(S);
    FloatVector x2 = FloatVector.zero(S);
    FloatVector y2 = FloatVector.zero(S);
    FloatVector x3 = FloatVector.zero(S);
    FloatVector y3 = FloatVector.zero(S);
    int at = aOffset;
    int bt = bOffset;
    for (int k = 0; k < depth; k++) {
      final FloatVector p = FloatVector.fromArray(S, b, bt);
      final FloatVector q = FloatVector.fromArray(S, b, bt + L);
      final FloatVector a0 = FloatVector.broadcast(S, a[at + 0]);
      x0 = p.fma(a0, x0);
      y0 = q.fma(a0, y0);
      final FloatVector a1 = FloatVector.broadcast(S, a[at + 1]);
      x1 = p.fma(a1, x1);
      y1 = q.fma(a1, y1);
      final FloatVector a2 = FloatVector.broadcast(S, a[at + 2]);
      x2 = p.fma(a2, x2);
      y2 = q.fma(a2, y2);
      final FloatVector a3 = FloatVector.broadcast(S, a[at + 3]);
      x3 = p.fma(a3, x3);
      y3 = q.fma(a3, y3);
      at += 4;
      bt += W;
    }
    final int c0 = cOffset + 0 * cStride;
    FloatVector.fromArray(S, c, c0).add(x0).intoArray(c, c0);
    FloatVector.fromArray(S, c, c0 + L).add(y0).intoArray(c, c0 + L);
    final int c1 = cOffset + 1 * cStride;
    FloatVector.fromArray(S, c, c1).add(x1).intoArray(c, c1);
    FloatVector.fromArray(S, c, c1 + L).add(y1).intoArray(c, c1 + L);
    final int c2 = cOffset + 2 * cStride;
    FloatVector.fromArray(S, c, c2).add(x2).intoArray(c, c2);
    FloatVector.fromArray(S, c, c2 + L).add(y2).intoArray(c, c2 + L);
    final int c3 = cOffset + 3 * cStride;
    FloatVector.fromArray(S, c, c3).add(x3).intoArray(c, c3);
    FloatVector.fromArray(S, c, c3 + L).add(y3).intoArray(c, c3 + L);
  }
}
