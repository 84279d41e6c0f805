package io.steelyard.layers.initializer;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import java.util.random.RandomGenerator;

/** How the weights and biases of linear maps begin, drawn from one generator in order of use. */
public sealed interface InitialWeights {

  /** The generator that is drawn from. */
  RandomGenerator random();

  /** Weights and biases uniform in {@code +-1/sqrt(fan-in)}: libtorch's default. */
  static InitialWeights fanIn(RandomGenerator random) {
    return new FanIn(random);
  }

  /** Weights truncated normal with deviation 0.02, biases 0: usual for transformers. */
  static InitialWeights transformer(RandomGenerator random) {
    return new Truncated(random, 0.02);
  }

  /**
   * See {@link #fanIn}.
   *
   * @param random drawn from
   */
  record FanIn(RandomGenerator random) implements InitialWeights {}

  /**
   * See {@link #transformer}.
   *
   * @param random drawn from
   * @param deviation greater than 0
   */
  record Truncated(RandomGenerator random, double deviation) implements InitialWeights {}

  /** A linear map from {@code in} to {@code out} features, with these initial values. */
  default Linear linear(int in, int out, boolean bias) {
    return with(Linear.builder().setUnits(out).optBias(bias).build(), in);
  }

  /** Gives a block of weights and biases these initial values. */
  default <B extends Block> B with(B block, int fanIn) {
    switch (this) {
      case FanIn(RandomGenerator source) -> {
        final Uniform uniform = new Uniform(source, 1 / Math.sqrt(fanIn));
        block.setInitializer(uniform, Parameter.Type.WEIGHT);
        block.setInitializer(uniform, Parameter.Type.BIAS);
      }
      case Truncated(RandomGenerator source, double deviation) -> {
        block.setInitializer(new TruncatedNormal(source, deviation), Parameter.Type.WEIGHT);
        block.setInitializer(new Constant(0), Parameter.Type.BIAS);
      }
    }
    return block;
  }
}
