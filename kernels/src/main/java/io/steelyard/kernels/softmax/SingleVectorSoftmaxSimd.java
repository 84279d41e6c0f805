package io.steelyard.kernels.softmax;

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
import java.util.List;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Softmax of rows that fit one vector, as gates over experts and small classifiers have: all rows
 * in one loop, so that the processor works on several at a time. The arithmetic of {@link
 * ThreePassSoftmaxSimd}.
 *
 * <p>Maximum and sum over lanes go through rearrangements, whose order is fixed; the order of
 * {@code reduceLanes} is not, and a result must not depend on whether its loop was compiled yet.
 */
final class SingleVectorSoftmaxSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final VectorShuffle<Float> HALVES = swap(L / 2);
  private static final VectorShuffle<Float> QUARTERS = swap(L / 4);
  private static final VectorShuffle<Float> EIGHTHS = swap(L / 8);
  private static final VectorShuffle<Float> SIXTEENTHS = swap(L / 16);

  /**
   * Masks of the first n lanes, made once: one made in a call is garbage unless C2 sees through it.
   */
  private static final List<VectorMask<Float>> FIRST =
      IntStream.rangeClosed(0, L).mapToObj(n -> S.indexInRange(0, n)).toList();

  private static final float MAGIC = 0x1.8000FEp23f;
  private static final float CUT = -0x1.5D589Ep6f;

  private SingleVectorSoftmaxSimd() {}

  /** Each lane's partner in one step of a reduction over all lanes. */
  private static VectorShuffle<Float> swap(int distance) {
    return VectorShuffle.fromOp(S, lane -> lane ^ distance);
  }

  /**
   * Softmax of {@code rows} rows of {@code n <= L} entries that lie one after another; y may be x.
   */
  static void apply(float[] x, int xOffset, float[] y, int yOffset, int rows, int n) {
    final VectorMask<Float> real = FIRST.get(n);
    final FloatVector none = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    for (int row = 0; row < rows; row++) {
      final FloatVector scores =
          none.blend(FloatVector.fromArray(S, x, xOffset + row * n, real), real);
      FloatVector mu = scores;
      FloatVector other = mu.rearrange(HALVES);
      mu = mu.blend(other, other.compare(GT, mu));
      other = mu.rearrange(QUARTERS);
      mu = mu.blend(other, other.compare(GT, mu));
      if (L >= 8) {
        other = mu.rearrange(EIGHTHS);
        mu = mu.blend(other, other.compare(GT, mu));
      }
      if (L >= 16) {
        other = mu.rearrange(SIXTEENTHS);
        mu = mu.blend(other, other.compare(GT, mu));
      }
      // A row without finite entries has nothing to subtract.
      mu = zero.blend(mu, mu.compare(GT, none));
      final FloatVector z = scores.sub(mu);
      final FloatVector k = z.fma(log2e, magic);
      final FloatVector whole = k.sub(magic);
      final FloatVector t = whole.fma(low, whole.fma(high, z));
      final FloatVector p = t.fma(c5, c4).fma(t, c3).fma(t, c2).fma(t, c1);
      final FloatVector s = k.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e = t.mul(s).fma(p, s).blend(zero, z.compare(LT, CUT));
      FloatVector sum = e.add(e.rearrange(HALVES));
      sum = sum.add(sum.rearrange(QUARTERS));
      if (L >= 8) {
        sum = sum.add(sum.rearrange(EIGHTHS));
      }
      if (L >= 16) {
        sum = sum.add(sum.rearrange(SIXTEENTHS));
      }
      // Where the sum is 0, so is every exponential.
      final FloatVector total = sum.blend(one, sum.compare(LT, Float.MIN_NORMAL));
      e.mul(one.div(total)).intoArray(y, yOffset + row * n, real);
    }
  }
}
