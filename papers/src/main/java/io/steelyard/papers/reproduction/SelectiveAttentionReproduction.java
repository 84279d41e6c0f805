package io.steelyard.papers.reproduction;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.analysis.spectrum.Spectra;
import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.PositionTemperature;
import io.steelyard.kernels.attention.SelectiveAttention;
import io.steelyard.kernels.attention.Temperatures;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.SelectiveOptions;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criterion;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Region;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.task.GraphMaps;
import io.steelyard.papers.task.InContextMarkov;
import io.steelyard.papers.task.NodeGraphs;
import io.steelyard.papers.task.NoisyTokens;
import io.steelyard.papers.task.TokenDenoiser;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Paper 12, arXiv 2411.12892: does it pay to let every token choose how sharply it attends, and how
 * much it is worth as a value?
 *
 * <p>Two toys, one for each temperature: transitions of a graph whose nodes have one to four
 * neighbours, and a sum of tokens half of which are noise. Each has a control with as many extra
 * parameters in another place. What the temperature of positions does to longer sequences is shown
 * beside softmax, without a verdict.
 */
public final class SelectiveAttentionReproduction implements Reproduction {

  private static final List<Integer> DIMENSIONS = List.of(4, 6);
  private static final double MAP_RATE = 1e-2;

  private static final int BATCH = 128;
  private static final double DENOISING_RATE = 5e-3;

  private static final String PLAIN_MEAN = "squared error of the plain mean";
  private static final String SHRUNK_MEAN = "squared error of the best multiple of the mean";
  private static final String KNOWN_NOISE = "squared error with the noise known";
  private static final String FACTORS = "factor of a value against its length";

  private static final double MARGIN = 3;
  private static final List<Double> SLOPES = List.of(0.0, 0.2, 0.5);

  /** What maps a node to its next ones. */
  private enum GraphArm {
    VANILLA("no temperature", GraphMaps.Extra.NOTHING),
    KEY_BIASES("a bias for each key", GraphMaps.Extra.KEY_BIASES),
    SELECTIVE("a temperature for each query", GraphMaps.Extra.QUERY_TEMPERATURES);

    private final String label;
    private final GraphMaps.Extra extra;

    GraphArm(String label, GraphMaps.Extra extra) {
      this.label = label;
      this.extra = extra;
    }

    String curve(int dimension) {
      return label + ", d = " + dimension;
    }

    String excess(int dimension) {
      return "excess cross-entropy with " + curve(dimension);
    }

    String distance(int dimension) {
      return "L1 distance with " + curve(dimension);
    }

    String norm(int dimension) {
      return "norm of W with " + curve(dimension);
    }
  }

  /** What reads a vector out of noisy tokens. */
  private enum DenoisingArm {
    VANILLA("softmax attention", TokenDenoiser.Extra.NOTHING),
    RESIDUAL("softmax attention and an MLP on its output", TokenDenoiser.Extra.RESIDUAL),
    SELECTIVE("a temperature for each value", TokenDenoiser.Extra.VALUE_TEMPERATURES);

    private final String label;
    private final TokenDenoiser.Extra extra;

    DenoisingArm(String label, TokenDenoiser.Extra extra) {
      this.label = label;
      this.extra = extra;
    }

    String error() {
      return "squared error of " + label;
    }
  }

  /** What goes to longer sequences. */
  private enum LengthArm {
    SOFTMAX("softmax"),
    POSITION("temperature of positions"),
    SELECTIVE("temperatures of tokens and positions");

    private final String label;

    LengthArm(String label) {
      this.label = label;
    }

    Attention attention() {
      return switch (this) {
        case SOFTMAX -> Attention.softmax();
        case POSITION ->
            Attention.selective(SelectiveOptions.defaults().byPositionOnly().withFirstAlpha(0));
        case SELECTIVE -> Attention.selective(SelectiveOptions.defaults());
      };
    }

    String loss(int length) {
      return label + " cross-entropy at length " + length;
    }
  }

