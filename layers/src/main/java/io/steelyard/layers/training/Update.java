package io.steelyard.layers.training;

import ai.djl.ndarray.NDArray;
import io.steelyard.layers.tensor.Like;
import java.util.Map;
import java.util.Optional;

/**
 * An {@link Optimizer} at work on a {@link ParameterVector}. An operation's result belongs to the
 * manager of its first operand, so operands of the step come first and what has to begin with a
 * lasting array is done in place or attached.
 */
abstract sealed class Update {

  private final NDArray values;
  private final Decay decay;
  private final Optional<NDArray> mask;
  private final Optional<NDArray> rateFactors;

  private Update(ParameterVector parameters, Decay decay, Map<String, Double> rateFactors) {
    this.values = parameters.values();
    this.decay = decay;
    this.mask =
        decay.rate() > 0 && decay.scope() == Decay.Scope.MATRICES
            ? Optional.of(parameters.each((_, shape) -> shape.dimension() > 1 ? 1 : 0))
            : Optional.empty();
    this.rateFactors =
        rateFactors.isEmpty()
            ? Optional.empty()
            : Optional.of(parameters.each((name, _) -> factor(rateFactors, name)));
  }

  private static double factor(Map<String, Double> factors, String name) {
    return factors.entrySet().stream()
        .filter(entry -> name.contains(entry.getKey()))
        .mapToDouble(Map.Entry::getValue)
        .reduce(1, (a, b) -> a * b);
  }

  static Update of(TrainingOptions options, ParameterVector parameters) {
    return switch (options.optimizer()) {
      case Optimizer.Adam adam -> new AdamUpdate(adam, parameters, options.rateFactors());
      case Optimizer.Sgd sgd -> new SgdUpdate(sgd, parameters, options.rateFactors());
    };
  }

  /**
   * Changes the parameters.
   *
   * @param gradient {@code [P]} in the step's manager; is overwritten
   * @param rate the learning rate
   * @param number of the step, from 1
   */
  final void apply(NDArray gradient, double rate, long number) {
    final NDArray rates = times(Like.scalar(rate, gradient), rateFactors);
    if (decay.rate() > 0) {
      final NDArray decays = times(Like.scalar(decay.rate(), gradient), mask);
      switch (decay.form()) {
        case RIDGE -> gradient.addi(decays.mul(values));
        case DECOUPLED -> values.muli(Like.scalar(1, gradient).sub(rates.mul(decays)));
      }
    }
    values.subi(rates.mul(direction(gradient, number)));
  }

  private static NDArray times(NDArray scalar, Optional<NDArray> each) {
    return each.map(scalar::mul).orElse(scalar);
  }

  /** What is subtracted from the parameters at rate 1; not modified by the caller. */
  abstract NDArray direction(NDArray gradient, long number);

  /** What is remembered between steps, by name, each {@code [P]}. */
  abstract Map<String, NDArray> memory();

  private static final class AdamUpdate extends Update {

    private final Optimizer.Adam adam;
    private final NDArray mean;
    private final NDArray square;

    AdamUpdate(Optimizer.Adam adam, ParameterVector parameters, Map<String, Double> rateFactors) {
      super(parameters, adam.decay(), rateFactors);
      this.adam = adam;
      this.mean = parameters.zeros();
      this.square = parameters.zeros();
    }

    @Override
    NDArray direction(NDArray gradient, long number) {
      final double firstCorrection = 1 - Math.pow(adam.beta1(), (double) number);
      final double secondCorrection = 1 - Math.pow(adam.beta2(), (double) number);
      mean.muli(Like.scalar(adam.beta1(), gradient))
          .addi(gradient.mul(Like.scalar(1 - adam.beta1(), gradient)));
      square
          .muli(Like.scalar(adam.beta2(), gradient))
          .addi(gradient.square().muli(Like.scalar(1 - adam.beta2(), gradient)));
      final NDArray root = square.sqrt();
      root.attach(gradient.getManager());
      root.divi(Like.scalar(Math.sqrt(secondCorrection), gradient))
          .addi(Like.scalar(adam.epsilon(), gradient))
          .muli(Like.scalar(firstCorrection, gradient));
      final NDArray direction = mean.div(root);
      direction.attach(gradient.getManager());
      return direction;
    }

    @Override
    Map<String, NDArray> memory() {
      return Map.of("mean", mean, "square", square);
    }
  }

  private static final class SgdUpdate extends Update {

    private final Optimizer.Sgd sgd;
    private final Optional<NDArray> velocity;

    SgdUpdate(Optimizer.Sgd sgd, ParameterVector parameters, Map<String, Double> rateFactors) {
      super(parameters, sgd.decay(), rateFactors);
      this.sgd = sgd;
      this.velocity = sgd.momentum() > 0 ? Optional.of(parameters.zeros()) : Optional.empty();
    }

    @Override
    NDArray direction(NDArray gradient, long number) {
      return velocity.map(v -> momentum(gradient, v)).orElse(gradient);
    }

    private NDArray momentum(NDArray gradient, NDArray v) {
      final NDArray momentum = Like.scalar(sgd.momentum(), gradient);
      v.muli(momentum).addi(gradient);
      return sgd.nesterov() ? momentum.mul(v).addi(gradient) : v;
    }

    @Override
    Map<String, NDArray> memory() {
      return velocity.map(v -> Map.of("velocity", v)).orElse(Map.of());
    }
  }
}
