package io.steelyard.papers.reproduction;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.analysis.selective.Confidence;
import io.steelyard.analysis.selective.SelectiveReport;
import io.steelyard.analysis.utility.InverseTemperature;
import io.steelyard.analysis.utility.ProbabilityTransform;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.head.SdmCalibration;
import io.steelyard.layers.head.SdmHead;
import io.steelyard.layers.head.SdmSupport;
import io.steelyard.layers.loss.CrossEntropyLoss;
import io.steelyard.layers.loss.LossOptions;
import io.steelyard.layers.loss.SdmLoss;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
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
import io.steelyard.papers.run.Series;
import io.steelyard.papers.task.ShiftedPoints;
import io.steelyard.papers.task.ShiftedPoints.Kind;
import io.steelyard.papers.task.ShiftedPoints.Points;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Paper 26, arXiv 2502.20167: does a softmax that looks at similarity, distance and magnitude admit
 * only predictions that are right, also where the data have changed?
 *
 * <p>Adaptors on frozen features are trained and calibrated in several rounds and admit predictions
 * on points of the same kind, shifted ones and strange ones; so do a softmax and a softmax with a
 * fitted temperature.
 */
public final class SdmReproduction implements Reproduction {

  private static final double ALPHA = 0.95;
  private static final int CLASSES = 2;
  private static final int LEAST_POINTS = 20;
  private static final double MOST_STRANGE = 0.10;
  private static final double LEAST_SAME = 0.20;
  private static final int CURVE_POINTS = 40;
  private static final int REGIONS = 6;

  /** Who admits. */
  private enum Arm {
    SDM("SDM"),
    SOFTMAX("softmax"),
    TEMPERATURE("fitted temperature");

    private final String label;

    Arm(String label) {
      this.label = label;
    }

    String admitted(Kind kind) {
      return label + ": share admitted, " + kind.label();
    }

    String accuracy(Kind kind) {
      return label + ": accuracy of the admitted, " + kind.label();
    }

    String lowest(Kind kind) {
      return label + ": lowest conditional accuracy, " + kind.label();
    }

    String cells(Kind kind) {
      return label + ": classes and predictions with 20 admitted, " + kind.label();
    }

    String curve(Kind kind) {
      return label + ": accuracy by coverage, " + kind.label();
    }

    String calibration(Kind kind) {
      return label + ": calibration error, " + kind.label();
    }
  }

