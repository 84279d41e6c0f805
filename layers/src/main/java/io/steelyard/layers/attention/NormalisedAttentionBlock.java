package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.recurrent.SeparableAttention.Normaliser;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.tensor.Like;

/**
 * Normalised attention: products of queries and keys as they are, over a normaliser that each token
 * makes for itself as a query, {@code o_i = sum_j q_i.k_j v_j / eta_i} with {@code eta_i = e^z_i},
 * {@code z_i = w.x_i + b} for each head. Weights may be negative and sum to anything; there is no
 * scale.
 *
 * <p>It is linear attention whose normaliser does not depend on the keys, so that as a recurrence
 * it keeps {@code D Dv} numbers a head. Biases and slopes are added to the products. It is made
 * from a layer's input, so it works within {@link MultiHeadAttention} or on an {@link
 * AttentionCall} that has one. In this form it costs as much as softmax attention; {@link
 * io.steelyard.kernels.recurrent.SeparableAttention} has the recurrence. No kernel.
 *
 * <p>Parameters: {@code eta.weight [H, d]}, {@code eta.bias [H]}.
 *
 * <p>Source: arXiv 2405.15731, section 4.2; the exponential is the best of the three there.
 *
 * <pre>{@code
 * MultiHeadOptions options = MultiHeadOptions.of(64, 4, 196, Attention.normalised(), random);
 * MultiHeadAttention attention = new MultiHeadAttention(options);
 * }</pre>
 */
public final class NormalisedAttentionBlock extends AttentionBlock {

  private final Normaliser normaliser;
  private final AttentionShape shape;
  private final Linear eta;

  /** An uninitialized block for a layer of this shape. */
  public NormalisedAttentionBlock(Normaliser normaliser, AttentionShape shape) {
    this.normaliser = normaliser;
    this.shape = shape;
    this.eta =
        addChildBlock(
            "eta", InitialWeights.fanIn(shape.random()).linear(shape.width(), shape.heads(), true));
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray x =
        call.x()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "x is absent; expected the layer's input, from which normalisers are"
                            + " made"));
    final Pairs pairs =
        Pairs.of(call.heads("q"), call.heads("k"), call.heads("v"), call.visibility());
    final NDArray products = pairs.products();
    final NDArray scores = call.visibility().added(products).map(products::add).orElse(products);
    final NDArray z =
        eta.forward(parameters, new NDList(x), training)
            .singletonOrThrow()
            .transpose(0, 2, 1)
            .expandDims(3);
    return pairs.sum(pairs.hide(scores, 0)).mul(pairs.ofFiniteQueries(inverse(z)));
  }

  /** {@code 1 / eta}. */
  private NDArray inverse(NDArray z) {
    return switch (normaliser) {
      case EXP -> z.neg().exp();
      case SOFTPLUS -> Activation.softPlus(z).pow(Like.scalar(-1, z));
      case SIGMOID -> z.neg().exp().add(1);
    };
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    eta.initialize(
        manager, dataType, new Shape(inputShapes[0].get(0), inputShapes[0].get(2), shape.width()));
  }
}
