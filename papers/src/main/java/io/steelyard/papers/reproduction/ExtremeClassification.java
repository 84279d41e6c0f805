package io.steelyard.papers.reproduction;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.analysis.multilabel.LabelRanking;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.DistilbertFolder;
import io.steelyard.papers.data.XmcFolder;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.task.DualEncoderTraining;
import io.steelyard.papers.task.RetrievalLoss;
import io.steelyard.papers.task.RetrievalSchedule;
import io.steelyard.papers.task.TextEncoder;
import io.steelyard.papers.task.TextRetrieval;
import io.steelyard.papers.task.WordPieces;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The published experiment of paper 04: one encoder of texts retrieves the labels of the sets of
 * the Extreme Classification Repository, every label scored at every step.
 *
 * @param sets what is trained on, if it is found
 * @param plan what they have in common
 */
record ExtremeClassification(List<TextSet> sets, Plan plan) {

  /** The depth of the recall. */
  private static final int DEPTH = 100;

  private static final int[] CUTS = {1, 3, 5};

  /**
   * A set with its schedule.
   *
   * @param name also of its folder
   * @param train published number of training queries
   * @param test published number of test queries
   * @param labels published number of labels
   * @param batch queries of a step
   * @param rate the highest learning rate
   * @param pieces of a text at most
   * @param temperature of the scores
   * @param unit whether embeddings have length 1
   * @param a of the propensities, see {@link LabelRanking#propensities}
   * @param b of the propensities
   * @param published what the authors' model reached, in words
   */
  record TextSet(
      String name,
      int train,
      int test,
      int labels,
      int batch,
      double rate,
      int pieces,
      double temperature,
      boolean unit,
      double a,
      double b,
      String published) {

    /** A metric of a loss on this set. */
    String metric(String what, RetrievalLoss loss) {
      return name + ": " + what + ", " + loss.label();
    }

    String losses(RetrievalLoss loss) {
      return name + ": " + loss.label() + " training loss";
    }
  }

  /**
   * What all sets have in common.
   *
   * @param size of the encoder
   * @param vocabulary words of a vocabulary that is made from the texts, at most
   * @param epochs passes over the training queries
   * @param decay of the weights
   * @param chunk texts that are encoded with a graph at a time
   * @param scores that are differentiated at a time
   */
  record Plan(
      TextEncoder.Size size, int vocabulary, int epochs, double decay, int chunk, long scores) {}

  /** As the authors' configurations have it. Chunks and parts change memory, not results. */
  static final ExtremeClassification PUBLISHED =
      new ExtremeClassification(
          List.of(
              new TextSet(
                  "EURLex-4K",
                  15_449,
                  3_865,
                  3_956,
                  512,
                  5e-5,
                  128,
                  0.05,
                  true,
                  0.55,
                  1.5,
                  "P@1 86.78 %, P@5 60.19 %"),
              new TextSet(
                  "LF-AmazonTitles-131K",
                  294_805,
                  134_835,
                  131_073,
                  3000,
                  3e-4,
                  32,
                  0.05,
                  true,
                  0.6,
                  2.6,
                  "P@1 42.52 %, P@5 20.64 %"),
              new TextSet(
                  "LF-Wikipedia-500K",
                  1_813_391,
                  783_743,
                  501_070,
                  768,
                  7e-5,
                  128,
                  1,
                  false,
                  0.5,
                  0.4,
                  "P@1 85.78 %, P@5 50.53 %"),
              new TextSet(
                  "LF-AmazonTitles-1.3M",
                  2_248_619,
                  970_237,
                  1_305_265,
                  3000,
                  3e-4,
                  32,
                  1,
                  false,
                  0.6,
                  2.6,
                  "P@1 58.40 %, P@5 45.46 %")),
          new Plan(TextEncoder.Size.DISTILBERT, 30_000, 100, 0.01, 128, 1L << 25));

  /** A set that was found. */
  record Found(TextSet set, XmcFolder folder) {}

  /** The sets that are there; each other one is a warning. */
  List<Found> find(Experiment experiment) {
    final DataLocations locations = DataLocations.standard(experiment.dataFolder());
    final List<Found> found = new ArrayList<>();
    for (final TextSet set : sets) {
      XmcFolder.find(set.name(), locations, experiment::warning)
          .ifPresent(folder -> found.add(new Found(set, folder)));
    }
    return found;
  }

