package io.steelyard.kernels.detection;

import java.util.Arrays;

/** A stable sort of indices by integer keys that keeps its memory for the next call. */
final class StableOrder {

  private static final int DIGIT = 8;
  private static final int VALUES = 1 << DIGIT;

  private final int[] starts = new int[VALUES + 1];
  private int[] order = new int[0];
  private int[] spare = new int[0];
  private int count;

  /** Starts with 0, 1, ... n - 1. */
  void reset(int n) {
    reserve(n);
    for (int i = 0; i < n; i++) {
      order[i] = i;
    }
    count = n;
  }

  /** Starts empty, with room for n indices. */
  void clear(int n) {
    reserve(n);
    count = 0;
  }

  void add(int index) {
    order[count++] = index;
  }

  int count() {
    return count;
  }

  int at(int position) {
    return order[position];
  }

  /** Sorts by {@code keys[index]}, unsigned and ascending; equal keys keep their order. */
  void by(int[] keys) {
    for (int shift = 0; shift < Integer.SIZE; shift += DIGIT) {
      Arrays.fill(starts, 0);
      for (int i = 0; i < count; i++) {
        starts[(keys[order[i]] >>> shift & VALUES - 1) + 1]++;
      }
      if (count == 0 || starts[(keys[order[0]] >>> shift & VALUES - 1) + 1] == count) {
        continue;
      }
      for (int value = 0; value < VALUES; value++) {
        starts[value + 1] += starts[value];
      }
      for (int i = 0; i < count; i++) {
        spare[starts[keys[order[i]] >>> shift & VALUES - 1]++] = order[i];
      }
      final int[] sorted = spare;
      spare = order;
      order = sorted;
    }
  }

  private void reserve(int n) {
    if (order.length < n) {
      order = new int[n];
      spare = new int[n];
    }
  }
}
