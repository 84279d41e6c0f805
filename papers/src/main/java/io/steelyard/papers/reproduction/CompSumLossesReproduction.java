package io.steelyard.papers.reproduction;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import io.steelyard.analysis.consistency.CompSumBound;
import io.steelyard.analysis.robustness.ProjectedGradient;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.loss.CompSumLoss;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Clipping;
import io.steelyard.layers.training.Decay;
import io.steelyard.layers.training.Examples;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.StepListener;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.papers.augment.PaddedCrop;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
import io.steelyard.papers.claim.Criterion;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Region;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.DataResolver;
import io.steelyard.papers.data.DataSet;
import io.steelyard.papers.data.DataSource;
import io.steelyard.papers.data.DownloadProgress;
import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.PictureSet;
import io.steelyard.papers.data.Pictures;
import io.steelyard.papers.data.ResolvedData;
import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.task.Defence;
import io.steelyard.papers.task.ResidualTrial;
import io.steelyard.papers.task.RobustTrial;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.statistics.distribution.ContinuousDistribution;
import org.apache.commons.statistics.distribution.GammaDistribution;

/**
 * Paper 36, arXiv 2304.07288: what does the exponent of a comp-sum loss decide, and is its smooth
 * adversarial form better than TRADES?
 *
 * <p>The paper's bound is checked on random finite problems, where everything in it is exact. Then
 * classifiers are trained with five exponents, each at a learning rate of its own; and robust ones
 * with the smooth loss, with TRADES and with plain adversarial training.
 */
public final class CompSumLossesReproduction implements Reproduction {

  private static final List<Double> TAUS = List.of(0.0, 0.5, 1.0, 1.5, 2.0);
  private static final List<Double> BOUND_TAUS = List.of(0.0, 0.5, 1.0, 1.5, 1.9, 2.0, 3.0);
  private static final List<Integer> BOUND_CLASSES = List.of(2, 3, 6);
  private static final List<Double> CONCENTRATIONS = List.of(0.3, 1.0, 3.0);
  private static final List<Double> SIZES = List.of(0.01, 0.3, 2.0, 8.0);
  private static final List<Double> RATES = List.of(0.01, 0.05, 0.2);

  private static final String VIOLATIONS = "violations of the bound";
  private static final String INEQUALITY = "largest distance from equality where it is due";
  private static final double SLACK = 1e-9;

  private static final double MEAN = 0.286;
  private static final double DEVIATION = 0.353;
  private static final double RADIUS = 0.1;
  private static final Defence.Search SEARCH = new Defence.Search(RADIUS, 0.03, 5);
  private static final int BATCH = 128;
  private static final int PREDICTED = 1000;
  private static final int GAP_INPUTS = 50;

  /** What exponents are compared on. */
  private enum Task {
    PICTURES("Fashion-MNIST"),
    CLOUDS("100 clouds");

    private final String label;

    Task(String label) {
      this.label = label;
    }

    String accuracy(double tau) {
      return label + ": accuracy, tau " + Quantity.number(tau);
    }

    /**
     * The rate of {@link #RATES} that validated best for seed 1 at quick scale; the page says to
     * choose once and keep it. Full scale chooses anew.
     */
    double chosen(double tau) {
      if (tau < 0.5) {
        return 0.01;
      }
      return tau == 1.5 || (tau == 2 && this == CLOUDS) ? 0.2 : 0.05;
    }

    String rate(double tau) {
      return label + ": rate, tau " + Quantity.number(tau);
    }
  }

  /**
   * The paper's own networks on its own pictures, for sets that the user has.
   *
   * @param sets compared by exponent; the first is also defended
   */
  record Published(List<PictureSet> sets, ResidualTrial exponents, RobustTrial defences) {

    /** The published sizes. */
    static final Published SIZES =
        new Published(
            List.of(PictureSet.CIFAR_10, PictureSet.CIFAR_100, PictureSet.SVHN),
            ResidualTrial.published(TAUS, RATES),
            RobustTrial.published());

    long steps(List<PictureSet.Found> found, List<Defence> trained) {
      return found.size() * exponents.steps() + (defends(found) ? defences.steps(trained) : 0);
    }

    boolean defends(List<PictureSet.Found> found) {
      return found.stream().anyMatch(one -> one.set().equals(sets.getFirst()));
    }

    /** Digits of house numbers are not read in a mirror. */
    static PaddedCrop crops(PictureSet set) {
      return new PaddedCrop(4, !set.equals(PictureSet.SVHN));
    }
  }

