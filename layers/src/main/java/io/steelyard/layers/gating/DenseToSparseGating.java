package io.steelyard.layers.gating;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.gating.ActivationGate.Activation;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.random.RandomGenerator;

/**
 * Softmax gate with a temperature: {@code w = softmax((act(x . b1) + b0) / tau)}; with the identity
 * as activation the dense-to-sparse gate, with another the activation dense-to-sparse gate. A large
 * tau gives all experts the same weight, a small one nearly all to the best.
 *
 * <p>The temperature is fixed, learnt, or annealed by calling {@link #anneal} after each step; in
 * each case it is saved with the block, {@code temperature [1]}, or {@code logTemperature [1]}
 * where it is learnt. With the identity or ReLU, b1, b0 and a learnt tau can be multiplied by one
 * number without changing anything, so the data do not say what tau is; with sigmoid, tanh and GELU
 * they do.
 *
 * <p>Tokens {@code [..., D]}; weights {@code [..., N]}, of sum 1 in a row. Experts whose weight is
 * not above the threshold are not asked by a {@link MixtureOfExperts}; their weights stay as they
 * are. A token with NaN gets NaN weights and asks no expert. Other parameters: {@link Gating}.
 * Cost: O(N D) a token. In prediction on a CPU the weights are the kernel's, {@link
 * io.steelyard.kernels.gating.ActivationGate}, within its accuracy of the composed form.
 *
 * <p>Source: arXiv 2401.13875, sections 2 and 3; annealing from 2 to 0.3 and dropping experts of
 * small weight as in the dense-to-sparse literature that it builds on.
 *
 * <pre>{@code
 * DenseToSparseOptions options = DenseToSparseOptions.of(8, Temperature.annealed(10_000));
 * DenseToSparseGating gate = new DenseToSparseGating(options, random);
 * gate.initialize(manager, DataType.FLOAT32, x.getShape());
 * NDList weights = gate.forward(new ParameterStore(manager, false), new NDList(x), true);
 * gate.anneal(1);
 * }</pre>
 */
public final class DenseToSparseGating extends Gating {

  private final DenseToSparseOptions options;
  private final Parameter temperature;

  /**
   * An uninitialized gate.
   *
   * @param random draws the initial weights when the block is initialized
   */
  public DenseToSparseGating(DenseToSparseOptions options, RandomGenerator random) {
    super(options.experts(), random);
    this.options = options;
    final double initial = options.temperature().initial();
    this.temperature =
        addParameter(
            Parameter.builder()
                .setName(isLearned() ? "logTemperature" : "temperature")
                .setType(Parameter.Type.OTHER)
                .optRequiresGrad(isLearned())
                .optShape(new Shape(1))
                .optInitializer(new Constant(isLearned() ? Math.log(initial) : initial))
                .build());
  }

  /** The options. */
  public DenseToSparseOptions options() {
    return options;
  }

  @Override
  public int choices() {
    return options.experts();
  }

  /**
   * The temperature now.
   *
   * @throws IllegalStateException if the block is not initialized
   */
  public double temperature() {
    final NDArray array = initialized();
    try (NDArray copy = array.toType(DataType.FLOAT64, true)) {
      final double value = copy.toDoubleArray()[0];
      return isLearned() ? Math.exp(value) : value;
    }
  }

  /**
   * Sets an annealed temperature to what it is after so many steps.
   *
   * @param step steps of training done
   * @throws IllegalStateException if the temperature is not annealed, or the block not initialized
   */
  public void anneal(long step) {
    if (!(options.temperature() instanceof Temperature.Annealed annealed)) {
      throw new IllegalStateException(
          "temperature is " + options.temperature() + "; only an annealed one can be set");
    }
    final NDArray array = initialized();
    final double tau = annealed.at(step);
    if (array.getDataType() == DataType.FLOAT64) {
      array.set(new double[] {tau});
    } else {
      array.set(new float[] {(float) tau});
    }
  }

  @Override
  Routing route(ParameterStore parameters, NDArray scores, NDArray b, boolean training) {
    final Activation activation = options.activation();
    final NDArray stored = parameters.getValue(temperature, scores.getDevice(), training);
    final NDArray tau = isLearned() ? stored.exp() : stored;
    if (isLearned()) {
      tau.attach(scores.getManager());
    }
    final NDArray logits = Gates.logits(scores, b, tau, activation);
    final NDArray weights =
        training || !NDArrayTensors.suitsKernels(scores)
            ? Gates.softmax(logits, scores)
            : Gates.denseToSparseKernel(scores, b, temperature(), activation);
    return new Routing(weights, logits, Gates.above(weights, options.threshold()));
  }

  private boolean isLearned() {
    return options.temperature() instanceof Temperature.Learned;
  }

  private NDArray initialized() {
    if (!temperature.isInitialized()) {
      throw new IllegalStateException("the gate is not initialized; it has no temperature yet");
    }
    return temperature.getArray();
  }
}
