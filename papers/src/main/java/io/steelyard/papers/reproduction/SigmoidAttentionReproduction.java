package io.steelyard.papers.reproduction;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.SigmoidAttention;
import io.steelyard.kernels.attention.SoftmaxAttention;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.AttentionBlock;
import io.steelyard.layers.attention.Projection;
import io.steelyard.layers.attention.SigmoidAttentionBlock;
import io.steelyard.layers.attention.SoftmaxAttentionBlock;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.transformer.TransformerLayer;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
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
import io.steelyard.papers.task.GridRecall;
import io.steelyard.papers.task.InContextMarkov;
import io.steelyard.papers.task.TokenModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * Paper 25, arXiv 2409.04431: can every pair of query and key have a sigmoid gate of its own in
 * place of a row's softmax?
 *
 * <p>The bias {@code -ln n} is to keep outputs at softmax's size, training is to go as well, and
 * the kernel is to be faster since it needs no row statistics. What becomes of it at other lengths
 * is shown beside softmax, without a verdict.
 */
public final class SigmoidAttentionReproduction implements Reproduction {

  private static final String NORM_BIASED = "output norm over softmax, b = -ln n";
  private static final String NORM_PLAIN = "output norm over softmax, b = 0";
  private static final String SAVED = "time saved against fused softmax, median over lengths";
  private static final List<Integer> NORM_LENGTHS = List.of(64, 256, 1024);
  private static final List<Double> VARIANCES = List.of(0.1, 1.0);

  /** What is trained. */
  private enum Arm {
    SOFTMAX("softmax"),
    PLAIN("sigmoid, b = 0"),
    BIASED("sigmoid, b = -ln n");

    private final String label;

    Arm(String label) {
      this.label = label;
    }

    Attention attention() {
      return switch (this) {
        case SOFTMAX -> Attention.softmax();
        case PLAIN -> _ -> new SigmoidAttentionBlock(0);
        case BIASED -> Attention.sigmoid();
      };
    }

    String accuracy() {
      return label + " accuracy on grids";
    }

    String loss(int length) {
      return label + " cross-entropy at length " + length;
    }
  }

  /** The arms that go to other lengths than they were trained at. */
  private static final List<Arm> AT_LENGTHS = List.of(Arm.SOFTMAX, Arm.BIASED);

