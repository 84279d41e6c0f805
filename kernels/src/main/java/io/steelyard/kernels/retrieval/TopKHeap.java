package io.steelyard.kernels.retrieval;

/**
 * The k best of a stream of scored labels: a heap of k entries of a {@code long[]}, the worst one
 * first.
 *
 * <p>An entry is one number, the score as an integer of the same order above the complement of the
 * label. So an entry is better than another, by score and among equal scores by the smaller label,
 * just if it is larger; no two are equal; and what k entries are left does not depend on the order
 * in which labels came or on how heaps of parts of them were merged.
 */
final class TopKHeap {

  /** No label; worse than every score. */
  static final long EMPTY = Long.MIN_VALUE;

  /** Stands first in a heap that was offered NaN; better than every score. */
  static final long BROKEN = Long.MAX_VALUE;

  private static final int MAGNITUDE = 0x7fffffff;

  private TopKHeap() {}

  /** The entry of a label; the two zeros are one score. */
  static long entry(float score, int label) {
    final int bits = Float.floatToRawIntBits(score + 0f);
    return (long) (bits ^ (bits >> 31 & MAGNITUDE)) << Integer.SIZE | (~label & 0xffffffffL);
  }

  static float score(long entry) {
    final int ordered = (int) (entry >> Integer.SIZE);
    return Float.intBitsToFloat(ordered ^ (ordered >> 31 & MAGNITUDE));
  }

  static int label(long entry) {
    return ~(int) entry;
  }

  /**
   * What a score has to exceed to enter a heap, if labels come in ascending order: its worst score,
   * or -inf as long as it has room.
   */
  static float threshold(long[] heap, int from) {
    final long worst = heap[from];
    return worst == EMPTY
        ? Float.NEGATIVE_INFINITY
        : worst == BROKEN ? Float.POSITIVE_INFINITY : score(worst);
  }

  /** Offers a score that is not -inf. */
  static void offer(long[] heap, int from, int k, float score, int label) {
    if (Float.isNaN(score)) {
      heap[from] = BROKEN;
    } else {
      offer(heap, from, k, entry(score, label));
    }
  }

  /** Offers an entry of another heap. */
  static void offer(long[] heap, int from, int k, long entry) {
    if (entry > heap[from]) {
      sink(heap, from, k, entry);
    }
  }

  /** Sorts a heap that is not broken, the best entry first. */
  static void sort(long[] heap, int from, int k) {
    for (int size = k - 1; size > 0; size--) {
      final long worst = heap[from];
      final long last = heap[from + size];
      heap[from + size] = worst;
      sink(heap, from, size, last);
    }
  }

  /** Replaces the first of {@code size} entries. */
  private static void sink(long[] heap, int from, int size, long entry) {
    int at = 0;
    int child = 1;
    while (child < size) {
      if (child + 1 < size && heap[from + child + 1] < heap[from + child]) {
        child++;
      }
      final long least = heap[from + child];
      if (least >= entry) {
        break;
      }
      heap[from + at] = least;
      at = child;
      child = 2 * at + 1;
    }
    heap[from + at] = entry;
  }
}
