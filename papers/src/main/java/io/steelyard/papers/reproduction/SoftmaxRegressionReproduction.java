package io.steelyard.papers.reproduction;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.analysis.regression.SoftmaxRegression;
import io.steelyard.analysis.regression.TargetShift;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.initializer.Normal;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
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
import io.steelyard.papers.run.Series;
import io.steelyard.papers.task.InContextSoftmaxRegression;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Paper 05, arXiv 2304.13276: does a self-attention layer that learns softmax regression in context
 * do what a step of gradient descent does? The paper's argument: both amount to a small shift of
 * the target.
 *
 * <p>The bounds of the shift are checked on random problems; then one layer of linear and one of
 * softmax attention are trained and compared with one tuned step of descent.
 */
public final class SoftmaxRegressionReproduction implements Reproduction {

  private static final int ROWS = 16;
  private static final int DIMENSION = 5;
  private static final double RATE = 5e-3;
  private static final double LAST_SHARE = 0.05;
  private static final double DEVIATION = 0.3;
  private static final int CURVE_POINTS = 40;
  private static final int SHOWN = 150;

  private static final String VIOLATIONS = "shifts beyond a bound";
  private static final String LOOSENESS = "median log10 of the paper's bound over the shift, ";
  private static final String WEIGHTS = "weights";
  private static final String DATA = "data";
  private static final String DESCENT = "one step of descent";

  /** What is compared with descent. */
  private enum Arm {
    LINEAR("linear attention", false),
    SOFTMAX("softmax attention", true);

    private final String label;
    private final boolean softmax;

    Arm(String label, boolean softmax) {
      this.label = label;
      this.softmax = softmax;
    }

    String untrained() {
      return label + ", untrained";
    }
  }

  private static String loss(String who) {
    return who + ": loss";
  }

  private static String prediction(String who) {
    return who + ": cosine of predictions";
  }

  private static String sensitivity(String who) {
    return who + ": cosine of sensitivities";
  }

  private static String distance(String who) {
    return who + ": distance of predictions";
  }

  /** A size of the problem with as many layers as steps. */
  private record Size(int rows, int dimension, int layers) {

    private static final Size PAGES = new Size(ROWS, DIMENSION, 1);

    /** Before the names of what is measured at another size than the page's. */
    String prefix() {
      return equals(PAGES) ? "" : "n %d, d %d, %d layers, ".formatted(rows, dimension, layers);
    }
  }

