package io.steelyard.papers.task;

import io.steelyard.papers.data.PictureSet;
import io.steelyard.papers.data.Pictures;
import io.steelyard.papers.run.Experiment;
import java.util.ArrayList;
import java.util.List;

/**
 * Vision transformers of stripes on the sets of MedMNIST that are there, by their official parts
 * for training and testing. A stripe is four rows of all channels. Source: table 2 of arXiv
 * 2504.16275.
 *
 * @param trial how a network is trained
 * @param width of the model and of its networks
 * @param layers of the model
 */
public record MedMnistTrial(AttentionTrial trial, int width, int layers) {

  private static final Patches STRIPES = new Patches(28 / StripedTransformer.STRIPES, 28, 1);

  /** The metric of an arm on a set. */
  public static String accuracy(String arm, PictureSet set) {
    return arm + " accuracy on " + set.name();
  }

  /** The metric of an arm over all sets that were there. */
  public static String mean(String arm) {
    return arm + " accuracy, mean over sets of MedMNIST";
  }

  /** Reports of progress. */
  public long steps(int sets, int arms) {
    return (long) sets * arms * trial.epochs();
  }

  /** Trains and tests all arms on all sets. */
  public void run(
      Experiment experiment, List<AttentionTrial.Arm> arms, List<PictureSet.Found> found) {
    final List<List<Double>> accuracies = new ArrayList<>();
    for (final PictureSet.Found one : found) {
      final Pictures pictures = one.read();
      final AttentionTrial.Task task = new AttentionTrial.Task(one.set().name(), pictures, STRIPES);
      final StripedTransformer.Design design =
          new StripedTransformer.Design(
              STRIPES.count(pictures.train()),
              STRIPES.size(pictures.train()),
              one.set().classes(),
              width,
              width,
              layers,
              StripedTransformer.Reading.CLASS_TOKEN);
      final List<Double> ofSet = new ArrayList<>();
      for (final AttentionTrial.Arm arm : arms) {
        final double accuracy = trial.accuracy(experiment, arm, task, design);
        experiment.metric(accuracy(arm.label(), one.set()), accuracy);
        ofSet.add(accuracy);
      }
      accuracies.add(ofSet);
    }
    for (int arm = 0; arm < arms.size() && !found.isEmpty(); arm++) {
      final int which = arm;
      experiment.metric(
          mean(arms.get(arm).label()),
          accuracies.stream().mapToDouble(ofSet -> ofSet.get(which)).average().orElseThrow());
    }
  }
}
