package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.LandmarkInverse;
import io.steelyard.kernels.attention.LandmarkOptions;
import io.steelyard.kernels.attention.SoftAttention;
import io.steelyard.kernels.attention.SoftPlusPlusAttention;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.attention.SoftOptions.Landmarks;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.initializer.Uniform;
import io.steelyard.layers.tensor.Casts;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.Scalars;
import java.util.List;
import java.util.Optional;

/**
 * Softmax-free attention through landmarks, in time and memory linear in tokens: with {@code P =
 * kappa(Q, L)} and {@code A = kappa(L, L)} for the Gaussian kernel of distances, {@code O = P A^+
 * P^T V} (SOFT) or {@code O = P D^-1/2 A^+ D^-1/2 P^T V} with {@code D = diag(A 1)} (SOFT++).
 *
 * <p>Tokens lie on a grid, that of the call or else that of the layer. Landmarks are {@code
 * GELU(LN(W q))} of r x r patches of queries, scaled by {@code D^-1/4} before; the map of patches,
 * a convolution without overlap, is shared by all heads. {@link Landmarks#MEAN} takes the mean of a
 * patch instead. Projections are k and v: keys are the queries. All tokens see each other: there is
 * no causal form, and padding cannot be left out; either is refused.
 *
 * <p>{@code A^+} is by default Newton's iteration on {@code A + 0.01 I} as published. Its gradient
 * is that of the exact inverse, {@code -A^+ dA A^+}, once and not through the iterations: where the
 * iteration has not converged, it is not the derivative of what was computed. A and its inverse are
 * computed in float64 whatever the inputs are, since rounding in float32 makes trainings diverge.
 *
 * <p>With a value kernel k, each head adds a convolution of its values, zero-padded, with one k x k
 * kernel for all of its Dv images.
 *
 * <p>Parameters: {@code landmarks.weight [D, r r D]}, {@code norm.gamma [D]}, {@code norm.beta
 * [D]}, none of them for means; {@code value.weight [H, 1, k, k]} where there is a value kernel.
 *
 * <p>Cost with M landmarks: {@code T M (6 D + 4 Dv) + 80 M^3} operations a head with 20 iterations.
 *
 * <p>Source: arXiv 2207.03341; ridge, first step and value convolution as in its code.
 *
 * <pre>{@code
 * MultiHeadOptions options =
 *     MultiHeadOptions.of(64, 4, 196, Attention.soft(2), random).on(new Grid(14, 14));
 * MultiHeadAttention attention = new MultiHeadAttention(options);
 * }</pre>
 */
public final class SoftAttentionBlock extends AttentionBlock {

  private static final double NORM_EPSILON = 1e-5;
  private static final double FIRST_STEP = 1.8;

  private final SoftOptions options;
  private final Grid grid;
  private final int depth;
  private final Optional<Patches> patches;
  private final Optional<Parameter> valueWeight;

  /** The map of patches to landmarks. */
  private record Patches(Linear map, Block norm) {}

