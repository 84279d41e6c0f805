package io.steelyard.bench.peers;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** For tests of peers, which are compiled everywhere and run where libtorch is. */
public final class TorchAvailable {

  private TorchAvailable() {}

  /** Skips the test where there is no libtorch. */
  public static void assume() {
    assumeTrue(
        System.getenv("PYTORCH_LIBRARY_PATH") != null
            || TorchPeer.class.getResource("/native/lib/pytorch.properties") != null,
        "libtorch is neither on the class path nor in PYTORCH_LIBRARY_PATH");
  }
}
