package io.steelyard.kernels.head;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The continuous side of the {@link FourierDensity} head: density and distribution function, at any
 * points of [-1, 1], of what complex coefficients describe. {@code p(z) = |sum_t a_t e^(i pi t
 * z)|^2 / (2 c_0)}, {@code c_0 = sum_t |a_t|^2}, is never negative; {@code F(z)} is its integral
 * from -1. The negative logarithm of the density at a target is the loss that trains the head
 * without bins.
 *
 * <p>Edges: F is 0 up to -1 and 1 from 1 on, where the density is 0 (at -1 and 1 themselves it is
 * that of the ends). Coefficients that are all 0 describe no density, and give NaN, as do NaN and
 * infinities among them, and NaN as a point. The scale of the coefficients changes nothing.
 *
 * <p>Shapes: a {@code [..., 2 (N + 1)]}, real parts before imaginary parts; z, density and
 * cumulative {@code [..., M]}, M points for each row; any strides. The arithmetic is in double for
 * f32 and f64, rounded once.
 *
 * <p>Cost: O(N^2 + M N) a row, and memory for a row. Safe to call from any thread.
 *
 * <p>Source: arXiv 2410.22269, section 3; the official fourier_head_mle.py.
 *
 * <pre>{@code
 * FourierDistribution.apply(coefficients, targets, densities, cumulative);
 * }</pre>
 */
