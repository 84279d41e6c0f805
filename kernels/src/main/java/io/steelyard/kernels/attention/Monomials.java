package io.steelyard.kernels.attention;

/**
 * All monomials of d numbers up to a degree, by rising degree: each is one of a lower degree times
 * one number. The first is 1.
 */
public final class Monomials {

  /** More than this would take gigabytes. */
  private static final int MOST = 1 << 20;

  private final int depth;
  private final int degree;
  private final int[] parents;
  private final int[] factors;
  private final int[] degrees;
  private final double[] multinomials;

  private Monomials(int depth, int degree, int count) {
    this.depth = depth;
    this.degree = degree;
    parents = new int[count];
    factors = new int[count];
    degrees = new int[count];
    multinomials = new double[count];
    multinomials[0] = 1;
    // How often the last factor of a monomial stands in it.
    final int[] runs = new int[count];
    int next = 1;
    int from = 0;
    for (int t = 1; t <= degree; t++) {
      final int end = next;
      for (int parent = from; parent < end; parent++) {
        for (int l = parent == 0 ? 0 : factors[parent]; l < depth; l++) {
          final boolean again = parent > 0 && factors[parent] == l;
          parents[next] = parent;
          factors[next] = l;
          degrees[next] = t;
          runs[next] = again ? runs[parent] + 1 : 1;
          multinomials[next] = multinomials[parent] * t / runs[next];
          next++;
        }
      }
      from = end;
    }
  }

  /**
   * The monomials of {@code depth} numbers.
   *
   * @param depth d, 0 or more
   * @param degree g, 0 or more
   * @throws IllegalArgumentException if there are too many: more than 2^20
   */
  public static Monomials of(int depth, int degree) {
    if (depth < 0) {
      throw new IllegalArgumentException("depth is " + depth + "; expected 0 or more");
    }
    final double count = PolynomialBounds.features(depth, degree);
    if (count > MOST) {
      throw new IllegalArgumentException(
          "degree is "
              + degree
              + ", which makes "
              + (long) count
              + " monomials of "
              + depth
              + " numbers; expected at most "
              + MOST);
    }
    return new Monomials(depth, degree, (int) count);
  }

  boolean fit(int otherDepth, int otherDegree) {
    return depth == otherDepth && degree == otherDegree;
  }

  /** How many there are: {@code (d + g)! / (d! g!)}. */
  public int count() {
    return parents.length;
  }

  /** The degree of a monomial. */
  public int degree(int monomial) {
    return degrees[monomial];
  }

  /** The monomial, of one degree less, that this one but the first is a multiple of. */
  public int parent(int monomial) {
    return parents[monomial];
  }

  /** The number that its parent is multiplied by. */
  public int factor(int monomial) {
    return factors[monomial];
  }

  /** How often a monomial stands in the power of a sum: {@code |a|! / prod_l a_l!}. */
  public double multinomial(int monomial) {
    return multinomials[monomial];
  }

  /** Writes the monomials of some numbers, {@code step} apart. */
  void write(double[] numbers, double[] to, int offset, int step) {
    to[offset] = 1;
    for (int a = 1; a < parents.length; a++) {
      to[offset + a * step] = to[offset + parents[a] * step] * numbers[factors[a]];
    }
  }
}
