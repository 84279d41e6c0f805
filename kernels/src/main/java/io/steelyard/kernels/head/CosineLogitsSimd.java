package io.steelyard.kernels.head;

import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Cosine logits of float32 rows. The class vectors may be rows, which are multiplied four at a
 * time, or columns, which are added up two vectors of classes at a time; each is read in the order
 * of its memory. The norm is taken in double, so that no square overflows.
 */
final class CosineLogitsSimd extends RowMap {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final ThreadLocal<CosineLogitsSimd> OWN =
      ThreadLocal.withInitial(CosineLogitsSimd::new);

  /** Class vectors as rows, or blocks of columns, each block line by line. */
  private float[] panel = new float[0];

  private float[] line = new float[0];
  private int stride;
  private int classes;
  private int width;
  private boolean byRows;
  private double scale;
  private ZeroGuard guard = ZeroGuard.UNDER_THE_ROOT;

  private CosineLogitsSimd() {}

  /** Class vectors are the rows of v. */
  static void rows(Tensor z, Tensor v, double scale, ZeroGuard guard, Tensor out, int threads) {
    OWN.get().logits(z, v, true, scale, guard, out, threads);
  }

  /** Class vectors are the columns of w. */
  static void columns(Tensor z, Tensor w, double scale, ZeroGuard guard, Tensor out, int threads) {
    OWN.get().logits(z, w, false, scale, guard, out, threads);
  }

  private void logits(
      Tensor z,
      Tensor v,
      boolean newByRows,
      double newScale,
      ZeroGuard newGuard,
      Tensor out,
      int threads) {
    byRows = newByRows;
    classes = Math.toIntExact(out.rowLength());
    width = Math.toIntExact(z.rowLength());
    scale = newScale;
    guard = newGuard;
    stride = padded(v.rowLength());
    final int lines = (int) v.dim(0);
    final int needed = Math.multiplyExact((lines + 3) / 4 * 4, stride);
    if (panel.length < needed) {
      panel = new float[needed];
    }
    if (line.length < stride) {
      line = new float[stride];
    }
    for (int i = 0; i < lines; i++) {
      if (byRows) {
        read(v, i, panel, i * stride);
      } else {
        read(v, i, line);
        for (int c = 0; c < stride; c += Lanes.BLOCK) {
          System.arraycopy(line, c, panel, c * lines + i * Lanes.BLOCK, Lanes.BLOCK);
        }
      }
    }
    run(z, out, (long) classes * width, threads);
  }

  @Override
  void map(long row, Panels panels) {
    final float[] x = panels.x;
    double squares = 0;
    for (int i = 0; i < width; i++) {
      squares += (double) x[i] * x[i];
    }
    final double factor = scale / guard.norm(squares);
    for (int i = 0; i < width; i++) {
      x[i] = (float) (x[i] * factor);
    }
    if (byRows) {
      for (int c = 0; c < classes; c += 4) {
        fourRows(x, panel, c * stride, stride, panels.lanes);
        for (int k = 0; k < Math.min(4, classes - c); k++) {
          panels.y[c + k] = LaneSum.of(panels.lanes[k]);
        }
      }
    } else {
      columns(x, panel, stride, width, panels.y);
    }
  }

  /** Products of x with four rows, lane by lane; n is a multiple of {@link Lanes#BLOCK}. */
  private static void fourRows(float[] x, float[] v, int offset, int n, float[][] lanes) {
    FloatVector a0 = FloatVector.zero(S);
    FloatVector a1 = FloatVector.zero(S);
    FloatVector a2 = FloatVector.zero(S);
    FloatVector a3 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    FloatVector b1 = FloatVector.zero(S);
    FloatVector b2 = FloatVector.zero(S);
    FloatVector b3 = FloatVector.zero(S);
    final int second = offset + n;
    final int third = second + n;
    final int fourth = third + n;
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector p = FloatVector.fromArray(S, x, i);
      a0 = p.fma(FloatVector.fromArray(S, v, offset + i), a0);
      a1 = p.fma(FloatVector.fromArray(S, v, second + i), a1);
      a2 = p.fma(FloatVector.fromArray(S, v, third + i), a2);
      a3 = p.fma(FloatVector.fromArray(S, v, fourth + i), a3);
      final FloatVector q = FloatVector.fromArray(S, x, i + L);
      b0 = q.fma(FloatVector.fromArray(S, v, offset + i + L), b0);
      b1 = q.fma(FloatVector.fromArray(S, v, second + i + L), b1);
      b2 = q.fma(FloatVector.fromArray(S, v, third + i + L), b2);
      b3 = q.fma(FloatVector.fromArray(S, v, fourth + i + L), b3);
    }
    a0.add(b0).intoArray(lanes[0], 0);
    a1.add(b1).intoArray(lanes[1], 0);
    a2.add(b2).intoArray(lanes[2], 0);
    a3.add(b3).intoArray(lanes[3], 0);
  }

  /**
   * {@code y = x^T W}; W has n columns, a multiple of {@link Lanes#BLOCK}, and comes block by
   * block: lines of a wide matrix lie so far apart that they would throw each other out of the
   * cache.
   */
  private static void columns(float[] x, float[] w, int n, int lines, float[] y) {
    for (int c = 0; c < n; c += 2 * L) {
      final int block = c * lines;
      FloatVector a0 = FloatVector.zero(S);
      FloatVector a1 = FloatVector.zero(S);
      FloatVector b0 = FloatVector.zero(S);
      FloatVector b1 = FloatVector.zero(S);
      int i = 0;
      for (; i <= lines - 2; i += 2) {
        final FloatVector p = FloatVector.broadcast(S, x[i]);
        a0 = p.fma(FloatVector.fromArray(S, w, block + 2 * L * i), a0);
        a1 = p.fma(FloatVector.fromArray(S, w, block + 2 * L * i + L), a1);
        final FloatVector q = FloatVector.broadcast(S, x[i + 1]);
        b0 = q.fma(FloatVector.fromArray(S, w, block + 2 * L * i + 2 * L), b0);
        b1 = q.fma(FloatVector.fromArray(S, w, block + 2 * L * i + 3 * L), b1);
      }
      if (i < lines) {
        final FloatVector p = FloatVector.broadcast(S, x[i]);
        a0 = p.fma(FloatVector.fromArray(S, w, block + 2 * L * i), a0);
        a1 = p.fma(FloatVector.fromArray(S, w, block + 2 * L * i + L), a1);
      }
      a0.add(b0).intoArray(y, c);
      a1.add(b1).intoArray(y, c + L);
    }
  }
}
