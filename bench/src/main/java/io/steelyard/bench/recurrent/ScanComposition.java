package io.steelyard.bench.recurrent;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.peers.TorchPeer;
import org.openjdk.jmh.annotations.Param;

/** The selective scan composed from DJL's operators, step by step. */
public class ScanComposition extends CheckedBenchmark {

  @Param("64x128x16")
  String size;

  private NDManager manager;
  private NDArray u;
  private NDArray delta;
  private NDArray minusRates;
  private NDArray b;
  private NDArray c;

  @Override
  protected void prepare() {
    TorchPeer.setThreads(threads);
    manager = TorchPeer.newManager();
    final ScanSize extents = ScanSize.parse(size);
    final int steps = extents.steps();
    u = manager.create(extents.u(), new Shape(steps, extents.channels(), 1));
    delta = manager.create(extents.delta(), new Shape(steps, extents.channels(), 1));
    minusRates =
        manager
            .create(extents.rates(), new Shape(extents.states(), extents.channels()))
            .transpose()
            .neg();
    b = manager.create(extents.b(), new Shape(steps, 1, extents.states()));
    c = manager.create(extents.c(), new Shape(steps, 1, extents.states()));
  }

  @Override
  protected void call() {
    try (NDScope _ = new NDScope()) {
      outputs();
    }
  }

  private NDArray outputs() {
    // What does not depend on the step before goes over the whole sequence at once.
    final NDArray decays = delta.mul(minusRates).exp();
    final NDArray inputs = delta.mul(u).mul(b);
    final NDList states = new NDList();
    NDArray h = inputs.get(0);
    states.add(h);
    for (long t = 1; t < u.getShape().get(0); t++) {
      h = decays.get(t).mul(h).add(inputs.get(t));
      states.add(h);
    }
    return NDArrays.stack(states).mul(c).sum(new int[] {2});
  }

  @Override
  protected void check() {
    final double[] exact = ScanKernel.exact(ScanSize.parse(size));
    try (NDScope _ = new NDScope()) {
      final float[] out = outputs().toFloatArray();
      for (int i = 0; i < exact.length; i++) {
        expect("entry " + i, out[i], exact[i], 1e-4 * (1 + Math.abs(exact[i])));
      }
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
