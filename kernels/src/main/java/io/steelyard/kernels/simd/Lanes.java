package io.steelyard.kernels.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector shape of all kernels: the widest this machine likes, or {@code
 * -Dsteelyard.vector.bits=128|256|512} for tests of other widths. Loads only where {@link
 * Simd#available()}.
 *
 * <p>How kernels are written, and why. A vector that C2 does not keep in a register is an object,
 * and a loop that makes objects is tens of times slower. So: vectors live in locals of one method
 * and never are parameters or results; a loop that accumulates is written out for two vectors an
 * iteration, which puts its method beyond 325 bytecodes (FreqInlineSize), so that C2 compiles it on
 * its own and never as part of a caller, where accumulators of neighbouring loops end up boxed;
 * sums leave a loop through an array. A test counts the bytes that every kernel allocates.
 */
public final class Lanes {

  /** Float lanes. */
  public static final VectorSpecies<Float> FLOAT = species();

  /** Floats that every kernel loop takes at a time: two vectors. */
  public static final int BLOCK = 2 * FLOAT.length();

  private Lanes() {}

  private static VectorSpecies<Float> species() {
    final String bits = System.getProperty("steelyard.vector.bits", "preferred");
    return switch (bits) {
      case "preferred" -> FloatVector.SPECIES_PREFERRED;
      case "128", "256", "512" ->
          VectorSpecies.of(float.class, VectorShape.forBitSize(Integer.parseInt(bits)));
      default ->
          throw new IllegalArgumentException(
              "steelyard.vector.bits is '" + bits + "'; expected 128, 256 or 512");
    };
  }
}
