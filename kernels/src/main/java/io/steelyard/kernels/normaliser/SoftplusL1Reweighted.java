package io.steelyard.kernels.normaliser;

import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.softmax.Normaliser;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Softplus over its sum, sharpened: with A as {@link SoftplusL1} gives it and N entries that take
 * part in a row, {@code U = max(0, N A - O)}, {@code O = 1} for N above 3 and 0 up to there (or for
 * every N, without a shift), and {@code y = U^p / sum U^p}. The mean of {@code N A} is 1, so only
 * entries above average keep a weight.
 *
 * <p>Edges: a fully masked row, and a row without an entry above average (equal scores, N above 3),
 * give zeros; a NaN or +inf in an entry that takes part makes its whole row NaN; what stands under
 * a mask never leaks; an empty row gives nothing. U below 1e-12 is rounding and counts as 0. The
 * power is taken of U over its largest, which no p overflows.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y the same, and it may be x itself. Runs in
 * double on one thread for f32 and f64: the threshold cuts where float would see noise. Against the
 * exact weight the error is about {@code p 2^-50} relative, and the rounding to the dtype.
 *
 * <p>Cost: one exponential, one logarithm and one power an element, each twice. Safe to call from
 * any thread.
 *
 * <p>Source: arXiv 2501.13428, stage 2.
 *
 * <pre>{@code
 * float[] scores = {-1, 0, 1};
 * float[] weights = new float[3];
 * SoftplusL1Reweighted.apply(
 *     Tensor.of(scores, 3), Tensor.of(weights, 3), 15, NormaliserOptions.defaults());
 * }</pre>
 */
public final class SoftplusL1Reweighted {

  private static final double LARGEST_P = 1000;

  /** Rows up to here keep all their entries. */
  private static final int UNSHIFTED = 3;

