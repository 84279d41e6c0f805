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
 * The head of equiangular basis vectors: logits {@code l_c = <z / |z|, v_c> / tau} of an embedding
 * z against one fixed unit vector v_c for each class, and the class whose vector is nearest.
 *
 * <p>Edges: the norm is {@code |z| + 1e-12}, so that a zero embedding has logits 0 and class 0;
 * among equal logits the smallest class is nearest; a NaN or an infinity in an embedding makes its
 * logits NaN and its class -1. Class vectors are used as they are: they are expected to have norm
 * 1.
 *
 * <p>Shapes: z {@code [..., D]}, v {@code [K, D]}, logits {@code [..., K]}, any strides. dtype f32
 * runs the SIMD kernel, within {@code (D / 8 + 8) 2^-24 |v_c| / tau} of the exact logit; f64 runs
 * the scalar meaning.
 *
 * <p>Cost: O(K D) a row, and K D floats of memory that each calling thread keeps; nothing else is
 * allocated in steady state. Rows are worked on in parallel; results do not depend on the number of
 * threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2303.11637, section 3.2.
 *
 * <pre>{@code
 * NearestBasisVector.apply(embeddings, basis, 0.07, logits, 0);
 * NearestBasisVector.nearest(logits, classes);
 * }</pre>
 */
public final class NearestBasisVector {

  private static final ZeroGuard GUARD = ZeroGuard.BESIDE_THE_ROOT;

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "nearest-basis-vector",
          "head",
          "Cosine logits against one fixed unit vector for each class, and the nearest one.",
          new Source("2303.11637", "section 3.2; EBV_ImageNet.py"),
          List.of(
              Port.of("z", "z", "[..., D]", "Embeddings."),
              Port.of("basis", "v_c", "[K, D]", "A unit vector for each class, one a row.")),
          List.of(
              new Parameter.Real(
                  "tau",
                  "tau",
                  0.07,
                  Double.MIN_NORMAL,
                  Double.POSITIVE_INFINITY,
                  "Temperature that cosines are divided by."),
              Shapes.THREADS),
          List.of(
              Port.of("logits", "l_c", "[..., K]", "Cosines divided by tau."),
              new Port(
                  "nearest",
                  "argmax",
                  Port.Kind.INTEGER,
                  "[...]",
                  false,
                  "The class of the largest logit.")),
          NearestBasisVector::call,
          Optional.of(
              new Operator.Vjp(
                  List.of(
                      Port.of("dlogits", "dL/dl", "[..., K]", "Gradient with respect to logits.")),
                  List.of(Port.of("dz", "dL/dz", "[..., D]", "Gradient with respect to z.")),
                  NearestBasisVector::gradient)));

  private NearestBasisVector() {}

  /**
   * Writes the logits.
   *
   * @param z embeddings; not modified
   * @param basis a unit vector for each class; not modified
   * @param tau above 0; the paper's is 0.07
   * @param logits modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static void apply(Tensor z, Tensor basis, double tau, Tensor logits, int threads) {
    check(z, basis, tau);
    Shapes.checkRows("logits", logits, z, basis.dim(0));
    Shapes.checkOutput("logits", logits, "z", z);
    Shapes.checkOutput("logits", logits, "basis", basis);
    if (z.dtype() == DType.F32 && Simd.available()) {
      CosineLogitsSimd.rows(z, basis, 1 / tau, GUARD, logits, threads);
    } else {
      CosineLogits.meaning(z, basis, 1 / tau, GUARD, logits);
    }
  }

  /**
   * Writes the class of the largest logit of each row, the first of equal ones; -1 where one is
   * NaN.
   *
   * @param logits not modified
   * @param classes i32, one for each row; modified
   */
  public static void nearest(Tensor logits, Tensor classes) {
    Shapes.checkFloat("logits", logits);
    Shapes.checkOneForEachRow("classes", classes, DType.I32, logits);
    for (long row = 0; row < logits.rows(); row++) {
      int best = -1;
      double most = Double.NEGATIVE_INFINITY;
      for (int c = 0; c < logits.rowLength(); c++) {
        final double own = logits.getDouble(logits.rowOffset(row) + c * logits.rowStride());
        if (Double.isNaN(own)) {
          best = -1;
          break;
        }
        if (best < 0 || own > most) {
          best = c;
          most = own;
        }
      }
      classes.setDouble(classes.flatIndex(row), best);
    }
  }

  /**
   * Writes the gradient for the embeddings, {@code dz = (du - u <u, du>) / |z|} with {@code du =
   * dlogits V / tau}, in double. The class vectors are fixed and get none.
   *
   * @param dlogits gradient of the loss with respect to the logits; not modified
   * @param dz modified
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static void vjp(Tensor z, Tensor basis, double tau, Tensor dlogits, Tensor dz) {
    check(z, basis, tau);
    Shapes.checkRows("dlogits", dlogits, z, basis.dim(0));
    Shapes.checkLike("dz", dz, z);
    Shapes.checkOutput("dz", dz, "z", z);
    CosineLogits.vjp(z, basis, 1 / tau, GUARD, dlogits, dz, Optional.empty());
  }

  private static void check(Tensor z, Tensor basis, double tau) {
    Shapes.checkFloat("z", z);
    if (basis.dtype() != z.dtype() || basis.rank() != 2 || basis.dim(1) != z.rowLength()) {
      throw new IllegalArgumentException(
          "basis is "
              + basis
              + "; expected "
              + z.dtype().label()
              + "[K, "
              + z.rowLength()
              + "], a vector as long as a row of z for each class");
    }
    if (!(tau > 0)) {
      throw new IllegalArgumentException("tau is " + tau + "; expected a number greater than 0");
    }
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final Tensor z = arguments.tensor("z");
    final Tensor basis = arguments.tensor("basis");
    check(z, basis, arguments.real("tau"));
    final Tensor logits = Tensor.zeros(z.dtype(), Shapes.withRowLength(z, basis.dim(0)));
    apply(z, basis, arguments.real("tau"), logits, (int) arguments.whole("threads"));
    final Tensor classes = Tensor.zeros(DType.I32, Shapes.withoutRows(logits));
    nearest(logits, classes);
    return Map.of("logits", logits, "nearest", classes);
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor z = arguments.tensor("z");
    final Tensor dz = Tensor.zerosLike(z);
    vjp(z, arguments.tensor("basis"), arguments.real("tau"), arguments.tensor("dlogits"), dz);
    return Map.of("dz", dz);
  }
}
