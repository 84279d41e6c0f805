package io.steelyard.papers.reproduction;

import io.steelyard.analysis.attention.WeightRows;
import io.steelyard.layers.attention.Attention;
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
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Paper 30, arXiv 2507.00698: does linear attention get better when the length of a query's
 * features counts?
 *
 * <p>Grid recall is learned with softmax, linear and magnitude-aware linear attention, for a short
 * and a long time, and rows of the trained models are looked at when features of queries grow.
 */
public final class MalaReproduction implements Reproduction {

  private static final List<Double> FACTORS = List.of(0.5, 1.0, 2.0, 4.0);
  private static final int LOOKED_AT = 4;
  private static final String NEGATIVE = "share of negative weights, MALA";
  private static final String LINEAR_CHANGE = "largest change of a linear row's entropy";

  /** What is trained on ImageNet. */
  static final List<Entrant> ENTRANTS =
      List.of(
          ImageNetTraining.deitTiny("DeiT-T, softmax", Attention.softmax()),
          ImageNetTraining.deitTiny("DeiT-T, linear", Attention.linear()),
          ImageNetTraining.deitTiny("DeiT-T, MALA", Attention.mala()),
          ImageNetTraining.stages("MAViT-T", HierarchicalConfiguration.MAVIT_T));

  private static final Recipe RECIPE = Recipe.deit();

