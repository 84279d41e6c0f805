package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.Map;
import java.util.Optional;

/**
 * Everything an {@link AttentionBlock} may look at.
 *
 * @param x what was projected, {@code [B, T, d]}; empty where queries and keys were given directly
 * @param projections by the names of {@link AttentionBlock#roles}, in the shapes of {@link
 *     Projection}
 * @param visibility which keys each query sees
 * @param grid how the tokens lie, for methods on images
 * @param rotary rotary positions that the method has to apply itself; see {@link
 *     AttentionBlock#rotates}
 */
public record AttentionCall(
    Optional<NDArray> x,
    Map<String, Projection> projections,
    Visibility visibility,
    Optional<Grid> grid,
    Optional<Rotary> rotary) {

  /**
   * The projection with this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Projection projection(String role) {
    final Projection projection = projections.get(role);
    if (projection == null) {
      throw new IllegalArgumentException(
          "role is '" + role + "'; expected one of " + projections.keySet());
    }
    return projection;
  }

  /** {@code [B, H, T, D]}. */
  public NDArray heads(String role) {
    return projection(role).heads();
  }

  /** Whether a kernel may take over. */
  boolean suitsKernel() {
    return projections.values().stream()
        .map(Projection::array)
        .allMatch(NDArrayTensors::suitsKernels);
  }
}
