package io.steelyard.papers.reproduction;

import io.steelyard.analysis.density.Bins;
import io.steelyard.analysis.density.Roughness;
import io.steelyard.analysis.trials.Trials;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Seed;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
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
import io.steelyard.papers.task.ArrayNetwork;
import io.steelyard.papers.task.BinHead;
import io.steelyard.papers.task.HeadingTask;
import io.steelyard.papers.task.SeriesTokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Paper 31, arXiv 2410.22269: does a head that predicts Fourier coefficients of a density learn
 * ordered classes better, and more smoothly, than a linear one?
 *
 * <p>The paper's toy density is learned by networks that differ in their head only; then tokens of
 * series and headings of an agent, in small, stand for its forecasts and games.
 */
public final class FourierHeadReproduction implements Reproduction {

  private static final int BINS = 50;
  private static final int[] HIDDEN = {64, 32};
  private static final double DEVIATION = 0.1;
  private static final double REACH = 0.8;
  private static final double KL_FLOOR = 1e-10;
  private static final int BATCH = 32;
  private static final double RATE = 1e-3;
  private static final int FREQUENCIES = 12;
  private static final int FEW = 2;
  private static final int SERIES_FREQUENCIES = 16;
  private static final double SERIES_GAMMA = 1e-6;
  private static final int HEADING_FREQUENCIES = 6;

  private static final String LINEAR = "linear";
  private static final String MIXTURE = "mixture of 2 normals";
  private static final String WQL = "series: weighted quantile loss, ";
  private static final String MASE = "series: scaled error, ";
  private static final String SERIES_ROUGHNESS = "series: roughness, ";
  private static final String RETURN = "headings: normalised return, ";
  private static final String HEADING_ROUGHNESS = "headings: roughness on the inputs of training, ";

  /** A set of triples (x, y, z); z is to be predicted. */
  private enum Truth {
    GAUSSIAN("Gaussian"),
    TWO_NORMALS("GMM-2");

    private final String label;

    Truth(String label) {
      this.label = label;
    }

    double[] draw(RandomGenerator random) {
      final double x = REACH * (2 * random.nextDouble() - 1);
      final double y =
          switch (this) {
            case GAUSSIAN -> x + DEVIATION * random.nextGaussian();
            case TWO_NORMALS -> REACH * (2 * random.nextDouble() - 1);
          };
      final double middle = this == TWO_NORMALS && random.nextBoolean() ? x : y;
      return new double[] {x, y, middle + DEVIATION * random.nextGaussian()};
    }

    double density(double[] triple, double z) {
      return switch (this) {
        case GAUSSIAN -> normal(z - triple[1]);
        case TWO_NORMALS -> normal(z - triple[0]) + normal(z - triple[1]);
      };
    }

    private static double normal(double distance) {
      return Math.exp(-0.5 * distance * distance / (DEVIATION * DEVIATION));
    }

    String kl(String head) {
      return label + ": KL, " + head;
    }

    String roughness(String head) {
      return label + ": roughness, " + head;
    }

    String course(String head) {
      return label + ": KL in training, " + head;
    }

    String example(String head) {
      return label + ": one density, " + head;
    }
  }

