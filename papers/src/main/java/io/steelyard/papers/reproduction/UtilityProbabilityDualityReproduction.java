package io.steelyard.papers.reproduction;

import io.steelyard.analysis.utility.Decisions;
import io.steelyard.analysis.utility.InverseTemperature;
import io.steelyard.analysis.utility.Isotonic;
import io.steelyard.analysis.utility.OrderAgreement;
import io.steelyard.analysis.utility.ProbabilityTransform;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criterion;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Region;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.task.PairTransduction;
import io.steelyard.papers.task.PairTransduction.Pairs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.ContinuousDistribution;
import org.apache.commons.statistics.distribution.GammaDistribution;

/**
 * Paper 38, arXiv 2305.14859: are the outputs of a softmax network utilities, right in their order
 * before they are right as probabilities?
 *
 * <p>Sequences are transduced by networks whose probabilities are off for a known reason, then by
 * probabilities that are fitted anew from the same scores. The transform is derived: the paper's
 * own was not at hand.
 */
public final class UtilityProbabilityDualityReproduction implements Reproduction {

  private static final int LENGTH = 10;
  private static final double CONCENTRATION = 0.3;
  private static final String CONCORDANCE = "concordance";
  private static final String KL = "KL from the truth";
  private static final String AGREEMENT = "top-1 agreement";

  /** A way to train, and what the probabilities are fitted on. */
  private enum Setting {
    SMOOTHED("smoothing 0.1", 0.1, 0),
    SMOOTHED_MORE("smoothing 0.3", 0.3, 0),
    NOISY("noisy targets", 0, 0.2),
    CONTROL("noisy targets and noisy fit", 0, 0.2);

    private final String label;
    private final double smoothing;
    private final double noise;

    Setting(String label, double smoothing, double noise) {
      this.label = label;
      this.smoothing = smoothing;
      this.noise = noise;
    }

    String greedy() {
      return label + ": right sequences, greedy";
    }

    String sampling(Reading reading) {
      return label + ": right sequences, sampling from " + reading.label;
    }

    String likelihood(Reading reading) {
      return label + ": negative log-likelihood, " + reading.label;
    }

    String beta() {
      return label + ": inverse temperature";
    }

    /** What the fitted probabilities add to the sampled sequences that are right. */
    double gain(Run run) {
      return run.metric(sampling(Reading.FITTED)) - run.metric(sampling(Reading.SOFTMAX));
    }
  }

  /** How scores become probabilities. */
  private enum Reading {
    SOFTMAX("softmax"),
    FITTED("fitted temperature"),
    RANKED("fitted ranks"),
    ISOTONIC("isotonic regression");

    private final String label;

    Reading(String label) {
      this.label = label;
    }

    ProbabilityTransform fit(double[][] utilities, int[] chosen) {
      return switch (this) {
        case SOFTMAX -> ProbabilityTransform.identity();
        case FITTED ->
            ProbabilityTransform.boltzmann(InverseTemperature.fit(utilities, chosen).beta());
        case RANKED -> {
          final double[][] ranks =
              Arrays.stream(utilities)
                  .map(ProbabilityTransform.Ranked::negativeRanks)
                  .toArray(double[][]::new);
          final double beta = InverseTemperature.fit(ranks, chosen).beta();
          yield utility ->
              ProbabilityTransform.boltzmann(beta)
                  .probabilities(ProbabilityTransform.Ranked.negativeRanks(utility));
        }
        case ISOTONIC -> Isotonic.fit(utilities, chosen);
      };
    }
  }

  /** A way to train on targets that are drawn. */
  private enum Drawn {
    PLAIN("no smoothing", 0),
    SMOOTHED("smoothing 0.1", 0.1);

    private final String label;
    private final double smoothing;

    Drawn(String label, double smoothing) {
      this.label = label;
      this.smoothing = smoothing;
    }

    String halfway(String what) {
      return what + " halfway, " + label;
    }

    String end(String what) {
      return what + " at the end, " + label;
    }

    String curve(String what) {
      return what + ", " + label;
    }
  }

