package io.steelyard.kernels.inverse;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Eight rows of a product by one or two vectors of columns: 8 accumulators hide the latency of two
 * multiply-add units, 16 also that of the loads, where there are 32 registers.
 */
final class ProductsSimd {

  private static final VectorSpecies<Double> S =
      VectorSpecies.of(double.class, Lanes.FLOAT.vectorShape());

  private static final int L = S.length();

  private static final boolean MANY_REGISTERS = L >= 8;

  private ProductsSimd() {}

  /** Eight rows of {@code C = alpha A^T B + beta D}. */
  static void rows(
      double alpha,
      double[] a,
      int aOffset,
      int aStride,
      double[] b,
      int bStride,
      double beta,
      double[] d,
      double[] c,
      int cOffset,
      int cStride,
      int depth,
      int n) {
    int j = 0;
    if (MANY_REGISTERS) {
      for (; j <= n - 2 * L; j += 2 * L) {
        two(alpha, a, aOffset, aStride, b, j, bStride, beta, d, c, cOffset + j, cStride, depth);
      }
    }
    for (; j < n; j += L) {
      one(alpha, a, aOffset, aStride, b, j, bStride, beta, d, c, cOffset + j, cStride, depth);
    }
  }

  private static void two(
      double alpha,
      double[] a,
      int aOffset,
      int aStride,
      double[] b,
      int bOffset,
      int bStride,
      double beta,
      double[] d,
      double[] c,
      int cOffset,
      int cStride,
      int depth) {
    DoubleVector x0 = DoubleVector.zero(S);
    DoubleVector y0 = DoubleVector.zero(S);
    DoubleVector x1 = DoubleVector.zero(S);
    DoubleVector y1 = DoubleVector.zero(S);
    DoubleVector x2 = DoubleVector.zero(S);
    DoubleVector y2 = DoubleVector.zero(S);
    DoubleVector x3 = DoubleVector.zero(S);
    DoubleVector y3 = DoubleVector.zero(S);
    DoubleVector x4 = DoubleVector.zero(S);
    DoubleVector y4 = DoubleVector.zero(S);
    DoubleVector x5 = DoubleVector.zero(S);
    DoubleVector y5 = DoubleVector.zero(S);
    DoubleVector x6 = DoubleVector.zero(S);
    DoubleVector y6 = DoubleVector.zero(S);
    DoubleVector x7 = DoubleVector.zero(S);
    DoubleVector y7 = DoubleVector.zero(S);
    int at = aOffset;
    int bt = bOffset;
    for (int k = 0; k < depth; k++) {
      final DoubleVector p = DoubleVector.fromArray(S, b, bt);
      final DoubleVector q = DoubleVector.fromArray(S, b, bt + L);
      final DoubleVector a0 = DoubleVector.broadcast(S, a[at + 0]);
      x0 = p.fma(a0, x0);
      y0 = q.fma(a0, y0);
      final DoubleVector a1 = DoubleVector.broadcast(S, a[at + 1]);
      x1 = p.fma(a1, x1);
      y1 = q.fma(a1, y1);
      final DoubleVector a2 = DoubleVector.broadcast(S, a[at + 2]);
      x2 = p.fma(a2, x2);
      y2 = q.fma(a2, y2);
      final DoubleVector a3 = DoubleVector.broadcast(S, a[at + 3]);
      x3 = p.fma(a3, x3);
      y3 = q.fma(a3, y3);
      final DoubleVector a4 = DoubleVector.broadcast(S, a[at + 4]);
      x4 = p.fma(a4, x4);
      y4 = q.fma(a4, y4);
      final DoubleVector a5 = DoubleVector.broadcast(S, a[at + 5]);
      x5 = p.fma(a5, x5);
      y5 = q.fma(a5, y5);
      final DoubleVector a6 = DoubleVector.broadcast(S, a[at + 6]);
      x6 = p.fma(a6, x6);
      y6 = q.fma(a6, y6);
      final DoubleVector a7 = DoubleVector.broadcast(S, a[at + 7]);
      x7 = p.fma(a7, x7);
      y7 = q.fma(a7, y7);
      at += aStride;
      bt += bStride;
    }
    if (beta != 0) {
      final DoubleVector factor = DoubleVector.broadcast(S, beta / alpha);
      x0 = DoubleVector.fromArray(S, d, cOffset + 0 * cStride).fma(factor, x0);
      y0 = DoubleVector.fromArray(S, d, cOffset + 0 * cStride + L).fma(factor, y0);
      x1 = DoubleVector.fromArray(S, d, cOffset + 1 * cStride).fma(factor, x1);
      y1 = DoubleVector.fromArray(S, d, cOffset + 1 * cStride + L).fma(factor, y1);
      x2 = DoubleVector.fromArray(S, d, cOffset + 2 * cStride).fma(factor, x2);
      y2 = DoubleVector.fromArray(S, d, cOffset + 2 * cStride + L).fma(factor, y2);
      x3 = DoubleVector.fromArray(S, d, cOffset + 3 * cStride).fma(factor, x3);
      y3 = DoubleVector.fromArray(S, d, cOffset + 3 * cStride + L).fma(factor, y3);
      x4 = DoubleVector.fromArray(S, d, cOffset + 4 * cStride).fma(factor, x4);
      y4 = DoubleVector.fromArray(S, d, cOffset + 4 * cStride + L).fma(factor, y4);
      x5 = DoubleVector.fromArray(S, d, cOffset + 5 * cStride).fma(factor, x5);
      y5 = DoubleVector.fromArray(S, d, cOffset + 5 * cStride + L).fma(factor, y5);
      x6 = DoubleVector.fromArray(S, d, cOffset + 6 * cStride).fma(factor, x6);
      y6 = DoubleVector.fromArray(S, d, cOffset + 6 * cStride + L).fma(factor, y6);
      x7 = DoubleVector.fromArray(S, d, cOffset + 7 * cStride).fma(factor, x7);
      y7 = DoubleVector.fromArray(S, d, cOffset + 7 * cStride + L).fma(factor, y7);
    }
    final DoubleVector scale = DoubleVector.broadcast(S, alpha);
    x0.mul(scale).intoArray(c, cOffset + 0 * cStride);
    y0.mul(scale).intoArray(c, cOffset + 0 * cStride + L);
    x1.mul(scale).intoArray(c, cOffset + 1 * cStride);
    y1.mul(scale).intoArray(c, cOffset + 1 * cStride + L);
    x2.mul(scale).intoArray(c, cOffset + 2 * cStride);
    y2.mul(scale).intoArray(c, cOffset + 2 * cStride + L);
    x3.mul(scale).intoArray(c, cOffset + 3 * cStride);
    y3.mul(scale).intoArray(c, cOffset + 3 * cStride + L);
    x4.mul(scale).intoArray(c, cOffset + 4 * cStride);
    y4.mul(scale).intoArray(c, cOffset + 4 * cStride + L);
    x5.mul(scale).intoArray(c, cOffset + 5 * cStride);
    y5.mul(scale).intoArray(c, cOffset + 5 * cStride + L);
    x6.mul(scale).intoArray(c, cOffset + 6 * cStride);
    y6.mul(scale).intoArray(c, cOffset + 6 * cStride + L);
    x7.mul(scale).intoArray(c, cOffset + 7 * cStride);
    y7.mul(scale).intoArray(c, cOffset + 7 * cStride + L);
  }