public final class FourierDistribution {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "fourier-distribution",
          "head",
          "Density and distribution function at any points from Fourier coefficients.",
          new Source("2410.22269", "section 3; fourier_head_mle.py"),
          List.of(
              Port.of(
                  "a",
                  "a_t",
                  "[..., 2(N+1)]",
                  "Coefficients: all real parts, then all imaginary parts."),
              Port.of("z", "z", "[..., M]", "Points of [-1, 1].")),
          List.of(),
          List.of(
              Port.of("density", "p(z)", "[..., M]", "The density at the points."),
              Port.of("cumulative", "F(z)", "[..., M]", "Its integral from -1 to the points.")),
          FourierDistribution::call,
          Optional.of(
              new Operator.Vjp(
                  List.of(
                      Port.of("ddensity", "dL/dp", "[..., M]", "Gradient for the density."),
                      Port.of("dcumulative", "dL/dF", "[..., M]", "Gradient for its integral.")),
                  List.of(
                      Port.of("da", "dL/da", "[..., 2(N+1)]", "Gradient with respect to a."),
                      Port.of("dz", "dL/dz", "[..., M]", "Gradient with respect to z.")),
                  FourierDistribution::gradient)));

  private FourierDistribution() {}

  /**
   * Writes density and distribution function.
   *
   * @param a coefficients; not modified
   * @param z points; not modified
   * @param density modified
   * @param cumulative modified
   * @throws IllegalArgumentException if a dtype or shape is not legal
   */
  public static void apply(Tensor a, Tensor z, Tensor density, Tensor cumulative) {
    check(a, z);
    checkOutput("density", density, a, z);
    checkOutput("cumulative", cumulative, a, z);
    for (long row = 0; row < z.rows(); row++) {
      final FourierSeries series = new FourierSeries(Shapes.row(a, row));
      final double[] points = Shapes.row(z, row);
      final double[] sums = new double[points.length];
      for (int i = 0; i < points.length; i++) {
        sums[i] = series.cumulative(points[i]);
        points[i] = series.density(points[i]);
      }
      Shapes.setRow(density, row, points);
      Shapes.setRow(cumulative, row, sums);
    }
  }

  /**
   * Writes the gradients, in double: {@code dF/dz = p(z)}, and the others from both being {@code Re
   * sum_k w_k c_k / c_0} with weights that depend on z only. Points that are not within (-1, 1)
   * have no say and get gradient 0.
   *
   * @param ddensity gradient of the loss with respect to the density; not modified
   * @param dcumulative gradient with respect to the distribution function; not modified
   * @param da modified
   * @param dz modified
   * @throws IllegalArgumentException if a dtype or shape is not legal
   */
  public static void vjp(
      Tensor a, Tensor z, Tensor ddensity, Tensor dcumulative, Tensor da, Tensor dz) {
    check(a, z);
    Shapes.checkLike("ddensity", ddensity, z);
    Shapes.checkLike("dcumulative", dcumulative, z);
    Shapes.checkLike("da", da, a);
    checkOutput("dz", dz, a, z);
    Shapes.checkOutput("da", da, "a", a);
    Shapes.checkOutput("da", da, "z", z);
    for (long row = 0; row < z.rows(); row++) {
      final double[] x = Shapes.row(a, row);
      final double[] points = Shapes.row(z, row);
      final double[] gradient = new double[x.length];
      gradients(x, points, Shapes.row(ddensity, row), Shapes.row(dcumulative, row), gradient);
      Shapes.setRow(da, row, gradient);
      Shapes.setRow(dz, row, points);
    }
  }

  /** Adds to the gradient of the coefficients and replaces the points by theirs. */
  private static void gradients(
      double[] x, double[] points, double[] dp, double[] df, double[] gradient) {
    final int terms = x.length / 2;
    final double mass = FourierDensity.correlation(x, 0)[0];
    final double[] slopes = new double[points.length];
    final FourierSeries series = new FourierSeries(x);
    double pull = 0;
    for (int k = 1; k < terms; k++) {
      final double[] c = FourierDensity.correlation(x, k);
      double re = 0;
      double im = 0;
      for (int i = 0; i < points.length; i++) {
        if (!(Math.abs(points[i]) < 1)) {
          continue;
        }
        final double cos = Math.cos(Math.PI * k * points[i]);
        final double sin = Math.sin(Math.PI * k * points[i]);
        final double start = k % 2 == 0 ? 1 : -1;
        re += dp[i] * cos + df[i] * sin / (Math.PI * k);
        im += dp[i] * sin - df[i] * (cos - start) / (Math.PI * k);
        slopes[i] -= Math.PI * k * (c[0] * sin + c[1] * cos) / mass;
      }
      pull += (re * c[0] - im * c[1]) / (mass * mass);
      for (int t = 0; t + k < terms; t++) {
        final int u = t + k;
        final double r = re / mass;
        final double s = -im / mass;
        gradient[u] += r * x[t] - s * x[terms + t];
        gradient[terms + u] += r * x[terms + t] + s * x[t];
        gradient[t] += r * x[u] + s * x[terms + u];
        gradient[terms + t] += r * x[terms + u] - s * x[u];
      }
    }
    for (int i = 0; i < x.length; i++) {
      gradient[i] -= 2 * pull * x[i];
    }
    for (int i = 0; i < points.length; i++) {
      points[i] =
          Math.abs(points[i]) < 1 ? dp[i] * slopes[i] + df[i] * series.density(points[i]) : 0;
    }
  }

  /** Checks coefficients and as many rows of points. */
  static void check(Tensor a, Tensor z) {
    FourierDensity.check(a, 0);
    Shapes.checkRows("z", z, a, z.rowLength());
  }

  static void checkOutput(String name, Tensor out, Tensor a, Tensor z) {
    Shapes.checkLike(name, out, z);
    Shapes.checkOutput(name, out, "a", a);
    Shapes.checkOutput(name, out, "z", z);
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final Tensor z = arguments.tensor("z");
    final Tensor density = Tensor.zerosLike(z);
    final Tensor cumulative = Tensor.zerosLike(z);
    apply(arguments.tensor("a"), z, density, cumulative);
    return Map.of("density", density, "cumulative", cumulative);
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor a = arguments.tensor("a");
    final Tensor z = arguments.tensor("z");
    final Tensor da = Tensor.zerosLike(a);
    final Tensor dz = Tensor.zerosLike(z);
    vjp(a, z, arguments.tensor("ddensity"), arguments.tensor("dcumulative"), da, dz);
    return Map.of("da", da, "dz", dz);
  }
}
