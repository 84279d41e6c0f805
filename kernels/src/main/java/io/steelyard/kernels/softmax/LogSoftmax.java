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
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Log-softmax over rows: {@code y_i = x_i - ln sum_k exp(x_k)}.
 *
 * <p>Edges: a fully masked row (or one whose scores are all -inf) gives -inf throughout, as does a
 * masked entry; a NaN or +inf in an entry that takes part makes its whole row NaN; what stands
 * under a mask never leaks; an empty row gives nothing; a row of one finite entry gives 0.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y the same, and it may be x itself. dtype
 * f32 runs the SIMD kernel, within {@code 2^-20 + (|x_i| + |y_i|) 2^-23} of the exact value; f64
 * runs the scalar meaning.
 *
 * <p>Cost: O(N) a row, the logarithm once a row and in double; nothing is allocated in steady
 * state. Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2001.04438 (the sum's by-product).
 */
public final class LogSoftmax {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "log-softmax",
          "softmax",
          "Logarithm of softmax over rows, without computing the softmax.",
          new Source("2001.04438", "by-product of pass 1"),
          Normaliser.INPUTS,
          Normaliser.PARAMETERS,
          List.of(Port.of("y", "y", "[..., N]", "Log-weights; their exponentials sum to 1.")),
          arguments -> Map.of("y", logWeights(arguments)),
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dL/dy", "[..., N]", "Gradient with respect to y.")),
                  List.of(Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x.")),
                  LogSoftmax::gradient)));

  private LogSoftmax() {}

  /** Writes the log-softmax of each row of x to y, with {@link NormaliserOptions#defaults()}. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, NormaliserOptions.defaults());
  }

  /**
   * Writes the log-softmax of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y log-weights; modified
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    Normaliser.checkSame("x", x, "y", y);
    Normaliser.checkWritable("y", y);
    if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      LogSoftmaxSimd.apply(x, y, options.mask(), options.threads());
    } else {
      meaning(x, y, options.mask());
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, NormaliserOptions)} with default options. */
  public static void vjp(Tensor y, Tensor dy, Tensor dx) {
    vjp(y, dy, dx, NormaliserOptions.defaults());
  }

  /**
   * Writes the gradient {@code dx = dy - exp(y) sum(dy)} of each row.
   *
   * <p>An entry with log-weight -inf gets gradient 0 and has no say in its row, whatever dy holds
   * there; so the options' mask is not needed and not read.
   *
   * @param y log-weights that {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, NormaliserOptions options) {
    Normaliser.checkSame("y", y, "dy", dy);
    Normaliser.checkSame("y", y, "dx", dx);
    Normaliser.checkOverlap("dy", dy, "dx", dx);
    Normaliser.checkWritable("dx", dx);
    if (y.dtype().accumulator() == DType.F32 && Simd.available()) {
      LogSoftmaxVjpSimd.apply(y, dy, dx, options.threads());
    } else {
      vjpMeaning(y, dy, dx);
    }
  }

  /** The scalar meaning: double arithmetic, rounded once into y. */
  private static void meaning(Tensor x, Tensor y, Mask mask) {
    final RowMask rows = new RowMask();
    rows.bind(mask, x);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      final RowTotal total = RowTotal.of(x, rows, row);
      final long visible = rows.visible(row);
      for (long j = 0; j < n; j++) {
        final boolean takesPart = j < visible && rows.keeps(row, j);
        final double score = takesPart ? x.getDouble(x.rowOffset(row) + j * x.rowStride()) : 0;
        y.setDouble(y.rowOffset(row) + j * y.rowStride(), total.logWeight(score, takesPart));
      }
    }
  }

  private static void vjpMeaning(Tensor y, Tensor dy, Tensor dx) {
    final long n = y.rowLength();
    for (long row = 0; n > 0 && row < y.rows(); row++) {
      double sum = 0;
      for (long j = 0; j < n; j++) {
        final double logWeight = y.getDouble(y.rowOffset(row) + j * y.rowStride());
        sum +=
            logWeight == Double.NEGATIVE_INFINITY
                ? 0
                : dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
      }
      for (long j = 0; j < n; j++) {
        final double logWeight = y.getDouble(y.rowOffset(row) + j * y.rowStride());
        final double g = dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
        dx.setDouble(
            dx.rowOffset(row) + j * dx.rowStride(),
            logWeight == Double.NEGATIVE_INFINITY ? 0 : g - Math.exp(logWeight) * sum);
      }
    }
  }

  private static Tensor logWeights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(x, y, Normaliser.options(arguments));
    return y;
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor y = logWeights(arguments);
    final Tensor dx = Tensor.zerosLike(y);
    vjp(y, arguments.tensor("dy"), dx, Normaliser.options(arguments));
    return Map.of("dx", dx);
  }
}
