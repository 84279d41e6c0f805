package io.steelyard.bench.linear;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.kernels.linear.LinearState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** One token of each head, with the state of those before. */
public class LinearStep extends CheckedBenchmark {

  private static final int HEADS = 8;
  private static final int DEPTH = 64;
  private static final int TOKENS = 16;

  @Param("LINEAR")
  LinearForm form;

  private LinearState state = LinearForm.LINEAR.newState(DType.F32, shape());
  private final Tensor[][] tokens = new Tensor[TOKENS][3];
  private Tensor o = Tensor.zeros(DType.F32, 1, HEADS, DEPTH);

  private static LinearState.Shape shape() {
    return LinearState.Shape.of(1, HEADS, DEPTH);
  }

  @Override
  protected void prepare() {
    for (int t = 0; t < TOKENS; t++) {
      for (int i = 0; i < 3; i++) {
        tokens[t][i] = Tensor.of(new Tokens(HEADS, 1, DEPTH).normal(3 * t + i), 1, HEADS, DEPTH);
      }
    }
    state = form.newState(DType.F32, shape());
    o = Tensor.zeros(DType.F32, 1, HEADS, DEPTH);
  }

  @Override
  protected void call() {
    state.step(tokens[0][0], tokens[0][1], tokens[0][2], o);
  }

  /** A few tokens from the start, beside a state in double. */
  @Override
  protected void check() {
    final LinearState fresh = form.newState(DType.F32, shape());
    final LinearState exact = form.newState(DType.F64, shape());
    final Tensor expected = Tensor.zeros(DType.F64, 1, HEADS, DEPTH);
    final float[] out = o.floatArray().orElseThrow();
    for (final Tensor[] token : tokens) {
      Arrays.fill(out, Float.NaN);
      fresh.step(token[0], token[1], token[2], o);
      exact.step(token[0].to(DType.F64), token[1].to(DType.F64), token[2].to(DType.F64), expected);
      for (int i = 0; i < out.length; i++) {
        expect("entry " + i, out[i], expected.getDouble(i), 1e-4);
      }
    }
  }
}
