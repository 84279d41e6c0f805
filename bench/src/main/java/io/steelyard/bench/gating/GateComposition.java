package io.steelyard.bench.gating;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.peers.TorchPeer;
import io.steelyard.bench.rows.Rows;
import io.steelyard.layers.tensor.Scalars;
import org.openjdk.jmh.annotations.Param;

/** Gates composed from DJL's operators. */
public class GateComposition extends CheckedBenchmark {

  @Param("TOP_K")
  GateFunction gate;

  @Param("256x64")
  String shape;

  private NDManager manager;
  private NDArray x;

  @Override
  protected void prepare() {
    TorchPeer.setThreads(threads);
    manager = TorchPeer.newManager();
    final Rows rows = Rows.parse(shape);
    x = manager.create(rows.scores(), new Shape(rows.shape()));
  }

  @Override
  protected void call() {
    try (NDScope _ = new NDScope()) {
      weights();
    }
  }

  private NDArray weights() {
    return switch (gate) {
      case TOP_K -> {
        final NDArray least =
            x.topK(GateFunction.CHOICES, 1).get(0).min(new int[] {1}, true).broadcast(x.getShape());
        final NDArray none = manager.full(x.getShape(), Float.NEGATIVE_INFINITY);
        yield NDArrays.where(x.gte(least), x, none).softmax(1);
      }
      case DENSE_TO_SPARSE -> Scalars.div(x, GateFunction.TEMPERATURE).softmax(1);
      case ACTIVATION -> Scalars.div(Activation.sigmoid(x), GateFunction.TEMPERATURE).softmax(1);
    };
  }

  @Override
  protected void check() {
    final double[] exact = GateKernels.exact(gate, Rows.parse(shape));
    try (NDScope _ = new NDScope()) {
      final float[] weights = weights().toFloatArray();
      for (int i = 0; i < exact.length; i++) {
        expect("weight " + i, weights[i], exact[i], 1e-5);
      }
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
