package io.steelyard.papers.reproduction;

import io.steelyard.kernels.attention.Reweighting;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.SoftplusAttentionBlock;
import io.steelyard.layers.training.Training;
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
import io.steelyard.papers.task.InContextMarkov;
import java.util.Arrays;
import java.util.List;

/**
 * Paper 17, arXiv 2501.13428: does softplus attention with a re-weighting go to longer sequences
 * than it was trained on?
 *
 * <p>A causal model of in-context Markov sequences is trained at 64 symbols and tested at up to 16
 * times that. The scale alone, under plain softmax, is trained beside it, since it may be all that
 * is needed.
 */
public final class SoftplusAttentionReproduction implements Reproduction {

  private static final int SHORT = InContextMarkov.TRAINING_LENGTH;

  /** What is trained. */
  private enum Arm {
    SOFTMAX("softmax"),
    SIGMOID("sigmoid"),
    COSINE("softmax of scaled cosines"),
    LSSA("LSSA"),
    LSSAR_3("LSSAR, p = 3"),
    LSSAR_15("LSSAR, p = 15");

    private final String label;

    Arm(String label) {
      this.label = label;
    }

    Attention attention() {
      return switch (this) {
        case SOFTMAX -> Attention.softmax();
        case SIGMOID -> Attention.sigmoid();
        case COSINE -> Attention.cosineSoftmax();
        case LSSA -> Attention.softplus();
        case LSSAR_3 -> _ -> SoftplusAttentionBlock.reweighted(new Reweighting(3, true));
        case LSSAR_15 -> Attention.reweightedSoftplus();
      };
    }

    String loss(int length) {
      return label + " cross-entropy at length " + length;
    }

    /** What it loses between the shortest and the longest sequences. */
    double gap(Run run, int longest) {
      return run.metric(loss(longest)) - run.metric(loss(SHORT));
    }
  }

