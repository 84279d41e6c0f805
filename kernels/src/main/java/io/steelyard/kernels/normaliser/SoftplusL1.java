package io.steelyard.kernels.normaliser;

import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.softmax.Normaliser;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Softplus over its sum: {@code y_i = softplus(x_i) / sum_k softplus(x_k)}, softmax with the
 * exponential replaced. Scores come scaled: by {@code ln e ln N_i} in length-scaled softplus
 * attention.
 *
 * <p>Edges: a fully masked row (or one whose scores are all -inf) gives zeros; a NaN or +inf in an
 * entry that takes part makes its whole row NaN; what stands under a mask never leaks; an empty row
 * gives nothing. Where every softplus of a row underflows (f32: all scores below -104) the row
 * gives zeros.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y the same, and it may be x itself. dtype
 * f32 runs the SIMD kernel: within {@code 148 2^-24} relative of the exact weight in rows with a
 * score above -80 (5 each for the softplus above and below the line, 128 + 6 additions, 4 to
 * scale); weights below {@code 2^-126} may come out as 0. f64 runs the scalar meaning. f16 and bf16
 * scores are read as f32, and results are f32.
 *
 * <p>Cost: one exponential and one logarithm an element; nothing is allocated in steady state.
 * Results do not depend on the number of threads, to the bit. Safe to call from any thread.
 *
 * <p>Source: arXiv 2501.13428, stage 1.
 *
 * <pre>{@code
 * float[] scores = {-1, 0, 1};
 * float[] weights = new float[3];
 * SoftplusL1.apply(
 *     Tensor.of(scores, 3), Tensor.of(weights, 3), NormaliserOptions.defaults());
 * }</pre>
 */
public final class SoftplusL1 {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "softplus-l1",
          "normaliser",
          "Softplus over its sum, row by row.",
          new Source("2501.13428", "stage 1: B / sum B"),
          Normaliser.INPUTS,
          Normaliser.PARAMETERS,
          List.of(Port.of("y", "A", "[..., N]", "Weights; each row sums to 1.")),
          SoftplusL1::weights,
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dA", "[..., N]", "Gradient with respect to y.")),
                  List.of(Port.of("dx", "dS", "[..., N]", "Gradient with respect to x.")),
                  SoftplusL1::gradient)));

  private SoftplusL1() {}

  /**
   * Writes the weights of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    Normaliser.checkSame("x", x, "y", y);
    Normaliser.checkWritable("y", y);
    if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftplusL1Simd.apply(x, y, options);
    } else {
      meaning(x, y, options.mask());
    }
  }

  /**
   * Writes the gradient {@code dx = sigmoid(x) (dy - <dy, y>) / sum softplus(x)} of each row, in
   * double on one thread for both dtypes. Masked entries get 0 and have no say.
   *
   * @param x scores that {@link #apply} was given; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param options those that {@link #apply} was given; the mask is read
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor x, Tensor dy, Tensor dx, NormaliserOptions options) {
    Normaliser.checkSame("x", x, "dy", dy);
    Normaliser.checkSame("x", x, "dx", dx);
    Normaliser.checkOverlap("dy", dy, "dx", dx);
    Normaliser.checkWritable("dx", dx);
    final RowMask rows = new RowMask();
    rows.bind(options.mask(), x);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      double sum = 0;
      double dot = 0;
      for (long j = 0; j < n; j++) {
        final double b = softplus(x, rows, row, j);
        sum += b;
        dot += b == 0 ? 0 : b * dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
      }
      for (long j = 0; j < n; j++) {
        final double b = softplus(x, rows, row, j);
        final double score = x.getDouble(x.rowOffset(row) + j * x.rowStride());
        final double g = dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
        dx.setDouble(
            dx.rowOffset(row) + j * dx.rowStride(),
            b == 0 ? 0 : Sigmoid.of(score) * (g - dot / sum) / sum);
      }
    }
  }

  /** The scalar meaning: double arithmetic, rounded once into y. */
  private static void meaning(Tensor x, Tensor y, Mask mask) {
    final RowMask rows = new RowMask();
    rows.bind(mask, x);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      double sum = 0;
      for (long j = 0; j < n; j++) {
        sum += softplus(x, rows, row, j);
      }
      final boolean undefined = !(sum < Double.POSITIVE_INFINITY);
      for (long j = 0; j < n; j++) {
        final double weight = sum == 0 ? 0 : softplus(x, rows, row, j) / sum;
        y.setDouble(y.rowOffset(row) + j * y.rowStride(), undefined ? Double.NaN : weight);
      }
    }
  }

  /** 0 for a masked entry. */
  private static double softplus(Tensor x, RowMask rows, long row, long j) {
    return j < rows.visible(row) && rows.keeps(row, j)
        ? Softplus.of(x.getDouble(x.rowOffset(row) + j * x.rowStride()))
        : 0;
  }

  private static Map<String, Tensor> weights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
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
