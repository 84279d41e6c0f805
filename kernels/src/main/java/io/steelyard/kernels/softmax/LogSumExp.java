package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Log-sum-exp over rows: {@code y = ln sum_k exp(x_k)}, reading x once when it is long.
 *
 * <p>Edges: a fully masked row, a row of -inf and an empty row give -inf; a NaN or +inf in an entry
 * that takes part gives NaN; what stands under a mask never leaks; a row of one finite entry gives
 * that entry.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y {@code [...]}, one number for each row (a
 * scalar for rank 0 and 1). dtype f32 runs the SIMD kernel, within {@code 2e-6 + |y| 2^-24} of the
 * exact value; f64 runs the scalar meaning. f16 and bf16 scores are read as f32, and results are
 * f32.
 *
 * <p>Cost: O(N) a row, the logarithm in double; nothing is allocated in steady state. Results do
 * not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2001.04438: {@code ln v + e ln 2} of the sum {@code v 2^e}.
 */
public final class LogSumExp {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "log-sum-exp",
          "softmax",
          "Logarithm of the sum of exponentials over rows.",
          new Source("2001.04438", "by-product of pass 1"),
          Normaliser.INPUTS,
          Normaliser.PARAMETERS,
          List.of(Port.of("y", "lse", "[...]", "One number for each row.")),
          LogSumExp::values,
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dL/dlse", "[...]", "Gradient with respect to y.")),
                  List.of(Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x.")),
                  LogSumExp::gradient)));

  private LogSumExp() {}

  /** Writes the log-sum-exp of each row of x to y, with {@link NormaliserOptions#defaults()}. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, NormaliserOptions.defaults());
  }

  /**
   * Writes the log-sum-exp of each row of x to y.
   *
   * @param x scores {@code [..., N]}; not modified
   * @param y {@code [...]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit
   */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    Normaliser.checkRows("x", x, "y", y);
    Normaliser.checkWritable("y", y);
    if (x.rowLength() == 0) {
      for (long row = 0; row < y.size(); row++) {
        y.setDouble(y.flatIndex(row), Double.NEGATIVE_INFINITY);
      }
    } else if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      LogSumExpSimd.apply(x, y, options.mask(), options.threads());
    } else {
      meaning(x, y, options.mask());
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, NormaliserOptions)} with default options. */
  public static void vjp(Tensor x, Tensor dy, Tensor dx) {
    vjp(x, dy, dx, NormaliserOptions.defaults());
  }

  /**
   * Writes the gradient {@code dx = dy softmax(x)} of each row; masked entries get 0.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param dy gradient of the loss with respect to y, {@code [...]}; not modified
   * @param dx gradient of the loss with respect to x, {@code [..., N]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or x and dx overlap in part
   */
  public static void vjp(Tensor x, Tensor dy, Tensor dx, NormaliserOptions options) {
    Normaliser.checkRows("x", x, "dy", dy);
    Normaliser.checkSame("x", x, "dx", dx);
    Normaliser.checkWritable("dx", dx);
    if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftmaxSimd.timesRows(
          x, dy, dx, options.mask(), options.threads(), Softmax.fastest(x.rows(), x.rowLength()));
    } else {
      vjpMeaning(x, dy, dx, options.mask());
    }
  }

  /** The scalar meaning: double arithmetic, rounded once into y. */
  private static void meaning(Tensor x, Tensor y, Mask mask) {
    final RowMask rows = new RowMask();
    rows.bind(mask, x);
    for (long row = 0; row < x.rows(); row++) {
      y.setDouble(y.flatIndex(row), RowTotal.of(x, rows, row).logSumExp());
    }
  }

  private static void vjpMeaning(Tensor x, Tensor dy, Tensor dx, Mask mask) {
    final RowMask rows = new RowMask();
    rows.bind(mask, x);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      final RowTotal total = RowTotal.of(x, rows, row);
      final double g = dy.getDouble(dy.flatIndex(row));
      final long visible = rows.visible(row);
      for (long j = 0; j < n; j++) {
        final boolean takesPart = j < visible && rows.keeps(row, j);
        final double score = takesPart ? x.getDouble(x.rowOffset(row) + j * x.rowStride()) : 0;
        final double weight = total.weight(score, takesPart);
        dx.setDouble(dx.rowOffset(row) + j * dx.rowStride(), weight == 0 ? 0 : g * weight);
      }
    }
  }

  private static Map<String, Tensor> values(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final long[] shape = x.shape();
    final Tensor y = Tensor.zeros(x.dtype(), Arrays.copyOf(shape, Math.max(0, shape.length - 1)));
    apply(x, y, Normaliser.options(arguments));
    return Map.of("y", y);
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor dx = Tensor.zerosLike(x);
    vjp(x, arguments.tensor("dy"), dx, Normaliser.options(arguments));
    return Map.of("dx", dx);
  }
}
