package io.steelyard.papers.reproduction;

import io.steelyard.analysis.mixture.Component;
import io.steelyard.analysis.mixture.ExpectationMaximization;
import io.steelyard.analysis.mixture.Fit;
import io.steelyard.analysis.mixture.Gate;
import io.steelyard.analysis.mixture.GaussianMixtureOfExperts;
import io.steelyard.analysis.mixture.Hellinger;
import io.steelyard.analysis.mixture.MaximumLikelihood;
import io.steelyard.analysis.mixture.Observations;
import io.steelyard.analysis.mixture.VoronoiLoss;
import io.steelyard.analysis.optimization.Lbfgs;
import io.steelyard.analysis.trials.Trials;
import io.steelyard.kernels.gating.ActivationGate.Activation;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.MeanRule;
import io.steelyard.papers.claim.MeanRule.Condition;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Paper 32, arXiv 2401.13875: a temperature learnt together with a linear gate is not found by
 * maximum likelihood, and one learnt together with an activation inside the gate is.
 *
 * <p>Data come from known mixtures behind four gates that differ in their activation. Fits start
 * within 20 % of the truth.
 */
public final class TemperatureMoeReproduction implements Reproduction {

  private static final double START_NOISE = .2;
  private static final double LIMIT = 2;

  /** Density points and directions in several dimensions; nothing that is claimed depends on it. */
  private static final long POINTS_SEED = 20_240_124;

  /** The four gates, each with its true parameters. */
  enum GateKind {
    IDENTITY("identity", Activation.IDENTITY, .5),
    SIGMOID("sigmoid", Activation.SIGMOID, .3),
    TANH("tanh", Activation.TANH, .6),
    RELU("ReLU", Activation.RELU, .6);

    private final String label;
    private final Activation activation;
    private final double temperature;

    GateKind(String label, Activation activation, double temperature) {
      this.label = label;
      this.activation = activation;
      this.temperature = temperature;
    }

    /** Gate slopes of two experts, which are the page's, or of four. */
    private double[] slopes(int k) {
      final boolean two = k == 2;
      return switch (this) {
        case IDENTITY -> two ? new double[] {1, 0} : new double[] {1, -1, .5, 0};
        case SIGMOID -> two ? new double[] {6, 1} : new double[] {6, -4, 3, 1};
        case TANH -> two ? new double[] {3, .5} : new double[] {3, -2, 1.5, .5};
        case RELU -> two ? new double[] {1.5, -1} : new double[] {1.5, .7, -.5, -1};
      };
    }

    private double[] biases(int k) {
      final double sign = this == IDENTITY ? 1 : -1;
      return k == 2
          ? new double[] {sign * .2, 0}
          : new double[] {sign * .2, -sign * .1, sign * .1, 0};
    }

    /**
     * The true mixture. In several dimensions gate and experts look along two fixed directions of
     * length 1; the page has only one dimension and two experts.
     */
    GaussianMixtureOfExperts truth(int d, int k) {
      final double[] slopes = slopes(k);
      final double[] biases = biases(k);
      final List<Component> components = new ArrayList<>();
      for (int i = 0; i < k; i++) {
        components.add(
            new Component(
                along(slopes[i], d, true),
                biases[i],
                along(SLOPES[i], d, false),
                INTERCEPTS[i],
                VARIANCES[i]));
      }
      return new GaussianMixtureOfExperts(Gate.activation(activation), temperature, components);
    }

    private static List<Double> along(double value, int d, boolean alternating) {
      return IntStream.range(0, d)
          .mapToObj(j -> value * (alternating && j % 2 == 1 ? -1 : 1) / Math.sqrt(d))
          .toList();
    }
  }

  private static final double[] SLOPES = {1.5, -1, .8, -.5};
  private static final double[] INTERCEPTS = {1, -2, 3.5, -4.5};
  private static final double[] VARIANCES = {.25, .4, .3, .2};

