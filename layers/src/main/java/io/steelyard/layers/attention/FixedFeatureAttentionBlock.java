package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.FixedFeatureOptions;
import io.steelyard.layers.initializer.Normal;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Attention whose query-key matrices are fixed and random and whose values are trained: with {@code
 * x~ = (x, 1)} and N keys in sight, {@code o_i = 1/N sum_j max(x~_i^T W_h x~_j, 0) v_j} in head h,
 * or the softmax over the keys in place of the ReLU over N. (Not the approximation of softmax
 * attention by random Fourier features, which has a similar name.)
 *
 * <p>This is the method for every token of a sequence; {@link FixedFeatureReadout} is the paper's
 * model, in which one token asks and numbers come out. The only projection is v; scores are made
 * from the tokens themselves. A query that sees no key gives zeros. Biases and slopes are added to
 * scores. There is no kernel of this form.
 *
 * <p>Parameters: {@code w [H, d+1, d+1]}, normal with deviation 1/2, frozen: saved, not trained. A
 * mean mu of the options is added to their first d diagonal entries when they are used. Composed it
 * costs {@code Tq Tk} numbers a head of memory, and {@code 2 T (d+1)^2} operations a head for the
 * matrices.
 *
 * <p>Source: arXiv 2307.11353, section 2, where one query sees its keys; that every token is one is
 * ours.
 *
 * <pre>{@code
 * MultiHeadOptions options =
 *     MultiHeadOptions.of(16, 4, 32, Attention.fixedFeatures(FixedFeatureOptions.defaults()), random);
 * MultiHeadAttention attention = new MultiHeadAttention(options);
 * }</pre>
 */
public final class FixedFeatureAttentionBlock extends AttentionBlock {

  /** Standard deviation of the entries of the fixed matrices. */
  public static final double DEVIATION = 0.5;

  private final FixedFeatureOptions options;
  private final Parameter matrices;

  /** An uninitialized block. */
  public FixedFeatureAttentionBlock(FixedFeatureOptions options, AttentionShape shape) {
    this.options = options;
    this.matrices = addParameter(matrices(shape.heads(), shape.width(), shape.random()));
  }

  /** Frozen matrices {@code [heads, width + 1, width + 1]}. */
  static Parameter matrices(int heads, int width, RandomGenerator random) {
    final Parameter matrices =
        Parameter.builder()
            .setName("w")
            .setType(Parameter.Type.WEIGHT)
            .optShape(new Shape(heads, width + 1L, width + 1L))
            .optInitializer(new Normal(random, DEVIATION))
            .build();
    matrices.freeze(true);
    return matrices;
  }

  @Override
  public List<String> roles() {
    return List.of("v");
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray x =
        call.x()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "x is absent; expected the tokens, from which this attention makes its"
                            + " scores: use it in a MultiHeadAttention"))
            .expandDims(1);
    final NDArray lifted = lifted(x);
    final NDArray w = parameters.getValue(matrices, x.getDevice(), training);
    final NDArray asking = asking(x, lifted, w, options.mean());
    final Pairs pairs = Pairs.of(asking, lifted, call.heads("v"), call.visibility());
    final NDArray products = pairs.products();
    final NDArray scores = call.visibility().added(products).map(products::add).orElse(products);
    return pairs.sum(
        switch (options.activation()) {
          case RELU ->
              pairs
                  .hide(Activation.relu(pairs.hide(scores, 0)), 0)
                  .div(Scalars.maximum(pairs.count(), 1));
          case SOFTMAX -> pairs.softmax(scores);
        });
  }

  /** {@code (x, 1)}. */
  static NDArray lifted(NDArray x) {
    final int last = x.getShape().dimension() - 1;
    return x.concat(Like.ones(x.getShape().slice(0, last).add(1), x), last);
  }

  /** {@code W^T x~ + mu (x, 0)}: what scores are products of keys with. */
  static NDArray asking(NDArray x, NDArray lifted, NDArray w, double mean) {
    final NDArray mapped = lifted.matMul(w);
    if (mean == 0) {
      return mapped;
    }
    final int last = x.getShape().dimension() - 1;
    final NDArray zero = Like.zeros(x.getShape().slice(0, last).add(1), x);
    return mapped.add(Scalars.mul(x, mean).concat(zero, last));
  }
}
