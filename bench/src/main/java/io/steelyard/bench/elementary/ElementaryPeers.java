package io.steelyard.bench.elementary;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.peers.TorchBenchmark;
import org.openjdk.jmh.annotations.Param;

/** libtorch's elementary functions into a reused output. */
public class ElementaryPeers extends TorchBenchmark {

  @Param("EXP")
  ElementaryFunction function;

  @Param("1000")
  int count;

  private float[] x = new float[0];

  @Override
  protected String archive() {
    return function.label() + "_out";
  }

  @Override
  protected NDList inputs(NDManager manager) {
    x = function.arguments(count);
    return new NDList(manager.create(x), manager.full(new Shape(count), Float.NaN));
  }

  @Override
  protected void check(NDList outputs) {
    final float[] y = outputs.head().toFloatArray();
    for (int i = 0; i < count; i += Math.max(1, count / 1000)) {
      final double exact = function.of(x[i]);
      expect(function.label() + "(" + x[i] + ")", y[i], exact, 1e-5 * (Math.abs(exact) + 1));
    }
  }
}
