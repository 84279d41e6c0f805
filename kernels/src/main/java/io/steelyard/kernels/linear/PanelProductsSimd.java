package io.steelyard.kernels.linear;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products and sums over panels: row-major numbers in an array, rows a whole number of tiles of
 * {@link #W} apart, so that no loop over columns has a tail.
 *
 * <p>One product serves all of linear attention, since its left factor is read one number at a time
 * and may as well be read transposed. The panels of a block of tokens stay in the second-level
 * cache, so nothing is packed.
 */
final class PanelProductsSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Columns at a time. */
  static final int W = Lanes.BLOCK;

  /** Rows at a time; as many accumulators as there are registers for. */
  static final int R = L >= 16 ? 8 : 4;

  private PanelProductsSimd() {}

  /**
   * {@code C += A B}, where {@code a_ik} stands at {@code aOffset + i aRow + k aStep}.
   *
   * @param rows of C; {@link #R} at a time, so that up to R - 1 rows more are written
   * @param columns of C, a multiple of {@link #W}
   */
  static void multiply(
      float[] a,
      int aOffset,
      int aRow,
      int aStep,
      float[] b,
      int bOffset,
      int bStride,
      int depth,
      float[] c,
      int cOffset,
      int cStride,
      int rows,
      int columns) {
    for (int x = 0; x < columns; x += W) {
      for (int i = 0; i < rows; i += R) {
        final int at = aOffset + i * aRow;
        final int to = cOffset + i * cStride + x;
        if (R == 8) {
          tile8(a, at, aRow, aStep, b, bOffset + x, bStride, depth, c, to, cStride);
        } else {
          tile4(a, at, aRow, aStep, b, bOffset + x, bStride, depth, c, to, cStride);
        }
      }
    }
  }

  private static void tile8(
      float[] a,
      int aOffset,
      int aRow,
      int aStep,
      float[] b,
      int bOffset,
      int bStride,
      int depth,
      float[] c,
      int cOffset,
      int cStride) {
    final int c0 = cOffset + 0 * cStride;
    FloatVector x0 = FloatVector.fromArray(S, c, c0);
    FloatVector y0 = FloatVector.fromArray(S, c, c0 + L);
    final int c1 = cOffset + 1 * cStride;
    FloatVector x1 = FloatVector.fromArray(S, c, c1);
    FloatVector y1 = FloatVector.fromArray(S, c, c1 + L);
    final int c2 = cOffset + 2 * cStride;
    FloatVector x2 = FloatVector.fromArray(S, c, c2);
    FloatVector y2 = FloatVector.fromArray(S, c, c2 + L);
    final int c3 = cOffset + 3 * cStride;
    FloatVector x3 = FloatVector.fromArray(S, c, c3);
    FloatVector y3 = FloatVector.fromArray(S, c, c3 + L);
    final int c4 = cOffset + 4 * cStride;
    FloatVector x4 = FloatVector.fromArray(S, c, c4);
    FloatVector y4 = FloatVector.fromArray(S, c, c4 + L);
    final int c5 = cOffset + 5 * cStride;
    FloatVector x5 = FloatVector.fromArray(S, c, c5);
    FloatVector y5 = FloatVector.fromArray(S, c, c5 + L);
    final int c6 = cOffset + 6 * cStride;
    FloatVector x6 = FloatVector.fromArray(S, c, c6);
    FloatVector y6 = FloatVector.fromArray(S, c, c6 + L);
    final int c7 = cOffset + 7 * cStride;
    FloatVector x7 = FloatVector.fromArray(S, c, c7);
    FloatVector y7 = FloatVector.fromArray(S, c, c7 + L);
    final int r1 = aRow;
    final int r2 = 2 * aRow;
    final int r3 = 3 * aRow;
    final int r4 = 4 * aRow;
    final int r5 = 5 * aRow;
    final int r6 = 6 * aRow;
    final int r7 = 7 * aRow;
    int at = aOffset;
    int bt = bOffset;
    for (int k = 0; k < depth; k++) {
      final FloatVector p = FloatVector.fromArray(S, b, bt);
      final FloatVector q = FloatVector.fromArray(S, b, bt + L);
      final FloatVector a0 = FloatVector.broadcast(S, a[at]);
      x0 = p.fma(a0, x0);
      y0 = q.fma(a0, y0);
      final FloatVector a1 = FloatVector.broadcast(S, a[at + r1]);
      x1 = p.fma(a1, x1);
      y1 = q.fma(a1, y1);
      final FloatVector a2 = FloatVector.broadcast(S, a[at + r2]);
      x2 = p.fma(a2, x2);
      y2 = q.fma(a2, y2);
      final FloatVector a3 = FloatVector.broadcast(S, a[at + r3]);
      x3 = p.fma(a3, x3);
      y3 = q.fma(a3, y3);
      final FloatVector a4 = FloatVector.broadcast(S, a[at + r4]);
      x4 = p.fma(a4, x4);
      y4 = q.fma(a4, y4);
      final FloatVector a5 = FloatVector.broadcast(S, a[at + r5]);
      x5 = p.fma(a5, x5);
      y5 = q.fma(a5, y5);
      final FloatVector a6 = FloatVector.broadcast(S, a[at + r6]);
      x6 = p.fma(a6, x6);
      y6 = q.fma(a6, y6);
      final FloatVector a7 = FloatVector.broadcast(S, a[at + r7]);
      x7 = p.fma(a7, x7);
      y7 = q.fma(a7, y7);
      at += aStep;
      bt += bStride;
    }
    x0.intoArray(c, c0);
    y0.intoArray(c, c0 + L);
    x1.intoArray(c, c1);
    y1.intoArray(c, c1 + L);
    x2.intoArray(c, c2);
    y2.intoArray(c, c2 + L);
    x3.intoArray(c, c3);
    y3.intoArray(c, c3 + L);
    x4.intoArray(c, c4);
    y4.intoArray(c, c4 + L);
    x5.intoArray(c, c5);
    y5.intoArray(c, c5 + L);
    x6.intoArray(c, c6);
    y6.intoArray(c, c6 + L);
    x7.intoArray(c, c7);
    y7.intoArray(c, c7 + L);
  }

  private static void tile4(
      float[] a,
      int aOffset,
      int aRow,
      int aStep,
      float[] b,
      int bOffset,
      int bStride,
      int depth,
      float[] c,
      int cOffset,
      int cStride) {
    final int c0 = cOffset + 0 * cStride;
    FloatVector x0 = FloatVector.fromArray(S, c, c0);
    FloatVector y0 = FloatVector.fromArray(S, c, c0 + L);
    final int c1 = cOffset + 1 * cStride;
    FloatVector x1 = FloatVector.fromArray(S, c, c1);
    FloatVector y1 = FloatVector.fromArray(S, c, c1 + L);
    final int c2 = cOffset + 2 * cStride;
    FloatVector x2 = FloatVector.fromArray(S, c, c2);
    FloatVector y2 = FloatVector.fromArray(S, c, c2 + L);
    final int c3 = cOffset + 3 * cStride;
    FloatVector x3 = FloatVector.fromArray(S, c, c3);
    FloatVector y3 = FloatVector.fromArray(S, c, c3 + L);
    final int r1 = aRow;
    final int r2 = 2 * aRow;
    final int r3 = 3 * aRow;
    int at = aOffset;
    int bt = bOffset;
    for (int k = 0; k < depth; k++) {
      final FloatVector p = FloatVector.fromArray(S, b, bt);
      final FloatVector q = FloatVector.fromArray(S, b, bt + L);
      final FloatVector a0 = FloatVector.broadcast(S, a[at]);
      x0 = p.fma(a0, x0);
      y0 = q.fma(a0, y0);
      final FloatVector a1 = FloatVector.broadcast(S, a[at + r1]);
      x1 = p.fma(a1, x1);
      y1 = q.fma(a1, y1);
      final FloatVector a2 = FloatVector.broadcast(S, a[at + r2]);
      x2 = p.fma(a2, x2);
      y2 = q.fma(a2, y2);
      final FloatVector a3 = FloatVector.broadcast(S, a[at + r3]);
      x3 = p.fma(a3, x3);
      y3 = q.fma(a3, y3);
      at += aStep;
      bt += bStride;
    }
    x0.intoArray(c, c0);
    y0.intoArray(c, c0 + L);
    x1.intoArray(c, c1);
    y1.intoArray(c, c1 + L);
    x2.intoArray(c, c2);
    y2.intoArray(c, c2 + L);
    x3.intoArray(c, c3);
    y3.intoArray(c, c3 + L);
  }

  /**
   * {@code sums_t += a_t . b_t} over {@code rows} rows.
   *
   * @param bStride 0 where one row serves all
   * @param length a multiple of {@link #W}
   * @param lanes room for one vector
   */
  static void dots(
      float[] a,
      int aStride,
      float[] b,
      int bOffset,
      int bStride,
      int rows,
      int length,
      float[] sums,
      float[] lanes) {
    for (int t = 0; t < rows; t++) {
      sums[t] += dot(a, t * aStride, b, bOffset + t * bStride, length, lanes);
    }
  }

  /** {@code a . b}, lanes in one fixed order. */
  static float dot(float[] a, int aOffset, float[] b, int bOffset, int length, float[] lanes) {
    FloatVector x = FloatVector.zero(S);
    FloatVector y = FloatVector.zero(S);
    for (int c = 0; c < length; c += W) {
      x = FloatVector.fromArray(S, a, aOffset + c).fma(FloatVector.fromArray(S, b, bOffset + c), x);
      y =
          FloatVector.fromArray(S, a, aOffset + c + L)
              .fma(FloatVector.fromArray(S, b, bOffset + c + L), y);
    }
    x.add(y).intoArray(lanes, 0);
    float sum = 0;
    for (int lane = 0; lane < L; lane++) {
      sum += lanes[lane];
    }
    return sum;
  }

  /** {@code sums += sum_t w_t x_t}. */
  static void addRows(
      float[] weights, int rows, float[] x, int stride, int length, float[] sums, int offset) {
    for (int c = 0; c < length; c += W) {
      addColumns(weights, rows, x, c, stride, sums, offset + c);
    }
  }

  private static void addColumns(
      float[] weights, int rows, float[] x, int offset, int stride, float[] sums, int to) {
    FloatVector a = FloatVector.fromArray(S, sums, to);
    FloatVector b = FloatVector.fromArray(S, sums, to + L);
    int at = offset;
    for (int t = 0; t < rows; t++) {
      final FloatVector w = FloatVector.broadcast(S, weights[t]);
      a = w.fma(FloatVector.fromArray(S, x, at), a);
      b = w.fma(FloatVector.fromArray(S, x, at + L), b);
      at += stride;
    }
    a.intoArray(sums, to);
    b.intoArray(sums, to + L);
  }

  /** {@code x_t += w_t y}, one row y for all. */
  static void addOuter(
      float[] weights, int rows, float[] y, int yOffset, float[] x, int stride, int length) {
    for (int t = 0; t < rows; t++) {
      final FloatVector w = FloatVector.broadcast(S, weights[t]);
      for (int c = 0; c < length; c += L) {
        final int at = t * stride + c;
        FloatVector.fromArray(S, y, yOffset + c)
            .fma(w, FloatVector.fromArray(S, x, at))
            .intoArray(x, at);
      }
    }
  }

  /** {@code x_t += w_t y_t}. */
  static void addScaledRows(
      float[] weights, int rows, float[] y, float[] x, int stride, int length) {
    for (int t = 0; t < rows; t++) {
      final FloatVector w = FloatVector.broadcast(S, weights[t]);
      for (int c = 0; c < length; c += L) {
        final int at = t * stride + c;
        FloatVector.fromArray(S, y, at).fma(w, FloatVector.fromArray(S, x, at)).intoArray(x, at);
      }
    }
  }

  /** {@code x_t = w_t y_t}. */
  static void scaleRows(float[] weights, int rows, float[] y, float[] x, int stride, int length) {
    for (int t = 0; t < rows; t++) {
      final FloatVector w = FloatVector.broadcast(S, weights[t]);
      for (int c = 0; c < length; c += L) {
        FloatVector.fromArray(S, y, t * stride + c).mul(w).intoArray(x, t * stride + c);
      }
    }
  }

  /** {@code p_t = start + x_0 + .. + x_t}. */
  static void prefixes(
      float[] start, int startOffset, float[] x, int rows, int stride, int length, float[] p) {
    for (int c = 0; c < length; c += L) {
      FloatVector sum = FloatVector.fromArray(S, start, startOffset + c);
      for (int t = 0; t < rows; t++) {
        sum = sum.add(FloatVector.fromArray(S, x, t * stride + c));
        sum.intoArray(p, t * stride + c);
      }
    }
  }

  /** {@code x_t += sum_{i >= t} w_i y_i}. */
  static void addSuffixes(float[] weights, float[] y, int rows, int stride, int length, float[] x) {
    for (int c = 0; c < length; c += L) {
      FloatVector sum = FloatVector.zero(S);
      for (int t = rows - 1; t >= 0; t--) {
        final int at = t * stride + c;
        sum = FloatVector.broadcast(S, weights[t]).fma(FloatVector.fromArray(S, y, at), sum);
        sum.add(FloatVector.fromArray(S, x, at)).intoArray(x, at);
      }
    }
  }

  /** Whether all numbers are finite. */
  static boolean finite(float[] x, int offset, int count, float[] lanes) {
    FloatVector nothing = FloatVector.zero(S);
    for (int i = 0; i < count; i += L) {
      nothing = FloatVector.fromArray(S, x, offset + i).fma(FloatVector.zero(S), nothing);
    }
    nothing.intoArray(lanes, 0);
    boolean finite = true;
    for (int lane = 0; lane < L; lane++) {
      finite &= lanes[lane] == 0;
    }
    return finite;
  }

  /**
   * Adds to sums that are kept in two parts, so that they lose nothing however many are added:
   * {@code high + low += x}, after Knuth and Dekker.
   *
   * @param x overwritten with 0
   */
  static void fold(float[] x, float[] high, float[] low, int count) {
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < count; i += L) {
      final FloatVector h = FloatVector.fromArray(S, high, i);
      final FloatVector added = FloatVector.fromArray(S, x, i);
      final FloatVector sum = h.add(added);
      final FloatVector part = sum.sub(h);
      final FloatVector rest =
          h.sub(sum.sub(part)).add(added.sub(part)).add(FloatVector.fromArray(S, low, i));
      final FloatVector top = sum.add(rest);
      top.intoArray(high, i);
      rest.sub(top.sub(sum)).intoArray(low, i);
      zero.intoArray(x, i);
    }
  }

  /** Writes the transpose of {@code rows} rows; columns beyond them are 0. */
  static void turn(
      float[] x, int offset, int stride, int rows, int columns, float[] to, int toStride) {
    for (int c = 0; c < columns; c++) {
      int at = offset + c;
      final int start = c * toStride;
      for (int t = 0; t < rows; t++) {
        to[start + t] = x[at];
        at += stride;
      }
      for (int t = rows; t < toStride; t++) {
        to[start + t] = 0;
      }
    }
  }
}
