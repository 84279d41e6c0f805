package io.steelyard.bench.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.peers.TorchPeer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.openjdk.jmh.annotations.Param;

/** A whole model's prediction for one image or one sequence, with its attention in one form. */
public class Prediction extends CheckedBenchmark {

  private static final double TOLERANCE = 1e-3;
  private static final int CHECKED = 1000;

  @Param("SMALL_VIT")
  Network network;

  @Param("28")
  int side;

  @Param("KERNELS")
  Form form;

  private NDManager manager;
  private ParameterStore parameters;
  private Block block;
  private NDArray input;

  @Override
  protected void prepare() {
    TorchPeer.setThreads(threads);
    manager = TorchPeer.newManager();
    parameters = new ParameterStore(manager, false);
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
    block = network.block(side, random);
    block.initialize(manager, DataType.FLOAT32, network.input(side));
    final float[] values = new float[(int) network.input(side).size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    input = manager.create(values, network.input(side));
  }

  @Override
  protected void call() {
    try (NDScope _ = new NDScope()) {
      predict(form);
    }
  }

  /** What is composed is what training runs; without a collector of gradients it keeps nothing. */
  private NDArray predict(Form of) {
    return block.forward(parameters, new NDList(input), of == Form.COMPOSED).singletonOrThrow();
  }

  @Override
  protected void check() {
    try (NDScope _ = new NDScope()) {
      final float[] own = predict(form).toFloatArray();
      final float[] other =
          predict(form == Form.KERNELS ? Form.COMPOSED : Form.KERNELS).toFloatArray();
      for (int i = Math.max(0, own.length - CHECKED); i < own.length; i++) {
        expect("output " + i, own[i], other[i], TOLERANCE);
      }
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
