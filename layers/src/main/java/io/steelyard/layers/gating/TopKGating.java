package io.steelyard.layers.gating;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;
import java.util.random.RandomGenerator;

/**
 * Top-k softmax gate: the k experts with the largest scores {@code x . b1_i} share a token by the
 * softmax of {@code x . b1_i + b0_i}; the others have weight 0. The bias takes no part in the
 * selection unless asked for. With k = N it is the dense softmax gate; with k = 1 every weight is 1
 * and nothing comes back to the gate.
 *
 * <p>Tokens {@code [..., D]}; weights {@code [..., N]} with k positive entries in a row, of sum 1.
 * A token with NaN gets NaN weights and asks no expert. Parameters: {@link Gating}. Cost: O(N D + N
 * k) a token; selection and weights are the kernel's, {@link Gates#topK}.
 *
 * <p>Source: arXiv 2309.13850, section 1.
 *
 * <pre>{@code
 * TopKGating gate = new TopKGating(TopKOptions.of(8, 2), random);
 * gate.initialize(manager, DataType.FLOAT32, x.getShape());
 * NDList weights = gate.forward(new ParameterStore(manager, false), new NDList(x), false);
 * }</pre>
 */
public final class TopKGating extends Gating {

  private final TopKOptions options;

  /**
   * An uninitialized gate.
   *
   * @param random draws the initial weights when the block is initialized
   */
  public TopKGating(TopKOptions options, RandomGenerator random) {
    super(options.experts(), random);
    this.options = options;
  }

  /** The options. */
  public TopKOptions options() {
    return options;
  }

  @Override
  public int choices() {
    return options.k();
  }

  @Override
  Routing route(ParameterStore parameters, NDArray scores, NDArray b, boolean training) {
    return Gates.topK(scores, b, options);
  }
}
