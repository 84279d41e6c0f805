package io.steelyard.bench.rows;

import io.steelyard.bench.machine.Passes;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Trial;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * The loads and stores of work on rows without its arithmetic, on the kernels' own threads and in
 * their order: all passes over one row before the next where there are rows enough for the threads,
 * each pass over all of the row's pieces before the next pass where one row is shared.
 */
@State(Scope.Benchmark)
public class RowTraffic {

  /** What a method moves. */
  public enum Moves {
    /** Exponentials kept: read and write, then read and write the output. */
    IN_PLACE("2 reads, 2 writes"),
    /** Two-pass, and online without storing: read, then read and write. */
    LEAN("2 reads, 1 write"),
    /** Three passes, exponentials evaluated twice: read, read, then read and write. */
    RECOMPUTE("3 reads, 1 write"),
    /** Three passes, exponentials kept: read, read and write, then read and write the output. */
    RELOAD("3 reads, 2 writes"),
    /** One pass from input to output. */
    COPY("1 read, 1 write"),
    /** A sum: read. */
    READ_ONLY("1 read");

    private final String label;

    Moves(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }

    private List<Pass> passes() {
      return switch (this) {
        case IN_PLACE -> List.of(Pass.COPY, Pass.UPDATE);
        case LEAN -> List.of(Pass.READ, Pass.COPY);
        case RECOMPUTE -> List.of(Pass.READ, Pass.READ, Pass.COPY);
        case RELOAD -> List.of(Pass.READ, Pass.COPY, Pass.UPDATE);
        case COPY -> List.of(Pass.COPY);
        case READ_ONLY -> List.of(Pass.READ);
      };
    }
  }

  private enum Pass {
    READ,
    COPY,
    UPDATE
  }

  private static final int PIECE = 1 << 16;

  @Param("LEAN")
  Moves moves;

  @Param("256x256")
  String shape;

  @Param("REUSED")
  Output output;

  @Param("1")
  int threads;

  private Rows rows = new Rows(0, 0);
  private float[] x = new float[0];
  private float[] y = new float[0];
  private float[] sums = new float[0];
  private List<Pass> passes = List.of();
  private int rowsPerPart;
  private final Job wholeRows = this::someRows;
  private final Job onePass = this::somePiece;
  private Pass pass = Pass.READ;

  /** The limit of work that moves rows so. */
  public static Limit limit(Moves moves, Rows rows, Output output, int threads) {
    return new Limit(
        "memory: " + moves.label(),
        new Trial(
            RowTraffic.class,
            "run",
            Map.of(
                "moves", moves.name(),
                "shape", rows.toString(),
                "output", output.name(),
                "threads", Integer.toString(threads))),
        1);
  }

  /** Makes the scores and touches every page of the output. */
  @Setup(Level.Trial)
  public void setUp() {
    rows = Rows.parse(shape);
    x = rows.scores();
    passes = moves.passes();
    y = new float[writes() ? x.length : 1];
    Arrays.fill(y, Float.NaN);
    rowsPerPart = Math.max(1, rows.count() / (16 * threads));
    sums = new float[Math.max(rows.count(), x.length / PIECE + 1)];
  }

  /** Moves everything once. */
  @Benchmark
  public float[] run() {
    if (output == Output.FRESH) {
      y = new float[y.length];
    }
    final Workers workers = Workers.shared();
    if (threads == 1 || rows.count() >= threads) {
      workers.run(wholeRows, (rows.count() + rowsPerPart - 1) / rowsPerPart, threads);
    } else {
      for (final Pass next : passes) {
        pass = next;
        workers.run(onePass, (x.length + PIECE - 1) / PIECE, threads);
      }
    }
    return writes() ? y : sums;
  }

  private boolean writes() {
    return passes.contains(Pass.COPY);
  }

  private void someRows(int part) {
    final int end = Math.min(rows.count(), (part + 1) * rowsPerPart);
    for (int row = part * rowsPerPart; row < end; row++) {
      final int from = row * rows.length();
      for (int p = 0; p < passes.size(); p++) {
        move(passes.get(p), from, from + rows.length(), row);
      }
    }
  }

  private void somePiece(int part) {
    move(pass, part * PIECE, Math.min(x.length, (part + 1) * PIECE), part);
  }

  private void move(Pass one, int from, int to, int index) {
    switch (one) {
      case READ -> sums[index] = Passes.read(x, from, to);
      case COPY -> Passes.copy(x, from, to, y, from);
      case UPDATE -> Passes.update(y, from, to);
    }
  }
}
