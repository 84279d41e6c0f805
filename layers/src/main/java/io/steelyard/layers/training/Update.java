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

  private Update(ParameterVector parameters, Decay decay) {
    this.values = parameters.values();
    this.decay = decay;
    this.mask =
        decay.rate() > 0 && decay.scope() == Decay.Scope.MATRICES
            ? Optional.of(parameters.matrices())
            : Optional.empty();
  }

  static Update of(Optimizer optimizer, ParameterVector parameters) {
    return switch (optimizer) {
      case Optimizer.Adam adam -> new AdamUpdate(adam, parameters);
      case Optimizer.Sgd sgd -> new SgdUpdate(sgd, parameters);
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
    if (decay.rate() > 0) {
      switch (decay.form()) {
        case RIDGE -> gradient.addi(masked(decay.rate(), gradient).mul(values));
        case DECOUPLED -> {
          final NDArray kept = masked(-rate * decay.rate(), gradient);
          values.muli(kept.add(Like.scalar(1, gradient)));
        }
      }
    }
    final NDArray change = change(gradient, rate, number);
    values.subi(change);
  }

  private NDArray masked(double factor, NDArray like) {
    final NDArray scalar = Like.scalar(factor, like);
    return mask.map(scalar::mul).orElse(scalar);
  }

  /** What is subtracted from the parameters, in the manager of the gradient. */
  abstract NDArray change(NDArray gradient, double rate, long number);

  /** What is remembered between steps, by name, each {@code [P]}. */
  abstract Map<String, NDArray> memory();

  private static final class AdamUpdate extends Update {

    private final Optimizer.Adam adam;
    private final NDArray mean;
    private final NDArray square;

    AdamUpdate(Optimizer.Adam adam, ParameterVector parameters) {
      super(parameters, adam.decay());
      this.adam = adam;
      this.mean = parameters.zeros();
      this.square = parameters.zeros();
    }

    @Override
    NDArray change(NDArray gradient, double rate, long number) {
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
          .addi(Like.scalar(adam.epsilon(), gradient));
      final NDArray change = mean.div(root);
      change.attach(gradient.getManager());
      return change.muli(Like.scalar(rate / firstCorrection, gradient));
    }

    @Override
    Map<String, NDArray> memory() {
      return Map.of("mean", mean, "square", square);
    }
  }

  private static final class SgdUpdate extends Update {

    private final Optimizer.Sgd sgd;
    private final Optional<NDArray> velocity;

    SgdUpdate(Optimizer.Sgd sgd, ParameterVector parameters) {
      super(parameters, sgd.decay());
      this.sgd = sgd;
      this.velocity = sgd.momentum() > 0 ? Optional.of(parameters.zeros()) : Optional.empty();
    }

    @Override
    NDArray change(NDArray gradient, double rate, long number) {
      final NDArray direction = velocity.map(v -> direction(gradient, v)).orElse(gradient);
      return Like.scalar(rate, gradient).mul(direction);
    }

    private NDArray direction(NDArray gradient, NDArray v) {
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
