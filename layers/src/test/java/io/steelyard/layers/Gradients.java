package io.steelyard.layers;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import io.steelyard.layers.engine.Libtorch;
import java.util.Locale;
import java.util.function.Function;

/** Gradients of scalar functions in float64, by libtorch and by central differences. */
public final class Gradients {

  /** Rounding costs about 1e-16 / STEP, curvature about STEP squared (nothing for quadratics). */
  private static final double STEP = 1e-4;

  private Gradients() {}

  /** The gradient of {@code f} with respect to each array, by back-propagation. */
  public static double[][] analytic(Function<NDList, NDArray> f, NDList arrays) {
    arrays.forEach(array -> array.setRequiresGradient(true));
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(f.apply(arrays));
    }
    final double[][] gradients =
        arrays.stream().map(array -> array.getGradient().toDoubleArray()).toArray(double[][]::new);
    arrays.forEach(array -> array.setRequiresGradient(false));
    return gradients;
  }

  /**
   * Compares every entry of every gradient with central differences.
   *
   * @param what goes into the failure message, with the seed if there is one
   */
  public static void check(
      String what, Function<NDList, NDArray> f, NDList arrays, double tolerance) {
    final double[][] analytic = analytic(f, arrays);
    for (int a = 0; a < arrays.size(); a++) {
      for (int i = 0; i < analytic[a].length; i++) {
        final double slope =
            (moved(f, arrays, a, i, STEP) - moved(f, arrays, a, i, -STEP)) / (2 * STEP);
        final double scale = Math.max(1, Math.abs(slope));
        assertThat(Math.abs(analytic[a][i] - slope) / scale)
            .describedAs(
                String.format(
                    Locale.ROOT,
                    "%s: gradient of array %d at %d is %s, central difference %s",
                    what,
                    a,
                    i,
                    analytic[a][i],
                    slope))
            .isLessThan(tolerance);
      }
    }
  }

  private static double moved(
      Function<NDList, NDArray> f, NDList arrays, int which, int index, double by) {
    try (NDManager scope = arrays.get(which).getManager().newSubManager()) {
      final NDList moved = new NDList();
      for (int a = 0; a < arrays.size(); a++) {
        final double[] values = arrays.get(a).toDoubleArray();
        if (a == which) {
          values[index] += by;
        }
        moved.add(scope.create(values, arrays.get(a).getShape()));
      }
      return f.apply(moved).getDouble();
    }
  }
}