  /** How much is run at a scale. */
  private record Plan(
      int graphs,
      int graphSteps,
      int denoisingSteps,
      int test,
      int markovSteps,
      List<Integer> lengths,
      List<Integer> diluted) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(2, 20, 10, 256, 2, List.of(64, 128), List.of(16, 64));
        case QUICK ->
            new Plan(5, 2000, 1500, 8192, 500, List.of(64, 128, 256, 512, 1024), powers(4, 14));
        case FULL ->
            new Plan(
                100,
                2000,
                15_000,
                65_536,
                5000,
                List.of(64, 128, 256, 512, 1024, 2048, 4096),
                powers(4, 18));
      };
    }

    private static List<Integer> powers(int low, int high) {
      return IntStream.rangeClosed(low, high).mapToObj(power -> 1 << power).toList();
    }
  }

  @Override
  public String paper() {
    return "selective-attention";
  }

  @Override
  public String design() {
    return "Graphs whose nodes have one to four neighbours are learned as softmax of a bilinear form,"
        + " with a temperature for each query, with a bias for each key, and with neither. A vector is"
        + " read out of 16 tokens, half of them almost only noise, by one attention with a factor for"
        + " each value, with an MLP on its output, and with neither. A causal model trained at 64"
        + " symbols is tested at up to 16 times that.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity excess =
        new Quantity(
            "",
            run ->
                DIMENSIONS.stream()
                    .mapToDouble(
                        d ->
                            run.metric(GraphArm.SELECTIVE.excess(d))
                                / run.metric(GraphArm.VANILLA.excess(d)))
                    .max()
                    .orElseThrow());
    final Quantity denoised =
        new Quantity(
            "",
            run ->
                run.metric(DenoisingArm.SELECTIVE.error())
                    / run.metric(DenoisingArm.VANILLA.error()));
    return List.of(
        Claim.named("own-temperatures-fit-own-sparsity")
            .states(
                "Where tokens need rows of different sparsity, a temperature for each query fits them"
                    + " better, with smaller weights")
            .measures(
                "excess cross-entropy over that without temperatures, the worse of d = 4 and 6")
            .decidedBy(excess, sparsityRule()),
        Claim.named("value-temperature-denoises")
            .states("A factor for each value shuts out noise that a linear value map lets through")
            .measures("squared error over that of softmax attention")
            .decidedBy(denoised, denoisingRule()));
  }

  private static Criterion sparsityRule() {
    final Criterion rule =
        runs -> {
          boolean holds = true;
          final List<String> parts = new ArrayList<>();
          for (final int d : DIMENSIONS) {
            final double excess = mean(runs, GraphArm.SELECTIVE.excess(d));
            final double plainExcess = mean(runs, GraphArm.VANILLA.excess(d));
            final double distance = mean(runs, GraphArm.SELECTIVE.distance(d));
            final double plainDistance = mean(runs, GraphArm.VANILLA.distance(d));
            final double norm = mean(runs, GraphArm.SELECTIVE.norm(d));
            final double plainNorm = mean(runs, GraphArm.VANILLA.norm(d));
            holds &=
                excess <= 0.7 * plainExcess && distance <= 0.8 * plainDistance && norm < plainNorm;
            parts.add(
                "d = %d: excess cross-entropy %s against %s, L1 distance %s against %s, norm %s against %s; biases of keys reach %s, %s and %s"
                    .formatted(
                        d,
                        Quantity.number(excess),
                        Quantity.number(plainExcess),
                        Quantity.number(distance),
                        Quantity.number(plainDistance),
                        Quantity.number(norm),
                        Quantity.number(plainNorm),
                        Quantity.number(mean(runs, GraphArm.KEY_BIASES.excess(d))),
                        Quantity.number(mean(runs, GraphArm.KEY_BIASES.distance(d))),
                        Quantity.number(mean(runs, GraphArm.KEY_BIASES.norm(d)))));
          }
          final String numbers = String.join("; ", parts);
          return holds ? new Verdict.Holds(numbers) : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying(
            "holds if for d = 4 and for d = 6, in the mean over seeds, the excess cross-entropy is at"
                + " most 0.7 and the L1 distance at most 0.8 of those without temperatures, and the"
                + " spectral norm of W is smaller; else falsified. The biases of keys are shown only")
        .holdingIn(Region.upTo(0.7));
  }

  private static Criterion denoisingRule() {
    final Criterion rule =
        runs -> {
          final double own = mean(runs, DenoisingArm.SELECTIVE.error());
          final double vanilla = mean(runs, DenoisingArm.VANILLA.error());
          final double control = mean(runs, DenoisingArm.RESIDUAL.error());
          final String numbers =
              "squared error %s against %s of softmax attention and %s with an MLP; best multiple of the mean %s, noise known %s"
                  .formatted(
                      Quantity.number(own),
                      Quantity.number(vanilla),
                      Quantity.number(control),
                      Quantity.number(mean(runs, SHRUNK_MEAN)),
                      Quantity.number(mean(runs, KNOWN_NOISE)));
          return own <= 0.6 * vanilla && own < control
              ? new Verdict.Holds(numbers)
              : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying(
            "holds if the mean squared error over seeds is at most 0.6 of softmax attention's and"
                + " below that with an MLP; else falsified")
        .holdingIn(Region.upTo(0.6));
  }

  private static double mean(List<Run> runs, String metric) {
    return Summary.MEAN.of(runs.stream().mapToDouble(run -> run.metric(metric)).toArray());
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data(
        "random graphs, noisy tokens and in-context Markov sequences",
        "made by the run from its seed");
    if (experiment.scale() == Scale.FULL) {
      experiment.warning(
          "pre-trained language models and their texts are not part of this program: the full scale"
              + " here is the same small tasks as quick, larger and longer");
    }
    experiment.setting("graphs", plan.graphs() + " of 12 nodes with 1 to 4 neighbours");
    experiment.setting(
        "graph training", "Adam, rate 1e-2, " + plan.graphSteps() + " steps from W = 0");
    experiment.setting(
        "denoising", "Adam, rate 5e-3, " + plan.denoisingSteps() + " steps of " + BATCH);
    experiment.setting("sequence steps", Integer.toString(plan.markovSteps()));
    experiment.steps(
        1
            + (long) DIMENSIONS.size()
                * GraphArm.values().length
                * Fitting.reports(plan.graphSteps())
            + DenoisingArm.values().length * Fitting.reports(plan.denoisingSteps())
            + LengthArm.values().length * InContextMarkov.reports(plan.markovSteps()));
    dilute(experiment, plan);
    experiment.step("dilution");
    for (final int dimension : DIMENSIONS) {
      graphs(experiment, plan, dimension);
    }
    denoise(experiment, plan);
    for (final LengthArm arm : LengthArm.values()) {
      try (Training training =
          InContextMarkov.train(arm.attention(), arm.label, plan.markovSteps(), experiment)) {
        for (final int length : plan.lengths()) {
          experiment.metric(
              arm.loss(length), InContextMarkov.crossEntropy(training, length, experiment));
        }
      }
    }
  }

  /** The page's part (c): the weight of one key that stands out among n - 1 others. */
  private static void dilute(Experiment experiment, Plan plan) {
    for (final double slope : SLOPES) {
      final List<Double> xs = new ArrayList<>();
      final List<Double> ys = new ArrayList<>();
      for (final int n : plan.diluted()) {
        final Tensor k = Tensor.zeros(DType.F32, 1, 1, n, 1);
        final Tensor v = Tensor.zeros(DType.F32, 1, 1, n, 1);
        k.setDouble(0, MARGIN);
        v.setDouble(0, 1);
        final Tensor tau = Tensor.zeros(DType.F32, 1, 1, 1);
        new PositionTemperature(PositionTemperature.Form.LINEAR, slope).fill(n, tau);
        final Tensor o = Tensor.zeros(DType.F32, 1, 1, 1, 1);
        SelectiveAttention.apply(
            Tensor.of(new float[] {1}, 1, 1, 1, 1),
            k,
            v,
            new Temperatures(Optional.of(tau), Optional.empty()),
            o,
            AttentionOptions.defaults());
        xs.add((double) n);
        ys.add(o.getDouble(0));
      }
      experiment.series(new Series(dilution(slope), "keys", "weight of the key", xs, ys));
    }
  }

  private static String dilution(double slope) {
    return "slope " + Quantity.number(slope);
  }

  /** Its weight in closed form. */
  private static double diluted(double slope, double n) {
    return 1 / (1 + (n - 1) * Math.exp(-MARGIN) * Math.pow(n, -slope * MARGIN));
  }

  /** The page's part (a) for one width of the embeddings; all graphs are fitted at once. */
  private static void graphs(Experiment experiment, Plan plan, int dimension) {
    final RandomGenerator random = experiment.random("graphs, d = " + dimension);
    final NodeGraphs graphs = NodeGraphs.draw(random, plan.graphs(), dimension);
    final double[][][] embeddings = graphs.embeddings().toArray(double[][][]::new);
    final double[][][] targets = graphs.transitions().toArray(double[][][]::new);
    for (final GraphArm arm : GraphArm.values()) {
      try (NDManager manager = Libtorch.newManager()) {
        final NDArray e = manager.create(flat(embeddings), shape(embeddings));
        final NDArray p = manager.create(flat(targets), shape(targets));
        final GraphMaps maps = new GraphMaps(arm.extra, plan.graphs(), dimension);
        final TrainingOptions options =
            TrainingOptions.seeded(experiment.seed())
                .withLearningRate(MAP_RATE)
                .as(DataType.FLOAT64);
        try (Training training = new Training(maps, options, e.getShape())) {
          Fitting.fit(
              training,
              plan.graphSteps(),
              _ ->
                  pass ->
                      Scalars.mul(
                          pass.forward(maps, e).head().logSoftmax(2).mul(pass.alias(p)).sum(),
                          -1.0 / NodeGraphs.NODES),
              arm.curve(dimension),
              experiment);
          final NDArray rows = training.predict(e, plan.graphs()).softmax(2);
          measure(experiment, arm, dimension, targets, cube(rows), cube(maps.form()));
          if (arm == GraphArm.SELECTIVE) {
            experiment.series(
                new Series(
                    temperatures(dimension),
                    "neighbours",
                    "mean temperature",
                    IntStream.rangeClosed(1, NodeGraphs.DEGREES).mapToObj(n -> (double) n).toList(),
                    byDegree(maps.temperatures())));
          }
        }
      }
    }
  }

  private static String temperatures(int dimension) {
    return "temperature by neighbours, d = " + dimension;
  }

  private static void measure(
      Experiment experiment,
      GraphArm arm,
      int dimension,
      double[][][] targets,
      double[][][] rows,
      double[][][] forms) {
    double excess = 0;
    double distance = 0;
    double norm = 0;
    for (int g = 0; g < targets.length; g++) {
      for (int i = 0; i < NodeGraphs.NODES; i++) {
        for (int j = 0; j < NodeGraphs.NODES; j++) {
          final double p = targets[g][i][j];
          excess += p > 0 ? p * Math.log(p / rows[g][i][j]) / NodeGraphs.NODES : 0;
          distance += Math.abs(p - rows[g][i][j]) / NodeGraphs.NODES;
        }
      }
      norm += Spectra.norm(forms[g]);
    }
    experiment.metric(arm.excess(dimension), excess / targets.length);
    experiment.metric(arm.distance(dimension), distance / targets.length);
    experiment.metric(arm.norm(dimension), norm / targets.length);
  }

  private static List<Double> byDegree(double[] temperatures) {
    final double[] sums = new double[NodeGraphs.DEGREES];
    for (int i = 0; i < temperatures.length; i++) {
      sums[NodeGraphs.degree(i % NodeGraphs.NODES) - 1] +=
          temperatures[i] * NodeGraphs.DEGREES / temperatures.length;
    }
    return Arrays.stream(sums).boxed().toList();
  }

  private static double[] flat(double[][][] cube) {
    return Arrays.stream(cube).flatMap(Arrays::stream).flatMapToDouble(Arrays::stream).toArray();
  }

  private static Shape shape(double[][][] cube) {
    return new Shape(cube.length, cube[0].length, cube[0][0].length);
  }

  private static double[][][] cube(NDArray array) {
    final double[] values = array.toDoubleArray();
    final int rows = Math.toIntExact(array.getShape().get(1));
    final int columns = Math.toIntExact(array.getShape().get(2));
    final double[][][] cube = new double[Math.toIntExact(array.getShape().get(0))][rows][columns];
    for (int i = 0; i < values.length; i++) {
      cube[i / (rows * columns)][i / columns % rows][i % columns] = values[i];
    }
    return cube;
  }

  /** The page's part (b). */
  private static void denoise(Experiment experiment, Plan plan) {
    try (NDManager manager = Libtorch.newManager()) {
      final NoisyTokens test =
          NoisyTokens.draw(experiment.random("test tokens"), plan.test(), manager);
      estimate(experiment, test);
      for (final DenoisingArm arm : DenoisingArm.values()) {
        final RandomGenerator random = experiment.random("noisy tokens");
        final TokenDenoiser denoiser = new TokenDenoiser(arm.extra, experiment);
        final TrainingOptions options =
            TrainingOptions.seeded(experiment.seed()).withLearningRate(DENOISING_RATE);
        try (Training training =
            new Training(
                denoiser, options, new Shape(BATCH, NoisyTokens.TOKENS, NoisyTokens.LATENT))) {
          Fitting.fit(
              training,
              plan.denoisingSteps(),
              scope -> {
                final NoisyTokens batch = NoisyTokens.draw(random, BATCH, scope);
                return pass ->
                    pass.forward(denoiser, batch.tokens())
                        .head()
                        .sub(pass.alias(batch.latent()))
                        .square()
                        .mean();
              },
              arm.label,
              experiment);
          experiment.metric(
              arm.error(),
              training
                  .predict(test.tokens(), 4096)
                  .sub(test.latent())
                  .toType(DataType.FLOAT64, false)
                  .square()
                  .mean()
                  .getDouble());
          if (arm == DenoisingArm.SELECTIVE) {
            experiment.series(
                factors(test, denoiser.factors(new ParameterStore(manager, false), test.tokens())));
          }
        }
      }
    }
  }

  /** What simple estimates and the best possible one come to. */
  private static void estimate(Experiment experiment, NoisyTokens test) {
    final NDArray mean = test.tokens().toType(DataType.FLOAT64, false).mean(new int[] {1});
    final NDArray truth = test.latent().toType(DataType.FLOAT64, false);
    final double squares = mean.square().mean().getDouble();
    final double factor = mean.mul(truth).mean().getDouble() / squares;
    experiment.metric(PLAIN_MEAN, mean.sub(truth).square().mean().getDouble());
    experiment.metric(
        SHRUNK_MEAN, Scalars.mul(mean, factor).sub(truth).square().mean().getDouble());
    experiment.metric(KNOWN_NOISE, test.known());
  }

  /** The mean factor of values of about the same length. */
  private static Series factors(NoisyTokens test, NDArray factors) {
    final float[] x = test.tokens().toFloatArray();
    final float[] f = factors.toFloatArray();
    final int bins = 16;
    final double[] sums = new double[bins];
    final int[] counts = new int[bins];
    for (int i = 0; i < f.length; i++) {
      double squares = 0;
      for (int c = 0; c < NoisyTokens.LATENT; c++) {
        squares += x[i * NoisyTokens.LATENT + c] * x[i * NoisyTokens.LATENT + c];
      }
      final int bin = (int) Math.sqrt(squares);
      if (bin < bins) {
        sums[bin] += f[i];
        counts[bin]++;
      }
    }
    final int[] kept = IntStream.range(0, bins).filter(bin -> counts[bin] > 0).toArray();
    return new Series(
        FACTORS,
        "length of a token",
        "mean factor of its value",
        Arrays.stream(kept).mapToObj(bin -> bin + 0.5).toList(),
        Arrays.stream(kept).mapToObj(bin -> sums[bin] / counts[bin]).toList());
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final Plan plan = Plan.of(runs.getFirst().scale());
    return List.of(
        new Figure(
            "Temperatures that queries choose",
            "A node with fewer neighbours needs a spikier row and takes a larger (inverse)"
                + " temperature. Mean over seeds with their range.",
            Axis.linear("neighbours of a node"),
            Axis.linear("mean temperature"),
            DIMENSIONS.stream()
                .map(d -> SeedCurves.ofSeries("d = " + d, Mark.LINE, runs, temperatures(d)))
                .toList()),
        new Figure(
            "How well rows of different sparsity are fitted",
            "Excess cross-entropy over the entropy of the transitions. Mean over seeds with their"
                + " range.",
            Axis.category(
                "width of the embeddings", DIMENSIONS.stream().map(d -> "d = " + d).toList()),
            Axis.linear("excess cross-entropy (nats)"),
            Arrays.stream(GraphArm.values())
                .map(
                    arm ->
                        SeedCurves.byCategory(
                            arm.label,
                            Mark.BAR,
                            runs,
                            1,
                            DIMENSIONS.stream().map(arm::excess).toList()))
                .toList()),
        new Figure(
            "Reading a vector out of noisy tokens",
            "Squared error per coordinate. Mean over seeds with their range.",
            Axis.category(
                "estimate",
                Stream.concat(
                        Stream.of("plain mean", "best multiple of the mean"),
                        Stream.concat(
                            Arrays.stream(DenoisingArm.values()).map(arm -> arm.label),
                            Stream.of("noise known")))
                    .toList()),
            Axis.linear("squared error"),
            List.of(
                SeedCurves.byCategory(
                    "squared error",
                    Mark.BAR,
                    runs,
                    1,
                    Stream.concat(
                            Stream.of(PLAIN_MEAN, SHRUNK_MEAN),
                            Stream.concat(
                                Arrays.stream(DenoisingArm.values()).map(DenoisingArm::error),
                                Stream.of(KNOWN_NOISE)))
                        .toList()))),
        new Figure(
            "What values are worth",
            "The trained factor of values against the length of their tokens: long ones are mostly"
                + " noise.",
            Axis.linear("length of a token"),
            Axis.linear("mean factor"),
            runs.stream()
                .map(
                    run -> {
                      final Series series = run.curve(FACTORS);
                      return new Curve(
                          "seed " + run.seed(),
                          Mark.LINE,
                          series.xs(),
                          series.ys(),
                          List.of(),
                          List.of());
                    })
                .toList()),
        new Figure(
            "Dilution",
            "Weight of one key whose score stands out by 3 among n keys, for slopes of the"
                + " temperature of positions; dashed: closed form.",
            Axis.log2("keys"),
            Axis.linear("weight of the key"),
            SLOPES.stream()
                .flatMap(
                    slope ->
                        Stream.of(
                            SeedCurves.ofSeries(dilution(slope), Mark.POINT, runs, dilution(slope)),
                            reference(slope, runs.getFirst().curve(dilution(slope)).xs())))
                .toList()),
        new Figure(
            "Cross-entropy at other lengths than the trained one",
            "Trained on sequences of 64 symbols. Mean over seeds with their range.",
            Axis.log2("length (symbols)"),
            Axis.linear("cross-entropy (nats)"),
            Arrays.stream(LengthArm.values())
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
                .toList()));
  }

  private static Curve reference(double slope, List<Double> xs) {
    return new Curve(
        dilution(slope) + ", closed form",
        Mark.REFERENCE,
        xs,
        xs.stream().map(n -> diluted(slope, n)).toList(),
        List.of(),
        List.of());
  }
}