  /** Whether an earlier run had all that is there now. */
  boolean sameData(Run earlier, DataLocations locations) {
    final List<TextSet> there =
        sets.stream()
            .filter(set -> XmcFolder.find(set.name(), locations, _ -> {}).isPresent())
            .toList();
    return there.stream().allMatch(set -> earlier.data().containsKey(set.name()))
        && (there.isEmpty()
            || earlier.data().containsKey(DistilbertFolder.NAME)
            || DistilbertFolder.find(locations).isEmpty());
  }

  /** How many steps of progress these sets are. */
  long steps(List<Found> found) {
    return (long) found.size() * RetrievalLoss.values().length * plan.epochs();
  }

  /** Trains with every loss on every set, and records what came of it. */
  void run(Experiment experiment, List<Found> found) {
    if (found.isEmpty()) {
      return;
    }
    final Optional<DistilbertFolder> published =
        DistilbertFolder.find(DataLocations.standard(experiment.dataFolder()));
    describe(experiment, published);
    for (final Found one : found) {
      final WordPieces pieces =
          published
              .map(folder -> WordPieces.read(folder.vocabulary()))
              .orElseGet(() -> TextRetrieval.words(one.folder()).most(plan.vocabulary()));
      final TextRetrieval data = TextRetrieval.read(one.folder(), pieces, one.set().pieces());
      describe(experiment, one, data, pieces);
      for (final RetrievalLoss loss : RetrievalLoss.values()) {
        train(
            experiment, one.set(), data, pieces, loss, published.flatMap(DistilbertFolder::model));
      }
    }
  }

  private void describe(Experiment experiment, Optional<DistilbertFolder> published) {
    published.ifPresent(folder -> experiment.data(DistilbertFolder.NAME, folder.origin()));
    final String weights =
        published.flatMap(DistilbertFolder::model).isPresent()
            ? "weights of " + DistilbertFolder.NAME
            : "random weights";
    final String words =
        published.isPresent()
            ? "vocabulary of " + DistilbertFolder.NAME
            : "most frequent words of each set as its vocabulary";
    experiment.setting(
        "text encoder",
        "%d layers of width %d with %d heads, begins with %s, has the %s"
            .formatted(
                plan.size().depth(), plan.size().width(), plan.size().heads(), weights, words));
    experiment.setting(
        "text sets",
        "AdamW, decay %s, %d epochs, a tenth of the steps to warm up, then linear to 0; one encoder for"
                .formatted(plan.decay(), plan.epochs())
            + " queries and labels, no dropout, all labels scored");
    experiment.setting(
        "text losses",
        Arrays.stream(RetrievalLoss.values())
            .map(loss -> loss.label() + " with " + loss.sampling())
            .collect(Collectors.joining("; ")));
    experiment.setting("device of the text encoder", Libtorch.name(experiment.device()));
    if (published.flatMap(DistilbertFolder::model).isEmpty()) {
      experiment.warning(
          "no %s/%s in --data or STEELYARD_DATA: the text encoder has the same layers but begins with %s and has the %s, so what it reaches is not the published figure"
              .formatted(
                  DistilbertFolder.NAME,
                  published.isPresent() ? "model.safetensors" : "vocab.txt and model.safetensors",
                  weights,
                  words));
    }
  }

  private static void describe(
      Experiment experiment, Found found, TextRetrieval data, WordPieces pieces) {
    final TextSet set = found.set();
    experiment.data(set.name(), found.folder().origin());
    final String counts = counts(data.train().count(), data.test().count(), data.labels().size());
    final String expected = counts(set.train(), set.test(), set.labels());
    if (!counts.equals(expected)) {
      experiment.warning(
          "%s has %s; published are figures for %s".formatted(set.name(), counts, expected));
    }
    experiment.setting(
        set.name(),
        "%s; batches of %d, rate %s, texts of up to %d pieces, %d different ones, temperature %s, %s embeddings, propensities a = %s, b = %s"
            .formatted(
                counts,
                set.batch(),
                set.rate(),
                set.pieces(),
                pieces.size(),
                set.temperature(),
                set.unit() ? "unit" : "free",
                set.a(),
                set.b()));
  }

  private static String counts(int train, int test, int labels) {
    return "%d queries to train, %d to test, %d labels".formatted(train, test, labels);
  }