  /** What is measured of a fit. */
  enum Measure {
    GATE("gate error"),
    TEMPERATURE("temperature error"),
    EXPERT("expert error"),
    HELLINGER("Hellinger"),
    RATIO("error of slope over temperature"),
    LOSS("Voronoi loss"),
    DOUBLED("expert error in the doubled cell"),
    SINGLE("expert error in single cells");

    private final String label;

    Measure(String label) {
      this.label = label;
    }
  }

  /** How a mixture is fitted. */
  private enum Method {
    GRADIENT,
    EM
  }

  /**
   * One line of the experiment: a gate in a setting, with the right number of experts or one more.
   */
  private record Arm(GateKind gate, int d, int k, boolean over, Method method) {

    static Arm main(GateKind gate) {
      return new Arm(gate, 1, 2, false, Method.GRADIENT);
    }

    /** Named by the gate alone in the page's own setting. */
    String label() {
      return gate.label
          + (d == 1 && k == 2 ? "" : ", d " + d + ", k " + k)
          + (over ? ", an expert too many" : "")
          + (method == Method.EM ? ", EM" : "");
    }

    String error(Measure error) {
      return label() + ": " + error.label;
    }
  }

  /** How much is run at a scale. */
  private record Plan(
      List<Integer> sizes,
      int repetitions,
      List<Integer> overSizes,
      int overRepetitions,
      List<Arm> arms,
      Lbfgs.Options options) {

    static Plan of(Scale scale) {
      final List<Arm> main = Arrays.stream(GateKind.values()).map(Arm::main).toList();
      final Arm doubled = new Arm(GateKind.SIGMOID, 1, 2, true, Method.GRADIENT);
      final List<Arm> withDoubled = Stream.concat(main.stream(), Stream.of(doubled)).toList();
      return switch (scale) {
        case SMOKE ->
            new Plan(
                List.of(300, 1000),
                2,
                List.of(300, 1000),
                2,
                withDoubled,
                new Lbfgs.Options(1e-8, 50, 10));
        case QUICK ->
            new Plan(
                List.of(300, 1000, 3000, 10_000, 30_000),
                16,
                List.of(300, 1000, 3000, 10_000),
                8,
                withDoubled,
                Lbfgs.Options.DEFAULTS);
        case FULL -> {
          final List<Integer> sizes = List.of(300, 1000, 3000, 10_000, 30_000, 100_000);
          yield new Plan(sizes, 40, sizes, 40, fullArms(), Lbfgs.Options.DEFAULTS);
        }
      };
    }

    private static List<Arm> fullArms() {
      final List<Arm> arms = new ArrayList<>();
      for (final Method method : Method.values()) {
        for (final boolean over : new boolean[] {false, true}) {
          for (final int d : new int[] {1, 8}) {
            for (final int k : new int[] {2, 4}) {
              for (final GateKind gate : GateKind.values()) {
                arms.add(new Arm(gate, d, k, over, method));
              }
            }
          }
        }
      }
      return arms;
    }

    List<Integer> sizes(Arm arm) {
      return arm.over() ? overSizes : sizes;
    }

    int repetitions(Arm arm) {
      return arm.over() ? overRepetitions : repetitions;
    }
  }

  private record Job(Arm arm, int size, int repetition) {

    String purpose() {
      return arm.label() + " n " + size + " repetition " + repetition;
    }
  }

  private record Outcome(Job job, Map<Measure, Double> errors) {

    double error(Measure error) {
      return errors.get(error);
    }
  }

  @Override
  public String paper() {
    return "temperature-moe";
  }

