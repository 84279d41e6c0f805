package io.steelyard.kernels.head;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A kernel that turns each float32 row into a row of another length. Rows are read into and written
 * from panels, so that one kernel serves every kind of memory, and are worked on in parallel.
 *
 * <p>A job object is used by one caller at a time and may be kept for the next call.
 */
abstract class RowMap implements Job {

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  /** Work below which waking another thread costs more than it saves, in multiplications. */
  private static final long WORTH_WAKING = 1L << 17;

  private static final ThreadLocal<Panels> OWN = ThreadLocal.withInitial(Panels::new);

  private Tensor input = NOTHING;
  private Tensor output = NOTHING;
  private long rowsPerPart;

  /** Room for one row in and one out, kept by each thread. */
  static final class Panels {

    /** The row, followed by zeros up to a whole number of blocks. */
    float[] x = new float[0];

    /** The result; {@code width} floats may be written. */
    float[] y = new float[0];

    /** Room for the lanes of four vectors. */
    final float[][] lanes = new float[4][Lanes.FLOAT.length()];

    private Panels() {}
  }

  /** Computes one row. */
  abstract void map(long row, Panels panels);

  /** Rounds up to whole blocks. */
  static int padded(long n) {
    return Math.toIntExact((n + Lanes.BLOCK - 1) / Lanes.BLOCK * Lanes.BLOCK);
  }

  /**
   * Runs the job.
   *
   * @param work multiplications in a row
   */
  final void run(Tensor in, Tensor out, long work, int threads) {
    final long rows = in.rows();
    input = in;
    output = out;
    try {
      final Workers workers = Workers.shared();
      final int available = workers.threads(threads);
      final int useful =
          (int) Math.min(available, Math.max(1, rows * Math.max(1, work) / WORTH_WAKING));
      rowsPerPart = Math.max(1, rows / (useful == 1 ? 1 : 8L * useful));
      workers.run(this, Math.toIntExact((rows + rowsPerPart - 1) / rowsPerPart), useful);
    } finally {
      input = NOTHING;
      output = NOTHING;
    }
  }

  @Override
  public final void run(int part) {
    final Panels panels = OWN.get();
    final int in = padded(input.rowLength());
    final int out = padded(output.rowLength());
    if (panels.x.length < in) {
      panels.x = new float[in];
    }
    if (panels.y.length < out) {
      panels.y = new float[out];
    }
    final long end = Math.min(input.rows(), (part + 1) * rowsPerPart);
    for (long row = part * rowsPerPart; row < end; row++) {
      read(input, row, panels.x);
      map(row, panels);
      write(output, row, panels.y);
    }
  }

  /** Copies a row to the start of an array and fills the last block up with zeros. */
  static void read(Tensor tensor, long row, float[] to) {
    read(tensor, row, to, 0);
  }

  static void read(Tensor tensor, long row, float[] to, int at) {
    final int n = (int) tensor.rowLength();
    RowCopy.read(tensor, row, to, at);
    Arrays.fill(to, at + n, at + padded(n), 0);
  }

  private static void write(Tensor tensor, long row, float[] from) {
    final int n = (int) tensor.rowLength();
    final long start = tensor.rowOffset(row);
    final long stride = tensor.rowStride();
    final MemorySegment memory = tensor.memory();
    if (stride == 1 && tensor.floatArray().isPresent()) {
      System.arraycopy(
          from, 0, tensor.floatArray().get(), tensor.floatArrayOffset() + (int) start, n);
    } else if (stride == 1) {
      MemorySegment.copy(from, 0, memory, ValueLayout.JAVA_FLOAT_UNALIGNED, start * Float.BYTES, n);
    } else {
      for (int i = 0; i < n; i++) {
        memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (start + i * stride) * Float.BYTES, from[i]);
      }
    }
  }
}
