package io.steelyard.layers.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;

/**
 * Anything a {@link Training} can make smaller: runs blocks on what it likes and returns one number
 * to differentiate.
 *
 * <pre>{@code
 * Step step =
 *     training.step(
 *         pass -> {
 *           NDArray one = pass.forward(net, x).head();
 *           NDArray other = pass.forward(net, x.neg()).head();
 *           return one.sub(other).square().mean();
 *         });
 * }</pre>
 */
@FunctionalInterface
public interface Objective {

  /**
   * One forward pass in training mode.
   *
   * @param parameters what blocks are run with
   * @param manager of the step: what belongs to it is freed after the step
   */
  record Pass(ParameterStore parameters, NDManager manager) {

    /** The outputs of a block, in the manager of the step. The inputs are not modified. */
    public NDList forward(Block block, NDArray... inputs) {
      final NDList aliases = new NDList();
      for (final NDArray input : inputs) {
        aliases.add(alias(input));
      }
      return block.forward(parameters, aliases, true);
    }

    /**
     * The same array in the manager of the step, so that what is computed from it is freed with it.
     * An array that is part of a graph, or in that manager already, comes back as it is.
     */
    public NDArray alias(NDArray array) {
      if (array.getManager().equals(manager) || array.hasGradient()) {
        return array;
      }
      final NDArray alias = array.stopGradient();
      alias.attach(manager);
      return alias;
    }
  }

  /**
   * The number to make smaller.
   *
   * @return an array of one element, made in this pass from parameters of the training's block
   */
  NDArray loss(Pass pass);
}
