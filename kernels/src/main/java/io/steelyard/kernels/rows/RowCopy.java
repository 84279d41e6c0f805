package io.steelyard.kernels.rows;

import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Copies neighbouring rows of float32 tensors of any memory and strides to panels and back. */
public final class RowCopy {

  private RowCopy() {}

  /**
   * Copies rows that lie next to each other along the last axis but one.
   *
   * @param row the first of them
   * @param offset where its first number goes
   * @param stride distance of rows in the panel
   */
  public static void load(Tensor from, long row, int count, float[] to, int offset, int stride) {
    final int length = (int) from.rowLength();
    final long step = from.rowStride();
    final long rowStep = count == 1 ? 0 : from.stride(-2);
    long at = from.rowOffset(row);
    int target = offset;
    if (step == 1 && from.floatArray().isPresent()) {
      final float[] array = from.floatArray().get();
      final int start = from.floatArrayOffset();
      for (int i = 0; i < count; i++) {
        System.arraycopy(array, start + (int) at, to, target, length);
        at += rowStep;
        target += stride;
      }
      return;
    }
    final MemorySegment memory = from.memory();
    for (int i = 0; i < count; i++) {
      if (step == 1) {
        MemorySegment.copy(
            memory, ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, to, target, length);
      } else {
        for (int c = 0; c < length; c++) {
          to[target + c] =
              memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (at + c * step) * Float.BYTES);
        }
      }
      at += rowStep;
      target += stride;
    }
  }

  /** Copies rows back, as {@link #load}. */
  public static void store(float[] from, int offset, int stride, Tensor to, long row, int count) {
    final int length = (int) to.rowLength();
    final long step = to.rowStride();
    final long rowStep = count == 1 ? 0 : to.stride(-2);
    long at = to.rowOffset(row);
    int source = offset;
    if (step == 1 && to.floatArray().isPresent()) {
      final float[] array = to.floatArray().get();
      final int start = to.floatArrayOffset();
      for (int i = 0; i < count; i++) {
        System.arraycopy(from, source, array, start + (int) at, length);
        at += rowStep;
        source += stride;
      }
      return;
    }
    final MemorySegment memory = to.memory();
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < length; c++) {
        memory.set(
            ValueLayout.JAVA_FLOAT_UNALIGNED, (at + c * step) * Float.BYTES, from[source + c]);
      }
      at += rowStep;
      source += stride;
    }
  }
}