  /** How much is run at a scale. */
  private record Plan(
      int gridSteps,
      int markovSteps,
      List<Integer> lengths,
      List<Integer> timed,
      int repeats,
      double warmSeconds) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(4, 4, List.of(64, 128), List.of(256, 512), 3, 0.1);
        case QUICK ->
            new Plan(400, 500, List.of(64, 128, 256, 512, 1024), List.of(1024, 2048, 4096), 9, 0.7);
        case FULL ->
            new Plan(
                65_536,
                65_536,
                List.of(64, 128, 256, 512, 1024, 2048, 4096),
                List.of(1024, 2048, 4096, 8192, 16_384),
                25,
                3);
      };
    }
  }

  @Override
  public String paper() {
    return "sigmoid-attention";
  }

  @Override
  public boolean timed() {
    return true;
  }

  @Override
  public String design() {
    return "One small transformer learns to look up the twin of every cell of a grid, with softmax"
        + " attention, with sigmoid attention and with sigmoid attention whose bias is -ln 64;"
        + " initial weights and data are the same. Output norms are compared in the untrained softmax"
        + " model, fused kernels are timed on one thread, and a causal model trained at 64 symbols is"
        + " tested at up to 16 times that.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity biased = Quantity.metric("", NORM_BIASED);
    final Quantity plain = Quantity.metric("", NORM_PLAIN);
    final Quantity gap =
        Quantity.difference("pp", 1, Arm.BIASED.accuracy(), Arm.SOFTMAX.accuracy());
    final Quantity saved = Quantity.metric("%", SAVED);
    return List.of(
        Claim.named("bias-keeps-outputs-at-softmax-size")
            .states(
                "With bias -ln n the untrained outputs have the norm of softmax's, without it many"
                    + " times that")
            .measures(
                "norm of the first layer's outputs over softmax's, untrained model, b = -ln 64")
            .decidedBy(
                biased,
                Criteria.all(
                        Criteria.everySeedAtLeast(biased, 0.8),
                        Criteria.everySeedAtMost(biased, 1.25),
                        Criteria.everySeedAbove(plain, 16))
                    .holdingIn(new Region(0.8, 1.25))),
        Claim.named("trains-as-well-as-softmax")
            .states("Sigmoid attention with bias -ln n trains as well as softmax attention")
            .published("matches softmax on language, vision and speech")
            .measures("accuracy on grid recall after 400 steps, minus softmax's")
            .decidedBy(gap, Criteria.meanWithin(gap, -2, 2)),
        Claim.named("faster-kernel")
            .states("A fused sigmoid attention is faster than a fused softmax attention")
            .published("17.4 % faster forward on an H100 GPU")
            .measures("time saved on one thread, heads of 64, median over lengths of 1024 to 4096")
            .shows(Summary.MEDIAN)
            .decidedBy(saved, fasterRule(saved)));
  }

  private static Criterion fasterRule(Quantity saved) {
    final Criterion rule =
        runs -> {
          final double median = Summary.MEDIAN.of(saved.values(runs));
          final String numbers = "median over seeds: " + saved.text(median);
          return median >= 5 ? new Verdict.Holds(numbers) : new Verdict.DoesNotHold(numbers);
        };
    return rule.saying("holds if the median over seeds is at least 5 %; else falsified")
        .holdingIn(Region.from(5))
        .unless(
            runs -> runs.stream().anyMatch(run -> run.machine().vectorBits() == 0),
            "not testable without the vector module",
            _ -> "the kernels ran their scalar form");
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("grid recall and in-context Markov sequences", "made by the run from its seed");
    experiment.setting("grid steps", Integer.toString(plan.gridSteps()));
    experiment.setting("sequence steps", Integer.toString(plan.markovSteps()));
    experiment.setting("optimizer", "AdamW, peak rate 3e-3, cosine after 50 steps, decay 0.01");
    experiment.setting(
        "timing", "one thread, float32, 1 head of 64, " + Simd.vectorBits() + " bits");
    experiment.steps(
        2
            + plan.timed().size()
            + Arm.values().length * GridRecall.reports(plan.gridSteps())
            + AT_LENGTHS.size() * InContextMarkov.reports(plan.markovSteps()));
    time(experiment, plan);
    untrainedNorms(experiment);
    experiment.step("norms of the untrained model");
    normsOfRandomTokens(experiment);
    experiment.step("norms of random tokens");
    for (final Arm arm : Arm.values()) {
      try (Training training =
          GridRecall.train(arm.attention(), arm.label, plan.gridSteps(), experiment)) {
        experiment.metric(arm.accuracy(), GridRecall.accuracy(training, experiment));
      }
    }
    for (final Arm arm : AT_LENGTHS) {
      try (Training training =
          InContextMarkov.train(
              arm.attention(), arm.label + ", sequences", plan.markovSteps(), experiment)) {
        for (final int length : plan.lengths()) {
          experiment.metric(
              arm.loss(length), InContextMarkov.crossEntropy(training, length, experiment));
        }
      }
    }
  }

  /** The page's part (a): the norm of what the first layer's heads give, over that with softmax. */
  private static void untrainedNorms(Experiment experiment) {
    try (NDManager manager = Libtorch.newManager()) {
      final TokenModel model =
          GridRecall.model(Attention.softmax(), experiment.random("initial weights"));
      final NDArray grids = GridRecall.draw(experiment.random("grids"), 16, manager).inputs();
      model.initialize(manager, DataType.FLOAT32, grids.getShape());
      final ParameterStore store = new ParameterStore(manager, false);
      final TransformerLayer first = model.encoder().layers().getFirst();
      final Map<String, Projection> projected =
          first.attention().projections(store, first.normed(store, model.embedded(store, grids)));
      final NDList qkv = new NDList();
      projected.values().forEach(projection -> qkv.add(projection.heads()));
      final double softmax = norm(new SoftmaxAttentionBlock(), store, qkv);
      experiment.metric(
          NORM_BIASED,
          norm(SigmoidAttentionBlock.forLength(GridRecall.TOKENS), store, qkv) / softmax);
      experiment.metric(NORM_PLAIN, norm(new SigmoidAttentionBlock(0), store, qkv) / softmax);
    }
  }

  /** Frobenius norm of the outputs of all heads. */
  private static double norm(AttentionBlock block, ParameterStore store, NDList qkv) {
    final NDArray o = block.forward(store, qkv, false).singletonOrThrow();
    return Math.sqrt(o.toType(DataType.FLOAT64, false).square().sum().getDouble());
  }

  /** How far the bias carries where scores are not small. */
  private static void normsOfRandomTokens(Experiment experiment) {
    final RandomGenerator random = experiment.random("tokens");
    try (NDManager manager = Libtorch.newManager()) {
      final ParameterStore store = new ParameterStore(manager, false);
      for (final double variance : VARIANCES) {
        for (final int n : NORM_LENGTHS) {
          final NDArray q = normal(manager, random, n, Math.sqrt(variance));
          final NDArray k = normal(manager, random, n, Math.sqrt(variance));
          final NDList qkv = new NDList(q, k, normal(manager, random, n, 1));
          experiment.metric(
              randomNorm(variance, n),
              norm(SigmoidAttentionBlock.forLength(n), store, qkv)
                  / norm(new SoftmaxAttentionBlock(), store, qkv));
        }
      }
    }
  }

  private static String randomNorm(double variance, int n) {
    return "output norm over softmax, random tokens of variance " + variance + " at n = " + n;
  }

  private static NDArray normal(
      NDManager manager, RandomGenerator random, int n, double deviation) {
    final float[] values = new float[n * 32];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return manager.create(values, new Shape(1, 1, n, 32));
  }

  /** The page's part (c). */
  private static void time(Experiment experiment, Plan plan) {
    final RandomGenerator random = experiment.random("timed tokens");
    final AttentionOptions options = AttentionOptions.defaults().withThreads(1);
    final List<Double> savings = new ArrayList<>();
    for (final int n : plan.timed()) {
      final Tensor q = tokens(random, n);
      final Tensor k = tokens(random, n);
      final Tensor v = tokens(random, n);
      final Tensor o = Tensor.zerosLike(v);
      final double b = -Math.log(n);
      final Runnable softmax = () -> SoftmaxAttention.apply(q, k, v, o, options);
      final Runnable sigmoid = () -> SigmoidAttention.apply(q, k, v, o, b, options);
      warm(plan, softmax);
      warm(plan, sigmoid);
      final double[] softmaxTimes = new double[plan.repeats()];
      final double[] sigmoidTimes = new double[plan.repeats()];
      for (int i = 0; i < plan.repeats(); i++) {
        softmaxTimes[i] = millis(softmax);
        sigmoidTimes[i] = millis(sigmoid);
      }
      final double softmaxMedian = Summary.MEDIAN.of(softmaxTimes);
      final double sigmoidMedian = Summary.MEDIAN.of(sigmoidTimes);
      experiment.metric(softmaxMillis(n), softmaxMedian);
      experiment.metric(sigmoidMillis(n), sigmoidMedian);
      savings.add(100 * (1 - sigmoidMedian / softmaxMedian));
      experiment.step("kernels timed at " + n);
    }
    experiment.metric(
        SAVED, Summary.MEDIAN.of(savings.stream().mapToDouble(Double::doubleValue).toArray()));
  }

  private static String softmaxMillis(int n) {
    return "fused softmax ms at " + n;
  }

  private static String sigmoidMillis(int n) {
    return "fused sigmoid ms at " + n;
  }

  private static Tensor tokens(RandomGenerator random, int n) {
    final float[] values = new float[n * 64];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, 1, 1, n, 64);
  }

  private static void warm(Plan plan, Runnable kernel) {
    final long end = System.nanoTime() + (long) (1e9 * plan.warmSeconds());
    while (System.nanoTime() < end) {
      kernel.run();
    }
  }

  private static double millis(Runnable kernel) {
    final long start = System.nanoTime();
    kernel.run();
    return (System.nanoTime() - start) / 1e6;
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final Plan plan = Plan.of(runs.getFirst().scale());
    return List.of(
        new Figure(
            "Cross-entropy at other lengths than the trained one",
            "Trained on sequences of 64 symbols. Mean over seeds with their range: rows that do not"
                + " sum to 1 feel the length.",
            Axis.log2("length (symbols)"),
            Axis.linear("cross-entropy (nats)"),
            AT_LENGTHS.stream()
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
                .toList()),
        new Figure(
            "Training on grid recall",
            "Mean over seeds with their range, same initial weights and grids.",
            Axis.linear("step"),
            Axis.log10("training loss"),
            Arrays.stream(Arm.values())
                .map(
                    arm ->
                        SeedCurves.ofSeries(
                            arm.label, Mark.LINE, runs, arm.label + " training loss"))
                .toList()),
        new Figure(
            "What the bias does to output norms",
            "Norm of outputs with b = -ln n over that with softmax, for random tokens: exact only"
                + " while scores are small.",
            Axis.log2("n"),
            Axis.linear("norm over softmax"),
            VARIANCES.stream()
                .map(
                    variance ->
                        SeedCurves.over(
                            "queries and keys of variance " + variance,
                            Mark.LINE,
                            Summary.MEAN,
                            NORM_LENGTHS.stream().map(Integer::doubleValue).toList(),
                            i ->
                                runs.stream()
                                    .mapToDouble(
                                        run ->
                                            run.metric(randomNorm(variance, NORM_LENGTHS.get(i))))
                                    .toArray()))
                .toList()),
        new Figure(
            "Time of the fused kernels",
            "One head of 64 on one thread. Median over seeds with their range.",
            Axis.log2("n"),
            Axis.log10("time (ms)"),
            List.of(
                SeedCurves.over(
                    "softmax",
                    Mark.LINE,
                    Summary.MEDIAN,
                    plan.timed().stream().map(Integer::doubleValue).toList(),
                    i ->
                        runs.stream()
                            .mapToDouble(run -> run.metric(softmaxMillis(plan.timed().get(i))))
                            .toArray()),
                SeedCurves.over(
                    "sigmoid",
                    Mark.LINE,
                    Summary.MEDIAN,
                    plan.timed().stream().map(Integer::doubleValue).toList(),
                    i ->
                        runs.stream()
                            .mapToDouble(run -> run.metric(sigmoidMillis(plan.timed().get(i))))
                            .toArray()))));
  }
}