  /** What is trained, for how long. */
  private enum Arm {
    SOFTMAX("softmax", false),
    LINEAR("linear", false),
    MALA("MALA", false),
    LINEAR_LONG("linear, twice the steps", true),
    MALA_LONG("MALA, twice the steps", true);

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
        case MALA, MALA_LONG -> Attention.mala();
      };
    }

    String accuracy() {
      return label + " accuracy on grids";
    }

    String entropy(double factor) {
      return label + " row entropy, queries times " + factor;
    }
  }

  /** The arms whose rows are looked at. */
  private static final List<Arm> LOOKED_INTO = List.of(Arm.SOFTMAX, Arm.LINEAR, Arm.MALA);

  @Override
  public String paper() {
    return "mala";
  }

  @Override
  public String design() {
    return "One small transformer learns to look up the twin of every cell of a grid, with softmax,"
        + " linear (elu + 1) and magnitude-aware linear attention in the scale of the released code,"
        + " in 400 steps; the last two also in 800. Initial weights and grids are the same. Then the"
        + " first layer's queries (their features, where there are some) are made longer and shorter.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity gap = Quantity.difference("pp", 1, Arm.MALA.accuracy(), Arm.LINEAR.accuracy());
    final Quantity longGap =
        Quantity.difference("pp", 1, Arm.MALA_LONG.accuracy(), Arm.LINEAR_LONG.accuracy());
    final Quantity negative = Quantity.metric("", NEGATIVE);
    final Quantity change = Quantity.metric("nats", LINEAR_CHANGE);
    final Quantity sharper =
        new Quantity(
            "nats", run -> run.metric(Arm.MALA.entropy(4)) - run.metric(Arm.MALA.entropy(0.5)));
    return List.of(
        Claim.named("better-than-linear")
            .states("Magnitude-aware linear attention learns better than linear attention")
            .published("DeiT-T with it 75.1 % on ImageNet, with linear attention 69.8 %")
            .measures("accuracy on grid recall after 400 steps, minus that of linear attention")
            .decidedBy(gap, betterRule(gap, longGap)),
        Claim.named("longer-queries-decide")
            .states("A longer query is a more decided one, unlike in linear attention")
            .measures("row entropy with features of queries times 4, minus that at a half")
            .decidedBy(
                sharper,
                Criteria.all(
                        Criteria.everySeedBelow(sharper, 0),
                        Criteria.everySeedAtMost(change, 1e-12))
                    .holdingIn(Region.upTo(0))),
        Claim.named("no-negative-weights")
            .states("Trained models have no negative weights")
            .published("none seen")
            .measures("share of negative weights in the first layer")
            .shows(Summary.MAXIMUM)
            .decidedBy(negative, Criteria.everySeedAtMost(negative, 0)));
  }

  /** The page's rule: by 3 points and two standard errors, early and late. */
  private static Criterion betterRule(Quantity gap, Quantity longGap) {
    final Criterion rule =
        runs -> {
          final boolean early = clear(gap.values(runs));
          final boolean late = clear(longGap.values(runs));
          final double softmax =
              mean(runs, Arm.SOFTMAX.accuracy()) - mean(runs, Arm.MALA.accuracy());
          final String numbers =
              "400 steps: "
                  + gap.perSeed(runs)
                  + "; 800 steps: "
                  + longGap.perSeed(runs)
                  + "; softmax is "
                  + gap.text(softmax)
                  + " ahead at 400"
                  + (early && late && softmax <= 5 ? ", so the gap is closed" : "");
          if (early && late) {
            return new Verdict.Holds(numbers);
          }
          if (Summary.MEAN.of(gap.values(runs)) <= 0
              && Summary.MEAN.of(longGap.values(runs)) <= 0) {
            return new Verdict.DoesNotHold(numbers);
          }
          return new Verdict.Inconclusive(
              numbers + (early ? ": it learns faster only" : ": no clear difference"));
        };
    return rule.saying(
            "holds if the mean gain is at least 3 points and more than two of its standard errors,"
                + " after 400 steps and after 800; falsified if it is not above 0 at either; else"
                + " inconclusive (\"learns faster only\" if only after 400)")
        .holdingIn(Region.from(3));
  }

  private static boolean clear(double[] gains) {
    final double mean = Summary.MEAN.of(gains);
    double sum = 0;
    for (final double gain : gains) {
      sum += (gain - mean) * (gain - mean);
    }
    final double error = Math.sqrt(sum / (gains.length - 1) / gains.length);
    return mean >= 3 && mean > 2 * error;
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
          "detection, speech and images made by diffusion are not part of this program, nor are Swin and"
              + " the larger published models");
    }
    experiment.setting("steps", steps + " and " + 2 * steps);
    experiment.setting("optimizer", "AdamW, peak rate 3e-3, cosine after 50 steps, decay 0.01");
    experiment.setting("looked at", LOOKED_AT + " grids");
    experiment.steps(
        Arrays.stream(Arm.values())
                .mapToLong(arm -> GridRecall.reports(arm.twice ? 2 * steps : steps))
                .sum()
            + (imageNet.isPresent() ? ImageNetTraining.reports(ENTRANTS, RECIPE) : 0));
    for (final Arm arm : Arm.values()) {
      try (Training training =
          GridRecall.train(arm.attention(), arm.label, arm.twice ? 2 * steps : steps, experiment)) {
        experiment.metric(arm.accuracy(), GridRecall.accuracy(training, experiment));
        if (LOOKED_INTO.contains(arm)) {
          look(experiment, arm, GridRecall.firstLayer(training, LOOKED_AT, experiment));
        }
      }
    }
    imageNet.ifPresent(pictures -> ImageNetTraining.run(experiment, pictures, ENTRANTS, RECIPE));
  }

  private static void look(Experiment experiment, Arm arm, List<HeadTokens> heads) {
    for (final double factor : FACTORS) {
      experiment.metric(
          arm.entropy(factor),
          heads.stream()
              .mapToDouble(head -> rows(arm, head, factor).clipped().meanEntropy())
              .average()
              .orElseThrow());
    }
    if (arm == Arm.MALA) {
      experiment.metric(
          NEGATIVE,
          heads.stream()
              .mapToDouble(head -> rows(arm, head, 1).shareOfNegative())
              .average()
              .orElseThrow());
    }
    if (arm == Arm.LINEAR) {
      experiment.metric(
          LINEAR_CHANGE, heads.stream().mapToDouble(MalaReproduction::change).max().orElseThrow());
    }
  }

  private static double change(HeadTokens head) {
    final WeightRows plain = rows(Arm.LINEAR, head, 1);
    double most = 0;
    for (final double factor : FACTORS) {
      final WeightRows scaled = rows(Arm.LINEAR, head, factor);
      for (int i = 0; i < plain.size(); i++) {
        most = Math.max(most, Math.abs(scaled.entropy(i) - plain.entropy(i)));
      }
    }
    return most;
  }

  private static WeightRows rows(Arm arm, HeadTokens head, double factor) {
    if (arm == Arm.SOFTMAX) {
      return WeightRows.softmax(times(head.q(), factor), head.k());
    }
    final double[][] fq = times(features(head.q()), factor);
    final double[][] fk = features(head.k());
    return arm == Arm.LINEAR
        ? WeightRows.linear(fq, fk, 0)
        : WeightRows.magnitudeAware(
            fq, fk, 1 / (Math.sqrt((double) GridRecall.WIDTH / GridRecall.HEADS) * fk.length));
  }

  private static double[][] features(double[][] x) {
    return Arrays.stream(x)
        .map(row -> Arrays.stream(row).map(v -> v > 0 ? v + 1 : Math.exp(v)).toArray())
        .toArray(double[][]::new);
  }

  private static double[][] times(double[][] x, double factor) {
    return Arrays.stream(x)
        .map(row -> Arrays.stream(row).map(v -> factor * v).toArray())
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
                    "Entropy of rows when queries grow",
                    "First layer of the trained models. Linear attention cannot hear a longer query.",
                    Axis.log2("factor of the query's features"),
                    Axis.linear("mean entropy of a row (nats)"),
                    LOOKED_INTO.stream()
                        .map(
                            arm ->
                                SeedCurves.over(
                                    arm.label,
                                    Mark.LINE,
                                    Summary.MEAN,
                                    FACTORS,
                                    i ->
                                        runs.stream()
                                            .mapToDouble(
                                                run -> run.metric(arm.entropy(FACTORS.get(i))))
                                            .toArray()))
                        .toList()),
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
