package io.steelyard.kernels.head;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The head of hyperspherical embedding: logits {@code l_c = s <h / |h|, w_c>} of an embedding h on
 * a sphere of radius s against a weight vector of norm 1 for each class, without bias; their
 * softmax is the prediction. A new class is one more column, the normalised mean of its embeddings'
 * directions, and leaves the logits of the others as they are.
 *
 * <p>Edges: the norm is {@code sqrt(|h|^2 + 1e-12)}, so that a zero embedding has logits 0; a NaN
 * or an infinity in an embedding makes its logits NaN. Weights are used as they are: training is
 * expected to project each column to norm 1 after every step ({@link #project}).
 *
 * <p>Shapes: h {@code [..., D]}, w {@code [D, C]}, logits {@code [..., C]}, any strides. dtype f32
 * runs the SIMD kernel, within {@code (D / 2 + 8) 2^-24 s |w_c|} of the exact logit; f64 runs the
 * scalar meaning.
 *
 * <p>Cost: O(C D) a row, and C D floats of memory that each calling thread keeps; nothing else is
 * allocated in steady state. Rows are worked on in parallel; results do not depend on the number of
 * threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2102.03243, section 3; the author's pyopenset.
 *
 * <pre>{@code
 * NormalizedSoftmax.apply(embeddings, weights, 10, logits, 0);
 * Softmax.apply(logits, probabilities);
 * }</pre>
 */
public final class NormalizedSoftmax {

  private static final ZeroGuard GUARD = ZeroGuard.UNDER_THE_ROOT;

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "normalized-softmax",
          "head",
          "Softmax of scaled cosines between embeddings and class weights.",
          new Source("2102.03243", "section 3; pyopenset functions.py"),
          List.of(
              Port.of("h", "h", "[..., D]", "Embeddings."),
              Port.of("w", "w_c", "[D, C]", "A unit vector for each class, one a column.")),
          List.of(
              new Parameter.Real("scale", "s", 10.0, 0, Double.MAX_VALUE, "Radius of the sphere."),
              Shapes.THREADS),
          List.of(
              Port.of("y", "p", "[..., C]", "Probabilities; each row sums to 1."),
              Port.of("logits", "l_c", "[..., C]", "Cosines times s.")),
          NormalizedSoftmax::call,
          Optional.of(
              new Operator.Vjp(
                  List.of(
                      Port.of("dy", "dL/dp", "[..., C]", "Gradient with respect to y."),
                      Port.of("dlogits", "dL/dl", "[..., C]", "Gradient with respect to logits.")),
                  List.of(
                      Port.of("dh", "dL/dh", "[..., D]", "Gradient with respect to h."),
                      Port.of("dw", "dL/dw", "[D, C]", "Gradient with respect to w.")),
                  NormalizedSoftmax::gradient)));

  private NormalizedSoftmax() {}

  /**
   * Writes the logits.
   *
   * @param h embeddings; not modified
   * @param w a column for each class; not modified
   * @param scale s, 0 or more; the paper's is 10
   * @param logits modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static void apply(Tensor h, Tensor w, double scale, Tensor logits, int threads) {
    check(h, w, scale);
    Shapes.checkRows("logits", logits, h, w.dim(1));
    Shapes.checkOutput("logits", logits, "h", h);
    Shapes.checkOutput("logits", logits, "w", w);
    if (h.dtype() == DType.F32 && Simd.available()) {
      CosineLogitsSimd.columns(h, w, scale, GUARD, logits, threads);
    } else {
      CosineLogits.meaning(h, w.transpose(0, 1), scale, GUARD, logits);
    }
  }

  /**
   * Writes the gradients {@code dw = s u^T dlogits} and {@code dh = (du - u <u, du>) / |h|} with
   * {@code u = h / |h|} and {@code du = s dlogits w^T}, in double.
   *
   * @param dlogits gradient of the loss with respect to the logits; not modified
   * @param dh modified
   * @param dw modified
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static void vjp(Tensor h, Tensor w, double scale, Tensor dlogits, Tensor dh, Tensor dw) {
    check(h, w, scale);
    Shapes.checkRows("dlogits", dlogits, h, w.dim(1));
    Shapes.checkLike("dh", dh, h);
    Shapes.checkLike("dw", dw, w);
    Shapes.checkOutput("dh", dh, "h", h);
    Shapes.checkOutput("dw", dw, "w", w);
    CosineLogits.vjp(
        h, w.transpose(0, 1), scale, GUARD, dlogits, dh, Optional.of(dw.transpose(0, 1)));
  }

  /**
   * Divides each column of w by its norm, as training does after every step; a column of zeros
   * stays.
   *
   * @param w {@code [D, C]}; modified
   */
  public static void project(Tensor w) {
    final Tensor columns = w.transpose(0, 1);
    for (long c = 0; c < columns.dim(0); c++) {
      final double[] column = Shapes.row(columns, c);
      final double norm = GUARD.norm(Shapes.dot(column, column));
      for (int i = 0; i < column.length; i++) {
        column[i] /= norm;
      }
      Shapes.setRow(columns, c, column);
    }
  }

  /**
   * Writes the weights of a new class: the normalised mean of the directions of its embeddings.
   *
   * @param support embeddings {@code [..., D]}; not modified
   * @param column {@code [D]} of the embeddings' dtype; modified
   */
  public static void prototype(Tensor support, Tensor column) {
    Shapes.checkFloat("support", support);
    Shapes.checkVector("column", column, support.dtype(), support.rowLength());
    final double[] sum = new double[Math.toIntExact(support.rowLength())];
    for (long row = 0; row < support.rows(); row++) {
      final double[] h = Shapes.row(support, row);
      final double norm = GUARD.norm(Shapes.dot(h, h));
      for (int i = 0; i < h.length; i++) {
        sum[i] += h[i] / norm;
      }
    }
    final double norm = GUARD.norm(Shapes.dot(sum, sum));
    for (int i = 0; i < sum.length; i++) {
      sum[i] /= norm;
    }
    Shapes.setRow(column, 0, sum);
  }

  private static void check(Tensor h, Tensor w, double scale) {
    Shapes.checkFloat("h", h);
    if (w.dtype() != h.dtype() || w.rank() != 2 || w.dim(0) != h.rowLength()) {
      throw new IllegalArgumentException(
          "w is "
              + w
              + "; expected "
              + h.dtype().label()
              + "["
              + h.rowLength()
              + ", C], a column as long as a row of h for each class");
    }
    if (!(scale >= 0 && scale <= Double.MAX_VALUE)) {
      throw new IllegalArgumentException("scale is " + scale + "; expected a number of 0 or more");
    }
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final Tensor logits = logits(arguments);
    final Tensor y = Tensor.zerosLike(logits);
    Softmax.apply(logits, y, options(arguments));
    return Map.of("y", y, "logits", logits);
  }

  private static Tensor logits(Arguments arguments) {
    final Tensor h = arguments.tensor("h");
    final Tensor w = arguments.tensor("w");
    check(h, w, arguments.real("scale"));
    final Tensor logits = Tensor.zeros(h.dtype(), Shapes.withRowLength(h, w.dim(1)));
    apply(h, w, arguments.real("scale"), logits, (int) arguments.whole("threads"));
    return logits;
  }

  private static NormaliserOptions options(Arguments arguments) {
    return NormaliserOptions.defaults().withThreads((int) arguments.whole("threads"));
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor y = logits(arguments);
    Softmax.apply(y, y, options(arguments));
    final Tensor g = Tensor.zerosLike(y);
    Softmax.vjp(y, arguments.tensor("dy"), g, options(arguments));
    final Tensor direct = arguments.tensor("dlogits");
    for (long i = 0; i < g.size(); i++) {
      g.setDouble(i, g.getDouble(i) + direct.getDouble(direct.flatIndex(i)));
    }
    final Tensor dh = Tensor.zerosLike(arguments.tensor("h"));
    final Tensor dw = Tensor.zerosLike(arguments.tensor("w"));
    vjp(arguments.tensor("h"), arguments.tensor("w"), arguments.real("scale"), g, dh, dw);
    return Map.of("dh", dh, "dw", dw);
  }
}
