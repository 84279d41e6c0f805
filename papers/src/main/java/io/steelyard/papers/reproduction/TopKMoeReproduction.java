package io.steelyard.papers.reproduction;

import io.steelyard.analysis.mixture.Component;
import io.steelyard.analysis.mixture.ExpectationMaximization;
import io.steelyard.analysis.mixture.ExpectationMaximization.Options;
import io.steelyard.analysis.mixture.Fit;
import io.steelyard.analysis.mixture.Gate;
import io.steelyard.analysis.mixture.GaussianMixtureOfExperts;
import io.steelyard.analysis.mixture.Hellinger;
import io.steelyard.analysis.mixture.Observations;
import io.steelyard.analysis.mixture.SplitScan;
import io.steelyard.analysis.mixture.VoronoiLoss;
import io.steelyard.analysis.trials.Trials;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.MeanRule;
import io.steelyard.papers.claim.MeanRule.Condition;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Paper 14, arXiv 2309.13850: how fast maximum likelihood finds the experts behind a top-k softmax
 * gate, with as many experts as there are and with too many.
 *
 * <p>Data come from known mixtures, so every error is exact. Fits start near the truth: this tests
 * the statistics of the maximum, not whether EM finds it.
 */
public final class TopKMoeReproduction implements Reproduction {

  static final String EXACT_LOSS = "exact fit, D1";
  static final String EXACT_HELLINGER = "exact fit, Hellinger";
  static final String OVER_HELLINGER = "surplus fit, Hellinger";
  static final String SINGLE = "surplus fit, expert error in single cells";
  static final String DOUBLED = "surplus fit, expert error in the doubled cell";
  static final String RATIO = "surplus fit, expert error in the doubled over single cells";
  private static final String OVER_LOSS = "surplus fit, D2";
  private static final String NARROW_HELLINGER = "surplus fit with the true K, Hellinger";
  private static final String NARROW_LOSS = "surplus fit with the true K, D1";
  private static final String SCAN_ERROR = "exact fit by scan, expert error";
  private static final String SCAN_BOUNDARY = "exact fit by scan, boundary";

  private static final Quantity EXACT_SLOPE = Rates.slopeOf(EXACT_LOSS);
  private static final Quantity EXACT_DENSITY_SLOPE = Rates.slopeOf(EXACT_HELLINGER);
  private static final Quantity OVER_DENSITY_SLOPE = Rates.slopeOf(OVER_HELLINGER);
  private static final Quantity OVER_RATIO = Quantity.metric("", RATIO);
  private static final Quantity FLATTER =
      Quantity.difference("", 1, Rates.slope(DOUBLED), Rates.slope(SINGLE));
  private static final Quantity SPLIT_NARROW = Quantity.metric("", split(3, 2));
  private static final Quantity SPLIT_WIDE = Quantity.metric("", split(3, 3));

  /** Of points above 0 experts 1 and 3 answer, of those below 2 and 3. */
  private static final GaussianMixtureOfExperts TRUTH =
      GaussianMixtureOfExperts.of(
          Gate.topK(2),
          Component.of(3, .5, -4, 3, .3),
          Component.of(-3, 0, 4, 2, .4),
          Component.of(0, 0, 1, -3, .25));

  private static final Hellinger METRIC = Hellinger.onLine(24, -.97, .97, -9, 10, 1200);

  /** The paper's: one expert answers, the other from 0.32 on. Its boundary needs the bias. */
  private static final GaussianMixtureOfExperts PAPER_TRUTH =
      GaussianMixtureOfExperts.of(
          new Gate.TopK(1, true),
          Component.of(25, -8, -20, 15, .3),
          Component.of(0, 0, 20, -5, .4));

  private static final Hellinger PAPER_METRIC = Hellinger.onLine(24, .015, .985, -10, 20, 2400);

  /** Deviation of the starts from the truth, at the quick scale. */
  private static final double NOISE = .15;

  /** The size at which the page compares cells. */
  private static final int COMPARED = 10_000;

  /** How a fit is specified, beside the truth. */
  private enum Arm {
    /** As many experts, and the same K. */
    EXACT,
    /** One expert more, and K one larger. */
    OVER,
    /** One expert more, and the true K. */
    NARROW
  }

