package io.steelyard.kernels.rows;

import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Hands out pieces of rows as {@code float[]} ranges. A unit-stride {@code float[]} tensor is
 * handed out in place; anything else (native memory, strides, masked entries, 16-bit numbers) goes
 * through one panel of {@link RowJob#TILE} floats that stays in the first-level cache, because
 * vector loads from arrays are faster than from segments, and because one kernel then serves every
 * kind of memory.
 *
 * <p>What is handed out is a whole number of blocks of two vectors: a shorter remainder also goes
 * through the panel, filled up with a neutral value. So no kernel loop has a tail.
 */
public final class TileReader {

  private static final int BLOCK = Lanes.BLOCK;

  private final float[] panel = new float[RowJob.TILE];
  private final FloatCopy copy = new FloatCopy();
  private Tensor tensor = Tensor.zeros(DType.F32, 0);
  private boolean unitArray;
  private float[] own = panel;
  private float[] array = panel;
  private int offset;
  private int width;
  private float neutral;

  /** Takes on a tensor. */
  void bind(Tensor source, float fill) {
    tensor = source;
    neutral = fill;
    unitArray = source.floatArray().isPresent() && source.rowStride() == 1;
    own = unitArray ? source.floatArray().get() : panel;
  }

  /**
   * Makes {@code n} entries (see {@link RowJob#piece}) of a row available in {@link #array()} from
   * {@link #offset()}.
   */
  public void load(long row, long from, int n) {
    final long start = tensor.rowOffset(row) + from * tensor.rowStride();
    if (unitArray && n % BLOCK == 0) {
      array = own;
      offset = tensor.floatArrayOffset() + (int) start;
      width = n;
    } else {
      fill(start, n);
    }
  }

  /**
   * Moves what the last load made available into the panel, so that entries can be changed for the
   * loop that reads them; the tensor keeps its own.
   */
  @SuppressWarnings("ReferenceEquality") // the question is whether it is the same array
  public void isolate() {
    if (array != panel) {
      System.arraycopy(array, offset, panel, 0, width);
      array = panel;
      offset = 0;
    }
  }

  /** As {@link #load}, with entries that the mask hides read as -inf. */
  public void load(RowMask mask, long row, long from, int n) {
    if (!mask.single()) {
      load(row, from, n);
      return;
    }
    fill(tensor.rowOffset(row) + from * tensor.rowStride(), n);
    mask.hide(panel, 0, row, from, n);
  }

  /**
   * Points {@link #array()} at a row in place, with the rows after it behind it.
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

  /** The array of the last load. */
  public float[] array() {
    return array;
  }

  /** Where the last load starts in {@link #array()}. */
  public int offset() {
    return offset;
  }

  /** How many floats the last load made available: {@code n} rounded up to whole blocks. */
  public int width() {
    return width;
  }

  private void fill(long start, int n) {
    array = panel;
    offset = 0;
    width = (n + BLOCK - 1) / BLOCK * BLOCK;
    Arrays.fill(panel, n, width, neutral);
    copy.copy(tensor, start, tensor.rowStride(), n, panel, 0);
  }
}
