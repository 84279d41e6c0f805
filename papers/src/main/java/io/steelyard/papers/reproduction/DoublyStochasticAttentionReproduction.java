package io.steelyard.papers.reproduction;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.loss.Loss;
import io.steelyard.analysis.doublystochastic.BirkhoffPolytope;
import io.steelyard.kernels.doublystochastic.QrDoublyStochastic;
import io.steelyard.kernels.doublystochastic.QuantumDoublyStochastic;
import io.steelyard.kernels.doublystochastic.Sinkhorn;
import io.steelyard.kernels.doublystochastic.SinkhornOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.CircuitOptions;
import io.steelyard.layers.attention.NormSoftmaxAttentionBlock;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Curve;
import io.steelyard.layers.training.Examples;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Step;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criterion;
import io.steelyard.papers.claim.PairedBootstrap;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Region;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.DataResolver;
import io.steelyard.papers.data.DataSet;
import io.steelyard.papers.data.DataSource;
import io.steelyard.papers.data.DownloadProgress;
import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.PictureSet;
import io.steelyard.papers.data.ResolvedData;
import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.task.AttentionTrial;
import io.steelyard.papers.task.ComposedTrial;
import io.steelyard.papers.task.MedMnistTrial;
import io.steelyard.papers.task.StripedTransformer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Paper 15, arXiv 2504.16275: weights from the unitary matrix of a small circuit, beside other ways
 * to doubly stochastic attention.
 *
 * <p>How many score matrices each way tells apart, how doubly stochastic it is, and how a small
 * vision transformer does with it. The circuit is simulated exactly and its parameters stay as they
 * were drawn.
 */
public final class DoublyStochasticAttentionReproduction implements Reproduction {

  private static final int SMALL = 4;
  private static final int SMALL_QUBITS = 6;
  private static final List<Integer> DEPTHS = List.of(1, 2, 8);
  private static final int DECIMALS = 3;

  private static final int TOKENS = 8;
  private static final int LARGE_QUBITS = 8;
  private static final double SPREAD = 3;

  private static final double PIXEL_MEAN = 0.286;
  private static final double PIXEL_DEVIATION = 0.353;
  private static final int BATCH = 100;

  /** Sequences at once where a circuit keeps a large matrix for each of its gates. */
  private static final int LARGE_PIECE = 4;

  private static final int PREDICTION_BATCH = 500;
  private static final int CURVE_POINTS = 30;

  /** How scores become weights where matrices are counted and measured. */
  private static final String SOFTMAX = "softmax";

  private static final String SINKHORN_3 = "Sinkhorn, 3 steps";
  private static final String SINKHORN_21 = "Sinkhorn, 21 steps";
  private static final String QR = "QR";
  private static final String CIRCUIT = "circuit";
  private static final String PROJECTION = "projection";
  private static final List<String> MEASURED =
      List.of(SOFTMAX, SINKHORN_3, SINKHORN_21, QR, CIRCUIT);

  /** What a vision transformer is trained with. */
  private enum Arm {
    SOFTMAX("softmax"),
    NORM_SOFTMAX("softmax by the variance"),
    SINKHORN("Sinkhorn, 3 steps"),
    QR("QR"),
    CIRCUIT("static circuit");

    private final String label;

    Arm(String label) {
      this.label = label;
    }

    Attention attention(Plan plan) {
      return switch (this) {
        case SOFTMAX -> Attention.softmax();
        case NORM_SOFTMAX -> Attention.normSoftmax(NormSoftmaxAttentionBlock.Spread.VARIANCE);
        case SINKHORN -> Attention.sinkhorn(SinkhornOptions.defaults().withIterations(3));
        case QR -> Attention.qr();
        case CIRCUIT ->
            Attention.quantum(
                CircuitOptions.forTokens(TOKENS)
                    .withSize(plan.qubits(), plan.circuitLayers())
                    .frozen());
      };
    }

    String accuracy(String set, int layers) {
      return label + " accuracy on " + set + ", " + layers + " layers";
    }

    String curve(String set, int layers) {
      return label + " on " + set + ", " + layers + " layers, training loss";
    }
  }

  /**
   * The paper's other pictures.
   *
   * @param sets of MedMNIST, as many as are there
   * @param layers of the networks on them
   * @param composed the pictures of tiles
   */
  record Published(List<PictureSet> sets, int layers, ComposedTrial composed) {}

