package io.steelyard.kernels.elementary;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/**
 * What the functions of this package have in common: their ports, their checks and the loops of
 * their scalar meaning.
 */
final class Elementwise {

  /** A function, or its gradient from x or y, as the registry calls it. */
  interface Call {

    void apply(List<Tensor> inputs, Tensor output, int threads);
  }

  private Elementwise() {}

  /**
   * Checks that {@code to} can take a value for each element of {@code from}.
   *
   * @return whether the SIMD kernel does it, else the scalar meaning
   */
  static boolean vectors(String fromName, Tensor from, String toName, Tensor to, int threads) {
    if (!from.dtype().isFloat()) {
      throw new IllegalArgumentException(fromName + " is " + from + "; expected f32 or f64");
    }
    checkLike(fromName, from, toName, to);
    if (from.overlapsPartly(to)) {
      throw new IllegalArgumentException(
          toName
              + " shares part of its memory with "
              + fromName
              + "; expected either the same elements in the same order or no overlap");
    }
    if (to.memory().isReadOnly()) {
      throw new IllegalArgumentException(toName + " is read-only; expected memory to write to");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
    return from.dtype() == DType.F32 && Simd.available();
  }

  /** As {@link #vectors(String, Tensor, String, Tensor, int)} for a gradient made from a and dy. */
  static boolean vectors(String name, Tensor a, Tensor dy, Tensor dx, int threads) {
    final boolean vectors = vectors(name, a, "dx", dx, threads);
    checkLike(name, a, "dy", dy);
    return vectors("dy", dy, "dx", dx, threads) && vectors;
  }

  private static void checkLike(String fromName, Tensor from, String toName, Tensor to) {
    if (to.dtype() != from.dtype() || !to.hasShapeOf(from)) {
      throw new IllegalArgumentException(
          toName + " is " + to + "; expected the dtype and shape of " + fromName + ", " + from);
    }
  }

  /** {@code y = f(x)} in double, rounded once. */
  static void meaning(Tensor x, Tensor y, DoubleUnaryOperator f) {
    for (long i = 0; i < x.size(); i++) {
      y.setDouble(y.flatIndex(i), f.applyAsDouble(x.getDouble(x.flatIndex(i))));
    }
  }

  /** {@code dx = f(a, dy)} in double, rounded once. */
  static void meaning(Tensor a, Tensor dy, Tensor dx, DoubleBinaryOperator f) {
    for (long i = 0; i < a.size(); i++) {
      dx.setDouble(
          dx.flatIndex(i),
          f.applyAsDouble(a.getDouble(a.flatIndex(i)), dy.getDouble(dy.flatIndex(i))));
    }
  }

  /**
   * The description that all functions of this package share.
   *
   * @param value from x
   * @param gradient from x, y and dy
   */
  static Operator describe(
      String name, String formula, String summary, Source source, Call value, Call gradient) {
    return new Operator(
        name,
        "elementary",
        summary,
        source,
        List.of(Port.of("x", "x", "[...]", "Any numbers.")),
        List.of(
            new Parameter.Whole(
                "threads",
                "threads",
                0L,
                0,
                Integer.MAX_VALUE,
                "Most threads to use; 0 for all processors.")),
        List.of(Port.of("y", formula, "[...]", "The function of each element.")),
        arguments -> Map.of("y", value(arguments, value)),
        Optional.of(
            new Operator.Vjp(
                List.of(Port.of("dy", "dL/dy", "[...]", "Gradient with respect to y.")),
                List.of(Port.of("dx", "dL/dx", "[...]", "Gradient with respect to x.")),
                arguments -> Map.of("dx", gradient(arguments, value, gradient)))));
  }

  private static Tensor value(Arguments arguments, Call value) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    value.apply(List.of(x), y, (int) arguments.whole("threads"));
    return y;
  }

  private static Tensor gradient(Arguments arguments, Call value, Call gradient) {
    final Tensor x = arguments.tensor("x");
    final Tensor dx = Tensor.zerosLike(x);
    gradient.apply(
        List.of(x, value(arguments, value), arguments.tensor("dy")),
        dx,
        (int) arguments.whole("threads"));
    return dx;
  }
}