  private static void one(
      double alpha,
      double[] a,
      int aOffset,
      int aStride,
      double[] b,
      int bOffset,
      int bStride,
      double beta,
      double[] d,
      double[] c,
      int cOffset,
      int cStride,
      int depth) {
    DoubleVector x0 = DoubleVector.zero(S);
    DoubleVector x1 = DoubleVector.zero(S);
    DoubleVector x2 = DoubleVector.zero(S);
    DoubleVector x3 = DoubleVector.zero(S);
    DoubleVector x4 = DoubleVector.zero(S);
    DoubleVector x5 = DoubleVector.zero(S);
    DoubleVector x6 = DoubleVector.zero(S);
    DoubleVector x7 = DoubleVector.zero(S);
    int at = aOffset;
    int bt = bOffset;
    for (int k = 0; k < depth; k++) {
      final DoubleVector p = DoubleVector.fromArray(S, b, bt);
      final DoubleVector a0 = DoubleVector.broadcast(S, a[at + 0]);
      x0 = p.fma(a0, x0);
      final DoubleVector a1 = DoubleVector.broadcast(S, a[at + 1]);
      x1 = p.fma(a1, x1);
      final DoubleVector a2 = DoubleVector.broadcast(S, a[at + 2]);
      x2 = p.fma(a2, x2);
      final DoubleVector a3 = DoubleVector.broadcast(S, a[at + 3]);
      x3 = p.fma(a3, x3);
      final DoubleVector a4 = DoubleVector.broadcast(S, a[at + 4]);
      x4 = p.fma(a4, x4);
      final DoubleVector a5 = DoubleVector.broadcast(S, a[at + 5]);
      x5 = p.fma(a5, x5);
      final DoubleVector a6 = DoubleVector.broadcast(S, a[at + 6]);
      x6 = p.fma(a6, x6);
      final DoubleVector a7 = DoubleVector.broadcast(S, a[at + 7]);
      x7 = p.fma(a7, x7);
      at += aStride;
      bt += bStride;
    }
    if (beta != 0) {
      final DoubleVector factor = DoubleVector.broadcast(S, beta / alpha);
      x0 = DoubleVector.fromArray(S, d, cOffset + 0 * cStride).fma(factor, x0);
      x1 = DoubleVector.fromArray(S, d, cOffset + 1 * cStride).fma(factor, x1);
      x2 = DoubleVector.fromArray(S, d, cOffset + 2 * cStride).fma(factor, x2);
      x3 = DoubleVector.fromArray(S, d, cOffset + 3 * cStride).fma(factor, x3);
      x4 = DoubleVector.fromArray(S, d, cOffset + 4 * cStride).fma(factor, x4);
      x5 = DoubleVector.fromArray(S, d, cOffset + 5 * cStride).fma(factor, x5);
      x6 = DoubleVector.fromArray(S, d, cOffset + 6 * cStride).fma(factor, x6);
      x7 = DoubleVector.fromArray(S, d, cOffset + 7 * cStride).fma(factor, x7);
    }
    final DoubleVector scale = DoubleVector.broadcast(S, alpha);
    x0.mul(scale).intoArray(c, cOffset + 0 * cStride);
    x1.mul(scale).intoArray(c, cOffset + 1 * cStride);
    x2.mul(scale).intoArray(c, cOffset + 2 * cStride);
    x3.mul(scale).intoArray(c, cOffset + 3 * cStride);
    x4.mul(scale).intoArray(c, cOffset + 4 * cStride);
    x5.mul(scale).intoArray(c, cOffset + 5 * cStride);
    x6.mul(scale).intoArray(c, cOffset + 6 * cStride);
    x7.mul(scale).intoArray(c, cOffset + 7 * cStride);
  }
}
