package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Sinkhorn's normalisation of square score matrices: {@code exp(x / epsilon)} with its rows and its
 * columns divided by their sums in turn, K times, rows first.
 *
 * <p>One iteration is one normalisation, of rows or of columns: 1 iteration is softmax, and after
 * an odd number rows sum to 1 exactly and columns nearly. Without a tolerance all iterations are
 * done; with one, a matrix is finished as soon as a normalisation of rows finds nothing to do.
 *
 * <p>Edges: a score of -inf is a weight of 0; a row or a column of nothing but -inf gives zeros,
 * and the others are normalised without it. Where so many scores are -inf that no doubly stochastic
 * matrix has the zeros they ask for, iterations converge slowly and never end. A NaN or +inf makes
 * its row NaN by the first iteration and the whole matrix by the second. A matrix without entries
 * gives nothing, one of one finite entry gives 1. Masks are not offered: under a causal mask the
 * only doubly stochastic matrix is the identity.
 *
 * <p>Shapes: x {@code [..., T, T]}, any strides; y the same, and it may be x itself. dtype f32 runs
 * the SIMD kernel, whose entries are products of an exponential, computed once, with a factor for
 * the row and one for the column; it goes back to the scores when factors grow beyond {@code 2^60}.
 * Its weights are within {@code (16 + s + K / 8) 2^-23} relative of the exact ones, s being the
 * largest difference of finite scores in a row of the matrix over epsilon, since every weight
 * depends on all rounded scores through the factors; weights below {@code 2^-64} may come out as 0.
 * f64 runs the scalar meaning, in the log domain throughout.
 *
 * <p>Cost: O(T^2) an iteration, with T^2 exponentials in all; two iterations read the matrix once;
 * matrices of up to 16 rows go side by side in the lanes of vectors. Each calling thread keeps
 * memory for one matrix, and for the gradient for K rows and columns more; nothing else is
 * allocated in steady state, but for the gradient of a matrix that had to go back to its scores,
 * which runs the scalar meaning. Results do not depend on the number of threads, to the bit. Safe
 * to call from any thread.
 *
 * <p>Source: arXiv 2110.11773 (Sinkformers), section 3; arXiv 2504.16275, section 2.
 *
 * <pre>{@code
 * float[] scores = {1, 0, 0, 2};
 * float[] weights = new float[4];
 * Sinkhorn.apply(Tensor.of(scores, 2, 2), Tensor.of(weights, 2, 2));
 * }</pre>
 */
public final class Sinkhorn {

  private static final int MOST_ITERATIONS = 100_000;

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "sinkhorn",
          "doubly-stochastic",
          "Exponentials with rows and columns divided by their sums in turn.",
          new Source("2504.16275", "section 2; Sinkformer: arXiv 2110.11773, section 3"),
          List.of(Matrices.X),
          List.of(
              new Parameter.Whole(
                  "iterations",
                  "K",
                  (long) SinkhornOptions.defaults().iterations(),
                  1,
                  MOST_ITERATIONS,
                  "Normalisations of rows (odd) and columns (even)."),
              new Parameter.Real(
                  "epsilon",
                  "eps",
                  SinkhornOptions.defaults().epsilon(),
                  Double.MIN_NORMAL,
                  Double.MAX_VALUE,
                  "What scores are divided by."),
              new Parameter.Real(
                  "tolerance",
                  "tol",
                  SinkhornOptions.defaults().tolerance(),
                  0,
                  Double.POSITIVE_INFINITY,
                  "Stop when all rows sum to 1 within this; 0 for never."),
              Matrices.THREADS),
          List.of(Matrices.Y),
          Sinkhorn::weights,
          Optional.of(
              new Operator.Vjp(List.of(Matrices.DY), List.of(Matrices.DX), Sinkhorn::gradient)));

  private Sinkhorn() {}

  /** Writes the weights of each matrix of x to y, with {@link SinkhornOptions#defaults()}. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, SinkhornOptions.defaults());
  }

  /**
   * Writes the weights of each matrix of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @throws IllegalArgumentException if x is not square, dtypes or shapes differ, or x and y
   *     overlap in part
   */
  public static void apply(Tensor x, Tensor y, SinkhornOptions options) {
    Matrices.check(x, y);
    if (x.dtype() == DType.F32 && Simd.available()) {
      SinkhornBatch.apply(x, y, options);
      return;
    }
    for (int matrix = 0; matrix < Matrices.count(x); matrix++) {
      SinkhornMeaning.apply(x, y, matrix, options);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, SinkhornOptions)} with default options. */
  public static void vjp(Tensor x, Tensor dy, Tensor dx) {
    vjp(x, dy, dx, SinkhornOptions.defaults());
  }

  /**
   * Writes the gradient of what {@link #apply} computes, unrolled through the iterations that were
   * done: with {@code G = dy P}, from the last iteration t to the first, {@code G -= P_t rowsum(G)}
   * where it normalised rows and {@code G -= P_t colsum(G)} where it normalised columns; {@code dx
   * = G / epsilon}. It is exact for any number of iterations, converged or not.
   *
   * <p>An entry with weight 0 gets gradient 0 and has no say, whatever dy holds there. The error of
   * an f32 entry is within {@code 2^-16 max |dy| / epsilon} of the largest weight that it had after
   * any of the iterations.
   *
   * <p>Cost: that of {@link #apply} twice, and K multiply-adds an entry; no P but one is formed.
   *
   * @param x scores that {@link #apply} was given; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param options those that {@link #apply} was given
   * @throws IllegalArgumentException if x is not square, dtypes or shapes differ, or dx overlaps an
   *     input in part
   */
  public static void vjp(Tensor x, Tensor dy, Tensor dx, SinkhornOptions options) {
    Matrices.check(x, dy, dx);
    if (x.dtype() == DType.F32 && Simd.available()) {
      SinkhornBatch.vjp(x, dy, dx, options);
      return;
    }
    for (int matrix = 0; matrix < Matrices.count(x); matrix++) {
      SinkhornMeaning.vjp(x, dy, dx, matrix, options);
    }
  }

  private static SinkhornOptions options(Arguments arguments) {
    return new SinkhornOptions(
        (int) arguments.whole("iterations"),
        arguments.real("epsilon"),
        arguments.real("tolerance"),
        (int) arguments.whole("threads"));
  }

  private static Map<String, Tensor> weights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(x, y, options(arguments));
    return Map.of("y", y);
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor dx = Tensor.zerosLike(x);
    vjp(x, arguments.tensor("dy"), dx, options(arguments));
    return Map.of("dx", dx);
  }
}
