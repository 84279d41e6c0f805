package io.steelyard.kernels.head;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Quantiles and random numbers of a {@link FourierDistribution}: the z of [-1, 1] with {@code F(z)
 * = u}, by bisection.
 *
 * <p>Edges: u = 0 gives -1; where F is flat, the least z whose F, as it is computed, is not below
 * u. A u outside [0, 1] or NaN gives NaN, and so do coefficients that describe no density (all 0,
 * or not finite).
 *
 * <p>Shapes: a {@code [..., 2 (N + 1)]}, real parts before imaginary parts; u and z {@code [...,
 * M]}, M for each row; any strides. The arithmetic is in double for f32 and f64, down to
 * neighbouring numbers: {@code F(z)} is within {@code (N + 4) 2^-50} of u.
 *
 * <p>Cost: O(N^2 + 56 M N) a row, and memory for a row. Safe to call from any thread.
 *
 * <p>Source: arXiv 2410.22269, section 3.
 *
 * <pre>{@code
 * FourierQuantile.sample(coefficients, RandomGenerator.of("L64X128MixRandom"), z);
 * }</pre>
 */
public final class FourierQuantile {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "fourier-quantile",
          "head",
          "Quantiles of the distribution that Fourier coefficients describe.",
          new Source("2410.22269", "section 3; fourier_head_mle.py"),
          List.of(
              Port.of(
                  "a",
                  "a_t",
                  "[..., 2(N+1)]",
                  "Coefficients: all real parts, then all imaginary parts."),
              Port.of("u", "u", "[..., M]", "Probabilities in [0, 1].")),
          List.of(),
          List.of(Port.of("z", "z", "[..., M]", "The points with F(z) = u.")),
          FourierQuantile::call,
          Optional.empty());

  private FourierQuantile() {}

  /**
   * Writes the quantiles.
   *
   * @param a coefficients; not modified
   * @param u probabilities; not modified unless it is z
   * @param z modified
   * @throws IllegalArgumentException if a dtype or shape is not legal
   */
  public static void apply(Tensor a, Tensor u, Tensor z) {
    FourierDensity.check(a, 0);
    Shapes.checkRows("u", u, a, u.rowLength());
    Shapes.checkLike("z", z, u);
    Shapes.checkOutput("z", z, "a", a);
    if (z.overlapsPartly(u)) {
      throw new IllegalArgumentException(
          "z shares part of its memory with u; expected either the same elements in the same order"
              + " or no overlap");
    }
    for (long row = 0; row < u.rows(); row++) {
      final FourierSeries series = new FourierSeries(Shapes.row(a, row));
      final double[] numbers = Shapes.row(u, row);
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = series.quantile(numbers[i]);
      }
      Shapes.setRow(z, row, numbers);
    }
  }

  /**
   * Writes random numbers, row by row, one number of the generator for each.
   *
   * @param a coefficients; not modified
   * @param random where randomness comes from
   * @param z modified
   * @throws IllegalArgumentException if a dtype or shape is not legal
   */
  public static void sample(Tensor a, RandomGenerator random, Tensor z) {
    FourierDistribution.check(a, z);
    Shapes.checkOutput("z", z, "a", a);
    for (long row = 0; row < z.rows(); row++) {
      final FourierSeries series = new FourierSeries(Shapes.row(a, row));
      final double[] numbers = new double[Math.toIntExact(z.rowLength())];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = series.quantile(random.nextDouble());
      }
      Shapes.setRow(z, row, numbers);
    }
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final Tensor z = Tensor.zerosLike(arguments.tensor("u"));
    apply(arguments.tensor("a"), arguments.tensor("u"), z);
    return Map.of("z", z);
  }
}
