package io.steelyard.kernels.dense;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Matrix product {@code C = A B}, of one pair of matrices or of many.
 *
 * <p>Edges: an inner extent of 0 gives zeros; no rows or columns give nothing; NaN and infinities
 * propagate as in every sum of products.
 *
 * <p>Shapes: a {@code [..., M, K]}, b {@code [..., K, N]}, c {@code [..., M, N]} with the same
 * leading axes; a b of rank 2 serves all matrices of a. Any strides: a transposed view costs no
 * more than the matrix itself. dtype f32 runs the SIMD kernel, with sums over k in float32, in
 * order; f64 the scalar meaning.
 *
 * <p>Cost: {@code 2 M N K} operations; memory for 384 rows of b and, for each thread, 96 x 384
 * elements of a. Nothing is allocated in steady state. Results do not depend on the number of
 * threads. Safe to call from any thread.
 *
 * <pre>{@code
 * Sgemm.apply(a, b, c);
 * Sgemm.apply(a, b.transpose(0, 1), c); // b stored as N rows of K
 * }</pre>
 *
 * <p>Source: blocking after Goto and van de Geijn, Anatomy of High-Performance Matrix
 * Multiplication (2008); used by the methods of arXiv 2409.04431 and others.
 */
public final class Sgemm {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "sgemm",
          "dense",
          "Matrix product, of one pair of matrices or of many.",
          new Source("BLAS level 3 (Dongarra et al., 1990)", "GEMM with alpha = 1, beta = 0"),
          List.of(
              Port.of("a", "A", "[..., M, K]", "Left matrices."),
              Port.of("b", "B", "[..., K, N] or [K, N]", "Right matrices, or one for all.")),
          List.of(
              new Parameter.Whole(
                  "threads",
                  "threads",
                  0L,
                  0,
                  Integer.MAX_VALUE,
                  "Most threads to use; 0 for all processors.")),
          List.of(Port.of("c", "C", "[..., M, N]", "Products.")),
          arguments -> {
            final Tensor a = arguments.tensor("a");
            final Tensor b = arguments.tensor("b");
            final Tensor c = product(a, b);
            apply(a, b, c, (int) arguments.whole("threads"));
            return Map.of("c", c);
          },
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dc", "dL/dC", "[..., M, N]", "Gradient with respect to c.")),
                  List.of(
                      Port.of("da", "dL/dA", "[..., M, K]", "Gradient with respect to a."),
                      Port.of("db", "dL/dB", "like b", "Gradient with respect to b.")),
                  Sgemm::gradients)));

  private Sgemm() {}

  /** Writes the products to c, on all processors. */
  public static void apply(Tensor a, Tensor b, Tensor c) {
    apply(a, b, c, 0);
  }

  /**
   * Writes the products to c.
   *
   * @param a {@code [..., M, K]}; not modified
   * @param b {@code [..., K, N]} or {@code [K, N]}; not modified
   * @param c {@code [..., M, N]}; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes do not fit, c shares memory with a or b,
   *     or threads is negative
   */
  public static void apply(Tensor a, Tensor b, Tensor c, int threads) {
    check(a, b);
    checkOutput(a, b, c);
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
    if (c.size() == 0) {
      return;
    }
    if (a.dtype() == DType.F32 && Simd.available()) {
      GemmBatch.apply(a, b, c, threads);
      return;
    }
    final long m = a.dim(-2);
    for (long i = 0; i < c.rows() / m; i++) {
      meaning(a, i * m, b, b.rank() == 2 ? 0 : i * a.dim(-1), c, i * m);
    }
  }

  /** The scalar meaning: double arithmetic, rounded once into c. */
  private static void meaning(Tensor a, long aRow, Tensor b, long bRow, Tensor c, long cRow) {
    for (long i = 0; i < a.dim(-2); i++) {
      final long from = a.rowOffset(aRow + i);
      final long to = c.rowOffset(cRow + i);
      for (long j = 0; j < b.dim(-1); j++) {
        double sum = 0;
        for (long k = 0; k < a.dim(-1); k++) {
          sum +=
              a.getDouble(from + k * a.rowStride())
                  * b.getDouble(b.rowOffset(bRow + k) + j * b.rowStride());
        }
        c.setDouble(to + j * c.rowStride(), sum);
      }
    }
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor a = arguments.tensor("a");
    final Tensor b = arguments.tensor("b");
    final Tensor dc = arguments.tensor("dc");
    final int threads = (int) arguments.whole("threads");
    checkOutput(a, b, dc);
    final Tensor da = Tensor.zerosLike(a);
    final Tensor db = Tensor.zerosLike(b);
    apply(dc, b.transpose(b.rank() - 2, b.rank() - 1), da, threads);
    if (b.rank() == 2) {
      // One b for all: its gradient is a sum over all rows of all matrices.
      final Tensor left = rows(a);
      final Tensor right = rows(dc);
      apply(left.transpose(0, 1), right, db, threads);
    } else {
      apply(a.transpose(a.rank() - 2, a.rank() - 1), dc, db, threads);
    }
    return Map.of("da", da, "db", db);
  }

  /** All matrices as one. */
  private static Tensor rows(Tensor x) {
    return (x.isContiguous() ? x : x.to(x.dtype())).reshape(x.rows(), x.dim(-1));
  }

  private static Tensor product(Tensor a, Tensor b) {
    check(a, b);
    final long[] shape = a.shape();
    shape[shape.length - 1] = b.dim(-1);
    return Tensor.zeros(a.dtype(), shape);
  }

  private static void check(Tensor a, Tensor b) {
    if (a.rank() < 2 || (a.dtype() != DType.F32 && a.dtype() != DType.F64)) {
      throw new IllegalArgumentException("a is " + a + "; expected f32 or f64 [..., M, K]");
    }
    boolean fits =
        b.dtype() == a.dtype() && (b.rank() == a.rank() || b.rank() == 2) && b.dim(-2) == a.dim(-1);
    for (int axis = 0; fits && b.rank() > 2 && axis < a.rank() - 2; axis++) {
      fits = b.dim(axis) == a.dim(axis);
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "b is "
              + b
              + "; expected "
              + a.dtype().label()
              + " [..., "
              + a.dim(-1)
              + ", N] with the leading axes of a, "
              + a
              + ", or none");
    }
  }

  private static void checkOutput(Tensor a, Tensor b, Tensor c) {
    boolean fits =
        c.dtype() == a.dtype() && c.rank() == a.rank() && c.dim(c.rank() - 1) == b.dim(-1);
    for (int axis = 0; fits && axis < a.rank() - 1; axis++) {
      fits = c.dim(axis) == a.dim(axis);
    }
    if (!fits) {
      final long[] shape = a.shape();
      shape[shape.length - 1] = b.dim(-1);
      throw new IllegalArgumentException(
          "c is " + c + "; expected " + a.dtype().label() + Arrays.toString(shape));
    }
    if (c.memory().isReadOnly()) {
      throw new IllegalArgumentException("c is read-only; expected memory to write to");
    }
    if (c.overlaps(a) || c.overlaps(b)) {
      throw new IllegalArgumentException("c shares memory with a or b; expected memory of its own");
    }
  }
}
