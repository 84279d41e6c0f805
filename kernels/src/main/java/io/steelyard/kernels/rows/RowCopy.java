package io.steelyard.kernels.rows;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Copies rows of float32 tensors of any memory and strides to panels and back. {@link FloatCopy}
 * reads 16-bit numbers too.
 */
public final class RowCopy {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private RowCopy() {}

  /** Whether the numbers of a row lie one after another in an array. */
  public static boolean inPlace(Tensor tensor) {
    return tensor.rowStride() == 1 && tensor.floatArray().isPresent();
  }

  /** Copies a row to an array, from {@code at} on. */
  public static void read(Tensor tensor, long row, float[] to, int at) {
    read(tensor, tensor.rowOffset(row), tensor.rowStride(), (int) tensor.rowLength(), to, at);
  }

  /**
   * Copies {@code n} numbers.
   *
   * @param start of the first, as {@link Tensor#rowOffset} gives
   * @param stride between numbers
   */
  public static void read(Tensor from, long start, long stride, int n, float[] to, int at) {
    if (from.dtype() != DType.F32) {
      throw new IllegalArgumentException("from is " + from + "; expected f32");
    }
    final MemorySegment memory = from.memory();
    if (stride == 1 && from.floatArray().isPresent()) {
      System.arraycopy(from.floatArray().get(), from.floatArrayOffset() + (int) start, to, at, n);
    } else if (stride == 1) {
      MemorySegment.copy(memory, FLOAT, start * Float.BYTES, to, at, n);
    } else {
      for (int i = 0; i < n; i++) {
        to[at + i] = memory.get(FLOAT, (start + i * stride) * Float.BYTES);
      }
    }
  }

  /**
   * Copies rows that lie next to each other along the last axis but one.
   *
   * @param row the first of them
   * @param offset where its first number goes
   * @param stride distance of rows in the panel
   */
  public static void load(Tensor from, long row, int count, float[] to, int offset, int stride) {
    final long step = count == 1 ? 0 : from.stride(-2);
    final long start = from.rowOffset(row);
    for (int i = 0; i < count; i++) {
      read(
          from,
          start + i * step,
          from.rowStride(),
          (int) from.rowLength(),
          to,
          offset + i * stride);
    }
  }

  /** Copies rows back, as {@link #load}. */
  public static void store(float[] from, int offset, int stride, Tensor to, long row, int count) {
    final long step = count == 1 ? 0 : to.stride(-2);
    final long start = to.rowOffset(row);
    for (int i = 0; i < count; i++) {
      write(from, offset + i * stride, to, start + i * step);
    }
  }

  private static void write(float[] from, int at, Tensor to, long start) {
    final int n = (int) to.rowLength();
    if (inPlace(to)) {
      System.arraycopy(from, at, to.floatArray().get(), to.floatArrayOffset() + (int) start, n);
      return;
    }
    final long stride = to.rowStride();
    for (int i = 0; i < n; i++) {
      to.memory().set(FLOAT, (start + i * stride) * Float.BYTES, from[at + i]);
    }
  }
}
