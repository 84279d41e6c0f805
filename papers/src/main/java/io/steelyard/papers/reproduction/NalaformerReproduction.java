package io.steelyard.papers.reproduction;

import io.steelyard.analysis.attention.RankCorrelation;
import io.steelyard.analysis.attention.WeightRows;
import io.steelyard.kernels.linear.NalaForm;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.NalaAttentionBlock;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.vision.HierarchicalConfiguration;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
import io.steelyard.papers.claim.Criterion;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Region;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.data.PictureFolders;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.task.GridRecall;
import io.steelyard.papers.task.HeadTokens;
import io.steelyard.papers.task.ImageNetTraining;
import io.steelyard.papers.task.ImageNetTraining.Entrant;
import io.steelyard.papers.task.ImageNetTraining.Recipe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Paper 39, arXiv 2506.21137: does linear attention get better when a query's norm is the power of
 * its direction, and is it the norm that makes it better?
 *
 * <p>Grid recall is learned with softmax, linear and norm-aware linear attention, and with the same
 * features at one power for all queries, which tells the norm from the rest of the map.
 */
public final class NalaformerReproduction implements Reproduction {

  private static final double LAMBDA = 3;
  private static final double TAU = 0.5;
  private static final double EPSILON = 1e-6;
  private static final List<Double> NORMS = List.of(0.1, 0.5, 1.0, 2.0, 4.0);
  private static final int DRAWS = 200;
  private static final int KEYS = 32;
  private static final int DEPTH = 8;
  private static final int LOOKED_AT = 4;
  private static final String FALLING = "share of directions whose entropy falls with the norm";
  private static final String RELU_CHANGE = "largest change of entropy with the norm, plain relu";

  /** What is trained on ImageNet. */
  static final List<Entrant> ENTRANTS =
      List.of(
          ImageNetTraining.stages("NaLaFormer-XT", HierarchicalConfiguration.NALAFORMER_XT),
          ImageNetTraining.stages("NaLaFormer-T", HierarchicalConfiguration.NALAFORMER_T));

  private static final Recipe RECIPE = Recipe.deit().withAverage(0.99996);

  /** What is trained, for how long. */
  private enum Arm {
    SOFTMAX("softmax", false),
    LINEAR("linear", false),
    NALA("NaLa", false),
    CUBIC("NaLa at power 3", false),
    LINEAR_LONG("linear, twice the steps", true),
    NALA_LONG("NaLa, twice the steps", true);

    private final String label;
    private final boolean twice;

    Arm(String label, boolean twice) {
      this.label = label;
      this.twice = twice;
    }

    Attention attention() {
      return switch (this) {
        case SOFTMAX -> Attention.softmax();
        case LINEAR, LINEAR_LONG -> Attention.linear();
        case NALA, NALA_LONG -> Attention.nala();
        case CUBIC -> _ -> NalaAttentionBlock.withoutNorm(NalaForm.SPLIT, LAMBDA);
      };
    }

    String accuracy() {
      return label + " accuracy on grids";
    }

    String correlation() {
      return label + " rank correlation of norm and entropy";
    }
  }

  /** The arms whose rows are looked at. */
  private static final List<Arm> LOOKED_INTO = List.of(Arm.SOFTMAX, Arm.LINEAR, Arm.NALA);

  @Override
  public String paper() {
    return "nalaformer";
  }

  @Override
  public String design() {
    return "One small transformer learns to look up the twin of every cell of a grid, with softmax,"
        + " linear (elu + 1), norm-aware linear attention and its map at one power for all queries, in"
        + " 400 steps; linear and norm-aware also in 800. Initial weights and grids are the same. The"
        + " law that entropy falls with the norm is tested on random directions.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity gap = Quantity.difference("pp", 1, Arm.NALA.accuracy(), Arm.LINEAR.accuracy());
    final Quantity overCubic =
        Quantity.difference("pp", 1, Arm.NALA.accuracy(), Arm.CUBIC.accuracy());
    final Quantity falling = Quantity.metric("", FALLING);
    final Quantity change = Quantity.metric("nats", RELU_CHANGE);
    return List.of(
        Claim.named("better-than-linear")
            .states("Norm-aware linear attention learns better than linear attention")
            .published("up to 4.2 % gain on vision and language")
            .measures("accuracy on grid recall after 400 steps, minus that of linear attention")
            .decidedBy(gap, betterRule(gap)),
        Claim.named("the-norm-is-the-cause")
            .states("It is the query's norm in the power that makes it better")
            .measures("accuracy after 400 steps, minus that of the same map at power 3")
            .decidedBy(overCubic, Criteria.gain(overCubic, Summary.MEAN, 1, 0, 0)),
        Claim.named("entropy-falls-with-the-norm")
            .states("The entropy of a row falls as its query gets longer")
            .measures("share of 200 random directions for which it falls at each of four steps")
            .decidedBy(
                falling,
                Criteria.all(
                        Criteria.everySeedAtLeast(falling, 0.9),
                        Criteria.everySeedAtMost(change, 1e-12))
                    .holdingIn(Region.from(0.9))));
  }

