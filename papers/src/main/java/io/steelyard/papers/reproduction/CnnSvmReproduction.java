package io.steelyard.papers.reproduction;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.head.OneVsRest;
import io.steelyard.layers.loss.SvmLoss;
import io.steelyard.layers.loss.SvmOptions;
import io.steelyard.layers.training.Curve;
import io.steelyard.layers.training.Examples;
import io.steelyard.layers.training.Step;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.layers.vision.ConvNet;
import io.steelyard.layers.vision.ConvNetConfiguration;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
import io.steelyard.papers.claim.Criteria.Falsified;
import io.steelyard.papers.claim.Criterion;
import io.steelyard.papers.claim.PairedBootstrap;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.DataResolver;
import io.steelyard.papers.data.DataSet;
import io.steelyard.papers.data.DataSource;
import io.steelyard.papers.data.DownloadProgress;
import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.ResolvedData;
import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Paper 03, arXiv 1712.03541: is a convolutional network as good with an L2-SVM in place of softmax
 * as its last layer? The paper's own answer is "nearly".
 *
 * <p>Three heads are trained from the same initial weights, on the same batches in the same order
 * and with the same dropout masks: softmax with cross-entropy, L2-SVM and L1-SVM in the form of the
 * official code.
 */
public final class CnnSvmReproduction implements Reproduction {

  private static final Quantity GAP =
      Quantity.difference("pp", 100, Arm.SOFTMAX.accuracy(), Arm.L2_SVM.accuracy());
  private static final Quantity SIGN_LOSS =
      Quantity.difference("pp", 100, Arm.L2_SVM.accuracy(), Arm.L2_SVM.signAccuracy());

  /** The heads that the sign rule is meant for. */
  private static final List<Arm> SVMS = List.of(Arm.L2_SVM, Arm.L1_SVM);

  /** Points of a loss curve: each is the mean over the steps since the last one. */
  private static final int CURVE_POINTS = 60;

  private static final int PREDICTION_BATCH = 500;

  /** The three heads. */
  private enum Arm {
    SOFTMAX("softmax"),
    L2_SVM("L2-SVM"),
    L1_SVM("L1-SVM");

    private final String label;

    Arm(String label) {
      this.label = label;
    }

    Loss loss(ConvNet net) {
      return switch (this) {
        case SOFTMAX -> Loss.softmaxCrossEntropyLoss();
        case L2_SVM -> new SvmLoss(SvmOptions.L2, net.readoutWeights());
        case L1_SVM -> new SvmLoss(SvmOptions.L1, net.readoutWeights());
      };
    }

    /** Share of test images whose largest score is at the right class; also their item series. */
    String accuracy() {
      return label + " accuracy, argmax";
    }

    /** Share of test images that the sign rule classifies right; also their item series. */
    String signAccuracy() {
      return label + " accuracy, argmaxOfSign";
    }

    String none() {
      return label + " share without positive score";
    }

    String several() {
      return label + " share with several positive scores";
    }

    String curve() {
      return label + " training loss";
    }
  }

