package io.steelyard.analysis.mixture;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How far the parameters of a fitted mixture are from the true ones: each fitted atom counts to the
 * true atom it is nearest to, and every such cell contributes what its atoms are off and what its
 * mass is off.
 *
 * <p>With {@code |.|} Euclidean norms, atoms {@code (b1, a, b, s)}, masses {@code m_i} ({@code
 * exp(b0_i)}, or {@code exp(b0_i / tau)}), cell j contributes {@code |sum m_i - m*_j| + sum m_i
 * (|Db1| + |Da| + |Db| + |Ds|)}. For cells with more than one atom, the over-specified losses raise
 * the four to powers, since surplus atoms converge more slowly; {@code rbar} is 4 for two atoms, 6
 * for three, 7 for more. A cell without an atom contributes its mass.
 *
 * <p>Components without observations should be left out of the fit first ({@link Fit#occupied}).
 *
 * <p>Source: arXiv 2309.13850, sections 2 and 3; arXiv 2401.13875, sections 2 and 3 (the powers of
 * its over-specified loss derived from the remaining differential equation).
 *
 * <pre>{@code
 * GaussianMixtureOfExperts truth =
 *     GaussianMixtureOfExperts.of(
 *         Gate.topK(1), Component.of(1, 0.5, -4, 3, 0.3), Component.of(0, 0, 1, -3, 0.2));
 * double zero = VoronoiLoss.exact(truth, truth).value();
 * }</pre>
 *
 * @param value the loss
 * @param terms what each cell contributes, in the order of the true experts
 * @param cells the fitted components of each cell
 */
public record VoronoiLoss(double value, List<Double> terms, List<List<Integer>> cells) {

  /** Copies the lists. */
  public VoronoiLoss {
    terms = List.copyOf(terms);
    cells = cells.stream().map(List::copyOf).toList();
  }

  /** What an atom is off, by parts. */
  private interface Bracket {

    double of(Component fitted, Component truth, int atoms);
  }

  /**
   * D1 for a top-k gate, where the number of experts is right: the largest sum over K true experts,
   * so that of the K largest terms, after {@link #aligned}.
   *
   * @throws IllegalArgumentException if a gate is not top-k or the dimensions differ
   */
  public static VoronoiLoss exact(GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted) {
    return topK(truth, fitted, VoronoiLoss::plain);
  }

  /**
   * D2 for a top-k gate, where there may be too many experts: brackets of cells with several atoms
   * are {@code |Db1|^r + |Da|^(r/2) + |Db|^r + |Ds|^(r/2)}, r = rbar.
   *
   * @throws IllegalArgumentException if a gate is not top-k or the dimensions differ
   */
  public static VoronoiLoss overSpecified(
      GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted) {
    return topK(
        truth,
        fitted,
        (f, t, atoms) -> {
          if (atoms == 1) {
            return plain(f, t, atoms);
          }
          final double r = rbar(atoms);
          return Math.pow(gateSlopeError(f, t), r)
              + Math.pow(slopeError(f, t), r / 2)
              + Math.pow(interceptError(f, t), r)
              + Math.pow(varianceError(f, t), r / 2);
        });
  }

  /**
   * First-order loss for a gate with a temperature: {@code |Dtau|} and the terms of all cells.
   *
   * @throws IllegalArgumentException if a gate is top-k or the dimensions differ
   */
  public static VoronoiLoss firstOrder(
      GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted) {
    return softened(truth, fitted, VoronoiLoss::plain);
  }

  /**
   * The loss for a gate with an activation where there may be too many experts: brackets of cells
   * with several atoms are {@code |Db1|^2 + |Da|^2 + |Db|^r + |Ds|^(r/2)}, r = rbar.
   *
   * @throws IllegalArgumentException if a gate is top-k or the dimensions differ
   */
  public static VoronoiLoss activationOverSpecified(
      GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted) {
    return softened(
        truth,
        fitted,
        (f, t, atoms) -> {
          if (atoms == 1) {
            return plain(f, t, atoms);
          }
          final double r = rbar(atoms);
          return Math.pow(gateSlopeError(f, t), 2)
              + Math.pow(slopeError(f, t), 2)
              + Math.pow(interceptError(f, t), r)
              + Math.pow(varianceError(f, t), r / 2);
        });
  }

  /**
   * A fitted mixture with a top-k gate, its gate moved so that it compares with the truth: the
   * atoms whose expert {@code (a, b, s)} is nearest to the last true one (or the last atom, if none
   * is) have mass 1 together and gate slope 0 on average by mass. The truth has to be {@link
   * GaussianMixtureOfExperts#canonical}.
   */
  public static GaussianMixtureOfExperts aligned(
      GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted) {
    final int last = truth.size() - 1;
    final List<Integer> found =
        IntStream.range(0, fitted.size())
            .filter(i -> nearest(fitted.components().get(i), truth, VoronoiLoss::expert) == last)
            .boxed()
            .toList();
    final List<Integer> anchors = found.isEmpty() ? List.of(fitted.size() - 1) : found;
    final Parameters p = Parameters.of(fitted);
    final double top = anchors.stream().mapToDouble(i -> p.gateBias[i]).max().orElseThrow();
    double mass = 0;
    final double[] slope = new double[p.d];
    for (final int i : anchors) {
      final double m = Math.exp(p.gateBias[i] - top);
      mass += m;
      for (int j = 0; j < p.d; j++) {
        slope[j] += m * p.gateSlope[i * p.d + j];
      }
    }
    for (int i = 0; i < p.k; i++) {
      p.gateBias[i] -= top + Math.log(mass);
      for (int j = 0; j < p.d; j++) {
        p.gateSlope[i * p.d + j] -= slope[j] / mass;
      }
    }
    return p.mixture(fitted.gate());
  }

  /** {@code |Da| + |Db| + |Ds|}: what an expert is off, its gate aside. */
  public static double expertError(Component fitted, Component truth) {
    return slopeError(fitted, truth) + interceptError(fitted, truth) + varianceError(fitted, truth);
  }

  private static VoronoiLoss topK(
      GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted, Bracket bracket) {
    check(truth, fitted);
    if (!(truth.gate() instanceof Gate.TopK(int k, boolean _))
        || !(fitted.gate() instanceof Gate.TopK)) {
      throw new IllegalArgumentException(
          "gates are " + truth.gate() + " and " + fitted.gate() + "; expected top-k ones");
    }
    final VoronoiLoss all = of(truth, aligned(truth, fitted), bracket);
    final double largest =
        all.terms().stream()
            .sorted(Comparator.reverseOrder())
            .limit(k)
            .mapToDouble(Double::doubleValue)
            .sum();
    return new VoronoiLoss(largest, all.terms(), all.cells());
  }

  private static VoronoiLoss softened(
      GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted, Bracket bracket) {
    check(truth, fitted);
    if (truth.gate() instanceof Gate.TopK || fitted.gate() instanceof Gate.TopK) {
      throw new IllegalArgumentException(
          "gates are " + truth.gate() + " and " + fitted.gate() + "; expected none of them top-k");
    }
    final VoronoiLoss all = of(truth, fitted, bracket);
    return new VoronoiLoss(
        Math.abs(fitted.temperature() - truth.temperature()) + all.value(),
        all.terms(),
        all.cells());
  }

  private static VoronoiLoss of(
      GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted, Bracket bracket) {
    final List<List<Integer>> cells = new ArrayList<>();
    truth.components().forEach(_ -> cells.add(new ArrayList<>()));
    for (int i = 0; i < fitted.size(); i++) {
      cells.get(nearest(fitted.components().get(i), truth, VoronoiLoss::atom)).add(i);
    }
    final List<Double> terms = new ArrayList<>();
    for (int j = 0; j < cells.size(); j++) {
      double mass = 0;
      double off = 0;
      for (final int i : cells.get(j)) {
        mass += fitted.mass(i);
        off +=
            fitted.mass(i)
                * bracket.of(
                    fitted.components().get(i), truth.components().get(j), cells.get(j).size());
      }
      terms.add(Math.abs(mass - truth.mass(j)) + off);
    }
    return new VoronoiLoss(terms.stream().mapToDouble(Double::doubleValue).sum(), terms, cells);
  }

  /** A squared distance between components. */
  private interface Distance {

    double of(Component a, Component b);
  }

  private static int nearest(Component fitted, GaussianMixtureOfExperts truth, Distance distance) {
    int best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int j = 0; j < truth.size(); j++) {
      final double away = distance.of(fitted, truth.components().get(j));
      if (away < least) {
        best = j;
        least = away;
      }
    }
    return best;
  }

  private static double atom(Component a, Component b) {
    return Math.pow(gateSlopeError(a, b), 2) + expert(a, b);
  }

  private static double expert(Component a, Component b) {
    return Math.pow(slopeError(a, b), 2)
        + Math.pow(interceptError(a, b), 2)
        + Math.pow(varianceError(a, b), 2);
  }

  private static double plain(Component fitted, Component truth, int atoms) {
    return gateSlopeError(fitted, truth) + expertError(fitted, truth);
  }

  private static double gateSlopeError(Component a, Component b) {
    return norm(a.gateSlope(), b.gateSlope());
  }

  private static double slopeError(Component a, Component b) {
    return norm(a.slope(), b.slope());
  }

  private static double interceptError(Component a, Component b) {
    return Math.abs(a.intercept() - b.intercept());
  }

  private static double varianceError(Component a, Component b) {
    return Math.abs(a.variance() - b.variance());
  }

  private static double norm(List<Double> a, List<Double> b) {
    double squares = 0;
    for (int j = 0; j < a.size(); j++) {
      squares += (a.get(j) - b.get(j)) * (a.get(j) - b.get(j));
    }
    return Math.sqrt(squares);
  }

  private static double rbar(int atoms) {
    return switch (atoms) {
      case 2 -> 4;
      case 3 -> 6;
      default -> 7;
    };
  }

  private static void check(GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted) {
    if (truth.dimension() != fitted.dimension()) {
      throw new IllegalArgumentException(
          "fitted has "
              + fitted.dimension()
              + " dimensions; expected "
              + truth.dimension()
              + " like the truth");
    }
  }
}
