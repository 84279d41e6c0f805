package io.steelyard.papers.task;

import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.data.Pictures;
import io.steelyard.papers.run.Experiment;
import java.util.List;
import java.util.function.LongFunction;

/**
 * Vision transformers on {@link ComposedPictures}, which are red, green and blue by having the grey
 * plane three times: eight patches of 14 x 28, read out by their mean. Source: the Eureka
 * experiment of arXiv 2504.16275.
 *
 * @param train pictures composed to train on
 * @param test pictures composed to test on
 * @param width of the model; its networks have twice as much
 * @param layers of the model
 * @param rates highest rates of learning, one training each
 * @param epochs passes
 * @param warmUp passes of these in which the rate rises, fewer than {@code epochs}
 * @param batch pictures of a step
 */
public record ComposedTrial(
    int train,
    int test,
    int width,
    int layers,
    List<Double> rates,
    int epochs,
    int warmUp,
    int batch) {

  private static final Patches PATCHES = new Patches(14, 28, 3);
  private static final double FIRST_RATE = 1e-6;
  private static final double LAST_RATE = 1e-5;
  private static final double DECAY = 0.05;

  /** Copies the list and checks the passes. */
  public ComposedTrial {
    rates = List.copyOf(rates);
    if (warmUp < 1 || warmUp >= epochs) {
      throw new IllegalArgumentException("warmUp is " + warmUp + "; expected 1 to " + (epochs - 1));
    }
  }

  /** As published; layers and epochs, which are not known here, are those of the other sets. */
  public static ComposedTrial published(int layers, int epochs) {
    return new ComposedTrial(
        60_000, 10_000, 256, layers, List.of(1e-3, 7e-4, 5e-4), epochs, 5, 512);
  }

  /** The metric of an arm at a rate. */
  public static String accuracy(String arm, double rate) {
    return arm + " accuracy on composed pictures, rate " + Quantity.number(rate);
  }

  /** Reports of progress. */
  public long steps(int arms) {
    return (long) arms * rates.size() * epochs;
  }

  /** In words, for the settings of a run. */
  public String setting() {
    return ("%d to train, %d to test, half with equal digits; grey plane three times; width %d, %d"
            + " layers, mean of 8 patches; AdamW, decay %s, batches of %d, %d epochs, rates %s from %s"
            + " in %d epochs, cosine to %s")
        .formatted(
            train,
            test,
            width,
            layers,
            Quantity.number(DECAY),
            batch,
            epochs,
            rates,
            Quantity.number(FIRST_RATE),
            warmUp,
            Quantity.number(LAST_RATE));
  }

  /** Composes pictures, trains and tests all arms at all rates. */
  public void run(
      Experiment experiment, List<AttentionTrial.Arm> arms, Pictures digits, Pictures garments) {
    final Pictures pictures =
        ComposedPictures.of(digits, garments, train, test, experiment.random("composed pictures"));
    final StripedTransformer.Design design =
        new StripedTransformer.Design(
            PATCHES.count(pictures.train()),
            PATCHES.size(pictures.train()),
            pictures.train().classes(),
            width,
            2 * width,
            layers,
            StripedTransformer.Reading.MEAN);
    for (final double rate : rates) {
      final AttentionTrial.Task task =
          new AttentionTrial.Task(
              "composed pictures, rate " + Quantity.number(rate), pictures, PATCHES);
      final AttentionTrial trial =
          new AttentionTrial(epochs, batch, Optimizer.adamW(DECAY), schedule(rate));
      for (final AttentionTrial.Arm arm : arms) {
        experiment.metric(
            accuracy(arm.label(), rate), trial.accuracy(experiment, arm, task, design));
      }
    }
  }

  private LongFunction<Schedule> schedule(double rate) {
    return perPass ->
        Schedule.linear(FIRST_RATE, rate, warmUp * perPass)
            .then(warmUp * perPass, Schedule.cosine(rate, LAST_RATE, (epochs - warmUp) * perPass));
  }
}
