package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.softmax.Normaliser;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What the normalisers of this package have in common: ports, checks and access to matrices. */
final class Matrices {

  static final Port X = Port.of("x", "S", "[..., T, T]", "Scores; square matrices.");
  static final Port Y =
      Port.of("y", "P", "[..., T, T]", "Weights; their rows and columns sum to 1.");
  static final Port DY = Port.of("dy", "dL/dP", "[..., T, T]", "Gradient with respect to y.");
  static final Port DX = Port.of("dx", "dL/dS", "[..., T, T]", "Gradient with respect to x.");

  static final Parameter THREADS =
      new Parameter.Whole(
          "threads",
          "threads",
          0L,
          0,
          Integer.MAX_VALUE,
          "Most threads to use; 0 for all processors.");

  private Matrices() {}

  /** Checks a call from scores to weights. */
  static void check(Tensor x, Tensor y) {
    check(x, "y", y);
  }

  /** Checks a call that writes something of this name. */
  static void check(Tensor x, String name, Tensor written) {
    checkSquare("x", x);
    Normaliser.checkSame("x", x, name, written);
    Normaliser.checkWritable(name, written);
  }

  /** Checks a call of a gradient. */
  static void check(Tensor x, Tensor dy, Tensor dx) {
    checkSquare("x", x);
    Normaliser.checkSame("x", x, "dy", dy);
    Normaliser.checkSame("x", x, "dx", dx);
    Normaliser.checkOverlap("dy", dy, "dx", dx);
    Normaliser.checkWritable("dx", dx);
  }

  static void checkThreads(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** How many matrices there are; 0 where they have no entries. */
  static int count(Tensor x) {
    return x.size() == 0 ? 0 : Math.toIntExact(x.rows() / x.rowLength());
  }

  private static void checkSquare(String name, Tensor x) {
    if (!x.dtype().isFloat() || x.rank() < 2 || x.dim(-1) != x.dim(-2)) {
      throw new IllegalArgumentException(
          name + " is " + x + "; expected f32 or f64 [..., T, T], square matrices");
    }
  }

  /** Copies a matrix to the start of an array, row by row. */
  static void read(Tensor x, int matrix, double[] to) {
    final int n = (int) x.rowLength();
    for (int i = 0; i < n; i++) {
      final long start = x.rowOffset((long) matrix * n + i);
      for (int j = 0; j < n; j++) {
        to[i * n + j] = x.getDouble(start + j * x.rowStride());
      }
    }
  }

  /** Writes a matrix from the start of an array, each entry rounded once. */
  static void write(double[] from, Tensor y, int matrix) {
    final int n = (int) y.rowLength();
    for (int i = 0; i < n; i++) {
      final long start = y.rowOffset((long) matrix * n + i);
      for (int j = 0; j < n; j++) {
        y.setDouble(start + j * y.rowStride(), from[i * n + j]);
      }
    }
  }

  /** Copies a row of an f32 tensor into an array. */
  static void readRow(Tensor x, long row, float[] to, int offset) {
    final int n = (int) x.rowLength();
    final long start = x.rowOffset(row);
    final long stride = x.rowStride();
    final MemorySegment memory = x.memory();
    if (stride != 1) {
      for (int j = 0; j < n; j++) {
        to[offset + j] =
            memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (start + j * stride) * Float.BYTES);
      }
    } else if (x.floatArray().isPresent()) {
      System.arraycopy(x.floatArray().get(), x.floatArrayOffset() + (int) start, to, offset, n);
    } else {
      MemorySegment.copy(
          memory, ValueLayout.JAVA_FLOAT_UNALIGNED, start * Float.BYTES, to, offset, n);
    }
  }

  /** Writes a row of an f32 tensor from an array. */
  static void writeRow(float[] from, int offset, Tensor y, long row) {
    final int n = (int) y.rowLength();
    final long start = y.rowOffset(row);
    final long stride = y.rowStride();
    final MemorySegment memory = y.memory();
    if (stride != 1) {
      for (int j = 0; j < n; j++) {
        memory.set(
            ValueLayout.JAVA_FLOAT_UNALIGNED, (start + j * stride) * Float.BYTES, from[offset + j]);
      }
    } else if (y.floatArray().isPresent()) {
      System.arraycopy(from, offset, y.floatArray().get(), y.floatArrayOffset() + (int) start, n);
    } else {
      MemorySegment.copy(
          from, offset, memory, ValueLayout.JAVA_FLOAT_UNALIGNED, start * Float.BYTES, n);
    }
  }
}
