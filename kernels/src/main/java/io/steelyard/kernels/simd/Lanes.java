package io.steelyard.kernels.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector shape of all kernels: the widest this machine likes, or {@code
 * -Dsteelyard.vector.bits=128|256|512} for tests of other widths. Loads only where {@link
 * Simd#available()}.
 */
public final class Lanes {

  /** Float lanes. */
  public static final VectorSpecies<Float> FLOAT = species();

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
