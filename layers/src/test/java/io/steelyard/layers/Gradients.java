package io.steelyard.layers;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import io.steelyard.layers.engine.Libtorch;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** Gradients of scalar functions in float64, by libtorch and by central differences. */
public final class Gradients {

  /** Differences are of fourth order, since norms over few numbers bend sharply. */
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
        final double near = moved(f, arrays, a, i, STEP) - moved(f, arrays, a, i, -STEP);
        final double far = moved(f, arrays, a, i, 2 * STEP) - moved(f, arrays, a, i, -2 * STEP);
        final double slope = (8 * near - far) / (12 * STEP);
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

  /**
   * Compares the gradient of every parameter of a block that is trained with central differences.
   *
   * @param f a scalar from a forward pass in training mode, with a new parameter store each time
   */
  public static void checkParameters(
      String what, Block block, Supplier<NDArray> f, double tolerance) {
    final List<Parameter> parameters = trained(block);
    final List<double[]> gradients = ofParameters(parameters, f);
    for (int p = 0; p < parameters.size(); p++) {
      final NDArray array = parameters.get(p).getArray();
      array.setRequiresGradient(false);
      final double[] values = array.toDoubleArray();
      for (int i = 0; i < values.length; i++) {
        final double near = set(array, values, i, STEP, f) - set(array, values, i, -STEP, f);
        final double far = set(array, values, i, 2 * STEP, f) - set(array, values, i, -2 * STEP, f);
        final double slope = (8 * near - far) / (12 * STEP);
        assertThat(Math.abs(gradients.get(p)[i] - slope) / Math.max(1, Math.abs(slope)))
            .describedAs(
                String.format(
                    Locale.ROOT,
                    "%s: gradient of %s at %d is %s, central difference %s",
                    what,
                    parameters.get(p).getName(),
                    i,
                    gradients.get(p)[i],
                    slope))
            .isLessThan(tolerance);
      }
      array.setRequiresGradient(false);
      array.set(values);
    }
  }

  /**
   * Compares the derivatives of a scalar along random directions, one in the input of a block and
   * one in each of its parameters that are trained, with central differences: for networks that
   * have too many numbers to move each. Every number moves by an amount of its own, so an error in
   * one gradient shows, wherever it is.
   *
   * @param f a scalar of the input, from a forward pass in training mode with a new parameter store
   *     each time
   * @param seed draws the directions; it is in the failure message
   */
  public static void checkAlong(
      Block block, Function<NDArray, NDArray> f, NDArray input, long seed, double tolerance) {
    final RandomGenerator random = new Random(seed);
    final double[] ofInput = analytic(arrays -> f.apply(arrays.head()), new NDList(input))[0];
    along("the input, seed " + seed, input, ofInput, () -> f.apply(input), random, tolerance);
    final List<Parameter> parameters = trained(block);
    final List<double[]> gradients = ofParameters(parameters, () -> f.apply(input));
    for (int p = 0; p < parameters.size(); p++) {
      along(
          parameters.get(p).getName() + ", seed " + seed,
          parameters.get(p).getArray(),
          gradients.get(p),
          () -> f.apply(input),
          random,
          tolerance);
    }
  }

  private static void along(
      String what,
      NDArray array,
      double[] gradient,
      Supplier<NDArray> f,
      RandomGenerator random,
      double tolerance) {
    array.setRequiresGradient(false);
    final double[] values = array.toDoubleArray();
    final double[] direction = random.doubles(values.length, -1, 1).toArray();
    double squares = 0;
    double expected = 0;
    for (int i = 0; i < direction.length; i++) {
      squares += direction[i] * direction[i];
      expected += gradient[i] * direction[i];
    }
    final double step = STEP / Math.sqrt(squares);
    final double near =
        shifted(array, values, direction, step, f) - shifted(array, values, direction, -step, f);
    final double far =
        shifted(array, values, direction, 2 * step, f)
            - shifted(array, values, direction, -2 * step, f);
    final double slope = (8 * near - far) / (12 * step);
    assertThat(Math.abs(expected - slope) / Math.max(1, Math.abs(slope)))
        .describedAs(
            "%s: derivative along a direction is %s, central difference %s", what, expected, slope)
        .isLessThan(tolerance);
    array.set(values);
  }

  private static double shifted(
      NDArray array, double[] values, double[] direction, double by, Supplier<NDArray> f) {
    final double[] moved = values.clone();
    for (int i = 0; i < moved.length; i++) {
      moved[i] += by * direction[i];
    }
    array.set(moved);
    return f.get().getDouble();
  }

  private static List<Parameter> trained(Block block) {
    return block.getParameters().values().stream().filter(Parameter::requiresGradient).toList();
  }

  private static List<double[]> ofParameters(List<Parameter> parameters, Supplier<NDArray> f) {
    parameters.forEach(parameter -> parameter.getArray().setRequiresGradient(true));
    // Gradients add up over passes, so one pass is what the second adds to the first.
    final List<double[]> once = backward(parameters, f);
    final List<double[]> gradients = backward(parameters, f);
    for (int p = 0; p < parameters.size(); p++) {
      for (int i = 0; i < gradients.get(p).length; i++) {
        gradients.get(p)[i] -= once.get(p)[i];
      }
    }
    return gradients;
  }

  private static List<double[]> backward(List<Parameter> parameters, Supplier<NDArray> f) {
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(f.get());
    }
    return parameters.stream()
        .map(parameter -> parameter.getArray().getGradient().toDoubleArray())
        .toList();
  }

  private static double set(
      NDArray array, double[] values, int index, double by, Supplier<NDArray> f) {
    final double[] moved = values.clone();
    moved[index] += by;
    array.setRequiresGradient(false);
    array.set(moved);
    return f.get().getDouble();
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
