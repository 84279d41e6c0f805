package io.steelyard.layers;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Memory of Java buffers that nobody holds, put to another use. */
public final class FreedMemory {

  private FreedMemory() {}

  /**
   * Makes the collector free buffers that nobody holds, and writes over what they were: a graph
   * that points into one of them has garbage in it from now on.
   *
   * @return what was written, to hold on to
   */
  public static List<ByteBuffer> take() {
    System.gc();
    final List<ByteBuffer> taken = new ArrayList<>();
    for (int i = 0; i < 3_000; i++) {
      taken.add(ByteBuffer.allocateDirect(8 + i % 4 * 8).putLong(0, 0x7ff8_dead_beef_0000L));
    }
    return taken;
  }
}
