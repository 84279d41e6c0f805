package io.steelyard.papers.reproduction;

import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.task.ImageNetTraining.Entrant;
import java.util.List;
import java.util.stream.Stream;

/** What runs with ImageNet show of it; nothing for runs without. */
final class ImageNetFigures {

  private ImageNetFigures() {}

  static Stream<Figure> of(List<Run> runs, List<Entrant> entrants) {
    final List<Run> with =
        runs.stream()
            .filter(run -> entrants.stream().allMatch(one -> run.metrics().containsKey(one.top1())))
            .toList();
    if (with.isEmpty()) {
      return Stream.empty();
    }
    return Stream.of(
        new Figure(
            "Accuracy on ImageNet",
            "The class with the highest score, on the middle of each test picture. Mean over seeds;"
                + " the whiskers reach from the worst seed to the best.",
            Axis.category("model", entrants.stream().map(Entrant::name).toList()),
            Axis.linear("top-1 accuracy (%)"),
            List.of(
                SeedCurves.byCategory(
                    "accuracy",
                    Mark.BAR,
                    with,
                    100,
                    entrants.stream().map(Entrant::top1).toList()))),
        new Figure(
            "Training on ImageNet",
            "Mean over seeds with their range. Pictures are mixed, so the loss does not reach 0.",
            Axis.linear("pass"),
            Axis.linear("training loss"),
            entrants.stream()
                .map(one -> SeedCurves.ofSeries(one.name(), Mark.LINE, with, one.loss()))
                .toList()));
  }
}