  private static final double NOISE = 1e-12;

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "softplus-l1-reweighted",
          "normaliser",
          "Softplus over its sum, less the row's mean, to a power, over its sum.",
          new Source("2501.13428", "stage 2: U^p / sum U^p"),
          Normaliser.INPUTS,
          Stream.concat(
                  Stream.of(
                      new Parameter.Real("p", "p", 15.0, 1, LARGEST_P, "Power that sharpens."),
                      new Parameter.Flag(
                          "shift", "O", true, "Whether only entries above average keep a weight.")),
                  Normaliser.PARAMETERS.stream())
              .toList(),
          List.of(Port.of("y", "W", "[..., N]", "Weights; each row sums to 1, or to 0.")),
          SoftplusL1Reweighted::weights,
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dW", "[..., N]", "Gradient with respect to y.")),
                  List.of(Port.of("dx", "dS", "[..., N]", "Gradient with respect to x.")),
                  SoftplusL1Reweighted::gradient)));

  private SoftplusL1Reweighted() {}

  /**
   * Writes the weights of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @param p from 1 to 1000
   * @throws IllegalArgumentException if dtypes or shapes differ, x and y overlap in part, or p is
   *     out of range
   */
  public static void apply(Tensor x, Tensor y, double p, NormaliserOptions options) {
    apply(x, y, p, true, options);
  }

  /**
   * As {@link #apply(Tensor, Tensor, double, NormaliserOptions)}.
   *
   * @param shift whether the average is subtracted; if not, O is 0 for every row
   */
  public static void apply(Tensor x, Tensor y, double p, boolean shift, NormaliserOptions options) {
    Normaliser.checkSame("x", x, "y", y);
    Normaliser.checkWritable("y", y);
    check(p);
    final RowMask rows = new RowMask();
    rows.bind(options.mask(), x);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      final Row state = Row.of(x, rows, row, p, shift);
      for (long j = 0; j < n; j++) {
        final double power = state.power(softplus(x, rows, row, j));
        final double weight = power == 0 ? 0 : power / state.powers;
        y.setDouble(y.rowOffset(row) + j * y.rowStride(), state.undefined() ? Double.NaN : weight);
      }
    }
  }

  /**
   * Writes the gradient: through the power ({@code dA = N p R / (U sum R) (dy - <dy, y>)}, {@code R
   * = U^p}, where U is not 0), the first sum ({@code dB = (dA - <dA, A>) / sum B}) and the softplus
   * ({@code dx = sigmoid(x) dB}). An entry without a weight has no say by its dy, yet gets a
   * gradient through the first sum; a masked entry gets 0.
   *
   * @param x scores that {@link #apply} was given; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param p that {@link #apply} was given
   * @param options those that {@link #apply} was given; the mask is read
   * @throws IllegalArgumentException if dtypes or shapes differ, dx overlaps an input in part, or p
   *     is out of range
   */
  public static void vjp(Tensor x, Tensor dy, Tensor dx, double p, NormaliserOptions options) {
    vjp(x, dy, dx, p, true, options);
  }

  /**
   * As {@link #vjp(Tensor, Tensor, Tensor, double, NormaliserOptions)}.
   *
   * @param shift that {@link #apply} was given
   */
  public static void vjp(
      Tensor x, Tensor dy, Tensor dx, double p, boolean shift, NormaliserOptions options) {
    Normaliser.checkSame("x", x, "dy", dy);
    Normaliser.checkSame("x", x, "dx", dx);
    Normaliser.checkOverlap("dy", dy, "dx", dx);
    Normaliser.checkWritable("dx", dx);
    check(p);
    final RowMask rows = new RowMask();
    rows.bind(options.mask(), x);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      final Row state = Row.of(x, rows, row, p, shift);
      double dot = 0;
      for (long j = 0; j < n; j++) {
        final double power = state.power(softplus(x, rows, row, j));
        dot += power == 0 ? 0 : power / state.powers * at(dy, row, j);
      }
      double first = 0;
      for (long j = 0; j < n; j++) {
        final double b = softplus(x, rows, row, j);
        final double slope = state.slope(b);
        first += slope == 0 ? 0 : slope * (at(dy, row, j) - dot) * b / state.sum;
      }
      for (long j = 0; j < n; j++) {
        final double b = softplus(x, rows, row, j);
        final double slope = state.slope(b);
        final double own = slope == 0 ? 0 : slope * (at(dy, row, j) - dot);
        final double g = b == 0 ? 0 : Sigmoid.of(at(x, row, j)) * (own - first) / state.sum;
        dx.setDouble(dx.rowOffset(row) + j * dx.rowStride(), g);
      }
    }
  }

  /** What is known of a row: its entries, the sum of their softplus, the sum of the powers. */
  private record Row(long count, double sum, double top, double powers, double p, boolean shift) {

    static Row of(Tensor x, RowMask rows, long row, double p, boolean shift) {
      long count = 0;
      double sum = 0;
      double largest = 0;
      for (long j = 0; j < x.rowLength(); j++) {
        final double b = softplus(x, rows, row, j);
        final boolean masked =
            j >= rows.visible(row)
                || !rows.keeps(row, j)
                || at(x, row, j) == Double.NEGATIVE_INFINITY;
        count += masked ? 0 : 1;
        sum += b;
        largest = Math.max(largest, b);
      }
      final Row bare = new Row(count, sum, 1, 1, p, shift);
      final Row scaled = new Row(count, sum, bare.excess(largest), 1, p, shift);
      double powers = 0;
      for (long j = 0; j < x.rowLength(); j++) {
        powers += scaled.power(softplus(x, rows, row, j));
      }
      return new Row(count, sum, scaled.top, powers, p, shift);
    }

    boolean undefined() {
      return !(sum < Double.POSITIVE_INFINITY);
    }

    /** U of a softplus. */
    double excess(double b) {
      final double u = sum == 0 ? 0 : count * b / sum - (shift && count > UNSHIFTED ? 1 : 0);
      return u < NOISE ? 0 : u;
    }

    /** {@code (U / max U)^p}. */
    double power(double b) {
      final double u = excess(b);
      return u == 0 ? 0 : Math.pow(u / top, p);
    }

    /** How fast the weight grows with A, the sum of powers held: {@code N p R / (U sum R)}. */
    double slope(double b) {
      final double u = excess(b);
      return u == 0 ? 0 : count * p * power(b) / (u * powers);
    }
  }

  /** 0 for a masked entry. */
  private static double softplus(Tensor x, RowMask rows, long row, long j) {
    return j < rows.visible(row) && rows.keeps(row, j) ? Softplus.of(at(x, row, j)) : 0;
  }

  private static double at(Tensor x, long row, long j) {
    return x.getDouble(x.rowOffset(row) + j * x.rowStride());
  }

  private static void check(double p) {
    if (!(p >= 1 && p <= LARGEST_P)) {
      throw new IllegalArgumentException(
          "p is " + p + "; expected a number in [1, " + LARGEST_P + "]");
    }
  }

  private static Map<String, Tensor> weights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(x, y, arguments.real("p"), arguments.flag("shift"), Normaliser.options(arguments));
    return Map.of("y", y);
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor dx = Tensor.zerosLike(x);
    vjp(
        x,
        arguments.tensor("dy"),
        dx,
        arguments.real("p"),
        arguments.flag("shift"),
        Normaliser.options(arguments));
    return Map.of("dx", dx);
  }
}
