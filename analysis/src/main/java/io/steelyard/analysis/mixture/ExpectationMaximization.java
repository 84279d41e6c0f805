package io.steelyard.analysis.mixture;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Fits a mixture of experts by expectation-maximisation, from a given start.
 *
 * <p>Given responsibilities r, experts are solved in closed form: least squares of y on {@code (x,
 * 1)} weighted by r, and {@code s = sum r e^2 / sum r}. With r of the new experts, the gate takes
 * Newton steps on {@code sum r log w} with the selection of a top-k gate as it was; each is moved
 * back towards where it began, by halves, until the likelihood under its new selection does not
 * fall, and is left out if that never is. Both parts leave the likelihood at least as it was, so it
 * never falls. With a temperature the Newton matrix is the expected one, and tau moves with the
 * slopes and biases.
 *
 * <p>It finds a local maximum near its start. A top-1 gate has no gradient, so its regions stay
 * where they are: {@link SplitScan} finds the best in one dimension.
 *
 * <p>Edges: an expert that nothing belongs to keeps its parameters and is reported; its variance
 * has a floor, so an expert with a single observation does not run away; collinear points make the
 * least squares of smallest size win. Not safe against observations at infinity, which {@link
 * Observations} refuses.
 *
 * <p>Cost: an iteration O(n k (d + 1)^2 + n (k d)^2 + (k d)^3), of which the first two by 1 +
 * Newton steps + halvings.
 *
 * <p>Source: arXiv 2309.13850 for the model; M. Jordan and R. Jacobs, Hierarchical mixtures of
 * experts and the EM algorithm, 1994, for the algorithm.
 *
 * <pre>{@code
 * GaussianMixtureOfExperts start =
 *     GaussianMixtureOfExperts.of(
 *         Gate.topK(2), Component.of(2, 0, -3, 2, 1), Component.of(0, 0, 3, 0, 1));
 * Fit fit = ExpectationMaximization.fit(start, start.sample(500, -1, 1, random), Options.DEFAULTS);
 * }</pre>
 */
public final class ExpectationMaximization {

  private static final double NORMAL_RIDGE = 1e-10;
  private static final double GATE_RIDGE = 1e-8;
  private static final double LEAST_MASS = 1e-8;

  /**
   * When to stop, and how far to go in one iteration.
   *
   * @param tolerance converged when the mean log-likelihood gains less in an iteration; 0 or more
   * @param iterations most iterations, 0 or more
   * @param newtonSteps of the gate in an iteration, 0 or more; 0 leaves the gate as it is
   * @param halvings of a gate's step that are tried, 0 or more
   * @param longestStep largest entry of a Newton step, above 0
   * @param leastVariance floor of the variances, above 0
   */
  public record Options(
      double tolerance,
      int iterations,
      int newtonSteps,
      int halvings,
      double longestStep,
      double leastVariance) {

    /** Tolerance 1e-9, 400 iterations, 2 Newton steps of at most 5, 20 halvings, variance 1e-6. */
    public static final Options DEFAULTS = new Options(1e-9, 400, 2, 20, 5, 1e-6);

    /** Checks the numbers. */
    public Options {
      if (!(tolerance >= 0) || iterations < 0 || newtonSteps < 0 || halvings < 0) {
        throw new IllegalArgumentException(
            "tolerance is %s, iterations %d, newtonSteps %d, halvings %d; expected 0 or more"
                .formatted(tolerance, iterations, newtonSteps, halvings));
      }
      if (!(longestStep > 0) || !(leastVariance > 0)) {
        throw new IllegalArgumentException(
            "longestStep is %s and leastVariance %s; expected above 0"
                .formatted(longestStep, leastVariance));
      }
    }

    /** The same with another end. */
    public Options until(double otherTolerance, int otherIterations) {
      return new Options(
          otherTolerance, otherIterations, newtonSteps, halvings, longestStep, leastVariance);
    }
  }

  /** Hears of each iteration. */
  @FunctionalInterface
  public interface Iterations {

    /** Hears nothing. */
    Iterations NONE = (_, _) -> {};

    /** The mean log-likelihood after an iteration, counting from 1. */
    void iterated(int iteration, double logLikelihood);
  }

  private final Gate gate;
  private final Options options;
  private final Evaluation evaluation;
  private final GateStep gateStep;
  private final double[] weighted;
  private Parameters p;
  private int gateRejections;

  private ExpectationMaximization(
      GaussianMixtureOfExperts start, Observations data, Options options) {
    this.gate = start.gate();
    this.options = options;
    this.p = Parameters.of(start);
    this.evaluation = new Evaluation(gate, data, p);
    this.gateStep = new GateStep(gate, data, p);
    this.weighted = new double[data.size()];
  }

