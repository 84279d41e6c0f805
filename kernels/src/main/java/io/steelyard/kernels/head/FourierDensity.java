package io.steelyard.kernels.head;

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

/**
 * The Fourier head: log-probabilities of m bins of [-1, 1] from complex coefficients {@code a_0 ...
 * a_N} that a linear layer gives.
 *
 * <p>With {@code c_k = sum_t a_(t+k) conj(a_t)} the density is {@code p(z) = 1/2 + Re sum_(k>0)
 * (c_k / c_0) e^(i pi k z)}, never negative and of integral 1. At the bin centres {@code b_j = -1 +
 * (2 j + 1) / m} it is {@code |A_j|^2 / (2 c_0)} with {@code A_j = sum_t a_t e^(i pi t b_j)}, so
 * the probabilities are {@code |A_j|^2 / sum_i |A_i|^2}, which is what is computed; the outputs are
 * {@code o_j = ln(probability + floor)}, logits for an ordinary cross-entropy. The roughness of a
 * row is {@code 4 pi^2 sum_k k^2 |c_k|^2}; gamma times its mean over rows is the paper's
 * regulariser.
 *
 * <p>Edges: coefficients that are all 0 describe no density, and give NaN, as do NaN and
 * infinities; the scale of the coefficients changes the roughness only. The density has period 2:
 * bins at the two ends are neighbours. More frequencies than half the bins add nothing that the
 * bins can show.
 *
 * <p>Shapes: a {@code [..., 2 (N + 1)]}, real parts before imaginary parts; o {@code [..., m]};
 * roughness {@code [...]}; any strides. dtype f64 runs the scalar meaning. f32 runs the SIMD
 * kernel: with {@code T = sum |A_j|^2} outputs are within {@code (4 N + 10) 2^-24 (sum |a_t| / sqrt
 * T) (floor^(-1/2) + 2 sqrt m) + (4 + |o_j|) 2^-24} of the exact ones.
 *
 * <p>Cost: O(m N) a row, O(N^2) for the roughness; each calling thread keeps two tables of m (N +
 * 1) floats, made anew when m or N changes. Nothing else is allocated in steady state. Rows are
 * worked on in parallel; results do not depend on the number of threads. Safe to call from any
 * thread.
 *
 * <p>Source: arXiv 2410.22269, section 3 and algorithm 1; the official fourier_head.py.
 *
 * <pre>{@code
 * FourierDensity.apply(coefficients, 1e-5, logits, 0);
 * }</pre>
 */
