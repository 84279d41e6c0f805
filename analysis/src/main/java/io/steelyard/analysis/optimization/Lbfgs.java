package io.steelyard.analysis.optimization;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Limited-memory BFGS: finds a local minimum of a smooth function from its gradients, keeping the
 * last few steps in place of a Hessian.
 *
 * <p>Steps satisfy the strong Wolfe conditions (constants 1e-4 and 0.9), so the function falls at
 * each. Where a step leads to a value that is not finite, shorter ones are tried: a function may
 * return NaN or infinity outside of its domain.
 *
 * <p>Cost: O(m d) a step beside the function's own, d numbers, m steps kept.
 *
 * <p>Source: J. Nocedal and S. Wright, Numerical Optimization, 2nd edition, algorithms 7.4, 7.5,
 * 3.5 and 3.6.
 *
 * <pre>{@code
 * Lbfgs.Minimum minimum =
 *     Lbfgs.minimize(
 *         (x, gradient) -> {
 *           gradient[0] = 2 * (x[0] - 3);
 *           return (x[0] - 3) * (x[0] - 3);
 *         },
 *         new double[] {0},
 *         Lbfgs.Options.DEFAULTS);
 * }</pre>
 */
public final class Lbfgs {

  private static final double ARMIJO = 1e-4;
  private static final double CURVATURE = 0.9;
  private static final int TRIES = 40;

  /** A function with its gradient. */
  @FunctionalInterface
  public interface Objective {

    /**
     * The value at a point.
     *
     * @param x the point; not modified
     * @param gradient modified: all of it is written
     */
    double at(double[] x, double[] gradient);
  }

  /** Hears of each step. */
  @FunctionalInterface
  public interface Steps {

    /** The value after a step, {@code step} counting from 1; 0 with the value at the start. */
    void step(int step, double value);
  }

  /** Why it stopped. */
  public enum Ending {
    /** No entry of the gradient is larger than asked for. */
    CONVERGED,
    /** No step along the last direction makes the value smaller, to rounding. */
    NO_PROGRESS,
    /** The steps were used up. */
    OUT_OF_STEPS
  }

  /**
   * When to stop, and how much to keep.
   *
   * @param gradient converged when no entry of the gradient is larger than this; 0 or more
   * @param steps most steps, 0 or more
   * @param memory how many steps are kept, at least 1
   */
  public record Options(double gradient, int steps, int memory) {

    /** Gradient 1e-8, at most 500 steps, 10 of them kept. */
    public static final Options DEFAULTS = new Options(1e-8, 500, 10);

    /** Checks the numbers. */
    public Options {
      if (!(gradient >= 0) || steps < 0 || memory < 1) {
        throw new IllegalArgumentException(
            "gradient is %s, steps is %d and memory is %d; expected 0 or more, 0 or more and 1 or more"
                .formatted(gradient, steps, memory));
      }
    }
  }

  /**
   * Where it stopped.
   *
   * @param point the point
   * @param value the function's value there
   * @param gradient largest entry of the gradient there, by absolute value
   * @param steps how many steps it took
   * @param evaluations how often the function was evaluated
   * @param ending why it stopped
   */
  public record Minimum(
      List<Double> point,
      double value,
      double gradient,
      int steps,
      int evaluations,
      Ending ending) {

    /** Copies the list. */
    public Minimum {
      point = List.copyOf(point);
    }
  }

  /** A step and what it did to the gradient. */
  private static final class Pair {

    private final double[] s;
    private final double[] y;
    private final double rho;

    Pair(double[] s, double[] y, double rho) {
      this.s = s;
      this.y = y;
      this.rho = rho;
    }
  }

  private final Objective function;
  private final Options options;
  private final Deque<Pair> pairs = new ArrayDeque<>();
  private double[] x;
  private double[] gradient;
  private double value;
  private double[] trial;
  private double[] trialGradient;
  private double trialValue;
  private int evaluations;

  private Lbfgs(Objective function, double[] start, Options options) {
    this.function = function;
    this.options = options;
    this.x = start.clone();
    this.gradient = new double[start.length];
    this.trial = new double[start.length];
    this.trialGradient = new double[start.length];
    this.value = function.at(x, gradient);
    this.evaluations = 1;
  }

