package io.steelyard.kernels.attention;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The matrix products of fused attention, on a tile of {@link #W} queries by some keys. Public for
 * the kernels of this module that look at scores of queries tile by tile as well.
 *
 * <p>Queries run across lanes: a tile holds {@code S^T}, one row of W floats for each key. Then
 * keys and values are read as they lie in memory, one number broadcast to all lanes at a time, and
 * nothing of them is packed or transposed; statistics over keys need no sum over lanes; and only
 * the queries, and the outputs once at the end, are transposed.
 *
 * <p>Eight rows at a time leave 16 accumulators in flight, enough to hide the latency of two
 * multiply-add units; they need the 32 registers that come with 512-bit vectors. Narrower vectors
 * take four.
 */
public final class TileProductsSimd {

  /** Queries in a tile: two vectors. */
  public static final int W = Lanes.BLOCK;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final boolean MANY_REGISTERS = L >= 16;

  private TileProductsSimd() {}

  /**
   * {@code S^T = K Q^T}.
   *
   * @param qt {@code Q^T}, d rows of W
   * @param k rows of keys
   * @param tile receives {@code keys} rows of W
   */
  public static void scores(
      float[] qt, int qOffset, int d, float[] k, int kOffset, int kStride, int keys, float[] tile) {
    scores(qt, qOffset, d, k, kOffset, kStride, keys, tile, 0, W);
  }

  /** As above, with rows of the result that are {@code stride} apart. */
  static void scores(
      float[] qt,
      int qOffset,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      int keys,
      float[] tile,
      int offset,
      int stride) {
    int j = 0;
    if (MANY_REGISTERS) {
      for (; j <= keys - 8; j += 8) {
        scores8(
            qt, qOffset, d, k, kOffset + j * kStride, kStride, tile, offset + j * stride, stride);
      }
    }
    for (; j <= keys - 4; j += 4) {
      scores4(qt, qOffset, d, k, kOffset + j * kStride, kStride, tile, offset + j * stride, stride);
    }
    for (; j < keys; j++) {
      scores1(qt, qOffset, d, k, kOffset + j * kStride, tile, offset + j * stride);
    }
  }

  /**
   * {@code D_ji = factor |k_j - q_i|^2}, from the differences.
   *
   * @param qt {@code Q^T}, d rows of W
   * @param k rows of keys
   * @param tile receives {@code keys} rows of W
   */
  static void distances(
      float[] qt,
      int qOffset,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      int keys,
      float factor,
      float[] tile) {
    int j = 0;
    if (MANY_REGISTERS) {
      for (; j <= keys - 8; j += 8) {
        distances8(qt, qOffset, d, k, kOffset, kStride, factor, tile, j);
      }
    }
    for (; j <= keys - 4; j += 4) {
      distances4(qt, qOffset, d, k, kOffset, kStride, factor, tile, j);
    }
    for (; j < keys; j++) {
      distances1(qt, qOffset, d, k, kOffset, kStride, factor, tile, j);
    }
  }

  /**
   * {@code O^T += V^T P^T}.
   *
   * @param tile {@code P^T}, {@code keys} rows of W
   * @param v rows of values
   * @param ot {@code O^T}, d rows of W
   */
  static void accumulate(
      float[] tile, int keys, float[] v, int vOffset, int vStride, int d, float[] ot, int oOffset) {
    int c = 0;
    if (MANY_REGISTERS) {
      for (; c <= d - 8; c += 8) {
        accumulate8(tile, keys, v, vOffset, vStride, ot, oOffset, c);
      }
    }
    for (; c <= d - 4; c += 4) {
      accumulate4(tile, keys, v, vOffset, vStride, ot, oOffset, c);
    }
    for (; c < d; c++) {
      accumulate1(tile, keys, v, vOffset, vStride, ot, oOffset, c);
    }
  }

  /**
   * {@code out_j += sum_i p_ij row_i}: sums over the queries of a tile.
   *
   * @param tile {@code P^T}, {@code keys} rows of W
   * @param rows one for each lane
   * @param stride extent of a row of {@code rows} and {@code out}, a multiple of W
   * @param out {@code keys} rows
   */
  static void outer(float[] tile, int keys, float[] rows, int stride, int lanes, float[] out) {
    int j = 0;
    if (MANY_REGISTERS) {
      for (; j <= keys - 8; j += 8) {
        for (int c = 0; c < stride; c += W) {
          outer8(tile, j, rows, stride, lanes, out, c);
        }
      }
    }
    for (; j <= keys - 4; j += 4) {
      for (int c = 0; c < stride; c += W) {
        outer4(tile, j, rows, stride, lanes, out, c);
      }
    }
    for (; j < keys; j++) {
      for (int c = 0; c < stride; c += W) {
        outer1(tile, j, rows, stride, lanes, out, c);
      }
    }
  }

  private static void scores8(
      float[] qt,
      int qOffset,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      float[] tile,
      int t,
      int stride) {
    final int k0 = kOffset;
    final int k1 = k0 + kStride;
    final int k2 = k1 + kStride;
    final int k3 = k2 + kStride;
    final int k4 = k3 + kStride;
    final int k5 = k4 + kStride;
    final int k6 = k5 + kStride;
    final int k7 = k6 + kStride;
    FloatVector a0 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    FloatVector a1 = FloatVector.zero(S);
    FloatVector b1 = FloatVector.zero(S);
    FloatVector a2 = FloatVector.zero(S);
    FloatVector b2 = FloatVector.zero(S);
    FloatVector a3 = FloatVector.zero(S);
    FloatVector b3 = FloatVector.zero(S);
    FloatVector a4 = FloatVector.zero(S);
    FloatVector b4 = FloatVector.zero(S);
    FloatVector a5 = FloatVector.zero(S);
    FloatVector b5 = FloatVector.zero(S);
    FloatVector a6 = FloatVector.zero(S);
    FloatVector b6 = FloatVector.zero(S);
    FloatVector a7 = FloatVector.zero(S);
    FloatVector b7 = FloatVector.zero(S);
    for (int c = 0; c < d; c++) {
      final FloatVector qa = FloatVector.fromArray(S, qt, qOffset + c * W);
      final FloatVector qb = FloatVector.fromArray(S, qt, qOffset + c * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, k[k0 + c]);
      a0 = qa.fma(x0, a0);
      b0 = qb.fma(x0, b0);
      final FloatVector x1 = FloatVector.broadcast(S, k[k1 + c]);
      a1 = qa.fma(x1, a1);
      b1 = qb.fma(x1, b1);
      final FloatVector x2 = FloatVector.broadcast(S, k[k2 + c]);
      a2 = qa.fma(x2, a2);
      b2 = qb.fma(x2, b2);
      final FloatVector x3 = FloatVector.broadcast(S, k[k3 + c]);
      a3 = qa.fma(x3, a3);
      b3 = qb.fma(x3, b3);
      final FloatVector x4 = FloatVector.broadcast(S, k[k4 + c]);
      a4 = qa.fma(x4, a4);
      b4 = qb.fma(x4, b4);
      final FloatVector x5 = FloatVector.broadcast(S, k[k5 + c]);
      a5 = qa.fma(x5, a5);
      b5 = qb.fma(x5, b5);
      final FloatVector x6 = FloatVector.broadcast(S, k[k6 + c]);
      a6 = qa.fma(x6, a6);
      b6 = qb.fma(x6, b6);
      final FloatVector x7 = FloatVector.broadcast(S, k[k7 + c]);
      a7 = qa.fma(x7, a7);
      b7 = qb.fma(x7, b7);
    }
    a0.intoArray(tile, t + 0 * stride);
    b0.intoArray(tile, t + 0 * stride + L);
    a1.intoArray(tile, t + 1 * stride);
    b1.intoArray(tile, t + 1 * stride + L);
    a2.intoArray(tile, t + 2 * stride);
    b2.intoArray(tile, t + 2 * stride + L);
    a3.intoArray(tile, t + 3 * stride);
    b3.intoArray(tile, t + 3 * stride + L);
    a4.intoArray(tile, t + 4 * stride);
    b4.intoArray(tile, t + 4 * stride + L);
    a5.intoArray(tile, t + 5 * stride);
    b5.intoArray(tile, t + 5 * stride + L);
    a6.intoArray(tile, t + 6 * stride);
    b6.intoArray(tile, t + 6 * stride + L);
    a7.intoArray(tile, t + 7 * stride);
    b7.intoArray(tile, t + 7 * stride + L);
  }

  private static void scores4(
      float[] qt,
      int qOffset,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      float[] tile,
      int t,
      int stride) {
    final int k0 = kOffset;
    final int k1 = k0 + kStride;
    final int k2 = k1 + kStride;
    final int k3 = k2 + kStride;
    FloatVector a0 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    FloatVector a1 = FloatVector.zero(S);
    FloatVector b1 = FloatVector.zero(S);
    FloatVector a2 = FloatVector.zero(S);
    FloatVector b2 = FloatVector.zero(S);
    FloatVector a3 = FloatVector.zero(S);
    FloatVector b3 = FloatVector.zero(S);
    for (int c = 0; c < d; c++) {
      final FloatVector qa = FloatVector.fromArray(S, qt, qOffset + c * W);
      final FloatVector qb = FloatVector.fromArray(S, qt, qOffset + c * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, k[k0 + c]);
      a0 = qa.fma(x0, a0);
      b0 = qb.fma(x0, b0);
      final FloatVector x1 = FloatVector.broadcast(S, k[k1 + c]);
      a1 = qa.fma(x1, a1);
      b1 = qb.fma(x1, b1);
      final FloatVector x2 = FloatVector.broadcast(S, k[k2 + c]);
      a2 = qa.fma(x2, a2);
      b2 = qb.fma(x2, b2);
      final FloatVector x3 = FloatVector.broadcast(S, k[k3 + c]);
      a3 = qa.fma(x3, a3);
      b3 = qb.fma(x3, b3);
    }
    a0.intoArray(tile, t + 0 * stride);
    b0.intoArray(tile, t + 0 * stride + L);
    a1.intoArray(tile, t + 1 * stride);
    b1.intoArray(tile, t + 1 * stride + L);
    a2.intoArray(tile, t + 2 * stride);
    b2.intoArray(tile, t + 2 * stride + L);
    a3.intoArray(tile, t + 3 * stride);
    b3.intoArray(tile, t + 3 * stride + L);
  }

  private static void scores1(
      float[] qt, int qOffset, int d, float[] k, int kOffset, float[] tile, int t) {
    final int k0 = kOffset;
    FloatVector a0 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    for (int c = 0; c < d; c++) {
      final FloatVector qa = FloatVector.fromArray(S, qt, qOffset + c * W);
      final FloatVector qb = FloatVector.fromArray(S, qt, qOffset + c * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, k[k0 + c]);
      a0 = qa.fma(x0, a0);
      b0 = qb.fma(x0, b0);
    }
    a0.intoArray(tile, t);
    b0.intoArray(tile, t + L);
  }

  private static void distances8(
      float[] qt,
      int qOffset,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      float factor,
      float[] tile,
      int j) {
    final int k0 = kOffset + j * kStride;
    final int k1 = k0 + kStride;
    final int k2 = k1 + kStride;
    final int k3 = k2 + kStride;
    final int k4 = k3 + kStride;
    final int k5 = k4 + kStride;
    final int k6 = k5 + kStride;
    final int k7 = k6 + kStride;
    FloatVector a0 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    FloatVector a1 = FloatVector.zero(S);
    FloatVector b1 = FloatVector.zero(S);
    FloatVector a2 = FloatVector.zero(S);
    FloatVector b2 = FloatVector.zero(S);
    FloatVector a3 = FloatVector.zero(S);
    FloatVector b3 = FloatVector.zero(S);
    FloatVector a4 = FloatVector.zero(S);
    FloatVector b4 = FloatVector.zero(S);
    FloatVector a5 = FloatVector.zero(S);
    FloatVector b5 = FloatVector.zero(S);
    FloatVector a6 = FloatVector.zero(S);
    FloatVector b6 = FloatVector.zero(S);
    FloatVector a7 = FloatVector.zero(S);
    FloatVector b7 = FloatVector.zero(S);
    for (int c = 0; c < d; c++) {
      final FloatVector qa = FloatVector.fromArray(S, qt, qOffset + c * W);
      final FloatVector qb = FloatVector.fromArray(S, qt, qOffset + c * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, k[k0 + c]);
      final FloatVector u0 = qa.sub(x0);
      a0 = u0.fma(u0, a0);
      final FloatVector v0 = qb.sub(x0);
      b0 = v0.fma(v0, b0);
      final FloatVector x1 = FloatVector.broadcast(S, k[k1 + c]);
      final FloatVector u1 = qa.sub(x1);
      a1 = u1.fma(u1, a1);
      final FloatVector v1 = qb.sub(x1);
      b1 = v1.fma(v1, b1);
      final FloatVector x2 = FloatVector.broadcast(S, k[k2 + c]);
      final FloatVector u2 = qa.sub(x2);
      a2 = u2.fma(u2, a2);
      final FloatVector v2 = qb.sub(x2);
      b2 = v2.fma(v2, b2);
      final FloatVector x3 = FloatVector.broadcast(S, k[k3 + c]);
      final FloatVector u3 = qa.sub(x3);
      a3 = u3.fma(u3, a3);
      final FloatVector v3 = qb.sub(x3);
      b3 = v3.fma(v3, b3);
      final FloatVector x4 = FloatVector.broadcast(S, k[k4 + c]);
      final FloatVector u4 = qa.sub(x4);
      a4 = u4.fma(u4, a4);
      final FloatVector v4 = qb.sub(x4);
      b4 = v4.fma(v4, b4);
      final FloatVector x5 = FloatVector.broadcast(S, k[k5 + c]);
      final FloatVector u5 = qa.sub(x5);
      a5 = u5.fma(u5, a5);
      final FloatVector v5 = qb.sub(x5);
      b5 = v5.fma(v5, b5);
      final FloatVector x6 = FloatVector.broadcast(S, k[k6 + c]);
      final FloatVector u6 = qa.sub(x6);
      a6 = u6.fma(u6, a6);
      final FloatVector v6 = qb.sub(x6);
      b6 = v6.fma(v6, b6);
      final FloatVector x7 = FloatVector.broadcast(S, k[k7 + c]);
      final FloatVector u7 = qa.sub(x7);
      a7 = u7.fma(u7, a7);
      final FloatVector v7 = qb.sub(x7);
      b7 = v7.fma(v7, b7);
    }
    final int t = j * W;
    a0.mul(factor).intoArray(tile, t + 0 * W);
    b0.mul(factor).intoArray(tile, t + 0 * W + L);
    a1.mul(factor).intoArray(tile, t + 1 * W);
    b1.mul(factor).intoArray(tile, t + 1 * W + L);
    a2.mul(factor).intoArray(tile, t + 2 * W);
    b2.mul(factor).intoArray(tile, t + 2 * W + L);
    a3.mul(factor).intoArray(tile, t + 3 * W);
    b3.mul(factor).intoArray(tile, t + 3 * W + L);
    a4.mul(factor).intoArray(tile, t + 4 * W);
    b4.mul(factor).intoArray(tile, t + 4 * W + L);
    a5.mul(factor).intoArray(tile, t + 5 * W);
    b5.mul(factor).intoArray(tile, t + 5 * W + L);
    a6.mul(factor).intoArray(tile, t + 6 * W);
    b6.mul(factor).intoArray(tile, t + 6 * W + L);
    a7.mul(factor).intoArray(tile, t + 7 * W);
    b7.mul(factor).intoArray(tile, t + 7 * W + L);
  }

  private static void distances4(
      float[] qt,
      int qOffset,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      float factor,
      float[] tile,
      int j) {
    final int k0 = kOffset + j * kStride;
    final int k1 = k0 + kStride;
    final int k2 = k1 + kStride;
    final int k3 = k2 + kStride;
    FloatVector a0 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    FloatVector a1 = FloatVector.zero(S);
    FloatVector b1 = FloatVector.zero(S);
    FloatVector a2 = FloatVector.zero(S);
    FloatVector b2 = FloatVector.zero(S);
    FloatVector a3 = FloatVector.zero(S);
    FloatVector b3 = FloatVector.zero(S);
    for (int c = 0; c < d; c++) {
      final FloatVector qa = FloatVector.fromArray(S, qt, qOffset + c * W);
      final FloatVector qb = FloatVector.fromArray(S, qt, qOffset + c * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, k[k0 + c]);
      final FloatVector u0 = qa.sub(x0);
      a0 = u0.fma(u0, a0);
      final FloatVector v0 = qb.sub(x0);
      b0 = v0.fma(v0, b0);
      final FloatVector x1 = FloatVector.broadcast(S, k[k1 + c]);
      final FloatVector u1 = qa.sub(x1);
      a1 = u1.fma(u1, a1);
      final FloatVector v1 = qb.sub(x1);
      b1 = v1.fma(v1, b1);
      final FloatVector x2 = FloatVector.broadcast(S, k[k2 + c]);
      final FloatVector u2 = qa.sub(x2);
      a2 = u2.fma(u2, a2);
      final FloatVector v2 = qb.sub(x2);
      b2 = v2.fma(v2, b2);
      final FloatVector x3 = FloatVector.broadcast(S, k[k3 + c]);
      final FloatVector u3 = qa.sub(x3);
      a3 = u3.fma(u3, a3);
      final FloatVector v3 = qb.sub(x3);
      b3 = v3.fma(v3, b3);
    }
    final int t = j * W;
    a0.mul(factor).intoArray(tile, t + 0 * W);
    b0.mul(factor).intoArray(tile, t + 0 * W + L);
    a1.mul(factor).intoArray(tile, t + 1 * W);
    b1.mul(factor).intoArray(tile, t + 1 * W + L);
    a2.mul(factor).intoArray(tile, t + 2 * W);
    b2.mul(factor).intoArray(tile, t + 2 * W + L);
    a3.mul(factor).intoArray(tile, t + 3 * W);
    b3.mul(factor).intoArray(tile, t + 3 * W + L);
  }

  private static void distances1(
      float[] qt,
      int qOffset,
      int d,
      float[] k,
      int kOffset,
      int kStride,
      float factor,
      float[] tile,
      int j) {
    final int k0 = kOffset + j * kStride;
    FloatVector a0 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    for (int c = 0; c < d; c++) {
      final FloatVector qa = FloatVector.fromArray(S, qt, qOffset + c * W);
      final FloatVector qb = FloatVector.fromArray(S, qt, qOffset + c * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, k[k0 + c]);
      final FloatVector u0 = qa.sub(x0);
      a0 = u0.fma(u0, a0);
      final FloatVector v0 = qb.sub(x0);
      b0 = v0.fma(v0, b0);
    }
    final int t = j * W;
    a0.mul(factor).intoArray(tile, t + 0 * W);
    b0.mul(factor).intoArray(tile, t + 0 * W + L);
  }

  private static void accumulate8(
      float[] tile, int keys, float[] v, int vOffset, int vStride, float[] ot, int oOffset, int c) {
    final int o = oOffset + c * W;
    FloatVector a0 = FloatVector.fromArray(S, ot, o + 0 * W);
    FloatVector b0 = FloatVector.fromArray(S, ot, o + 0 * W + L);
    FloatVector a1 = FloatVector.fromArray(S, ot, o + 1 * W);
    FloatVector b1 = FloatVector.fromArray(S, ot, o + 1 * W + L);
    FloatVector a2 = FloatVector.fromArray(S, ot, o + 2 * W);
    FloatVector b2 = FloatVector.fromArray(S, ot, o + 2 * W + L);
    FloatVector a3 = FloatVector.fromArray(S, ot, o + 3 * W);
    FloatVector b3 = FloatVector.fromArray(S, ot, o + 3 * W + L);
    FloatVector a4 = FloatVector.fromArray(S, ot, o + 4 * W);
    FloatVector b4 = FloatVector.fromArray(S, ot, o + 4 * W + L);
    FloatVector a5 = FloatVector.fromArray(S, ot, o + 5 * W);
    FloatVector b5 = FloatVector.fromArray(S, ot, o + 5 * W + L);
    FloatVector a6 = FloatVector.fromArray(S, ot, o + 6 * W);
    FloatVector b6 = FloatVector.fromArray(S, ot, o + 6 * W + L);
    FloatVector a7 = FloatVector.fromArray(S, ot, o + 7 * W);
    FloatVector b7 = FloatVector.fromArray(S, ot, o + 7 * W + L);
    int x = vOffset + c;
    for (int j = 0; j < keys; j++) {
      final FloatVector pa = FloatVector.fromArray(S, tile, j * W);
      final FloatVector pb = FloatVector.fromArray(S, tile, j * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, v[x + 0]);
      a0 = pa.fma(x0, a0);
      b0 = pb.fma(x0, b0);
      final FloatVector x1 = FloatVector.broadcast(S, v[x + 1]);
      a1 = pa.fma(x1, a1);
      b1 = pb.fma(x1, b1);
      final FloatVector x2 = FloatVector.broadcast(S, v[x + 2]);
      a2 = pa.fma(x2, a2);
      b2 = pb.fma(x2, b2);
      final FloatVector x3 = FloatVector.broadcast(S, v[x + 3]);
      a3 = pa.fma(x3, a3);
      b3 = pb.fma(x3, b3);
      final FloatVector x4 = FloatVector.broadcast(S, v[x + 4]);
      a4 = pa.fma(x4, a4);
      b4 = pb.fma(x4, b4);
      final FloatVector x5 = FloatVector.broadcast(S, v[x + 5]);
      a5 = pa.fma(x5, a5);
      b5 = pb.fma(x5, b5);
      final FloatVector x6 = FloatVector.broadcast(S, v[x + 6]);
      a6 = pa.fma(x6, a6);
      b6 = pb.fma(x6, b6);
      final FloatVector x7 = FloatVector.broadcast(S, v[x + 7]);
      a7 = pa.fma(x7, a7);
      b7 = pb.fma(x7, b7);
      x += vStride;
    }
    a0.intoArray(ot, o + 0 * W);
    b0.intoArray(ot, o + 0 * W + L);
    a1.intoArray(ot, o + 1 * W);
    b1.intoArray(ot, o + 1 * W + L);
    a2.intoArray(ot, o + 2 * W);
    b2.intoArray(ot, o + 2 * W + L);
    a3.intoArray(ot, o + 3 * W);
    b3.intoArray(ot, o + 3 * W + L);
    a4.intoArray(ot, o + 4 * W);
    b4.intoArray(ot, o + 4 * W + L);
    a5.intoArray(ot, o + 5 * W);
    b5.intoArray(ot, o + 5 * W + L);
    a6.intoArray(ot, o + 6 * W);
    b6.intoArray(ot, o + 6 * W + L);
    a7.intoArray(ot, o + 7 * W);
    b7.intoArray(ot, o + 7 * W + L);
  }

  private static void accumulate4(
      float[] tile, int keys, float[] v, int vOffset, int vStride, float[] ot, int oOffset, int c) {
    final int o = oOffset + c * W;
    FloatVector a0 = FloatVector.fromArray(S, ot, o + 0 * W);
    FloatVector b0 = FloatVector.fromArray(S, ot, o + 0 * W + L);
    FloatVector a1 = FloatVector.fromArray(S, ot, o + 1 * W);
    FloatVector b1 = FloatVector.fromArray(S, ot, o + 1 * W + L);
    FloatVector a2 = FloatVector.fromArray(S, ot, o + 2 * W);
    FloatVector b2 = FloatVector.fromArray(S, ot, o + 2 * W + L);
    FloatVector a3 = FloatVector.fromArray(S, ot, o + 3 * W);
    FloatVector b3 = FloatVector.fromArray(S, ot, o + 3 * W + L);
    int x = vOffset + c;
    for (int j = 0; j < keys; j++) {
      final FloatVector pa = FloatVector.fromArray(S, tile, j * W);
      final FloatVector pb = FloatVector.fromArray(S, tile, j * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, v[x + 0]);
      a0 = pa.fma(x0, a0);
      b0 = pb.fma(x0, b0);
      final FloatVector x1 = FloatVector.broadcast(S, v[x + 1]);
      a1 = pa.fma(x1, a1);
      b1 = pb.fma(x1, b1);
      final FloatVector x2 = FloatVector.broadcast(S, v[x + 2]);
      a2 = pa.fma(x2, a2);
      b2 = pb.fma(x2, b2);
      final FloatVector x3 = FloatVector.broadcast(S, v[x + 3]);
      a3 = pa.fma(x3, a3);
      b3 = pb.fma(x3, b3);
      x += vStride;
    }
    a0.intoArray(ot, o + 0 * W);
    b0.intoArray(ot, o + 0 * W + L);
    a1.intoArray(ot, o + 1 * W);
    b1.intoArray(ot, o + 1 * W + L);
    a2.intoArray(ot, o + 2 * W);
    b2.intoArray(ot, o + 2 * W + L);
    a3.intoArray(ot, o + 3 * W);
    b3.intoArray(ot, o + 3 * W + L);
  }

  private static void accumulate1(
      float[] tile, int keys, float[] v, int vOffset, int vStride, float[] ot, int oOffset, int c) {
    final int o = oOffset + c * W;
    FloatVector a0 = FloatVector.fromArray(S, ot, o + 0 * W);
    FloatVector b0 = FloatVector.fromArray(S, ot, o + 0 * W + L);
    int x = vOffset + c;
    for (int j = 0; j < keys; j++) {
      final FloatVector pa = FloatVector.fromArray(S, tile, j * W);
      final FloatVector pb = FloatVector.fromArray(S, tile, j * W + L);
      final FloatVector x0 = FloatVector.broadcast(S, v[x + 0]);
      a0 = pa.fma(x0, a0);
      b0 = pb.fma(x0, b0);
      x += vStride;
    }
    a0.intoArray(ot, o + 0 * W);
    b0.intoArray(ot, o + 0 * W + L);
  }

  private static void outer8(
      float[] tile, int j, float[] rows, int stride, int lanes, float[] out, int c) {
    final int o = j * stride + c;
    FloatVector a0 = FloatVector.fromArray(S, out, o + 0 * stride);
    FloatVector b0 = FloatVector.fromArray(S, out, o + 0 * stride + L);
    FloatVector a1 = FloatVector.fromArray(S, out, o + 1 * stride);
    FloatVector b1 = FloatVector.fromArray(S, out, o + 1 * stride + L);
    FloatVector a2 = FloatVector.fromArray(S, out, o + 2 * stride);
    FloatVector b2 = FloatVector.fromArray(S, out, o + 2 * stride + L);
    FloatVector a3 = FloatVector.fromArray(S, out, o + 3 * stride);
    FloatVector b3 = FloatVector.fromArray(S, out, o + 3 * stride + L);
    FloatVector a4 = FloatVector.fromArray(S, out, o + 4 * stride);
    FloatVector b4 = FloatVector.fromArray(S, out, o + 4 * stride + L);
    FloatVector a5 = FloatVector.fromArray(S, out, o + 5 * stride);
    FloatVector b5 = FloatVector.fromArray(S, out, o + 5 * stride + L);
    FloatVector a6 = FloatVector.fromArray(S, out, o + 6 * stride);
    FloatVector b6 = FloatVector.fromArray(S, out, o + 6 * stride + L);
    FloatVector a7 = FloatVector.fromArray(S, out, o + 7 * stride);
    FloatVector b7 = FloatVector.fromArray(S, out, o + 7 * stride + L);
    for (int lane = 0; lane < lanes; lane++) {
      final FloatVector x = FloatVector.fromArray(S, rows, lane * stride + c);
      final FloatVector y = FloatVector.fromArray(S, rows, lane * stride + c + L);
      final int t = j * W + lane;
      final FloatVector p0 = FloatVector.broadcast(S, tile[t + 0 * W]);
      a0 = x.fma(p0, a0);
      b0 = y.fma(p0, b0);
      final FloatVector p1 = FloatVector.broadcast(S, tile[t + 1 * W]);
      a1 = x.fma(p1, a1);
      b1 = y.fma(p1, b1);
      final FloatVector p2 = FloatVector.broadcast(S, tile[t + 2 * W]);
      a2 = x.fma(p2, a2);
      b2 = y.fma(p2, b2);
      final FloatVector p3 = FloatVector.broadcast(S, tile[t + 3 * W]);
      a3 = x.fma(p3, a3);
      b3 = y.fma(p3, b3);
      final FloatVector p4 = FloatVector.broadcast(S, tile[t + 4 * W]);
      a4 = x.fma(p4, a4);
      b4 = y.fma(p4, b4);
      final FloatVector p5 = FloatVector.broadcast(S, tile[t + 5 * W]);
      a5 = x.fma(p5, a5);
      b5 = y.fma(p5, b5);
      final FloatVector p6 = FloatVector.broadcast(S, tile[t + 6 * W]);
      a6 = x.fma(p6, a6);
      b6 = y.fma(p6, b6);
      final FloatVector p7 = FloatVector.broadcast(S, tile[t + 7 * W]);
      a7 = x.fma(p7, a7);
      b7 = y.fma(p7, b7);
    }
    a0.intoArray(out, o + 0 * stride);
    b0.intoArray(out, o + 0 * stride + L);
    a1.intoArray(out, o + 1 * stride);
    b1.intoArray(out, o + 1 * stride + L);
    a2.intoArray(out, o + 2 * stride);
    b2.intoArray(out, o + 2 * stride + L);
    a3.intoArray(out, o + 3 * stride);
    b3.intoArray(out, o + 3 * stride + L);
    a4.intoArray(out, o + 4 * stride);
    b4.intoArray(out, o + 4 * stride + L);
    a5.intoArray(out, o + 5 * stride);
    b5.intoArray(out, o + 5 * stride + L);
    a6.intoArray(out, o + 6 * stride);
    b6.intoArray(out, o + 6 * stride + L);
    a7.intoArray(out, o + 7 * stride);
    b7.intoArray(out, o + 7 * stride + L);
  }

  private static void outer4(
      float[] tile, int j, float[] rows, int stride, int lanes, float[] out, int c) {
    final int o = j * stride + c;
    FloatVector a0 = FloatVector.fromArray(S, out, o + 0 * stride);
    FloatVector b0 = FloatVector.fromArray(S, out, o + 0 * stride + L);
    FloatVector a1 = FloatVector.fromArray(S, out, o + 1 * stride);
    FloatVector b1 = FloatVector.fromArray(S, out, o + 1 * stride + L);
    FloatVector a2 = FloatVector.fromArray(S, out, o + 2 * stride);
    FloatVector b2 = FloatVector.fromArray(S, out, o + 2 * stride + L);
    FloatVector a3 = FloatVector.fromArray(S, out, o + 3 * stride);
    FloatVector b3 = FloatVector.fromArray(S, out, o + 3 * stride + L);
    for (int lane = 0; lane < lanes; lane++) {
      final FloatVector x = FloatVector.fromArray(S, rows, lane * stride + c);
      final FloatVector y = FloatVector.fromArray(S, rows, lane * stride + c + L);
      final int t = j * W + lane;
      final FloatVector p0 = FloatVector.broadcast(S, tile[t + 0 * W]);
      a0 = x.fma(p0, a0);
      b0 = y.fma(p0, b0);
      final FloatVector p1 = FloatVector.broadcast(S, tile[t + 1 * W]);
      a1 = x.fma(p1, a1);
      b1 = y.fma(p1, b1);
      final FloatVector p2 = FloatVector.broadcast(S, tile[t + 2 * W]);
      a2 = x.fma(p2, a2);
      b2 = y.fma(p2, b2);
      final FloatVector p3 = FloatVector.broadcast(S, tile[t + 3 * W]);
      a3 = x.fma(p3, a3);
      b3 = y.fma(p3, b3);
    }
    a0.intoArray(out, o + 0 * stride);
    b0.intoArray(out, o + 0 * stride + L);
    a1.intoArray(out, o + 1 * stride);
    b1.intoArray(out, o + 1 * stride + L);
    a2.intoArray(out, o + 2 * stride);
    b2.intoArray(out, o + 2 * stride + L);
    a3.intoArray(out, o + 3 * stride);
    b3.intoArray(out, o + 3 * stride + L);
  }

  private static void outer1(
      float[] tile, int j, float[] rows, int stride, int lanes, float[] out, int c) {
    final int o = j * stride + c;
    FloatVector a0 = FloatVector.fromArray(S, out, o + 0 * stride);
    FloatVector b0 = FloatVector.fromArray(S, out, o + 0 * stride + L);
    for (int lane = 0; lane < lanes; lane++) {
      final FloatVector x = FloatVector.fromArray(S, rows, lane * stride + c);
      final FloatVector y = FloatVector.fromArray(S, rows, lane * stride + c + L);
      final int t = j * W + lane;
      final FloatVector p0 = FloatVector.broadcast(S, tile[t + 0 * W]);
      a0 = x.fma(p0, a0);
      b0 = y.fma(p0, b0);
    }
    a0.intoArray(out, o + 0 * stride);
    b0.intoArray(out, o + 0 * stride + L);
  }
}
