package io.steelyard.kernels.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * What numbers of one lane have to do with those of another: sums over the lanes of several
 * vectors, and transposition. Both exchange halves, then quarters, and so on of two vectors at a
 * time.
 */
public final class AcrossLanesSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int STEPS = Integer.numberOfTrailingZeros(L);

  /** How many vectors are summed at once. */
  public static final int COUNT = L;

  /** Numbers of as many vectors. */
  public static final int ROOM = L * L;

  private static final VectorShuffle<Float>[] SWAP = swaps();
  private static final VectorMask<Float>[] UPPER = uppers();

  private AcrossLanesSimd() {}

  /**
   * Sums each vector over its lanes; every sum is the one that {@link LaneSum} gives, to the bit.
   *
   * @param vectors {@link #COUNT} vectors one after another; the first is overwritten with the
   *     sums, in order, the others with what is left of them
   */
  public static void sums(float[] vectors) {
    for (int step = STEPS - 1; step >= 0; step--) {
      fold(vectors, 1 << step, SWAP[step], UPPER[step]);
    }
  }

  /** Adds halves of segments of vector {@code i} beside those of vector {@code i + half}. */
  private static void fold(
      float[] vectors, int half, VectorShuffle<Float> swap, VectorMask<Float> upper) {
    for (int i = 0; i < half; i++) {
      final FloatVector a = FloatVector.fromArray(S, vectors, i * L);
      final FloatVector b = FloatVector.fromArray(S, vectors, (i + half) * L);
      a.blend(b.rearrange(swap), upper)
          .add(a.rearrange(swap).blend(b, upper))
          .intoArray(vectors, i * L);
    }
  }

  /**
   * {@code to = from^T}.
   *
   * @param from {@code rows} rows of {@code columns} numbers, {@code stride} apart
   * @param to receives {@code columns} rows of {@code rows} numbers, {@code toStride} apart
   * @param room {@link #ROOM} numbers; overwritten
   */
  public static void transpose(
      float[] from,
      int offset,
      int stride,
      int rows,
      int columns,
      float[] to,
      int toOffset,
      int toStride,
      float[] room) {
    final int wholeRows = rows - rows % L;
    final int wholeColumns = columns - columns % L;
    for (int r = 0; r < wholeRows; r += L) {
      for (int c = 0; c < wholeColumns; c += L) {
        int step = STEPS - 1;
        exchange(from, offset + r * stride + c, stride, room, 0, L, step);
        for (step--; step > 0; step--) {
          exchange(room, 0, L, room, 0, L, step);
        }
        exchange(room, 0, L, to, toOffset + c * toStride + r, toStride, 0);
      }
    }
    for (int c = 0; c < columns; c++) {
      for (int r = c < wholeColumns ? wholeRows : 0; r < rows; r++) {
        to[toOffset + c * toStride + r] = from[offset + r * stride + c];
      }
    }
  }

  /** Exchanges upper segments of a row for lower ones of the row that is a segment away. */
  private static void exchange(
      float[] from, int offset, int stride, float[] to, int toOffset, int toStride, int step) {
    final VectorShuffle<Float> swap = SWAP[step];
    final VectorMask<Float> upper = UPPER[step];
    final int half = 1 << step;
    for (int pair = 0; pair < L / 2; pair++) {
      final int i = pair + (pair & -half);
      final FloatVector a = FloatVector.fromArray(S, from, offset + i * stride);
      final FloatVector b = FloatVector.fromArray(S, from, offset + (i + half) * stride);
      a.blend(b.rearrange(swap), upper).intoArray(to, toOffset + i * toStride);
      a.rearrange(swap).blend(b, upper).intoArray(to, toOffset + (i + half) * toStride);
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static VectorShuffle<Float>[] swaps() {
    final VectorShuffle[] swaps = new VectorShuffle[STEPS];
    for (int step = 0; step < STEPS; step++) {
      final int half = 1 << step;
      swaps[step] = VectorShuffle.fromOp(S, lane -> lane ^ half);
    }
    return swaps;
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static VectorMask<Float>[] uppers() {
    final VectorMask[] uppers = new VectorMask[STEPS];
    for (int step = 0; step < STEPS; step++) {
      final boolean[] upper = new boolean[L];
      for (int lane = 0; lane < L; lane++) {
        upper[lane] = (lane >> step & 1) == 1;
      }
      uppers[step] = VectorMask.fromArray(S, upper, 0);
    }
    return uppers;
  }
}