  /**
   * Fits from a start, whose gate form and number of experts stay.
   *
   * @throws IllegalArgumentException if the observations have another dimension
   */
  public static Fit fit(GaussianMixtureOfExperts start, Observations data, Options options) {
    return fit(start, data, options, Iterations.NONE);
  }

  /** The same, telling of each iteration. */
  public static Fit fit(
      GaussianMixtureOfExperts start, Observations data, Options options, Iterations listener) {
    return new ExpectationMaximization(start, data, options).run(listener);
  }

  private Fit run(Iterations listener) {
    final List<Double> trace = new ArrayList<>();
    evaluation.gate(p);
    evaluation.experts(p);
    trace.add(evaluation.respond());
    while (trace.size() <= options.iterations()) {
      final Parameters before = p.copy();
      maximiseExperts();
      evaluation.experts(p);
      final double now = maximiseGate(evaluation.respond());
      final double gain = now - trace.getLast();
      if (!(gain >= 0)) {
        // Rounding: nothing is left to gain.
        p = before;
        evaluation.gate(p);
        evaluation.experts(p);
        evaluation.respond();
        return fit(trace, Fit.Ending.NO_PROGRESS);
      }
      trace.add(now);
      listener.iterated(trace.size() - 1, now);
      if (gain < options.tolerance()) {
        return fit(trace, Fit.Ending.CONVERGED);
      }
    }
    return fit(trace, Fit.Ending.OUT_OF_ITERATIONS);
  }

  private Fit fit(List<Double> trace, Fit.Ending ending) {
    final Set<Integer> empty = new HashSet<>();
    for (int i = 0; i < p.k; i++) {
      if (Sums.sum(evaluation.responsibility(i)) < LEAST_MASS) {
        empty.add(i);
      }
    }
    return new Fit(p.mixture(gate), trace, ending, gateRejections, empty);
  }

  private void maximiseExperts() {
    for (int i = 0; i < p.k; i++) {
      final double mass = Sums.sum(evaluation.responsibility(i));
      if (mass >= LEAST_MASS) {
        maximiseExpert(i, evaluation.responsibility(i), mass);
      }
    }
  }

  private void maximiseExpert(int i, double[] r, double mass) {
    final Observations data = evaluation.data();
    final double[] y = data.responses();
    final int d = p.d;
    final double[][] normal = new double[d + 1][d + 1];
    final double[] right = new double[d + 1];
    for (int a = 0; a < d; a++) {
      Sums.product(r, data.column(a), weighted);
      for (int b = 0; b <= a; b++) {
        normal[a][b] = Sums.dot(weighted, data.column(b));
      }
      normal[d][a] = Sums.sum(weighted);
      right[a] = Sums.dot(weighted, y);
    }
    normal[d][d] = mass;
    right[d] = Sums.dot(r, y);
    final double[] line = Cholesky.solve(normal, right, NORMAL_RIDGE);
    System.arraycopy(line, 0, p.slope, i * d, d);
    p.intercept[i] = line[d];
    for (int at = 0; at < weighted.length; at++) {
      double e = y[at] - line[d];
      for (int j = 0; j < d; j++) {
        e -= line[j] * data.column(j)[at];
      }
      weighted[at] = e * e;
    }
    p.variance[i] = Math.max(options.leastVariance(), Sums.dot(r, weighted) / mass);
  }

  /**
   * Moves the gate as long as that does not lower the likelihood.
   *
   * @param before mean log-likelihood with the new experts behind the old gate
   * @return the same behind the new gate, for which the responsibilities now are
   */
  private double maximiseGate(double before) {
    double likelihood = before;
    boolean moved = false;
    for (int step = 0; step < options.newtonSteps() && !gateStep.isFixed(); step++) {
      final Parameters old = p.copy();
      gateStep.newton(evaluation, p, GATE_RIDGE, options.longestStep());
      final Parameters target = p.copy();
      double share = 1;
      double there = evaluate();
      for (int halving = 0; halving < options.halvings() && !(there >= likelihood); halving++) {
        share /= 2;
        gateStep.between(old, target, share, p);
        there = evaluate();
      }
      if (!(there >= likelihood)) {
        p.setGate(old);
        evaluate();
        break;
      }
      likelihood = there;
      moved = true;
    }
    gateRejections += options.newtonSteps() > 0 && !gateStep.isFixed() && !moved ? 1 : 0;
    return likelihood;
  }

  /** The gate's weights with their selection, and responsibilities; the experts are as before. */
  private double evaluate() {
    evaluation.gate(p);
    return evaluation.respond();
  }
}
