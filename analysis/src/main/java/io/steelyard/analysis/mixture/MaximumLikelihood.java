package io.steelyard.analysis.mixture;

import io.steelyard.analysis.optimization.Lbfgs;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Fits a mixture with a temperature by its gradient: L-BFGS on all parameters at once, tau and
 * variances by their logarithms. The last gate bias, and without an activation the last gate slope,
 * stay as they are, which identifies the gate.
 *
 * <p>Without an activation, or with ReLU, the likelihood has a flat ridge: slopes, biases and tau
 * times one number. The fit keeps about the scale it starts from.
 *
 * <p>Cost: O(n k d) an evaluation, of which a step takes one or two.
 *
 * <p>Source: arXiv 2401.13875, sections 2 and 3.
 *
 * <pre>{@code
 * GaussianMixtureOfExperts start =
 *     GaussianMixtureOfExperts.of(
 *             Gate.activation(ActivationGate.Activation.SIGMOID),
 *             Component.of(6, -0.2, 1.5, 1, 0.25),
 *             Component.of(1, 0, -1, -2, 0.4))
 *         .at(0.3);
 * Fit fit = MaximumLikelihood.fit(start, start.sample(500, -2, 2, random), Lbfgs.Options.DEFAULTS);
 * }</pre>
 */
public final class MaximumLikelihood {

  private final Gate gate;
  private final Evaluation evaluation;
  private final Parameters start;
  private final List<Slot> slots = new ArrayList<>();
  private final Parameters gradient;

  /** A parameter that is fitted: where it is, and whether by its logarithm. */
  private record Slot(Kind kind, int index) {}

  private enum Kind {
    GATE_SLOPE,
    GATE_BIAS,
    TEMPERATURE,
    SLOPE,
    INTERCEPT,
    VARIANCE
  }

  private MaximumLikelihood(GaussianMixtureOfExperts mixture, Observations data) {
    this.gate = mixture.gate();
    this.start = Parameters.of(mixture);
    this.evaluation = new Evaluation(gate, data, start);
    this.gradient = new Parameters(start.d, start.k);
    for (int i = 0; i < start.k; i++) {
      final boolean last = i == start.k - 1;
      for (int j = 0; j < start.d; j++) {
        final int at = i * start.d + j;
        if (start.gateSlope[at] != 0 && !(last && GaussianMixtureOfExperts.hasFreeSlopes(gate))) {
          slots.add(new Slot(Kind.GATE_SLOPE, at));
        }
        slots.add(new Slot(Kind.SLOPE, at));
      }
      if (!last) {
        slots.add(new Slot(Kind.GATE_BIAS, i));
      }
      slots.add(new Slot(Kind.INTERCEPT, i));
      slots.add(new Slot(Kind.VARIANCE, i));
    }
    if (start.k > 1) {
      slots.add(new Slot(Kind.TEMPERATURE, 0));
    }
  }

  /**
   * Fits from a start.
   *
   * @throws IllegalArgumentException if the gate is top-k, whose likelihood jumps where the
   *     selection changes, or the observations have another dimension
   */
  public static Fit fit(GaussianMixtureOfExperts start, Observations data, Lbfgs.Options options) {
    if (start.gate() instanceof Gate.TopK) {
      throw new IllegalArgumentException(
          "gate is " + start.gate() + "; expected one with a temperature: fit top-k gates by EM");
    }
    return new MaximumLikelihood(start, data).run(options);
  }

  private Fit run(Lbfgs.Options options) {
    final double[] from = new double[slots.size()];
    for (int i = 0; i < from.length; i++) {
      final double value = get(start, slots.get(i));
      from[i] = isPositive(slots.get(i)) ? Math.log(value) : value;
    }
    final List<Double> trace = new ArrayList<>();
    final Lbfgs.Minimum minimum =
        Lbfgs.minimize(this::loss, from, options, (_, value) -> trace.add(-value));
    final Fit.Ending ending =
        switch (minimum.ending()) {
          case CONVERGED -> Fit.Ending.CONVERGED;
          case NO_PROGRESS -> Fit.Ending.NO_PROGRESS;
          case OUT_OF_STEPS -> Fit.Ending.OUT_OF_ITERATIONS;
        };
    return new Fit(at(point(minimum)).mixture(gate), trace, ending, 0, Set.of());
  }

  private static double[] point(Lbfgs.Minimum minimum) {
    return minimum.point().stream().mapToDouble(Double::doubleValue).toArray();
  }

  private double loss(double[] x, double[] slope) {
    final Parameters p = at(x);
    evaluation.gate(p);
    evaluation.experts(p);
    final double value = -evaluation.respond();
    evaluation.gradient(p, gradient);
    for (int i = 0; i < x.length; i++) {
      final Slot slot = slots.get(i);
      slope[i] = -get(gradient, slot) * (isPositive(slot) ? get(p, slot) : 1);
    }
    return value;
  }

  private Parameters at(double[] x) {
    final Parameters p = start.copy();
    for (int i = 0; i < x.length; i++) {
      final Slot slot = slots.get(i);
      final double value = isPositive(slot) ? Math.exp(x[i]) : x[i];
      switch (slot.kind()) {
        case GATE_SLOPE -> p.gateSlope[slot.index()] = value;
        case GATE_BIAS -> p.gateBias[slot.index()] = value;
        case TEMPERATURE -> p.temperature = value;
        case SLOPE -> p.slope[slot.index()] = value;
        case INTERCEPT -> p.intercept[slot.index()] = value;
        case VARIANCE -> p.variance[slot.index()] = value;
      }
    }
    return p;
  }

  private static double get(Parameters p, Slot slot) {
    return switch (slot.kind()) {
      case GATE_SLOPE -> p.gateSlope[slot.index()];
      case GATE_BIAS -> p.gateBias[slot.index()];
      case TEMPERATURE -> p.temperature;
      case SLOPE -> p.slope[slot.index()];
      case INTERCEPT -> p.intercept[slot.index()];
      case VARIANCE -> p.variance[slot.index()];
    };
  }

  private static boolean isPositive(Slot slot) {
    return slot.kind() == Kind.TEMPERATURE || slot.kind() == Kind.VARIANCE;
  }
}