  private static Criterion betterRule(Quantity gap) {
    final Criterion rule =
        runs -> {
          final double early = Summary.MEAN.of(gap.values(runs));
          final double late =
              mean(runs, Arm.NALA_LONG.accuracy()) - mean(runs, Arm.LINEAR_LONG.accuracy());
          final double softmax =
              mean(runs, Arm.SOFTMAX.accuracy()) - mean(runs, Arm.NALA.accuracy());
          final String numbers =
              "400 steps: "
                  + gap.perSeed(runs)
                  + "; 800 steps: "
                  + gap.text(late)
                  + "; softmax is "
                  + gap.text(softmax)
                  + " ahead at 400"
                  + (softmax <= 5 ? ", so it is softmax-like" : "");
          if (early <= 0) {
            return new Verdict.DoesNotHold(numbers);
          }
          if (early < 10) {
            return new Verdict.Inconclusive(numbers + ": ahead, by less than 10 points");
          }
          return new Verdict.Holds(numbers + (late > 0 ? "" : "; it learns faster only"));
        };
    return rule.saying(
            "holds if the mean gain after 400 steps is at least 10 points (\"learns faster only\" if"
                + " it is not above 0 after 800); falsified if it is not above 0; else inconclusive")
        .holdingIn(Region.from(10));
  }

  private static double mean(List<Run> runs, String metric) {
    return Summary.MEAN.of(runs.stream().mapToDouble(run -> run.metric(metric)).toArray());
  }

  private static int steps(Scale scale) {
    return switch (scale) {
      case SMOKE -> 4;
      case QUICK, FULL -> 400;
    };
  }

  @Override
  public boolean sameData(Run earlier, Optional<Path> dataFolder) {
    return ImageNetTraining.sameData(earlier, dataFolder);
  }

  @Override
  public void run(Experiment experiment) {
    final int steps = steps(experiment.scale());
    experiment.data("grid recall", "made by the run from its seed");
    final Optional<PictureFolders> imageNet =
        experiment.scale() == Scale.FULL ? ImageNetTraining.find(experiment) : Optional.empty();
    if (experiment.scale() == Scale.FULL) {
      experiment.warning(
          "detection, segmentation, super-resolution, language models and LRA are not part of this program, nor are"
              + " the larger published models");
    }
    experiment.setting("steps", steps + " and " + 2 * steps);
    experiment.setting("optimizer", "AdamW, peak rate 3e-3, cosine after 50 steps, decay 0.01");
    experiment.setting("random directions", DRAWS + " in 8 dimensions, 32 keys each");
    experiment.steps(
        1
            + Arrays.stream(Arm.values())
                .mapToLong(arm -> GridRecall.reports(arm.twice ? 2 * steps : steps))
                .sum()
            + (imageNet.isPresent() ? ImageNetTraining.reports(ENTRANTS, RECIPE) : 0));
    entropyLaw(experiment);
    experiment.step("entropy of random directions");
    for (final Arm arm : Arm.values()) {
      try (Training training =
          GridRecall.train(arm.attention(), arm.label, arm.twice ? 2 * steps : steps, experiment)) {
        experiment.metric(arm.accuracy(), GridRecall.accuracy(training, experiment));
        if (LOOKED_INTO.contains(arm)) {
          experiment.metric(
              arm.correlation(),
              correlation(arm, GridRecall.firstLayer(training, LOOKED_AT, experiment)));
        }
      }
    }
    imageNet.ifPresent(pictures -> ImageNetTraining.run(experiment, pictures, ENTRANTS, RECIPE));
  }

