package io.steelyard.bench.machine;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loops that load and store and do nothing else worth the time. Ranges are {@code from} (inclusive)
 * to {@code to} (exclusive); the few elements after the last whole vector go one by one.
 */
public final class Passes {

  private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
  private static final int STEP = LANES.length();

  private Passes() {}

  /**
   * Loads a range. Returns the sum, which is what keeps the loads from being dropped; four sums,
   * since one would make the loop wait for its own addition on data in the first-level cache.
   */
  public static float read(float[] x, int from, int to) {
    FloatVector a = FloatVector.zero(LANES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int i = from;
    for (; i <= to - 4 * STEP; i += 4 * STEP) {
      a = a.add(FloatVector.fromArray(LANES, x, i));
      b = b.add(FloatVector.fromArray(LANES, x, i + STEP));
      c = c.add(FloatVector.fromArray(LANES, x, i + 2 * STEP));
      d = d.add(FloatVector.fromArray(LANES, x, i + 3 * STEP));
    }
    float sum = a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    for (; i < to; i++) {
      sum += x[i];
    }
    return sum;
  }

  /** Loads a range of {@code x} and stores it from {@code yFrom} on in {@code y}. */
  public static void copy(float[] x, int from, int to, float[] y, int yFrom) {
    final int shift = yFrom - from;
    int i = from;
    for (; i <= to - STEP; i += STEP) {
      FloatVector.fromArray(LANES, x, i).intoArray(y, i + shift);
    }
    for (; i < to; i++) {
      y[i + shift] = x[i];
    }
  }

  /**
   * Loads a range and stores it, one larger, in place. The addition is there because a store of
   * what was just loaded would be dropped.
   */
  public static void update(float[] y, int from, int to) {
    int i = from;
    for (; i <= to - STEP; i += STEP) {
      FloatVector.fromArray(LANES, y, i).add(1f).intoArray(y, i);
    }
    for (; i < to; i++) {
      y[i] += 1f;
    }
  }

  /** Floating-point operations in one round of {@link #fma}. */
  public static long flopsPerRound() {
    return 12L * STEP * 2;
  }

  /**
   * Multiplies and adds in registers only: twelve independent chains, more than two fma units with
   * a latency of four or five cycles can hold.
   */
  public static float fma(int rounds, float start, float factor) {
    final FloatVector m = FloatVector.broadcast(LANES, factor);
    final FloatVector p = FloatVector.broadcast(LANES, 1f - factor);
    FloatVector a = FloatVector.broadcast(LANES, start);
    FloatVector b = a.add(1f);
    FloatVector c = a.add(2f);
    FloatVector d = a.add(3f);
    FloatVector e = a.add(4f);
    FloatVector f = a.add(5f);
    FloatVector g = a.add(6f);
    FloatVector h = a.add(7f);
    FloatVector i = a.add(8f);
    FloatVector j = a.add(9f);
    FloatVector k = a.add(10f);
    FloatVector l = a.add(11f);
    for (int round = 0; round < rounds; round++) {
      a = a.fma(m, p);
      b = b.fma(m, p);
      c = c.fma(m, p);
      d = d.fma(m, p);
      e = e.fma(m, p);
      f = f.fma(m, p);
      g = g.fma(m, p);
      h = h.fma(m, p);
      i = i.fma(m, p);
      j = j.fma(m, p);
      k = k.fma(m, p);
      l = l.fma(m, p);
    }
    final FloatVector left = a.add(b).add(c).add(d).add(e).add(f);
    final FloatVector right = g.add(h).add(i).add(j).add(k).add(l);
    return left.add(right).reduceLanes(VectorOperators.ADD);
  }
}