  /** How much is run at a scale. */
  record Plan(
      boolean searches,
      int pairs,
      int train,
      int validation,
      int test,
      int epochs,
      int clouds,
      int cloudEpochs,
      int robustTrain,
      int robustTest,
      int robustEpochs,
      int attackSteps,
      List<Double> trades,
      List<Double> nus,
      boolean downloads,
      Optional<Published> published) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE ->
            new Plan(
                false,
                100,
                256,
                128,
                200,
                1,
                10,
                1,
                256,
                100,
                1,
                3,
                List.of(3.0),
                List.of(0.1, 0.25),
                false,
                Optional.empty());
        case QUICK ->
            new Plan(
                false,
                20_000,
                8000,
                4000,
                10_000,
                8,
                100,
                15,
                6000,
                2000,
                8,
                40,
                List.of(1.0, 3.0),
                List.of(0.1, 0.25),
                true,
                Optional.empty());
        case FULL ->
            new Plan(
                true,
                20_000,
                50_000,
                10_000,
                10_000,
                100,
                100,
                100,
                60_000,
                10_000,
                60,
                40,
                List.of(1.0, 3.0, 6.0),
                List.of(0.1, 0.25, 0.5, 1.0),
                true,
                Optional.of(Published.SIZES));
      };
    }

    /** The same with networks and pictures of the paper. */
    Plan with(Published own) {
      return new Plan(
          searches,
          pairs,
          train,
          validation,
          test,
          epochs,
          clouds,
          cloudEpochs,
          robustTrain,
          robustTest,
          robustEpochs,
          attackSteps,
          trades,
          nus,
          downloads,
          Optional.of(own));
    }

    List<Defence> defences() {
      return Stream.of(
              Stream.<Defence>of(new Defence.None(), new Defence.Adversarial()),
              trades.stream().map(Defence.Trades::new),
              nus.stream().map(Defence.Smooth::new))
          .<Defence>flatMap(one -> one)
          .toList();
    }
  }

  private final Function<Scale, Plan> plans;

  /** The reproduction at its three scales. */
  public CompSumLossesReproduction() {
    this(Plan::of);
  }

  CompSumLossesReproduction(Function<Scale, Plan> plans) {
    this.plans = plans;
  }

  @Override
  public String paper() {
    return "comp-sum-losses";
  }

  @Override
  public String design() {
    return "The estimation-error bound is checked on random distributions and scores, with exact"
        + " minimizability gaps. One small network is trained with five exponents tau on"
        + " Fashion-MNIST and on 100 synthetic classes, the learning rate chosen for each on validation"
        + " data. Robust networks are trained with the smooth adversarial loss, TRADES and adversarial"
        + " cross-entropy, and attacked by projected gradient ascent on the margin.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity violations = Quantity.metric("", VIOLATIONS);
    final Quantity inequality = Quantity.metric("", INEQUALITY);
    final Quantity lead =
        new Quantity(
            "points",
            run ->
                100
                    * (run.metric(Task.PICTURES.accuracy(1))
                        - Math.max(
                            run.metric(Task.PICTURES.accuracy(0)),
                            run.metric(Task.PICTURES.accuracy(2)))));
    final Quantity gain =
        Quantity.difference(
            "points", 100, new Defence.Smooth(0.25).robust(), new Defence.None().robust());
    final Quantity front =
        new Quantity(
            "points",
            run ->
                smooth(run).mapToDouble(one -> lead(List.of(run), one)).max().orElse(Double.NaN));
    return List.of(
        Claim.named("bound-holds")
            .states("The surrogate's excess bounds the zero-one error, and the bound is tight")
            .measures("random pairs of distribution and scores that violate the bound")
            .shows(Summary.MAXIMUM)
            .decidedBy(
                violations,
                Criteria.all(
                        Criteria.everySeedAtMost(violations, 0),
                        Criteria.everySeedAtMost(inequality, SLACK))
                    .holdingIn(Region.upTo(0))),
        Claim.named("cross-entropy-between-extremes")
            .states("Accuracy is best near tau = 1 and falls towards 0 and 2")
            .published("92.6 % at tau 1, 87.4 % at 0 and 90.4 % at 2 on CIFAR-10 (recalled)")
            .measures("Fashion-MNIST accuracy at tau 1 less the better of tau 0 and 2")
            .decidedBy(lead, onRealImages(middleRule(lead))),
        Claim.named("smooth-loss-dominates-trades")
            .states("The smooth adversarial loss is better than TRADES, clean and under attack")
            .published("better clean and robust accuracy on CIFAR-10, CIFAR-100 and SVHN")
            .measures(
                "how far the best setting of the smooth loss is ahead of every TRADES, the worse of clean"
                    + " and robust accuracy")
            .decidedBy(front, onRealImages(frontRule())),
        Claim.named("smooth-loss-is-robust")
            .states("Training with the smooth loss makes a network robust")
            .measures("robust accuracy with nu 0.25 less that of clean training")
            .decidedBy(gain, onRealImages(Criteria.gain(gain, Summary.MEAN, 25, 0, 0))));
  }

  private static Criterion onRealImages(Criterion criterion) {
    return criterion.unless(
        runs -> runs.stream().anyMatch(CompSumLossesReproduction::synthetic),
        "not testable without the real pictures",
        _ -> "Fashion-MNIST was not found, and the runs used the synthetic stand-in");
  }

  private static boolean synthetic(Run run) {
    return run.data().containsKey(SyntheticGarments.NAME);
  }

  private static double mean(List<Run> runs, String metric) {
    return Summary.MEAN.of(runs.stream().mapToDouble(run -> run.metric(metric)).toArray());
  }

  private static Criterion middleRule(Quantity lead) {
    final Criterion rule =
        runs -> {
          final List<String> numbers = new ArrayList<>();
          boolean holds = true;
          boolean falsified = false;
          for (final Task task : Task.values()) {
            final double one = 100 * mean(runs, task.accuracy(1));
            final double none = 100 * mean(runs, task.accuracy(0));
            final double two = 100 * mean(runs, task.accuracy(2));
            final double next = 100 * mean(runs, task.accuracy(1.5));
            if (Double.isNaN(one + none + two + next)) {
              return new Verdict.Inconclusive(task.label + " has an accuracy that is not a number");
            }
            numbers.add(
                "%s: %s at tau 0, %s at 1, %s at 1.5, %s at 2"
                    .formatted(
                        task.label,
                        Quantity.number(none),
                        Quantity.number(one),
                        Quantity.number(next),
                        Quantity.number(two)));
            holds &= Math.abs(one - next) <= 1;
            if (task == Task.PICTURES) {
              holds &= one - none >= 0.3 && one - two >= 0.3;
              falsified = none > one || two > one;
            } else {
              holds &= one >= none && one - two >= 20;
            }
          }
          final String text = String.join("; ", numbers) + " (" + lead.perSeed(runs) + ")";
          return falsified
              ? new Verdict.DoesNotHold(text)
              : holds ? new Verdict.Holds(text) : new Verdict.Inconclusive(text);
        };
    return rule.saying(
            "holds if, in means over seeds, tau 1 is at least 0.3 points above tau 0 and tau 2 on"
                + " Fashion-MNIST, at least as good as tau 0 and 20 points above tau 2 on the 100"
                + " classes, and within 1 point of tau 1.5 on both; falsified if tau 0 or 2 is better on"
                + " Fashion-MNIST; else inconclusive")
        .holdingIn(Region.from(0.3));
  }

  private static Stream<String> smooth(Run run) {
    return labels(run, "smooth comp-sum ");
  }

  private static Stream<String> labels(Run run, String family) {
    final String suffix = ": robust accuracy";
    return run.metrics().keySet().stream()
        .filter(name -> name.startsWith(family) && name.endsWith(suffix))
        .map(name -> name.substring(0, name.length() - suffix.length()));
  }

  /** By how much one setting is ahead of TRADES where it is ahead least, in points. */
  private static double lead(List<Run> runs, String one) {
    return labels(runs.getFirst(), "TRADES ")
        .mapToDouble(
            trades ->
                Math.min(
                    ahead(runs, one, trades, ": clean accuracy"),
                    ahead(runs, one, trades, ": robust accuracy")))
        .min()
        .orElse(Double.NaN);
  }

  private static double ahead(List<Run> runs, String one, String other, String what) {
    return 100 * (mean(runs, one + what) - mean(runs, other + what));
  }

  private static boolean dominates(List<Run> runs, String one, String other) {
    final double clean = ahead(runs, one, other, ": clean accuracy");
    final double robust = ahead(runs, one, other, ": robust accuracy");
    return Math.min(clean, robust) >= 0 && Math.max(clean, robust) >= 0.5;
  }

  private static Criterion frontRule() {
    final Criterion rule =
        runs -> {
          final List<String> points = new ArrayList<>();
          for (final String label :
              Stream.concat(labels(runs.getFirst(), "TRADES "), smooth(runs.getFirst())).toList()) {
            points.add(
                "%s: %s clean, %s robust"
                    .formatted(
                        label,
                        Quantity.number(100 * mean(runs, label + ": clean accuracy")),
                        Quantity.number(100 * mean(runs, label + ": robust accuracy"))));
          }
          final String numbers = String.join("; ", points);
          if (numbers.contains("NaN")) {
            return new Verdict.Inconclusive(numbers + " (not a number)");
          }
          final boolean holds =
              smooth(runs.getFirst())
                  .anyMatch(
                      one ->
                          labels(runs.getFirst(), "TRADES ")
                              .allMatch(trades -> dominates(runs, one, trades)));
          return holds
              ? new Verdict.Holds(numbers)
              : new Verdict.DoesNotHold(numbers + ": not reproduced at this scale");
        };
    return rule.saying(
            "holds if, in means over seeds, one nu is at least as good as every setting of TRADES in"
                + " clean and in robust accuracy and 0.5 points better in one of them; else not"
                + " reproduced at this scale")
        .holdingIn(Region.from(0));
  }

  @Override
  public boolean sameData(Run earlier, Optional<Path> dataFolder) {
    final DataLocations locations = DataLocations.standard(dataFolder);
    final boolean more =
        plans.apply(earlier.scale()).published().stream()
            .flatMap(published -> published.sets().stream())
            .anyMatch(set -> !earlier.data().containsKey(set.name()) && set.isIn(locations));
    if (more) {
      return false;
    }
    if (!synthetic(earlier)) {
      return true;
    }
    final DataSource now = DataResolver.standard(dataFolder).locate(DataSet.FASHION_MNIST).source();
    return now == DataSource.EMBEDDED || now == DataSource.DOWNLOAD;
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = plans.apply(experiment.scale());
    final DataLocations usual = DataLocations.standard(experiment.dataFolder());
    final ResolvedData data =
        new DataResolver(
                plan.downloads() ? usual : usual.withoutNetwork(),
                experiment::warning,
                DownloadProgress.NONE)
            .resolve(DataSet.FASHION_MNIST);
    experiment.data(data.name(), data.origin());
    experiment.data("100 clouds", "made by the run from its seed");
    final List<PictureSet.Found> found =
        plan.published().stream()
            .flatMap(published -> published.sets().stream())
            .flatMap(set -> set.find(usual, experiment::warning).stream())
            .toList();
    found.forEach(one -> experiment.data(one.set().name(), one.origin()));
    experiment.setting("pairs for the bound", plan.pairs() + " for each tau and number of classes");
    experiment.setting(
        "pictures",
        plan.train() + " to train, " + plan.validation() + " to choose the rate, " + plan.test());
    experiment.setting(
        "optimizer",
        "Nesterov 0.9, cosine to 0, batches of "
            + BATCH
            + "; weight decay 1e-4, none for the robust networks");
    experiment.setting(
        "rates",
        plan.searches()
            ? RATES + ", chosen for each tau on the seed's validation data"
            : "for each tau the one of " + RATES + " that validated best for seed 1");
    experiment.setting("epochs", plan.epochs() + " and " + plan.cloudEpochs());
    experiment.setting(
        "adversarial",
        plan.robustTrain()
            + " pictures, "
            + plan.robustEpochs()
            + " epochs, radius 0.1, 5 steps of 0.03 in training");
    experiment.setting("attack", plan.attackSteps() + " steps of 0.01 on the margin");
    if (experiment.scale() != Scale.FULL) {
      experiment.setting("left out for time", "TRADES 6 and nu 0.5, as the page allows");
    }
    final List<Defence> defences = plan.defences();
    final long published = plan.published().map(one -> one.steps(found, defences)).orElse(0L);
    experiment.steps(1 + (long) Task.values().length * TAUS.size() + defences.size() + published);
    bounds(experiment, plan);
    experiment.step("bound");
    pictures(experiment, plan, data);
    clouds(experiment, plan);
    defend(experiment, plan, data, defences);
    plan.published().ifPresent(one -> published(experiment, one, found, defences));
  }

  /** The page's (b). */
  private static void published(
      Experiment experiment,
      Published published,
      List<PictureSet.Found> found,
      List<Defence> defences) {
    experiment.warning(
        "the test attacks by projected gradient ascent on the margin with restarts; AutoAttack, which"
            + " the paper also uses, is not part of this program, nor are its generated pictures and"
            + " the networks larger than WideResNet-28-10, nor defended networks on CIFAR-100 and"
            + " SVHN");
    if (found.isEmpty()) {
      return;
    }
    experiment.setting("residual networks", published.exponents().setting());
    experiment.setting(
        "their pictures",
        "channels standardized, 4 black pixels around, random crops, mirrored but for SVHN");
    experiment.setting("device of residual networks", Libtorch.name(experiment.device()));
    if (published.defends(found)) {
      experiment.setting("robust residual networks", published.defences().setting());
    }
    for (final PictureSet.Found one : found) {
      final String set = one.set().title();
      final Pictures pictures = one.read();
      final PaddedCrop crops = Published.crops(one.set());
      published.exponents().run(experiment, set, pictures, crops);
      if (one.set().equals(published.sets().getFirst())) {
        published.defences().run(experiment, set, pictures, crops, defences);
      }
    }
  }

  /** The page's arm A. */
  private static void bounds(Experiment experiment, Plan plan) {
    final RandomGenerator random = experiment.random("distributions and scores");
    final List<ContinuousDistribution.Sampler> gammas =
        CONCENTRATIONS.stream().map(shape -> gamma(random, shape)).toList();
    int violations = 0;
    double apart = 0;
    for (final double tau : BOUND_TAUS) {
      for (final int n : BOUND_CLASSES) {
        final CompSumBound bound = new CompSumBound(tau, n);
        for (int i = 0; i < plan.pairs(); i++) {
          final double[] p = dirichlet(gammas.get(i % gammas.size()), n);
          final double size = SIZES.get(i / gammas.size() % SIZES.size());
          final double[] h = new double[n];
          Arrays.setAll(h, _ -> size * random.nextGaussian());
          final double risk = CompSumBound.conditionalRisk(p, h, tau);
          final double excess = risk - CompSumBound.leastConditionalRisk(p, tau);
          final double shortOf = Arrays.stream(p).max().orElseThrow() - p[largest(h)];
          violations += excess >= bound.transform(shortOf) - SLACK * Math.max(1, risk) ? 0 : 1;
        }
      }
      if (tau <= 2) {
        final CompSumBound bound = new CompSumBound(tau, 2);
        for (int i = 0; i <= 20; i++) {
          final double b = i / 20.0;
          final double[] p = {(1 + b) / 2, (1 - b) / 2};
          final double excess =
              CompSumBound.conditionalRisk(p, new double[2], tau)
                  - CompSumBound.leastConditionalRisk(p, tau);
          apart = Math.max(apart, Math.abs(excess - bound.transform(b)));
        }
      }
    }
    experiment.metric(VIOLATIONS, violations);
    experiment.metric(INEQUALITY, apart);
    final double[][] conditionals = new double[GAP_INPUTS][];
    Arrays.setAll(conditionals, _ -> dirichlet(gammas.getFirst(), 10));
    final double[] weights = new double[GAP_INPUTS];
    Arrays.fill(weights, 1.0 / GAP_INPUTS);
    for (final double tau : BOUND_TAUS) {
      experiment.metric(gap(tau), CompSumBound.gapOfConstantScores(conditionals, weights, tau));
    }
  }

  private static String gap(double tau) {
    return "minimizability gap of constant scores, tau " + Quantity.number(tau);
  }

  private static int largest(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  private static ContinuousDistribution.Sampler gamma(RandomGenerator random, double shape) {
    return GammaDistribution.of(shape, 1).createSampler(random::nextLong);
  }

  private static double[] dirichlet(ContinuousDistribution.Sampler gamma, int n) {
    final double[] draws = gamma.samples(n).toArray();
    final double sum = Arrays.stream(draws).sum();
    return Arrays.stream(draws).map(draw -> draw / sum).toArray();
  }

  /** The page's arm B on pictures. */
  private static void pictures(Experiment experiment, Plan plan, ResolvedData data) {
    final int[] order = shuffled(data.train().count(), experiment.random("pictures"));
    // The stand-in for the real pictures has fewer of them.
    final int train = Math.min(plan.train(), order.length * 2 / 3);
    final int validation = Math.min(plan.validation(), order.length - train);
    experiment.setting("pictures used", train + " to train, " + validation + " to validate");
    final int[] test = IntStream.range(0, Math.min(plan.test(), data.test().count())).toArray();
    try (NDManager manager = Libtorch.newManager()) {
      compare(
          experiment,
          plan,
          Task.PICTURES,
          new int[] {784, 128, 10},
          plan.epochs(),
          List.of(
              standard(manager, data.train(), Arrays.copyOf(order, train)),
              standard(manager, data.train(), Arrays.copyOfRange(order, train, train + validation)),
              standard(manager, data.test(), test)));
    }
  }

  private static int[] shuffled(int count, RandomGenerator random) {
    final int[] order = IntStream.range(0, count).toArray();
    for (int i = count - 1; i > 0; i--) {
      final int other = random.nextInt(i + 1);
      final int kept = order[i];
      order[i] = order[other];
      order[other] = kept;
    }
    return order;
  }

  private static Examples plain(NDManager manager, LabelledImages images, int[] which) {
    final float[] pixels = new float[which.length * images.imageSize()];
    images.fillImages(which, pixels);
    final int[] labels = new int[which.length];
    images.fillLabels(which, labels);
    return new Examples(
        manager.create(pixels, new Shape(which.length, images.imageSize())),
        manager.create(labels));
  }

  private static Examples standard(NDManager manager, LabelledImages images, int[] which) {
    final Examples examples = plain(manager, images, which);
    return new Examples(Scalars.div(examples.inputs().sub(MEAN), DEVIATION), examples.labels());
  }

  /** The page's arm B on synthetic classes. */
  private static void clouds(Experiment experiment, Plan plan) {
    final RandomGenerator random = experiment.random("clouds");
    final double[][] centres = new double[plan.clouds()][32];
    for (final double[] centre : centres) {
      Arrays.setAll(centre, _ -> random.nextGaussian());
    }
    try (NDManager manager = Libtorch.newManager()) {
      compare(
          experiment,
          plan,
          Task.CLOUDS,
          new int[] {32, 128, plan.clouds()},
          plan.cloudEpochs(),
          Stream.of(80, 20, 50).map(count -> points(manager, centres, count, random)).toList());
    }
  }

  private static Examples points(
      NDManager manager, double[][] centres, int perClass, RandomGenerator random) {
    final int width = centres[0].length;
    final float[] points = new float[centres.length * perClass * width];
    final int[] labels = new int[centres.length * perClass];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = i / perClass;
      for (int k = 0; k < width; k++) {
        points[i * width + k] = (float) (centres[labels[i]][k] + random.nextGaussian());
      }
    }
    return new Examples(
        manager.create(points, new Shape(labels.length, width)), manager.create(labels));
  }

  /** Trains with every exponent at every rate, and tests the rate that validates best. */
  private static void compare(
      Experiment experiment, Plan plan, Task task, int[] widths, int epochs, List<Examples> parts) {
    for (final double tau : TAUS) {
      double best = Double.NEGATIVE_INFINITY;
      double chosen = 0;
      double tested = 0;
      for (final double rate : plan.searches() ? RATES : List.of(task.chosen(tau))) {
        final Batches batches =
            Batches.shuffled(
                Math.toIntExact(parts.getFirst().size()), BATCH, new Seed(experiment.seed()));
        final long steps = (long) epochs * batches.perPass();
        try (Training training =
            new Training(
                network(widths, experiment.random("initial weights, " + task.label)),
                new CompSumLoss(tau),
                new Shape(1, widths[0]),
                options(experiment, rate, steps, Decay.ridge(1e-4)).with(Clipping.byNorm(5)))) {
          training.fit(parts.getFirst(), batches.between(0, steps), StepListener.NONE);
          final double validated = accuracy(training, parts.get(1));
          if (validated > best) {
            best = validated;
            chosen = rate;
            tested = accuracy(training, parts.get(2));
          }
        }
      }
      experiment.metric(task.accuracy(tau), tested);
      experiment.metric(task.rate(tau), chosen);
      experiment.step(task.label + ", tau " + Quantity.number(tau));
    }
  }

  private static TrainingOptions options(
      Experiment experiment, double rate, long steps, Decay decay) {
    return TrainingOptions.seeded(experiment.seed())
        .with(new Optimizer.Sgd(0.9, true, decay))
        .with(Schedule.cosine(rate, 0, steps));
  }

  private static SequentialBlock network(int[] widths, RandomGenerator random) {
    final InitialWeights weights = InitialWeights.fanIn(random);
    return new SequentialBlock()
        .add(weights.linear(widths[0], widths[1], true))
        .add(Activation.reluBlock())
        .add(weights.linear(widths[1], widths[2], true));
  }

  private static double accuracy(Training training, Examples data) {
    try (NDArray scores = training.predict(data.inputs(), PREDICTED)) {
      return accuracy(scores, data.labels());
    }
  }

  private static double accuracy(NDArray scores, NDArray labels) {
    try (NDArray right = scores.argMax(1).eq(labels.toType(DataType.INT64, false))) {
      return right.toType(DataType.FLOAT64, false).mean().getDouble();
    }
  }

  /** The page's arm C. */
  private static void defend(
      Experiment experiment, Plan plan, ResolvedData data, List<Defence> defences) {
    final int[] order = shuffled(data.train().count(), experiment.random("attacked pictures"));
    final int train = Math.min(plan.robustTrain(), order.length);
    final int test = Math.min(plan.robustTest(), data.test().count());
    for (final Defence defence : defences) {
      try (NDManager manager = Libtorch.newManager()) {
        final Examples known = plain(manager, data.train(), Arrays.copyOf(order, train));
        final Examples held = plain(manager, data.test(), IntStream.range(0, test).toArray());
        final SequentialBlock net =
            network(new int[] {784, 256, 10}, experiment.random("initial weights, attacked"));
        final Batches batches = Batches.shuffled(train, BATCH, new Seed(experiment.seed()));
        final long steps = (long) plan.robustEpochs() * batches.perPass();
        try (Training training =
            new Training(net, options(experiment, 0.1, steps, Decay.NONE), new Shape(1, 784))) {
          final RandomGenerator starts = experiment.random("starts of attacks in training");
          for (final int[] rows : batches.between(0, steps)) {
            step(training, net, known, rows, defence, starts);
          }
          experiment.metric(defence.clean(), accuracy(training, held));
          experiment.metric(
              defence.robust(),
              robust(net, held, plan, experiment.random("starts of attacks in the test")));
        }
      }
      experiment.step(defence.label());
    }
  }

  private static void step(
      Training training,
      SequentialBlock net,
      Examples known,
      int[] rows,
      Defence defence,
      RandomGenerator random) {
    try (NDManager scope = Libtorch.newManager()) {
      final NDArray index = scope.create(rows).toType(DataType.INT64, false);
      final NDArray x = select(known.inputs(), index, scope);
      final NDArray labels = select(known.labels(), index, scope);
      final NDArray moved = defence.moved(SEARCH, scores(net, scope), x, labels, random);
      training.step(defence.objective(net, x, moved, labels));
    }
  }

  private static NDArray select(NDArray data, NDArray index, NDManager scope) {
    final NDArray alias = data.stopGradient();
    alias.attach(scope);
    return alias.get(index);
  }

  /**
   * What the network gives with its weights as they are, which an attack does not differentiate.
   */
  private static UnaryOperator<NDArray> scores(SequentialBlock net, NDManager manager) {
    final List<NDArray> weights =
        net.getParameters().values().stream()
            .map(parameter -> parameter.getArray().stopGradient())
            .toList();
    weights.forEach(array -> array.attach(manager));
    return input -> {
      final NDArray hidden =
          Activation.relu(input.matMul(weights.get(0).transpose()).add(weights.get(1)));
      return hidden.matMul(weights.get(2).transpose()).add(weights.get(3));
    };
  }

  private static double robust(
      SequentialBlock net, Examples held, Plan plan, RandomGenerator random) {
    final ProjectedGradient attack = new ProjectedGradient(RADIUS, 0.01, plan.attackSteps(), 0, 1);
    double right = 0;
    for (long from = 0; from < held.size(); from += PREDICTED) {
      try (NDManager scope = Libtorch.newManager()) {
        final String part = from + ":" + Math.min(held.size(), from + PREDICTED);
        final NDArray x = held.inputs().get(scope, new NDIndex(part));
        final NDArray labels = held.labels().get(scope, new NDIndex(part));
        final UnaryOperator<NDArray> scores = scores(net, scope);
        final NDArray moved = attack.attack(scores, x, labels, ProjectedGradient.margin(), random);
        right += accuracy(scores.apply(moved), labels) * labels.size();
      }
    }
    return right / held.size();
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final Plan plan = plans.apply(runs.getFirst().scale());
    final List<Double> excesses = IntStream.rangeClosed(0, 50).mapToObj(i -> i / 100.0).toList();
    final List<Curve> bounds = new ArrayList<>();
    for (final double tau : List.of(0.0, 0.5, 1.0, 1.5, 2.0)) {
      final CompSumBound bound = new CompSumBound(tau, 10);
      bounds.add(
          new Curve(
              "tau " + Quantity.number(tau),
              Mark.LINE,
              excesses,
              excesses.stream().map(bound::error).toList(),
              List.of(),
              List.of()));
    }
    final List<Figure> figures = new ArrayList<>();
    plan.published().ifPresent(one -> figures.addAll(publishedFigures(runs, plan, one)));
    figures.addAll(
        List.of(
            front("Clean and robust accuracy", runs, plan, Defence::clean, Defence::robust),
            new Figure(
                "Accuracy by exponent",
                "Each exponent at the learning rate that validates best; mean over seeds with their"
                    + " range.",
                Axis.linear("tau"),
                Axis.linear("test accuracy (%)"),
                Arrays.stream(Task.values())
                    .map(
                        task ->
                            SeedCurves.over(
                                task.label,
                                Mark.LINE,
                                Summary.MEAN,
                                TAUS,
                                i ->
                                    runs.stream()
                                        .mapToDouble(
                                            run -> 100 * run.metric(task.accuracy(TAUS.get(i))))
                                        .toArray()))
                    .toList()),
            new Figure(
                "What the bound allows",
                "Zero-one error by excess of the loss for 10 classes, from the theorem alone. Above tau ="
                    + " 1 the bound weakens with the number of classes.",
                Axis.linear("excess of the loss, gap included"),
                Axis.linear("zero-one error at most"),
                bounds),
            new Figure(
                "Minimizability gaps",
                "Exact gaps of classifiers that give every input the same scores, on a random finite"
                    + " problem of 50 inputs and 10 classes. They shrink as tau grows.",
                Axis.linear("tau"),
                Axis.linear("gap"),
                List.of(
                    SeedCurves.over(
                        "constant scores",
                        Mark.LINE,
                        Summary.MEAN,
                        BOUND_TAUS,
                        i ->
                            runs.stream()
                                .mapToDouble(run -> run.metric(gap(BOUND_TAUS.get(i))))
                                .toArray())))));
    return figures;
  }

  private static List<Figure> publishedFigures(List<Run> runs, Plan plan, Published published) {
    final List<Figure> figures = new ArrayList<>();
    final List<Double> taus = published.exponents().taus();
    final List<Curve> exponents =
        published.sets().stream()
            .map(PictureSet::title)
            .filter(set -> all(runs, ResidualTrial.accuracy(set, taus.getFirst())))
            .map(
                set ->
                    SeedCurves.over(
                        set,
                        Mark.LINE,
                        Summary.MEAN,
                        taus,
                        i ->
                            runs.stream()
                                .mapToDouble(
                                    run ->
                                        100 * run.metric(ResidualTrial.accuracy(set, taus.get(i))))
                                .toArray()))
            .toList();
    if (!exponents.isEmpty()) {
      figures.add(
          new Figure(
              "Accuracy of residual networks by exponent",
              "Each exponent at the rate that validates best; mean over seeds with their range.",
              Axis.linear("tau"),
              Axis.linear("test accuracy (%)"),
              exponents));
    }
    final String set = published.sets().getFirst().title();
    if (all(runs, RobustTrial.robust(set, new Defence.None()))) {
      figures.add(
          front(
              "Clean and robust accuracy of residual networks on " + set,
              runs,
              plan,
              defence -> RobustTrial.clean(set, defence),
              defence -> RobustTrial.robust(set, defence)));
    }
    return figures;
  }

  private static boolean all(List<Run> runs, String metric) {
    return runs.stream().allMatch(run -> run.metrics().containsKey(metric));
  }

  private static Figure front(
      String title,
      List<Run> runs,
      Plan plan,
      Function<Defence, String> clean,
      Function<Defence, String> robust) {
    return new Figure(
        title,
        "Means over seeds; to the upper right is better. One point for each setting.",
        Axis.linear("clean accuracy (%)"),
        Axis.linear("accuracy under attack (%)"),
        Stream.of(
                new Points("clean training", Mark.POINT, List.of(new Defence.None())),
                new Points("PGD cross-entropy", Mark.POINT, List.of(new Defence.Adversarial())),
                new Points(
                    "TRADES",
                    Mark.LINE,
                    plan.trades().stream().<Defence>map(Defence.Trades::new).toList()),
                new Points(
                    "smooth comp-sum loss",
                    Mark.LINE,
                    plan.nus().stream().<Defence>map(Defence.Smooth::new).toList()))
            .map(points -> points.curve(runs, clean, robust))
            .toList());
  }

  /** Settings of one family, a curve in a figure. */
  private record Points(String name, Mark mark, List<Defence> defences) {

    Curve curve(List<Run> runs, Function<Defence, String> clean, Function<Defence, String> robust) {
      return new Curve(
          name,
          mark,
          defences.stream().map(one -> 100 * mean(runs, clean.apply(one))).toList(),
          defences.stream().map(one -> 100 * mean(runs, robust.apply(one))).toList(),
          List.of(),
          List.of());
    }
  }
}
