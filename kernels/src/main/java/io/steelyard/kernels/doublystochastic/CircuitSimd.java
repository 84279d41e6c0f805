package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link Circuit} for gates on two qubits. Why they are written out: see {@link
 * Lanes}.
 */
final class CircuitSimd {

  private static final VectorSpecies<Double> S = Lanes.FLOAT.withLanes(double.class);

  /** Columns at a time. */
  static final int LANES = S.length();

  private CircuitSimd() {}

  /** Multiplies columns {@code from} to {@code to} of four rows by a 4 x 4 matrix. */
  static void apply(
      double[] re, double[] im, int[] rows, int from, int to, double[] gateRe, double[] gateIm) {
    final int r0 = rows[0];
    final int r1 = rows[1];
    final int r2 = rows[2];
    final int r3 = rows[3];
    for (int j = from; j < to; j += LANES) {
      final DoubleVector x0 = DoubleVector.fromArray(S, re, r0 + j);
      final DoubleVector y0 = DoubleVector.fromArray(S, im, r0 + j);
      final DoubleVector x1 = DoubleVector.fromArray(S, re, r1 + j);
      final DoubleVector y1 = DoubleVector.fromArray(S, im, r1 + j);
      final DoubleVector x2 = DoubleVector.fromArray(S, re, r2 + j);
      final DoubleVector y2 = DoubleVector.fromArray(S, im, r2 + j);
      final DoubleVector x3 = DoubleVector.fromArray(S, re, r3 + j);
      final DoubleVector y3 = DoubleVector.fromArray(S, im, r3 + j);
      // A loop, and not four times the same: C2 stops inlining in methods that are too long.
      for (int i = 0; i < 4; i++) {
        final int g = 4 * i;
        final DoubleVector a0 = DoubleVector.broadcast(S, gateRe[g]);
        final DoubleVector b0 = DoubleVector.broadcast(S, -gateIm[g]);
        final DoubleVector a1 = DoubleVector.broadcast(S, gateRe[g + 1]);
        final DoubleVector b1 = DoubleVector.broadcast(S, -gateIm[g + 1]);
        final DoubleVector a2 = DoubleVector.broadcast(S, gateRe[g + 2]);
        final DoubleVector b2 = DoubleVector.broadcast(S, -gateIm[g + 2]);
        final DoubleVector a3 = DoubleVector.broadcast(S, gateRe[g + 3]);
        final DoubleVector b3 = DoubleVector.broadcast(S, -gateIm[g + 3]);
        final DoubleVector p = a3.fma(x3, a2.fma(x2, a1.fma(x1, a0.mul(x0))));
        final DoubleVector q = b3.fma(y3, b2.fma(y2, b1.fma(y1, b0.mul(y0))));
        p.add(q).intoArray(re, rows[i] + j);
        final DoubleVector s = a3.fma(y3, a2.fma(y2, a1.fma(y1, a0.mul(y0))));
        final DoubleVector t = b3.fma(x3, b2.fma(x2, b1.fma(x1, b0.mul(x0))));
        s.sub(t).intoArray(im, rows[i] + j);
      }
    }
  }

  /**
   * Adds {@code sum conj(g) v} over columns {@code from} to {@code to}, for one row of g and four
   * of v, to four numbers.
   *
   * @param lanes room for eight vectors
   */
  static void products(
      double[] gRe,
      double[] gIm,
      int row,
      double[] vRe,
      double[] vIm,
      int[] rows,
      int from,
      int to,
      double[] sumsRe,
      double[] sumsIm,
      int at,
      double[] lanes) {
    final int r0 = rows[0];
    final int r1 = rows[1];
    final int r2 = rows[2];
    final int r3 = rows[3];
    DoubleVector a0 = DoubleVector.zero(S);
    DoubleVector b0 = DoubleVector.zero(S);
    DoubleVector a1 = DoubleVector.zero(S);
    DoubleVector b1 = DoubleVector.zero(S);
    DoubleVector a2 = DoubleVector.zero(S);
    DoubleVector b2 = DoubleVector.zero(S);
    DoubleVector a3 = DoubleVector.zero(S);
    DoubleVector b3 = DoubleVector.zero(S);
    for (int j = from; j < to; j += LANES) {
      final DoubleVector x = DoubleVector.fromArray(S, gRe, row + j);
      final DoubleVector y = DoubleVector.fromArray(S, gIm, row + j);
      final DoubleVector minus = y.neg();
      final DoubleVector s0 = DoubleVector.fromArray(S, vRe, r0 + j);
      final DoubleVector t0 = DoubleVector.fromArray(S, vIm, r0 + j);
      a0 = y.fma(t0, x.fma(s0, a0));
      b0 = minus.fma(s0, x.fma(t0, b0));
      final DoubleVector s1 = DoubleVector.fromArray(S, vRe, r1 + j);
      final DoubleVector t1 = DoubleVector.fromArray(S, vIm, r1 + j);
      a1 = y.fma(t1, x.fma(s1, a1));
      b1 = minus.fma(s1, x.fma(t1, b1));
      final DoubleVector s2 = DoubleVector.fromArray(S, vRe, r2 + j);
      final DoubleVector t2 = DoubleVector.fromArray(S, vIm, r2 + j);
      a2 = y.fma(t2, x.fma(s2, a2));
      b2 = minus.fma(s2, x.fma(t2, b2));
      final DoubleVector s3 = DoubleVector.fromArray(S, vRe, r3 + j);
      final DoubleVector t3 = DoubleVector.fromArray(S, vIm, r3 + j);
      a3 = y.fma(t3, x.fma(s3, a3));
      b3 = minus.fma(s3, x.fma(t3, b3));
    }
    a0.intoArray(lanes, 0);
    b0.intoArray(lanes, LANES);
    a1.intoArray(lanes, 2 * LANES);
    b1.intoArray(lanes, 3 * LANES);
    a2.intoArray(lanes, 4 * LANES);
    b2.intoArray(lanes, 5 * LANES);
    a3.intoArray(lanes, 6 * LANES);
    b3.intoArray(lanes, 7 * LANES);
    for (int i = 0; i < 4; i++) {
      for (int lane = 0; lane < LANES; lane++) {
        sumsRe[at + i] += lanes[2 * i * LANES + lane];
        sumsIm[at + i] += lanes[(2 * i + 1) * LANES + lane];
      }
    }
  }
}
