package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What happens between the projections of a {@link MultiHeadAttention}: queries, keys and values of
 * all heads to outputs of all heads.
 *
 * <p>A method has two forms that give the same numbers up to rounding: {@link #compose} out of
 * differentiable array operations, on every device, and, where there is one, {@link #kernel} of the
 * {@code kernels} module, which is used in prediction mode on a CPU when no gradient is recorded.
 *
 * <p>As a DJL block it takes the arrays of {@link #roles} as {@code [B, H, T, D]} in that order and
 * gives {@code [B, H, Tq, Dv]}; every query then sees every key. Safe for use by several threads in
 * prediction mode.
 */
public abstract class AttentionBlock extends AbstractBlock {

  private static final byte VERSION = 1;

  /** A block without parameters yet. */
  protected AttentionBlock() {
    super(VERSION);
  }

  /**
   * The projections it needs, queries first. Names that begin with {@code q} have as many heads as
   * outputs and come from the tokens that ask, others may be fewer and come from those that answer;
   * where there is no {@code q}, keys are the queries. Names that begin with {@code v} have the
   * width of values.
   */
  public List<String> roles() {
    return List.of("q", "k", "v");
  }

  /** Whether it applies rotary positions itself, because they do not belong on queries and keys. */
  public boolean rotates() {
    return false;
  }

  /**
   * What it has to know of each token besides the projections, a temperature for example. It stays
   * with the token: a cache keeps it, unless its name begins with {@code q}.
   *
   * @param projected by role, before positions
   * @param x tokens that ask, {@code [B, T, d]}; empty where queries and keys were given directly
   * @param memory tokens that answer, {@code [B, S, d]}; empty with x
   * @return by names that are no roles; {@code [B, T, ., .]} in the shapes of {@link Projection}
   */
  protected Map<String, Projection> derived(
      ParameterStore parameters,
      Map<String, Projection> projected,
      Optional<NDArray> x,
      Optional<NDArray> memory,
      boolean training) {
    return Map.of();
  }

  /**
   * The outputs.
   *
   * @return {@code [B, Tq, H, Dv]}, in the manager of the first projection
   */
  public final NDArray attend(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray o = weighed(parameters, call, training);
    return beside(parameters, call, training).map(o::add).orElse(o);
  }

  private NDArray weighed(ParameterStore parameters, AttentionCall call, boolean training) {
    final Projection q = call.projection(roles().getFirst());
    if (!training && call.suitsKernel() && hasKernel(call)) {
      final Projection v = call.projection(roles().getLast());
      final NDArray o =
          Like.zeros(new Shape(q.batch(), q.tokens(), q.headCount(), v.width()), q.array());
      if (o.size() > 0) {
        kernel(parameters, call, NDArrayTensors.tensor(o).transpose(1, 2));
      }
      return o;
    }
    return compose(parameters, call, training).transpose(0, 2, 1, 3);
  }

  /**
   * The outputs by differentiable operations.
   *
   * @return {@code [B, H, Tq, Dv]}
   */
  protected abstract NDArray compose(
      ParameterStore parameters, AttentionCall call, boolean training);

  /**
   * What is added to the outputs in both forms, such as a convolution of values; nothing by
   * default.
   *
   * @return {@code [B, Tq, H, Dv]}
   */
  protected Optional<NDArray> beside(
      ParameterStore parameters, AttentionCall call, boolean training) {
    return Optional.empty();
  }

  /** Whether {@link #kernel} can serve this call; only asked on a CPU. */
  protected boolean hasKernel(AttentionCall call) {
    return false;
  }

  /**
   * Writes the outputs by a kernel.
   *
   * @param o {@code [B, H, Tq, Dv]}, zeros; to be written
   */
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    throw new UnsupportedOperationException(getClass().getSimpleName() + " has no kernel");
  }

  @Override
  protected final NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    if (inputs.size() != roles().size()) {
      throw new IllegalArgumentException(
          "inputs are " + inputs.size() + " arrays; expected " + roles());
    }
    final Map<String, Projection> projections = new LinkedHashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).getShape().dimension() != 4) {
        throw new IllegalArgumentException(
            roles().get(i) + " is " + inputs.get(i).getShape() + "; expected [B, H, T, D]");
      }
      projections.put(roles().get(i), new Projection(inputs.get(i), false));
    }
    projections.putAll(
        derived(parameters, Map.copyOf(projections), Optional.empty(), Optional.empty(), training));
    final AttentionCall call =
        new AttentionCall(
            Optional.empty(), projections, Visibility.all(), Optional.empty(), Optional.empty());
    return new NDList(attend(parameters, call, training).transpose(0, 2, 1, 3));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    final Shape q = inputShapes[0];
    final Shape v = inputShapes[inputShapes.length - 1];
    return new Shape[] {new Shape(q.get(0), q.get(1), q.get(2), v.get(3))};
  }
}
