package io.steelyard.kernels.detection;

import static io.steelyard.kernels.elementary.ExtendedExponent.C1;
import static io.steelyard.kernels.elementary.ExtendedExponent.C2;
import static io.steelyard.kernels.elementary.ExtendedExponent.C3;
import static io.steelyard.kernels.elementary.ExtendedExponent.C4;
import static io.steelyard.kernels.elementary.ExtendedExponent.C5;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The boxes of one class and image, one array for each coordinate, and the rounds over them: each
 * decays the scores of all boxes by their overlap with the box just selected and, in the same pass,
 * finds the next one. A box that is selected or dropped gets the score -inf; now and then the
 * others are moved together, in order, so that the first of equal scores stays the one with the
 * smallest index.
 */
final class BoxPanelSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final VectorSpecies<Integer> SI = S.withLanes(int.class);
  private static final int L = S.length();

  private static final ThreadLocal<BoxPanelSimd> OWN = ThreadLocal.withInitial(BoxPanelSimd::new);

  /** 1.5 * 2^23 + 127: leaves n + 127 in the low bits, ready to be shifted into an exponent. */
  private static final float MAGIC = 0x1.8000FEp23f;

  /** Below this z the exponential is subnormal and counts as zero: ln 2^-126. */
  private static final float CUT = -0x1.5D589Ep6f;

  private final float[] maxima = new float[2 * L];
  private final int[] positions = new int[2 * L];
  private float[] left = new float[0];
  private float[] top = new float[0];
  private float[] right = new float[0];
  private float[] bottom = new float[0];
  private float[] area = new float[0];
  private float[] score = new float[0];
  private int[] origin = new int[0];
  private int count;
  private float plusSide;
  private float leastScore;

  private BoxPanelSimd() {}

  static BoxPanelSimd own() {
    return OWN.get();
  }

  /** Empties the panel and makes room for n boxes. */
  void open(int n, SuppressionOptions options) {
    final int padded = (n + Lanes.BLOCK - 1) / Lanes.BLOCK * Lanes.BLOCK;
    if (left.length < padded) {
      left = new float[padded];
      top = new float[padded];
      right = new float[padded];
      bottom = new float[padded];
      area = new float[padded];
      score = new float[padded];
      origin = new int[padded];
    }
    count = 0;
    plusSide = options.convention().plus();
    // The smallest float that is not below the least score.
    final float rounded = (float) options.minScore();
    leastScore = rounded < options.minScore() ? Math.nextUp(rounded) : rounded;
  }

  /** Adds a box, unless its score is too small or it is not a box. */
  void add(ScoredBoxes boxes, int index) {
    final Tensor scores = boxes.scores();
    final Tensor corners = boxes.corners();
    final float s = (float) scores.getDouble(scores.offset() + index * scores.rowStride());
    final long row = corners.rowOffset(index);
    final long step = corners.rowStride();
    final float x1 = (float) corners.getDouble(row);
    final float y1 = (float) corners.getDouble(row + step);
    final float x2 = (float) corners.getDouble(row + 2 * step);
    final float y2 = (float) corners.getDouble(row + 3 * step);
    if (!(s >= leastScore)
        || Float.isNaN(x1)
        || Float.isNaN(y1)
        || Float.isNaN(x2)
        || Float.isNaN(y2)) {
      return;
    }
    left[count] = x1;
    top[count] = y1;
    right[count] = x2;
    bottom[count] = y2;
    area[count] = Math.max(0, x2 - x1 + plusSide) * Math.max(0, y2 - y1 + plusSide);
    score[count] = s;
    origin[count++] = index;
  }

  /** Selects boxes until none is left and sets {@code results} of each, by its index. */
  void select(Decay decay, float[] results) {
    pad();
    int best = -1;
    for (int i = 0; i < count; i++) {
      if (best < 0 || score[i] > score[best]) {
        best = i;
      }
    }
    int rounds = 0;
    while (best >= 0) {
      results[origin[best]] = score[best];
      score[best] = Float.NEGATIVE_INFINITY;
      final int n = (count + Lanes.BLOCK - 1) / Lanes.BLOCK * Lanes.BLOCK;
      switch (decay) {
        case Decay.Hard hard -> threshold(n, best, (float) hard.threshold(), 0, 0);
        case Decay.Linear linear -> threshold(n, best, (float) linear.threshold(), -1, 1);
        case Decay.Gaussian gaussian ->
            gaussian(n, best, (float) -Math.min(1 / gaussian.sigma(), Float.MAX_VALUE));
      }
      best = next();
      // Seldom enough to cost little beside the rounds, often enough that they get shorter.
      if (best >= 0 && ++rounds > 32 + count / 64) {
        rounds = 0;
        best = moveTogether(best);
      }
    }
  }

  /** The first position of the largest score that the last round left; -1 without any. */
  private int next() {
    float max = Float.NEGATIVE_INFINITY;
    int best = -1;
    for (int lane = 0; lane < 2 * L; lane++) {
      if (maxima[lane] > max || (maxima[lane] == max && positions[lane] < best)) {
        max = maxima[lane];
        best = positions[lane];
      }
    }
    return best;
  }

  /** Leaves out boxes that are selected or dropped; returns where the box at {@code best} is. */
  private int moveTogether(int best) {
    int to = 0;
    int moved = best;
    for (int i = 0; i < count; i++) {
      if (i == best) {
        moved = to;
      }
      if (score[i] >= leastScore) {
        left[to] = left[i];
        top[to] = top[i];
        right[to] = right[i];
        bottom[to] = bottom[i];
        area[to] = area[i];
        score[to] = score[i];
        origin[to++] = origin[i];
      }
    }
    count = to;
    pad();
    return moved;
  }

  private void pad() {
    final int end = (count + Lanes.BLOCK - 1) / Lanes.BLOCK * Lanes.BLOCK;
    Arrays.fill(score, count, end, Float.NEGATIVE_INFINITY);
  }

  /**
   * A round with {@code f(u) = base + slope u} above the threshold; {@code u} is NaN where areas
   * are 0 or infinite, and NaN is not above anything.
   */
  private void threshold(int n, int best, float limit, float slopeOfF, float baseOfF) {
    final float[] x1 = left;
    final float[] y1 = top;
    final float[] x2 = right;
    final float[] y2 = bottom;
    final float[] areas = area;
    final float[] scores = score;
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector none = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    final FloatVector plus = FloatVector.broadcast(S, plusSide);
    final FloatVector least = FloatVector.broadcast(S, leastScore);
    final FloatVector bx1 = FloatVector.broadcast(S, x1[best]);
    final FloatVector by1 = FloatVector.broadcast(S, y1[best]);
    final FloatVector bx2 = FloatVector.broadcast(S, x2[best]);
    final FloatVector by2 = FloatVector.broadcast(S, y2[best]);
    final FloatVector bestArea = FloatVector.broadcast(S, areas[best]);
    final FloatVector threshold = FloatVector.broadcast(S, limit);
    final FloatVector slope = FloatVector.broadcast(S, slopeOfF);
    final FloatVector base = FloatVector.broadcast(S, baseOfF);
    FloatVector max0 = none;
    FloatVector max1 = none;
    IntVector at0 = IntVector.broadcast(SI, -1);
    IntVector at1 = IntVector.broadcast(SI, -1);
    IntVector index0 = IntVector.zero(SI).addIndex(1);
    IntVector index1 = index0.add(L);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector left0 = FloatVector.fromArray(S, x1, i);
      final FloatVector top0 = FloatVector.fromArray(S, y1, i);
      final FloatVector right0 = FloatVector.fromArray(S, x2, i);
      final FloatVector bottom0 = FloatVector.fromArray(S, y2, i);
      final FloatVector w0 =
          right0
              .blend(bx2, right0.compare(GT, bx2))
              .sub(left0.blend(bx1, left0.compare(LT, bx1)))
              .add(plus);
      final FloatVector h0 =
          bottom0
              .blend(by2, bottom0.compare(GT, by2))
              .sub(top0.blend(by1, top0.compare(LT, by1)))
              .add(plus);
      final FloatVector common0 =
          w0.blend(zero, w0.compare(LT, zero)).mul(h0.blend(zero, h0.compare(LT, zero)));
      final FloatVector u0 =
          common0.div(FloatVector.fromArray(S, areas, i).add(bestArea).sub(common0));
      final FloatVector f0 = one.blend(u0.fma(slope, base), u0.compare(GT, threshold));
      final FloatVector d0 = FloatVector.fromArray(S, scores, i).mul(f0);
      final FloatVector s0 = d0.blend(none, d0.compare(LT, least));
      s0.intoArray(scores, i);
      final VectorMask<Float> better0 = s0.compare(GT, max0);
      max0 = max0.blend(s0, better0);
      at0 = at0.blend(index0, better0.cast(SI));
      index0 = index0.add(2 * L);
      final FloatVector left1 = FloatVector.fromArray(S, x1, i + L);
      final FloatVector top1 = FloatVector.fromArray(S, y1, i + L);
      final FloatVector right1 = FloatVector.fromArray(S, x2, i + L);
      final FloatVector bottom1 = FloatVector.fromArray(S, y2, i + L);
      final FloatVector w1 =
          right1
              .blend(bx2, right1.compare(GT, bx2))
              .sub(left1.blend(bx1, left1.compare(LT, bx1)))
              .add(plus);
      final FloatVector h1 =
          bottom1
              .blend(by2, bottom1.compare(GT, by2))
              .sub(top1.blend(by1, top1.compare(LT, by1)))
              .add(plus);
      final FloatVector common1 =
          w1.blend(zero, w1.compare(LT, zero)).mul(h1.blend(zero, h1.compare(LT, zero)));
      final FloatVector u1 =
          common1.div(FloatVector.fromArray(S, areas, i + L).add(bestArea).sub(common1));
      final FloatVector f1 = one.blend(u1.fma(slope, base), u1.compare(GT, threshold));
      final FloatVector d1 = FloatVector.fromArray(S, scores, i + L).mul(f1);
      final FloatVector s1 = d1.blend(none, d1.compare(LT, least));
      s1.intoArray(scores, i + L);
      final VectorMask<Float> better1 = s1.compare(GT, max1);
      max1 = max1.blend(s1, better1);
      at1 = at1.blend(index1, better1.cast(SI));
      index1 = index1.add(2 * L);
    }
    max0.intoArray(maxima, 0);
    max1.intoArray(maxima, L);
    at0.intoArray(positions, 0);
    at1.intoArray(positions, L);
  }

  /** A round with {@code f(u) = e^(factor u^2)}, by the polynomial of {@code ExtendedExponent}. */
  private void gaussian(int n, int best, float factor) {
    final float[] x1 = left;
    final float[] y1 = top;
    final float[] x2 = right;
    final float[] y2 = bottom;
    final float[] areas = area;
    final float[] scores = score;
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector none = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    final FloatVector plus = FloatVector.broadcast(S, plusSide);
    final FloatVector least = FloatVector.broadcast(S, leastScore);
    final FloatVector bx1 = FloatVector.broadcast(S, x1[best]);
    final FloatVector by1 = FloatVector.broadcast(S, y1[best]);
    final FloatVector bx2 = FloatVector.broadcast(S, x2[best]);
    final FloatVector by2 = FloatVector.broadcast(S, y2[best]);
    final FloatVector bestArea = FloatVector.broadcast(S, areas[best]);
    final FloatVector inverse = FloatVector.broadcast(S, factor);
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    FloatVector max0 = none;
    FloatVector max1 = none;
    IntVector at0 = IntVector.broadcast(SI, -1);
    IntVector at1 = IntVector.broadcast(SI, -1);
    IntVector index0 = IntVector.zero(SI).addIndex(1);
    IntVector index1 = index0.add(L);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector left0 = FloatVector.fromArray(S, x1, i);
      final FloatVector top0 = FloatVector.fromArray(S, y1, i);
      final FloatVector right0 = FloatVector.fromArray(S, x2, i);
      final FloatVector bottom0 = FloatVector.fromArray(S, y2, i);
      final FloatVector w0 =
          right0
              .blend(bx2, right0.compare(GT, bx2))
              .sub(left0.blend(bx1, left0.compare(LT, bx1)))
              .add(plus);
      final FloatVector h0 =
          bottom0
              .blend(by2, bottom0.compare(GT, by2))
              .sub(top0.blend(by1, top0.compare(LT, by1)))
              .add(plus);
      final FloatVector common0 =
          w0.blend(zero, w0.compare(LT, zero)).mul(h0.blend(zero, h0.compare(LT, zero)));
      final FloatVector u0 =
          common0.div(FloatVector.fromArray(S, areas, i).add(bestArea).sub(common0));
      final FloatVector z0 = u0.mul(u0).mul(inverse);
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector e0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector g0 = t0.mul(e0).fma(p0, e0).blend(zero, z0.compare(LT, CUT));
      final FloatVector f0 = one.blend(g0, u0.compare(GT, zero));
      final FloatVector d0 = FloatVector.fromArray(S, scores, i).mul(f0);
      final FloatVector s0 = d0.blend(none, d0.compare(LT, least));
      s0.intoArray(scores, i);
      final VectorMask<Float> better0 = s0.compare(GT, max0);
      max0 = max0.blend(s0, better0);
      at0 = at0.blend(index0, better0.cast(SI));
      index0 = index0.add(2 * L);
      final FloatVector left1 = FloatVector.fromArray(S, x1, i + L);
      final FloatVector top1 = FloatVector.fromArray(S, y1, i + L);
      final FloatVector right1 = FloatVector.fromArray(S, x2, i + L);
      final FloatVector bottom1 = FloatVector.fromArray(S, y2, i + L);
      final FloatVector w1 =
          right1
              .blend(bx2, right1.compare(GT, bx2))
              .sub(left1.blend(bx1, left1.compare(LT, bx1)))
              .add(plus);
      final FloatVector h1 =
          bottom1
              .blend(by2, bottom1.compare(GT, by2))
              .sub(top1.blend(by1, top1.compare(LT, by1)))
              .add(plus);
      final FloatVector common1 =
          w1.blend(zero, w1.compare(LT, zero)).mul(h1.blend(zero, h1.compare(LT, zero)));
      final FloatVector u1 =
          common1.div(FloatVector.fromArray(S, areas, i + L).add(bestArea).sub(common1));
      final FloatVector z1 = u1.mul(u1).mul(inverse);
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector e1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector g1 = t1.mul(e1).fma(p1, e1).blend(zero, z1.compare(LT, CUT));
      final FloatVector f1 = one.blend(g1, u1.compare(GT, zero));
      final FloatVector d1 = FloatVector.fromArray(S, scores, i + L).mul(f1);
      final FloatVector s1 = d1.blend(none, d1.compare(LT, least));
      s1.intoArray(scores, i + L);
      final VectorMask<Float> better1 = s1.compare(GT, max1);
      max1 = max1.blend(s1, better1);
      at1 = at1.blend(index1, better1.cast(SI));
      index1 = index1.add(2 * L);
    }
    max0.intoArray(maxima, 0);
    max1.intoArray(maxima, L);
    at0.intoArray(positions, 0);
    at1.intoArray(positions, L);
  }
}
