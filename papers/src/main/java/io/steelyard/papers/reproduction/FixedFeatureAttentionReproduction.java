package io.steelyard.papers.reproduction;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.training.ParameterStore;
import io.steelyard.analysis.regression.RidgeRegression;
import io.steelyard.kernels.attention.FixedFeatureOptions;
import io.steelyard.kernels.attention.InfiniteHeadKernel;
import io.steelyard.layers.attention.FixedFeatureReadout;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
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
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Paper 28, arXiv 2307.11353: what can one layer of attention learn whose query-key matrices are
 * random and fixed?
 *
 * <p>Only values are trained, by ridge regression, so nothing but samples and features decides.
 * Attention is compared with a random-feature network of as many parameters on the whole sequence,
 * with and without a mean of its matrices, and with the limit of infinitely many heads.
 */
public final class FixedFeatureAttentionReproduction implements Reproduction {

  private static final double DEVIATION = 0.5;
  private static final double MEAN = 2;
  private static final double[] LAMBDAS = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10};
  private static final String NETWORK = "random-feature network";
  private static final String KERNEL = "infinitely many heads";

  /** What is to be learned, of a query x_0, keys x_i and a direction beta. */
  private enum Target {
    F1_2("mean of <beta, x_i>^2", 0, 2),
    F1_4("mean of <beta, x_i>^4", 0, 4),
    F2_11("mean of <x_0, x_i> <beta, x_i>", 1, 1),
    F2_31("mean of <x_0, x_i>^3 <beta, x_i>", 3, 1),
    F2_22("mean of <x_0, x_i>^2 <beta, x_i>^2", 2, 2);

    private final String label;
    private final int ofQuery;
    private final int ofDirection;

    Target(String label, int ofQuery, int ofDirection) {
      this.label = label;
      this.ofQuery = ofQuery;
      this.ofDirection = ofDirection;
    }

    double of(double[][] sequence, double[] beta) {
      double sum = 0;
      for (int i = 1; i < sequence.length; i++) {
        sum +=
            Math.pow(dot(sequence[0], sequence[i]), ofQuery)
                * Math.pow(dot(beta, sequence[i]), ofDirection);
      }
      return sum / (sequence.length - 1);
    }
  }

  /** The targets that depend on the query and that the criteria are about. */
  private static final List<Target> OF_QUERY = List.of(Target.F2_11, Target.F2_31);

  /** How much is run at a scale. */
  private record Plan(
      int dimension,
      int keys,
      int heads,
      List<Integer> sizes,
      int validation,
      int test,
      List<Double> means,
      List<Target> targets,
      List<Integer> widths,
      int widthSize) {

    static Plan of(Scale scale) {
      final List<Target> three = List.of(Target.F1_2, Target.F2_11, Target.F2_31);
      return switch (scale) {
        case SMOKE ->
            new Plan(
                8,
                8,
                10,
                List.of(32, 64, 128),
                40,
                50,
                List.of(0.0, MEAN),
                three,
                List.of(3, 10, 30),
                64);
        case QUICK ->
            new Plan(
                8,
                8,
                100,
                List.of(128, 512, 2048),
                500,
                2000,
                List.of(0.0, MEAN),
                three,
                List.of(25, 100, 400),
                512);
        case FULL ->
            new Plan(
                16,
                16,
                1000,
                IntStream.rangeClosed(7, 14).mapToObj(power -> 1 << power).toList(),
                500,
                2000,
                List.of(0.0, 1.0, MEAN, 4.0),
                List.of(Target.values()),
                List.of(25, 100, 400, 1600),
                512);
      };
    }

    int most() {
      return Math.max(Collections.max(sizes), widthSize);
    }

    List<String> models() {
      return Stream.concat(means.stream().map(mean -> attention(mean)), Stream.of(NETWORK))
          .toList();
    }
  }

  private static String attention(double mean) {
    return mean == 0 ? "attention, mean 0" : "attention, identity mean " + Quantity.number(mean);
  }

  private static final String UNBIASED = attention(0);
  private static final String BIASED = attention(MEAN);

  private static String error(String model, Target target, int n) {
    return "test error of " + model + " on " + target.label + " at n = " + n;
  }

  private static String widthError(Target target, int heads) {
    return "test error of " + heads + " heads on " + target.label;
  }

  private static String kernelError(Target target) {
    return "test error of " + KERNEL + " on " + target.label;
  }

  @Override
  public String paper() {
    return "random-feature-attention";
  }

  @Override
  public String design() {
    return "Averages over keys of simple functions of query and key are learned from 128 to 2048"
        + " sequences by ridge regression on fixed random features: ReLU attention whose query-key"
        + " matrices have mean 0 or an identity mean, and a ReLU network on the flattened sequence with"
        + " as many parameters. The sequences are the same for all.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity against =
        new Quantity("", run -> worst(run, Target.F1_2, large(run), UNBIASED, NETWORK));
    final Quantity helped =
        new Quantity(
            "",
            run ->
                OF_QUERY.stream()
                    .mapToDouble(target -> worst(run, target, small(run), BIASED, UNBIASED))
                    .max()
                    .orElseThrow());
    final Quantity hurt =
        new Quantity(
            "", run -> worst(run, Target.F1_2, Plan.of(run.scale()).sizes(), UNBIASED, BIASED));
    final Quantity limit =
        new Quantity(
            "",
            run ->
                Stream.of(Target.F1_2, Target.F2_11)
                    .mapToDouble(target -> largestStep(run, target))
                    .max()
                    .orElseThrow());
    return List.of(
        Claim.named("needs-fewer-samples-than-a-network")
            .states(
                "Attention with random heads learns averages over keys from fewer samples than a"
                    + " random-feature network of as many parameters")
            .published("well below the network's test error at every sample size, figures only")
            .measures(
                "test error over the network's on the mean of <beta, x_i>^2, the largest from 512"
                    + " samples on")
            .shows(Summary.MAXIMUM)
            .decidedBy(against, networkRule()),
        Claim.named("identity-mean-helps-with-the-query")
            .states(
                "Matrices with an identity mean learn functions of query and key from fewer samples"
                    + " than those of mean 0")
            .published("best on targets that depend on the query, figures only")
            .measures(
                "test error over that with mean 0, the largest over two functions of query and key up"
                    + " to 512 samples")
            .shows(Summary.MAXIMUM)
            .decidedBy(helped, meanRule(helped)),
        Claim.named("identity-mean-is-not-free")
            .states("Where the query does not matter, matrices of mean 0 are better")
            .published("mean 0 at least as good on such targets, figures only")
            .measures(
                "test error with mean 0 over that with an identity mean on the mean of <beta,"
                    + " x_i>^2, the largest over all sample sizes")
            .shows(Summary.MAXIMUM)
            .decidedBy(hurt, Criteria.everySeedBelow(hurt, 1)),
        Claim.named("more-heads-approach-the-kernel")
            .states(
                "With more heads the error falls towards that of the closed-form kernel of infinitely"
                    + " many")
            .measures(
                "largest ratio of the test errors from one number of heads to the next, the kernel"
                    + " last")
            .shows(Summary.MAXIMUM)
            .decidedBy(limit, Criteria.everySeedAtMost(limit, 1)));
  }

  /** The largest ratio of one model's test error to another's. */
  private static double worst(
      Run run, Target target, List<Integer> sizes, String own, String other) {
    return sizes.stream()
        .mapToDouble(n -> run.metric(error(own, target, n)) / run.metric(error(other, target, n)))
        .max()
        .orElseThrow();
  }

  private static double largestStep(Run run, Target target) {
    final List<Double> errors = new ArrayList<>();
    for (final int heads : Plan.of(run.scale()).widths()) {
      errors.add(run.metric(widthError(target, heads)));
    }
    errors.add(run.metric(kernelError(target)));
    return IntStream.range(1, errors.size())
        .mapToDouble(i -> errors.get(i) / errors.get(i - 1))
        .max()
        .orElseThrow();
  }

  /** All sample sizes but the smallest. */
  private static List<Integer> large(Run run) {
    final List<Integer> sizes = Plan.of(run.scale()).sizes();
    return sizes.stream().filter(n -> n >= 512 || run.scale() == Scale.SMOKE).toList();
  }

  /** Those up to 512. */
  private static List<Integer> small(Run run) {
    return Plan.of(run.scale()).sizes().stream().filter(n -> n <= 512).toList();
  }

  private static Criterion networkRule() {
    final Criterion rule =
        runs -> {
          final double average =
              most(runs, run -> worst(run, Target.F1_2, large(run), UNBIASED, NETWORK));
          final double all =
              most(
                  runs,
                  run ->
                      OF_QUERY.stream()
                          .mapToDouble(
                              target ->
                                  worst(
                                      run, target, Plan.of(run.scale()).sizes(), UNBIASED, NETWORK))
                          .max()
                          .orElseThrow());
          final double anywhere =
              most(
                  runs,
                  run -> worst(run, Target.F1_2, Plan.of(run.scale()).sizes(), UNBIASED, NETWORK));
          final String numbers =
              "largest ratio to the network over seeds: %s from 512 samples on and %s anywhere without the query, %s with it"
                  .formatted(
                      Quantity.number(average), Quantity.number(anywhere), Quantity.number(all));
          if (anywhere >= 1) {
            return new Verdict.DoesNotHold(numbers);
          }
          return average < 0.5 && all < 0.95
              ? new Verdict.Holds(numbers)
              : new Verdict.Inconclusive(numbers);
        };
    return rule.saying(
            "holds if in every seed the test error is below 0.5 of the network's on the mean of <beta,"
                + " x_i>^2 from 512 samples on, and below 0.95 of it on both functions of query and key"
                + " at all sizes; falsified if the network matches attention anywhere on the first;"
                + " else inconclusive")
        .holdingIn(Region.upTo(0.5));
  }

  private static Criterion meanRule(Quantity helped) {
    final Criterion rule =
        runs -> {
          final double largest = most(runs, helped.of());
          final double smallest =
              runs.stream()
                  .flatMapToDouble(
                      run ->
                          OF_QUERY.stream()
                              .flatMapToDouble(
                                  target ->
                                      Plan.of(run.scale()).sizes().stream()
                                          .mapToDouble(
                                              n ->
                                                  worst(
                                                      run, target, List.of(n), BIASED, UNBIASED))))
                  .min()
                  .orElseThrow();
          final String numbers =
              "ratio to mean 0 between %s, the smallest, and %s, the largest up to 512 samples"
                  .formatted(Quantity.number(smallest), Quantity.number(largest));
          if (smallest >= 1) {
            return new Verdict.DoesNotHold(numbers);
          }
          return largest < 0.95 ? new Verdict.Holds(numbers) : new Verdict.Inconclusive(numbers);
        };
    return rule.saying(
            "holds if in every seed the test error is below 0.95 of that with mean 0, on both functions"
                + " of query and key up to 512 samples; falsified if the mean never helps; else"
                + " inconclusive")
        .holdingIn(Region.upTo(0.95));
  }

  private static double most(List<Run> runs, ToDoubleFunction<Run> value) {
    return Summary.MAXIMUM.of(runs.stream().mapToDouble(value).toArray());
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("points of a sphere", "made by the run from its seed");
    if (experiment.scale() == Scale.FULL) {
      experiment.warning(
          "the features of all points are in memory at once, with the equations they are fitted by:"
              + " several GiB");
    }
    experiment.setting("dimension and keys", plan.dimension() + " and " + plan.keys());
    experiment.setting("heads", Integer.toString(plan.heads()));
    experiment.setting(
        "parameters of each model", Integer.toString(plan.heads() * (plan.dimension() + 1)));
    experiment.setting("entries of matrices", "normal, variance 1/4");
    experiment.setting(
        "ridge", "1e-6 to 10, times the mean squared norm of the features, by validation");
    experiment.setting("validation and test", plan.validation() + " and " + plan.test());
    experiment.steps((long) plan.models().size() * plan.sizes().size() + plan.widths().size() + 1);
    try (NDManager manager = Libtorch.newManager()) {
      final Sample sample = Sample.draw(experiment, plan, manager);
      for (final double mean : plan.means()) {
        final NDArray phi = attentionFeatures(experiment, plan, sample, plan.heads(), mean);
        learn(experiment, plan, sample, phi, attention(mean));
        phi.close();
      }
      try (NDArray phi = networkFeatures(experiment, plan, sample)) {
        learn(experiment, plan, sample, phi, NETWORK);
      }
      for (final int heads : plan.widths()) {
        try (NDArray phi = attentionFeatures(experiment, plan, sample, heads, 0)) {
          final double[] errors = sample.errors(phi, plan.widthSize());
          for (final Target target : plan.targets()) {
            experiment.metric(widthError(target, heads), errors[plan.targets().indexOf(target)]);
          }
        }
        experiment.step(heads + " heads");
      }
      final double[] errors = sample.kernelErrors(plan.widthSize());
      for (final Target target : plan.targets()) {
        experiment.metric(kernelError(target), errors[plan.targets().indexOf(target)]);
      }
      experiment.step(KERNEL);
    }
  }

  private static void learn(
      Experiment experiment, Plan plan, Sample sample, NDArray features, String model) {
    for (final int n : plan.sizes()) {
      final double[] errors = sample.errors(features, n);
      for (final Target target : plan.targets()) {
        experiment.metric(error(model, target, n), errors[plan.targets().indexOf(target)]);
      }
      experiment.step(model + ", " + n + " samples");
    }
  }

  private static NDArray attentionFeatures(
      Experiment experiment, Plan plan, Sample sample, int heads, double mean) {
    final NDManager manager = sample.x().getManager();
    final FixedFeatureReadout readout =
        new FixedFeatureReadout(
            plan.dimension(),
            heads,
            1,
            FixedFeatureOptions.defaults().withMean(mean),
            experiment.random("matrices of " + heads + " heads"));
    readout.initialize(manager, DataType.FLOAT64, sample.x().getShape());
    return readout
        .features(new ParameterStore(manager, false), sample.x(), false)
        .reshape(sample.x().getShape().get(0), heads * (plan.dimension() + 1L));
  }

  /** ReLU of random directions of the flattened sequence and a 1. */
  private static NDArray networkFeatures(Experiment experiment, Plan plan, Sample sample) {
    final RandomGenerator random = experiment.random("neurons");
    final int inputs = (plan.keys() + 1) * plan.dimension() + 1;
    final int neurons = plan.heads() * (plan.dimension() + 1);
    final double[] w = new double[inputs * neurons];
    for (int i = 0; i < w.length; i++) {
      w[i] = DEVIATION * random.nextGaussian();
    }
    final NDManager manager = sample.x().getManager();
    try (NDManager scope = manager.newSubManager()) {
      final NDArray flat = sample.x().reshape(sample.x().getShape().get(0), inputs - 1);
      flat.attach(scope);
      final NDArray ones = scope.ones(new Shape(flat.getShape().get(0), 1), DataType.FLOAT64);
      final NDArray features =
          Activation.relu(flat.concat(ones, 1).matMul(scope.create(w, new Shape(inputs, neurons))));
      features.attach(manager);
      return features;
    }
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int c = 0; c < a.length; c++) {
      sum += a[c] * b[c];
    }
    return sum;
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final Plan plan = Plan.of(runs.getFirst().scale());
    final List<Figure> figures = new ArrayList<>();
    for (final Target target : plan.targets()) {
      figures.add(
          new Figure(
              "Test error against samples: " + target.label,
              "Squared error over the variance of the target, models of as many parameters. Mean over"
                  + " seeds with their range.",
              Axis.log2("samples"),
              Axis.log10("relative test error"),
              plan.models().stream()
                  .map(
                      model ->
                          SeedCurves.over(
                              model,
                              Mark.LINE,
                              Summary.MEAN,
                              plan.sizes().stream().map(Integer::doubleValue).toList(),
                              i ->
                                  runs.stream()
                                      .mapToDouble(
                                          run ->
                                              run.metric(error(model, target, plan.sizes().get(i))))
                                      .toArray()))
                  .toList()));
    }
    figures.add(
        new Figure(
            "More heads and the kernel of infinitely many",
            "Relative test error from "
                + plan.widthSize()
                + " samples, matrices of mean 0. Mean over seeds with their range; dashed: the"
                + " closed-form kernel.",
            Axis.log2("heads"),
            Axis.log10("relative test error"),
            plan.targets().stream().flatMap(target -> widths(runs, plan, target)).toList()));
    return figures;
  }

  private static Stream<Curve> widths(List<Run> runs, Plan plan, Target target) {
    final List<Double> xs = plan.widths().stream().map(Integer::doubleValue).toList();
    final double kernel =
        Summary.MEAN.of(
            runs.stream().mapToDouble(run -> run.metric(kernelError(target))).toArray());
    return Stream.of(
        SeedCurves.over(
            target.label,
            Mark.LINE,
            Summary.MEAN,
            xs,
            i ->
                runs.stream()
                    .mapToDouble(run -> run.metric(widthError(target, plan.widths().get(i))))
                    .toArray()),
        new Curve(
            target.label + ", kernel",
            Mark.REFERENCE,
            xs,
            Collections.nCopies(xs.size(), kernel),
            List.of(),
            List.of()));
  }

  /**
   * Sequences with their targets: first those to train on, then validation, then test.
   *
   * @param x float64 {@code [n, N+1, d]}
   * @param targets float64 {@code [n, K]}
   */
  private record Sample(Plan plan, NDArray x, NDArray targets) {

    static Sample draw(Experiment experiment, Plan plan, NDManager manager) {
      final double[] beta = onSphere(experiment.random("direction"), plan.dimension());
      final RandomGenerator random = experiment.random("sequences");
      final int count = plan.most() + plan.validation() + plan.test();
      final int length = (plan.keys() + 1) * plan.dimension();
      final double[] x = new double[count * length];
      final double[] y = new double[count * plan.targets().size()];
      for (int i = 0; i < count; i++) {
        final double[][] sequence = new double[plan.keys() + 1][];
        for (int j = 0; j <= plan.keys(); j++) {
          sequence[j] = onSphere(random, plan.dimension());
          System.arraycopy(sequence[j], 0, x, i * length + j * plan.dimension(), plan.dimension());
        }
        for (int t = 0; t < plan.targets().size(); t++) {
          y[i * plan.targets().size() + t] = plan.targets().get(t).of(sequence, beta);
        }
      }
      return new Sample(
          plan,
          manager.create(x, new Shape(count, plan.keys() + 1L, plan.dimension())),
          manager.create(y, new Shape(count, plan.targets().size())));
    }

    private static double[] onSphere(RandomGenerator random, int dimension) {
      final double[] point = new double[dimension];
      for (int c = 0; c < dimension; c++) {
        point[c] = random.nextGaussian();
      }
      final double length = Math.sqrt(dot(point, point));
      for (int c = 0; c < dimension; c++) {
        point[c] /= length;
      }
      return point;
    }

    private NDArray validation(NDArray rows) {
      return rows.get(plan.most() + ":" + (plan.most() + plan.validation()));
    }

    private NDArray test(NDArray rows) {
      return rows.get((plan.most() + plan.validation()) + ":");
    }

    /** Relative test errors of all targets after training on the first n sequences. */
    double[] errors(NDArray features, int n) {
      try (NDManager scope = x.getManager().newSubManager()) {
        final NDArray f = in(scope, features);
        final Targets y = targets(scope, n);
        try (RidgeRegression ridge = RidgeRegression.ofFeatures(f.get(":" + n), y.train())) {
          return errors(ridge, validation(f), test(f), y);
        }
      }
    }

    /** The same with the kernel of infinitely many heads. */
    double[] kernelErrors(int n) {
      try (NDManager scope = x.getManager().newSubManager()) {
        final NDArray all = in(scope, x);
        final NDArray train = all.get(":" + n);
        final Targets y = targets(scope, n);
        try (RidgeRegression ridge = RidgeRegression.ofKernel(kernel(train, train), y.train())) {
          return errors(ridge, kernel(validation(all), train), kernel(test(all), train), y);
        }
      }
    }

    private static NDArray kernel(NDArray x, NDArray y) {
      final NDArray k =
          x.getManager()
              .zeros(new Shape(x.getShape().get(0), y.getShape().get(0)), DataType.FLOAT64);
      InfiniteHeadKernel.apply(
          NDArrayTensors.tensor(x),
          NDArrayTensors.tensor(y),
          DEVIATION * DEVIATION,
          NDArrayTensors.tensor(k));
      return k;
    }

    private static double[] errors(
        RidgeRegression ridge, NDArray validation, NDArray test, Targets y) {
      final List<RidgeRegression.Fit> fits = ridge.select(LAMBDAS, validation, y.validation());
      final double[] errors = new double[fits.size()];
      for (int t = 0; t < errors.length; t++) {
        final NDArray truth = y.test().get(":, " + t + ":" + (t + 1));
        final NDArray wrong = test.matMul(fits.get(t).coefficients()).sub(truth);
        errors[t] =
            wrong.square().mean().getDouble() / truth.sub(truth.mean()).square().mean().getDouble();
      }
      return errors;
    }

    private Targets targets(NDManager scope, int n) {
      final NDArray all = in(scope, targets);
      final NDArray train = all.get(":" + n);
      final NDArray mean = train.mean(new int[] {0}, true);
      final NDArray spread = train.sub(mean).square().mean(new int[] {0}, true).sqrt();
      final NDArray standard = all.sub(mean).div(spread);
      return new Targets(standard.get(":" + n), validation(standard), test(standard));
    }

    private static NDArray in(NDManager scope, NDArray array) {
      final NDArray alias = array.stopGradient();
      alias.attach(scope);
      return alias;
    }
  }

  /** Targets, shifted and scaled to mean 0 and variance 1 in training. */
  private record Targets(NDArray train, NDArray validation, NDArray test) {}
}
