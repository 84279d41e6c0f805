package io.steelyard.kernels.loss;

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
 * Soft top-k over rows: {@code y_i = sigmoid(alpha (x_i - u))} with the threshold u for which the
 * weights of a row sum to k. For alpha to infinity it marks the k largest. k need not be whole; for
 * k = 1 it is not softmax.
 *
 * <p>Edges: a score of -inf is a masked entry and has weight 0; with k or fewer entries above -inf
 * all of them have weight 1. A NaN or +inf makes its row NaN. An empty row gives nothing. Where
 * neighbouring scores k and k + 1 are {@code 87 / alpha} apart or more (for f64 {@code 745 /
 * alpha}), u is any number between that the arithmetic cannot tell from the exact one; weights are
 * then 1 and 0.
 *
 * <p>Shapes: x {@code [..., N]}, any rank (a scalar is a row of one), any strides; y the same, and
 * it may be x itself. dtype f32 runs the SIMD kernel: {@code alpha (x - u)} is off by at most
 * {@code 2.4e-5 + alpha |x - u| 2^-22} (sums of 128 floats in a row may lose 127 2^-24 of the
 * tails, and the tails are at most twice the slope by which u follows), so a weight is within that
 * relative; f64 runs the scalar meaning.
 *
 * <p>Cost: a row is read for its range, about five to ten times for its threshold, and once to
 * write y; one exponential and one division an element each time. Nothing is allocated in steady
 * state. Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2310.10636, section 4; utils/topk_utils.py. The search is not the paper's
 * bisection; see {@code SoftThreshold}.
 *
 * <pre>{@code
 * float[] scores = {1, 2, 0.5f, -1};
 * float[] weights = new float[4];
 * SoftTopK.apply(Tensor.of(scores, 4), Tensor.of(weights, 4), 2, 2, 0);
 * }</pre>
 */
public final class SoftTopK {

  static final Parameter K =
      new Parameter.Real(
          "k", "k", 5.0, 1e-6, Double.MAX_VALUE, "What the weights of a row sum to.");

  static final Parameter ALPHA =
      new Parameter.Real(
          "alpha", "alpha", 2.0, 1e-6, 1e6, "Steepness: how sharply the weights fall from 1 to 0.");

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "soft-top-k",
          "loss",
          "Differentiable top-k: weights in [0, 1] that sum to k.",
          new Source("2310.10636", "section 4; utils/topk_utils.py"),
          List.of(Loss.SCORES),
          List.of(
              K,
              ALPHA,
              new Parameter.Whole(
                  "threads",
                  "threads",
                  0L,
                  0,
                  Integer.MAX_VALUE,
                  "Most threads to use; 0 for all processors.")),
          List.of(Port.of("y", "p", "[..., N]", "Weights; each row sums to k.")),
          arguments -> Map.of("y", weights(arguments)),
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dL/dp", "[..., N]", "Gradient with respect to y.")),
                  List.of(Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x.")),
                  SoftTopK::gradient)));

  private SoftTopK() {}

  /**
   * Writes the soft top-k of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @param k what the weights of a row sum to, above 0
   * @param alpha steepness, above 0
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and y overlap in
   *     part
   */
  public static void apply(Tensor x, Tensor y, double k, double alpha, int threads) {
    SoftThreshold.check(k, alpha);
    checkSame("x", x, "y", y);
    checkWritable("y", y);
    checkThreads(threads);
    if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftTopKSimd.weights(x, y, k, alpha, threads);
    } else {
      meaning(x, y, k, alpha);
    }
  }

  /**
   * Writes the gradient {@code dx = alpha v (dy - <v, dy> / sum v)}, {@code v = y (1 - y)}, of each
   * row. An entry with weight 0 or 1 gets gradient 0 and has no say in its row, whatever dy holds
   * there.
   *
   * @param y weights that {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param alpha steepness, as given to {@link #apply}
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, double alpha, int threads) {
    SoftThreshold.check(1, alpha);
    checkSame("y", y, "dy", dy);
    checkSame("y", y, "dx", dx);
    checkOverlap("dy", dy, "dx", dx);
    checkWritable("dx", dx);
    checkThreads(threads);
    if (y.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftTopKVjpSimd.apply(y, dy, dx, alpha, threads);
    } else {
      vjpMeaning(y, dy, dx, alpha);
    }
  }

  /** The scalar meaning: double arithmetic, rounded once into y. */
  private static void meaning(Tensor x, Tensor y, double k, double alpha) {
    final double[] search = new double[SoftThreshold.SIZE];
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      SoftThreshold.search(search, x, row, k, alpha);
      for (long j = 0; j < n; j++) {
        final double score = x.getDouble(x.rowOffset(row) + j * x.rowStride());
        y.setDouble(
            y.rowOffset(row) + j * y.rowStride(), SoftThreshold.weight(search, score, alpha));
      }
    }
  }

  private static void vjpMeaning(Tensor y, Tensor dy, Tensor dx, double alpha) {
    final long n = y.rowLength();
    for (long row = 0; n > 0 && row < y.rows(); row++) {
      double sum = 0;
      double dot = 0;
      for (long j = 0; j < n; j++) {
        final double p = y.getDouble(y.rowOffset(row) + j * y.rowStride());
        final double v = p * (1 - p);
        sum += v;
        dot += v == 0 ? 0 : v * dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
      }
      for (long j = 0; j < n; j++) {
        final double p = y.getDouble(y.rowOffset(row) + j * y.rowStride());
        final double v = p * (1 - p);
        final double g = dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
        dx.setDouble(
            dx.rowOffset(row) + j * dx.rowStride(), v == 0 ? 0 : alpha * v * (g - dot / sum));
      }
    }
  }

  private static Tensor weights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(x, y, arguments.real("k"), arguments.real("alpha"), (int) arguments.whole("threads"));
    return y;
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor y = weights(arguments);
    final Tensor dx = Tensor.zerosLike(y);
    vjp(y, arguments.tensor("dy"), dx, arguments.real("alpha"), (int) arguments.whole("threads"));
    return Map.of("dx", dx);
  }

  private static void checkSame(String fromName, Tensor from, String toName, Tensor to) {
    if (!from.dtype().isFloat()) {
      throw new IllegalArgumentException(fromName + " is " + from + "; expected f32 or f64");
    }
    if (to.dtype() != from.dtype() || !to.hasShapeOf(from)) {
      throw new IllegalArgumentException(
          toName + " is " + to + "; expected the dtype and shape of " + fromName + ", " + from);
    }
    checkOverlap(fromName, from, toName, to);
  }

  private static void checkOverlap(String fromName, Tensor from, String toName, Tensor to) {
    if (from.overlapsPartly(to)) {
      throw new IllegalArgumentException(
          toName
              + " shares part of its memory with "
              + fromName
              + "; expected either the same elements in the same order or no overlap");
    }
  }

  private static void checkWritable(String name, Tensor tensor) {
    if (tensor.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
  }

  private static void checkThreads(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }
}