  /**
   * A local minimum.
   *
   * @param start where to begin; not modified
   * @throws IllegalArgumentException if the function or its gradient is not finite at the start
   */
  public static Minimum minimize(Objective function, double[] start, Options options) {
    return minimize(function, start, options, (_, _) -> {});
  }

  /** The same, telling of each step. */
  public static Minimum minimize(
      Objective function, double[] start, Options options, Steps listener) {
    final Lbfgs search = new Lbfgs(function, start, options);
    if (!Double.isFinite(search.value) || !Double.isFinite(largest(search.gradient))) {
      throw new IllegalArgumentException(
          "start has value "
              + search.value
              + " and a gradient of up to "
              + largest(search.gradient)
              + "; expected finite ones");
    }
    return search.run(listener);
  }

  private Minimum run(Steps listener) {
    listener.step(0, value);
    int steps = 0;
    while (true) {
      if (largest(gradient) <= options.gradient()) {
        return minimum(steps, Ending.CONVERGED);
      }
      if (steps == options.steps()) {
        return minimum(steps, Ending.OUT_OF_STEPS);
      }
      double[] direction = direction();
      if (!(dot(direction, gradient) < 0)) {
        pairs.clear();
        direction = direction();
      }
      boolean moved = search(direction);
      if (!moved && !pairs.isEmpty()) {
        // What is remembered may point the wrong way; steepest descent gets one chance.
        pairs.clear();
        moved = search(direction());
      }
      if (!moved) {
        return minimum(steps, Ending.NO_PROGRESS);
      }
      accept();
      steps++;
      listener.step(steps, value);
    }
  }

  private Minimum minimum(int steps, Ending ending) {
    return new Minimum(
        Arrays.stream(x).boxed().toList(), value, largest(gradient), steps, evaluations, ending);
  }

  /** Two-loop recursion; the first step is as long as 1 or the gradient. */
  private double[] direction() {
    final double[] q = new double[x.length];
    for (int i = 0; i < q.length; i++) {
      q[i] = -gradient[i];
    }
    if (pairs.isEmpty()) {
      final double scale = 1 / Math.max(1, Math.sqrt(dot(gradient, gradient)));
      for (int i = 0; i < q.length; i++) {
        q[i] *= scale;
      }
      return q;
    }
    final double[] alpha = new double[pairs.size()];
    int at = 0;
    for (final Pair pair : pairs) {
      alpha[at] = pair.rho * dot(pair.s, q);
      add(-alpha[at], pair.y, q);
      at++;
    }
    final Pair newest = pairs.getFirst();
    final double scale = 1 / (newest.rho * dot(newest.y, newest.y));
    for (int i = 0; i < q.length; i++) {
      q[i] *= scale;
    }
    for (final Pair pair : pairs.reversed()) {
      at--;
      add(alpha[at] - pair.rho * dot(pair.y, q), pair.s, q);
    }
    return q;
  }

  /** A step of strong Wolfe along the direction, into the trial point; false if there is none. */
  private boolean search(double[] direction) {
    final double slope = dot(direction, gradient);
    double step = 1;
    double before = 0;
    double valueBefore = value;
    double slopeBefore = slope;
    for (int i = 0; i < TRIES; i++) {
      final double slopeHere = tryStep(direction, step);
      final boolean finite = Double.isFinite(trialValue) && Double.isFinite(slopeHere);
      if (!finite
          || trialValue > value + ARMIJO * step * slope
          || (i > 0 && trialValue >= valueBefore)) {
        return zoom(direction, slope, before, valueBefore, slopeBefore, step, finite, slopeHere);
      }
      if (Math.abs(slopeHere) <= -CURVATURE * slope) {
        return true;
      }
      if (slopeHere >= 0) {
        final double valueHere = trialValue;
        return zoomFrom(
            direction, slope, step, valueHere, slopeHere, before, valueBefore, slopeBefore);
      }
      before = step;
      valueBefore = trialValue;
      slopeBefore = slopeHere;
      step *= 2;
    }
    return trialValue < value;
  }

