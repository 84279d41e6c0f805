package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.LandmarkInverse;
import io.steelyard.kernels.attention.LandmarkOptions;
import io.steelyard.kernels.attention.SoftAttention;
import io.steelyard.kernels.attention.SoftPlusPlusAttention;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.List;

/**
 * Softmax-free attention through landmarks, in time and memory linear in tokens: with {@code P =
 * kappa(Q, L)} and {@code A = kappa(L, L)} for the Gaussian kernel of distances, {@code O = P A^+
 * P^T V} (SOFT) or {@code O = P D^-1/2 A^+ D^-1/2 P^T V} with {@code D = diag(A 1)} (SOFT++).
 *
 * <p>Tokens lie on a grid. Landmarks are {@code GELU(LN(W q))} of r x r patches of queries, scaled
 * by {@code D^-1/4} before; the map of patches, a convolution without overlap, is shared by all
 * heads. Projections are k and v: keys are the queries. All tokens see each other, nothing can be
 * hidden.
 *
 * <p>{@code A^+} is Newton's iteration on {@code A + 0.01 I} as published. Its gradient is that of
 * the exact inverse, {@code -A^+ dA A^+}, once and not through the iterations.
 *
 * <p>Parameters: {@code landmarks.weight [D, r r D]}, {@code norm.gamma [D]}, {@code norm.beta
 * [D]}. The value convolution of the vision models is no part of this.
 *
 * <p>Source: arXiv 2207.03341; ridge and first step as in its code.
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

  private final int stride;
  private final boolean normalized;
  private final LandmarkInverse.Newton newton;
  private final int depth;
  private final Linear landmarks;
  private final Block norm;

  /**
   * An uninitialized block with the published inverse.
   *
   * @param stride r, at least 1: a divisor of the grid's height and width
   * @param normalized whether it is SOFT++
   * @throws IllegalArgumentException if the shape has no grid, or one that r does not divide
   */
  public SoftAttentionBlock(int stride, boolean normalized, AttentionShape shape) {
    this(stride, normalized, LandmarkInverse.NEWTON, shape);
  }

  /**
   * An uninitialized block.
   *
   * @param stride r, at least 1: a divisor of the grid's height and width
   * @param normalized whether it is SOFT++
   * @param newton how the landmarks' matrix is inverted
   * @throws IllegalArgumentException if the shape has no grid, or one that r does not divide
   */
  public SoftAttentionBlock(
      int stride, boolean normalized, LandmarkInverse.Newton newton, AttentionShape shape) {
    final Grid grid =
        shape
            .grid()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "grid is absent; expected one: landmarks are made from patches of it"));
    if (stride < 1 || grid.height() % stride != 0 || grid.width() % stride != 0) {
      throw new IllegalArgumentException(
          "stride is " + stride + "; expected a divisor of both sides of " + grid);
    }
    this.stride = stride;
    this.newton = newton;
    this.normalized = normalized;
    this.depth = shape.keyWidth();
    this.landmarks =
        addChildBlock(
            "landmarks",
            InitialWeights.fanIn(shape.random()).linear(stride * stride * depth, depth, false));
    this.norm =
        addChildBlock("norm", LayerNorm.builder().axis(3).optEpsilon((float) NORM_EPSILON).build());
  }

  @Override
  public List<String> roles() {
    return List.of("k", "v");
  }

  /** {@code [B, H, M, D]} of scaled queries. */
  private NDArray landmarks(
      ParameterStore parameters, NDArray scaled, Grid grid, boolean training) {
    final Shape shape = scaled.getShape();
    final int rows = grid.height() / stride;
    final int columns = grid.width() / stride;
    final NDArray patches =
        scaled
            .reshape(shape.get(0) * shape.get(1), rows, stride, columns, stride, depth)
            .transpose(0, 1, 3, 2, 4, 5)
            .reshape(
                shape.get(0), shape.get(1), (long) rows * columns, (long) stride * stride * depth);
    final NDList mapped = landmarks.forward(parameters, new NDList(patches), training);
    return Activation.gelu(norm.forward(parameters, mapped, training).singletonOrThrow());
  }

  private static NDArray scaled(NDArray q) {
    return q.mul(Math.pow((double) q.getShape().get(3), -0.25));
  }

  /** {@code exp(-|a - b|^2 / 2)} from one product. */
  private static NDArray far(NDArray a, NDArray b) {
    final NDArray squares =
        a.square()
            .sum(new int[] {3}, true)
            .add(b.square().sum(new int[] {3}, true).swapAxes(2, 3))
            .sub(a.matMul(b.swapAxes(2, 3)).mul(2));
    return squares.maximum(0).mul(-0.5).exp();
  }

  /** The same from differences, so that the diagonal is 1. */
  private static NDArray near(NDArray l) {
    return l.expandDims(3).sub(l.expandDims(2)).square().sum(new int[] {4}).mul(-0.5).exp();
  }

  /** The inverse as a number, and the gradient of the exact one. */
  private NDArray inverse(NDArray a) {
    final NDArray still = a.stopGradient();
    final int size = Math.toIntExact(a.getShape().get(3));
    final NDArray ridged = still.add(Like.eye(size, a).mul(newton.ridge()));
    final NDArray largest = still.sum(new int[] {3}, true).max(new int[] {2}, true);
    NDArray y = ridged.mul(FIRST_STEP).div(largest.square());
    for (int i = 0; i < newton.iterations(); i++) {
      y = y.mul(2).sub(y.matMul(ridged).matMul(y));
    }
    final NDArray p = y.stopGradient();
    final NDArray u = p.matMul(a).matMul(p).neg();
    return u.sub(u.stopGradient()).add(p);
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final Grid grid = check(call);
    final NDArray q = scaled(call.heads("k"));
    final NDArray l = landmarks(parameters, q, grid, training);
    final NDArray p = far(q, l);
    final NDArray a = near(l);
    final NDArray sums = p.swapAxes(2, 3).matMul(call.heads("v"));
    if (!normalized) {
      return p.matMul(inverse(a).matMul(sums));
    }
    final NDArray root = a.sum(new int[] {3}, true).sqrt();
    return p.matMul(inverse(a).matMul(sums.div(root)).div(root));
  }

  private static Grid check(AttentionCall call) {
    if (!call.visibility().isAll()) {
      throw new IllegalArgumentException(
          "visibility hides or shifts; expected none: every landmark is made from all tokens of its"
              + " patch");
    }
    return call.grid()
        .orElseThrow(() -> new IllegalArgumentException("grid is absent; expected one"));
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return call.visibility().isAll() && call.grid().isPresent();
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    final Projection k = call.projection("k");
    final NDArray l = landmarks(parameters, scaled(k.heads()), check(call), false);
    final LandmarkOptions options = LandmarkOptions.defaults().withInverse(newton);
    final Tensor v = call.projection("v").tensor();
    if (normalized) {
      SoftPlusPlusAttention.apply(k.tensor(), NDArrayTensors.tensor(l), v, o, options);
    } else {
      SoftAttention.apply(k.tensor(), NDArrayTensors.tensor(l), v, o, options);
    }
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    landmarks.initialize(manager, dataType, new Shape(1, (long) stride * stride * depth));
    norm.initialize(manager, dataType, new Shape(1, 1, 1, depth));
  }
}