  /** How much is run at a scale. */
  private record Plan(
      int symbols, int train, int dev, int test, int draws, int epochs, int fewEpochs, int pairs) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(6, 60, 50, 50, 2, 4, 2, 300);
        case QUICK -> new Plan(30, 1500, 200, 500, 5, 40, 12, 15_000);
        case FULL -> new Plan(100, 50_000, 2000, 5000, 5, 40, 12, 500_000);
      };
    }

    int batch() {
      return Math.min(500, pairs / 3);
    }

    int half() {
      return epochs / 2;
    }
  }

  @Override
  public String paper() {
    return "utility-probability-duality";
  }

  @Override
  public String design() {
    return "A network learns to transduce sequences by a random table of pairs, with smoothed labels or"
        + " with noise in its targets, which makes its probabilities wrong on purpose. Greedy decoding"
        + " asks for the order of scores only; sampling asks for probabilities, those of the softmax or"
        + " those fitted on clean held-out sequences by one temperature, by ranks or by isotonic"
        + " regression. Then targets are drawn from known probabilities, and order and values are"
        + " compared with them epoch by epoch.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity lift =
        new Quantity(
            "",
            run ->
                Arrays.stream(Setting.values())
                    .filter(setting -> setting != Setting.CONTROL)
                    .mapToDouble(setting -> setting.gain(run))
                    .min()
                    .orElseThrow());
    final Quantity rise =
        Quantity.difference("", 1, Drawn.PLAIN.end(CONCORDANCE), Drawn.PLAIN.halfway(CONCORDANCE));
    return List.of(
        Claim.named("fitted-probabilities-sample-better")
            .states(
                "Scores are right in their order; rules that need probabilities gain from fitting"
                    + " them anew (derived transform)")
            .published("double-digit improvements on language generation")
            .measures(
                "share of right sequences when sampling from fitted probabilities, less when sampling"
                    + " from the softmax; the setting that gains least")
            .decidedBy(lift, liftRule()),
        Claim.named("order-and-values-come-apart")
            .states("Training goes on to improve the order when it makes the probabilities worse")
            .measures("concordance at epoch 40 less that at epoch 20, without smoothing")
            .decidedBy(rise, apartRule()));
  }

  private static double mean(List<Run> runs, String metric) {
    return Summary.MEAN.of(runs.stream().mapToDouble(run -> run.metric(metric)).toArray());
  }

  /** The page's first rule, on means over seeds. */
  private static Criterion liftRule() {
    final Criterion rule =
        runs -> {
          final List<String> numbers = new ArrayList<>();
          boolean holds = true;
          boolean falsified = false;
          for (final Setting setting : Setting.values()) {
            final double greedy = mean(runs, setting.greedy());
            final double raw = mean(runs, setting.sampling(Reading.SOFTMAX));
            final double fitted = mean(runs, setting.sampling(Reading.FITTED));
            numbers.add(
                "%s: greedy %s, softmax %s, fitted %s"
                    .formatted(
                        setting.label,
                        Quantity.number(greedy),
                        Quantity.number(raw),
                        Quantity.number(fitted)));
            if (setting == Setting.CONTROL) {
              final double beta = mean(runs, setting.beta());
              numbers.add("its inverse temperature " + Quantity.number(beta));
              holds &= Math.abs(beta - 1) <= 0.25 && Math.abs(fitted - raw) <= 0.02;
              falsified |= fitted - raw > 0.02;
            } else {
              holds &= greedy >= 0.95 && raw < greedy - 0.10 && fitted >= raw + 0.10;
              falsified |= raw >= greedy || fitted <= raw;
            }
          }
          final String text = String.join("; ", numbers);
          return falsified
              ? new Verdict.DoesNotHold(text)
              : holds ? new Verdict.Holds(text) : new Verdict.Inconclusive(text);
        };
    return rule.saying(
            "holds if, in means over seeds and in every setting but the control, greedy decoding gets"
                + " 0.95 of the sequences right, sampling from the softmax 0.10 fewer, and sampling"
                + " from fitted probabilities 0.10 more than that; and if in the control the inverse"
                + " temperature is within 0.25 of 1 and the gain within 0.02 of 0; falsified if"
                + " sampling from the softmax is as good as greedy decoding, if fitting does not help,"
                + " or if the control gains more than 0.02; else inconclusive")
        .holdingIn(Region.from(0.10));
  }

  /** The page's second rule, on means over seeds. */
  private static Criterion apartRule() {
    final Criterion rule =
        runs -> {
          final double rise =
              mean(runs, Drawn.PLAIN.end(CONCORDANCE))
                  - mean(runs, Drawn.PLAIN.halfway(CONCORDANCE));
          final double worse =
              mean(runs, Drawn.PLAIN.end(KL)) - mean(runs, Drawn.PLAIN.halfway(KL));
          final double order =
              mean(runs, Drawn.PLAIN.end(CONCORDANCE))
                  - mean(runs, Drawn.SMOOTHED.end(CONCORDANCE));
          final double values =
              mean(runs, Drawn.PLAIN.end(KL)) - mean(runs, Drawn.SMOOTHED.end(KL));
          final String numbers =
              "in the second half of training concordance changes by %s and KL by %s; smoothing changes them by %s and %s"
                  .formatted(
                      Quantity.number(rise),
                      Quantity.number(worse),
                      Quantity.number(-order),
                      Quantity.number(-values));
          if (Double.isNaN(rise + worse + order + values)) {
            return new Verdict.Inconclusive(numbers + " (not a number)");
          }
          final boolean inTime = rise > 0 && worse > 0;
          final boolean bySmoothing = Math.abs(order) < 0.02 && Math.abs(values) > 0.05;
          return inTime && bySmoothing
              ? new Verdict.Holds(numbers)
              : inTime || bySmoothing
                  ? new Verdict.Inconclusive(numbers)
                  : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying(
            "holds if, in means over seeds, without smoothing concordance is higher at epoch 40 than"
                + " at 20 while KL is higher too, and smoothing changes concordance by less than 0.02"
                + " and KL by more than 0.05; falsified if neither is so; else inconclusive")
        .holdingIn(Region.from(0));
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("sequences", "made by the run from its seed");
    if (experiment.scale() == Scale.FULL) {
      experiment.warning(
          "the paper's field is translation; the full scale here is the same task as quick, larger");
    }
    experiment.setting("symbols", Integer.toString(plan.symbols()));
    experiment.setting(
        "sequences",
        plan.train() + " to train, " + plan.dev() + " to fit, " + plan.test() + " to test");
    experiment.setting(
        "epochs", plan.epochs() + " with smoothing, " + plan.fewEpochs() + " with noise");
    experiment.setting("optimizer", "Adam, rate 2e-3, " + plan.batch() + " symbols a step");
    experiment.setting("draws of a sequence", Integer.toString(plan.draws()));
    experiment.setting("pairs with drawn targets", Integer.toString(plan.pairs()));
    experiment.steps(
        2L * plan.epochs() + plan.fewEpochs() + (long) Drawn.values().length * plan.epochs());
    sequences(experiment, plan);
    for (final Drawn drawn : Drawn.values()) {
      order(experiment, plan, drawn);
    }
  }

  /** Sources and, by a table, targets; as pairs, LENGTH in a row for a sequence. */
  private static Pairs draw(RandomGenerator random, Plan plan, int[] table, int count) {
    final List<Integer> pairs = new ArrayList<>();
    final List<Integer> targets = new ArrayList<>();
    for (int sequence = 0; sequence < count; sequence++) {
      int before = random.nextInt(plan.symbols());
      for (int i = 0; i < LENGTH; i++) {
        final int next = random.nextInt(plan.symbols());
        pairs.add(before * plan.symbols() + next);
        targets.add(table[pairs.getLast()]);
        before = next;
      }
    }
    return new Pairs(plan.symbols(), pairs, targets);
  }

  private static Pairs noisy(RandomGenerator random, Pairs clean, double share) {
    return new Pairs(
        clean.symbols(),
        clean.pairs(),
        clean.targets().stream()
            .map(target -> random.nextDouble() < share ? random.nextInt(clean.symbols()) : target)
            .toList());
  }

  private static void sequences(Experiment experiment, Plan plan) {
    final RandomGenerator random = experiment.random("sequences");
    final int[] table =
        random.ints((long) plan.symbols() * plan.symbols(), 0, plan.symbols()).toArray();
    final Pairs train = draw(random, plan, table, plan.train());
    final Pairs dev = draw(random, plan, table, plan.dev());
    final Pairs test = draw(random, plan, table, plan.test());
    final double noise = Setting.NOISY.noise;
    final Map<Setting, double[][]> utilities = new EnumMap<>(Setting.class);
    for (final Setting setting : List.of(Setting.SMOOTHED, Setting.SMOOTHED_MORE, Setting.NOISY)) {
      final Pairs seen =
          setting.noise > 0 ? noisy(experiment.random("noise"), train, noise) : train;
      utilities.put(setting, trained(experiment, plan, setting, seen));
    }
    // The control differs from the noisy setting in what is fitted only.
    utilities.put(Setting.CONTROL, utilities.get(Setting.NOISY));
    for (final Setting setting : Setting.values()) {
      final Pairs fitted =
          setting == Setting.CONTROL
              ? noisy(experiment.random("noise of the fit"), dev, noise)
              : dev;
      evaluate(experiment, plan, setting, utilities.get(setting), fitted, test);
    }
  }

  private static double[][] trained(Experiment experiment, Plan plan, Setting setting, Pairs data) {
    final int epochs = setting.noise > 0 ? plan.fewEpochs() : plan.epochs();
    try (PairTransduction model =
        new PairTransduction(
            plan.symbols(), experiment.random("initial weights"), experiment.seed())) {
      for (int epoch = 1; epoch <= epochs; epoch++) {
        model.epoch(data, plan.batch(), setting.smoothing);
        experiment.step(setting.label + ", epoch " + epoch + " of " + epochs);
      }
      return model.utilities();
    }
  }

  private static void evaluate(
      Experiment experiment,
      Plan plan,
      Setting setting,
      double[][] utilities,
      Pairs fitted,
      Pairs test) {
    final double[][] held = choices(utilities, fitted);
    final int[] chosen = targets(fitted);
    experiment.metric(setting.beta(), InverseTemperature.fit(held, chosen).beta());
    final int[] best = Arrays.stream(utilities).mapToInt(Decisions::best).toArray();
    experiment.metric(setting.greedy(), right(test, 1, pair -> best[pair]));
    for (final Reading reading : Reading.values()) {
      final ProbabilityTransform transform = reading.fit(held, chosen);
      final double[][] probabilities =
          Arrays.stream(utilities).map(transform::probabilities).toArray(double[][]::new);
      final RandomGenerator random = experiment.random("draws of sequences");
      experiment.metric(
          setting.sampling(reading),
          right(test, plan.draws(), pair -> Decisions.sample(probabilities[pair], random)));
      experiment.metric(
          setting.likelihood(reading),
          InverseTemperature.negativeLogLikelihood(
              choices(utilities, test), targets(test), transform));
    }
  }

  private static double[][] choices(double[][] utilities, Pairs data) {
    return data.pairs().stream().map(pair -> utilities[pair]).toArray(double[][]::new);
  }

  private static int[] targets(Pairs data) {
    return data.targets().stream().mapToInt(Integer::intValue).toArray();
  }

  /** Share of sequences with every symbol right. */
  private static double right(Pairs data, int draws, IntUnaryOperator decoder) {
    int right = 0;
    for (int draw = 0; draw < draws; draw++) {
      for (int from = 0; from < data.pairs().size(); from += LENGTH) {
        boolean all = true;
        for (int i = from; i < from + LENGTH; i++) {
          // Every symbol is drawn, so that readings share the random numbers.
          all &= decoder.applyAsInt(data.pairs().get(i)) == data.targets().get(i);
        }
        right += all ? 1 : 0;
      }
    }
    return (double) right * LENGTH / draws / data.pairs().size();
  }

  /** The page's second test. */
  private static void order(Experiment experiment, Plan plan, Drawn drawn) {
    final int rows = plan.symbols() * plan.symbols();
    final RandomGenerator random = experiment.random("drawn targets");
    final double[][] truth = dirichlet(random, rows, plan.symbols());
    final List<Integer> pairs = new ArrayList<>();
    final List<Integer> targets = new ArrayList<>();
    for (int i = 0; i < plan.pairs(); i++) {
      pairs.add(random.nextInt(rows));
      targets.add(Decisions.sample(truth[pairs.getLast()], random));
    }
    final Pairs data = new Pairs(plan.symbols(), pairs, targets);
    final Map<String, List<Double>> curves = new LinkedHashMap<>();
    for (final String what : List.of(CONCORDANCE, KL, AGREEMENT)) {
      curves.put(what, new ArrayList<>());
    }
    try (PairTransduction model =
        new PairTransduction(
            plan.symbols(), experiment.random("initial weights, drawn"), experiment.seed())) {
      for (int epoch = 1; epoch <= plan.epochs(); epoch++) {
        model.epoch(data, plan.batch(), drawn.smoothing);
        final double[][] utilities = model.utilities();
        for (final Map.Entry<String, List<Double>> curve : curves.entrySet()) {
          final double value = mean(curve.getKey(), utilities, truth);
          curve.getValue().add(value);
          if (epoch == plan.half()) {
            experiment.metric(drawn.halfway(curve.getKey()), value);
          }
          if (epoch == plan.epochs()) {
            experiment.metric(drawn.end(curve.getKey()), value);
          }
        }
        experiment.step("drawn targets, " + drawn.label + ", epoch " + epoch);
      }
    }
    final List<Double> epochs =
        IntStream.rangeClosed(1, plan.epochs()).mapToObj(epoch -> (double) epoch).toList();
    curves.forEach(
        (what, values) ->
            experiment.series(new Series(drawn.curve(what), "epoch", what, epochs, values)));
  }

  private static double[][] dirichlet(RandomGenerator random, int rows, int symbols) {
    final ContinuousDistribution.Sampler gamma =
        GammaDistribution.of(CONCENTRATION, 1).createSampler(random::nextLong);
    final double[][] truth = new double[rows][];
    for (int row = 0; row < rows; row++) {
      final double[] draws = gamma.samples(symbols).toArray();
      final double sum = Arrays.stream(draws).sum();
      truth[row] = Arrays.stream(draws).map(draw -> draw / sum).toArray();
    }
    return truth;
  }

  private static double mean(String what, double[][] utilities, double[][] truth) {
    return IntStream.range(0, truth.length)
        .mapToDouble(
            row ->
                switch (what) {
                  case CONCORDANCE -> OrderAgreement.concordance(utilities[row], truth[row]);
                  case KL -> divergence(truth[row], utilities[row]);
                  default -> OrderAgreement.sameBest(utilities[row], truth[row]) ? 1 : 0;
                })
        .average()
        .orElseThrow();
  }

  private static double divergence(double[] truth, double[] utilities) {
    final double[] p = ProbabilityTransform.identity().probabilities(utilities);
    double sum = 0;
    for (int k = 0; k < p.length; k++) {
      sum += truth[k] == 0 ? 0 : truth[k] * Math.log(truth[k] / p[k]);
    }
    return sum;
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final List<String> settings =
        Arrays.stream(Setting.values()).map(setting -> setting.label).toList();
    final List<Figure.Curve> rules = new ArrayList<>();
    rules.add(
        SeedCurves.byCategory(
            "greedy",
            Mark.BAR,
            runs,
            1,
            Arrays.stream(Setting.values()).map(Setting::greedy).toList()));
    final List<Figure.Curve> likelihoods = new ArrayList<>();
    for (final Reading reading : Reading.values()) {
      rules.add(
          SeedCurves.byCategory(
              "sampling, " + reading.label,
              Mark.BAR,
              runs,
              1,
              Arrays.stream(Setting.values()).map(setting -> setting.sampling(reading)).toList()));
      likelihoods.add(
          SeedCurves.byCategory(
              reading.label,
              Mark.BAR,
              runs,
              1,
              Arrays.stream(Setting.values())
                  .map(setting -> setting.likelihood(reading))
                  .toList()));
    }
    return List.of(
        new Figure(
            "Right sequences by decision rule",
            "Mean over seeds with their range. Greedy decoding needs the order of scores only;"
                + " sampling needs probabilities.",
            Axis.category("training", settings),
            Axis.linear("share of right sequences"),
            rules),
        new Figure(
            "Negative log-likelihood of clean test symbols",
            "Mean over seeds with their range.",
            Axis.category("training", settings),
            Axis.linear("nats a symbol"),
            likelihoods),
        curves(
            runs,
            CONCORDANCE,
            "Order of scores against the truth",
            "Share of pairs of symbols that the scores order as the true probabilities do."),
        curves(
            runs,
            KL,
            "Distance of probabilities from the truth",
            "The softmax of the same scores, epoch by epoch."));
  }

  private static Figure curves(List<Run> runs, String what, String title, String caption) {
    return new Figure(
        title,
        caption + " Mean over seeds with their range.",
        Axis.linear("epoch"),
        Axis.linear(what.equals(KL) ? "KL divergence (nats)" : what),
        Arrays.stream(Drawn.values())
            .map(drawn -> SeedCurves.ofSeries(drawn.label, Mark.LINE, runs, drawn.curve(what)))
            .toList());
  }
}
