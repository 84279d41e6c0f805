package io.steelyard.analysis.mixture;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A mixture of k linear experts with normal noise, weighted by a gate: {@code g(y | x) = sum_i
 * w_i(x) N(y; a_i . x + b_i, s_i)}, s_i a variance.
 *
 * <p>A gate without activation does not change when the same vector is added to all gate slopes, or
 * the same number to all gate biases; the usual form has 0 for both in the last component ({@link
 * #canonical}). With an activation only the biases can be moved. Fits keep the last ones as they
 * are.
 *
 * <p>Source: arXiv 2309.13850, section 1; arXiv 2401.13875, section 2.
 *
 * <pre>{@code
 * GaussianMixtureOfExperts truth =
 *     GaussianMixtureOfExperts.of(
 *         Gate.topK(2),
 *         Component.of(3, 0.5, -4, 3, 0.3),
 *         Component.of(-3, 0, 4, 2, 0.4),
 *         Component.of(0, 0, 1, -3, 0.25));
 * Observations data = truth.sample(1000, -1, 1, new SplittableRandom(7));
 * double fit = truth.logLikelihood(data);
 * }</pre>
 *
 * @param gate how points are shared among experts
 * @param temperature tau, above 0; 1 with a top-k gate
 * @param components the experts, at least one, all of one dimension
 */
public record GaussianMixtureOfExperts(Gate gate, double temperature, List<Component> components) {

  /** Checks the values and copies the list. */
  public GaussianMixtureOfExperts {
    components = List.copyOf(components);
    if (components.isEmpty()
        || components.stream().mapToInt(Component::dimension).distinct().count() != 1) {
      throw new IllegalArgumentException(
          "components are " + components + "; expected at least one, all of one dimension");
    }
    if (!(temperature > 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + "; expected a finite number above 0");
    }
    if (gate instanceof Gate.TopK && temperature != 1) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + "; expected 1 with a top-k gate");
    }
  }

  /** A mixture at temperature 1. */
  public static GaussianMixtureOfExperts of(Gate gate, Component... components) {
    return new GaussianMixtureOfExperts(gate, 1, List.of(components));
  }

  /** The same at another temperature. */
  public GaussianMixtureOfExperts at(double other) {
    return new GaussianMixtureOfExperts(gate, other, components);
  }

  /** The same behind another gate. */
  public GaussianMixtureOfExperts behind(Gate other) {
    return new GaussianMixtureOfExperts(other, temperature, components);
  }

  /**
   * The same density with an expert in two equal copies of half its mass, the second at the end; so
   * it is with a gate that selects both wherever it selected the one.
   */
  public GaussianMixtureOfExperts split(int component) {
    final List<Component> all = new ArrayList<>(components);
    final Component whole = all.get(component);
    final Component half = whole.withGateBias(whole.gateBias() - temperature * Math.log(2));
    all.set(component, half);
    all.add(half);
    return new GaussianMixtureOfExperts(gate, temperature, all);
  }

  /** The mixture without some of its components, at least one of which stays. */
  public GaussianMixtureOfExperts without(Set<Integer> left) {
    return new GaussianMixtureOfExperts(
        gate,
        temperature,
        IntStream.range(0, size())
            .filter(i -> !left.contains(i))
            .mapToObj(components::get)
            .toList());
  }

  /**
   * The same density with gate bias 0 in the last component, and without an activation also gate
   * slope 0.
   */
  public GaussianMixtureOfExperts canonical() {
    final Parameters p = Parameters.of(this);
    final Parameters moved = p.copy();
    final int last = (p.k - 1) * p.d;
    for (int i = 0; i < p.k; i++) {
      moved.gateBias[i] -= p.gateBias[p.k - 1];
      for (int j = 0; j < p.d && hasFreeSlopes(gate); j++) {
        moved.gateSlope[i * p.d + j] -= p.gateSlope[last + j];
      }
    }
    return moved.mixture(gate);
  }

  /** Whether the same vector can be added to all gate slopes without changing the gate. */
  static boolean hasFreeSlopes(Gate gate) {
    return switch (gate) {
      case Gate.TopK _ -> true;
      case Gate.Softened(var activation) ->
          activation == io.steelyard.kernels.gating.ActivationGate.Activation.IDENTITY;
    };
  }

  /** d, the dimension of the points. */
  public int dimension() {
    return components.getFirst().dimension();
  }

  /** k, how many experts there are. */
  public int size() {
    return components.size();
  }

  /** Mass of a component in the mixing measure, {@code exp(b0_i / tau)}. */
  public double mass(int component) {
    return Math.exp(components.get(component).gateBias() / temperature);
  }

  /** The weights of the experts at a point of d coordinates; their sum is 1. */
  public double[] weights(double... x) {
    checkPoint(x);
    final double[] w = new double[size()];
    GateWeights.at(gate, Parameters.of(this), x, w);
    return w;
  }

  /** The density of a response at a point of d coordinates. */
  public double density(double y, double... x) {
    return densities(new double[] {y}, x)[0];
  }

  /** The densities of several responses at one point of d coordinates. */
  public double[] densities(double[] ys, double... x) {
    final double[] w = weights(x);
    final double[] result = new double[ys.length];
    for (int i = 0; i < w.length; i++) {
      final Component component = components.get(i);
      if (w[i] > 0) {
        double mean = component.intercept();
        for (int j = 0; j < x.length; j++) {
          mean += component.slope().get(j) * x[j];
        }
        final double factor = w[i] / Math.sqrt(2 * Math.PI * component.variance());
        final double half = -0.5 / component.variance();
        for (int at = 0; at < ys.length; at++) {
          final double e = ys[at] - mean;
          result[at] += factor * Math.exp(half * e * e);
        }
      }
    }
    return result;
  }

  /**
   * Mean over observations of {@code log g(y | x)}.
   *
   * @throws IllegalArgumentException if the observations have another dimension
   */
  public double logLikelihood(Observations data) {
    return evaluation(data).respond();
  }

  /**
   * The probabilities that an observation came from each expert.
   *
   * @return one row for each observation; its sum is 1
   * @throws IllegalArgumentException if the observations have another dimension
   */
  public double[][] responsibilities(Observations data) {
    final Evaluation evaluation = evaluation(data);
    evaluation.respond();
    final double[][] rows = new double[data.size()][size()];
    for (int i = 0; i < size(); i++) {
      for (int n = 0; n < rows.length; n++) {
        rows[n][i] = evaluation.responsibility(i)[n];
      }
    }
    return rows;
  }

  /**
   * Gradient of {@link #logLikelihood} with respect to all parameters, the selection of a top-k
   * gate held fixed.
   *
   * @throws IllegalArgumentException if the observations have another dimension
   */
  public Gradient gradient(Observations data) {
    final Parameters p = Parameters.of(this);
    final Parameters g = new Parameters(p.d, p.k);
    final Evaluation evaluation = evaluation(data);
    evaluation.respond();
    evaluation.gradient(p, g);
    return new Gradient(
        IntStream.range(0, p.k).mapToObj(i -> g.list(g.gateSlope, i)).toList(),
        boxed(g.gateBias),
        g.temperature,
        IntStream.range(0, p.k).mapToObj(i -> g.list(g.slope, i)).toList(),
        boxed(g.intercept),
        boxed(g.variance));
  }

  /**
   * Draws observations: points uniform in {@code [low, high)^d}, each with a response of this
   * mixture.
   *
   * @param n how many, at least 1
   */
  public Observations sample(int n, double low, double high, RandomGenerator random) {
    if (n < 1 || !(low < high)) {
      throw new IllegalArgumentException(
          "n is "
              + n
              + ", low "
              + low
              + " and high "
              + high
              + "; expected 1 or more, and low < high");
    }
    return Observations.draw(Parameters.of(this), gate, n, low, high, random);
  }

  private Evaluation evaluation(Observations data) {
    final Parameters p = Parameters.of(this);
    final Evaluation evaluation = new Evaluation(gate, data, p);
    evaluation.gate(p);
    evaluation.experts(p);
    return evaluation;
  }

  private void checkPoint(double[] x) {
    if (x.length != dimension()) {
      throw new IllegalArgumentException(
          "x has " + x.length + " coordinates; expected " + dimension());
    }
  }

  private static List<Double> boxed(double[] values) {
    return java.util.Arrays.stream(values).boxed().toList();
  }
}
