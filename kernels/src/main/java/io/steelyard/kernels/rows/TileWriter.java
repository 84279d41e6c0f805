package io.steelyard.kernels.rows;

import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The counterpart of {@link TileReader}: kernels write a {@code float[]} range, in place or by way
 * of a panel.
 */
public final class TileWriter {

  private static final int BLOCK = Lanes.BLOCK;

  private final float[] panel = new float[RowJob.TILE];
  private Tensor tensor = Tensor.zeros(DType.F32, 0);
  private boolean unitArray;
  private boolean direct;
  private float[] own = panel;
  private float[] array = panel;
  private int offset;
  private long start;

  /** Takes on a tensor. */
  void bind(Tensor target) {
    tensor = target;
    unitArray = target.floatArray().isPresent() && target.rowStride() == 1;
    own = unitArray ? target.floatArray().get() : panel;
  }

  /**
   * Opens a piece of {@code n} entries for writing a whole number of blocks; what {@link #array()}
   * holds before is undefined.
   */
  public void open(long row, long from, int n) {
    start = tensor.rowOffset(row) + from * tensor.rowStride();
    direct = unitArray && n % BLOCK == 0;
    array = direct ? own : panel;
    offset = direct ? tensor.floatArrayOffset() + (int) start : 0;
  }

  /**
   * Points {@link #array()} at a row in place, with the rows after it behind it; there is nothing
   * to close.
   *
   * @return false where rows do not lie one after another in an array
   */
  public boolean point(long row) {
    if (!unitArray || !tensor.isContiguous()) {
      return false;
    }
    array = own;
    offset = tensor.floatArrayOffset() + (int) tensor.rowOffset(row);
    return true;
  }

  /** As {@link #open}, with the present content of the entries. */
  public void reopen(long row, long from, int n) {
    open(row, from, n);
    if (!direct) {
      final MemorySegment memory = tensor.memory();
      final long stride = tensor.rowStride();
      if (stride == 1) {
        MemorySegment.copy(
            memory, ValueLayout.JAVA_FLOAT_UNALIGNED, start * Float.BYTES, panel, 0, n);
      } else {
        for (int i = 0; i < n; i++) {
          panel[i] =
              memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (start + i * stride) * Float.BYTES);
        }
      }
    }
  }

  /** Makes the first {@code n} entries written since the last open visible in the tensor. */
  public void close(int n) {
    if (direct) {
      return;
    }
    final MemorySegment memory = tensor.memory();
    final long stride = tensor.rowStride();
    if (unitArray) {
      System.arraycopy(panel, 0, own, tensor.floatArrayOffset() + (int) start, n);
    } else if (stride == 1) {
      MemorySegment.copy(
          panel, 0, memory, ValueLayout.JAVA_FLOAT_UNALIGNED, start * Float.BYTES, n);
    } else {
      for (int i = 0; i < n; i++) {
        memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (start + i * stride) * Float.BYTES, panel[i]);
      }
    }
  }

  /** The array to write to. */
  public float[] array() {
    return array;
  }

  /** Where the open piece starts in {@link #array()}. */
  public int offset() {
    return offset;
  }
}
