package io.steelyard.kernels.simd;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/** Whether SIMD kernels can run in this JVM. Loads no class of the vector module. */
public final class Simd {

  private static final String MODULE = "jdk.incubator.vector";
  private static final boolean AVAILABLE = detect();

  private Simd() {}

  /**
   * Whether the vector module is in this JVM. Where it is not, operators run their scalar meaning,
   * and one log line (made by the first call) says which flag is missing.
   */
  public static boolean available() {
    return AVAILABLE;
  }

  /** Width of the vectors that kernels use, in bits; 0 on the scalar path. */
  public static int vectorBits() {
    return AVAILABLE ? Lanes.FLOAT.vectorBitSize() : 0;
  }

  private static boolean detect() {
    final boolean present = ModuleLayer.boot().findModule(MODULE).isPresent();
    if (!present) {
      final Logger log = System.getLogger("io.steelyard.kernels");
      log.log(
          Level.WARNING,
          "module {0} is not in this JVM, so kernels run their slow scalar form; start java with"
              + " --add-modules {0} for the SIMD kernels",
          MODULE);
    }
    return present;
  }
}
