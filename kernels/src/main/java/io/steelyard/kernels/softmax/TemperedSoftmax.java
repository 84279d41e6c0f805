package io.steelyard.kernels.softmax;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Softmax over rows, each with an inverse temperature of its own: {@code y_i = exp(tau x_i) / sum_k
 * exp(tau x_k)}. A larger tau makes a spikier row, 1 is softmax, 0 gives equal weights.
 *
 * <p>Edges: as softmax, for the scores {@code tau x}; a score of -inf stays masked whatever tau is;
 * a tau of NaN makes its row NaN.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; tau {@code [...]}, one number for each row;
 * y like x, and it may be x itself. dtype f32 runs the SIMD kernels, within {@code (24 + |tau (x_i
 * - max x)| + max |tau x|) 2^-23} relative of the exact weight, the last term being the rounding of
 * {@code tau x}; f64 runs the scalar meaning. f16 and bf16 scores are read as f32, and results are
 * f32.
 *
 * <p>Cost: softmax and one pass that multiplies; nothing is allocated in steady state for f32.
 * Results do not depend on the number of threads, to the bit. Safe to call from any thread.
 *
 * <p>Source: arXiv 2411.12892, tau_q of selective attention.
 *
 * <pre>{@code
 * float[] scores = {0, (float) Math.log(2)};
 * float[] weights = new float[2];
 * TemperedSoftmax.apply(
 *     Tensor.of(scores, 1, 2),
 *     Tensor.of(new float[] {2}, 1),
 *     Tensor.of(weights, 1, 2),
 *     NormaliserOptions.defaults()); // 1/5, 4/5
 * }</pre>
 */
public final class TemperedSoftmax {

  private static final List<Port> INPUTS =
      Stream.concat(
              Normaliser.INPUTS.stream(),
              Stream.of(
                  new Port(
                      "tau",
                      "tau_q",
                      Port.Kind.FLOAT,
                      "[...]",
                      true,
                      "Inverse temperature of each row; 1 where left out.")))
          .toList();

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "tempered-softmax",
          "softmax",
          "Softmax over rows with an inverse temperature for each row.",
          new Source("2411.12892", "section 3: query temperature"),
          INPUTS,
          Normaliser.PARAMETERS,
          List.of(Port.of("y", "P", "[..., N]", "Weights; each row sums to 1.")),
          arguments -> Map.of("y", weights(arguments)),
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dP", "[..., N]", "Gradient with respect to y.")),
                  List.of(
                      Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x."),
                      Port.of("dtau", "dL/dtau", "[...]", "Gradient with respect to tau.")),
                  TemperedSoftmax::gradients)));

  private TemperedSoftmax() {}

  /**
   * Writes the softmax of {@code tau x} to y.
   *
   * @param x scores; not modified unless it is y
   * @param tau {@code [...]}; not modified
   * @param y weights; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor tau, Tensor y, NormaliserOptions options) {
    Normaliser.checkSame("x", x, "y", y);
    Normaliser.checkRows("x", x, "tau", tau);
    Normaliser.checkWritable("y", y);
    if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      TemperedSoftmaxSimd.scale(x, tau, y, options.threads());
      Softmax.apply(y, y, options);
      return;
    }
    // In double, so that it is rounded once.
    final Tensor scores = x.to(DType.F64);
    final long n = x.rowLength();
    for (long i = 0; i < scores.size(); i++) {
      final double score = scores.getDouble(i);
      if (score != Double.NEGATIVE_INFINITY) {
        scores.setDouble(i, score * tau.getDouble(tau.flatIndex(i / n)));
      }
    }
    Softmax.apply(scores, scores, options);
    for (long i = 0; i < scores.size(); i++) {
      y.setDouble(y.flatIndex(i), scores.getDouble(i));
    }
  }

  /**
   * Writes the gradients: with {@code g = y (dy - <dy, y>)}, {@code dx = tau g} and {@code dtau =
   * <g, x>}. An entry with weight 0 gets gradient 0 and has no say, whatever x and dy hold there.
   * The last step runs in double on one thread.
   *
   * @param x scores that {@link #apply} was given; not modified
   * @param tau that {@link #apply} was given; not modified
   * @param y weights that {@link #apply} gave; not modified
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param dtau gradient of the loss with respect to tau, {@code [...]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or dx overlaps x or y, or dy
   *     in part
   */
  public static void vjp(
      Tensor x,
      Tensor tau,
      Tensor y,
      Tensor dy,
      Tensor dx,
      Tensor dtau,
      NormaliserOptions options) {
    Normaliser.checkSame("y", y, "x", x);
    Normaliser.checkRows("x", x, "tau", tau);
    Normaliser.checkRows("x", x, "dtau", dtau);
    Normaliser.checkWritable("dtau", dtau);
    if (dx.overlaps(x) || dx.overlaps(y)) {
      throw new IllegalArgumentException(
          "dx shares memory with " + (dx.overlaps(x) ? "x" : "y") + "; expected no overlap");
    }
    Softmax.vjp(y, dy, dx, options);
    final long n = x.rowLength();
    for (long row = 0; row < dtau.size(); row++) {
      final double factor = tau.getDouble(tau.flatIndex(row));
      double sum = 0;
      for (long j = 0; j < n; j++) {
        final long at = dx.rowOffset(row) + j * dx.rowStride();
        final double g = dx.getDouble(at);
        sum += g == 0 ? 0 : g * x.getDouble(x.rowOffset(row) + j * x.rowStride());
        dx.setDouble(at, g == 0 ? 0 : g * factor);
      }
      dtau.setDouble(dtau.flatIndex(row), sum);
    }
  }

  private static Tensor tau(Arguments arguments) {
    return arguments.optional("tau").orElseGet(() -> ones(arguments.tensor("x")));
  }

  private static Tensor ones(Tensor x) {
    final long[] shape = x.shape();
    final Tensor ones =
        Tensor.zeros(x.dtype(), Arrays.copyOf(shape, Math.max(0, shape.length - 1)));
    for (long row = 0; row < ones.size(); row++) {
      ones.setDouble(row, 1);
    }
    return ones;
  }

  private static Tensor weights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(x, tau(arguments), y, Normaliser.options(arguments));
    return y;
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor tau = tau(arguments);
    final Tensor dx = Tensor.zerosLike(x);
    final Tensor dtau = Tensor.zerosLike(tau);
    vjp(
        x,
        tau,
        weights(arguments),
        arguments.tensor("dy"),
        dx,
        dtau,
        Normaliser.options(arguments));
    final Map<String, Tensor> gradients = new LinkedHashMap<>();
    gradients.put("dx", dx);
    gradients.put("dtau", dtau);
    return gradients;
  }
}
