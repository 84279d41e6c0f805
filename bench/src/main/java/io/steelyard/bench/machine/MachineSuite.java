package io.steelyard.bench.machine;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The machine's own figures, by which all other suites can be judged. */
public final class MachineSuite implements Suite {

  @Override
  public String name() {
    return "machine";
  }

  @Override
  public String summary() {
    return "memory bandwidth (read, copy) and peak multiply-add speed of this machine";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    return IntStream.of(1, cores)
        .distinct()
        .boxed()
        .flatMap(
            threads ->
                Stream.of(
                    Case.alone("read bandwidth", threads, read(threads), bytes(1)),
                    Case.alone(
                        "copy bandwidth",
                        threads,
                        trial("copy", threads, MachineBenchmark.FLOATS),
                        bytes(2)),
                    Case.alone("multiply-add peak", threads, fma(threads), flops(threads))))
        .toList();
  }

  /** Bytes that one call of {@link #read} reads. */
  public static final double READ_BYTES = (double) Float.BYTES * MachineBenchmark.FLOATS;

  /** The trial that reads memory, for suites whose limit it is. */
  public static Trial read(int threads) {
    return trial("read", threads, MachineBenchmark.FLOATS);
  }

  /** The trial of the register loop, for suites whose limit it is. */
  public static Trial fma(int threads) {
    return trial("fma", threads, 0);
  }

  /** How much one call of {@link #fma} does. */
  public static Work flops(int threads) {
    final double flops = (double) threads * MachineBenchmark.ROUNDS * Passes.flopsPerRound();
    return new Work(flops, Work.Unit.FLOPS);
  }

  /** The multiply-add peak as a limit of some work in floating-point operations. */
  public static Limit fmaLimit(Work work, int threads) {
    return new Limit("multiply-add peak", fma(threads), work.amount() / flops(threads).amount());
  }

  private static Work bytes(int arrays) {
    return new Work((double) arrays * Float.BYTES * MachineBenchmark.FLOATS, Work.Unit.BYTES);
  }

  private static Trial trial(String method, int threads, int floats) {
    return new Trial(
        MachineBenchmark.class,
        method,
        Map.of("threads", Integer.toString(threads), "floats", Integer.toString(floats)));
  }
}
