package io.steelyard.bench.attention;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.peers.TorchBenchmark;
import io.steelyard.bench.peers.TorchPeer;
import org.openjdk.jmh.annotations.Param;

/** The gradient of libtorch's fused softmax attention. */
public class BackwardPeer extends TorchBenchmark {

  @Param("2x256x256x64")
  String size;

  private BackwardInputs inputs =
      new BackwardInputs(new Size(1, 1, 1, 1), AttentionFunction.SOFTMAX);

  @Override
  protected String archive() {
    return "sdpa_backward";
  }

  @Override
  protected NDList inputs(NDManager manager) {
    final Size extents = Size.parse(size);
    inputs = new BackwardInputs(extents, AttentionFunction.SOFTMAX);
    final Shape queries = new Shape(extents.queryShape());
    final Shape keys = new Shape(extents.keyShape());
    final NDList qkv =
        new NDList(
            manager.create(inputs.q, queries),
            manager.create(inputs.k, keys),
            manager.create(inputs.v, keys));
    try (TorchPeer forward = TorchPeer.load("sdpa_forward_for_backward")) {
      final NDList outputs = forward.call(qkv);
      outputs.attach(manager);
      return new NDList(manager.create(inputs.gradient, queries)).addAll(qkv).addAll(outputs);
    }
  }

  @Override
  protected void check(NDList outputs) {
    final float[] dq = outputs.get(0).get(0, 0).toFloatArray();
    final float[] dv = outputs.get(2).get(0, 0).toFloatArray();
    inputs.check(this, i -> dq[i], i -> dv[i]);
  }
}
