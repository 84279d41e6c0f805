package io.steelyard.kernels.linear;

import static jdk.incubator.vector.VectorOperators.NE;

import io.steelyard.kernels.dense.GemmSimd;
import io.steelyard.kernels.simd.Lanes;
import java.util.Arrays;
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
   * {@code sums_t += a_t . b_t} over {@code rows} rows, lanes in one fixed order. Four rows at a
   * time, so that up to three more are read.
   *
   * @param bStride 0 where one row serves all
   * @param length a multiple of {@link #W}
   * @param lanes room for four vectors
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
    for (int t = 0; t < rows; t += 4) {
      dots4(a, t * aStride, aStride, b, bOffset + t * bStride, bStride, length, lanes);
      final int some = Math.min(4, rows - t);
      for (int i = 0; i < some; i++) {
        float sum = 0;
        for (int lane = i * L; lane < i * L + L; lane++) {
          sum += lanes[lane];
        }
        sums[t + i] += sum;
      }
    }
  }

  private static void dots4(
      float[] a, int a0, int aStride, float[] b, int b0, int bStride, int length, float[] lanes) {
    final int a1 = a0 + aStride;
    final int a2 = a1 + aStride;
    final int a3 = a2 + aStride;
    final int b1 = b0 + bStride;
    final int b2 = b1 + bStride;
    final int b3 = b2 + bStride;
    FloatVector x0 = FloatVector.zero(S);
    FloatVector y0 = FloatVector.zero(S);
    FloatVector x1 = FloatVector.zero(S);
    FloatVector y1 = FloatVector.zero(S);
    FloatVector x2 = FloatVector.zero(S);
    FloatVector y2 = FloatVector.zero(S);
    FloatVector x3 = FloatVector.zero(S);
    FloatVector y3 = FloatVector.zero(S);
    for (int c = 0; c < length; c += W) {
      final int d = c + L;
      x0 = FloatVector.fromArray(S, a, a0 + c).fma(FloatVector.fromArray(S, b, b0 + c), x0);
      y0 = FloatVector.fromArray(S, a, a0 + d).fma(FloatVector.fromArray(S, b, b0 + d), y0);
      x1 = FloatVector.fromArray(S, a, a1 + c).fma(FloatVector.fromArray(S, b, b1 + c), x1);
      y1 = FloatVector.fromArray(S, a, a1 + d).fma(FloatVector.fromArray(S, b, b1 + d), y1);
      x2 = FloatVector.fromArray(S, a, a2 + c).fma(FloatVector.fromArray(S, b, b2 + c), x2);
      y2 = FloatVector.fromArray(S, a, a2 + d).fma(FloatVector.fromArray(S, b, b2 + d), y2);
      x3 = FloatVector.fromArray(S, a, a3 + c).fma(FloatVector.fromArray(S, b, b3 + c), x3);
      y3 = FloatVector.fromArray(S, a, a3 + d).fma(FloatVector.fromArray(S, b, b3 + d), y3);
    }
    x0.add(y0).intoArray(lanes, 0);
    x1.add(y1).intoArray(lanes, L);
    x2.add(y2).intoArray(lanes, 2 * L);
    x3.add(y3).intoArray(lanes, 3 * L);
  }

  /** {@code sums += sum_t w_t x_t}. */
  static void addRows(
      float[] weights, int rows, float[] x, int stride, int length, float[] sums, int offset) {
    for (int c = 0; c < length; c += W) {
      addColumns(weights, rows, x, c, stride, sums, offset + c);
    }
  }

  /** Every fourth row goes to the same sum, so that four sums are under way. */
  private static void addColumns(
      float[] weights, int rows, float[] x, int offset, int stride, float[] sums, int to) {
    FloatVector a0 = FloatVector.fromArray(S, sums, to);
    FloatVector b0 = FloatVector.fromArray(S, sums, to + L);
    FloatVector a1 = FloatVector.zero(S);
    FloatVector b1 = FloatVector.zero(S);
    FloatVector a2 = FloatVector.zero(S);
    FloatVector b2 = FloatVector.zero(S);
    FloatVector a3 = FloatVector.zero(S);
    FloatVector b3 = FloatVector.zero(S);
    final int whole = rows & -4;
    int at = offset;
    for (int t = 0; t < whole; t += 4) {
      final FloatVector w0 = FloatVector.broadcast(S, weights[t]);
      a0 = w0.fma(FloatVector.fromArray(S, x, at), a0);
      b0 = w0.fma(FloatVector.fromArray(S, x, at + L), b0);
      at += stride;
      final FloatVector w1 = FloatVector.broadcast(S, weights[t + 1]);
      a1 = w1.fma(FloatVector.fromArray(S, x, at), a1);
      b1 = w1.fma(FloatVector.fromArray(S, x, at + L), b1);
      at += stride;
      final FloatVector w2 = FloatVector.broadcast(S, weights[t + 2]);
      a2 = w2.fma(FloatVector.fromArray(S, x, at), a2);
      b2 = w2.fma(FloatVector.fromArray(S, x, at + L), b2);
      at += stride;
      final FloatVector w3 = FloatVector.broadcast(S, weights[t + 3]);
      a3 = w3.fma(FloatVector.fromArray(S, x, at), a3);
      b3 = w3.fma(FloatVector.fromArray(S, x, at + L), b3);
      at += stride;
    }
    for (int t = whole; t < rows; t++) {
      final FloatVector w = FloatVector.broadcast(S, weights[t]);
      a0 = w.fma(FloatVector.fromArray(S, x, at), a0);
      b0 = w.fma(FloatVector.fromArray(S, x, at + L), b0);
      at += stride;
    }
    a0.add(a1).add(a2.add(a3)).intoArray(sums, to);
    b0.add(b1).add(b2.add(b3)).intoArray(sums, to + L);
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
    System.arraycopy(start, startOffset, p, 0, length);
    for (int t = 0; t < rows; t++) {
      // Each sum is read back from the row above: no vector outlives an iteration.
      final int before = Math.max(0, t - 1) * stride;
      for (int c = 0; c < length; c += L) {
        FloatVector.fromArray(S, p, before + c)
            .add(FloatVector.fromArray(S, x, t * stride + c))
            .intoArray(p, t * stride + c);
      }
    }
  }

  /**
   * {@code x_t += sum_{i >= t} w_i y_i}.
   *
   * @param sums room for a row
   */
  static void addSuffixes(
      float[] weights, float[] y, int rows, int stride, int length, float[] x, float[] sums) {
    Arrays.fill(sums, 0, length, 0);
    for (int t = rows - 1; t >= 0; t--) {
      final FloatVector w = FloatVector.broadcast(S, weights[t]);
      for (int c = 0; c < length; c += L) {
        final int at = t * stride + c;
        final FloatVector sum =
            w.fma(FloatVector.fromArray(S, y, at), FloatVector.fromArray(S, sums, c));
        sum.intoArray(sums, c);
        sum.add(FloatVector.fromArray(S, x, at)).intoArray(x, at);
      }
    }
  }

  /**
   * Whether all numbers are finite.
   *
   * @param count a multiple of {@link #W}
   */
  static boolean finite(float[] x, int offset, int count) {
    final FloatVector zero = FloatVector.zero(S);
    for (int i = offset; i < offset + count; i += W) {
      final FloatVector a = FloatVector.fromArray(S, x, i).mul(zero);
      final FloatVector b = FloatVector.fromArray(S, x, i + L).mul(zero);
      if (a.add(b).compare(NE, zero).anyTrue()) {
        return false;
      }
    }
    return true;
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