public final class FourierDensity {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "fourier-density",
          "head",
          "Log-probabilities of bins from the Fourier coefficients of a density.",
          new Source("2410.22269", "section 3, algorithm 1; fourier_head.py"),
          List.of(
              Port.of(
                  "a",
                  "a_t",
                  "[..., 2(N+1)]",
                  "Coefficients: all real parts, then all imaginary parts.")),
          List.of(
              new Parameter.Whole(
                  "bins", "m", 50L, 1, Integer.MAX_VALUE, "How many bins [-1, 1] is cut into."),
              new Parameter.Real(
                  "floor", "1e-5", 1e-5, 0, 1, "Added to each probability before the logarithm."),
              Shapes.THREADS),
          List.of(
              Port.of("o", "o_j", "[..., m]", "Logarithms of the bins' probabilities."),
              Port.of(
                  "roughness", "R", "[...]", "4 pi^2 sum k^2 |c_k|^2, the regulariser of a row.")),
          FourierDensity::call,
          Optional.of(
              new Operator.Vjp(
                  List.of(
                      Port.of("do", "dL/do", "[..., m]", "Gradient with respect to o."),
                      Port.of("droughness", "dL/dR", "[...]", "Gradient for the roughness.")),
                  List.of(Port.of("da", "dL/da", "[..., 2(N+1)]", "Gradient with respect to a.")),
                  FourierDensity::gradient)));

  private FourierDensity() {}

  /**
   * Writes the log-probabilities.
   *
   * @param a coefficients; not modified
   * @param floor added to each probability, 0 or more; the paper's is 1e-5
   * @param o its last axis says how many bins there are; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static void apply(Tensor a, double floor, Tensor o, int threads) {
    check(a, floor);
    Shapes.checkRows("o", o, a, o.rowLength());
    Shapes.checkOutput("o", o, "a", a);
    if (o.size() == 0) {
      return;
    }
    if (a.dtype() == DType.F32 && Simd.available()) {
      FourierDensitySimd.apply(a, floor, o, threads);
      return;
    }
    for (long row = 0; row < a.rows(); row++) {
      final Bins bins = new Bins(Shapes.row(a, row), Math.toIntExact(o.rowLength()));
      final double[] logs = new double[bins.squares.length];
      for (int j = 0; j < logs.length; j++) {
        logs[j] = Math.log(bins.squares[j] / bins.total + floor);
      }
      Shapes.setRow(o, row, logs);
    }
  }

  /**
   * Writes the roughness of each row, computed in double.
   *
   * @param a coefficients; not modified
   * @param roughness one number for each row; modified
   * @throws IllegalArgumentException if a dtype or shape is not legal
   */
  public static void roughness(Tensor a, Tensor roughness) {
    check(a, 0);
    Shapes.checkOneForEachRow("roughness", roughness, a.dtype(), a);
    Shapes.checkOutput("roughness", roughness, "a", a);
    for (long row = 0; row < a.rows(); row++) {
      final double[] x = Shapes.row(a, row);
      double sum = 0;
      for (int k = 1; k < x.length / 2; k++) {
        final double[] c = correlation(x, k);
        sum += weight(k) * (c[0] * c[0] + c[1] * c[1]);
      }
      roughness.setDouble(roughness.flatIndex(row), sum);
    }
  }

  /**
   * Writes the gradient for the coefficients, in double.
   *
   * @param dlogs gradient of the loss with respect to the log-probabilities; not modified
   * @param droughness gradient of the loss with respect to the roughness; not modified
   * @param da modified
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static void vjp(Tensor a, double floor, Tensor dlogs, Tensor droughness, Tensor da) {
    check(a, floor);
    Shapes.checkRows("do", dlogs, a, dlogs.rowLength());
    Shapes.checkOneForEachRow("droughness", droughness, a.dtype(), a);
    Shapes.checkLike("da", da, a);
    Shapes.checkOutput("da", da, "a", a);
    for (long row = 0; row < a.rows(); row++) {
      final double[] x = Shapes.row(a, row);
      final double[] gradient = new double[x.length];
      addDensity(x, floor, Shapes.row(dlogs, row), gradient);
      addRoughness(x, droughness.getDouble(droughness.flatIndex(row)), gradient);
      Shapes.setRow(da, row, gradient);
    }
  }

  /**
   * {@code pi t b_j}, up to a multiple of 2 pi that is taken off in whole numbers: cosines of large
   * angles lose digits.
   */
  static double angle(long t, long j, long bins) {
    return Math.PI * (t * (2 * j + 1 - bins) % (2 * bins)) / bins;
  }

  /** A_j of each bin, and the squares of their moduli. */
  private static final class Bins {

    final double[] re;
    final double[] im;
    final double[] squares;
    final double total;

    Bins(double[] x, int m) {
      re = new double[m];
      im = new double[m];
      squares = new double[m];
      final int terms = x.length / 2;
      double sum = 0;
      for (int j = 0; j < m; j++) {
        for (int t = 0; t < terms; t++) {
          final double cos = Math.cos(angle(t, j, m));
          final double sin = Math.sin(angle(t, j, m));
          re[j] += x[t] * cos - x[terms + t] * sin;
          im[j] += x[t] * sin + x[terms + t] * cos;
        }
        squares[j] = re[j] * re[j] + im[j] * im[j];
        sum += squares[j];
      }
      total = sum;
    }
  }

  private static void addDensity(double[] x, double floor, double[] g, double[] gradient) {
    final int m = g.length;
    final int terms = x.length / 2;
    final Bins bins = new Bins(x, m);
    double mean = 0;
    final double[] own = new double[m];
    for (int j = 0; j < m; j++) {
      final double probability = bins.squares[j] / bins.total;
      own[j] = g[j] / (probability + floor);
      mean += own[j] * probability;
    }
    for (int j = 0; j < m; j++) {
      final double s = 2 * (own[j] - mean) / bins.total;
      for (int t = 0; t < terms; t++) {
        final double cos = Math.cos(angle(t, j, m));
        final double sin = Math.sin(angle(t, j, m));
        gradient[t] += s * (bins.re[j] * cos + bins.im[j] * sin);
        gradient[terms + t] += s * (bins.im[j] * cos - bins.re[j] * sin);
      }
    }
  }

  private static void addRoughness(double[] x, double g, double[] gradient) {
    final int terms = x.length / 2;
    for (int k = 1; k < terms; k++) {
      final double[] c = correlation(x, k);
      final double w = 2 * g * weight(k);
      for (int t = 0; t + k < terms; t++) {
        final int u = t + k;
        gradient[u] += w * (c[0] * x[t] - c[1] * x[terms + t]);
        gradient[terms + u] += w * (c[0] * x[terms + t] + c[1] * x[t]);
        gradient[t] += w * (c[0] * x[u] + c[1] * x[terms + u]);
        gradient[terms + t] += w * (c[0] * x[terms + u] - c[1] * x[u]);
      }
    }
  }

  private static double weight(int k) {
    return 4 * Math.PI * Math.PI * k * k;
  }

  /** Real and imaginary part of c_k. */
  static double[] correlation(double[] x, int k) {
    final int terms = x.length / 2;
    double re = 0;
    double im = 0;
    for (int t = 0; t + k < terms; t++) {
      final int u = t + k;
      re += x[u] * x[t] + x[terms + u] * x[terms + t];
      im += x[terms + u] * x[t] - x[u] * x[terms + t];
    }
    return new double[] {re, im};
  }

  static void check(Tensor a, double floor) {
    Shapes.checkFloat("a", a);
    if (a.rank() == 0 || a.rowLength() == 0 || a.rowLength() % 2 != 0) {
      throw new IllegalArgumentException(
          "a is " + a + "; expected rows of 2 (N + 1) numbers, real parts before imaginary parts");
    }
    if (!(floor >= 0)) {
      throw new IllegalArgumentException("floor is " + floor + "; expected a number of 0 or more");
    }
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final Tensor a = arguments.tensor("a");
    check(a, arguments.real("floor"));
    final Tensor o = Tensor.zeros(a.dtype(), Shapes.withRowLength(a, arguments.whole("bins")));
    apply(a, arguments.real("floor"), o, (int) arguments.whole("threads"));
    final Tensor roughness = Tensor.zeros(a.dtype(), Shapes.withoutRows(a));
    roughness(a, roughness);
    return Map.of("o", o, "roughness", roughness);
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor a = arguments.tensor("a");
    final Tensor da = Tensor.zerosLike(a);
    vjp(a, arguments.real("floor"), arguments.tensor("do"), arguments.tensor("droughness"), da);
    return Map.of("da", da);
  }
}
