package io.steelyard.kernels.dense;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * {@code C = A B} in float32 by blocks: a slice of B, {@link #DEPTH} rows deep, is packed once for
 * all threads; then each part of the work packs some rows of A and multiplies them with every panel
 * of the slice while they stay in the second-level cache. Any strides, since packing reads every
 * element once for many uses.
 *
 * <p>Sums over k run in the same order whoever computes them, so results do not depend on the
 * number of threads. A job object is used by one caller at a time and may be kept for the next
 * call.
 */
final class GemmJob implements Job {

  /**
   * Rows of B in a slice. Deeper slices read and write C less often; a panel of this depth is 48
   * KiB with 512-bit vectors and streams from the second-level cache.
   */
  private static final int DEPTH = 384;

  /** Rows of A in a part. */
  private static final int ROWS = 96;

  private static final int W = GemmSimd.W;
  private static final int R = GemmSimd.ROWS;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0);

  private static final ThreadLocal<GemmJob> OWN = ThreadLocal.withInitial(GemmJob::new);
  private static final ThreadLocal<Panels> PANELS = ThreadLocal.withInitial(Panels::new);

  /** Packed rows of A, and a tile of C where C itself cannot be written in place. */
  private static final class Panels {

    private final float[] a = new float[ROWS * DEPTH];
    private final float[] c = new float[R * W];
  }

  private Tensor a = NOTHING;
  private Tensor b = NOTHING;
  private Tensor c = NOTHING;
  private long aOffset;
  private long bOffset;
  private long cOffset;
  private int m;
  private int n;
  private int from;
  private int depth;
  private boolean packing;
  private float[] slice = new float[0];

  private GemmJob() {}

  /** Multiplies the matrices that start at these rows of the tensors. */
  static void apply(Tensor a, long aRow, Tensor b, long bRow, Tensor c, long cRow, int threads) {
    OWN.get().run(a, aRow, b, bRow, c, cRow, threads);
  }

  private void run(
      Tensor left,
      long leftRow,
      Tensor right,
      long rightRow,
      Tensor out,
      long outRow,
      int threads) {
    m = Math.toIntExact(left.dim(-2));
    n = Math.toIntExact(right.dim(-1));
    final int k = Math.toIntExact(left.dim(-1));
    a = left;
    b = right;
    c = out;
    aOffset = left.rowOffset(leftRow);
    bOffset = right.rowOffset(rightRow);
    cOffset = out.rowOffset(outRow);
    try {
      clear();
      final int panels = (n + W - 1) / W;
      if (slice.length < panels * W * Math.min(k, DEPTH)) {
        slice = new float[panels * W * Math.min(k, DEPTH)];
      }
      final Workers workers = Workers.shared();
      for (from = 0; from < k; from += DEPTH) {
        depth = Math.min(DEPTH, k - from);
        packing = true;
        workers.run(this, panels, threads);
        packing = false;
        workers.run(this, (m + ROWS - 1) / ROWS, threads);
      }
    } finally {
      a = NOTHING;
      b = NOTHING;
      c = NOTHING;
    }
  }

  @Override
  public void run(int part) {
    if (packing) {
      pack(part);
    } else {
      multiply(part * ROWS);
    }
  }

  private void clear() {
    for (int i = 0; i < m; i++) {
      final long row = cOffset + i * stride(c, -2);
      if (inPlace(c)) {
        final int at = c.floatArrayOffset() + (int) row;
        Arrays.fill(c.floatArray().orElseThrow(), at, at + n, 0);
      } else {
        for (int j = 0; j < n; j++) {
          c.setDouble(row + j * stride(c, -1), 0);
        }
      }
    }
  }

  /** Packs one panel of the slice: {@code depth} rows of W columns, 0 past the last. */
  private void pack(int panel) {
    final int width = Math.min(W, n - panel * W);
    final long step = stride(b, -1);
    int to = panel * W * depth;
    for (int k = 0; k < depth; k++) {
      final long at = bOffset + (from + k) * stride(b, -2) + (long) panel * W * step;
      copy(b, at, step, width, slice, to, 1);
      Arrays.fill(slice, to + width, to + W, 0);
      to += W;
    }
  }

  private void multiply(int first) {
    final Panels panels = PANELS.get();
    final int rows = Math.min(ROWS, m - first);
    final int groups = (rows + R - 1) / R;
    for (int i = 0; i < groups * R; i++) {
      final int to = i / R * R * depth + i % R;
      if (i < rows) {
        final long at = aOffset + (first + i) * stride(a, -2) + from * stride(a, -1);
        copy(a, at, stride(a, -1), depth, panels.a, to, R);
      } else {
        for (int k = 0; k < depth; k++) {
          panels.a[to + k * R] = 0;
        }
      }
    }
    for (int panel = 0; panel * W < n; panel++) {
      for (int g = 0; g < groups; g++) {
        tile(panels, panel, g, first + g * R);
      }
    }
  }

  private void tile(Panels panels, int panel, int group, int row) {
    final int rows = Math.min(R, m - row);
    final int columns = Math.min(W, n - panel * W);
    final long at = cOffset + row * stride(c, -2) + (long) panel * W * stride(c, -1);
    final int aAt = group * R * depth;
    final int bAt = panel * W * depth;
    if (inPlace(c) && rows == R && columns == W) {
      GemmSimd.multiply(
          panels.a,
          aAt,
          slice,
          bAt,
          depth,
          c.floatArray().orElseThrow(),
          c.floatArrayOffset() + (int) at,
          (int) stride(c, -2));
      return;
    }
    Arrays.fill(panels.c, 0);
    for (int i = 0; i < rows; i++) {
      copy(c, at + i * stride(c, -2), stride(c, -1), columns, panels.c, i * W, 1);
    }
    GemmSimd.multiply(panels.a, aAt, slice, bAt, depth, panels.c, 0, W);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        c.setDouble(at + i * stride(c, -2) + j * stride(c, -1), panels.c[i * W + j]);
      }
    }
  }

  private static boolean inPlace(Tensor tensor) {
    return tensor.rowStride() == 1 && tensor.floatArray().isPresent();
  }

  private static long stride(Tensor tensor, int axis) {
    return tensor.stride(axis);
  }

  /** Copies {@code count} elements, {@code step} apart, to places {@code toStep} apart. */
  private static void copy(
      Tensor from, long at, long step, int count, float[] to, int offset, int toStep) {
    if (from.floatArray().isPresent()) {
      final float[] array = from.floatArray().get();
      final int start = from.floatArrayOffset() + (int) at;
      if (step == 1 && toStep == 1) {
        System.arraycopy(array, start, to, offset, count);
      } else {
        for (int i = 0; i < count; i++) {
          to[offset + i * toStep] = array[start + (int) (i * step)];
        }
      }
      return;
    }
    final MemorySegment memory = from.memory();
    if (step == 1 && toStep == 1) {
      MemorySegment.copy(
          memory, ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, to, offset, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      to[offset + i * toStep] =
          memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (at + i * step) * Float.BYTES);
    }
  }
}
