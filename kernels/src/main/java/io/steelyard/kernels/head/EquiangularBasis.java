package io.steelyard.kernels.head;

import io.steelyard.kernels.tensor.Tensor;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Makes the fixed class vectors of {@link NearestBasisVector}: K unit vectors of D numbers of which
 * no two have a cosine above alpha in absolute value.
 *
 * <p>Random vectors are moved by descent on {@code sum_{i != j} max(0, |<v_i, v_j>| - alpha)} over
 * ordered pairs: {@code V <- V - rate 2 sum_j sign(<v_i, v_j>) [|<v_i, v_j>| > alpha] v_j}, each
 * step after the rows have been brought back to length 1, until the largest cosine is below {@code
 * alpha + 1e-4} or the steps are used up. Steps of a fixed length end in a jitter of about their
 * own size, so a small alpha needs a small rate and many steps. For {@code D >= K} there is {@link
 * #orthonormal}, at once and exact.
 *
 * <p>All arithmetic is in double, in an order that does not depend on the number of threads, with
 * operations that Java defines to the bit: a seed gives the same vectors everywhere.
 *
 * <p>Cost: up to {@code 4 K^2 D} operations a step and 3 K D doubles of memory. Safe to call from
 * any thread.
 *
 * <p>Source: arXiv 2303.11637, section 3.1; the official Generate_EBV.py. The bound of {@link
 * #leastCosine} is Welch's (1974).
 *
 * <pre>{@code
 * EquiangularBasis.Options options = EquiangularBasis.Options.defaults().withAlpha(0.15).withRate(0.02);
 * EquiangularBasis basis = EquiangularBasis.generate(100, 50, 42, options);
 * if (basis.reached()) {
 *   NearestBasisVector.apply(embeddings, basis.vectors(), 0.07, logits, 0);
 * }
 * }</pre>
 *
 * @param vectors f64 {@code [K, D]}, rows of length 1
 * @param largestCosine the largest absolute value of a cosine of two of them; 0 for one vector
 * @param steps how many steps were taken
 * @param reached whether the largest cosine is below {@code alpha + 1e-4}
 */
public record EquiangularBasis(Tensor vectors, double largestCosine, int steps, boolean reached) {

  /** How far above alpha the largest cosine may be. */
  private static final double TOLERANCE = 1e-4;

  /**
   * How to look for a basis.
   *
   * @param alpha the largest cosine that is wanted, in [0, 1); the paper's is 0.002
   * @param rate how far a step goes, above 0; the paper's is 0.001
   * @param steps most steps, 0 or more; the paper's are 100,000
   * @param threads most threads to use, 0 for all processors
   */
  public record Options(double alpha, double rate, int steps, int threads) {

    private static final Options DEFAULTS = new Options(0.002, 1e-3, 100_000, 0);

    /** Checks the values. */
    public Options {
      checkAlpha(alpha);
      if (!(rate > 0 && rate < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "rate is " + rate + "; expected a finite number greater than 0");
      }
      if (steps < 0) {
        throw new IllegalArgumentException("steps is " + steps + "; expected 0 or more");
      }
      if (threads < 0) {
        throw new IllegalArgumentException(
            "threads is " + threads + "; expected 1 or more, or 0 for all processors");
      }
    }

    /** The paper's values, on all processors. */
    public static Options defaults() {
      return DEFAULTS;
    }

    /** These options with another bound on the cosines. */
    public Options withAlpha(double newAlpha) {
      return new Options(newAlpha, rate, steps, threads);
    }

    /** These options with another step length. */
    public Options withRate(double newRate) {
      return new Options(alpha, newRate, steps, threads);
    }

    /** These options with another limit on steps. */
    public Options withSteps(int newSteps) {
      return new Options(alpha, rate, newSteps, threads);
    }

    /** These options with another thread limit. */
    public Options withThreads(int newThreads) {
      return new Options(alpha, rate, steps, newThreads);
    }
  }

  /**
   * Looks for a basis from normal random vectors.
   *
   * @param classes K, 1 or more
   * @param dimension D, 1 or more
   * @param seed of the random vectors
   * @throws IllegalArgumentException if an extent is not legal, or alpha is so far below {@link
   *     #leastCosine} that no basis can reach it
   */
  public static EquiangularBasis generate(int classes, int dimension, long seed, Options options) {
    checkExtents(classes, dimension);
    final double least = leastCosine(classes, dimension);
    if (options.alpha() + TOLERANCE < least) {
      throw new IllegalArgumentException(
          "alpha is "
              + options.alpha()
              + "; expected "
              + least
              + " or more, which "
              + classes
              + " vectors of "
              + dimension
              + " numbers cannot be below");
    }
    final BasisDescent descent = new BasisDescent(normal(classes, dimension, seed), dimension);
    int steps = 0;
    while (true) {
      descent.normalise();
      descent.measure(options.alpha(), options.rate(), options.threads());
      final boolean reached = descent.largest() <= options.alpha() + TOLERANCE;
      if (reached || steps == options.steps()) {
        return new EquiangularBasis(
            Tensor.of(descent.vectors(), classes, dimension), descent.largest(), steps, reached);
      }
      descent.step();
      steps++;
    }
  }

  /**
   * An orthonormal basis: normal random vectors, made orthogonal one after the other.
   *
   * @param classes K, 1 to D
   * @param dimension D
   * @param seed of the random vectors
   * @throws IllegalArgumentException if an extent is not legal
   */
  public static EquiangularBasis orthonormal(int classes, int dimension, long seed) {
    checkExtents(classes, dimension);
    if (classes > dimension) {
      throw new IllegalArgumentException(
          "classes is " + classes + "; expected 1 to " + dimension + ", the dimension");
    }
    final double[] v = normal(classes, dimension, seed);
    for (int i = 0; i < classes; i++) {
      // What one pass leaves of the rows before, as large as the row was long before it, a second
      // one takes off.
      for (int pass = 0; pass < 2; pass++) {
        for (int j = 0; j < i; j++) {
          double dot = 0;
          for (int c = 0; c < dimension; c++) {
            dot += v[i * dimension + c] * v[j * dimension + c];
          }
          for (int c = 0; c < dimension; c++) {
            v[i * dimension + c] -= dot * v[j * dimension + c];
          }
        }
        BasisDescent.normalise(v, i, dimension);
      }
    }
    final Tensor vectors = Tensor.of(v, classes, dimension);
    return new EquiangularBasis(vectors, largestCosine(vectors), 0, true);
  }

  /**
   * The least that the largest cosine of K vectors of D numbers can be: {@code sqrt((K - D) / (D (K
   * - 1)))}, and 0 for {@code K <= D}.
   */
  public static double leastCosine(int classes, int dimension) {
    checkExtents(classes, dimension);
    return classes <= dimension
        ? 0
        : Math.sqrt((double) (classes - dimension) / (dimension * (classes - 1.0)));
  }

  /**
   * The largest absolute value of a cosine of two rows, which need not have length 1; 0 if there
   * are fewer than two, NaN if a row is 0 or not finite.
   *
   * @param vectors f32 or f64 {@code [K, D]}; not modified
   */
  public static double largestCosine(Tensor vectors) {
    return measured(vectors, 0).largest();
  }

  /**
   * The sum over ordered pairs of rows of what the absolute value of their cosine is above alpha.
   *
   * @param vectors f32 or f64 {@code [K, D]}; not modified
   * @param alpha in [0, 1)
   */
  public static double loss(Tensor vectors, double alpha) {
    checkAlpha(alpha);
    return measured(vectors, alpha).loss();
  }

  private static BasisDescent measured(Tensor vectors, double alpha) {
    if (vectors.rank() != 2 || !vectors.dtype().isFloat()) {
      throw new IllegalArgumentException("vectors is " + vectors + "; expected f32 or f64 [K, D]");
    }
    final BasisDescent descent =
        new BasisDescent(vectors.toDoubleArray(), Math.toIntExact(vectors.dim(1)));
    descent.normalise();
    descent.measure(alpha, 0, 0);
    return descent;
  }

  private static double[] normal(int classes, int dimension, long seed) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final double[] v = new double[Math.multiplyExact(classes, dimension)];
    for (int i = 0; i < v.length; i++) {
      // Box and Muller's way, since how nextGaussian works may change.
      final double radius = Math.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
      v[i] = radius * StrictMath.cos(2 * Math.PI * random.nextDouble());
    }
    return v;
  }

  private static void checkAlpha(double alpha) {
    if (!(alpha >= 0 && alpha < 1)) {
      throw new IllegalArgumentException("alpha is " + alpha + "; expected a number in [0, 1)");
    }
  }

  private static void checkExtents(int classes, int dimension) {
    if (classes < 1) {
      throw new IllegalArgumentException("classes is " + classes + "; expected 1 or more");
    }
    if (dimension < 1) {
      throw new IllegalArgumentException("dimension is " + dimension + "; expected 1 or more");
    }
  }
}