  /** How much is run at a scale, and in which setting. */
  private record Plan(
      boolean paperSetting,
      List<Integer> exactSizes,
      List<Integer> overSizes,
      int exactRepetitions,
      int overRepetitions,
      Options exactOptions,
      Options overOptions) {

    static Plan of(Scale scale) {
      final Options exact = Options.DEFAULTS.until(1e-9, 400);
      final Options over = Options.DEFAULTS.until(1e-10, 250);
      return switch (scale) {
        case SMOKE ->
            new Plan(
                false,
                List.of(300, 1000),
                List.of(300, 1000),
                2,
                2,
                exact.until(1e-9, 50),
                over.until(1e-10, 50));
        case QUICK ->
            new Plan(
                false,
                List.of(300, 1000, 3000, 10_000, 30_000),
                List.of(300, 1000, 3000, 10_000),
                6,
                5,
                exact,
                over);
        case FULL ->
            new Plan(
                true,
                Rates.logSpaced(100, 100_000, 200),
                Rates.logSpaced(10_000, 100_000, 200),
                40,
                40,
                Options.DEFAULTS.until(1e-9, 2000),
                Options.DEFAULTS.until(1e-10, 2000));
      };
    }

    GaussianMixtureOfExperts truth() {
      return paperSetting ? PAPER_TRUTH : TRUTH;
    }

    Hellinger metric() {
      return paperSetting ? PAPER_METRIC : METRIC;
    }

    double lowest() {
      return paperSetting ? 0 : -1;
    }

    List<Integer> sizes(Arm arm) {
      return arm == Arm.EXACT ? exactSizes : overSizes;
    }

    int repetitions(Arm arm) {
      return arm == Arm.EXACT ? exactRepetitions : overRepetitions;
    }
  }

  /** One fit to be made. */
  private record Job(Arm arm, int size, int repetition) {

    String purpose() {
      return arm + " n " + size + " repetition " + repetition;
    }
  }

  /** What one fit came to. */
  private record Outcome(
      Job job,
      double loss,
      double hellinger,
      double single,
      double doubled,
      double scanError,
      double scanBoundary,
      int empty) {}

  @Override
  public String paper() {
    return "topk-moe";
  }

  @Override
  public String design() {
    return "Data are drawn from a known mixture of three linear experts, of which a top-2 gate lets two"
        + " answer at each point. EM fits mixtures of three experts, of four with K raised to three,"
        + " and of four with the true K, on samples of growing size. Every fit starts near the truth,"
        + " so this tests the statistics of maximum likelihood and not the search for it. Slopes are of"
        + " the median error over repetitions, in logarithms; an error of order n^(-1/2) has slope"
        + " -0.5.";
  }

  @Override
  public List<Claim> claims() {
    return List.of(
        Claim.named("exact-fit-at-root-n")
            .states(
                "With the right number of experts, parameters and density are found at n^(-1/2)")
            .published("rate (log n / n)^(1/2) for the Voronoi loss D1 and the Hellinger distance")
            .measures("slope of the loss D1 against n, three experts fitted to three")
            .decidedBy(
                EXACT_SLOPE,
                MeanRule.holdsIf(
                        Condition.within("slope of D1", EXACT_SLOPE, -.65, -.35),
                        Condition.within(
                            "slope of the Hellinger distance", EXACT_DENSITY_SLOPE, -.65, -.35))
                    .falsifiedIf(Condition.above("slope of D1", EXACT_SLOPE, -.3))),
        Claim.named("surplus-fit-finds-the-density")
            .states("With an expert too many and K raised, the density is still found at n^(-1/2)")
            .published("rate (log n / n)^(1/2) for the Hellinger distance")
            .measures("slope of the Hellinger distance, four experts with K = 3 fitted to three")
            .decidedBy(
                OVER_DENSITY_SLOPE,
                MeanRule.holdsIf(
                        Condition.within(
                            "slope of the Hellinger distance", OVER_DENSITY_SLOPE, -.7, -.4))
                    .falsifiedIf(
                        Condition.above(
                            "slope of the Hellinger distance", OVER_DENSITY_SLOPE, -.3))),
        Claim.named("surplus-experts-are-slower")
            .states(
                "Two fitted experts that share one true expert are found more slowly than others")
            .published(
                "slope and variance at n^(-1/4), gate and intercept at n^(-1/8), others at n^(-1/2)")
            .measures(
                "error of the experts in the doubled cell, by mass, over that in single cells, at n ="
                    + " 10,000")
            .decidedBy(
                OVER_RATIO,
                MeanRule.holdsIf(
                    Condition.atLeast("error of doubled over single cells", OVER_RATIO, 2),
                    Condition.atLeast(
                        "slope of the doubled cell minus that of single ones", FLATTER, .05))),
        Claim.named("k-has-to-grow")
            .states(
                "A mixture with a doubled expert has the true density only behind a gate with room for"
                    + " both")
            .published("a K below the sum of the cell sizes keeps the density away")
            .measures(
                "Hellinger distance with the third expert split in two, behind the true K = 2")
            .decidedBy(
                SPLIT_NARROW,
                MeanRule.holdsIf(
                    Condition.within(
                        "distance with expert 3 split, K = 2", SPLIT_NARROW, .07965, .07975),
                    Condition.atMost("distance with expert 3 split, K = 3", SPLIT_WIDE, 1e-12))));
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    describe(experiment, plan);
    final List<Job> jobs = jobs(plan);
    experiment.steps(jobs.size() + 1L);
    recordSplits(experiment);
    experiment.step("split experts compared");
    final List<Outcome> outcomes =
        Trials.run(
            jobs.size(),
            i -> fit(experiment, plan, jobs.get(i)),
            (i, _) ->
                experiment.step(
                    String.format(
                        Locale.ROOT,
                        "%s fit at n = %,d",
                        jobs.get(i).arm().name().toLowerCase(Locale.ROOT),
                        jobs.get(i).size())));
    record(experiment, plan, outcomes);
  }

