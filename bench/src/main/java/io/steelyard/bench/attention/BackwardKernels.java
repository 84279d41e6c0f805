package io.steelyard.bench.attention;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.SigmoidAttention;
import io.steelyard.kernels.attention.SoftmaxAttention;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** The gradients of Steelyard's attentions; the forward pass is done before time counts. */
public class BackwardKernels extends CheckedBenchmark {

  @Param("SOFTMAX")
  AttentionFunction function;

  @Param("2x256x256x64")
  String size;

  private BackwardInputs inputs = new BackwardInputs(new Size(1, 1, 1, 1), function);
  private Tensor q = Tensor.zeros(DType.F32, 0);
  private Tensor k = q;
  private Tensor v = q;
  private Tensor o = q;
  private Tensor lse = q;
  private Tensor gradient = q;
  private Tensor dq = q;
  private Tensor dk = q;
  private Tensor dv = q;
  private AttentionOptions options = AttentionOptions.defaults();

  @Override
  protected void prepare() {
    final Size extents = Size.parse(size);
    inputs = new BackwardInputs(extents, function);
    q = Tensor.of(inputs.q, extents.queryShape());
    k = Tensor.of(inputs.k, extents.keyShape());
    v = Tensor.of(inputs.v, extents.keyShape());
    o = Tensor.zeros(DType.F32, extents.queryShape());
    lse = Tensor.zeros(DType.F32, 1, extents.heads(), extents.queries());
    gradient = Tensor.of(inputs.gradient, extents.queryShape());
    dq = Tensor.zeros(DType.F32, extents.queryShape());
    dk = Tensor.zeros(DType.F32, extents.keyShape());
    dv = Tensor.zeros(DType.F32, extents.keyShape());
    options = AttentionOptions.defaults().withThreads(threads);
    if (function == AttentionFunction.SOFTMAX) {
      SoftmaxAttention.apply(q, k, v, o, lse, options);
    }
  }

  @Override
  protected void call() {
    switch (function) {
      case SOFTMAX -> SoftmaxAttention.vjp(q, k, v, o, lse, gradient, dq, dk, dv, options);
      case SIGMOID ->
          SigmoidAttention.vjp(q, k, v, gradient, dq, dk, dv, AttentionFunction.BIAS, options);
      case SELECTIVE, SOFTPLUS, REWEIGHTED -> throw BackwardInputs.notTimed(function);
    }
  }

  @Override
  protected void check() {
    Arrays.fill(dq.floatArray().orElseThrow(), Float.NaN);
    Arrays.fill(dv.floatArray().orElseThrow(), Float.NaN);
    call();
    inputs.check(this, dq::getDouble, dv::getDouble);
  }
}
