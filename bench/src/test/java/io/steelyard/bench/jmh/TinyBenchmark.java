package io.steelyard.bench.jmh;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Allocates a known number of bytes; refuses a negative one in its set-up. */
@State(Scope.Benchmark)
public class TinyBenchmark {

  @Param("0")
  int bytes;

  private byte[] last = new byte[0];

  @Setup(Level.Trial)
  public void setUp() {
    if (bytes < 0) {
      throw new IllegalStateException("bytes is " + bytes);
    }
  }

  @Benchmark
  public byte[] allocate() {
    if (bytes > 0) {
      last = new byte[bytes];
    }
    return last;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    Allocation.measure(this::allocate);
  }
}