  @Override
  public String design() {
    return "Data are drawn from known mixtures of two linear experts behind gates with a temperature that"
        + " differ in what their scores pass through: nothing, sigmoid, tanh, ReLU. All parameters are"
        + " fitted together by maximum likelihood (L-BFGS) on samples of growing size, from starts"
        + " within 20 % of the truth. Slopes are of the median error over repetitions, in logarithms;"
        + " an error of order n^(-1/2) has slope -0.5. With the identity or ReLU the likelihood does not"
        + " change when slopes, biases and temperature are multiplied by one number, so a fit keeps"
        + " about the scale it starts from: that its error does not shrink is the phenomenon, not"
        + " noise.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity identity = slope(GateKind.IDENTITY, Measure.TEMPERATURE);
    final Quantity sigmoid = slope(GateKind.SIGMOID, Measure.TEMPERATURE);
    final String identityWords = "slope of the identity gate's temperature error";
    final String sigmoidWords = "slope of the sigmoid gate's temperature error";
    return List.of(
        Claim.named("linear-gate-hides-temperature")
            .states("Behind a linear gate a learnt temperature is not found at any usual rate")
            .published("slower than any polynomial rate, possibly 1 / log n")
            .measures("slope of the temperature error against n, identity gate")
            .decidedBy(
                identity,
                MeanRule.holdsIf(Condition.above(identityWords, identity, -.25))
                    .falsifiedIf(Condition.below(identityWords, identity, -.35))),
        Claim.named("activation-shows-temperature")
            .states("With an activation inside the gate, temperature and gate are found")
            .published("rate n^(-1/2) for all parameters with the right number of experts")
            .measures("slope of the temperature error against n, sigmoid gate")
            .decidedBy(
                sigmoid,
                MeanRule.holdsIf(
                        Condition.below(sigmoidWords, sigmoid, -.35),
                        below(GateKind.SIGMOID, Measure.GATE),
                        below(GateKind.TANH, Measure.TEMPERATURE),
                        below(GateKind.TANH, Measure.GATE))
                    .falsifiedIf(Condition.above(sigmoidWords, sigmoid, -.25))),
        Claim.named("density-and-experts-at-root-n")
            .states("Density and experts are found at n^(-1/2) behind every gate")
            .published("rate (log n / n)^(1/2) for the density")
            .measures("slope of the Hellinger distance against n, identity gate")
            .decidedBy(
                slope(GateKind.IDENTITY, Measure.HELLINGER),
                MeanRule.holdsIf(
                    Arrays.stream(GateKind.values())
                        .flatMap(
                            gate ->
                                Stream.of(Measure.HELLINGER, Measure.EXPERT)
                                    .map(
                                        error ->
                                            Condition.within(
                                                words(gate, error), slope(gate, error), -.7, -.4)))
                        .toArray(Condition[]::new))));
  }

  private static Condition below(GateKind gate, Measure error) {
    return Condition.below(words(gate, error), slope(gate, error), -.35);
  }

  private static String words(GateKind gate, Measure error) {
    return "slope of the " + gate.label + " gate's " + error.label;
  }

  private static Quantity slope(GateKind gate, Measure error) {
    return Rates.slopeOf(error(gate, error));
  }

  /** Under which name an error in the page's own setting is recorded. */
  static String error(GateKind gate, Measure error) {
    return Arm.main(gate).error(error);
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("known mixtures", "drawn by the run from its seed");
    experiment.setting("sizes", Rates.text(plan.sizes()));
    experiment.setting("repetitions", Integer.toString(plan.repetitions()));
    experiment.setting("sizes, an expert too many", Rates.text(plan.overSizes()));
    experiment.setting("repetitions, an expert too many", Integer.toString(plan.overRepetitions()));
    experiment.setting(
        "L-BFGS",
        "gradient below "
            + Quantity.number(plan.options().gradient())
            + " or "
            + plan.options().steps()
            + " steps");
    experiment.setting("start", "truth times exp(0.2 N(0, 1)), each parameter");
    final List<Job> jobs = jobs(plan);
    experiment.steps(jobs.size());
    final List<Outcome> outcomes =
        Trials.run(
            jobs.size(),
            i -> fit(experiment, plan, jobs.get(i)),
            (i, _) ->
                experiment.step(
                    String.format(
                        Locale.ROOT,
                        "%s fit at n = %,d",
                        jobs.get(i).arm().label(),
                        jobs.get(i).size())));
    for (final Arm arm : plan.arms()) {
      record(experiment, plan, arm, outcomes);
    }
  }

