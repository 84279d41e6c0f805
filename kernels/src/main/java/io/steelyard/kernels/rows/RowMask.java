package io.steelyard.kernels.rows;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A {@link Mask} made ready to be asked row by row: how many leading entries of a row are visible,
 * and which of those take part. Checks the mask's shapes against the scores once; allocates only
 * while a mask with more tensors than ever before is bound.
 */
public final class RowMask {

  private static final ValueLayout.OfLong EIGHT_BYTES =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long SEVEN_BITS = 0x7f7f_7f7f_7f7f_7f7fL;
  private static final long TOGETHER = 0x0102_0408_1020_4080L;

  private Tensor scores = Tensor.zeros(DType.F32, 0);
  private boolean causal;
  private Tensor[] keeps = new Tensor[0];
  private Tensor[] lengths = new Tensor[0];
  private int keepCount;
  private int lengthCount;

  /**
   * Takes on a mask for rows of {@code newScores}.
   *
   * @throws IllegalArgumentException if the mask does not fit the scores' shape
   */
  public void bind(Mask mask, Tensor newScores) {
    scores = newScores;
    causal = false;
    keepCount = 0;
    lengthCount = 0;
    add(mask);
  }

  /** How many leading entries of a row can take part. */
  public long visible(long row) {
    final long n = scores.rowLength();
    long visible = n;
    if (causal) {
      final long queries = scores.dim(-2);
      visible = Math.clamp(row % queries + 1 + n - queries, 0, n);
    }
    for (int i = 0; i < lengthCount; i++) {
      final long length = (long) lengths[i].getDouble(lengths[i].broadcastRowOffset(scores, row));
      visible = Math.clamp(length, 0, visible);
    }
    return visible;
  }

  /** Whether any entry can be masked. */
  public boolean hides() {
    return causal || keepCount > 0 || lengthCount > 0;
  }

  /** Whether single entries are masked, beyond {@link #visible}. */
  public boolean single() {
    return keepCount > 0;
  }

  /**
   * Adds which entries are masked, beyond {@link #visible}, of rows that follow each other along
   * the last axis but one.
   *
   * @param row the first
   * @param n entries of each row, from {@code from} on
   * @param bits bit i of word {@code w pitch + r} is set for entry {@code from + 64 w + i} of row r
   */
  public void hidden(long row, int rows, long from, int n, long[] bits, int pitch) {
    for (int i = 0; i < keepCount; i++) {
      final Tensor keep = keeps[i];
      final long step = keep.rowLength() == 1 ? 0 : keep.rowStride();
      final long across = keep.rank() < 2 || keep.dim(-2) == 1 ? 0 : keep.stride(-2);
      final long start = keep.broadcastRowOffset(scores, row) + from * step;
      for (int first = 0; first < n; first += Long.SIZE) {
        final int count = Math.min(Long.SIZE, n - first);
        final int word = first / Long.SIZE * pitch;
        long hidden = 0;
        for (int r = 0; r < rows; r++) {
          if (r == 0 || across != 0) {
            hidden = zeros(keep.memory(), start + r * across + first * step, step, count);
          }
          bits[word + r] |= hidden;
        }
      }
    }
  }

  private static long zeros(MemorySegment memory, long start, long step, int n) {
    if (step == 1) {
      return zeros(memory, start, n);
    }
    if (step == 0) {
      return memory.get(ValueLayout.JAVA_BYTE, start) == 0 ? -1L >>> (Long.SIZE - n) : 0;
    }
    long zeros = 0;
    for (int j = 0; j < n; j++) {
      zeros |= memory.get(ValueLayout.JAVA_BYTE, start + j * step) == 0 ? 1L << j : 0;
    }
    return zeros;
  }

  /** Which of n bytes are 0, eight at a time. */
  private static long zeros(MemorySegment memory, long start, int n) {
    long zeros = 0;
    int j = 0;
    for (; j <= n - Long.BYTES; j += Long.BYTES) {
      final long bytes = memory.get(EIGHT_BYTES, start + j);
      // The highest bit of a byte says whether it is 0; a product brings the eight together.
      final long tops = ~(((bytes & SEVEN_BITS) + SEVEN_BITS) | bytes | SEVEN_BITS);
      zeros |= (((tops >>> 7) * TOGETHER) >>> 56) << j;
    }
    for (; j < n; j++) {
      zeros |= memory.get(ValueLayout.JAVA_BYTE, start + j) == 0 ? 1L << j : 0;
    }
    return zeros;
  }

  /** Whether a visible entry takes part. */
  public boolean keeps(long row, long column) {
    for (int i = 0; i < keepCount; i++) {
      final Tensor keep = keeps[i];
      final long step = keep.rowLength() == 1 ? 0 : keep.rowStride();
      final long index = keep.broadcastRowOffset(scores, row) + column * step;
      if (keep.memory().get(ValueLayout.JAVA_BYTE, index) == 0) {
        return false;
      }
    }
    return true;
  }

  /** Writes -inf over the entries of a tile that take no part. */
  void hide(float[] tile, int offset, long row, long from, int n) {
    for (int i = 0; i < keepCount; i++) {
      final Tensor keep = keeps[i];
      final long step = keep.rowLength() == 1 ? 0 : keep.rowStride();
      final long start = keep.broadcastRowOffset(scores, row) + from * step;
      final var memory = keep.memory();
      for (int j = 0; j < n; j++) {
        if (memory.get(ValueLayout.JAVA_BYTE, start + j * step) == 0) {
          tile[offset + j] = Float.NEGATIVE_INFINITY;
        }
      }
    }
  }

  private void add(Mask mask) {
    switch (mask) {
      case Mask.None _ -> {}
      case Mask.Causal _ -> {
        if (scores.rank() < 2) {
          throw new IllegalArgumentException(
              "scores are " + scores + "; a causal mask needs the axes [..., queries, keys]");
        }
        causal = true;
      }
      case Mask.Keep(Tensor flags) -> {
        checkBroadcast("mask", flags, scores.rowLength());
        keeps = room(keeps, keepCount);
        keeps[keepCount++] = flags;
      }
      case Mask.Lengths(Tensor counts) -> {
        checkBroadcast("lengths", counts, 1);
        lengths = room(lengths, lengthCount);
        lengths[lengthCount++] = counts;
      }
      case Mask.And(Mask first, Mask second) -> {
        add(first);
        add(second);
      }
    }
  }

  private void checkBroadcast(String name, Tensor tensor, long lastExtent) {
    final int lead = scores.rank() - tensor.rank();
    boolean fits = lead >= 0;
    for (int axis = 0; fits && axis < tensor.rank(); axis++) {
      final boolean last = axis + lead == scores.rank() - 1;
      final long extent = tensor.dim(axis);
      fits = extent == 1 || extent == (last ? lastExtent : scores.dim(axis + lead));
    }
    if (!fits) {
      throw new IllegalArgumentException(
          name
              + " is "
              + tensor
              + "; expected a shape that broadcasts to the scores "
              + Arrays.toString(scores.shape())
              + (lastExtent == 1 ? " with last extent 1" : ""));
    }
  }

  private static Tensor[] room(Tensor[] tensors, int count) {
    return count < tensors.length ? tensors : Arrays.copyOf(tensors, count + 2);
  }
}
