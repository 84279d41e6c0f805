package io.steelyard.kernels.elementary;

import static io.steelyard.kernels.elementary.ExtendedExponent.C1;
import static io.steelyard.kernels.elementary.ExtendedExponent.C2;
import static io.steelyard.kernels.elementary.ExtendedExponent.C3;
import static io.steelyard.kernels.elementary.ExtendedExponent.C4;
import static io.steelyard.kernels.elementary.ExtendedExponent.C5;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The steps of {@link ExtendedExponent#exp} on vectors, from which kernels build their
 * exponentials. Each is a handful of instructions and must stay so: a helper that C2 does not
 * inline boxes its vectors and is tens of times slower.
 */
public final class ExpSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;

  private ExpSimd() {}

  /**
   * {@code x log2 e + magic}: with a magic number of 1.5 * 2^23 (plus a bias) the sum's low bits
   * are {@code n = rint(x log2 e)} (plus the bias), for |n| &lt; 2^22.
   */
  public static FloatVector shifted(FloatVector x, float magic) {
    return x.fma(FloatVector.broadcast(S, LOG2E), FloatVector.broadcast(S, magic));
  }

  /** {@code t = x - n ln 2} by Cody and Waite's two constants. */
  public static FloatVector reduced(FloatVector x, FloatVector n) {
    return n.fma(
        FloatVector.broadcast(S, MINUS_LN2_LO), n.fma(FloatVector.broadcast(S, MINUS_LN2_HI), x));
  }

  /** {@code (e^t - 1) / t} for |t| &lt;= ln 2 / 2: the polynomial without its last step. */
  public static FloatVector polynomial(FloatVector t) {
    return t.fma(FloatVector.broadcast(S, C5), FloatVector.broadcast(S, C4))
        .fma(t, FloatVector.broadcast(S, C3))
        .fma(t, FloatVector.broadcast(S, C2))
        .fma(t, FloatVector.broadcast(S, C1));
  }
}
