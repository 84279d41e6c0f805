package io.steelyard.papers.task;

import ai.djl.ndarray.NDManager;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.loss.CompSumLoss;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Clipping;
import io.steelyard.layers.training.Decay;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.layers.vision.ResidualConfiguration;
import io.steelyard.papers.augment.PaddedCrop;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.Pictures;
import io.steelyard.papers.run.Experiment;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Residual networks trained with comp-sum losses of several exponents, each at a rate of its own.
 *
 * <p>Losses differ in scale, so one rate for all would compare rates: each exponent takes the rate
 * that is best after a short training, on a tenth of the training pictures that it did not see.
 * Then it is trained anew on all of them. Source: the clean experiments of arXiv 2304.07288.
 *
 * @param net for a number of classes
 * @param taus exponents
 * @param rates to choose from, at least one
 * @param searchEpochs passes of the short trainings
 * @param epochs passes of the long ones
 * @param batch pictures of a step, or all if they are fewer
 */
public record ResidualTrial(
    IntFunction<ResidualConfiguration> net,
    List<Double> taus,
    List<Double> rates,
    int searchEpochs,
    int epochs,
    int batch) {

  private static final double MOMENTUM = 0.9;
  private static final double WEIGHT_DECAY = 1e-4;

  /** The gradient of tau below 1 has no bound. */
  private static final double LONGEST_GRADIENT = 5;

  /** Copies the lists. */
  public ResidualTrial {
    taus = List.copyOf(taus);
    rates = List.copyOf(rates);
  }

  /**
   * As published: ResNet-34, batches of 1,024, 200 epochs. The rates are ours: the paper's are not
   * known here.
   */
  public static ResidualTrial published(List<Double> taus, List<Double> rates) {
    return new ResidualTrial(ResidualConfiguration::resNet34, taus, rates, 20, 200, 1024);
  }

  /** The metric of an exponent's accuracy on a set. */
  public static String accuracy(String set, double tau) {
    return "residual network on " + set + ": accuracy, tau " + Quantity.number(tau);
  }

  /** The metric of the rate that an exponent takes. */
  public static String rate(String set, double tau) {
    return "residual network on " + set + ": rate, tau " + Quantity.number(tau);
  }

  /** Reports of progress on one set. */
  public long steps() {
    return (long) taus.size() * ((long) rates.size() * searchEpochs + epochs);
  }

  /** In words, for the settings of a run. */
  public String setting() {
    return "Nesterov %s, weight decay %s, cosine to 0, gradient norm at most %s, batches of %d, %d"
            .formatted(
                Quantity.number(MOMENTUM),
                Quantity.number(WEIGHT_DECAY),
                Quantity.number(LONGEST_GRADIENT),
                batch,
                epochs)
        + " epochs; rate of %s by %d epochs on nine tenths of the pictures"
            .formatted(rates, searchEpochs);
  }

  /**
   * Trains and tests all exponents on one set.
   *
   * @param set its title
   */
  public void run(Experiment experiment, String set, Pictures pictures, PaddedCrop crop) {
    final Known known =
        new Known(experiment, set, pictures.train(), ChannelStatistics.of(pictures.train()), crop);
    final int count = pictures.train().count();
    final int[] order =
        Batches.shuffled(
                count, count, new Seed(experiment.random("validation of " + set).nextLong()))
            .pass(0)
            .getFirst();
    final int held = Math.max(1, count / 10);
    final Part searched =
        new Part(rows(order, held, count), pictures.train(), rows(order, 0, held));
    final Part whole =
        new Part(
            rows(order, 0, count),
            pictures.test(),
            IntStream.range(0, pictures.test().count()).boxed().toList());
    for (final double tau : taus) {
      double best = Double.NEGATIVE_INFINITY;
      double chosen = rates.getFirst();
      for (final double rate : rates) {
        final double validated = trained(known, searched, tau, rate, searchEpochs);
        if (validated > best) {
          best = validated;
          chosen = rate;
        }
      }
      experiment.metric(rate(set, tau), chosen);
      experiment.metric(accuracy(set, tau), trained(known, whole, tau, chosen, epochs));
    }
  }

  /** A set and what its pictures are treated with. */
  private record Known(
      Experiment experiment,
      String set,
      LabelledImages images,
      ChannelStatistics statistics,
      PaddedCrop crop) {}

  /** What is trained on, and what it is tested on. */
  private record Part(List<Integer> rows, LabelledImages tested, List<Integer> testedRows) {}

  private static List<Integer> rows(int[] order, int from, int to) {
    return Arrays.stream(order, from, to).boxed().toList();
  }

  private double trained(Known known, Part part, double tau, double rate, int passes) {
    final Experiment experiment = known.experiment;
    final PictureClassifier classifier =
        new PictureClassifier(
            net.apply(known.images.classes()),
            known.statistics,
            experiment.random("initial weights, residual network on " + known.set));
    final Batches batches =
        Batches.shuffled(
            part.rows.size(), Math.min(batch, part.rows.size()), new Seed(experiment.seed()));
    final TrainingOptions options =
        TrainingOptions.seeded(experiment.seed())
            .with(new Optimizer.Sgd(MOMENTUM, true, Decay.ridge(WEIGHT_DECAY)))
            .with(Schedule.cosine(rate, 0, (long) passes * batches.perPass()))
            .with(Clipping.byNorm(LONGEST_GRADIENT))
            .on(experiment.device());
    try (NDManager manager = Libtorch.newManager(experiment.device());
        Training training =
            new Training(
                classifier.block(), new CompSumLoss(tau), classifier.inputShape(), options)) {
      for (int pass = 0; pass < passes; pass++) {
        for (final int[] batchRows : batches.pass(pass)) {
          final int[] rows = Arrays.stream(batchRows).map(part.rows::get).toArray();
          final float[] pixels =
              known.crop.of(
                  known.images,
                  rows,
                  experiment.random("crop of " + known.set + ", step " + training.steps()));
          try (NDManager scope = manager.newSubManager()) {
            training.step(
                classifier.pictures(scope, pixels),
                PictureClassifier.labels(scope, known.images, rows));
          }
        }
        experiment.step(
            "residual network on %s, tau %s, rate %s, epoch %d of %d"
                .formatted(
                    known.set, Quantity.number(tau), Quantity.number(rate), pass + 1, passes));
      }
      return classifier.accuracy(
          manager, part.tested, part.testedRows.stream().mapToInt(Integer::intValue).toArray());
    }
  }
}
