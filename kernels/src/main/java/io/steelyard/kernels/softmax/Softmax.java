package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Softmax over rows: {@code y_i = exp(x_i) / sum_k exp(x_k)}, by the fastest algorithm for the
 * shape.
 *
 * <p>Edges: a fully masked row (or one whose scores are all -inf) gives zeros; a NaN or +inf in an
 * entry that takes part makes its whole row NaN; what stands under a mask never leaks; an empty row
 * gives nothing; a row of one finite entry gives 1. Weights below {@code 2^-126} may come out as 0.
 *
 * <p>Shapes: x {@code [..., N]}, any rank (a scalar is a row of one), any strides; y the same, and
 * it may be x itself. dtype f32 runs the SIMD kernel, within {@code (24 + |x_i - max x|) 2^-23}
 * relative of the exact weight; f64 runs the scalar meaning. f16 and bf16 scores are read as f32,
 * and results are f32.
 *
 * <p>Cost: O(N) a row; nothing is allocated in steady state. Results do not depend on the number of
 * threads, to the bit. Safe to call from any thread.
 *
 * <p>Which algorithm ({@link #fastest}): rows that stay in the caches use {@link
 * SoftmaxAlgorithm#ONLINE_RELOAD} (one exponential an element, no search for the maximum), longer
 * ones, and scores that are overwritten, {@link SoftmaxAlgorithm#ONLINE}, which moves the least
 * memory.
 *
 * <pre>{@code
 * float[] scores = {1, 2, 3, 4};
 * float[] weights = new float[4];
 * Softmax.apply(Tensor.of(scores, 4), Tensor.of(weights, 4));
 * }</pre>
 */
public final class Softmax {

  private static final Source SOURCE =
      new Source("2001.04438", "section 2; algorithm chosen by shape");

  /** The registry's description. */
  public static final Operator OPERATOR =
      describe(
          "softmax",
          "Softmax over rows by the fastest algorithm for the shape.",
          SOURCE,
          List.of(),
          (arguments, x, y, options) -> apply(x, y, options));

  /** Longest row, in floats, that stays in the second-level cache, output beside input. */
  private static final long CACHED_ROW = 1L << 17;

  /** Floats, in and out, that outer caches may hold between calls. */
  private static final long CACHED_TENSOR = 1L << 22;

  private Softmax() {}

  /** Writes the softmax of each row of x to y, with {@link NormaliserOptions#defaults()}. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, NormaliserOptions.defaults());
  }

  /**
   * Writes the softmax of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    apply(x, y, options, fastest(x.rows(), x.rowLength()));
  }

  /** As {@link #apply(Tensor, Tensor, NormaliserOptions)} by a given algorithm. */
  static void apply(Tensor x, Tensor y, NormaliserOptions options, SoftmaxAlgorithm algorithm) {
    Normaliser.checkSame("x", x, "y", y);
    Normaliser.checkWritable("y", y);
    if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftmaxSimd.apply(x, y, options.mask(), options.threads(), algorithm);
    } else {
      meaning(x, y, options.mask());
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, NormaliserOptions)} with default options. */
  public static void vjp(Tensor y, Tensor dy, Tensor dx) {
    vjp(y, dy, dx, NormaliserOptions.defaults());
  }

  /**
   * Writes the gradient {@code dx = y (dy - <dy, y>)} of each row.
   *
   * <p>An entry with weight 0 gets gradient 0 and has no say in its row, whatever dy holds there;
   * so the options' mask is not needed and not read.
   *
   * @param y weights that {@link #apply} gave; not modified unless it is dx
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
      SoftmaxVjpSimd.apply(y, dy, dx, options.threads());
    } else {
      vjpMeaning(y, dy, dx);
    }
  }

  /**
   * The algorithm that {@link #apply} uses for rows like these, unless they are overwritten.
   *
   * @param rows how many
   * @param length entries of each
   */
  public static SoftmaxAlgorithm fastest(long rows, long length) {
    return length <= CACHED_ROW || 2 * rows * length <= CACHED_TENSOR
        ? SoftmaxAlgorithm.ONLINE_RELOAD
        : SoftmaxAlgorithm.ONLINE;
  }

  /** The scalar meaning: double arithmetic, rounded once into y. */
  static void meaning(Tensor x, Tensor y, Mask mask) {
    final RowMask rows = new RowMask();
    rows.bind(mask, x);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      final RowTotal total = RowTotal.of(x, rows, row);
      final long visible = rows.visible(row);
      for (long j = 0; j < n; j++) {
        final boolean takesPart = j < visible && rows.keeps(row, j);
        final double score = takesPart ? x.getDouble(x.rowOffset(row) + j * x.rowStride()) : 0;
        y.setDouble(y.rowOffset(row) + j * y.rowStride(), total.weight(score, takesPart));
      }
    }
  }

  private static void vjpMeaning(Tensor y, Tensor dy, Tensor dx) {
    final long n = y.rowLength();
    for (long row = 0; n > 0 && row < y.rows(); row++) {
      double dot = 0;
      for (long j = 0; j < n; j++) {
        final double weight = y.getDouble(y.rowOffset(row) + j * y.rowStride());
        dot += weight == 0 ? 0 : weight * dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
      }
      for (long j = 0; j < n; j++) {
        final double weight = y.getDouble(y.rowOffset(row) + j * y.rowStride());
        final double g = dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
        dx.setDouble(dx.rowOffset(row) + j * dx.rowStride(), weight == 0 ? 0 : weight * (g - dot));
      }
    }
  }

  /** A softmax by some algorithm, as the registry calls it. */
  interface Call {

    void apply(Arguments arguments, Tensor x, Tensor y, NormaliserOptions options);
  }

  /** The description that all softmax operators share. */
  static Operator describe(
      String name, String summary, Source source, List<Parameter> own, Call call) {
    return new Operator(
        name,
        "softmax",
        summary,
        source,
        Normaliser.INPUTS,
        Stream.concat(own.stream(), Normaliser.PARAMETERS.stream()).toList(),
        List.of(Port.of("y", "y", "[..., N]", "Weights; each row sums to 1.")),
        arguments -> weights(arguments, call),
        Optional.of(
            new Operator.Vjp(
                List.of(Port.of("dy", "dL/dy", "[..., N]", "Gradient with respect to y.")),
                List.of(Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x.")),
                arguments -> gradient(arguments, call))));
  }

  private static Map<String, Tensor> weights(Arguments arguments, Call call) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    call.apply(arguments, x, y, Normaliser.options(arguments));
    return Map.of("y", y);
  }

  private static Map<String, Tensor> gradient(Arguments arguments, Call call) {
    final Tensor y = weights(arguments, call).get("y");
    final Tensor dx = Tensor.zerosLike(y);
    vjp(y, arguments.tensor("dy"), dx, Normaliser.options(arguments));
    return Map.of("dx", dx);
  }
}
