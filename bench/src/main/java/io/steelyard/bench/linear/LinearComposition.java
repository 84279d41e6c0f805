package io.steelyard.bench.linear;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.peers.TorchPeer;
import io.steelyard.kernels.tensor.Tensor;
import org.openjdk.jmh.annotations.Param;

/**
 * Linear attention composed from DJL's operators: through sums over tokens, or causal through the
 * matrix of products, which is what there is without a kernel.
 */
public class LinearComposition extends CheckedBenchmark {

  @Param("2x512x64")
  String size;

  @Param("false")
  boolean causal;

  private NDManager manager;
  private NDArray q;
  private NDArray k;
  private NDArray v;

  @Override
  protected void prepare() {
    TorchPeer.setThreads(threads);
    manager = TorchPeer.newManager();
    final Tokens tokens = Tokens.parse(size);
    final Shape shape = new Shape(tokens.shape());
    q = manager.create(tokens.normal(1), shape);
    k = manager.create(tokens.normal(2), shape);
    v = manager.create(tokens.normal(3), shape);
  }

  @Override
  protected void call() {
    try (NDScope _ = new NDScope()) {
      outputs();
    }
  }

  private NDArray outputs() {
    final NDArray queries = Activation.elu(q, 1).add(1);
    final NDArray keys = Activation.elu(k, 1).add(1);
    final NDArray turned = keys.transpose(0, 1, 3, 2);
    if (causal) {
      final long t = q.getShape().get(2);
      final NDArray mask =
          manager.arange((int) t).reshape(t, 1).gte(manager.arange((int) t).reshape(1, t));
      final NDArray weights = queries.matMul(turned).mul(mask.toType(q.getDataType(), false));
      final NDArray sums = weights.sum(new int[] {3}, true).add(LinearForm.EPS);
      return weights.matMul(v).div(sums);
    }
    final NDArray sums = queries.matMul(keys.sum(new int[] {2}, true).transpose(0, 1, 3, 2));
    return queries.matMul(turned.matMul(v)).div(sums.add(LinearForm.EPS));
  }

  @Override
  protected void check() {
    final Tokens tokens = Tokens.parse(size);
    final Tensor exact =
        LinearKernels.exact(
            LinearForm.LINEAR,
            Tensor.of(tokens.normal(1), tokens.shape()),
            Tensor.of(tokens.normal(2), tokens.shape()),
            Tensor.of(tokens.normal(3), tokens.shape()),
            causal);
    try (NDScope _ = new NDScope()) {
      final float[] out = outputs().get(0, 0).toFloatArray();
      for (int i = Math.max(0, out.length - 1000); i < out.length; i++) {
        expect("entry " + i, out[i], exact.getDouble(i), 1e-3);
      }
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
