package io.steelyard.kernels.rows;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Widens 16-bit numbers to floats. */
final class WidenSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, S.vectorShape());
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(S.vectorBitSize() / 2));

  private WidenSimd() {}

  /** bfloat16 is the upper half of a float. */
  static void brain(short[] from, int n, float[] to, int at) {
    int i = 0;
    for (; i <= n - L; i += L) {
      final FloatVector wide =
          ((IntVector)
                  ShortVector.fromArray(SHORTS, from, i).convertShape(VectorOperators.S2I, INTS, 0))
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats();
      wide.intoArray(to, at + i);
    }
    for (; i < n; i++) {
      to[at + i] = Float.intBitsToFloat(from[i] << 16);
    }
  }

  /** The optimising compiler turns this loop into the machine's own conversion. */
  static void half(short[] from, int n, float[] to, int at) {
    for (int i = 0; i < n; i++) {
      to[at + i] = Float.float16ToFloat(from[i]);
    }
  }
}