  /** Large samples first, so that no core is left with one at the end. */
  private static List<Job> jobs(Plan plan) {
    return plan.arms().stream()
        .flatMap(
            arm ->
                plan.sizes(arm).stream()
                    .flatMap(
                        n ->
                            IntStream.range(0, plan.repetitions(arm))
                                .mapToObj(repetition -> new Job(arm, n, repetition))))
        .sorted(Comparator.comparingInt(Job::size).reversed())
        .toList();
  }

  private static Outcome fit(Experiment experiment, Plan plan, Job job) {
    final Arm arm = job.arm();
    final RandomGenerator random = experiment.random(job.purpose());
    final GaussianMixtureOfExperts truth = arm.gate().truth(arm.d(), arm.k());
    final Observations data = truth.sample(job.size(), -LIMIT, LIMIT, random);
    final GaussianMixtureOfExperts start =
        start(arm.over() ? truth.split(0) : truth, arm.over(), random);
    final Fit fit =
        switch (arm.method()) {
          case GRADIENT -> MaximumLikelihood.fit(start, data, plan.options());
          case EM ->
              ExpectationMaximization.fit(
                  start, data, ExpectationMaximization.Options.DEFAULTS.until(1e-10, 2000));
        };
    return new Outcome(job, errors(arm, truth, fit.occupied()));
  }

  /** Every parameter times exp(0.2 N(0, 1)), so that zeros stay. */
  private static GaussianMixtureOfExperts start(
      GaussianMixtureOfExperts truth, boolean over, RandomGenerator random) {
    final List<Component> noisy = new ArrayList<>();
    for (final Component c : truth.components()) {
      noisy.add(
          new Component(
              c.gateSlope().stream().map(v -> v * factor(random)).toList(),
              c.gateBias() * factor(random),
              c.slope().stream().map(v -> v * factor(random)).toList(),
              c.intercept() * factor(random),
              c.variance() * factor(random)));
    }
    // The copy of a split expert comes last; the one whose gate is fixed has to be there.
    if (over) {
      noisy.add(noisy.size() - 2, noisy.removeLast());
    }
    return new GaussianMixtureOfExperts(truth.gate(), truth.temperature() * factor(random), noisy);
  }

  private static double factor(RandomGenerator random) {
    return Math.exp(START_NOISE * random.nextGaussian());
  }

  private static Map<Measure, Double> errors(
      Arm arm, GaussianMixtureOfExperts truth, GaussianMixtureOfExperts fitted) {
    final double temperature = Math.abs(fitted.temperature() - truth.temperature());
    final double hellinger = metric(arm.d()).distance(truth, fitted);
    if (arm.over()) {
      final VoronoiLoss loss = VoronoiLoss.activationOverSpecified(truth, fitted);
      return Map.of(
          Measure.TEMPERATURE,
          temperature,
          Measure.HELLINGER,
          hellinger,
          Measure.LOSS,
          loss.value(),
          Measure.DOUBLED,
          Rates.cellError(truth, fitted, loss, true),
          Measure.SINGLE,
          Rates.cellError(truth, fitted, loss, false));
    }
    double gate = temperature;
    double experts = 0;
    for (int i = 0; i < truth.size(); i++) {
      final Component f = fitted.components().get(i);
      final Component t = truth.components().get(i);
      gate += distance(f.gateSlope(), t.gateSlope(), 1, 1) + Math.abs(f.gateBias() - t.gateBias());
      experts += VoronoiLoss.expertError(f, t);
    }
    final double ratio =
        distance(
            fitted.components().getFirst().gateSlope(),
            truth.components().getFirst().gateSlope(),
            fitted.temperature(),
            truth.temperature());
    return Map.of(
        Measure.TEMPERATURE,
        temperature,
        Measure.GATE,
        gate,
        Measure.EXPERT,
        experts,
        Measure.HELLINGER,
        hellinger,
        Measure.RATIO,
        ratio,
        Measure.LOSS,
        VoronoiLoss.firstOrder(truth, fitted).value());
  }

