package io.steelyard.kernels.rows;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Copies entries of a row, whatever memory they lie in, to a panel of floats; 16-bit numbers are
 * widened, which is exact. Each thread has its own.
 */
public final class FloatCopy {

  private final short[] halves = new short[RowJob.TILE];

  /**
   * Copies {@code n} entries.
   *
   * @param from f32, f16 or bf16
   * @param start of the first entry, as {@link Tensor#rowOffset} gives
   * @param stride between entries
   */
  public void copy(Tensor from, long start, long stride, int n, float[] to, int at) {
    switch (from.dtype()) {
      case F16, BF16 -> {
        for (int done = 0; done < n; done += halves.length) {
          final int count = Math.min(halves.length, n - done);
          loadHalves(from.memory(), start + done * stride, stride, count);
          if (from.dtype() == DType.BF16) {
            WidenSimd.brain(halves, count, to, at + done);
          } else {
            WidenSimd.half(halves, count, to, at + done);
          }
        }
      }
      case F32 -> floats(from, start, stride, n, to, at);
      case F64, I32, BOOL ->
          throw new IllegalArgumentException("from is " + from + "; expected f32, f16 or bf16");
    }
  }

  private void loadHalves(MemorySegment memory, long start, long stride, int n) {
    if (stride == 1) {
      MemorySegment.copy(
          memory, ValueLayout.JAVA_SHORT_UNALIGNED, start * Short.BYTES, halves, 0, n);
      return;
    }
    for (int i = 0; i < n; i++) {
      halves[i] = memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, (start + i * stride) * Short.BYTES);
    }
  }

  private static void floats(Tensor from, long start, long stride, int n, float[] to, int at) {
    if (stride == 1 && from.floatArray().isPresent()) {
      System.arraycopy(from.floatArray().get(), from.floatArrayOffset() + (int) start, to, at, n);
    } else if (stride == 1) {
      MemorySegment.copy(
          from.memory(), ValueLayout.JAVA_FLOAT_UNALIGNED, start * Float.BYTES, to, at, n);
    } else {
      final MemorySegment memory = from.memory();
      for (int i = 0; i < n; i++) {
        to[at + i] =
            memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (start + i * stride) * Float.BYTES);
      }
    }
  }
}
