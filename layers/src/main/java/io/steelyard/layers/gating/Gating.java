package io.steelyard.layers.gating;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.TruncatedNormal;
import java.util.random.RandomGenerator;

/**
 * A gate of a mixture of experts: tokens {@code [..., D]} become weights of the experts {@code
 * [..., N]}, by linear scores {@code x . b1_i} and a bias {@code b0_i} of each expert.
 *
 * <p>Parameters: {@code weight [N, D]}, truncated normal of deviation {@code sqrt(0.1 / D)} (arXiv
 * 2101.03961, section 2.4: small, so that all experts start nearly equal), and {@code bias [N]},
 * zeros. Tokens are typed like the parameters, float32 or float64.
 *
 * <p>As a block it gives the weights alone; {@link #route} also gives what {@link MixtureOfExperts}
 * needs.
 */
public abstract sealed class Gating extends AbstractBlock permits TopKGating, DenseToSparseGating {

  private static final byte VERSION = 1;
  private static final double SCALE = 0.1;

  private final int experts;
  private final RandomGenerator random;
  private final Parameter weight;
  private final Parameter bias;

  Gating(int experts, RandomGenerator random) {
    super(VERSION);
    this.experts = experts;
    this.random = random;
    this.weight =
        addParameter(Parameter.builder().setName("weight").setType(Parameter.Type.WEIGHT).build());
    this.bias =
        addParameter(
            Parameter.builder()
                .setName("bias")
                .setType(Parameter.Type.BIAS)
                .optInitializer(new Constant(0))
                .build());
  }

  /** N, how many experts there are. */
  public final int experts() {
    return experts;
  }

  /** K, the most experts a token is given. */
  public abstract int choices();

  /**
   * Weights of the experts and whom to ask.
   *
   * @param x tokens {@code [..., D]}; not modified
   * @param training whether gradients are to flow; if not, kernels compute on a CPU
   * @throws IllegalArgumentException if the tokens do not fit the parameters
   */
  public final Routing route(ParameterStore parameters, NDArray x, boolean training) {
    check(x);
    final NDArray w = parameters.getValue(weight, x.getDevice(), training);
    final NDArray b = parameters.getValue(bias, x.getDevice(), training);
    return route(parameters, Linear.linear(x, w).singletonOrThrow(), b, training);
  }

  abstract Routing route(ParameterStore parameters, NDArray scores, NDArray b, boolean training);

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    return new NDList(route(parameters, inputs.singletonOrThrow(), training).weights());
  }

  @Override
  protected void prepare(Shape[] inputs) {
    final Shape tokens = inputs[0];
    if (tokens.dimension() == 0 || tokens.get(tokens.dimension() - 1) < 1) {
      throw new IllegalArgumentException(
          "input shape is " + tokens + "; expected [..., D] with D at least 1");
    }
    final long d = tokens.get(tokens.dimension() - 1);
    weight.setShape(new Shape(experts, d));
    weight.setInitializer(new TruncatedNormal(random, Math.sqrt(SCALE / d)));
    bias.setShape(new Shape(experts));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputs) {
    final Shape tokens = inputs[0];
    return new Shape[] {tokens.slice(0, tokens.dimension() - 1).add(experts)};
  }

  static void checkExperts(int experts) {
    if (experts < 1) {
      throw new IllegalArgumentException("experts is " + experts + "; expected 1 or more");
    }
  }

  private void check(NDArray x) {
    final Shape shape = x.getShape();
    final long d = weight.getShape().get(1);
    if (shape.dimension() == 0 || shape.get(shape.dimension() - 1) != d) {
      throw new IllegalArgumentException(
          "tokens are " + shape + "; expected [..., " + d + "] as the gate was initialized for");
    }
    final DataType type = weight.getArray().getDataType();
    if (x.getDataType() != type) {
      throw new IllegalArgumentException(
          "tokens are " + x.getDataType() + "; expected " + type + " like the parameters");
    }
  }
}