  /**
   * An uninitialized block.
   *
   * @throws IllegalArgumentException if the shape has no grid, or one whose sides the stride does
   *     not divide
   */
  public SoftAttentionBlock(SoftOptions options, AttentionShape shape) {
    this.options = options;
    this.grid =
        shape
            .grid()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "grid is absent; expected one: landmarks are made from patches of it"));
    this.depth = shape.keyWidth();
    checkStride(grid);
    this.patches =
        options.landmarks() == Landmarks.CONVOLUTION
            ? Optional.of(patches(shape))
            : Optional.empty();
    this.valueWeight =
        options.valueKernel() > 0
            ? Optional.of(
                addParameter(
                    Parameter.builder()
                        .setName("value.weight")
                        .setType(Parameter.Type.WEIGHT)
                        .optShape(
                            new Shape(
                                shape.heads(), 1, options.valueKernel(), options.valueKernel()))
                        .optInitializer(new Uniform(shape.random(), 1.0 / options.valueKernel()))
                        .build()))
            : Optional.empty();
  }

  private Patches patches(AttentionShape shape) {
    final int numbers = Math.multiplyExact(options.stride() * options.stride(), depth);
    return new Patches(
        addChildBlock(
            "landmarks", InitialWeights.fanIn(shape.random()).linear(numbers, depth, false)),
        addChildBlock(
            "norm", LayerNorm.builder().axis(3).optEpsilon((float) NORM_EPSILON).build()));
  }

  /** How it is built. */
  public SoftOptions options() {
    return options;
  }

  @Override
  public List<String> roles() {
    return List.of("k", "v");
  }

  private void checkStride(Grid places) {
    if (places.height() % options.stride() != 0 || places.width() % options.stride() != 0) {
      throw new IllegalArgumentException(
          "stride is " + options.stride() + "; expected a divisor of both sides of " + places);
    }
  }

  /** The grid of a call that can be served. */
  private Grid check(AttentionCall call) {
    if (!call.visibility().isAll()) {
      throw new IllegalArgumentException(
          "visibility hides or shifts; expected none: every landmark is made from all tokens of its"
              + " patch");
    }
    final Grid places = call.grid().orElse(grid);
    checkStride(places);
    final long tokens = call.projection("k").tokens();
    if (tokens != places.tokens()) {
      throw new IllegalArgumentException(
          "tokens are " + tokens + "; expected " + places.tokens() + " for " + places);
    }
    return places;
  }

  /** {@code [B, H, M, D]} of scaled queries. */
  private NDArray landmarks(
      ParameterStore parameters, NDArray scaled, Grid places, boolean training) {
    final Shape shape = scaled.getShape();
    final int stride = options.stride();
    final int rows = places.height() / stride;
    final int columns = places.width() / stride;
    final NDArray cut =
        scaled
            .reshape(shape.get(0) * shape.get(1), rows, stride, columns, stride, depth)
            .transpose(0, 1, 3, 2, 4, 5);
    if (patches.isEmpty()) {
      return cut.reshape(
              shape.get(0), shape.get(1), (long) rows * columns, (long) stride * stride, depth)
          .mean(new int[] {3});
    }
    final NDArray flat =
        cut.reshape(
            shape.get(0), shape.get(1), (long) rows * columns, (long) stride * stride * depth);
    final NDList mapped = patches.get().map().forward(parameters, new NDList(flat), training);
    return Activation.gelu(
        patches.get().norm().forward(parameters, mapped, training).singletonOrThrow());
  }

  private static NDArray scaled(NDArray q) {
    return Scalars.mul(q, Math.pow((double) q.getShape().get(3), -0.25));
  }

  /** {@code |a - b|^2} from one product, {@code [B, H, Ta, Tb]}. */
  private static NDArray squares(NDArray a, NDArray b) {
    return Scalars.maximum(
        a.square()
            .sum(new int[] {3}, true)
            .add(b.square().sum(new int[] {3}, true).swapAxes(2, 3))
            .sub(Scalars.mul(a.matMul(b.swapAxes(2, 3)), 2)),
        0);
  }

  /** The kernel matrix of landmarks, with ones on its diagonal. */
  private static NDArray kernelMatrix(NDArray l) {
    final NDArray apart = Like.eye(Math.toIntExact(l.getShape().get(2)), l).neg().add(1);
    return Scalars.mul(squares(l, l).mul(apart), -0.5).exp();
  }

  /**
   * The inverse as a number, with the gradient of the exact inverse.
   *
   * @param a {@code [..., M, M]}, float64
   */
  static NDArray inverse(NDArray a, LandmarkInverse how) {
    final NDArray p = inverted(a.stopGradient(), how);
    final NDArray u = p.matMul(a).matMul(p).neg();
    return u.sub(u.stopGradient()).add(p);
  }

  private static NDArray inverted(NDArray a, LandmarkInverse how) {
    try (NDManager scope = a.getManager().newSubManager()) {
      final NDManager own = a.getManager();
      a.attach(scope);
      final int size = Math.toIntExact(a.getShape().get(a.getShape().dimension() - 1));
      final NDArray ridged = a.add(Scalars.mul(Like.eye(size, a), how.ridge()));
      final NDArray y =
          switch (how) {
            case LandmarkInverse.Newton(int iterations, double _) -> newton(a, ridged, iterations);
            case LandmarkInverse.Cholesky(double _) -> ridged.inverse();
          };
      y.attach(own);
      return y;
    }
  }

  private static NDArray newton(NDArray a, NDArray ridged, int iterations) {
    final int last = a.getShape().dimension() - 1;
    final NDArray largest = a.sum(new int[] {last}, true).max(new int[] {last - 1}, true);
    NDArray y = Scalars.mul(ridged, FIRST_STEP).div(largest.square());
    for (int i = 0; i < iterations; i++) {
      final NDArray next = Scalars.mul(y, 2).sub(y.matMul(ridged).matMul(y));
      y.close();
      // What is not symmetric would grow.
      y = Scalars.mul(next.add(next.swapAxes(last - 1, last)), 0.5);
      next.close();
    }
    return y;
  }

  /**
   * The outputs.
   *
   * @param q scaled queries {@code [B, H, T, D]}
   * @param l landmarks {@code [B, H, M, D]}
   * @param v {@code [B, H, T, Dv]}
   */
  NDArray through(NDArray q, NDArray l, NDArray v) {
    final NDArray p = Scalars.mul(squares(q, l), -0.5).exp();
    final NDArray a = kernelMatrix(Casts.to(l, DataType.FLOAT64));
    final NDArray y = inverse(a, options.inverse());
    final NDArray sums = Casts.to(p.swapAxes(2, 3).matMul(v), DataType.FLOAT64);
    final NDArray mixed;
    if (options.byDegrees()) {
      final NDArray root = a.sum(new int[] {3}, true).sqrt();
      mixed = y.matMul(sums.div(root)).div(root);
    } else {
      mixed = y.matMul(sums);
    }
    return p.matMul(Casts.to(mixed, v.getDataType()));
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final Grid places = check(call);
    final NDArray q = scaled(call.heads("k"));
    return through(q, landmarks(parameters, q, places, training), call.heads("v"));
  }

  @Override
  protected Optional<NDArray> beside(
      ParameterStore parameters, AttentionCall call, boolean training) {
    if (valueWeight.isEmpty()) {
      return Optional.empty();
    }
    final Projection v = call.projection("v");
    final Grid places = check(call);
    final NDArray values = v.tokensFirst() ? v.array() : v.array().transpose(0, 2, 1, 3);
    final NDArray weight = parameters.getValue(valueWeight.get(), values.getDevice(), training);
    return Optional.of(convolved(values, weight, places));
  }

  /**
   * One kernel a head for all of its features: a convolution whose channels are the features of all
   * heads, so that there are enough of them for vectors.
   *
   * @param values {@code [B, T, H, Dv]}
   * @param weight {@code [H, 1, k, k]}
   */
  private static NDArray convolved(NDArray values, NDArray weight, Grid places) {
    final Shape shape = values.getShape();
    final long channels = shape.get(2) * shape.get(3);
    final long side = weight.getShape().get(3);
    final NDArray flat = weight.reshape(shape.get(2), 1, side * side);
    // Else this and all that follows would live as long as the parameter.
    flat.attach(values.getManager());
    final NDArray kernels =
        flat.broadcast(new Shape(shape.get(2), shape.get(3), side * side))
            .reshape(channels, 1, side, side);
    final NDArray images =
        values
            .reshape(shape.get(0), shape.get(1), channels)
            .transpose(0, 2, 1)
            .reshape(shape.get(0), channels, places.height(), places.width());
    return Conv2d.conv2d(
            images,
            kernels,
            Like.zeros(new Shape(channels), values),
            new Shape(1, 1),
            new Shape(side / 2, side / 2),
            new Shape(1, 1),
            Math.toIntExact(channels))
        .singletonOrThrow()
        .reshape(shape.get(0), channels, shape.get(1))
        .transpose(0, 2, 1)
        .reshape(shape);
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return true;
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    final Grid places = check(call);
    final Projection k = call.projection("k");
    final NDArray l = landmarks(parameters, scaled(k.heads()), places, false);
    final LandmarkOptions how = LandmarkOptions.defaults().withInverse(options.inverse());
    final Tensor v = call.projection("v").tensor();
    if (options.byDegrees()) {
      SoftPlusPlusAttention.apply(k.tensor(), NDArrayTensors.tensor(l), v, o, how);
    } else {
      SoftAttention.apply(k.tensor(), NDArrayTensors.tensor(l), v, o, how);
    }
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    patches.ifPresent(
        made -> {
          final long numbers = (long) options.stride() * options.stride() * depth;
          made.map().initialize(manager, dataType, new Shape(1, numbers));
          made.norm().initialize(manager, dataType, new Shape(1, 1, 1, depth));
        });
  }
}
