package io.steelyard.kernels.attention;

import static jdk.incubator.vector.VectorOperators.EQ;

import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.simd.Lanes;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Which scores of a block of keys are hidden, and what is added to them: collected query by query,
 * as masks lie in memory, and written key by key, as tiles do. A flag is one bit, and 64 x 64 of
 * them change sides at once.
 */
final class HiddenScoresSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int W = TileProductsSimd.W;
  private static final int KEYS = FusedAttention.KEYS;

  /** Queries that two words of 64 keys have room for. */
  private static final int ROOM = 32;

  private static final int WORDS = KEYS / Long.SIZE;
  private static final long LANES = -1L >>> (Long.SIZE - L);
  private static final float LOG2E = (float) AttentionScores.LOG2E;

  /** Where the numbers of one key stand that are added for L queries. */
  private static final int[] EACH_QUERY = new int[L];

  static {
    if (W > ROOM || WORDS * ROOM != Long.SIZE) {
      throw new IllegalStateException("tiles of " + W + " queries by " + KEYS + " keys");
    }
    Arrays.setAll(EACH_QUERY, lane -> lane * KEYS);
  }

  /** Bit j of word {@code w ROOM + lane}: key {@code 64 w + j} is hidden from a query. */
  private final long[] byQuery = new long[Long.SIZE];

  /** The same bits the other way round. */
  private final long[] byKey = new long[Long.SIZE];

  /** What is added to the scores of each query, {@link #KEYS} numbers each. */
  private float[] added = new float[0];

  private boolean any;
  private boolean adds;

  /** Forgets everything. */
  void clear() {
    Arrays.fill(byQuery, 0);
    any = false;
    adds = false;
  }

  /** Hides keys from {@code first} on. */
  void hideFrom(int lane, int first) {
    for (int w = 0; w < WORDS; w++) {
      final int from = first - w * Long.SIZE;
      if (from < Long.SIZE) {
        byQuery[w * ROOM + lane] |= -1L << Math.max(0, from);
      }
    }
  }

  /** Hides what the flags of a mask hide. */
  void hide(RowMask mask, long row, int lanes, int from, int keys) {
    mask.hidden(row, lanes, from, keys, byQuery, ROOM);
  }

  /** Room for what is added to the scores of a query, from {@link #rowOfAdded} on. */
  float[] added() {
    added = added.length == 0 ? new float[KEYS * W] : added;
    return added;
  }

  /** See {@link #added}. */
  static int rowOfAdded(int lane) {
    return lane * KEYS;
  }

  /** Takes on the numbers in {@link #added} for a query: -inf hides, whatever the score. */
  void add(int lane, int keys) {
    adds = true;
    for (int j = 0; j < keys; j += L) {
      final long hides =
          FloatVector.fromArray(S, added, lane * KEYS + j)
              .compare(EQ, Float.NEGATIVE_INFINITY)
              .toLong();
      byQuery[j / Long.SIZE * ROOM + lane] |= hides << j;
    }
  }

  /** Ends the collection for some keys; what was said of keys beyond them is forgotten. */
  void collected(int keys) {
    long all = 0;
    for (int w = 0; w < WORDS; w++) {
      final int own = Math.clamp(keys - w * (long) Long.SIZE, 0, Long.SIZE);
      final long kept = own == 0 ? 0 : -1L >>> (Long.SIZE - own);
      for (int lane = 0; lane < W; lane++) {
        byQuery[w * ROOM + lane] &= kept;
        all |= byQuery[w * ROOM + lane];
      }
    }
    any = all != 0;
  }

  /** Turns the flags the other way round, for {@link #write}. */
  void turn() {
    System.arraycopy(byQuery, 0, byKey, 0, Long.SIZE);
    long low = 0xffff_ffffL;
    for (int j = 32; j != 0; j >>>= 1) {
      for (int k = 0; k < Long.SIZE; k = ((k | j) + 1) & ~j) {
        final long swapped = ((byKey[k] >>> j) ^ byKey[k | j]) & low;
        byKey[k] ^= swapped << j;
        byKey[k | j] ^= swapped;
      }
      low ^= low << (j >>> 1);
    }
  }

  /** Whether any score is hidden. */
  boolean any() {
    return any;
  }

  /** Whether no query sees any of the keys. */
  boolean all(int lanes, int keys) {
    if (!any) {
      return false;
    }
    int hidden = 0;
    for (int w = 0; w < WORDS; w++) {
      for (int lane = 0; lane < lanes; lane++) {
        hidden += Long.bitCount(byQuery[w * ROOM + lane]);
      }
    }
    return hidden == lanes * keys;
  }

  /** Whether a score is hidden. */
  boolean hides(int key, int lane) {
    return ((byQuery[key / Long.SIZE * ROOM + lane] >>> key) & 1) != 0;
  }

  /** Adds what is to be added to a tile of scores times log2 e, and writes -inf where hidden. */
  void apply(float[] tile, int keys) {
    if (adds) {
      for (int j = 0; j < keys; j++) {
        for (int half = 0; half < W; half += L) {
          final int at = j * W + half;
          FloatVector.fromArray(S, added, half * KEYS + j, EACH_QUERY, 0)
              .fma(FloatVector.broadcast(S, LOG2E), FloatVector.fromArray(S, tile, at))
              .intoArray(tile, at);
        }
      }
    }
    write(tile, keys, Float.NEGATIVE_INFINITY);
  }

  /** Writes a number wherever a score is hidden. */
  void write(float[] tile, int keys, float number) {
    if (!any) {
      return;
    }
    final FloatVector written = FloatVector.broadcast(S, number);
    for (int j = 0; j < keys; j++) {
      final long bits = byKey[j % Long.SIZE] >>> (j / Long.SIZE * ROOM);
      final long first = bits & LANES;
      if (first != 0) {
        FloatVector.fromArray(S, tile, j * W)
            .blend(written, VectorMask.fromLong(S, first))
            .intoArray(tile, j * W);
      }
      final long second = (bits >>> L) & LANES;
      if (second != 0) {
        FloatVector.fromArray(S, tile, j * W + L)
            .blend(written, VectorMask.fromLong(S, second))
            .intoArray(tile, j * W + L);
      }
    }
  }

  /** As {@link #apply} for one query: scores lie one after another. */
  void applyRow(float[] row, int keys) {
    final FloatVector hidden = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    for (int j = 0; j < keys; j += L) {
      FloatVector scores = FloatVector.fromArray(S, row, j);
      if (adds) {
        scores = FloatVector.fromArray(S, added, j).fma(log2e, scores);
      }
      final long bits = (byQuery[j / Long.SIZE * ROOM] >>> j) & LANES;
      scores.blend(hidden, VectorMask.fromLong(S, bits)).intoArray(row, j);
    }
  }
}
