package io.steelyard.kernels.normaliser;

import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
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
import java.util.stream.Stream;

/**
 * Sigmoid weights: {@code y = sigmoid(scale x + b)}, every entry for itself, masked entries exactly
 * 0. With {@code b = -ln n}, n being the number of keys trained with, a row of zero scores sums to
 * {@code n / (n + 1)}, near a softmax's 1; that constant belongs to the training length and does
 * not follow the row's. The default is 0, the plain sigmoid, because a row cannot know it.
 *
 * <p>Edges: -inf gives 0, like a mask; what stands under a mask never leaks; an empty row gives
 * nothing. Entries do not see each other: a NaN stays where it is, and +inf gives 1, its plain
 * limit.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y the same, and it may be x itself. dtype
 * f32 runs the SIMD kernel: with {@code z = scale x + b}, within {@code (5 + |z| + |scale x| + |b|)
 * 2^-24} relative of the exact weight, and an ULP more where that is subnormal; the terms are the
 * error of the sigmoid and the roundings of z, scale and b. f64 runs the scalar meaning. f16 and
 * bf16 scores are read as f32, and results are f32.
 *
 * <p>Cost: one exponential and one division an element; nothing is allocated in steady state.
 * Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2409.04431, section 2.
 *
 * <pre>{@code
 * float[] scores = {0, 0, 0};
 * float[] weights = new float[3];
 * BiasedSigmoid.apply(
 *     Tensor.of(scores, 3), Tensor.of(weights, 3), 1, -Math.log(3), NormaliserOptions.defaults());
 * // 1/4, 1/4, 1/4
 * }</pre>
 */
public final class BiasedSigmoid {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "biased-sigmoid",
          "normaliser",
          "Sigmoid of scaled and biased scores; masked entries are 0.",
          new Source("2409.04431", "section 2"),
          Normaliser.INPUTS,
          Stream.concat(
                  Stream.of(
                      new Parameter.Real(
                          "scale",
                          "s",
                          1.0,
                          Double.MIN_NORMAL,
                          Double.MAX_VALUE,
                          "Multiplies the scores; 1 / sqrt(e) in attention."),
                      new Parameter.Real(
                          "bias",
                          "b",
                          0.0,
                          -Double.MAX_VALUE,
                          Double.MAX_VALUE,
                          "Added to the scaled scores; -ln n in attention over n keys.")),
                  Normaliser.PARAMETERS.stream())
              .toList(),
          List.of(Port.of("y", "P", "[..., N]", "Weights between 0 and 1; no sum is fixed.")),
          arguments -> Map.of("y", weights(arguments)),
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dP", "[..., N]", "Gradient with respect to y.")),
                  List.of(Port.of("dx", "dS", "[..., N]", "Gradient with respect to x.")),
                  BiasedSigmoid::gradient)));

  private BiasedSigmoid() {}

  /**
   * Writes the weights of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @param scale above 0, finite
   * @param bias finite
   * @throws IllegalArgumentException if dtypes or shapes differ, x and y overlap in part, or scale
   *     or bias is not legal
   */
  public static void apply(
      Tensor x, Tensor y, double scale, double bias, NormaliserOptions options) {
    Normaliser.checkSame("x", x, "y", y);
    Normaliser.checkWritable("y", y);
    checkScale(scale);
    if (!Double.isFinite(bias)) {
      throw new IllegalArgumentException("bias is " + bias + "; expected a finite number");
    }
    if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      BiasedSigmoidSimd.apply(x, y, scale, bias, options);
    } else {
      meaning(x, y, scale, bias, options.mask());
    }
  }

  /**
   * Writes the gradient {@code dx = scale y (1 - y) dy}; that of the bias is the sum of {@code dx /
   * scale}. An entry with weight 0 gets gradient 0, whatever dy holds there, so the options' mask
   * is not read.
   *
   * @param y weights that {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param scale above 0, finite
   * @throws IllegalArgumentException if dtypes or shapes differ, dx overlaps an input in part, or
   *     scale is not legal
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, double scale, NormaliserOptions options) {
    Normaliser.checkSame("y", y, "dy", dy);
    Normaliser.checkSame("y", y, "dx", dx);
    Normaliser.checkOverlap("dy", dy, "dx", dx);
    Normaliser.checkWritable("dx", dx);
    checkScale(scale);
    if (y.dtype().accumulator() == DType.F32 && Simd.available()) {
      BiasedSigmoidSimd.vjp(y, dy, dx, scale, options.threads());
      return;
    }
    for (long i = 0; i < y.size(); i++) {
      final double weight = y.getDouble(y.flatIndex(i));
      final double g = weight == 0 ? 0 : dy.getDouble(dy.flatIndex(i));
      dx.setDouble(dx.flatIndex(i), scale * weight * (1 - weight) * g);
    }
  }

  private static void checkScale(double scale) {
    if (!(scale > 0 && scale <= Double.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "scale is " + scale + "; expected a finite number above 0");
    }
  }

  private static void meaning(Tensor x, Tensor y, double scale, double bias, Mask mask) {
    final RowMask rows = new RowMask();
    rows.bind(mask, x);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      final long visible = rows.visible(row);
      for (long j = 0; j < n; j++) {
        final boolean takesPart = j < visible && rows.keeps(row, j);
        final double score =
            takesPart
                ? x.getDouble(x.rowOffset(row) + j * x.rowStride())
                : Double.NEGATIVE_INFINITY;
        y.setDouble(y.rowOffset(row) + j * y.rowStride(), Sigmoid.of(scale * score + bias));
      }
    }
  }

  private static Tensor weights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(x, y, arguments.real("scale"), arguments.real("bias"), Normaliser.options(arguments));
    return y;
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor y = weights(arguments);
    final Tensor dx = Tensor.zerosLike(y);
    vjp(y, arguments.tensor("dy"), dx, arguments.real("scale"), Normaliser.options(arguments));
    return Map.of("dx", dx);
  }
}
