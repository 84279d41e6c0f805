package io.steelyard.layers.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.engine.Libtorch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A loss of very many embeddings at once, in the memory of a few: everything is encoded in chunks
 * without a graph; the loss gives the gradient of the embeddings; then each chunk is encoded again,
 * with a graph, and differentiated against its part of that gradient. The parameters' gradient is
 * that of the loss itself, but for rounding.
 *
 * <p>Encoders have to give the same embeddings twice: no dropout, no statistics of a batch. One
 * encoder may stand on several sides. Cost: one forward pass more. Source: arXiv 2101.06983; arXiv
 * 2310.10636, section 5, keeps all labels in the loss this way.
 *
 * <pre>{@code
 * List<GradientCache.Side> sides =
 *     List.of(new GradientCache.Side(net, q, 64), new GradientCache.Side(net, k, 64));
 * Step step =
 *     training.step(
 *         GradientCache.parts(
 *             sides, both -> both.get(0).matMul(both.get(1).transpose()).square().mean()));
 * }</pre>
 */
public final class GradientCache {

  /**
   * Inputs with the encoder they go through.
   *
   * @param encoder with one input and one output, initialized; the training owns its parameters
   * @param inputs {@code [N, ...]}, N at least 1; not modified, and not to be closed before the
   *     step
   * @param chunk how many rows are encoded with a graph at a time, at least 1
   */
  public record Side(Block encoder, NDArray inputs, long chunk) {

    /** Checks the ranges. */
    public Side {
      if (chunk < 1) {
        throw new IllegalArgumentException("chunk is " + chunk + "; expected 1 or more");
      }
      if (inputs.getShape().dimension() == 0 || inputs.getShape().get(0) == 0) {
        throw new IllegalArgumentException(
            "inputs are " + inputs.getShape() + "; expected at least one row");
      }
    }

    private long rows() {
      return inputs.getShape().get(0);
    }

    private NDArray chunk(long from, NDManager manager) {
      final NDArray alias = inputs.stopGradient();
      alias.attach(manager);
      return alias.get(from + ":" + Math.min(rows(), from + chunk));
    }
  }

  private GradientCache() {}

  /**
   * Objectives for {@link Training#step(List)}, one for each chunk, whose gradients sum to that of
   * the loss and whose values sum to its value. Encodes everything and differentiates the loss now;
   * so no collector may be open, and the parameters must not change before the step.
   *
   * @param sides at least one
   * @param loss of the embeddings of all rows of each side, in order: one number
   */
  public static List<Objective> parts(List<Side> sides, Function<NDList, NDArray> loss) {
    return parts(sides, List.of(loss));
  }

  /**
   * As {@link #parts(List, Function)}, for a loss that is a sum: its terms are differentiated one
   * after the other, so that memory holds the scores of one at a time.
   *
   * @param sides at least one
   * @param terms at least one; each a function of the embeddings of all rows of each side that
   *     depends on at least some of them
   */
  public static List<Objective> parts(List<Side> sides, List<Function<NDList, NDArray>> terms) {
    if (terms.isEmpty()) {
      throw new IllegalArgumentException("terms are empty; expected at least one");
    }
    if (sides.isEmpty()) {
      throw new IllegalArgumentException("sides are empty; expected at least one");
    }
    final NDManager owner = sides.getFirst().inputs().getManager();
    final List<NDArray> gradients = new ArrayList<>();
    double value = 0;
    try (NDManager scope = owner.newSubManager()) {
      final NDList embeddings = new NDList();
      sides.forEach(side -> embeddings.add(encode(side, scope)));
      for (final Function<NDList, NDArray> term : terms) {
        value += backward(term, embeddings, gradients, owner);
      }
    }
    final List<Objective> parts = new ArrayList<>();
    for (int i = 0; i < sides.size(); i++) {
      final Side side = sides.get(i);
      final NDArray gradient = gradients.get(i);
      for (long from = 0; from < side.rows(); from += side.chunk()) {
        parts.add(part(side, gradient, from, parts.isEmpty() ? value : 0));
      }
    }
    return List.copyOf(parts);
  }

  /** Adds the gradient of a term to those of the embeddings; what it made on the way is freed. */
  private static double backward(
      Function<NDList, NDArray> term, NDList embeddings, List<NDArray> gradients, NDManager owner) {
    try (NDManager scope = owner.newSubManager()) {
      final NDList leaves = new NDList();
      for (final NDArray array : embeddings) {
        final NDArray leaf = array.stopGradient();
        leaf.attach(scope);
        leaf.setRequiresGradient(true);
        leaves.add(leaf);
      }
      final double value;
      try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
        final NDArray result = term.apply(leaves);
        collector.backward(result);
        value = result.toType(DataType.FLOAT64, false).sum().getDouble();
      }
      for (int i = 0; i < leaves.size(); i++) {
        final NDArray gradient = leaves.get(i).getGradient().stopGradient();
        if (i < gradients.size()) {
          gradients.get(i).addi(gradient);
        } else {
          gradient.attach(owner);
          gradients.add(gradient);
        }
        leaves.get(i).setRequiresGradient(false);
      }
      return value;
    }
  }

  private static NDArray encode(Side side, NDManager scope) {
    final ParameterStore store = new ParameterStore(scope, false);
    final NDList parts = new NDList();
    for (long from = 0; from < side.rows(); from += side.chunk()) {
      final NDArray embedded =
          side.encoder()
              .forward(store, new NDList(side.chunk(from, scope)), true)
              .singletonOrThrow()
              .stopGradient();
      embedded.attach(scope);
      parts.add(embedded);
    }
    return parts.size() == 1 ? parts.head() : NDArrays.concat(parts);
  }

  /** The chunk's embeddings against their gradient; with the value in place of that product's. */
  private static Objective part(Side side, NDArray gradient, long from, double value) {
    return pass -> {
      final NDArray embedded =
          pass.forward(side.encoder(), side.chunk(from, pass.manager())).singletonOrThrow();
      final NDArray alias = gradient.stopGradient();
      alias.attach(pass.manager());
      final NDArray own = alias.get(from + ":" + Math.min(side.rows(), from + side.chunk()));
      final NDArray product = embedded.mul(own).sum();
      return product.sub(product.stopGradient()).add(value);
    };
  }
}
