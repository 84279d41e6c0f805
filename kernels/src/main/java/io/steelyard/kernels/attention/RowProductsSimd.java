package io.steelyard.kernels.attention;

import io.steelyard.kernels.simd.AcrossLanesSimd;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The two products of attention for one query, which has to wait for memory and not for arithmetic:
 * every key and value is read once, front to back. Public for the kernels of this module that score
 * rows for one query as well.
 */
public final class RowProductsSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Between these, squares of norms are neither rounded to nothing nor too large for a float. */
  private static final float SMALL = 0x1p-60f;

  private static final float LARGE = 0x1p120f;

  private RowProductsSimd() {}

  /** Room that {@link #scores} needs. */
  public static float[] room() {
    return new float[AcrossLanesSimd.ROOM];
  }

  /**
   * {@code s_j = q.k_j}.
   *
   * @param q a query of {@code d} numbers
   * @param scores receives {@code keys} numbers
   * @param vectors {@link #room}
   */
  public static void scores(
      float[] q,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      int keys,
      float[] scores,
      float[] vectors) {
    final int whole = d - d % L;
    for (int from = 0; from < keys; from += AcrossLanesSimd.COUNT) {
      final int count = Math.min(AcrossLanesSimd.COUNT, keys - from);
      final int at = kOffset + from * kStride;
      Arrays.fill(vectors, 0);
      int c = 0;
      for (; c <= d - 4 * L; c += 4 * L) {
        products4(q, c, k, at + c, kStride, count, vectors);
      }
      for (; c < whole; c += L) {
        products1(q, c, k, at + c, kStride, count, vectors);
      }
      AcrossLanesSimd.sums(vectors);
      System.arraycopy(vectors, 0, scores, from, count);
    }
    for (int j = 0; whole < d && j < keys; j++) {
      for (int c = whole; c < d; c++) {
        scores[j] = Math.fma(q[c], k[kOffset + j * kStride + c], scores[j]);
      }
    }
  }

  private static void products4(
      float[] q, int c, float[] k, int kOffset, int kStride, int keys, float[] vectors) {
    final FloatVector q0 = FloatVector.fromArray(S, q, c);
    final FloatVector q1 = FloatVector.fromArray(S, q, c + L);
    final FloatVector q2 = FloatVector.fromArray(S, q, c + 2 * L);
    final FloatVector q3 = FloatVector.fromArray(S, q, c + 3 * L);
    int x = kOffset;
    for (int j = 0; j < keys; j++) {
      FloatVector a = FloatVector.fromArray(S, vectors, j * L);
      FloatVector b = FloatVector.fromArray(S, k, x + L).mul(q1);
      a = FloatVector.fromArray(S, k, x).fma(q0, a);
      b = FloatVector.fromArray(S, k, x + 3 * L).fma(q3, b);
      a = FloatVector.fromArray(S, k, x + 2 * L).fma(q2, a);
      a.add(b).intoArray(vectors, j * L);
      x += kStride;
    }
  }

  private static void products1(
      float[] q, int c, float[] k, int kOffset, int kStride, int keys, float[] vectors) {
    final FloatVector q0 = FloatVector.fromArray(S, q, c);
    for (int j = 0; j < keys; j++) {
      final FloatVector a = FloatVector.fromArray(S, vectors, j * L);
      FloatVector.fromArray(S, k, kOffset + j * kStride).fma(q0, a).intoArray(vectors, j * L);
    }
  }

  /**
   * {@code sum_c x_jc y_jc} of each row.
   *
   * @param xStride distance of the rows of x
   * @param sums receives {@code rows} numbers
   * @param vectors {@link #room}
   */
  static void dots(
      float[] x,
      int xStride,
      float[] y,
      int yStride,
      int d,
      int rows,
      float[] sums,
      float[] vectors) {
    final int whole = d - d % L;
    for (int from = 0; from < rows; from += AcrossLanesSimd.COUNT) {
      final int count = Math.min(AcrossLanesSimd.COUNT, rows - from);
      for (int j = 0; j < count; j++) {
        FloatVector a = FloatVector.zero(S);
        for (int c = 0; c < whole; c += L) {
          a =
              FloatVector.fromArray(S, x, (from + j) * xStride + c)
                  .fma(FloatVector.fromArray(S, y, (from + j) * yStride + c), a);
        }
        a.intoArray(vectors, j * L);
      }
      AcrossLanesSimd.sums(vectors);
      System.arraycopy(vectors, 0, sums, from, count);
    }
    for (int j = 0; whole < d && j < rows; j++) {
      for (int c = whole; c < d; c++) {
        sums[j] = Math.fma(x[j * xStride + c], y[j * yStride + c], sums[j]);
      }
    }
  }

  /** Whether rows of numbers are all finite. */
  static boolean finite(float[] numbers, int offset, int stride, int count, int length) {
    final int whole = length - length % L;
    // A finite number times 0 is 0, any other NaN.
    FloatVector nothing = FloatVector.zero(S);
    float rest = 0;
    for (int j = 0; j < count; j++) {
      final int at = offset + j * stride;
      for (int c = 0; c < whole; c += L) {
        nothing = nothing.add(FloatVector.fromArray(S, numbers, at + c).mul(0f));
      }
      for (int c = whole; c < length; c++) {
        rest += numbers[at + c] * 0f;
      }
    }
    return rest == 0 && nothing.eq(0f).allTrue();
  }

  /**
   * Rows over their norms; zeros for one that is too short to have a direction.
   *
   * @param to receives {@code count} rows of {@code d} numbers; may be {@code from}, at the same
   *     places
   * @param lanes room for one vector
   */
  static void directions(
      float[] from, int offset, int stride, int d, int count, float[] to, float[] lanes) {
    final int whole = d - d % L;
    for (int j = 0; j < count; j++) {
      final int at = offset + j * stride;
      float squares = squareOfNorm(from, at, whole, lanes);
      for (int c = whole; c < d; c++) {
        squares = Math.fma(from[at + c], from[at + c], squares);
      }
      if (squares > SMALL && squares < LARGE) {
        final float factor = (float) (1 / Math.sqrt(squares));
        for (int c = 0; c < d; c++) {
          to[j * d + c] = from[at + c] * factor;
        }
      } else {
        final double length = AttentionScores.length(from, at, d);
        for (int c = 0; c < d; c++) {
          to[j * d + c] = (float) (from[at + c] / length);
        }
      }
    }
  }

  private static float squareOfNorm(float[] x, int at, int d, float[] lanes) {
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    int c = 0;
    for (; c <= d - 2 * L; c += 2 * L) {
      final FloatVector u = FloatVector.fromArray(S, x, at + c);
      final FloatVector v = FloatVector.fromArray(S, x, at + c + L);
      a = u.fma(u, a);
      b = v.fma(v, b);
    }
    if (c < d) {
      final FloatVector u = FloatVector.fromArray(S, x, at + c);
      a = u.fma(u, a);
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  /**
   * {@code s_j = factor |q - k_j|^2}.
   *
   * @param q a query of {@code d} numbers
   * @param scores receives {@code keys} numbers
   * @param vectors {@link #room}
   */
  static void distances(
      float[] q,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      int keys,
      float factor,
      float[] scores,
      float[] vectors) {
    final int whole = d - d % L;
    for (int from = 0; from < keys; from += AcrossLanesSimd.COUNT) {
      final int count = Math.min(AcrossLanesSimd.COUNT, keys - from);
      Arrays.fill(vectors, 0);
      for (int c = 0; c < whole; c += L) {
        squares(q, c, k, kOffset + from * kStride + c, kStride, count, vectors);
      }
      AcrossLanesSimd.sums(vectors);
      System.arraycopy(vectors, 0, scores, from, count);
    }
    for (int j = 0; j < keys; j++) {
      final int at = kOffset + j * kStride;
      float sum = scores[j];
      for (int c = whole; c < d; c++) {
        final float difference = q[c] - k[at + c];
        sum = Math.fma(difference, difference, sum);
      }
      scores[j] = sum * factor;
    }
  }

  private static void squares(
      float[] q, int c, float[] k, int kOffset, int kStride, int keys, float[] vectors) {
    final FloatVector q0 = FloatVector.fromArray(S, q, c);
    for (int j = 0; j < keys; j++) {
      final FloatVector x = q0.sub(FloatVector.fromArray(S, k, kOffset + j * kStride));
      x.fma(x, FloatVector.fromArray(S, vectors, j * L)).intoArray(vectors, j * L);
    }
  }

  /**
   * {@code o += sum_j p_j v_j}.
   *
   * @param weights {@code keys} numbers
   * @param o {@code d} numbers from {@code oOffset}
   */
  static void accumulate(
      float[] weights,
      int keys,
      float[] v,
      int vOffset,
      int vStride,
      int d,
      float[] o,
      int oOffset) {
    int c = 0;
    for (; c <= d - 4 * L; c += 4 * L) {
      accumulate4(weights, keys, v, vOffset + c, vStride, o, oOffset + c);
    }
    for (; c <= d - L; c += L) {
      accumulate1(weights, keys, v, vOffset + c, vStride, o, oOffset + c);
    }
    for (; c < d; c++) {
      float sum = o[oOffset + c];
      for (int j = 0; j < keys; j++) {
        sum = Math.fma(weights[j], v[vOffset + c + j * vStride], sum);
      }
      o[oOffset + c] = sum;
    }
  }

  private static void accumulate4(
      float[] weights, int keys, float[] v, int at, int vStride, float[] o, int to) {
    FloatVector a = FloatVector.fromArray(S, o, to);
    FloatVector b = FloatVector.fromArray(S, o, to + L);
    FloatVector c = FloatVector.fromArray(S, o, to + 2 * L);
    FloatVector d = FloatVector.fromArray(S, o, to + 3 * L);
    int x = at;
    for (int j = 0; j < keys; j++) {
      final FloatVector p = FloatVector.broadcast(S, weights[j]);
      a = p.fma(FloatVector.fromArray(S, v, x), a);
      b = p.fma(FloatVector.fromArray(S, v, x + L), b);
      c = p.fma(FloatVector.fromArray(S, v, x + 2 * L), c);
      d = p.fma(FloatVector.fromArray(S, v, x + 3 * L), d);
      x += vStride;
    }
    a.intoArray(o, to);
    b.intoArray(o, to + L);
    c.intoArray(o, to + 2 * L);
    d.intoArray(o, to + 3 * L);
  }

  private static void accumulate1(
      float[] weights, int keys, float[] v, int at, int vStride, float[] o, int to) {
    FloatVector a = FloatVector.fromArray(S, o, to);
    for (int j = 0; j < keys; j++) {
      a = FloatVector.fromArray(S, v, at + j * vStride).mul(weights[j]).add(a);
    }
    a.intoArray(o, to);
  }
}
