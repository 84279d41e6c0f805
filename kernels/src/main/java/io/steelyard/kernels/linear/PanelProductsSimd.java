package io.steelyard.kernels.linear;

import io.steelyard.kernels.dense.GemmSimd;
import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products and sums over panels: row-major numbers in an array, rows a whole number of tiles of
 * {@link #W} apart, so that no loop over columns has a tail.
 *
 * <p>Factors of a product are packed for {@link GemmSimd}. A left factor lies in groups of {@link
 * #R} rows, of each group one column after another; a right factor in slabs of W columns, of each
 * slab one row after another. How many columns or rows a group or slab has room for is its pitch.
 */
final class PanelProductsSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Columns of a slab. */
  static final int W = GemmSimd.W;

  /** Rows of a group. */
  static final int R = GemmSimd.ROWS;

  private static final VectorSpecies<Float> GROUP =
      VectorSpecies.of(float.class, VectorShape.forBitSize(R * Float.SIZE));

  private PanelProductsSimd() {}

  /**
   * {@code C += A B}.
   *
   * @param a groups
   * @param b slabs
   * @param c row-major, for {@code cJump = W}; slabs, for {@code cStride = W}
   * @param cJump distance of neighbours W columns apart
   * @param rows of C; {@link #R} at a time, so that up to R - 1 rows more are written
   * @param columns of C, a multiple of W
   */
  static void multiply(
      float[] a,
      int aPitch,
      float[] b,
      int bPitch,
      int depth,
      float[] c,
      int cStride,
      int cJump,
      int rows,
      int columns) {
    for (int x = 0; x < columns; x += W) {
      for (int i = 0; i < rows; i += R) {
        GemmSimd.multiply(
            a, i * aPitch, b, x * bPitch, depth, c, i * cStride + x / W * cJump, cStride);
      }
    }
  }

  /** Packs rows as a left factor. */
  static void groupRows(float[] x, int stride, int rows, int columns, float[] to, int pitch) {
    for (int i = 0; i < rows; i += R) {
      if (R == 8) {
        group8(x, i * stride, stride, columns, to, i * pitch);
      } else {
        group4(x, i * stride, stride, columns, to, i * pitch);
      }
    }
  }

  private static void group4(float[] x, int at, int stride, int columns, float[] to, int offset) {
    final int x1 = at + stride;
    final int x2 = x1 + stride;
    final int x3 = x2 + stride;
    for (int k = 0; k < columns; k++) {
      final int start = offset + 4 * k;
      to[start] = x[at + k];
      to[start + 1] = x[x1 + k];
      to[start + 2] = x[x2 + k];
      to[start + 3] = x[x3 + k];
    }
  }

  private static void group8(float[] x, int at, int stride, int columns, float[] to, int offset) {
    for (int k = 0; k < columns; k++) {
      final int start = offset + 8 * k;
      for (int i = 0; i < 8; i++) {
        to[start + i] = x[at + i * stride + k];
      }
    }
  }

  /** Packs the transpose of rows as a left factor. */
  static void groupColumns(float[] x, int stride, int rows, int columns, float[] to, int pitch) {
    for (int c = 0; c < columns; c += R) {
      int at = c;
      int start = c * pitch;
      for (int k = 0; k < rows; k++) {
        FloatVector.fromArray(GROUP, x, at).intoArray(to, start);
        at += stride;
        start += R;
      }
    }
  }

  /** Packs rows as a right factor. */
  static void slabs(float[] x, int stride, int rows, int columns, float[] to, int pitch) {
    for (int c = 0; c < columns; c += W) {
      int at = c;
      int start = c * pitch;
      for (int k = 0; k < rows; k++) {
        FloatVector.fromArray(S, x, at).intoArray(to, start);
        FloatVector.fromArray(S, x, at + L).intoArray(to, start + L);
        at += stride;
        start += W;
      }
    }
  }

  /** From rows as a left factor to their transpose as a right factor: W columns for W rows. */
  static void turnGroups(float[] groups, int pitch, int rows, int depth, float[] to, int toPitch) {
    for (int i = 0; i < rows; i += R) {
      int at = i * pitch;
      int start = i / W * W * toPitch + i % W;
      for (int k = 0; k < depth; k++) {
        FloatVector.fromArray(GROUP, groups, at).intoArray(to, start);
        at += R;
        start += W;
      }
    }
  }

  /** From slabs to slabs of the transpose. */
  static void turnSlabs(float[] x, int pitch, int rows, int columns, float[] to, int toPitch) {
    for (int c = 0; c < columns; c++) {
      final int at = c / W * W * pitch + c % W;
      for (int k = 0; k < rows; k++) {
        to[k / W * W * toPitch + c * W + k % W] = x[at + k * W];
      }
    }
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
}
