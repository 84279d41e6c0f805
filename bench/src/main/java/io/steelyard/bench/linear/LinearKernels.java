package io.steelyard.bench.linear;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.kernels.linear.LinearOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Steelyard's linear attentions over whole sequences. */
public class LinearKernels extends CheckedBenchmark {

  @Param("LINEAR")
  LinearForm form;

  @Param("2x512x64")
  String size;

  @Param("false")
  boolean causal;

  private Tensor q = Tensor.zeros(DType.F32, 0);
  private Tensor k = q;
  private Tensor v = q;
  private Tensor o = q;
  private LinearOptions options = LinearOptions.defaults();

  @Override
  protected void prepare() {
    final Tokens tokens = Tokens.parse(size);
    q = Tensor.of(tokens.normal(1), tokens.shape());
    k = Tensor.of(tokens.normal(2), tokens.shape());
    v = Tensor.of(tokens.normal(3), tokens.shape());
    o = Tensor.zeros(DType.F32, tokens.shape());
    options = new LinearOptions(causal, LinearForm.EPS, threads);
  }

  @Override
  protected void call() {
    form.apply(q, k, v, o, options);
  }

  /** The last rows of head 0, against the meaning in double. */
  @Override
  protected void check() {
    final float[] out = o.floatArray().orElseThrow();
    Arrays.fill(out, Float.NaN);
    call();
    final Tensor exact = exact(form, q, k, v, causal);
    final int last = (int) exact.size();
    for (int i = Math.max(0, last - 1000); i < last; i++) {
      expect("entry " + i, out[i], exact.getDouble(i), 1e-4);
    }
  }

  /** Head 0, in double. */
  static Tensor exact(LinearForm form, Tensor q, Tensor k, Tensor v, boolean causal) {
    final Tensor first = q.slice(1, 0, 1).to(DType.F64);
    final Tensor o = Tensor.zerosLike(first);
    form.apply(
        first,
        k.slice(1, 0, 1).to(DType.F64),
        v.slice(1, 0, 1).to(DType.F64),
        o,
        new LinearOptions(causal, LinearForm.EPS, 1));
    return o;
  }
}