  /** {@code |a / s - b / t|}. */
  private static double distance(List<Double> a, List<Double> b, double s, double t) {
    double squares = 0;
    for (int j = 0; j < a.size(); j++) {
      final double away = a.get(j) / s - b.get(j) / t;
      squares += away * away;
    }
    return Math.sqrt(squares);
  }

  private static Hellinger metric(int d) {
    if (d == 1) {
      return Hellinger.onLine(20, -1.95, 1.95, -8, 8, 900);
    }
    final RandomGenerator random = new SplittableRandom(POINTS_SEED);
    final List<List<Double>> points =
        IntStream.range(0, 20)
            .mapToObj(_ -> random.doubles(d, -1.95, 1.95).boxed().toList())
            .toList();
    return new Hellinger(points, -14, 14, 1600);
  }

  private static void record(Experiment experiment, Plan plan, Arm arm, List<Outcome> outcomes) {
    final List<Measure> measured =
        outcomes.stream()
            .filter(outcome -> outcome.job().arm().equals(arm))
            .findFirst()
            .map(outcome -> outcome.errors().keySet().stream().sorted().toList())
            .orElseThrow();
    for (final Measure error : measured) {
      final ToDoubleFunction<Outcome> value = outcome -> outcome.error(error);
      final double[][] errors =
          plan.sizes(arm).stream()
              .map(
                  n ->
                      outcomes.stream()
                          .filter(o -> o.job().arm().equals(arm) && o.job().size() == n)
                          .sorted(Comparator.comparingInt(o -> o.job().repetition()))
                          .mapToDouble(value)
                          .toArray())
              .toArray(double[][]::new);
      Rates.record(experiment, arm.error(error), plan.sizes(arm), errors);
    }
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final Arm doubled = new Arm(GateKind.SIGMOID, 1, 2, true, Method.GRADIENT);
    return List.of(
        byGate(
            "Error of the temperature against sample size",
            "Points are medians over repetitions, with the range between seeds; lines are fitted to all"
                + " of them, with the slope's bootstrap interval. The dashed line has the slope of a"
                + " parameter that is found at the usual rate. Identity and ReLU are homogeneous: their"
                + " temperature stays about as far off as it was at the start.",
            "error of the temperature",
            runs,
            Measure.TEMPERATURE),
        byGate(
            "Error of the gate against sample size",
            "Slopes, biases and temperature together.",
            "error of the gate",
            runs,
            Measure.GATE),
        byGate(
            "Error of the density against sample size",
            "Behind every gate the density is found, whatever happens to the gate's parameters.",
            "Hellinger distance",
            runs,
            Measure.HELLINGER),
        byGate(
            "Error of slope over temperature",
            "The ratio is all that a homogeneous gate shows of its slope and temperature, and it is"
                + " found.",
            "error of the ratio",
            runs,
            Measure.RATIO),
        figure(
            "An expert too many behind a sigmoid gate",
            "Three experts fitted to two, one of which is doubled at the start: error of slope,"
                + " intercept and variance in the cell with two fitted experts and in the other. For"
                + " exploration; nothing is claimed of it here.",
            "error of the experts",
            List.of(
                Rates.curves(runs, "doubled cell", doubled.error(Measure.DOUBLED)),
                Rates.curves(runs, "single cell", doubled.error(Measure.SINGLE)))));
  }

  private static Figure byGate(
      String title, String caption, String axis, List<Run> runs, Measure error) {
    return figure(
        title,
        caption,
        axis,
        Arrays.stream(GateKind.values())
            .map(gate -> Rates.curves(runs, gate.label, error(gate, error)))
            .toList());
  }

  private static Figure figure(
      String title, String caption, String axis, List<List<Curve>> curves) {
    return new Figure(
        title,
        caption,
        Axis.log10(Rates.SIZE),
        Axis.log10(axis),
        Stream.concat(
                curves.stream().flatMap(List::stream),
                Stream.of(Rates.theorem("n^(-1/2)", -.5, curves.getLast().getFirst())))
            .toList());
  }
}
