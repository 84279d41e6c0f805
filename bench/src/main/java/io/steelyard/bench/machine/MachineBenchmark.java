package io.steelyard.bench.machine;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Read and copy bandwidth of memory, and peak multiply-add speed, on the kernels' own threads. */
@State(Scope.Benchmark)
public class MachineBenchmark {

  /** Floats in each array: 256 MiB, more than last-level caches hold of two of them. */
  static final int FLOATS = 1 << 26;

  /** Rounds of the register loop that each thread does in a call. */
  static final int ROUNDS = 1 << 18;

  private static final int PIECE = 1 << 18;

  @Param("1")
  int threads;

  /** Length of the arrays; 0 for the register loop, which needs none. */
  @Param("" + FLOATS)
  int floats;

  private float[] x = new float[0];
  private float[] y = new float[0];
  private final float[] sums = new float[Math.max(256, FLOATS / PIECE)];
  private final Job read = part -> sums[part] = Passes.read(x, part * PIECE, (part + 1) * PIECE);
  private final Job copy =
      part -> Passes.copy(x, part * PIECE, (part + 1) * PIECE, y, part * PIECE);
  private final Job fma = part -> sums[part] = Passes.fma(ROUNDS, part, 0.5f);

  /** Fills the arrays, so that every page is there before time counts. */
  @Setup(Level.Trial)
  public void setUp() {
    x = new float[floats];
    y = new float[floats];
    Arrays.fill(x, 1f);
    Arrays.fill(y, 2f);
  }

  /** Loads all of one array. */
  @Benchmark
  public float[] read() {
    Workers.shared().run(read, floats / PIECE, threads);
    return sums;
  }

  /** Loads all of one array and stores it in another. */
  @Benchmark
  public float[] copy() {
    Workers.shared().run(copy, floats / PIECE, threads);
    return y;
  }

  /** Multiplies and adds in registers, the same number of rounds on each thread. */
  @Benchmark
  public float[] fma() {
    Workers.shared().run(fma, threads, threads);
    return sums;
  }
}
