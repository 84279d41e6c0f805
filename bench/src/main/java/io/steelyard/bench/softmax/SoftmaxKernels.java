package io.steelyard.bench.softmax;

import io.steelyard.bench.jmh.Allocation;
import io.steelyard.bench.rows.Output;
import io.steelyard.bench.rows.Rows;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Steelyard's softmax family. */
@State(Scope.Benchmark)
public class SoftmaxKernels {

  @Param("SOFTMAX")
  SoftmaxOperator operator;

  @Param("256x256")
  String shape;

  @Param("REUSED")
  Output output;

  @Param("1")
  int threads;

  private Rows rows = new Rows(0, 0);
  private float[] scores = new float[0];
  private Tensor x = Tensor.zeros(DType.F32, 0);
  private Tensor y = x;
  private long[] outputShape = new long[0];
  private SoftmaxOperator.Call call = (_, _) -> {};

  /** Makes the scores, poisons the output and checks one result. */
  @Setup(Level.Trial)
  public void setUp() {
    rows = Rows.parse(shape);
    scores = rows.scores();
    x = Tensor.of(scores, rows.shape());
    outputShape =
        operator.meaning() == Meaning.LOG_SUM_EXP ? new long[] {rows.count()} : rows.shape();
    y = Tensor.zeros(DType.F32, outputShape);
    call = operator.call(threads);
    check();
  }

  /** One call. */
  @Benchmark
  public Tensor run() {
    if (output == Output.FRESH) {
      y = Tensor.zeros(DType.F32, outputShape);
    }
    call.apply(x, y);
    return y;
  }

  /** Checks again, now on what the optimising compiler made of it, and counts allocation. */
  @TearDown(Level.Trial)
  public void tearDown() {
    Allocation.measure(this::run);
    check();
  }

  private void check() {
    final float[] out = y.floatArray().orElseThrow();
    Arrays.fill(out, Float.NaN);
    call.apply(x, y);
    final int length = operator.meaning().outputs(rows);
    operator
        .meaning()
        .check(
            operator.label() + " " + shape,
            rows,
            scores,
            row -> Arrays.copyOfRange(out, row * length, (row + 1) * length),
            Meaning.OURS);
  }
}
