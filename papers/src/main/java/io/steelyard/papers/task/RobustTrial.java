package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.steelyard.analysis.robustness.ProjectedGradient;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Decay;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.layers.vision.ResidualConfiguration;
import io.steelyard.papers.augment.PaddedCrop;
import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.Pictures;
import io.steelyard.papers.run.Experiment;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;

/**
 * Residual networks made robust in several ways and attacked by projected gradient ascent on the
 * margin from several starting points: a picture counts as recognised if it is after every one of
 * them. Source: the adversarial experiments of arXiv 2304.07288.
 *
 * @param net for a number of classes
 * @param search how training looks for the worst picture
 * @param attack of the test
 * @param restarts starting points of an attack, at least 1
 * @param epochs passes of a training
 * @param batch pictures of a step, or all if they are fewer
 * @param rate where the cosine begins
 */
public record RobustTrial(
    IntFunction<ResidualConfiguration> net,
    Defence.Search search,
    ProjectedGradient attack,
    int restarts,
    int epochs,
    int batch,
    double rate) {

  private static final double RADIUS = 8.0 / 255;
  private static final double STEP = 2.0 / 255;

  /** Checks the number of restarts. */
  public RobustTrial {
    if (restarts < 1) {
      throw new IllegalArgumentException("restarts is " + restarts + "; expected 1 or more");
    }
  }

  /**
   * As published: WideResNet-28-10, radius 8/255 in the maximum norm, 40 steps of attack. Batches,
   * epochs and rate are ours, usual ones for this network: the paper's are not known here.
   */
  public static RobustTrial published() {
    return new RobustTrial(
        ResidualConfiguration::wideResNet28x10,
        new Defence.Search(RADIUS, STEP, 10),
        new ProjectedGradient(RADIUS, STEP, 40, 0, 1),
        5,
        100,
        128,
        0.1);
  }

  /** The metric of accuracy on clean pictures of a set. */
  public static String clean(String set, Defence defence) {
    return "residual network on " + set + ", " + defence.clean();
  }

  /** The metric of accuracy on attacked pictures of a set. */
  public static String robust(String set, Defence defence) {
    return "residual network on " + set + ", " + defence.robust();
  }

  /** Reports of progress on one set. */
  public long steps(List<Defence> defences) {
    return (long) defences.size() * (epochs + 1L);
  }

  /** In words, for the settings of a run. */
  public String setting() {
    return ("Nesterov 0.9, rate %s, cosine to 0, weight decay 1e-4, batches of %d, %d epochs, radius"
            + " %.5f, %d steps of %.5f in training; attack of %d steps of %.5f on the margin, %d"
            + " restarts")
        .formatted(
            rate,
            batch,
            epochs,
            search.radius(),
            search.steps(),
            search.step(),
            attack.steps(),
            attack.step(),
            restarts);
  }

  /**
   * Trains and attacks a network for each defence.
   *
   * @param set its title
   */
  public void run(
      Experiment experiment,
      String set,
      Pictures pictures,
      PaddedCrop crop,
      List<Defence> defences) {
    final ChannelStatistics statistics = ChannelStatistics.of(pictures.train());
    final LabelledImages test = pictures.test();
    for (final Defence defence : defences) {
      final PictureClassifier classifier =
          new PictureClassifier(
              net.apply(test.classes()),
              statistics,
              experiment.random("initial weights, robust network on " + set));
      final Batches batches =
          Batches.shuffled(
              pictures.train().count(),
              Math.min(batch, pictures.train().count()),
              new Seed(experiment.seed()));
      final TrainingOptions options =
          TrainingOptions.seeded(experiment.seed())
              .with(new Optimizer.Sgd(0.9, true, Decay.ridge(1e-4)))
              .with(Schedule.cosine(rate, 0, (long) epochs * batches.perPass()))
              .on(experiment.device());
      try (NDManager manager = Libtorch.newManager(experiment.device());
          Training training = new Training(classifier.block(), options, classifier.inputShape())) {
        for (int pass = 0; pass < epochs; pass++) {
          for (final int[] rows : batches.pass(pass)) {
            final RandomGenerator random =
                experiment.random("robust network on " + set + ", step " + training.steps());
            final float[] pixels = crop.of(pictures.train(), rows, random);
            try (NDManager scope = manager.newSubManager()) {
              final NDArray x = classifier.pictures(scope, pixels);
              final NDArray labels = PictureClassifier.labels(scope, pictures.train(), rows);
              final NDArray moved =
                  defence.moved(search, classifier.scores(scope), x, labels, random);
              training.step(defence.objective(classifier.block(), x, moved, labels));
            }
          }
          experiment.step(
              "robust network on %s, %s, epoch %d of %d"
                  .formatted(set, defence.label(), pass + 1, epochs));
        }
        final int[] all = PictureClassifier.all(test);
        experiment.metric(clean(set, defence), classifier.accuracy(manager, test, all));
        final RandomGenerator starts = experiment.random("starts of attacks on " + set);
        experiment.metric(
            robust(set, defence),
            classifier.share(
                manager,
                test,
                all,
                (scope, x, labels) -> withstood(classifier.scores(scope), x, labels, starts)));
        experiment.step("robust network on %s, %s, attacked".formatted(set, defence.label()));
      }
    }
  }

  private NDArray withstood(
      UnaryOperator<NDArray> scores, NDArray x, NDArray labels, RandomGenerator starts) {
    NDArray right = PictureClassifier.recognised(scores.apply(x), labels);
    for (int start = 0; start < restarts; start++) {
      final NDArray moved = attack.attack(scores, x, labels, ProjectedGradient.margin(), starts);
      right = right.logicalAnd(PictureClassifier.recognised(scores.apply(moved), labels));
    }
    return right;
  }
}