  private static void describe(Experiment experiment, Plan plan) {
    experiment.data("known mixture", "drawn by the run from its seed");
    experiment.setting("setting", plan.paperSetting() ? "the paper's" : "three experts, K = 2");
    experiment.setting("sizes, exact fit", Rates.text(plan.exactSizes()));
    experiment.setting("sizes, surplus fit", Rates.text(plan.overSizes()));
    experiment.setting("repetitions, exact fit", Integer.toString(plan.exactRepetitions()));
    experiment.setting("repetitions, surplus fit", Integer.toString(plan.overRepetitions()));
    experiment.setting(
        "EM, exact fit",
        "gain below "
            + Quantity.number(plan.exactOptions().tolerance())
            + " or "
            + plan.exactOptions().iterations()
            + " iterations");
    experiment.setting(
        "EM, surplus fit",
        "gain below "
            + Quantity.number(plan.overOptions().tolerance())
            + " or "
            + plan.overOptions().iterations()
            + " iterations");
    experiment.setting("start", "near the truth");
  }

  /** Large samples first, so that no core is left with one at the end. */
  private static List<Job> jobs(Plan plan) {
    return Stream.of(Arm.values())
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

  /** How far the truth is from itself with an expert in two halves: no fitting. */
  private static void recordSplits(Experiment experiment) {
    for (final int expert : new int[] {1, 3}) {
      for (final int k : new int[] {2, 3}) {
        experiment.metric(
            split(expert, k), METRIC.distance(TRUTH, TRUTH.split(expert - 1).behind(Gate.topK(k))));
      }
    }
  }

  static String split(int expert, int k) {
    return "Hellinger, expert " + expert + " split, K " + k;
  }

  private static Outcome fit(Experiment experiment, Plan plan, Job job) {
    final RandomGenerator random = experiment.random(job.purpose());
    final GaussianMixtureOfExperts truth = plan.truth();
    final Observations data = truth.sample(job.size(), plan.lowest(), 1, random);
    final GaussianMixtureOfExperts start =
        plan.paperSetting() ? paperStart(job.arm(), job.size(), random) : start(job.arm(), random);
    final Options options = job.arm() == Arm.EXACT ? plan.exactOptions() : plan.overOptions();
    final Fit fit = ExpectationMaximization.fit(start, data, options);
    final GaussianMixtureOfExperts fitted = fit.occupied();
    final VoronoiLoss loss =
        job.arm() == Arm.OVER
            ? VoronoiLoss.overSpecified(truth, fitted)
            : VoronoiLoss.exact(truth, fitted);
    final boolean scans = plan.paperSetting() && job.arm() == Arm.EXACT;
    final double[] scan = scans ? scan(data) : new double[] {Double.NaN, Double.NaN};
    return new Outcome(
        job,
        loss.value(),
        plan.metric().distance(truth, fitted),
        Rates.cellError(truth, fitted, loss, false),
        Rates.cellError(truth, fitted, loss, true),
        scan[0],
        scan[1],
        fit.empty().size());
  }

  /** The truth, one expert doubled if there are to be more, with noise on every parameter. */
  private static GaussianMixtureOfExperts start(Arm arm, RandomGenerator random) {
    final GaussianMixtureOfExperts base = arm == Arm.EXACT ? TRUTH : TRUTH.split(2);
    final List<Component> noisy = new ArrayList<>();
    for (final Component c : base.components()) {
      noisy.add(
          Component.of(
              c.gateSlope().getFirst() + NOISE * random.nextGaussian(),
              c.gateBias() + NOISE * random.nextGaussian(),
              c.slope().getFirst() + NOISE * random.nextGaussian(),
              c.intercept() + NOISE * random.nextGaussian(),
              c.variance() * Math.exp(NOISE * random.nextGaussian())));
    }
    return new GaussianMixtureOfExperts(gate(TRUTH, arm), 1, noisy).canonical();
  }

  /** The paper's start: each atom at a true one, every true one taken, with noise that shrinks. */
  private static GaussianMixtureOfExperts paperStart(Arm arm, int n, RandomGenerator random) {
    final GaussianMixtureOfExperts base =
        arm == Arm.EXACT ? PAPER_TRUTH : PAPER_TRUTH.split(random.nextInt(PAPER_TRUTH.size()));
    final double deviation = .005 * Math.pow(n, -.083);
    final double varianceDeviation = .0005 * Math.pow(n, -.25);
    final List<Component> noisy = new ArrayList<>();
    for (final Component c : base.components()) {
      noisy.add(
          Component.of(
              c.gateSlope().getFirst() + deviation * random.nextGaussian(),
              c.gateBias() + deviation * random.nextGaussian(),
              c.slope().getFirst() + deviation * random.nextGaussian(),
              c.intercept() + deviation * random.nextGaussian(),
              c.variance() + Math.abs(varianceDeviation * random.nextGaussian())));
    }
    return new GaussianMixtureOfExperts(gate(PAPER_TRUTH, arm), 1, noisy).canonical();
  }

  private static Gate gate(GaussianMixtureOfExperts truth, Arm arm) {
    return truth.gate() instanceof Gate.TopK(int k, boolean rankWithBias) && arm == Arm.OVER
        ? new Gate.TopK(k + 1, rankWithBias)
        : truth.gate();
  }

  /** Error of both experts and of the boundary, of the exact fit that EM cannot find for K = 1. */
  private static double[] scan(Observations data) {
    final SplitScan best = SplitScan.of(data);
    final double experts =
        VoronoiLoss.expertError(best.right(), PAPER_TRUTH.components().get(0))
            + VoronoiLoss.expertError(best.left(), PAPER_TRUTH.components().get(1));
    return new double[] {experts, Math.abs(best.boundary() - .32)};
  }

  private static void record(Experiment experiment, Plan plan, List<Outcome> outcomes) {
    record(experiment, plan, outcomes, Arm.EXACT, EXACT_LOSS, Outcome::loss);
    record(experiment, plan, outcomes, Arm.EXACT, EXACT_HELLINGER, Outcome::hellinger);
    record(experiment, plan, outcomes, Arm.OVER, OVER_LOSS, Outcome::loss);
    record(experiment, plan, outcomes, Arm.OVER, OVER_HELLINGER, Outcome::hellinger);
    record(experiment, plan, outcomes, Arm.OVER, SINGLE, Outcome::single);
    record(experiment, plan, outcomes, Arm.OVER, DOUBLED, Outcome::doubled);
    record(experiment, plan, outcomes, Arm.NARROW, NARROW_LOSS, Outcome::loss);
    record(experiment, plan, outcomes, Arm.NARROW, NARROW_HELLINGER, Outcome::hellinger);
    if (plan.paperSetting()) {
      record(experiment, plan, outcomes, Arm.EXACT, SCAN_ERROR, Outcome::scanError);
      record(experiment, plan, outcomes, Arm.EXACT, SCAN_BOUNDARY, Outcome::scanBoundary);
    }
    final int compared =
        plan.overSizes().stream()
            .min(Comparator.comparingInt(n -> Math.abs(n - COMPARED)))
            .orElseThrow();
    final double[] doubled = atSize(outcomes, compared, Outcome::doubled);
    final double[] single = atSize(outcomes, compared, Outcome::single);
    if (doubled.length > 0 && single.length > 0) {
      experiment.metric(RATIO, Summary.MEDIAN.of(doubled) / Summary.MEDIAN.of(single));
    }
    experiment.metric(
        "experts without observations", outcomes.stream().mapToInt(Outcome::empty).sum());
  }

  /** The errors of the surplus fits at a size; those that have none are left out. */
  private static double[] atSize(
      List<Outcome> outcomes, int size, ToDoubleFunction<Outcome> error) {
    return outcomes.stream()
        .filter(outcome -> outcome.job().arm() == Arm.OVER && outcome.job().size() == size)
        .mapToDouble(error)
        .filter(Double::isFinite)
        .toArray();
  }

  private static void record(
      Experiment experiment,
      Plan plan,
      List<Outcome> outcomes,
      Arm arm,
      String name,
      ToDoubleFunction<Outcome> error) {
    final double[][] errors =
        plan.sizes(arm).stream()
            .map(
                n ->
                    outcomes.stream()
                        .filter(o -> o.job().arm() == arm && o.job().size() == n)
                        .sorted(Comparator.comparingInt(o -> o.job().repetition()))
                        .mapToDouble(error)
                        .toArray())
            .toArray(double[][]::new);
    Rates.record(experiment, name, plan.sizes(arm), errors);
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    return List.of(
        figure(
            "Error of the exact fit against sample size",
            "As many experts as there are. Points are medians over repetitions, with the range between"
                + " seeds; lines are fitted to all of them, with the slope's bootstrap interval. The"
                + " dashed line has the theorem's slope.",
            Rates.curves(runs, "Voronoi loss D1", EXACT_LOSS),
            Rates.curves(runs, "Hellinger distance", EXACT_HELLINGER),
            -.5,
            "n^(-1/2)"),
        surplusFigure(runs),
        figure(
            "Density of the surplus fits",
            "Four experts fitted to three: with K raised, as the theorem asks, and with the true K. The"
                + " theorem says that no mixture near the truth, as D2 measures it, has a density near"
                + " the true one if K is not raised. It is a local statement: EM may leave that"
                + " neighbourhood and use the two copies in different regions, and then the density"
                + " comes near while the loss D1 does not.",
            Rates.curves(runs, "Hellinger, K raised", OVER_HELLINGER),
            Rates.curves(runs, "Hellinger, true K", NARROW_HELLINGER),
            -.5,
            "n^(-1/2)",
            Rates.curves(runs, "D1, true K", NARROW_LOSS).getFirst()),
        splitFigure(runs));
  }

  private static Figure surplusFigure(List<Run> runs) {
    final List<Curve> single = Rates.curves(runs, "single cells", SINGLE);
    final List<Curve> doubled = Rates.curves(runs, "doubled cell", DOUBLED);
    return new Figure(
        "Experts of the surplus fit",
        "Error of slope, intercept and variance where one fitted expert stands for a true one, and"
            + " where two do. The theorem's slopes are those of slope and variance; an intercept of the"
            + " doubled cell may be slower still.",
        Axis.log10(Rates.SIZE),
        Axis.log10("error of the experts"),
        Stream.of(
                single.stream(),
                doubled.stream(),
                Stream.of(
                    Rates.theorem("n^(-1/2)", -.5, single.getFirst()),
                    Rates.theorem("n^(-1/4)", -.25, doubled.getFirst())))
            .flatMap(curves -> curves)
            .toList());
  }

  private static Figure splitFigure(List<Run> runs) {
    return new Figure(
        "The truth with one expert in two halves",
        "Distance between the true density and the same mixture with an expert split into two equal"
            + " halves. With room for both halves wherever the whole one answered nothing changes; where"
            + " it did not answer, the room goes to another expert.",
        Axis.category("expert in halves", List.of("expert 1", "expert 3")),
        Axis.linear("Hellinger distance"),
        List.of(
            SeedCurves.byCategory("K = 2", Mark.BAR, runs, 1, List.of(split(1, 2), split(3, 2))),
            SeedCurves.byCategory("K = 3", Mark.BAR, runs, 1, List.of(split(1, 3), split(3, 3)))));
  }

  private static Figure figure(
      String title,
      String caption,
      List<Curve> first,
      List<Curve> second,
      double slope,
      String rate,
      Curve... more) {
    return new Figure(
        title,
        caption,
        Axis.log10(Rates.SIZE),
        Axis.log10("error"),
        Stream.of(
                first.stream(),
                second.stream(),
                Stream.of(more),
                Stream.of(Rates.theorem(rate, slope, first.getFirst())))
            .flatMap(curves -> curves)
            .toList());
  }
}