  /** How much is run at a scale. */
  private record Plan(
      List<Truth> truths,
      List<Integer> frequencies,
      int triples,
      int epochs,
      int reports,
      SeriesTokens.Plan series,
      HeadingTask.Plan headings) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE ->
            new Plan(
                List.of(Truth.GAUSSIAN),
                List.of(2, 12),
                200,
                4,
                2,
                new SeriesTokens.Plan(10, 5, 4, 5, 2),
                new HeadingTask.Plan(100, 4, 20));
        case QUICK ->
            new Plan(
                List.of(Truth.GAUSSIAN),
                List.of(2, 4, 8, 12),
                5000,
                500,
                25,
                new SeriesTokens.Plan(400, 10, 100, 20, 30),
                new HeadingTask.Plan(300, 200, 500));
        case FULL ->
            new Plan(
                List.of(Truth.values()),
                List.of(2, 4, 6, 8, 10, 12, 14, 16, 18, 20),
                5000,
                500,
                50,
                new SeriesTokens.Plan(20_000, 20, 500, 20, 30),
                new HeadingTask.Plan(10_000, 100, 5000));
      };
    }
  }

  /** What a part of the experiment has found. */
  private record Found(String what, Map<String, Double> metrics, List<Series> series) {}

  @Override
  public String paper() {
    return "fourier-head";
  }

  @Override
  public String design() {
    return "A small network learns the density of a number given two others, over 50 bins, with a"
        + " linear head, with Fourier heads of several numbers of frequencies and with a mixture of"
        + " normal densities as its head; weights below the head and batches are the same. Then it"
        + " forecasts series as tokens, and imitates an agent that chooses among 18 headings.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity kl =
        new Quantity(
            "",
            run ->
                run.metric(Truth.GAUSSIAN.kl(fourier(FREQUENCIES)))
                    / run.metric(Truth.GAUSSIAN.kl(LINEAR)));
    final Quantity mixture =
        new Quantity(
            "",
            run ->
                run.metric(Truth.GAUSSIAN.kl(MIXTURE))
                    / Math.min(
                        run.metric(Truth.GAUSSIAN.kl(LINEAR)),
                        run.metric(Truth.GAUSSIAN.kl(fourier(FREQUENCIES)))));
    final Quantity rise =
        Quantity.difference(
            "",
            1,
            Truth.GAUSSIAN.roughness(fourier(FREQUENCIES)),
            Truth.GAUSSIAN.roughness(fourier(FEW)));
    final Quantity wql =
        new Quantity(
            "%",
            run ->
                100
                    * (1
                        - run.metric(WQL + fourier(SERIES_FREQUENCIES))
                            / run.metric(WQL + LINEAR)));
    final Quantity score =
        Quantity.difference("", 1, RETURN + fourier(HEADING_FREQUENCIES), RETURN + LINEAR);
    return List.of(
        Claim.named("closer-and-smoother-than-linear")
            .states("A Fourier head learns the density better and more smoothly than a linear head")
            .published(
                "KL 0.116 against 0.170, roughness 0.057 against 0.116, on the Gaussian set with 12"
                    + " frequencies")
            .measures("KL from the truth with 12 frequencies, over that of the linear head")
            .decidedBy(kl, closerRule()),
        Claim.named("more-frequencies-closer-and-rougher")
            .states("More frequencies make densities closer to the truth, and rougher")
            .published("KL 0.563 at 2 frequencies and 0.1 at 10, roughness 0.017 and 0.055")
            .measures("roughness with 12 frequencies less that with 2")
            .decidedBy(rise, scalingRule()),
        Claim.named("normal-mixtures-fit-normal-data-best")
            .states(
                "Where the density is normal, a mixture of normal densities as the head is closer")
            .published("ahead of both heads on the Gaussian set")
            .measures("KL from the truth of the mixture head, over the lower of the other two")
            .decidedBy(mixture, mixtureRule(mixture)),
        Claim.named("tokens-of-series")
            .states("It forecasts unseen series better than a linear head over the same tokens")
            .published("+3.5 % on 20 unseen sets (Chronos)")
            .measures("weighted quantile loss saved against the linear head, tokens of series")
            .decidedBy(wql, ours(wql, 1)),
        Claim.named("headings-of-an-agent")
            .states("It imitates an agent with ordered actions better than a linear head")
            .published("+46 % return on Seaquest (Decision Transformer)")
            .measures("normalised return less that of the linear head, 18 headings")
            .decidedBy(score, ours(score, 0.02)));
  }

  /** For what the page asks to show but gives no rule. */
  private static Criterion ours(Quantity quantity, double enough) {
    final Criterion gain = Criteria.gain(quantity, Summary.MEAN, enough, 0, 0);
    return gain.saying(gain.words() + " (a rule of ours: the small task stands for the paper's)");
  }

  private static double mean(List<Run> runs, String metric) {
    return Summary.MEAN.of(runs.stream().mapToDouble(run -> run.metric(metric)).toArray());
  }

  private static Criterion closerRule() {
    final String fourier = fourier(FREQUENCIES);
    final Criterion rule =
        runs -> {
          final double kl = mean(runs, Truth.GAUSSIAN.kl(fourier));
          final double linearKl = mean(runs, Truth.GAUSSIAN.kl(LINEAR));
          final double rough = mean(runs, Truth.GAUSSIAN.roughness(fourier));
          final double linearRough = mean(runs, Truth.GAUSSIAN.roughness(LINEAR));
          final String numbers =
              "mean KL %s against %s of the linear head, roughness %s against %s"
                  .formatted(
                      Quantity.number(kl),
                      Quantity.number(linearKl),
                      Quantity.number(rough),
                      Quantity.number(linearRough));
          if (Double.isNaN(kl + linearKl + rough + linearRough)) {
            return new Verdict.Inconclusive(numbers + " (not a number)");
          }
          if (kl > linearKl) {
            return new Verdict.DoesNotHold(numbers);
          }
          return kl <= 0.85 * linearKl && rough <= 0.7 * linearRough
              ? new Verdict.Holds(numbers)
              : new Verdict.Inconclusive(numbers);
        };
    return rule.saying(
            "holds if the mean KL is at most 0.85 times, and the mean roughness at most 0.7 times,"
                + " that of the linear head after all epochs; falsified if the linear head's KL is"
                + " lower; else inconclusive")
        .holdingIn(Region.upTo(0.85));
  }

  private static Criterion mixtureRule(Quantity ratio) {
    final Criterion rule =
        runs -> {
          final double mixture = mean(runs, Truth.GAUSSIAN.kl(MIXTURE));
          final double fourier = mean(runs, Truth.GAUSSIAN.kl(fourier(FREQUENCIES)));
          final double linear = mean(runs, Truth.GAUSSIAN.kl(LINEAR));
          final String numbers =
              "mean KL %s against %s of 12 frequencies and %s of the linear head (%s)"
                  .formatted(
                      Quantity.number(mixture),
                      Quantity.number(fourier),
                      Quantity.number(linear),
                      ratio.perSeed(runs));
          if (Double.isNaN(mixture + fourier + linear)) {
            return new Verdict.Inconclusive(numbers + " (not a number)");
          }
          return mixture < Math.min(fourier, linear)
              ? new Verdict.Holds(numbers)
              : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying(
            "holds if the mean KL over seeds is below that of both other heads; else falsified")
        .holdingIn(Region.upTo(1));
  }

  private static Criterion scalingRule() {
    final Criterion rule =
        runs -> {
          final double rough = mean(runs, Truth.GAUSSIAN.roughness(fourier(FREQUENCIES)));
          final double fewRough = mean(runs, Truth.GAUSSIAN.roughness(fourier(FEW)));
          final double kl = mean(runs, Truth.GAUSSIAN.kl(fourier(FREQUENCIES)));
          final double fewKl = mean(runs, Truth.GAUSSIAN.kl(fourier(FEW)));
          final String numbers =
              "from 2 to 12 frequencies roughness goes from %s to %s and KL from %s to %s"
                  .formatted(
                      Quantity.number(fewRough),
                      Quantity.number(rough),
                      Quantity.number(fewKl),
                      Quantity.number(kl));
          if (Double.isNaN(rough + fewRough + kl + fewKl)) {
            return new Verdict.Inconclusive(numbers + " (not a number)");
          }
          return fewRough < rough && fewKl > kl
              ? new Verdict.Holds(numbers)
              : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying(
            "holds if, in means over seeds, roughness is lower and KL higher with 2 frequencies than"
                + " with 12; else falsified")
        .holdingIn(Region.from(0));
  }

  private static String fourier(int frequencies) {
    return "Fourier " + frequencies;
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("triples, series and headings", "made by the run from its seed");
    if (experiment.scale() == Scale.FULL) {
      experiment.warning(
          "the paper's games and its corpus of series are not part of this program: series and"
              + " headings are the same tasks as quick, larger");
    }
    experiment.setting(
        "triples", plan.triples() * 4 / 5 + " to train, " + plan.triples() / 5 + " to test");
    experiment.setting("optimizer", "Adam, rate 1e-3, batches of " + BATCH);
    experiment.setting("epochs", Integer.toString(plan.epochs()));
    experiment.setting(
        "series",
        plan.series().series() + " to train, " + plan.series().tested() + " others to test");
    experiment.setting("series' frequencies", SERIES_FREQUENCIES + ", gamma " + SERIES_GAMMA);
    experiment.setting("headings' frequencies", Integer.toString(HEADING_FREQUENCIES));
    final List<Supplier<Found>> jobs = new ArrayList<>();
    for (final Truth truth : plan.truths()) {
      jobs.add(() -> density(experiment, plan, truth, LINEAR, new BinHead.Linear(BINS)));
      for (final int n : plan.frequencies()) {
        jobs.add(
            () -> density(experiment, plan, truth, fourier(n), new BinHead.Fourier(BINS, n, 0)));
      }
      jobs.add(() -> density(experiment, plan, truth, MIXTURE, new BinHead.Mixture(BINS, 2)));
    }
    jobs.add(() -> series(experiment, plan, LINEAR, new BinHead.Linear(SeriesTokens.BINS)));
    jobs.add(
        () ->
            series(
                experiment,
                plan,
                fourier(SERIES_FREQUENCIES),
                new BinHead.Fourier(SeriesTokens.BINS, SERIES_FREQUENCIES, SERIES_GAMMA)));
    jobs.add(() -> headings(experiment, plan, LINEAR, new BinHead.Linear(HeadingTask.ACTIONS)));
    jobs.add(
        () ->
            headings(
                experiment,
                plan,
                fourier(HEADING_FREQUENCIES),
                new BinHead.Fourier(HeadingTask.ACTIONS, HEADING_FREQUENCIES, 0)));
    experiment.steps(jobs.size());
    final List<Found> found =
        Trials.run(
            jobs.size(),
            i -> jobs.get(i).get(),
            (_, done) -> experiment.step("network " + done + " of " + jobs.size()));
    for (final Found part : found) {
      part.metrics().forEach(experiment::metric);
      part.series().forEach(experiment::series);
    }
  }

  private static Found density(
      Experiment experiment, Plan plan, Truth truth, String name, BinHead head) {
    final Bins bins = new Bins(BINS);
    final RandomGenerator random = experiment.random("triples of " + truth.label);
    final double[][] triples =
        Stream.generate(() -> truth.draw(random)).limit(plan.triples()).toArray(double[][]::new);
    final int train = plan.triples() * 4 / 5;
    final float[] inputs = inputs(bins, triples, 0, train);
    final int[] targets =
        Arrays.stream(triples).limit(train).mapToInt(triple -> bins.index(triple[2])).toArray();
    final float[] held = inputs(bins, triples, train, triples.length);
    final double[][] truths =
        Arrays.stream(triples)
            .skip(train)
            .map(triple -> bins.probabilities(z -> truth.density(triple, z)))
            .toArray(double[][]::new);
    final ArrayNetwork network =
        new ArrayNetwork(2, HIDDEN, head, BINS, experiment.random("initial weights"));
    final Batches batches = Batches.shuffled(train, BATCH, new Seed(experiment.seed()));
    final List<Double> epochs = new ArrayList<>();
    final List<Double> divergences = new ArrayList<>();
    for (int epoch = 1; epoch <= plan.epochs(); epoch++) {
      for (final int[] batch : batches.pass(epoch)) {
        network.step(inputs, targets, batch, RATE);
      }
      if (epoch % Math.max(1, plan.epochs() / plan.reports()) == 0) {
        epochs.add((double) epoch);
        divergences.add(divergence(truths, network.probabilities(held)));
      }
    }
    final double[][] learned = network.probabilities(held);
    final Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(truth.kl(name), divergence(truths, learned));
    metrics.put(truth.roughness(name), roughness(BINS, learned));
    metrics.put(
        truth.label + ": mean squared error, " + name,
        IntStream.range(0, learned.length)
            .mapToDouble(
                i ->
                    Math.pow(
                        bins.centre(bins.index(triples[train + i][2])) - bins.mean(learned[i]), 2))
            .average()
            .orElseThrow());
    final List<Double> centres = IntStream.range(0, BINS).mapToObj(bins::centre).toList();
    final List<Series> series = new ArrayList<>();
    series.add(new Series(truth.course(name), "epoch", "KL (nats)", epochs, divergences));
    series.add(density(truth.example(name), centres, learned[0]));
    if (name.equals(LINEAR)) {
      series.add(density(truth.example("truth"), centres, truths[0]));
    }
    return new Found(truth.label + ", " + name, metrics, series);
  }

  private static Series density(String name, List<Double> centres, double[] probabilities) {
    return new Series(
        name, "z", "probability", centres, Arrays.stream(probabilities).boxed().toList());
  }

  /** The bins of x and y, as plain numbers: the page says not to scale them. */
  private static float[] inputs(Bins bins, double[][] triples, int from, int to) {
    final float[] inputs = new float[2 * (to - from)];
    for (int i = from; i < to; i++) {
      inputs[2 * (i - from)] = bins.index(triples[i][0]);
      inputs[2 * (i - from) + 1] = bins.index(triples[i][1]);
    }
    return inputs;
  }

  private static double divergence(double[][] truths, double[][] learned) {
    return IntStream.range(0, truths.length)
        .mapToDouble(i -> Bins.divergence(truths[i], learned[i], KL_FLOOR))
        .average()
        .orElseThrow();
  }

  private static double roughness(int bins, double[][] learned) {
    final Roughness roughness = Roughness.ofBins(bins);
    return Arrays.stream(learned).mapToDouble(roughness::of).average().orElseThrow();
  }

  private static Found series(Experiment experiment, Plan plan, String name, BinHead head) {
    final SeriesTokens tokens = SeriesTokens.draw(experiment.random("series"), plan.series());
    final ArrayNetwork network =
        new ArrayNetwork(
            SeriesTokens.CONTEXT,
            HIDDEN,
            head,
            SeriesTokens.BINS,
            experiment.random("initial weights of the forecaster"));
    final Batches batches =
        Batches.shuffled(tokens.targets().length, BATCH, new Seed(experiment.seed()));
    for (int epoch = 0; epoch < plan.series().epochs(); epoch++) {
      for (final int[] batch : batches.pass(epoch)) {
        network.step(tokens.inputs(), tokens.targets(), batch, RATE);
      }
    }
    final SeriesTokens.Scores scores =
        tokens.forecast(network, experiment.random("paths"), plan.series().paths());
    final Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(WQL + name, scores.quantileLoss());
    metrics.put(MASE + name, scores.scaledError());
    metrics.put(SERIES_ROUGHNESS + name, scores.roughness());
    return new Found("series, " + name, metrics, List.of());
  }

  private static Found headings(Experiment experiment, Plan plan, String name, BinHead head) {
    final HeadingTask task =
        HeadingTask.draw(experiment.random("headings"), plan.headings().examples());
    final ArrayNetwork network =
        new ArrayNetwork(
            2,
            HIDDEN,
            head,
            HeadingTask.ACTIONS,
            experiment.random("initial weights of the agent"));
    final Batches batches =
        Batches.shuffled(plan.headings().examples(), BATCH, new Seed(experiment.seed()));
    for (int epoch = 0; epoch < plan.headings().epochs(); epoch++) {
      for (final int[] batch : batches.pass(epoch)) {
        network.step(task.inputs(), task.targets(), batch, RATE);
      }
    }
    final int episodes = plan.headings().episodes();
    final double nothing =
        HeadingTask.episodes(Optional.empty(), experiment.random("episodes"), episodes);
    final double expert = HeadingTask.expert(experiment.random("episodes"), episodes);
    final double own =
        HeadingTask.episodes(Optional.of(network), experiment.random("episodes"), episodes);
    final Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(RETURN + name, (own - nothing) / (expert - nothing));
    metrics.put(
        HEADING_ROUGHNESS + name,
        roughness(HeadingTask.ACTIONS, network.probabilities(task.inputs())));
    return new Found("headings, " + name, metrics, List.of());
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final Plan plan = Plan.of(runs.getFirst().scale());
    final Truth truth = Truth.GAUSSIAN;
    final List<String> heads =
        Stream.of(
                Stream.of(LINEAR),
                Stream.of(FREQUENCIES, FEW).map(FourierHeadReproduction::fourier),
                Stream.of(MIXTURE))
            .flatMap(names -> names)
            .toList();
    return List.of(
        sweep(
            runs,
            plan,
            "KL from the truth by frequencies",
            "More frequencies can follow the density more closely.",
            "KL (nats)",
            truth::kl),
        sweep(
            runs,
            plan,
            "Roughness by frequencies",
            "The price of frequencies: densities become rougher.",
            "roughness",
            truth::roughness),
        new Figure(
            "KL from the truth in training",
            "Test triples, mean over seeds with their range. A linear head has to be stopped in time.",
            Axis.linear("epoch"),
            Axis.log10("KL (nats)"),
            heads.stream()
                .map(head -> SeedCurves.ofSeries(head, Mark.LINE, runs, truth.course(head)))
                .toList()),
        new Figure(
            "One density",
            "What the heads say of the first test triple of the first seed, and the truth.",
            Axis.linear("z"),
            Axis.linear("probability"),
            Stream.concat(Stream.of("truth"), heads.stream())
                .map(
                    head ->
                        SeedCurves.ofSeries(
                            head,
                            head.equals("truth") ? Mark.REFERENCE : Mark.LINE,
                            List.of(runs.getFirst()),
                            truth.example(head)))
                .toList()));
  }

  private static Figure sweep(
      List<Run> runs,
      Plan plan,
      String title,
      String caption,
      String label,
      UnaryOperator<String> metric) {
    final List<Double> ns = plan.frequencies().stream().map(Integer::doubleValue).toList();
    return new Figure(
        title,
        caption + " Gaussian set, mean over seeds with their range.",
        Axis.linear("frequencies"),
        Axis.linear(label),
        List.of(
            SeedCurves.over(
                "Fourier head",
                Mark.LINE,
                Summary.MEAN,
                ns,
                i ->
                    runs.stream()
                        .mapToDouble(
                            run -> run.metric(metric.apply(fourier(plan.frequencies().get(i)))))
                        .toArray()),
            SeedCurves.over(
                "linear head",
                Mark.REFERENCE,
                Summary.MEAN,
                ns,
                _ -> runs.stream().mapToDouble(run -> run.metric(metric.apply(LINEAR))).toArray()),
            SeedCurves.over(
                MIXTURE,
                Mark.REFERENCE,
                Summary.MEAN,
                ns,
                _ ->
                    runs.stream()
                        .mapToDouble(run -> run.metric(metric.apply(MIXTURE)))
                        .toArray())));
  }
}