  /** The page's part (c). */
  private static void entropyLaw(Experiment experiment) {
    final RandomGenerator random = experiment.random("directions");
    final double[] sums = new double[NORMS.size()];
    int falling = 0;
    double change = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
      final double[][] keys = new double[KEYS][];
      Arrays.setAll(keys, _ -> normal(random));
      final double[] direction = normal(random);
      final double length = norm(direction);
      final double[] entropies = new double[NORMS.size()];
      final double[] plain = new double[NORMS.size()];
      for (int i = 0; i < entropies.length; i++) {
        final double factor = NORMS.get(i) / length;
        final double[] q = Arrays.stream(direction).map(x -> factor * x).toArray();
        entropies[i] =
            WeightRows.linear(
                    new double[][] {queryFeatures(q, power(q))}, keyFeatures(keys), EPSILON)
                .entropy(0);
        plain[i] = WeightRows.linear(new double[][] {relu(q)}, relu(keys), 0).entropy(0);
        sums[i] += entropies[i];
      }
      falling +=
          IntStream.range(1, entropies.length).allMatch(i -> entropies[i] < entropies[i - 1])
              ? 1
              : 0;
      for (final double entropy : plain) {
        change = Math.max(change, Math.abs(entropy - plain[0]));
      }
    }
    experiment.metric(FALLING, (double) falling / DRAWS);
    experiment.metric(RELU_CHANGE, change);
    for (int i = 0; i < sums.length; i++) {
      experiment.metric(entropyAt(NORMS.get(i)), sums[i] / DRAWS);
    }
  }

  private static String entropyAt(double norm) {
    return "mean entropy of random directions at norm " + norm;
  }

  private static double[] normal(RandomGenerator random) {
    final double[] values = new double[DEPTH];
    Arrays.setAll(values, _ -> random.nextGaussian());
    return values;
  }

  private static double norm(double[] x) {
    return Math.sqrt(Arrays.stream(x).map(v -> v * v).sum());
  }

  private static double power(double[] q) {
    return LAMBDA * (TAU + Math.tanh(norm(q)));
  }

  /** The split form: both signs of the direction, to a power. */
  private static double[] queryFeatures(double[] q, double power) {
    final double length = Math.max(norm(q), 1e-12);
    return IntStream.range(0, 2 * q.length)
        .mapToDouble(
            i -> {
              final double u = (i < q.length ? q[i] : -q[i - q.length]) / length;
              return u > 0 ? Math.pow(u, power) : 0;
            })
        .toArray();
  }

  private static double[][] keyFeatures(double[][] keys) {
    return Arrays.stream(keys)
        .map(
            k ->
                IntStream.range(0, 2 * k.length)
                    .mapToDouble(
                        i -> {
                          final double x = Math.max(0, i < k.length ? k[i] : -k[i - k.length]);
                          return x * x * x;
                        })
                    .toArray())
        .toArray(double[][]::new);
  }

  private static double[] relu(double[] x) {
    return Arrays.stream(x).map(v -> Math.max(v, 0)).toArray();
  }

  private static double[][] relu(double[][] x) {
    return Arrays.stream(x).map(NalaformerReproduction::relu).toArray(double[][]::new);
  }

  private static double correlation(Arm arm, List<HeadTokens> heads) {
    final List<Double> norms = new ArrayList<>();
    final List<Double> entropies = new ArrayList<>();
    for (final HeadTokens head : heads) {
      final double[][] q = head.q();
      final WeightRows rows = rows(arm, q, head.k());
      for (int i = 0; i < q.length; i++) {
        norms.add(norm(q[i]));
        entropies.add(rows.entropy(i));
      }
    }
    return RankCorrelation.spearman(
        norms.stream().mapToDouble(Double::doubleValue).toArray(),
        entropies.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static WeightRows rows(Arm arm, double[][] q, double[][] k) {
    return switch (arm) {
      case SOFTMAX -> WeightRows.softmax(q, k);
      case NALA, NALA_LONG, CUBIC ->
          WeightRows.linear(
              Arrays.stream(q)
                  .map(x -> queryFeatures(x, arm == Arm.CUBIC ? LAMBDA : power(x)))
                  .toArray(double[][]::new),
              keyFeatures(k),
              EPSILON);
      case LINEAR, LINEAR_LONG -> WeightRows.linear(elu(q), elu(k), EPSILON);
    };
  }

  private static double[][] elu(double[][] x) {
    return Arrays.stream(x)
        .map(row -> Arrays.stream(row).map(v -> v > 0 ? v + 1 : Math.exp(v)).toArray())
        .toArray(double[][]::new);
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    return Stream.concat(
            Stream.of(
                new Figure(
                    "Accuracy on grid recall",
                    "Mean over seeds; the whiskers reach from the worst seed to the best. Guessing is right"
                        + " in one of eight.",
                    Axis.category(
                        "attention", Arrays.stream(Arm.values()).map(arm -> arm.label).toList()),
                    Axis.linear("accuracy (%)"),
                    List.of(
                        SeedCurves.byCategory(
                            "accuracy",
                            Mark.BAR,
                            runs,
                            1,
                            Arrays.stream(Arm.values()).map(Arm::accuracy).toList()))),
                new Figure(
                    "Entropy of a row against the norm of its query",
                    "Random directions and keys: mean over 200, then over seeds with their range.",
                    Axis.log2("norm of the query"),
                    Axis.linear("entropy (nats)"),
                    List.of(
                        SeedCurves.over(
                            "NaLa",
                            Mark.LINE,
                            Summary.MEAN,
                            NORMS,
                            i ->
                                runs.stream()
                                    .mapToDouble(run -> run.metric(entropyAt(NORMS.get(i))))
                                    .toArray()))),
                new Figure(
                    "Norm and entropy in trained layers",
                    "Rank correlation of a query's norm with the entropy of its row, first layer: below 0"
                        + " where longer queries are more decided.",
                    Axis.category("attention", LOOKED_INTO.stream().map(arm -> arm.label).toList()),
                    Axis.linear("rank correlation"),
                    List.of(
                        SeedCurves.byCategory(
                            "first layer",
                            Mark.POINT,
                            runs,
                            1,
                            LOOKED_INTO.stream().map(Arm::correlation).toList()))),
                new Figure(
                    "Training",
                    "Mean over seeds with their range, same initial weights and grids.",
                    Axis.linear("step"),
                    Axis.log10("training loss"),
                    Arrays.stream(Arm.values())
                        .map(
                            arm ->
                                SeedCurves.ofSeries(
                                    arm.label, Mark.LINE, runs, arm.label + " training loss"))
                        .toList())),
            ImageNetFigures.of(runs, ENTRANTS))
        .toList();
  }
}