  /** How much is run at a scale. */
  private record Plan(int draws, int steps, int batch, int test, int etas, List<Size> sizes) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(40, 10, 16, 100, 7, List.of(Size.PAGES));
        case QUICK -> new Plan(1000, 2000, 256, 4000, 61, List.of(Size.PAGES));
        case FULL -> new Plan(1000, 2000, 256, 4000, 61, sweep());
      };
    }

    private static List<Size> sweep() {
      final List<Size> sizes = new ArrayList<>(List.of(Size.PAGES));
      for (final int rows : List.of(8, 16, 32, 64)) {
        for (final int dimension : List.of(5, 10, 20)) {
          for (int layers = 1; layers <= 4; layers++) {
            final Size size = new Size(rows, dimension, layers);
            if (!size.equals(Size.PAGES)) {
              sizes.add(size);
            }
          }
        }
      }
      return sizes;
    }
  }

  @Override
  public String paper() {
    return "softmax-regression";
  }

  @Override
  public String design() {
    return "Random problems of softmax regression check the bounds on how far a step, or other data,"
        + " shifts the target. Then one layer of linear and one of softmax attention learn to predict"
        + " in context from 16 rows with their probabilities; they are compared with one tuned step"
        + " of gradient descent by loss, predictions and sensitivity to the query, beside untrained"
        + " layers and kernel regression.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity violations = Quantity.metric("", VIOLATIONS);
    final Quantity ratio = ratio(Arm.SOFTMAX);
    return List.of(
        Claim.named("shift-is-bounded")
            .states("A change of weights or data shifts the target by no more than its bounds")
            .published("n^1.5 exp(10 R^2) times the change")
            .measures("shifts beyond the tight bound, or tight bounds beyond the paper's")
            .shows(Summary.MAXIMUM)
            .decidedBy(violations, Criteria.everySeedAtMost(violations, 0)),
        Claim.named("attention-is-close-to-a-step")
            .states("A trained attention layer predicts what one step of gradient descent does")
            .measures("loss of trained softmax attention over that of the tuned step")
            .decidedBy(ratio, closeRule()));
  }

  private static Quantity ratio(Arm arm) {
    return new Quantity("", run -> run.metric(loss(arm.label)) / run.metric(loss(DESCENT)));
  }

  /** The page's rule. */
  private static Criterion closeRule() {
    final Criterion rule =
        runs -> {
          final List<String> numbers = new ArrayList<>();
          boolean holds = true;
          boolean falsified = false;
          for (final Run run : runs) {
            final double linear = ratio(Arm.LINEAR).of().applyAsDouble(run);
            final double softmax = ratio(Arm.SOFTMAX).of().applyAsDouble(run);
            final double linearCosine = cosine(run, Arm.LINEAR);
            final double softmaxCosine = cosine(run, Arm.SOFTMAX);
            double untrained = Double.NEGATIVE_INFINITY;
            for (final Arm arm : Arm.values()) {
              untrained = Math.max(untrained, run.metric(sensitivity(arm.untrained())));
            }
            holds &=
                Math.abs(linear - 1) <= 0.03
                    && linearCosine >= 0.99
                    && softmax <= 1.15
                    && softmaxCosine >= 0.95
                    && untrained < 0.5;
            falsified |= softmaxCosine < 0.9 || softmax > 1.5;
            numbers.add(
                "seed %d: loss over descent's %s (linear) and %s (softmax), smaller cosine %s and %s, untrained %s"
                    .formatted(
                        run.seed(),
                        Quantity.number(linear),
                        Quantity.number(softmax),
                        Quantity.number(linearCosine),
                        Quantity.number(softmaxCosine),
                        Quantity.number(untrained)));
          }
          final String text = String.join("; ", numbers);
          return falsified
              ? new Verdict.DoesNotHold(text)
              : holds ? new Verdict.Holds(text) : new Verdict.Inconclusive(text);
        };
    return rule.saying(
            "holds if in every seed the loss of linear attention is within 3 % of descent's and both"
                + " its cosines are at least 0.99, the loss of softmax attention is at most 1.15 times"
                + " descent's and both its cosines are at least 0.95, and the sensitivity of untrained"
                + " layers has a cosine below 0.5; falsified if in a seed a cosine of softmax attention"
                + " is below 0.9 or its loss above 1.5 times descent's; else inconclusive")
        .holdingIn(Region.upTo(1.15));
  }

  private static double cosine(Run run, Arm arm) {
    return Math.min(run.metric(prediction(arm.label)), run.metric(sensitivity(arm.label)));
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("softmax regression problems", "made by the run from its seed");
    experiment.setting("rows, dimension", ROWS + ", " + DIMENSION);
    experiment.setting("draws for the bounds", Integer.toString(plan.draws()));
    experiment.setting("training", plan.steps() + " steps of " + plan.batch() + " fresh tasks");
    experiment.setting("optimizer", "Adam, rate 5e-3, linearly to a twentieth");
    experiment.setting("initial weights", "normal, deviation 0.3");
    experiment.setting("test tasks", Integer.toString(plan.test()));
    experiment.steps(
        1 + (long) plan.sizes().size() * (1 + Arm.values().length * (1 + reports(plan))));
    bounds(experiment, plan);
    experiment.step("bounds checked");
    for (final Size size : plan.sizes()) {
      compare(experiment, plan, size);
    }
  }

  /** The page's part (a). */
  private static void bounds(Experiment experiment, Plan plan) {
    final RandomGenerator random = experiment.random("problems for the bounds");
    final Map<String, List<TargetShift>> shifts = new LinkedHashMap<>();
    shifts.put(WEIGHTS, new ArrayList<>());
    shifts.put(DATA, new ArrayList<>());
    for (int draw = 0; draw < plan.draws(); draw++) {
      final double[][] a = uniform(random);
      final double[] b = new SoftmaxRegression(a, new double[ROWS]).prediction(gaussian(random));
      final double[] x = gaussian(random);
      final double eta = Math.pow(10, random.nextDouble(-2, 2));
      final double[] next = new SoftmaxRegression(a, b).step(x, eta);
      shifts.get(WEIGHTS).add(TargetShift.ofWeights(a, b, x, next, OptionalDouble.empty()));
      final double size = Math.pow(10, random.nextDouble(-3, 0));
      final double[][] noise = uniform(random);
      final double[][] other = new double[ROWS][DIMENSION];
      for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < DIMENSION; k++) {
          other[i][k] = a[i][k] + size * noise[i][k];
        }
      }
      shifts.get(DATA).add(TargetShift.ofData(a, other, b, x, OptionalDouble.empty()));
    }
    experiment.metric(
        VIOLATIONS,
        (double)
            shifts.values().stream()
                .flatMap(List::stream)
                .filter(
                    shift ->
                        !(shift.actual() <= shift.tight()
                            && Math.log(shift.tight()) <= shift.logPaper()))
                .count());
    shifts.forEach((what, all) -> record(experiment, what, all));
  }

  private static void record(Experiment experiment, String what, List<TargetShift> shifts) {
    experiment.metric(
        LOOSENESS + what,
        Summary.MEDIAN.of(shifts.stream().mapToDouble(TargetShift::log10Looseness).toArray()));
    experiment.metric(
        "correlation of the shift with the tight bound, " + what, correlation(shifts));
    final List<TargetShift> bySize =
        shifts.stream().sorted((one, other) -> Double.compare(one.tight(), other.tight())).toList();
    final int half = bySize.size() / 2;
    recordShare(experiment, what + ", small changes", bySize.subList(0, half));
    recordShare(experiment, what + ", large changes", bySize.subList(half, bySize.size()));
    final List<TargetShift> shown = shifts.subList(0, Math.min(SHOWN, shifts.size()));
    experiment.series(
        new Series(
            "shift against the tight bound, " + what,
            "tight bound",
            "shift of the target",
            shown.stream().map(TargetShift::tight).toList(),
            shown.stream().map(TargetShift::actual).toList()));
  }

  private static void recordShare(Experiment experiment, String what, List<TargetShift> shifts) {
    final double[] shares =
        shifts.stream().mapToDouble(shift -> shift.actual() / shift.tight()).sorted().toArray();
    for (final int percent : List.of(5, 50, 95)) {
      experiment.metric(
          "shift over the tight bound, " + what + ", " + percent + " %",
          shares[(shares.length - 1) * percent / 100]);
    }
  }

  private static double correlation(List<TargetShift> shifts) {
    final double meanX = shifts.stream().mapToDouble(TargetShift::actual).average().orElseThrow();
    final double meanY = shifts.stream().mapToDouble(TargetShift::tight).average().orElseThrow();
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (final TargetShift shift : shifts) {
      final double x = shift.actual() - meanX;
      final double y = shift.tight() - meanY;
      xy += x * y;
      xx += x * x;
      yy += y * y;
    }
    return xy / Math.sqrt(xx * yy);
  }

  private static double[][] uniform(RandomGenerator random) {
    final double[][] a = new double[ROWS][DIMENSION];
    for (final double[] row : a) {
      Arrays.setAll(row, _ -> random.nextDouble(-1, 1));
    }
    return a;
  }

  private static double[] gaussian(RandomGenerator random) {
    final double[] x = new double[DIMENSION];
    Arrays.setAll(x, _ -> random.nextGaussian());
    return x;
  }

  /** Steps of a point of the training curves. */
  private static int window(Plan plan) {
    return Math.max(1, plan.steps() / CURVE_POINTS);
  }

  private static long reports(Plan plan) {
    return plan.steps() / window(plan);
  }

  /** The page's part (b). */
  private static void compare(Experiment experiment, Plan plan, Size size) {
    final String prefix = size.prefix();
    try (NDManager manager = Libtorch.newManager()) {
      final InContextSoftmaxRegression test =
          draw(experiment.random(prefix + "test tasks"), plan.test(), size, manager);
      final InContextSoftmaxRegression forEta =
          draw(experiment.random(prefix + "tasks to tune the step"), plan.test(), size, manager);
      final double eta = bestEta(forEta, plan.etas(), size.layers());
      final Descent descent = Descent.of(test, eta, size.layers());
      experiment.metric(prefix + "step size", eta);
      experiment.metric(prefix + loss("uniform"), test.uniformLoss());
      experiment.metric(prefix + loss(DESCENT), number(test.loss(descent.prediction())));
      measure(
          experiment,
          prefix + "kernel regression",
          test,
          descent,
          test.nadarayaWatson(),
          test::nadarayaWatson);
      experiment.step(prefix + "descent");
      for (final Arm arm : Arm.values()) {
        train(experiment, plan, size, arm, test, descent);
      }
    }
  }

  private static InContextSoftmaxRegression draw(
      RandomGenerator random, int tasks, Size size, NDManager manager) {
    return InContextSoftmaxRegression.draw(random, tasks, size.rows(), size.dimension(), manager);
  }

  /** The best of step sizes from 1 to 1000. */
  private static double bestEta(InContextSoftmaxRegression tasks, int count, int steps) {
    double best = Double.NaN;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      final double eta = Math.pow(10, 3.0 * i / (count - 1));
      final double loss = number(tasks.loss(tasks.scores(tasks.descend(eta, steps)).softmax(1)));
      if (loss < least) {
        least = loss;
        best = eta;
      }
    }
    return best;
  }

  /**
   * What descent says of tasks.
   *
   * @param prediction {@code [tasks, n]}
   * @param sensitivity of the sum of scores to the queries, {@code [tasks, n, d]}
   */
  private record Descent(NDArray prediction, NDArray sensitivity) {

    static Descent of(InContextSoftmaxRegression tasks, double eta, int steps) {
      final NDArray x = tasks.descend(eta, steps);
      // Scores are linear in the query: the weights are the gradient of each.
      return new Descent(tasks.scores(x).softmax(1), x.swapAxes(1, 2).repeat(1, tasks.rows()));
    }
  }

  private static void train(
      Experiment experiment,
      Plan plan,
      Size size,
      Arm arm,
      InContextSoftmaxRegression test,
      Descent descent) {
    final String prefix = size.prefix();
    final Layer layer = new Layer(size, arm.softmax, experiment.random(prefix + "initial weights"));
    final TrainingOptions options =
        TrainingOptions.seeded(experiment.seed())
            .with(Schedule.linear(RATE, LAST_SHARE * RATE, plan.steps()));
    final RandomGenerator tasks = experiment.random(prefix + "training tasks");
    final List<Double> xs = new ArrayList<>();
    final Map<String, List<Double>> curves = new LinkedHashMap<>();
    List.of(loss(arm.label), prediction(arm.label), distance(arm.label))
        .forEach(name -> curves.put(name, new ArrayList<>()));
    try (Training training =
        new Training(
            layer,
            options,
            new Shape(1, size.rows(), size.dimension() + 1L),
            new Shape(1, size.rows(), size.dimension()))) {
      measure(experiment, prefix + arm.untrained(), test, descent, layer);
      for (int step = 1; step <= plan.steps(); step++) {
        try (NDManager manager = Libtorch.newManager()) {
          final InContextSoftmaxRegression batch = draw(tasks, plan.batch(), size, manager);
          training.step(
              pass ->
                  new InContextSoftmaxRegression(
                          batch.tokens(), batch.queries(), pass.alias(batch.target()))
                      .loss(
                          pass.forward(layer, batch.tokens(), batch.queries()).head().softmax(1)));
        }
        if (step % window(plan) == 0) {
          xs.add((double) step);
          measured(arm.label, test, descent, layer.scores(test, test.queries()).softmax(1))
              .forEach((name, value) -> curves.get(name).add(value));
          experiment.step(prefix + arm.label + ", step " + step + " of " + plan.steps());
        }
      }
      measure(experiment, prefix + arm.label, test, descent, layer);
      curves.forEach(
          (name, ys) ->
              experiment.series(new Series(prefix + name + " in training", "step", name, xs, ys)));
      experiment.step(prefix + arm.label + ", tested");
    }
  }

  private static void measure(
      Experiment experiment,
      String who,
      InContextSoftmaxRegression tasks,
      Descent descent,
      Layer layer) {
    measure(
        experiment,
        who,
        tasks,
        descent,
        layer.scores(tasks, tasks.queries()).softmax(1),
        queries -> layer.scores(tasks, queries));
  }

  private static void measure(
      Experiment experiment,
      String who,
      InContextSoftmaxRegression tasks,
      Descent descent,
      NDArray predictions,
      Function<NDArray, NDArray> scores) {
    measured(who, tasks, descent, predictions).forEach(experiment::metric);
    experiment.metric(
        sensitivity(who), meanCosine(gradient(tasks.queries(), scores), descent.sensitivity()));
  }

  /** Loss, cosine and distance from descent. */
  private static Map<String, Double> measured(
      String who, InContextSoftmaxRegression tasks, Descent descent, NDArray predictions) {
    final double uniform = 1.0 / tasks.rows();
    final Map<String, Double> values = new LinkedHashMap<>();
    values.put(loss(who), number(tasks.loss(predictions)));
    values.put(
        prediction(who), meanCosine(predictions.sub(uniform), descent.prediction().sub(uniform)));
    values.put(
        distance(who),
        number(predictions.sub(descent.prediction()).square().sum(new int[] {1}).sqrt().mean()));
    return values;
  }

  /** The gradient of the sum of scores by the queries. */
  private static NDArray gradient(NDArray queries, Function<NDArray, NDArray> scores) {
    try (NDManager scope = queries.getManager().newSubManager();
        GradientCollector collector = Engine.getInstance().newGradientCollector()) {
      final NDArray live = queries.duplicate();
      live.attach(scope);
      live.setRequiresGradient(true);
      collector.backward(scores.apply(live).sum());
      final NDArray gradient = live.getGradient().duplicate();
      gradient.attach(queries.getManager());
      return gradient;
    }
  }

  /** Mean over tasks of the cosine of what belongs to a task. */
  private static double meanCosine(NDArray one, NDArray other) {
    final long tasks = one.getShape().get(0);
    final NDArray a = one.toType(DataType.FLOAT64, false).reshape(tasks, -1);
    final NDArray b = other.toType(DataType.FLOAT64, false).reshape(tasks, -1);
    final int[] last = {1};
    return number(
        a.mul(b)
            .sum(last)
            .div(a.square().sum(last).sqrt().mul(b.square().sum(last).sqrt()))
            .mean());
  }

  private static double number(NDArray scalar) {
    return scalar.toType(DataType.FLOAT64, false).getDouble();
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    return List.of(
        curves(
            runs,
            "Loss in training",
            "Mean over seeds with their range; dashed: one tuned step of gradient descent.",
            Axis.log10("loss on test tasks"),
            SoftmaxRegressionReproduction::loss,
            OptionalDouble.of(mean(runs, loss(DESCENT)))),
        curves(
            runs,
            "Predictions of trained attention against those of descent",
            "Cosine of the two after the uniform prediction is taken off, mean over tasks and seeds"
                + " with the range of seeds.",
            Axis.linear("cosine"),
            SoftmaxRegressionReproduction::prediction,
            OptionalDouble.empty()),
        new Figure(
            "Closeness to one step of descent",
            "Mean over seeds with their range. Untrained layers and kernel regression are controls.",
            Axis.category("model", compared()),
            Axis.linear("cosine with descent"),
            List.of(
                SeedCurves.byCategory(
                    "predictions",
                    Mark.BAR,
                    runs,
                    1,
                    compared().stream().map(SoftmaxRegressionReproduction::prediction).toList()),
                SeedCurves.byCategory(
                    "sensitivities",
                    Mark.BAR,
                    runs,
                    1,
                    compared().stream().map(SoftmaxRegressionReproduction::sensitivity).toList()))),
        bounds(runs.getFirst()));
  }

  private static List<String> compared() {
    final List<String> names =
        new ArrayList<>(Arrays.stream(Arm.values()).map(arm -> arm.label).toList());
    Arrays.stream(Arm.values()).map(Arm::untrained).forEach(names::add);
    names.add("kernel regression");
    return names;
  }

  private static double mean(List<Run> runs, String metric) {
    return Summary.MEAN.of(runs.stream().mapToDouble(run -> run.metric(metric)).toArray());
  }

  private static Figure curves(
      List<Run> runs,
      String title,
      String caption,
      Axis y,
      Function<String, String> what,
      OptionalDouble reference) {
    final List<Curve> curves = new ArrayList<>();
    for (final Arm arm : Arm.values()) {
      curves.add(
          SeedCurves.ofSeries(arm.label, Mark.LINE, runs, what.apply(arm.label) + " in training"));
    }
    if (reference.isPresent()) {
      final List<Double> xs = curves.getFirst().xs();
      curves.add(
          new Curve(
              DESCENT,
              Mark.REFERENCE,
              xs,
              xs.stream().map(_ -> reference.getAsDouble()).toList(),
              List.of(),
              List.of()));
    }
    return new Figure(title, caption, Axis.linear("step"), y, curves);
  }

  private static Figure bounds(Run run) {
    final List<Curve> curves = new ArrayList<>();
    for (final String what : List.of(WEIGHTS, DATA)) {
      final Series series = run.curve("shift against the tight bound, " + what);
      curves.add(
          new Curve("other " + what, Mark.POINT, series.xs(), series.ys(), List.of(), List.of()));
    }
    final List<Double> ends =
        IntStream.rangeClosed(-4, 1).mapToObj(power -> Math.pow(10, power)).toList();
    curves.add(new Curve("bound", Mark.REFERENCE, ends, ends, List.of(), List.of()));
    return new Figure(
        "Shift of the target against its tight bound",
        "Each point is a random problem of the first seed. The paper's bound lies far outside the"
            + " picture.",
        Axis.log10("half the norm of the change of scores"),
        Axis.log10("shift of the target"),
        curves);
  }

  /**
   * Attention of the queries {@code (a, 0)} on the tokens {@code (a, n b - 1)}, without scale,
   * biases or residual, and a readout. With several layers, all but the last add what they say to
   * tokens and queries.
   */
  private static final class Layer extends AbstractBlock {

    private static final byte VERSION = 1;

    private final int width;
    private final boolean softmax;
    private final List<Linear> q = new ArrayList<>();
    private final List<Linear> k = new ArrayList<>();
    private final List<Linear> v = new ArrayList<>();
    private final Linear o;

    Layer(Size size, boolean softmax, RandomGenerator random) {
      super(VERSION);
      this.width = size.dimension() + 1;
      this.softmax = softmax;
      for (int layer = 0; layer < size.layers(); layer++) {
        q.add(addChildBlock("q" + layer, linear(width, random)));
        k.add(addChildBlock("k" + layer, linear(width, random)));
        v.add(addChildBlock("v" + layer, linear(width, random)));
      }
      this.o = addChildBlock("o", linear(1, random));
    }

    private static Linear linear(int out, RandomGenerator random) {
      final Linear linear = Linear.builder().setUnits(out).optBias(false).build();
      linear.setInitializer(new Normal(random, DEVIATION), Parameter.Type.WEIGHT);
      return linear;
    }

    /** Scores of other queries of the same tasks, {@code [tasks, n]}; keeps the graph. */
    NDArray scores(InContextSoftmaxRegression tasks, NDArray queries) {
      final ParameterStore parameters = new ParameterStore(queries.getManager(), false);
      return forward(parameters, new NDList(tasks.tokens(), queries), true).singletonOrThrow();
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore parameters,
        NDList inputs,
        boolean training,
        PairList<String, Object> options) {
      NDArray tokens = inputs.get(0);
      final NDArray rows = inputs.get(1);
      final Shape shape = rows.getShape();
      NDArray queries = rows.concat(Like.zeros(new Shape(shape.get(0), shape.get(1), 1), rows), 2);
      final int last = q.size() - 1;
      for (int layer = 0; layer < last; layer++) {
        final NDArray said = attend(layer, parameters, queries, tokens, training);
        tokens = tokens.add(attend(layer, parameters, tokens, tokens, training));
        queries = queries.add(said);
      }
      final NDArray said = attend(last, parameters, queries, tokens, training);
      return new NDList(
          o.forward(parameters, new NDList(said), training).singletonOrThrow().squeeze(2));
    }

    private NDArray attend(
        int layer, ParameterStore parameters, NDArray from, NDArray to, boolean training) {
      final NDArray queries =
          q.get(layer).forward(parameters, new NDList(from), training).singletonOrThrow();
      final NDArray keys =
          k.get(layer).forward(parameters, new NDList(to), training).singletonOrThrow();
      final NDArray values =
          v.get(layer).forward(parameters, new NDList(to), training).singletonOrThrow();
      final NDArray scores = queries.matMul(keys.swapAxes(1, 2));
      final NDArray weights =
          softmax ? scores.softmax(2) : Scalars.div(scores, (double) to.getShape().get(1));
      return weights.matMul(values);
    }

    @Override
    protected void initializeChildBlocks(
        NDManager manager, DataType dataType, Shape... inputShapes) {
      final Shape shape = new Shape(1, 1, width);
      for (int layer = 0; layer < q.size(); layer++) {
        q.get(layer).initialize(manager, dataType, shape);
        k.get(layer).initialize(manager, dataType, shape);
        v.get(layer).initialize(manager, dataType, shape);
      }
      o.initialize(manager, dataType, shape);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return new Shape[] {new Shape(inputShapes[0].get(0), inputShapes[0].get(1))};
    }
  }
}