  /** How much is run at a scale. */
  private record Plan(int known, int test, int width, int epochs, int rounds, int rescaled) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(200, 60, 8, 2, 2, 3);
        case QUICK -> new Plan(2000, 2000, 64, 15, 3, 30);
        case FULL -> new Plan(18_000, 5000, 1000, 50, 10, 1000);
      };
    }

    int batch() {
      return Math.min(50, known / 4);
    }
  }

  @Override
  public String paper() {
    return "sdm";
  }

  @Override
  public String design() {
    return "Two classes as features of a frozen random network. An adaptor with the SDM activation is"
        + " trained and calibrated in three rounds, each with half of the points; the same adaptor is"
        + " trained with cross-entropy, and its softmax, as it is or with a temperature fitted on the"
        + " other half, admits what has probability 0.95. All are tested on points of the same kind, on"
        + " shifted ones and on strange ones.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity lowest =
        new Quantity(
            "",
            run ->
                Math.min(
                    run.metric(Arm.SDM.lowest(Kind.SAME)),
                    run.metric(Arm.SDM.lowest(Kind.SHIFTED))));
    return List.of(
        Claim.named("admits-what-is-right")
            .states("What SDM admits is right in every class and prediction, also under shift")
            .published(
                "0.996 of 65 % admitted on sentiment; all out-of-distribution texts rejected; softmax"
                    + " 0.861 of 46 % there")
            .measures(
                "lowest accuracy of admitted points within a class or prediction, same and shifted")
            .shows(Summary.MINIMUM)
            .decidedBy(lowest, rule()));
  }

  private static Criterion rule() {
    final Criterion rule =
        runs -> {
          final List<String> numbers = new ArrayList<>();
          boolean holds = true;
          for (final Run run : runs) {
            final double same = run.metric(Arm.SDM.lowest(Kind.SAME));
            final double shifted = run.metric(Arm.SDM.lowest(Kind.SHIFTED));
            final double strange = run.metric(Arm.SDM.admitted(Kind.STRANGE));
            final double share = run.metric(Arm.SDM.admitted(Kind.SAME));
            final double softmax = run.metric(Arm.SOFTMAX.admitted(Kind.STRANGE));
            numbers.add(
                "seed %d: lowest accuracy %s same and %s shifted (of %s and %s classes and predictions), admits %s same and %s strange, softmax %s strange"
                    .formatted(
                        run.seed(),
                        Quantity.number(same),
                        Quantity.number(shifted),
                        Quantity.number(run.metric(Arm.SDM.cells(Kind.SAME))),
                        Quantity.number(run.metric(Arm.SDM.cells(Kind.SHIFTED))),
                        Quantity.number(share),
                        Quantity.number(strange),
                        Quantity.number(softmax)));
            holds &=
                Math.min(same, shifted) >= ALPHA
                    && run.metric(Arm.SDM.cells(Kind.SHIFTED)) > 0
                    && strange <= MOST_STRANGE
                    && strange <= softmax / 4
                    && share >= LEAST_SAME;
          }
          final String text = String.join("; ", numbers);
          final boolean others =
              Stream.of(Arm.SOFTMAX, Arm.TEMPERATURE)
                  .anyMatch(arm -> runs.stream().allMatch(run -> sound(run, arm)));
          final boolean nothing =
              runs.stream().anyMatch(run -> run.metric(Arm.SDM.admitted(Kind.SAME)) == 0);
          if (others || nothing) {
            return new Verdict.DoesNotHold(text);
          }
          return holds ? new Verdict.Holds(text) : new Verdict.Inconclusive(text);
        };
    return rule.saying(
            "holds if, in every seed, the admitted points of every class and every prediction (20 or"
                + " more points; there has to be one) are right in 0.95 of the cases, same and shifted, and SDM admits at"
                + " most 0.10 of strange points, at most a quarter of what softmax admits, and at least"
                + " 0.20 of points of the same kind; falsified if softmax or the fitted temperature keep"
                + " the same bounds on shifted and strange points in every seed, or if SDM admits"
                + " nothing of the same kind; else inconclusive")
        .holdingIn(Region.from(ALPHA));
  }

  /** Whether a baseline keeps the bounds where data have changed. */
  private static boolean sound(Run run, Arm arm) {
    return run.metric(arm.lowest(Kind.SHIFTED)) >= ALPHA
        && run.metric(arm.admitted(Kind.STRANGE)) <= MOST_STRANGE;
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("points", "made by the run from its seed");
    if (experiment.scale() == Scale.FULL) {
      experiment.warning(
          "the paper's points are texts as embeddings of language models; the full scale here is the"
              + " same task as quick with the paper's widths, rounds and epochs");
    }
    experiment.setting("points", plan.known() + " known, " + plan.test() + " of each kind to test");
    experiment.setting(
        "adaptor",
        plan.width()
            + " wide, Adam 1e-3, batches of "
            + plan.batch()
            + ", "
            + plan.epochs()
            + " epochs");
    experiment.setting("rounds", Integer.toString(plan.rounds()));
    experiment.setting("rescaler", "Adam 1e-2, batches of 32, " + plan.rescaled() + " epochs");
    experiment.setting("alpha", Double.toString(ALPHA));
    experiment.steps((long) plan.rounds() * plan.epochs() + plan.epochs());
    final RandomGenerator random = experiment.random("points");
    final ShiftedPoints task = new ShiftedPoints(random);
    final Points known = task.draw(Kind.SAME, plan.known(), random);
    final Map<Kind, Points> tests = new EnumMap<>(Kind.class);
    for (final Kind kind : Kind.values()) {
      tests.put(kind, task.draw(kind, plan.test(), random));
    }
    try (NDManager manager = Libtorch.newManager()) {
      sdm(experiment, plan, known, tests, manager);
      softmax(experiment, plan, known, tests, manager);
    }
  }

  /** Exemplars and scores of some points. */
  private record Seen(NDArray exemplars, NDArray scores) {

    static Seen of(SdmHead head, NDArray features, NDManager manager) {
      final ParameterStore store = new ParameterStore(manager, false);
      final NDArray x = features.stopGradient();
      x.attach(manager);
      final NDArray exemplars = head.exemplars(store, x, false);
      return new Seen(exemplars, head.scores(store, exemplars, false));
    }
  }

  /** What a round has come to at its best epoch. */
  private record Round(
      double similarity,
      SdmSupport support,
      Seen calibration,
      NDArray labels,
      Map<Kind, Seen> tests) {}

  private static void sdm(
      Experiment experiment, Plan plan, Points known, Map<Kind, Points> tests, NDManager manager) {
    final List<Round> rounds = new ArrayList<>();
    for (int round = 1; round <= plan.rounds(); round++) {
      rounds.add(round(experiment, plan, known, tests, round, manager));
    }
    final List<SdmCalibration> calibrations =
        rounds.stream()
            .map(
                round ->
                    SdmCalibration.fit(
                        round.support(),
                        round.calibration().exemplars(),
                        round.calibration().scores(),
                        round.labels(),
                        SdmCalibration.Options.defaults()
                            .withAlpha(ALPHA)
                            .training(1e-2, 32, plan.rescaled())
                            .seeded(experiment.seed())))
            .toList();
    int best = 0;
    for (int i = 1; i < rounds.size(); i++) {
      best = rounds.get(i).similarity() >= rounds.get(best).similarity() ? i : best;
    }
    final SdmCalibration calibration =
        SdmCalibration.acrossRounds(calibrations.get(best), calibrations);
    experiment.metric("SDM: least similarity admitted", finite(calibration.threshold()));
    for (final Kind kind : Kind.values()) {
      final Seen seen = rounds.get(best).tests().get(kind);
      final List<SdmCalibration.Verdict> verdicts =
          calibration.decide(seen.exemplars(), seen.scores());
      final int[] labels = tests.get(kind).labels();
      record(
          experiment,
          Arm.SDM,
          kind,
          labels,
          verdicts.stream().mapToInt(SdmCalibration.Verdict::predicted).toArray(),
          verdicts.stream().mapToDouble(SdmCalibration.Verdict::probability).toArray(),
          i -> verdicts.get(i).admitted());
      regions(experiment, kind, labels, verdicts);
    }
  }

  /** A threshold that nothing reaches has no place in a run file. */
  private static double finite(double threshold) {
    return Double.isFinite(threshold) ? threshold : -1;
  }

  private static Round round(
      Experiment experiment,
      Plan plan,
      Points known,
      Map<Kind, Points> tests,
      int number,
      NDManager manager) {
    final int[] order = balanced(known.labels(), experiment.random("halves of round " + number));
    final int half = order.length / 2;
    final Points train = known.some(Arrays.copyOf(order, half));
    final Points held = known.some(Arrays.copyOfRange(order, half, order.length));
    final NDArray x = train.features(manager);
    final NDArray y = manager.create(train.labels());
    final NDArray calibrationLabels = manager.create(held.labels());
    final SdmHead head =
        new SdmHead(
            SdmHead.Form.of(plan.width(), CLASSES).standardising(x),
            experiment.random("initial weights of round " + number));
    final Batches batches =
        Batches.shuffled(half, plan.batch(), new Seed(experiment.seed() * 100 + number));
    Optional<Round> best = Optional.empty();
    try (Training training = training(experiment, head, x)) {
      NDArray q = manager.full(new Shape(half), (float) (Math.E - 2));
      NDArray d = manager.ones(new Shape(half));
      for (int epoch = 1; epoch <= plan.epochs(); epoch++) {
        for (final int[] rows : batches.pass(epoch)) {
          step(training, head, rows, x, y, q, d);
        }
        final NDManager kept = manager.newSubManager();
        final Seen own = Seen.of(head, x, kept);
        final SdmSupport support = SdmSupport.of(own.exemplars(), own.scores(), y);
        final SdmSupport.Magnitudes magnitudes = support.withinTraining();
        q = magnitudes.similarities();
        d = magnitudes.distances();
        final Seen calibration = Seen.of(head, held.features(kept), kept);
        final double similarity =
            medians(
                support.similarities(calibration.exemplars(), calibration.scores()), held.labels());
        if (best.isEmpty() || similarity >= best.get().similarity()) {
          final Map<Kind, Seen> seen = new EnumMap<>(Kind.class);
          tests.forEach(
              (kind, points) -> seen.put(kind, Seen.of(head, points.features(kept), kept)));
          best = Optional.of(new Round(similarity, support, calibration, calibrationLabels, seen));
        }
        experiment.step("round " + number + ", epoch " + epoch);
      }
    }
    final Round chosen = best.orElseThrow();
    experiment.metric("similarity at the chosen epoch, round " + number, chosen.similarity());
    return chosen;
  }

  private static Training training(Experiment experiment, SdmHead head, NDArray x) {
    return new Training(
        head,
        TrainingOptions.seeded(experiment.seed()).withLearningRate(1e-3),
        new Shape(1, x.getShape().get(1)));
  }

  private static void step(
      Training training, SdmHead head, int[] rows, NDArray x, NDArray y, NDArray q, NDArray d) {
    try (NDManager scope = Libtorch.newManager()) {
      final NDArray index = scope.create(rows).toType(DataType.INT64, false);
      final NDArray inputs = select(x, index, scope);
      final NDArray labels = select(y, index, scope);
      final NDArray similarities = select(q, index, scope);
      final NDArray distances = select(d, index, scope);
      training.step(
          pass ->
              SdmLoss.sdm(
                  pass.forward(head, inputs).head(),
                  pass.alias(labels),
                  pass.alias(similarities),
                  pass.alias(distances),
                  LossOptions.mean()));
    }
  }

  private static NDArray select(NDArray data, NDArray index, NDManager scope) {
    final NDArray alias = data.stopGradient();
    alias.attach(scope);
    return alias.get(index);
  }

  /** A random order in which classes alternate, so that halves are balanced. */
  private static int[] balanced(int[] labels, RandomGenerator random) {
    final int[] order = new int[labels.length];
    for (int c = 0; c < CLASSES; c++) {
      final int own = c;
      final int[] of = IntStream.range(0, labels.length).filter(i -> labels[i] == own).toArray();
      for (int i = of.length - 1; i > 0; i--) {
        final int other = random.nextInt(i + 1);
        final int kept = of[i];
        of[i] = of[other];
        of[other] = kept;
      }
      for (int i = 0; i < of.length; i++) {
        order[i * CLASSES + c] = of[i];
      }
    }
    return order;
  }

  private static double medians(double[] similarities, int[] labels) {
    return IntStream.range(0, CLASSES)
        .mapToDouble(
            c ->
                Summary.MEDIAN.of(
                    IntStream.range(0, labels.length)
                        .filter(i -> labels[i] == c)
                        .mapToDouble(i -> similarities[i])
                        .toArray()))
        .average()
        .orElseThrow();
  }

  private static void softmax(
      Experiment experiment, Plan plan, Points known, Map<Kind, Points> tests, NDManager manager) {
    final int[] order = balanced(known.labels(), experiment.random("halves of round 1"));
    final int half = order.length / 2;
    final Points train = known.some(Arrays.copyOf(order, half));
    final Points held = known.some(Arrays.copyOfRange(order, half, order.length));
    final NDArray x = train.features(manager);
    final NDArray y = manager.create(train.labels());
    final SdmHead head =
        new SdmHead(
            SdmHead.Form.of(plan.width(), CLASSES).standardising(x),
            experiment.random("initial weights of round 1"));
    final Batches batches =
        Batches.shuffled(half, plan.batch(), new Seed(experiment.seed() * 100 + 1));
    try (Training training = training(experiment, head, x)) {
      for (int epoch = 1; epoch <= plan.epochs(); epoch++) {
        for (final int[] rows : batches.pass(epoch)) {
          try (NDManager scope = Libtorch.newManager()) {
            final NDArray index = scope.create(rows).toType(DataType.INT64, false);
            final NDArray inputs = select(x, index, scope);
            final NDArray labels = select(y, index, scope);
            training.step(
                pass ->
                    CrossEntropyLoss.crossEntropy(
                        pass.forward(head, inputs).head(),
                        pass.alias(labels),
                        0,
                        LossOptions.mean()));
          }
        }
        experiment.step("softmax, epoch " + epoch);
      }
      final double beta =
          InverseTemperature.fit(
                  rows(Seen.of(head, held.features(manager), manager)), held.labels())
              .beta();
      experiment.metric("fitted temperature: inverse", beta);
      for (final Kind kind : Kind.values()) {
        final double[][] scores = rows(Seen.of(head, tests.get(kind).features(manager), manager));
        probabilities(experiment, Arm.SOFTMAX, kind, tests.get(kind), scores, 1);
        probabilities(experiment, Arm.TEMPERATURE, kind, tests.get(kind), scores, beta);
      }
    }
  }

  private static double[][] rows(Seen seen) {
    final float[] scores = seen.scores().toFloatArray();
    final double[][] rows = new double[scores.length / CLASSES][CLASSES];
    for (int i = 0; i < scores.length; i++) {
      rows[i / CLASSES][i % CLASSES] = scores[i];
    }
    return rows;
  }

  private static void probabilities(
      Experiment experiment, Arm arm, Kind kind, Points points, double[][] scores, double beta) {
    final ProbabilityTransform transform = ProbabilityTransform.boltzmann(beta);
    final int[] predicted = new int[scores.length];
    final double[] largest = new double[scores.length];
    for (int i = 0; i < scores.length; i++) {
      final double[] p = transform.probabilities(scores[i]);
      for (int c = 1; c < CLASSES; c++) {
        predicted[i] = p[c] > p[predicted[i]] ? c : predicted[i];
      }
      largest[i] = p[predicted[i]];
    }
    record(experiment, arm, kind, points.labels(), predicted, largest, i -> largest[i] >= ALPHA);
  }

  /** Whether a point is admitted. */
  @FunctionalInterface
  private interface Admission {
    boolean admits(int point);
  }

  private static void record(
      Experiment experiment,
      Arm arm,
      Kind kind,
      int[] labels,
      int[] predicted,
      double[] confidences,
      Admission admission) {
    final SelectiveReport report =
        SelectiveReport.of(
            IntStream.range(0, labels.length)
                .mapToObj(
                    i -> new SelectiveReport.Point(labels[i], predicted[i], admission.admits(i)))
                .toList());
    experiment.metric(arm.admitted(kind), report.coverage());
    // Where nothing is admitted, nothing is wrong.
    experiment.metric(arm.accuracy(kind), report.accuracy().orElse(1));
    experiment.metric(arm.lowest(kind), report.lowestConditional(LEAST_POINTS).orElse(1));
    experiment.metric(
        arm.cells(kind),
        (double) report.cells().stream().filter(cell -> cell.count() >= LEAST_POINTS).count());
    for (final SelectiveReport.Cell cell : report.cells()) {
      final String of =
          arm.label
              + (cell.condition() == SelectiveReport.Condition.LABEL ? ": class " : ": prediction ")
              + cell.of()
              + ", "
              + kind.label();
      experiment.metric(of + ", admitted", (double) cell.count());
      if (cell.count() > 0) {
        experiment.metric(of + ", accuracy", cell.accuracy());
      }
    }
    final Confidence confidence =
        new Confidence(
            Arrays.stream(confidences).map(p -> Math.min(1, p)).boxed().toList(),
            IntStream.range(0, labels.length).mapToObj(i -> labels[i] == predicted[i]).toList());
    experiment.metric(arm.calibration(kind), confidence.calibrationError(10));
    final List<Confidence.Risk> risks = confidence.risks();
    experiment.series(
        new Series(
            arm.curve(kind),
            "share of points, most confident first",
            "accuracy",
            coverages(),
            coverages().stream().map(share -> accuracy(risks, share)).toList()));
  }

  private static List<Double> coverages() {
    return IntStream.rangeClosed(1, CURVE_POINTS).mapToObj(i -> i / (double) CURVE_POINTS).toList();
  }

  /** Points of equal confidence come in together, so the first coverage that reaches the share. */
  private static double accuracy(List<Confidence.Risk> risks, double share) {
    return 1
        - risks.stream()
            .filter(risk -> risk.coverage() >= share - 1e-9)
            .findFirst()
            .orElse(risks.getLast())
            .risk();
  }

  /** How good predictions are by the whole part of their rescaled similarity. */
  private static void regions(
      Experiment experiment, Kind kind, int[] labels, List<SdmCalibration.Verdict> verdicts) {
    for (int region = 0; region < REGIONS; region++) {
      final int own = region;
      final int[] in =
          IntStream.range(0, labels.length)
              .filter(
                  i ->
                      Math.min(
                              REGIONS - 1,
                              (int) Math.floor(verdicts.get(i).estimate().lower().similarity()))
                          == own)
              .toArray();
      experiment.metric(region(kind, region, "share"), in.length / (double) labels.length);
      experiment.metric(
          region(kind, region, "accuracy"),
          Arrays.stream(in)
              .mapToDouble(i -> verdicts.get(i).predicted() == labels[i] ? 1 : 0)
              .average()
              .orElse(1));
    }
  }

  private static String region(Kind kind, int region, String what) {
    return "SDM: %s of region %d, %s".formatted(what, region, kind.label());
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final List<String> kinds = Arrays.stream(Kind.values()).map(Kind::label).toList();
    final List<String> regions =
        IntStream.range(0, REGIONS)
            .mapToObj(i -> i + 1 == REGIONS ? i + " or more" : Integer.toString(i))
            .toList();
    return List.of(
        new Figure(
            "Share of predictions admitted",
            "Mean over seeds with their range. Strange points have labels that say nothing: none"
                + " should be admitted.",
            Axis.category("points", kinds),
            Axis.linear("admitted (%)"),
            bars(runs, Arm::admitted)),
        new Figure(
            "Worst conditional accuracy of the admitted",
            "The class or prediction that fares worst (20 admitted points or more), mean over seeds"
                + " with their range.",
            Axis.category("points", kinds),
            Axis.linear("accuracy (%)"),
            bars(runs, Arm::lowest)),
        new Figure(
            "Accuracy by coverage, shifted points",
            "From the most confident prediction on; mean over seeds with their range.",
            Axis.linear("share of points, most confident first"),
            Axis.linear("accuracy"),
            Arrays.stream(Arm.values())
                .map(
                    arm -> SeedCurves.ofSeries(arm.label, Mark.LINE, runs, arm.curve(Kind.SHIFTED)))
                .toList()),
        new Figure(
            "Accuracy by region",
            "Predictions by the whole part of their rescaled similarity, at the lower end of the"
                + " band; mean over seeds with their range.",
            Axis.category("rescaled similarity", regions),
            Axis.linear("accuracy (%)"),
            Stream.of(Kind.SAME, Kind.SHIFTED)
                .map(
                    kind ->
                        SeedCurves.byCategory(
                            kind.label(),
                            Mark.BAR,
                            runs,
                            100,
                            IntStream.range(0, REGIONS)
                                .mapToObj(i -> region(kind, i, "accuracy"))
                                .toList()))
                .toList()));
  }

  /** A metric of an arm. */
  @FunctionalInterface
  private interface Metric {
    String of(Arm arm, Kind kind);
  }

  private static List<Figure.Curve> bars(List<Run> runs, Metric metric) {
    return Arrays.stream(Arm.values())
        .map(
            arm ->
                SeedCurves.byCategory(
                    arm.label,
                    Mark.BAR,
                    runs,
                    100,
                    Arrays.stream(Kind.values()).map(kind -> metric.of(arm, kind)).toList()))
        .toList();
  }
}
