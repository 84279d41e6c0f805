package io.steelyard.bench.elementary;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Steelyard's elementary functions. */
public class ElementaryKernels extends CheckedBenchmark {

  @Param("EXP")
  ElementaryFunction function;

  @Param("1000")
  int count;

  private float[] x = new float[0];
  private float[] y = x;
  private Tensor arguments = Tensor.zeros(DType.F32, 0);
  private Tensor values = arguments;

  @Override
  protected void prepare() {
    x = function.arguments(count);
    y = new float[count];
    arguments = Tensor.of(x, count);
    values = Tensor.of(y, count);
  }

  @Override
  protected void call() {
    function.apply(arguments, values, threads);
  }

  @Override
  protected void check() {
    Arrays.fill(y, Float.NaN);
    call();
    for (int i = 0; i < count; i += Math.max(1, count / 1000)) {
      final double exact = function.of(x[i]);
      expect(function.label() + "(" + x[i] + ")", y[i], exact, 4e-7 * (Math.abs(exact) + 1e-3));
    }
  }
}
