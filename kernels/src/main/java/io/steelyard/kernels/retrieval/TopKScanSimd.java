package io.steelyard.kernels.retrieval;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Looks through a tile of scores, a row of two vectors for each label, for those above the
 * threshold of their lane. Nearly all tiles of a long search hold none, so four rows are judged at
 * once.
 */
final class TopKScanSimd {

  /** What {@link #next} says where nothing is found. */
  static final long NONE = -1;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int W = Lanes.BLOCK;

  private TopKScanSimd() {}

  /**
   * The first row from {@code from} on with a score that is above its threshold or NaN: the row,
   * and in the lower 32 bits the lanes of all such scores in it.
   */
  static long next(float[] tile, int from, int rows, float[] thresholds, int offset) {
    final FloatVector p = FloatVector.fromArray(S, thresholds, offset);
    final FloatVector q = FloatVector.fromArray(S, thresholds, offset + L);
    int j = from;
    for (; j <= rows - 4; j += 4) {
      final int at = j * W;
      final VectorMask<Float> low =
          FloatVector.fromArray(S, tile, at)
              .compare(VectorOperators.LE, p)
              .and(FloatVector.fromArray(S, tile, at + W).compare(VectorOperators.LE, p))
              .and(FloatVector.fromArray(S, tile, at + 2 * W).compare(VectorOperators.LE, p))
              .and(FloatVector.fromArray(S, tile, at + 3 * W).compare(VectorOperators.LE, p));
      final VectorMask<Float> high =
          FloatVector.fromArray(S, tile, at + L)
              .compare(VectorOperators.LE, q)
              .and(FloatVector.fromArray(S, tile, at + W + L).compare(VectorOperators.LE, q))
              .and(FloatVector.fromArray(S, tile, at + 2 * W + L).compare(VectorOperators.LE, q))
              .and(FloatVector.fromArray(S, tile, at + 3 * W + L).compare(VectorOperators.LE, q));
      if (!low.and(high).allTrue()) {
        break;
      }
    }
    for (; j < rows; j++) {
      final int at = j * W;
      final VectorMask<Float> low =
          FloatVector.fromArray(S, tile, at).compare(VectorOperators.LE, p);
      final VectorMask<Float> high =
          FloatVector.fromArray(S, tile, at + L).compare(VectorOperators.LE, q);
      final long lanes = ~(low.toLong() | high.toLong() << L) & (1L << W) - 1;
      if (lanes != 0) {
        return (long) j << Integer.SIZE | lanes;
      }
    }
    return NONE;
  }
}