  /** How much is run at a scale. */
  private record Plan(
      ConvNetConfiguration net, int skipped, int train, int test, int batch, int steps) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(ConvNetConfiguration.SMALL, 0, 640, 500, 64, 20);
        case QUICK -> new Plan(ConvNetConfiguration.SMALL, 0, 10_000, 10_000, 64, 600);
        // The official code leaves the first 5,000 training images for validation.
        case FULL -> new Plan(ConvNetConfiguration.PUBLISHED, 5_000, 55_000, 10_000, 128, 10_000);
      };
    }
  }

  @Override
  public String paper() {
    return "cnn-svm";
  }

  @Override
  public String design() {
    return "One convolutional network is trained on Fashion-MNIST with three losses in turn: softmax"
        + " cross-entropy, L2-SVM and L1-SVM. Initial weights, batches, their order and the dropout"
        + " masks are the same for all three; only the loss differs. Accuracy is measured on all test"
        + " images, with the largest score and with the paper's sign rule.";
  }

  @Override
  public List<Claim> claims() {
    return List.of(
        Claim.named("l2-svm-close-to-softmax")
            .states("An L2-SVM head is competitive with softmax, and not better")
            .published(
                "90.72 % against 91.86 % on Fashion-MNIST, 99.04 % against 99.23 % on MNIST; one run"
                    + " each, 10,000 steps of the full network")
            .measures("softmax minus L2-SVM test accuracy, largest score")
            .decidedBy(
                GAP,
                onRealImages(
                    Criteria.meanWithin(
                        GAP, -0.2, 2.5, Falsified.BY_MEAN_AND_EVERY_SEED, Falsified.BY_MEAN)),
                new PairedBootstrap(Arm.SOFTMAX.accuracy(), Arm.L2_SVM.accuracy(), 100)),
        Claim.named("sign-rule-not-better")
            .states(
                "Predicting by the signs of the scores, as the paper does, never gains accuracy")
            .measures("L2-SVM test accuracy, largest score minus sign rule")
            .decidedBy(
                SIGN_LOSS,
                onRealImages(Criteria.everySeedAtLeast(SIGN_LOSS, 0)),
                new PairedBootstrap(Arm.L2_SVM.accuracy(), Arm.L2_SVM.signAccuracy(), 100)));
  }

  private static Criterion onRealImages(Criterion criterion) {
    return criterion.unless(
        runs -> runs.stream().anyMatch(CnnSvmReproduction::synthetic),
        "not testable without the real images",
        _ ->
            "the runs used the synthetic stand-in because Fashion-MNIST was not found, and it says"
                + " nothing about photographs");
  }

  private static boolean synthetic(Run run) {
    return run.data().containsKey(SyntheticGarments.NAME);
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    final ResolvedData data = resolve(experiment);
    final LabelledImages train =
        data.train()
            .slice(
                Math.min(plan.skipped(), data.train().count() - 1),
                Math.min(plan.skipped() + plan.train(), data.train().count()));
    final LabelledImages test = data.test().first(Math.min(plan.test(), data.test().count()));
    record(experiment, plan, data, train, test);

    final List<int[]> batches = batches(plan, train.count(), experiment.random("batches"));
    experiment.steps((long) Arm.values().length * (plan.steps() + 1));
    final Device device = experiment.device();
    experiment.setting("device", Libtorch.name(device));
    try (NDManager manager = Libtorch.newManager(device)) {
      final Examples trainExamples = examples(manager, plan.net(), train);
      final Examples testExamples = examples(manager, plan.net(), test);
      for (final Arm arm : Arm.values()) {
        final ConvNet net = new ConvNet(plan.net(), experiment.random("initial weights"));
        final TrainingOptions options = TrainingOptions.seeded(experiment.seed()).on(device);
        try (Training training =
            new Training(net, arm.loss(net), net.inputShape(plan.batch()), options)) {
          fit(experiment, arm, plan, training, trainExamples, batches);
          evaluate(experiment, arm, training, testExamples.inputs(), test);
        }
      }
    }
  }

  private static ResolvedData resolve(Experiment experiment) {
    final DataLocations usual = DataLocations.standard(experiment.dataFolder());
    final DataLocations locations =
        experiment.scale() == Scale.SMOKE ? usual.withoutNetwork() : usual;
    return new DataResolver(locations, experiment::warning, DownloadProgress.NONE)
        .resolve(DataSet.FASHION_MNIST);
  }

  @Override
  public boolean sameData(Run earlier, Optional<Path> dataFolder) {
    if (!synthetic(earlier)) {
      return true;
    }
    final DataSource now = DataResolver.standard(dataFolder).locate(DataSet.FASHION_MNIST).source();
    return now == DataSource.EMBEDDED || now == DataSource.DOWNLOAD;
  }

  private static void record(
      Experiment experiment,
      Plan plan,
      ResolvedData data,
      LabelledImages train,
      LabelledImages test) {
    experiment.data(data.name(), data.origin());
    experiment.setting("training images", count(train.count()));
    experiment.setting("test images", count(test.count()));
    experiment.setting("parameters", count(plan.net().parameters()));
    experiment.setting("batch", Integer.toString(plan.batch()));
    experiment.setting("steps", count(plan.steps()));
    experiment.setting("optimizer", "Adam, rate " + TrainingOptions.LEARNING_RATE);
    experiment.setting("dropout keeps", Double.toString(plan.net().keep()));
    experiment.setting("penalty C", Double.toString(SvmOptions.L2.penalty()));
  }

  private static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  /** Whole batches of one shuffled pass after the other; what is left of a pass is dropped. */
  private static List<int[]> batches(Plan plan, int images, RandomGenerator random) {
    final int[] order = IntStream.range(0, images).toArray();
    final List<int[]> batches = new ArrayList<>();
    while (batches.size() < plan.steps()) {
      for (int i = order.length - 1; i > 0; i--) {
        final int other = random.nextInt(i + 1);
        final int kept = order[i];
        order[i] = order[other];
        order[other] = kept;
      }
      for (int from = 0;
          from + plan.batch() <= images && batches.size() < plan.steps();
          from += plan.batch()) {
        batches.add(Arrays.copyOfRange(order, from, from + plan.batch()));
      }
    }
    return batches;
  }

  private static Examples examples(
      NDManager manager, ConvNetConfiguration net, LabelledImages images) {
    final int[] all = IntStream.range(0, images.count()).toArray();
    final float[] pixels = new float[images.count() * images.imageSize()];
    images.fillImages(all, pixels);
    final int[] labels = new int[images.count()];
    images.fillLabels(all, labels);
    return new Examples(
        manager.create(
            pixels, new Shape(images.count(), net.channels(), net.height(), net.width())),
        manager.create(labels));
  }

  private static void fit(
      Experiment experiment,
      Arm arm,
      Plan plan,
      Training training,
      Examples examples,
      List<int[]> batches) {
    final int window = Math.max(1, plan.steps() / CURVE_POINTS);
    final Curve losses = Curve.of(Step::loss, window);
    training.fit(
        examples,
        batches,
        losses.and(
            step ->
                experiment.step(arm.label + ", step " + step.number() + " of " + plan.steps())));
    experiment.series(
        new Series(
            arm.curve(),
            "step",
            "loss, mean of " + window + " steps",
            losses.steps(),
            losses.values()));
  }

  private static void evaluate(
      Experiment experiment, Arm arm, Training training, NDArray images, LabelledImages test) {
    try (NDArray scores = training.predict(images, PREDICTION_BATCH);
        NDArray largest = OneVsRest.argmax(scores);
        NDArray first = OneVsRest.argmaxOfSign(scores)) {
      final List<Double> right = correct(largest.toLongArray(), test);
      final List<Double> rightBySign = correct(first.toLongArray(), test);
      final OneVsRest.Positives positives = OneVsRest.positives(scores);
      experiment.metric(arm.accuracy(), mean(right));
      experiment.metric(arm.signAccuracy(), mean(rightBySign));
      experiment.metric(arm.none(), positives.shareOfNone());
      experiment.metric(arm.several(), positives.shareOfSeveral());
      experiment.items(arm.accuracy(), right);
      if (arm == Arm.L2_SVM) {
        experiment.items(arm.signAccuracy(), rightBySign);
      }
    }
    experiment.step(arm.label + ", tested");
  }

  private static List<Double> correct(long[] predicted, LabelledImages test) {
    return IntStream.range(0, predicted.length)
        .mapToObj(image -> predicted[image] == test.label(image) ? 1.0 : 0.0)
        .toList();
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final List<String> heads = Arrays.stream(Arm.values()).map(arm -> arm.label).toList();
    return List.of(
        new Figure(
            "Test accuracy of the three heads",
            "Mean over seeds; the whiskers reach from the worst seed to the best. The sign rule"
                + " throws the margins away.",
            Axis.category("head", heads),
            Axis.linear("test accuracy (%)"),
            List.of(
                SeedCurves.byCategory(
                    "largest score",
                    Mark.POINT,
                    runs,
                    100,
                    Arrays.stream(Arm.values()).map(Arm::accuracy).toList()),
                SeedCurves.over(
                    "sign rule",
                    Mark.POINT,
                    Summary.MEAN,
                    SVMS.stream().map(arm -> (double) heads.indexOf(arm.label)).toList(),
                    i ->
                        runs.stream()
                            .mapToDouble(run -> 100 * run.metric(SVMS.get(i).signAccuracy()))
                            .toArray()))),
        new Figure(
            "Test images without one clear answer",
            "Share of test images on which no one-vs-rest score is positive, or several are: there"
                + " the sign rule has to guess.",
            Axis.category("head", SVMS.stream().map(arm -> arm.label).toList()),
            Axis.linear("share of test images (%)"),
            List.of(
                SeedCurves.byCategory(
                    "no positive score",
                    Mark.BAR,
                    runs,
                    100,
                    SVMS.stream().map(Arm::none).toList()),
                SeedCurves.byCategory(
                    "several", Mark.BAR, runs, 100, SVMS.stream().map(Arm::several).toList()))),
        new Figure(
            "Training loss",
            "Mean over seeds with the range between them. Each head has its own loss, so only the"
                + " shapes compare.",
            Axis.linear("step"),
            Axis.log10("training loss"),
            Arrays.stream(Arm.values())
                .map(arm -> SeedCurves.ofSeries(arm.label, Mark.LINE, runs, arm.curve()))
                .toList()));
  }
}
