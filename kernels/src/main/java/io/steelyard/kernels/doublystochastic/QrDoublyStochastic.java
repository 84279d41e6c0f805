package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The squared entries of the orthogonal factor of a square score matrix: {@code x = U R}, {@code y
 * = U o U}. Doubly stochastic to rounding, without iterations.
 *
 * <p>A matrix that lacks full rank, which is one whose smallest diagonal entry of R is at most
 * {@code T 2.2e-16} of the largest entry of R, has no unique U. Independent Gaussian noise of
 * standard deviation 1e-7 is added to it, from a generator that depends on the seed and on the
 * number of the matrix in the batch alone: the same call gives the same weights.
 *
 * <p>Edges: the matrix of zeros has the weights of noise; a NaN or an infinity makes its column of
 * y and those after it NaN; a matrix of one finite entry gives 1; one without entries gives
 * nothing. A positive factor, or a sign for each column, changes nothing; exchanging rows exchanges
 * the rows of y, exchanging columns does more than that.
 *
 * <p>Shapes: x {@code [..., T, T]}, any strides; y the same, and it may be x itself. Both dtypes
 * are computed in double by Householder's reflections, within about {@code T 2^-52} times the
 * condition number of x, and rounded once.
 *
 * <p>Cost: {@code 8/3 T^3} operations a matrix; matrices are worked on in parallel. Memory for a
 * few matrices in double that each working thread keeps. Nothing else is allocated in steady state,
 * but by noise. Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2504.16275, section 2.
 *
 * <pre>{@code
 * float[] scores = {3, 1, 4, 2};
 * float[] weights = new float[4];
 * QrDoublyStochastic.apply(Tensor.of(scores, 2, 2), Tensor.of(weights, 2, 2), 0, 0);
 * }</pre>
 */
public final class QrDoublyStochastic {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "qr-doubly-stochastic",
          "doubly-stochastic",
          "Squared entries of the orthogonal factor of the scores.",
          new Source("2504.16275", "section 2: QR decomposition"),
          List.of(Matrices.X),
          List.of(
              new Parameter.Whole(
                  "seed",
                  "seed",
                  0L,
                  Long.MIN_VALUE,
                  Long.MAX_VALUE,
                  "Of the noise that matrices without full rank get."),
              Matrices.THREADS),
          List.of(Matrices.Y),
          QrDoublyStochastic::weights,
          Optional.of(
              new Operator.Vjp(
                  List.of(Matrices.DY), List.of(Matrices.DX), QrDoublyStochastic::gradient)));

  private QrDoublyStochastic() {}

  /**
   * Writes the weights of each matrix of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @param seed of the noise that matrices without full rank get
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if x is not square, dtypes or shapes differ, x and y overlap
   *     in part, or threads is negative
   */
  public static void apply(Tensor x, Tensor y, long seed, int threads) {
    Matrices.check(x, y);
    Matrices.checkThreads(threads);
    OrthogonalFactor.apply(x, y, seed, threads);
  }

  /**
   * Writes the factors of the matrices whose weights {@link #apply} gives, with its noise: U, and
   * the inverse of R. They are what it takes to know how weights follow a small change of the
   * scores: with {@code X = U' dx R^-1} and L its part below the diagonal, {@code dy = 2 U o (U (L
   * - L'))}.
   *
   * @param x scores; not modified unless it is u
   * @param u orthogonal factors, like x; a column's sign is that of the reflections; modified
   * @param inverse {@code R^-1}, upper triangles, like x; with infinite or NaN entries where R is
   *     singular even with noise; modified
   * @param seed of the noise that matrices without full rank get
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if x is not square, dtypes or shapes differ, tensors overlap
   *     but for u being x, or threads is negative
   */
  public static void factors(Tensor x, Tensor u, Tensor inverse, long seed, int threads) {
    Matrices.check(x, "u", u);
    Matrices.check(x, "inverse", inverse);
    Matrices.checkThreads(threads);
    if (inverse.overlaps(x) || inverse.overlaps(u)) {
      throw new IllegalArgumentException(
          "inverse shares memory with x or u; expected memory of its own");
    }
    OrthogonalFactor.factors(x, u, inverse, seed, threads);
  }

  /**
   * Writes the gradient: {@code dU = 2 dy o U}, {@code X = -dU' U}, C the lower triangle of X
   * mirrored above the diagonal, {@code dx = (dU + U C) R^-T}.
   *
   * <p>A small diagonal entry of R makes it large. Where noise was added it is the gradient at the
   * scores with that noise, of the order of 1e7 and of no use in training; where R is singular even
   * so, entries are infinite or NaN.
   *
   * @param x scores that {@link #apply} was given; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param seed that {@link #apply} was given
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if x is not square, dtypes or shapes differ, dx overlaps an
   *     input in part, or threads is negative
   */
  public static void vjp(Tensor x, Tensor dy, Tensor dx, long seed, int threads) {
    Matrices.check(x, dy, dx);
    Matrices.checkThreads(threads);
    OrthogonalFactor.vjp(x, dy, dx, seed, threads);
  }

  private static Map<String, Tensor> weights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(x, y, arguments.whole("seed"), (int) arguments.whole("threads"));
    return Map.of("y", y);
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor dx = Tensor.zerosLike(x);
    vjp(x, arguments.tensor("dy"), dx, arguments.whole("seed"), (int) arguments.whole("threads"));
    return Map.of("dx", dx);
  }
}