  private void train(
      Experiment experiment,
      TextSet set,
      TextRetrieval data,
      WordPieces pieces,
      RetrievalLoss loss,
      Optional<Path> model) {
    final Device device = experiment.device();
    final TextEncoder encoder =
        new TextEncoder(
            pieces.size(),
            plan.size(),
            set.unit(),
            experiment.random("initial weights, " + set.name()));
    final RetrievalSchedule schedule =
        new RetrievalSchedule(
            plan.epochs(),
            set.batch(),
            set.rate(),
            plan.decay(),
            set.temperature(),
            plan.chunk(),
            plan.scores());
    try (NDManager scope = Libtorch.newManager(device)) {
      encoder.initialize(scope, DataType.FLOAT32, new Shape(1, set.pieces()));
      model.ifPresent(encoder::read);
      try (DualEncoderTraining training =
          new DualEncoderTraining(data, encoder, loss, schedule, experiment.seed(), device)) {
        final List<Double> losses = new ArrayList<>();
        for (int epoch = 1; epoch <= plan.epochs(); epoch++) {
          losses.add(training.epoch());
          experiment.step(
              "%s, %s, epoch %d of %d".formatted(set.name(), loss.label(), epoch, plan.epochs()));
        }
        experiment.series(
            new Series(
                set.losses(loss),
                "epoch",
                "loss",
                IntStream.rangeClosed(1, plan.epochs()).mapToObj(epoch -> (double) epoch).toList(),
                losses));
        record(experiment, set, data, loss, training.retrieve(DEPTH));
      }
    }
  }

  private static void record(
      Experiment experiment, TextSet set, TextRetrieval data, RetrievalLoss loss, int[][] ranked) {
    final int[][] positives =
        Arrays.stream(data.test().labelled())
            .mapToObj(data.test().labels()::columns)
            .toArray(int[][]::new);
    final LabelRanking ranking = new LabelRanking(ranked, positives);
    final double[] propensities =
        LabelRanking.propensities(
            data.train().labels().columnCounts(), data.train().count(), set.a(), set.b());
    for (final int k : CUTS) {
      experiment.metric(set.metric("P@" + k, loss), ranking.precision(k));
      experiment.metric(
          set.metric("PSP@" + k, loss), ranking.propensityScoredPrecision(k, propensities));
    }
    experiment.metric(set.metric("nDCG@5", loss), ranking.ndcg(5));
    experiment.metric(set.metric("R@" + DEPTH, loss), ranking.recall(DEPTH));
  }

  /** For each set that all runs have: what was retrieved, and the losses. */
  List<Figure> figures(List<Run> runs) {
    final List<Figure> figures = new ArrayList<>();
    for (final TextSet set : sets) {
      if (runs.stream()
          .allMatch(run -> run.metrics().containsKey(set.metric("P@1", RetrievalLoss.DECOUPLED)))) {
        figures.add(retrieval(set, runs));
        figures.add(losses(set, runs));
      }
    }
    return figures;
  }

  private static Figure retrieval(TextSet set, List<Run> runs) {
    final List<String> metrics =
        List.of("P@1", "P@3", "P@5", "nDCG@5", "R@" + DEPTH, "PSP@1", "PSP@3", "PSP@5");
    return new Figure(
        "Retrieval, " + set.name(),
        "Every label scored; mean over seeds with their range. The authors' model: "
            + set.published()
            + ".",
        Figure.Axis.category("metric", metrics),
        Figure.Axis.linear("%"),
        Arrays.stream(RetrievalLoss.values())
            .map(
                loss ->
                    SeedCurves.byCategory(
                        loss.label(),
                        Figure.Mark.BAR,
                        runs,
                        100,
                        metrics.stream().map(metric -> set.metric(metric, loss)).toList()))
            .toList());
  }

  private static Figure losses(TextSet set, List<Run> runs) {
    return new Figure(
        "Training, " + set.name(),
        "Mean over seeds with their range; the losses are not on one scale.",
        Figure.Axis.linear("epoch"),
        Figure.Axis.log10("training loss"),
        Arrays.stream(RetrievalLoss.values())
            .map(
                loss -> SeedCurves.ofSeries(loss.label(), Figure.Mark.LINE, runs, set.losses(loss)))
            .toList());
  }
}
