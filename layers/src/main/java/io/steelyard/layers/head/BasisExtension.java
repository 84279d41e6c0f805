package io.steelyard.layers.head;

import io.steelyard.kernels.head.EquiangularBasis;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * New class vectors for a basis that stays as it is: one after the other is moved from a random
 * direction, by descent on {@code 2 sum_j max(0, |<v, v_j>| - alpha)} over the vectors before it,
 * until no cosine is above {@code alpha + 1e-4} or the steps are used up. A basis that leaves no
 * room at its alpha is not extended: the result says so.
 *
 * <p>Cost O(K D) a step, in double on the calling thread. Source: arXiv 2303.11637, section 3.1,
 * for one row at a time.
 *
 * <pre>{@code
 * EquiangularBasis basis = EquiangularBasis.orthonormal(8, 10, 42);
 * EquiangularBasis more =
 *     BasisExtension.extend(basis, 2, random, EquiangularBasis.Options.defaults().withRate(0.01));
 * EquiangularBasisHead head = EquiangularBasisHead.of(more);
 * }</pre>
 */
public final class BasisExtension {

  private static final double TOLERANCE = 1e-4;

  private BasisExtension() {}

  /**
   * Appends vectors.
   *
   * @param basis K vectors; not modified
   * @param more how many to append, 0 or more
   * @param random of the first directions
   * @param options alpha, rate and the most steps for each new vector; threads are not read
   * @return K + more vectors, the first K as they were; {@code reached} is whether all cosines of
   *     new vectors, and the basis before, are within alpha
   */
  public static EquiangularBasis extend(
      EquiangularBasis basis, int more, RandomGenerator random, EquiangularBasis.Options options) {
    if (more < 0) {
      throw new IllegalArgumentException("more is " + more + "; expected 0 or more");
    }
    final int old = Math.toIntExact(basis.vectors().dim(0));
    final int width = Math.toIntExact(basis.vectors().dim(1));
    final double[] all = Arrays.copyOf(basis.vectors().toDoubleArray(), (old + more) * width);
    double largest = basis.largestCosine();
    boolean reached = basis.largestCosine() <= options.alpha() + TOLERANCE;
    int steps = 0;
    for (int k = old; k < old + more; k++) {
      final double[] v = new double[width];
      Arrays.setAll(v, i -> random.nextGaussian());
      int own = 0;
      double worst = normalise(v, all, k, options.alpha(), 0);
      while (worst > options.alpha() + TOLERANCE && own < options.steps()) {
        worst = normalise(v, all, k, options.alpha(), options.rate());
        own++;
      }
      System.arraycopy(v, 0, all, k * width, width);
      reached &= worst <= options.alpha() + TOLERANCE;
      largest = Math.max(largest, worst);
      steps += own;
    }
    return new EquiangularBasis(Tensor.of(all, old + more, width), largest, steps, reached);
  }

  /** One step and a division by the norm; the largest cosine with the rows before. */
  private static double normalise(double[] v, double[] all, int rows, double alpha, double rate) {
    final double[] gradient = new double[v.length];
    for (int j = 0; j < rows; j++) {
      final double cosine = dot(v, all, j);
      if (Math.abs(cosine) > alpha) {
        for (int i = 0; i < v.length; i++) {
          gradient[i] += 2 * Math.signum(cosine) * all[j * v.length + i];
        }
      }
    }
    double squares = 0;
    for (int i = 0; i < v.length; i++) {
      v[i] -= rate * gradient[i];
      squares += v[i] * v[i];
    }
    for (int i = 0; i < v.length; i++) {
      v[i] /= Math.sqrt(squares);
    }
    double worst = 0;
    for (int j = 0; j < rows; j++) {
      worst = Math.max(worst, Math.abs(dot(v, all, j)));
    }
    return worst;
  }

  private static double dot(double[] v, double[] all, int row) {
    double sum = 0;
    for (int i = 0; i < v.length; i++) {
      sum += v[i] * all[row * v.length + i];
    }
    return sum;
  }
}
