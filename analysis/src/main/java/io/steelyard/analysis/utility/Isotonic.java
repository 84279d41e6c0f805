package io.steelyard.analysis.utility;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The softmax of utilities, each probability bent by a non-decreasing curve and all divided by
 * their sum. The curve is the isotonic regression of "was chosen" on the softmax probability over
 * held-out choices, constant between its points. If the curve is 0 for all candidates, the softmax
 * stands.
 *
 * <pre>{@code
 * ProbabilityTransform transform = Isotonic.fit(heldOut, chosen);
 * double[] p = transform.probabilities(utilities);
 * }</pre>
 */
public final class Isotonic implements ProbabilityTransform {

  private final double[] from;
  private final double[] level;

  private Isotonic(double[] from, double[] level) {
    this.from = from;
    this.level = level;
  }

  /**
   * Fits the curve by pooling adjacent violators. Cost O(n K log(n K)).
   *
   * @param utilities of each choice; not modified
   * @param chosen which candidate was chosen
   * @throws IllegalArgumentException if there are no choices, or a candidate is out of range
   */
  public static Isotonic fit(double[][] utilities, int[] chosen) {
    InverseTemperature.check(utilities, chosen);
    final double[] p =
        Arrays.stream(utilities)
            .flatMapToDouble(u -> Arrays.stream(ProbabilityTransform.identity().probabilities(u)))
            .toArray();
    final boolean[] hit = new boolean[p.length];
    int at = 0;
    for (int i = 0; i < chosen.length; i++) {
      hit[at + chosen[i]] = true;
      at += utilities[i].length;
    }
    final int[] order =
        IntStream.range(0, p.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> p[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    final double[] from = new double[p.length];
    final double[] hits = new double[p.length];
    final double[] sizes = new double[p.length];
    int blocks = 0;
    for (final int i : order) {
      if (blocks > 0 && from[blocks - 1] == p[i]) {
        blocks--;
      } else {
        from[blocks] = p[i];
        hits[blocks] = 0;
        sizes[blocks] = 0;
      }
      hits[blocks] += hit[i] ? 1 : 0;
      sizes[blocks]++;
      blocks++;
    }
    int kept = 0;
    for (int block = 0; block < blocks; block++) {
      from[kept] = from[block];
      hits[kept] = hits[block];
      sizes[kept] = sizes[block];
      kept++;
      while (kept > 1 && hits[kept - 2] * sizes[kept - 1] >= hits[kept - 1] * sizes[kept - 2]) {
        hits[kept - 2] += hits[kept - 1];
        sizes[kept - 2] += sizes[kept - 1];
        kept--;
      }
    }
    final double[] level = new double[kept];
    for (int block = 0; block < kept; block++) {
      level[block] = hits[block] / sizes[block];
    }
    return new Isotonic(Arrays.copyOf(from, kept), level);
  }

  /** The curve: how often a candidate with this softmax probability is chosen. */
  public double frequency(double probability) {
    final int at = Arrays.binarySearch(from, probability);
    return level[Math.max(0, at >= 0 ? at : -at - 2)];
  }

  @Override
  public double[] probabilities(double[] utilities) {
    final double[] softmax = ProbabilityTransform.identity().probabilities(utilities);
    final double[] p =
        Arrays.stream(softmax).map(value -> value == 0 ? 0 : frequency(value)).toArray();
    final double sum = Arrays.stream(p).sum();
    if (!(sum > 0) || Double.isNaN(Arrays.stream(softmax).sum())) {
      return softmax;
    }
    for (int i = 0; i < p.length; i++) {
      p[i] /= sum;
    }
    return p;
  }
}