  /** How much is run at a scale. */
  record Plan(
      int draws,
      int soundnessLayers,
      int train,
      int test,
      int epochs,
      int width,
      List<Integer> layers,
      int qubits,
      int circuitLayers,
      double rate,
      double drop,
      List<Long> dropEpochs,
      List<DataSet> sets,
      boolean downloads,
      Optional<Published> published) {

    static Plan of(Scale scale) {
      final List<DataSet> fashion = List.of(DataSet.FASHION_MNIST);
      return switch (scale) {
        case SMOKE ->
            new Plan(
                3,
                1,
                200,
                100,
                1,
                16,
                List.of(2),
                3,
                1,
                1e-3,
                0.2,
                List.of(1L),
                fashion,
                false,
                Optional.empty());
        case QUICK ->
            new Plan(
                200,
                2,
                6000,
                2000,
                5,
                64,
                List.of(2),
                4,
                4,
                1e-3,
                0.2,
                List.of(4L),
                fashion,
                true,
                Optional.empty());
        case FULL ->
            new Plan(
                200,
                2,
                60_000,
                10_000,
                50,
                128,
                List.of(1, 2, 3, 4),
                8,
                16,
                5e-4,
                0.1,
                List.of(30L, 44L),
                List.of(DataSet.FASHION_MNIST, DataSet.MNIST),
                true,
                Optional.of(
                    new Published(
                        PictureSet.MED_MNIST,
                        CLAIM_LAYERS,
                        ComposedTrial.published(CLAIM_LAYERS, 50))));
      };
    }

    /** The same with the paper's other pictures, for which the digits are needed too. */
    Plan with(Published others) {
      return new Plan(
          draws,
          soundnessLayers,
          train,
          test,
          epochs,
          width,
          layers,
          qubits,
          circuitLayers,
          rate,
          drop,
          dropEpochs,
          List.of(DataSet.FASHION_MNIST, DataSet.MNIST),
          downloads,
          Optional.of(others));
    }

    /** Pictures of which an arm makes the graph at once. */
    private int piece(Arm arm, int whole) {
      return arm == Arm.CIRCUIT && qubits > SMALL_QUBITS ? LARGE_PIECE : whole;
    }

    List<AttentionTrial.Arm> arms(int whole) {
      return Arrays.stream(Arm.values())
          .map(arm -> new AttentionTrial.Arm(arm.label, arm.attention(this), piece(arm, whole)))
          .toList();
    }

    MedMnistTrial medical(Published others) {
      return new MedMnistTrial(
          new AttentionTrial(
              epochs,
              BATCH,
              Optimizer.adam(),
              perPass ->
                  Schedule.drops(
                      rate,
                      drop,
                      dropEpochs.stream().mapToLong(epoch -> epoch * perPass).toArray())),
          width,
          others.layers());
    }

    long perEpoch(int images) {
      return images / BATCH;
    }
  }

  private static final String LEFT_OUT =
      "the seven sets of MedMNIST that the paper means are not known here: of those of flat pictures"
          + " with one label, the ones that are there are used; epochs and depth on composed pictures,"
          + " and how their tiles are drawn, are not published; circuits with trained parameters, on"
          + " hardware and of other forms, the depth of circuits, and moments of sudden understanding"
          + " are left out";

  /** The set and depth that the claim is about. */
  private static final String CLAIM_SET = DataSet.FASHION_MNIST.name();

  private static final int CLAIM_LAYERS = 2;

  private static String distinct(String method) {
    return "matrices told apart by " + method;
  }

  private static String circuit(int layers) {
    return CIRCUIT + " of " + layers + (layers == 1 ? " layer" : " layers");
  }

  private static String defect(String method) {
    return "column defect of " + method;
  }

  private static String distance(String method) {
    return "distance from doubly stochastic of " + method;
  }

  private final Function<Scale, Plan> plans;

  /** The reproduction at its three scales. */
  public DoublyStochasticAttentionReproduction() {
    this(Plan::of);
  }

  DoublyStochasticAttentionReproduction(Function<Scale, Plan> plans) {
    this.plans = plans;
  }

  @Override
  public String paper() {
    return "qdsformer";
  }