  private boolean zoom(
      double[] direction,
      double slope,
      double low,
      double valueLow,
      double slopeLow,
      double high,
      boolean finite,
      double slopeHigh) {
    return zoomFrom(
        direction,
        slope,
        low,
        valueLow,
        slopeLow,
        high,
        finite ? trialValue : Double.POSITIVE_INFINITY,
        slopeHigh);
  }

  /** The best step so far at {@code low}; one that satisfies both conditions lies beside it. */
  private boolean zoomFrom(
      double[] direction,
      double slope,
      double startLow,
      double startValueLow,
      double startSlopeLow,
      double startHigh,
      double startValueHigh,
      double startSlopeHigh) {
    double low = startLow;
    double valueLow = startValueLow;
    double slopeLow = startSlopeLow;
    double high = startHigh;
    double valueHigh = startValueHigh;
    double slopeHigh = startSlopeHigh;
    for (int i = 0; i < TRIES && Math.abs(high - low) > 1e-16 * Math.max(low, high); i++) {
      final double step = between(low, valueLow, slopeLow, high, valueHigh, slopeHigh);
      final double slopeHere = tryStep(direction, step);
      final boolean finite = Double.isFinite(trialValue) && Double.isFinite(slopeHere);
      if (!finite || trialValue > value + ARMIJO * step * slope || trialValue >= valueLow) {
        high = step;
        valueHigh = finite ? trialValue : Double.POSITIVE_INFINITY;
        slopeHigh = slopeHere;
      } else {
        if (Math.abs(slopeHere) <= -CURVATURE * slope) {
          return true;
        }
        if (slopeHere * (high - low) >= 0) {
          high = low;
          valueHigh = valueLow;
          slopeHigh = slopeLow;
        }
        low = step;
        valueLow = trialValue;
        slopeLow = slopeHere;
      }
    }
    if (low > 0) {
      tryStep(direction, low);
      return trialValue < value;
    }
    return false;
  }

  /** Minimum of the cubic through both ends, kept away from them; the middle if there is none. */
  private static double between(
      double low,
      double valueLow,
      double slopeLow,
      double high,
      double valueHigh,
      double slopeHigh) {
    final double width = high - low;
    final double middle = low + width / 2;
    if (!Double.isFinite(valueHigh) || !Double.isFinite(slopeHigh)) {
      return low + width / 10;
    }
    final double d1 = slopeLow + slopeHigh - 3 * (valueLow - valueHigh) / (low - high);
    final double square = d1 * d1 - slopeLow * slopeHigh;
    if (!(square >= 0)) {
      return middle;
    }
    final double d2 = Math.signum(width) * Math.sqrt(square);
    final double cubic = high - width * (slopeHigh + d2 - d1) / (slopeHigh - slopeLow + 2 * d2);
    final double near = low + 0.1 * width;
    final double far = low + 0.9 * width;
    final boolean inside = cubic >= Math.min(near, far) && cubic <= Math.max(near, far);
    return inside ? cubic : middle;
  }

  private double tryStep(double[] direction, double step) {
    for (int i = 0; i < x.length; i++) {
      trial[i] = x[i] + step * direction[i];
    }
    trialValue = function.at(trial, trialGradient);
    evaluations++;
    return dot(direction, trialGradient);
  }

  private void accept() {
    final double[] s = new double[x.length];
    final double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      s[i] = trial[i] - x[i];
      y[i] = trialGradient[i] - gradient[i];
    }
    final double sy = dot(s, y);
    if (sy > 1e-300 && sy > 1e-16 * Math.sqrt(dot(s, s) * dot(y, y))) {
      pairs.addFirst(new Pair(s, y, 1 / sy));
      if (pairs.size() > options.memory()) {
        pairs.removeLast();
      }
    }
    final double[] oldX = x;
    final double[] oldGradient = gradient;
    x = trial;
    gradient = trialGradient;
    value = trialValue;
    trial = oldX;
    trialGradient = oldGradient;
  }

  private static double largest(double[] values) {
    double largest = 0;
    for (final double v : values) {
      largest = Double.isNaN(v) ? v : Math.max(largest, Math.abs(v));
    }
    return largest;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static void add(double factor, double[] from, double[] to) {
    for (int i = 0; i < to.length; i++) {
      to[i] += factor * from[i];
    }
  }
}
