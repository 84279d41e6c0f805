package io.steelyard.kernels.rows;

import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Rows of float32 tensors of any memory and strides, copied to where a kernel wants them. */
public final class RowCopy {

  private RowCopy() {}

  /** Whether the numbers of a row lie one after another in an array. */
  public static boolean inPlace(Tensor tensor) {
    return tensor.rowStride() == 1 && tensor.floatArray().isPresent();
  }

  /** Copies a row to an array, from {@code at} on. */
  public static void read(Tensor tensor, long row, float[] to, int at) {
    final int n = (int) tensor.rowLength();
    final long start = tensor.rowOffset(row);
    final long stride = tensor.rowStride();
    final MemorySegment memory = tensor.memory();
    if (inPlace(tensor)) {
      System.arraycopy(
          tensor.floatArray().get(), tensor.floatArrayOffset() + (int) start, to, at, n);
    } else if (stride == 1) {
      MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT_UNALIGNED, start * Float.BYTES, to, at, n);
    } else {
      for (int i = 0; i < n; i++) {
        to[at + i] =
            memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (start + i * stride) * Float.BYTES);
      }
    }
  }
}