  @Override
  public String design() {
    return "All 625 matrices of four columns out of five are mapped to weights by softmax, Sinkhorn,"
        + " projection, QR and random circuits, and the different results are counted; random 8 x 8"
        + " scores show how doubly stochastic each is. Then a two-layer vision transformer on"
        + " Fashion-MNIST is trained with five normalisers, initial weights and batches the same.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity told = Quantity.metric("", distinct(circuit(8)));
    final Quantity ratio =
        new Quantity("", run -> Math.max(run.metric(defect(QR)), run.metric(defect(CIRCUIT))));
    final Quantity gain =
        Quantity.difference(
            "pp",
            100,
            Arm.CIRCUIT.accuracy(CLAIM_SET, CLAIM_LAYERS),
            Arm.SOFTMAX.accuracy(CLAIM_SET, CLAIM_LAYERS));
    return List.of(
        Claim.named("circuits-tell-more-apart")
            .states("A circuit of 8 layers tells more score matrices apart than Sinkhorn and QR")
            .published("625 of 625, Sinkhorn 621, QR 381")
            .measures("different results among 625 matrices, 3 decimals, circuit of 8 layers")
            .shows(Summary.MEDIAN)
            .decidedBy(told, tellRule()),
        Claim.named("circuits-and-qr-are-doubly-stochastic")
            .states(
                "QR and circuits are doubly stochastic to rounding, Sinkhorn of few steps is far from"
                    + " it")
            .published(
                "distance 1.12 (softmax), 0.84 and 0.23 (3 and 21 steps), below 2e-4 (QR) and 5e-6"
                    + " (circuit), trained 8 x 8 scores")
            .measures("mean norm of the columns' defect, the worse of QR and circuit")
            .shows(Summary.MAXIMUM)
            .decidedBy(ratio, soundRule()),
        Claim.named("circuit-at-least-softmax")
            .states(
                "A vision transformer with a static circuit is at least as accurate as with softmax")
            .published("90.0 % against 88.9 % on Fashion-MNIST with two layers, 5 seeds")
            .measures("accuracy on Fashion-MNIST, two layers, static circuit minus softmax")
            .decidedBy(
                gain,
                gainRule(gain),
                new PairedBootstrap(
                    Arm.CIRCUIT.accuracy(CLAIM_SET, CLAIM_LAYERS),
                    Arm.SOFTMAX.accuracy(CLAIM_SET, CLAIM_LAYERS),
                    100)));
  }

  private static Criterion tellRule() {
    final Criterion rule =
        runs -> {
          final double[] sinkhorn = values(runs, distinct(SINKHORN_21));
          final double[] qr = values(runs, distinct(QR));
          final double[] deep = values(runs, distinct(circuit(8)));
          final boolean grow =
              runs.stream()
                  .allMatch(
                      run ->
                          run.metric(distinct(circuit(1))) < run.metric(distinct(circuit(2)))
                              && run.metric(distinct(circuit(2)))
                                  < run.metric(distinct(circuit(8))));
          final String numbers =
              "circuit of 8 layers %s, of 2 and 1 from %s and %s on, Sinkhorn %s, QR %s to %s"
                  .formatted(
                      Quantity.metric("", distinct(circuit(8))).perSeed(runs),
                      Quantity.number(Summary.MINIMUM.of(values(runs, distinct(circuit(2))))),
                      Quantity.number(Summary.MINIMUM.of(values(runs, distinct(circuit(1))))),
                      Quantity.number(Summary.MEAN.of(sinkhorn)),
                      Quantity.number(Summary.MINIMUM.of(qr)),
                      Quantity.number(Summary.MAXIMUM.of(qr)));
          if (Summary.MEDIAN.of(deep) <= Summary.MAXIMUM.of(sinkhorn)) {
            return new Verdict.DoesNotHold(numbers);
          }
          final long complete = Arrays.stream(deep).filter(count -> count >= 624).count();
          final boolean holds =
              Arrays.stream(sinkhorn).allMatch(count -> count == 621)
                  && Arrays.stream(qr).allMatch(count -> count >= 360 && count <= 400)
                  && 3 * complete >= 2L * deep.length
                  && grow;
          return holds ? new Verdict.Holds(numbers) : new Verdict.Inconclusive(numbers);
        };
    return rule.saying(
            "holds if Sinkhorn tells 621 apart and QR 360 to 400 in every seed, the circuit of 8 layers"
                + " at least 624 in two of three seeds, and counts grow from 1 to 2 to 8 layers;"
                + " falsified if the median over seeds of the circuit of 8 layers is not above"
                + " Sinkhorn's; else inconclusive")
        .holdingIn(Region.from(624));
  }

