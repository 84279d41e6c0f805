package io.steelyard.bench.linear;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.peers.TorchPeer;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Scalars;
import org.openjdk.jmh.annotations.Param;

/**
 * Linear attention composed from DJL's operators: through sums over tokens, or causal through the
 * matrix of products, which is what there is without a kernel.
 */
public class LinearComposition extends CheckedBenchmark {

  @Param("LINEAR")
  LinearForm form;

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
    final NDArray queries = queries();
    final NDArray keys = keys();
    final NDArray turned = keys.transpose(0, 1, 3, 2);
    final long t = q.getShape().get(2);
    if (causal) {
      final NDArray seen = manager.arange((int) t).reshape(t, 1);
      final NDArray mask = seen.gte(manager.arange((int) t).reshape(1, t));
      final NDArray weights = queries.matMul(turned).mul(mask.toType(q.getDataType(), false));
      final NDArray sums = weights.sum(new int[] {3}, true);
      return read(weights.matMul(v), sums, v.cumSum(2), seen.toType(q.getDataType(), false).add(1));
    }
    final NDArray sums = queries.matMul(keys.sum(new int[] {2}, true).transpose(0, 1, 3, 2));
    return read(
        queries.matMul(turned.matMul(v)),
        sums,
        v.sum(new int[] {2}, true),
        manager.create((float) t));
  }

  private NDArray queries() {
    if (form != LinearForm.NALA) {
      return Activation.elu(q, 1).add(1);
    }
    final NDArray norms = q.square().sum(new int[] {3}, true).sqrt();
    final NDArray directions = q.div(norms);
    final NDArray powers = Scalars.mul(norms.tanh().add(0.5f), 3);
    return NDArrays.concat(
        new NDList(
            Activation.relu(directions).pow(powers), Activation.relu(directions.neg()).pow(powers)),
        3);
  }

  private NDArray keys() {
    return form == LinearForm.NALA
        ? NDArrays.concat(
            new NDList(
                Scalars.pow(Activation.relu(k), 3), Scalars.pow(Activation.relu(k.neg()), 3)),
            3)
        : Activation.elu(k, 1).add(1);
  }

  /**
   * Sums of values as an output, given those of weights and of bare values and how many there are.
   */
  private NDArray read(NDArray values, NDArray sums, NDArray bare, NDArray count) {
    if (form == LinearForm.LINEAR) {
      return values.div(sums.add(LinearForm.EPS));
    }
    if (form == LinearForm.NALA) {
      return values.div(sums.add(Scalars.mul(count, LinearForm.EPS)));
    }
    final NDArray scale = Scalars.mul(count, Math.sqrt((double) q.getShape().get(3)));
    final NDArray scaled = sums.div(scale);
    final NDArray beta = Scalars.pow(scaled.add(LinearForm.EPS), -1).add(1);
    return values.mul(beta).div(scale).sub(scaled.mul(bare).div(count));
  }

  @Override
  protected void check() {
    final Tokens tokens = Tokens.parse(size);
    final Tensor exact =
        LinearKernels.exact(
            form,
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
