package io.steelyard.layers.gating;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;
import java.util.List;
import java.util.Optional;

/**
 * The loss of a task plus the balance losses of the mixtures of experts inside the model, as they
 * came out of the forward pass just made. After a pass in prediction mode it is the task's loss
 * alone. For training on one device.
 *
 * <pre>{@code
 * TopKGating gate = new TopKGating(TopKOptions.of(4, 2), random);
 * IntFunction<Block> experts = i -> Linear.builder().setUnits(16).build();
 * MixtureOfExperts moe = new MixtureOfExperts(gate, experts, MixtureOptions.DEFAULTS);
 * Loss loss = new BalancedLoss(Loss.l2Loss(), moe);
 * }</pre>
 */
public final class BalancedLoss extends Loss {

  private final Loss task;
  private final List<MixtureOfExperts> mixtures;

  /**
   * The task's loss and the mixtures to keep balanced.
   *
   * @param mixtures blocks of the model that is trained, at least one
   */
  public BalancedLoss(Loss task, MixtureOfExperts... mixtures) {
    super("balanced-loss");
    if (mixtures.length == 0) {
      throw new IllegalArgumentException("mixtures is empty; expected at least one");
    }
    this.task = task;
    this.mixtures = List.of(mixtures);
  }

  /**
   * The loss of one batch.
   *
   * @param labels as the task's loss takes them
   * @param predictions as the task's loss takes them
   */
  @Override
  public NDArray evaluate(NDList labels, NDList predictions) {
    NDArray sum = task.evaluate(labels, predictions);
    for (final MixtureOfExperts mixture : mixtures) {
      final Optional<NDArray> balance = mixture.balance();
      if (balance.isPresent()) {
        sum = sum.add(balance.get());
      }
    }
    return sum;
  }
}