  private static Criterion soundRule() {
    final Criterion rule =
        runs -> {
          boolean ordered = true;
          boolean exact = true;
          for (final Run run : runs) {
            ordered &=
                run.metric(defect(SOFTMAX)) > run.metric(defect(SINKHORN_3))
                    && run.metric(defect(SINKHORN_3)) > run.metric(defect(SINKHORN_21))
                    && run.metric(defect(SINKHORN_21)) > 1e-6;
            exact &= run.metric(defect(QR)) < 1e-10 && run.metric(defect(CIRCUIT)) < 1e-10;
          }
          final List<String> parts =
              MEASURED.stream()
                  .map(
                      method ->
                          method
                              + " "
                              + Quantity.number(Summary.MEAN.of(values(runs, defect(method)))))
                  .toList();
          final String numbers = "mean defects: " + String.join(", ", parts);
          return ordered && exact ? new Verdict.Holds(numbers) : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying(
            "holds if in every seed the defect falls from softmax to 3 and to 21 steps, stays above 1e-6"
                + " there, and is below 1e-10 for QR and the circuit; else falsified")
        .holdingIn(Region.upTo(1e-10));
  }

  private static Criterion gainRule(Quantity gain) {
    final Criterion rule =
        runs -> {
          final double[] values = gain.values(runs);
          final double mean = Summary.MEAN.of(values);
          final double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
          final double error = Math.sqrt(squares / (values.length - 1) / values.length);
          final String numbers =
              "difference %s with standard error %s (%s)"
                  .formatted(gain.text(mean), Quantity.number(error), gain.perSeed(runs));
          if (mean > 2 * error) {
            return new Verdict.Holds(numbers + ": supported");
          }
          return mean < -2 * error
              ? new Verdict.DoesNotHold(numbers + ": contradicted")
              : new Verdict.Inconclusive(numbers + ": not distinguished");
        };
    return rule.saying(
            "holds if the mean difference over seeds is above 0 by more than two standard errors;"
                + " falsified if it is below by as much; else not distinguished")
        .holdingIn(Region.from(0))
        .unless(
            runs -> runs.stream().anyMatch(run -> run.data().containsKey(SyntheticGarments.NAME)),
            "not testable without the real images",
            _ -> "Fashion-MNIST was not found, and the runs used the synthetic stand-in");
  }

  private static double[] values(List<Run> runs, String metric) {
    return runs.stream().mapToDouble(run -> run.metric(metric)).toArray();
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = plans.apply(experiment.scale());
    final List<PictureSet.Found> found =
        plan.published().stream()
            .flatMap(published -> published.sets().stream())
            .flatMap(
                set ->
                    set
                        .find(DataLocations.standard(experiment.dataFolder()), experiment::warning)
                        .stream())
            .toList();
    found.forEach(one -> experiment.data(one.set().name(), one.origin()));
    plan.published().ifPresent(_ -> experiment.warning(LEFT_OUT));
    experiment.setting("circuits that are counted", "6 qubits, 1, 2 and 8 layers, uniform in +-1");
    experiment.setting("random scores", plan.draws() + " of 8 x 8, deviation 3");
    experiment.setting(
        "vision transformer",
        "width %d, one head, 7 stripes and a class token".formatted(plan.width()));
    experiment.setting(
        "its circuit",
        "%d qubits, %d layers, static".formatted(plan.qubits(), plan.circuitLayers()));
    experiment.setting(
        "training",
        "Adam, rate %s, times %s after %s of %d epochs, batch 100"
            .formatted(
                Quantity.number(plan.rate()),
                Quantity.number(plan.drop()),
                plan.dropEpochs(),
                plan.epochs()));
    experiment.setting("device", Libtorch.name(experiment.device()));
    final Map<DataSet, ResolvedData> data = new LinkedHashMap<>();
    plan.sets().forEach(set -> data.put(set, resolve(experiment, plan, set)));
    final boolean composes =
        plan.published().isPresent() && data.values().stream().noneMatch(ResolvedData::synthetic);
    experiment.steps(
        2L
            + (long) plan.sets().size()
                * plan.layers().size()
                * Arm.values().length
                * (plan.epochs() + 1L)
            + plan.published()
                .map(others -> steps(plan, others, found.size(), composes))
                .orElse(0L));
    tellApart(experiment);
    experiment.step("625 matrices told apart");
    soundness(experiment, plan);
    experiment.step("random scores measured");
    for (final DataSet set : plan.sets()) {
      train(experiment, plan, set, data.get(set));
    }
    plan.published().ifPresent(others -> others(experiment, plan, others, found, composes, data));
  }

  private static long steps(Plan plan, Published others, int found, boolean composes) {
    final int arms = Arm.values().length;
    return plan.medical(others).steps(found, arms) + (composes ? others.composed().steps(arms) : 0);
  }

  /** The page's MedMNIST and Eureka sets. */
  private static void others(
      Experiment experiment,
      Plan plan,
      Published others,
      List<PictureSet.Found> found,
      boolean composes,
      Map<DataSet, ResolvedData> data) {
    if (!found.isEmpty()) {
      experiment.setting(
          "MedMNIST",
          "stripes of four rows of all channels, pixels from -1 to 1, %d layers; all else as above"
              .formatted(others.layers()));
      plan.medical(others).run(experiment, plan.arms(BATCH), found);
    }
    if (composes) {
      experiment.setting("composed pictures", others.composed().setting());
      others
          .composed()
          .run(
              experiment,
              plan.arms(others.composed().batch()),
              data.get(DataSet.MNIST).pictures(),
              data.get(DataSet.FASHION_MNIST).pictures());
    } else {
      experiment.warning("composed pictures need the real MNIST and Fashion-MNIST; left out");
    }
  }

  /** The page's part (a). */
  private static void tellApart(Experiment experiment) {
    final double[][] columns = new double[SMALL + 1][SMALL];
    for (int c = 0; c < SMALL; c++) {
      columns[c][c] = 1;
    }
    Arrays.fill(columns[SMALL], 0.5);
    final int count = (int) Math.pow(SMALL + 1, SMALL);
    final Tensor scores = Tensor.zeros(DType.F64, count, SMALL, SMALL);
    for (int matrix = 0; matrix < count; matrix++) {
      int rest = matrix;
      for (int column = 0; column < SMALL; column++) {
        for (int row = 0; row < SMALL; row++) {
          scores.setDouble(
              (matrix * SMALL + row) * (long) SMALL + column, columns[rest % (SMALL + 1)][row]);
        }
        rest /= SMALL + 1;
      }
    }
    count(experiment, SOFTMAX, applied(scores, (x, y) -> sinkhorn(x, y, 1)));
    count(experiment, SINKHORN_21, applied(scores, (x, y) -> sinkhorn(x, y, 21)));
    count(
        experiment,
        QR,
        applied(scores, (x, y) -> QrDoublyStochastic.apply(x, y, experiment.seed(), 0)));
    count(
        experiment, PROJECTION, matrices(scores).stream().map(BirkhoffPolytope::project).toList());
    for (final int layers : DEPTHS) {
      final Tensor theta = theta(experiment, SMALL_QUBITS, layers);
      count(
          experiment,
          circuit(layers),
          applied(
              scores,
              (x, y) -> QuantumDoublyStochastic.apply(x, theta, y, SMALL_QUBITS, layers, 0)));
    }
  }

  private static void count(Experiment experiment, String method, List<double[][]> weights) {
    experiment.metric(distinct(method), (double) BirkhoffPolytope.distinct(weights, DECIMALS));
  }

  private static void sinkhorn(Tensor x, Tensor y, int steps) {
    Sinkhorn.apply(x, y, SinkhornOptions.defaults().withIterations(steps));
  }

  private static Tensor theta(Experiment experiment, int qubits, int layers) {
    final RandomGenerator random =
        experiment.random("circuit of " + qubits + " qubits and " + layers + " layers");
    final Tensor theta = Tensor.zeros(DType.F64, QuantumDoublyStochastic.angles(qubits, layers));
    for (int i = 0; i < theta.size(); i++) {
      theta.setDouble(i, 2 * random.nextDouble() - 1);
    }
    return theta;
  }

  private static List<double[][]> applied(Tensor scores, BiConsumer<Tensor, Tensor> method) {
    final Tensor weights = Tensor.zerosLike(scores);
    method.accept(scores, weights);
    return matrices(weights);
  }

  private static List<double[][]> matrices(Tensor tensor) {
    final int n = Math.toIntExact(tensor.dim(1));
    final List<double[][]> matrices = new ArrayList<>();
    for (int m = 0; m < tensor.dim(0); m++) {
      final double[][] matrix = new double[n][n];
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          matrix[i][j] = tensor.getDouble((m * n + i) * (long) n + j);
        }
      }
      matrices.add(matrix);
    }
    return matrices;
  }

  /** The page's part (b). */
  private static void soundness(Experiment experiment, Plan plan) {
    final RandomGenerator random = experiment.random("random scores");
    final Tensor scores = Tensor.zeros(DType.F64, plan.draws(), TOKENS, TOKENS);
    for (int i = 0; i < scores.size(); i++) {
      scores.setDouble(i, SPREAD * random.nextGaussian());
    }
    final Tensor theta = theta(experiment, LARGE_QUBITS, plan.soundnessLayers());
    final Map<String, List<double[][]>> weights = new LinkedHashMap<>();
    weights.put(SOFTMAX, applied(scores, (x, y) -> sinkhorn(x, y, 1)));
    weights.put(SINKHORN_3, applied(scores, (x, y) -> sinkhorn(x, y, 3)));
    weights.put(SINKHORN_21, applied(scores, (x, y) -> sinkhorn(x, y, 21)));
    weights.put(
        QR, applied(scores, (x, y) -> QrDoublyStochastic.apply(x, y, experiment.seed(), 0)));
    weights.put(
        CIRCUIT,
        applied(
            scores,
            (x, y) ->
                QuantumDoublyStochastic.apply(
                    x, theta, y, LARGE_QUBITS, plan.soundnessLayers(), 0)));
    weights.forEach(
        (method, all) -> {
          experiment.metric(
              defect(method),
              all.stream().mapToDouble(BirkhoffPolytope::columnDefect).average().orElseThrow());
          experiment.metric(
              distance(method),
              all.stream().mapToDouble(BirkhoffPolytope::distance).average().orElseThrow());
        });
  }

  /** The page's part (c) on one set. */
  private static void train(Experiment experiment, Plan plan, DataSet set, ResolvedData data) {
    experiment.data(data.name(), data.origin());
    final int images = Math.min(plan.train(), data.train().count());
    final LabelledImages test = data.test().first(Math.min(plan.test(), data.test().count()));
    final int[] chosen =
        Batches.shuffled(
                data.train().count(), images, new Seed(experiment.random("subset").nextLong()))
            .pass(0)
            .getFirst();
    final List<int[]> batches = batches(experiment, plan, images);
    try (NDManager manager = Libtorch.newManager(experiment.device())) {
      final Examples trainExamples = examples(manager, data.train(), chosen);
      final Examples testExamples =
          examples(manager, test, IntStream.range(0, test.count()).toArray());
      for (final int layers : plan.layers()) {
        for (final Arm arm : Arm.values()) {
          final StripedTransformer net =
              new StripedTransformer(arm.attention(plan), plan.width(), layers, experiment);
          final TrainingOptions options =
              TrainingOptions.seeded(experiment.seed())
                  .with(
                      Schedule.drops(
                          plan.rate(),
                          plan.drop(),
                          plan.dropEpochs().stream()
                              .mapToLong(epoch -> epoch * plan.perEpoch(images))
                              .toArray()))
                  .inPiecesOf(plan.piece(arm, BATCH))
                  .on(experiment.device());
          try (Training training =
              new Training(
                  net,
                  Loss.softmaxCrossEntropyLoss(),
                  new Shape(BATCH, StripedTransformer.STRIPES, StripedTransformer.STRIPE),
                  options)) {
            fit(experiment, plan, arm, set, layers, training, trainExamples, batches);
            evaluate(experiment, arm, set, layers, training, testExamples.inputs(), test);
          }
        }
      }
    }
  }

  private static List<int[]> batches(Experiment experiment, Plan plan, int images) {
    final Batches order =
        Batches.shuffled(images, BATCH, new Seed(experiment.random("batches").nextLong()));
    final List<int[]> batches = new ArrayList<>();
    for (int epoch = 0; epoch < plan.epochs(); epoch++) {
      batches.addAll(order.pass(epoch).subList(0, Math.toIntExact(plan.perEpoch(images))));
    }
    return batches;
  }

  private static ResolvedData resolve(Experiment experiment, Plan plan, DataSet set) {
    final DataLocations usual = DataLocations.standard(experiment.dataFolder());
    final DataLocations locations = plan.downloads() ? usual : usual.withoutNetwork();
    return new DataResolver(locations, experiment::warning, DownloadProgress.NONE).resolve(set);
  }

  @Override
  public boolean sameData(Run earlier, Optional<Path> dataFolder) {
    final Plan plan = plans.apply(earlier.scale());
    final DataLocations locations = DataLocations.standard(dataFolder);
    final boolean more =
        plan.published().stream()
            .flatMap(published -> published.sets().stream())
            .anyMatch(set -> !earlier.data().containsKey(set.name()) && set.isIn(locations));
    if (more) {
      return false;
    }
    if (!earlier.data().containsKey(SyntheticGarments.NAME)) {
      return true;
    }
    final DataResolver resolver = DataResolver.standard(dataFolder);
    return plan.sets().stream()
        .map(set -> resolver.locate(set).source())
        .allMatch(now -> now == DataSource.EMBEDDED || now == DataSource.DOWNLOAD);
  }

  /** Stripes of four rows; images are stored row by row, so that a stripe is one stretch. */
  private static Examples examples(NDManager manager, LabelledImages images, int[] chosen) {
    final float[] pixels = new float[chosen.length * images.imageSize()];
    images.fillImages(chosen, pixels);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) ((pixels[i] - PIXEL_MEAN) / PIXEL_DEVIATION);
    }
    final int[] labels = new int[chosen.length];
    images.fillLabels(chosen, labels);
    return new Examples(
        manager.create(
            pixels,
            new Shape(chosen.length, StripedTransformer.STRIPES, StripedTransformer.STRIPE)),
        manager.create(labels));
  }

  private static void fit(
      Experiment experiment,
      Plan plan,
      Arm arm,
      DataSet set,
      int layers,
      Training training,
      Examples examples,
      List<int[]> batches) {
    final int window = Math.max(1, batches.size() / CURVE_POINTS);
    final long epoch = batches.size() / plan.epochs();
    final Curve losses = Curve.of(Step::loss, window);
    training.fit(
        examples,
        batches,
        losses.and(
            step -> {
              if (step.number() % epoch == 0) {
                experiment.step(
                    "%s on %s, %d layers, epoch %d"
                        .formatted(arm.label, set.name(), layers, step.number() / epoch));
              }
            }));
    experiment.series(
        new Series(
            arm.curve(set.name(), layers),
            "step",
            "loss, mean of " + window + " steps",
            losses.steps(),
            losses.values()));
  }

  private static void evaluate(
      Experiment experiment,
      Arm arm,
      DataSet set,
      int layers,
      Training training,
      NDArray images,
      LabelledImages test) {
    try (NDArray scores = training.predict(images, PREDICTION_BATCH);
        NDArray predicted = scores.argMax(1)) {
      final long[] classes = predicted.toLongArray();
      final List<Double> right =
          IntStream.range(0, classes.length)
              .mapToObj(image -> classes[image] == test.label(image) ? 1.0 : 0.0)
              .toList();
      experiment.metric(
          arm.accuracy(set.name(), layers),
          right.stream().mapToDouble(Double::doubleValue).average().orElseThrow());
      experiment.items(arm.accuracy(set.name(), layers), right);
    }
    experiment.step("%s on %s, %d layers, tested".formatted(arm.label, set.name(), layers));
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final Plan plan = plans.apply(runs.getFirst().scale());
    final List<Figure> figures = new ArrayList<>();
    for (final DataSet set : plan.sets()) {
      figures.add(
          bars(
              runs,
              "Accuracy on " + set.title(),
              Axis.category(
                  "layers", plan.layers().stream().map(layers -> layers + " layers").toList()),
              arm ->
                  plan.layers().stream().map(layers -> arm.accuracy(set.name(), layers)).toList()));
    }
    figures.add(
        new Figure(
            "Score matrices told apart",
            "Different results among 625 matrices of four columns out of five, rounded to three"
                + " decimals; dashed: methods without layers.",
            Axis.log2("layers of the circuit"),
            Axis.linear("different results"),
            Stream.concat(
                    Stream.of(
                        SeedCurves.over(
                            CIRCUIT,
                            Mark.LINE,
                            Summary.MEAN,
                            DEPTHS.stream().map(Integer::doubleValue).toList(),
                            i -> values(runs, distinct(circuit(DEPTHS.get(i)))))),
                    Stream.of(SINKHORN_21, PROJECTION, QR)
                        .map(
                            method ->
                                new Figure.Curve(
                                    method,
                                    Mark.REFERENCE,
                                    DEPTHS.stream().map(Integer::doubleValue).toList(),
                                    Collections.nCopies(
                                        DEPTHS.size(),
                                        Summary.MEAN.of(values(runs, distinct(method)))),
                                    List.of(),
                                    List.of())))
                .toList()));
    figures.add(
        new Figure(
            "How far weights are from doubly stochastic",
            "Random 8 x 8 scores of deviation 3. Mean over seeds with their range.",
            Axis.category("method", MEASURED),
            Axis.log10("norm"),
            List.of(
                SeedCurves.byCategory(
                    "defect of the columns",
                    Mark.BAR,
                    runs,
                    1,
                    MEASURED.stream().map(DoublyStochasticAttentionReproduction::defect).toList()),
                SeedCurves.byCategory(
                    "distance from the nearest doubly stochastic matrix",
                    Mark.BAR,
                    runs,
                    1,
                    MEASURED.stream()
                        .map(DoublyStochasticAttentionReproduction::distance)
                        .toList()))));
    figures.add(
        new Figure(
            "Training on Fashion-MNIST, two layers",
            "Mean over seeds with their range, same initial weights and batches.",
            Axis.linear("step"),
            Axis.linear("training loss (nats)"),
            Arrays.stream(Arm.values())
                .map(
                    arm ->
                        SeedCurves.ofSeries(
                            arm.label, Mark.LINE, runs, arm.curve(CLAIM_SET, CLAIM_LAYERS)))
                .toList()));
    plan.published().ifPresent(others -> figures.addAll(otherFigures(runs, others)));
    return figures;
  }

  private static List<Figure> otherFigures(List<Run> runs, Published others) {
    final List<Figure> figures = new ArrayList<>();
    final List<PictureSet> sets =
        others.sets().stream()
            .filter(set -> all(runs, MedMnistTrial.accuracy(Arm.SOFTMAX.label, set)))
            .toList();
    if (!sets.isEmpty()) {
      figures.add(
          bars(
              runs,
              "Accuracy on MedMNIST",
              Axis.category(
                  "set",
                  Stream.concat(sets.stream().map(PictureSet::title), Stream.of("mean")).toList()),
              arm ->
                  Stream.concat(
                          sets.stream().map(set -> MedMnistTrial.accuracy(arm.label, set)),
                          Stream.of(MedMnistTrial.mean(arm.label)))
                      .toList()));
    }
    final List<Double> rates = others.composed().rates();
    if (all(runs, ComposedTrial.accuracy(Arm.SOFTMAX.label, rates.getFirst()))) {
      figures.add(
          bars(
              runs,
              "Accuracy on composed pictures",
              Axis.category("highest rate", rates.stream().map(Quantity::number).toList()),
              arm -> rates.stream().map(rate -> ComposedTrial.accuracy(arm.label, rate)).toList()));
    }
    return figures;
  }

  private static boolean all(List<Run> runs, String metric) {
    return runs.stream().allMatch(run -> run.metrics().containsKey(metric));
  }

  private static Figure bars(
      List<Run> runs, String title, Axis categories, Function<Arm, List<String>> metrics) {
    return new Figure(
        title,
        "Vision transformers that differ in their normaliser only. Mean over seeds with their range.",
        categories,
        Axis.linear("test accuracy (%)"),
        Arrays.stream(Arm.values())
            .map(arm -> SeedCurves.byCategory(arm.label, Mark.BAR, runs, 100, metrics.apply(arm)))
            .toList());
  }
}