  /** How much is run at a scale. */
  private record Plan(int steps, List<Integer> lengths) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(4, List.of(64, 128));
        case QUICK -> new Plan(500, List.of(64, 128, 256, 512, 1024));
        case FULL -> new Plan(18_865, List.of(64, 128, 256, 512, 1024, 2048, 4096));
      };
    }

    int longest() {
      return lengths.getLast();
    }
  }

  @Override
  public String paper() {
    return "softplus-attention";
  }

  @Override
  public String design() {
    return "Each sequence follows its own random permutation of 16 symbols nine times in ten. One"
        + " causal layer with rotary positions is trained on 64 symbols with six attentions, from the"
        + " same initial weights on the same sequences, and tested on up to 1024 symbols.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity relative =
        new Quantity(
            "",
            run -> {
              final int longest = Plan.of(run.scale()).longest();
              return Arm.LSSAR_15.gap(run, longest) / Arm.SOFTMAX.gap(run, longest);
            });
    final Quantity plain =
        new Quantity(
            "nats",
            run -> {
              final int longest = Plan.of(run.scale()).longest();
              return Arm.LSSA.gap(run, longest) - Arm.SOFTMAX.gap(run, longest);
            });
    return List.of(
        Claim.named("re-weighting-extrapolates")
            .states(
                "With a re-weighting of power 15, longer sequences cost far less than with softmax")
            .published("validation loss 3.19 at 1K and 3.32 at 8K; softmax 3.19 and 6.28")
            .measures("growth of the loss from 64 to 1024 symbols, over softmax's")
            .decidedBy(relative, extrapolationRule()),
        Claim.named("softplus-alone-extrapolates")
            .states("Softplus attention alone goes to longer sequences at least as well as softmax")
            .published("5.94 at 8K, softmax 6.28")
            .measures("growth of the loss from 64 to 1024 symbols, minus softmax's")
            .decidedBy(plain, aloneRule()));
  }

  /** The page's rule, on means over seeds. */
  private static Criterion extrapolationRule() {
    final Criterion rule =
        runs -> {
          final int longest = Plan.of(runs.getFirst().scale()).longest();
          final double lssar = mean(runs, Arm.LSSAR_15, longest);
          final double softmax = mean(runs, Arm.SOFTMAX, longest);
          final double lssarAt = meanLoss(runs, Arm.LSSAR_15, longest);
          final double softmaxAt = meanLoss(runs, Arm.SOFTMAX, longest);
          final String numbers =
              "growth %s against %s nats of softmax, loss at the longest %s against %s; in range %s against %s; the scale alone under softmax ends at %s"
                  .formatted(
                      Quantity.number(lssar),
                      Quantity.number(softmax),
                      Quantity.number(lssarAt),
                      Quantity.number(softmaxAt),
                      Quantity.number(meanLoss(runs, Arm.LSSAR_15, SHORT)),
                      Quantity.number(meanLoss(runs, Arm.SOFTMAX, SHORT)),
                      Quantity.number(meanLoss(runs, Arm.COSINE, longest)));
          return lssar <= 0.6 * softmax && lssarAt < softmaxAt
              ? new Verdict.Holds(numbers)
              : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying(
            "holds if the mean growth is at most 0.6 of softmax's and the mean loss at the longest is"
                + " below softmax's; else falsified")
        .holdingIn(Region.upTo(0.6));
  }

  private static Criterion aloneRule() {
    final Criterion rule =
        runs -> {
          final int longest = Plan.of(runs.getFirst().scale()).longest();
          final double own = mean(runs, Arm.LSSA, longest);
          final double softmax = mean(runs, Arm.SOFTMAX, longest);
          final String numbers =
              "growth %s against %s nats of softmax"
                  .formatted(Quantity.number(own), Quantity.number(softmax));
          return own <= softmax ? new Verdict.Holds(numbers) : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying("holds if the mean growth is at most softmax's; else falsified")
        .holdingIn(Region.upTo(0));
  }

  private static double mean(List<Run> runs, Arm arm, int longest) {
    return Summary.MEAN.of(runs.stream().mapToDouble(run -> arm.gap(run, longest)).toArray());
  }

  private static double meanLoss(List<Run> runs, Arm arm, int length) {
    return Summary.MEAN.of(
        runs.stream().mapToDouble(run -> run.metric(arm.loss(length))).toArray());
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("in-context Markov sequences", "made by the run from its seed");
    experiment.setting("steps", Integer.toString(plan.steps()));
    experiment.setting("training length", Integer.toString(SHORT));
    experiment.setting("optimizer", "AdamW, peak rate 3e-3, cosine after 50 steps, decay 0.01");
    experiment.setting("tested on", "the last 32 symbols of 32 sequences of each length");
    experiment.steps(Arm.values().length * (InContextMarkov.reports(plan.steps()) + 1));
    for (final Arm arm : Arm.values()) {
      try (Training training =
          InContextMarkov.train(arm.attention(), arm.label, plan.steps(), experiment)) {
        for (final int length : plan.lengths()) {
          experiment.metric(
              arm.loss(length), InContextMarkov.crossEntropy(training, length, experiment));
        }
        experiment.step(arm.label + ", tested");
      }
    }
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final Plan plan = Plan.of(runs.getFirst().scale());
    return List.of(
        new Figure(
            "Cross-entropy at other lengths than the trained one",
            "Trained on sequences of 64 symbols. Mean over seeds with their range.",
            Axis.log2("length (symbols)"),
            Axis.linear("cross-entropy (nats)"),
            Arrays.stream(Arm.values())
                .map(
                    arm ->
                        SeedCurves.over(
                            arm.label,
                            Mark.LINE,
                            Summary.MEAN,
                            plan.lengths().stream().map(Integer::doubleValue).toList(),
                            i ->
                                runs.stream()
                                    .mapToDouble(run -> run.metric(arm.loss(plan.lengths().get(i))))
                                    .toArray()))
                .toList()),
        new Figure(
            "Training",
            "Mean over seeds with their range, same initial weights and sequences.",
            Axis.linear("step"),
            Axis.linear("training loss (nats)"),
            Arrays.stream(Arm.values())
                .map(
                    arm ->
                        SeedCurves.ofSeries(
                            arm.label, Mark.LINE, runs, arm.label + " training loss"))
                .toList()));
  }
}
