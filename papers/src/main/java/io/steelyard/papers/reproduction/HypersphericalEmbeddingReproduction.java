package io.steelyard.papers.reproduction;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import io.steelyard.analysis.retrieval.CosineRetrieval;
import io.steelyard.analysis.retrieval.Prototypes;
import io.steelyard.analysis.retrieval.Separation;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.head.NormalizedSoftmaxHead;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.loss.CrossEntropyLoss;
import io.steelyard.layers.loss.LossOptions;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Seed;
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
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.task.WarpedClasses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Paper 21, arXiv 2102.03243: does a softmax on a hypersphere learn classes it has never seen from
 * the mean of a few examples, better than metric learning?
 *
 * <p>Three embeddings are trained on base classes; novel classes are then added from five samples
 * each, and ranked together with the base classes or among themselves.
 */
public final class HypersphericalEmbeddingReproduction implements Reproduction {

  private static final int INPUTS = 64;
  private static final int HIDDEN = 128;
  private static final int EMBEDDING = 32;
  private static final int BATCH = 64;
  private static final double SPREAD = 0.7;
  private static final double MARGIN = 0.2;
  private static final double FAR = 10;
  private static final List<Integer> SHOTS = List.of(1, 2, 5, 10, 20);

  /** How novel classes are classified; the last two share their network. */
  private enum Arm {
    SPHERE("hypersphere"),
    TRIPLET("batch-hard triplet"),
    SOFTMAX("softmax, columns of means"),
    COSINE("softmax, cosine to means");

    private final String label;

    Arm(String label) {
      this.label = label;
    }

    String joint() {
      return label + ": joint accuracy";
    }

    String base() {
      return label + ": joint accuracy on base classes";
    }

    String novel() {
      return label + ": joint accuracy on novel classes";
    }

    String disjoint() {
      return label + ": disjoint accuracy";
    }

    String shots(int count) {
      return label + ": disjoint accuracy, " + count + " supports";
    }

    String metric(String what) {
      return label + ": " + what;
    }
  }

  private static final List<Arm> NETWORKS = List.of(Arm.SPHERE, Arm.TRIPLET, Arm.SOFTMAX);
  private static final String MAP = "mAP on novel classes";
  private static final String RECALL = "R@1 on novel classes";
  private static final String AUROC = "AUROC of base against novel samples";

  /** How much is run at a scale. */
  private record Plan(int base, int novel, int train, int test, int supports, int epochs) {

    static Plan of(Scale scale) {
      return switch (scale) {
        case SMOKE -> new Plan(5, 3, 24, 8, 5, 1);
        case QUICK -> new Plan(20, 10, 100, 50, 5, 15);
        case FULL -> new Plan(200, 100, 100, 50, 5, 60);
      };
    }

    int classes() {
      return base + novel;
    }

    List<Integer> shots() {
      return SHOTS.stream().filter(count -> count <= train).toList();
    }
  }

  @Override
  public String paper() {
    return "hyperspherical-embedding";
  }

  @Override
  public String design() {
    return "One embedding network is trained on 20 synthetic classes with normalised softmax on a"
        + " sphere of radius 10, with plain softmax and with batch-hard triplets; weights and batches"
        + " are the same. Ten novel classes come from five samples each, without training. Test samples"
        + " are ranked among all 30 classes (joint) or, if novel, among the ten (disjoint). The plain"
        + " softmax network is also read by cosines to class means, a baseline the paper does not"
        + " have.";
  }

  @Override
  public List<Claim> claims() {
    final Quantity ahead =
        Quantity.difference("points", 100, Arm.SPHERE.joint(), Arm.TRIPLET.joint());
    final Quantity strong =
        Quantity.difference("points", 100, Arm.SPHERE.joint(), Arm.COSINE.joint());
    return List.of(
        Claim.named("novel-classes-without-training")
            .states("It classifies unseen classes better than metric learning and plain softmax")
            .published("up to 81 % more accurate than metric learners (set not named)")
            .measures("joint accuracy less that of batch-hard triplets")
            .decidedBy(ahead, rule()),
        Claim.named("beside-cosines-of-plain-softmax")
            .states("It is better than cosines to class means in a plain softmax network")
            .measures("joint accuracy less that of cosines to class means")
            .decidedBy(strong, strongRule(strong)));
  }

  private static double mean(List<Run> runs, String metric) {
    return Summary.MEAN.of(runs.stream().mapToDouble(run -> run.metric(metric)).toArray());
  }

  private static Criterion rule() {
    final Criterion rule =
        runs -> {
          final double joint = mean(runs, Arm.SPHERE.joint()) - mean(runs, Arm.TRIPLET.joint());
          final double disjoint =
              mean(runs, Arm.SPHERE.disjoint()) - mean(runs, Arm.TRIPLET.disjoint());
          final double plain = mean(runs, Arm.SPHERE.joint()) - mean(runs, Arm.SOFTMAX.joint());
          final String numbers =
              "over triplets %s joint and %s disjoint, over plain softmax %s joint; cosines to means of plain softmax have %s joint and %s disjoint, the hypersphere %s and %s"
                  .formatted(
                      Quantity.number(joint),
                      Quantity.number(disjoint),
                      Quantity.number(plain),
                      Quantity.number(mean(runs, Arm.COSINE.joint())),
                      Quantity.number(mean(runs, Arm.COSINE.disjoint())),
                      Quantity.number(mean(runs, Arm.SPHERE.joint())),
                      Quantity.number(mean(runs, Arm.SPHERE.disjoint())));
          if (Double.isNaN(joint + disjoint + plain)) {
            return new Verdict.Inconclusive(numbers + " (not a number)");
          }
          if (joint <= 0 && disjoint <= 0) {
            return new Verdict.DoesNotHold(numbers);
          }
          return joint >= 0.01 && disjoint >= 0.02 && plain >= 0.2
              ? new Verdict.Holds(numbers)
              : new Verdict.Inconclusive(numbers + ": partly");
        };
    return rule.saying(
            "holds if, in means over seeds, it is at least 1 point above triplets in joint and 2 points"
                + " in disjoint accuracy, and 20 points above plain softmax in joint accuracy;"
                + " falsified if triplets tie or win in both; else partly, so inconclusive")
        .holdingIn(Region.from(1));
  }

  /** The page asks to print this baseline beside the claim; nothing in the paper is about it. */
  private static Criterion strongRule(Quantity quantity) {
    return Criteria.gain(quantity, Summary.MEAN, 1, -1, 0)
        .saying(
            "holds if the mean over seeds is at least 1 point, falsified if it is at most -1; else"
                + " inconclusive (a rule of ours: the paper does not compare with it)");
  }

  @Override
  public void run(Experiment experiment) {
    final Plan plan = Plan.of(experiment.scale());
    experiment.data("warped classes", "made by the run from its seed");
    if (experiment.scale() == Scale.FULL) {
      experiment.warning(
          "the paper's sets are MNIST, Fashion-MNIST, CIFAR and parts of ImageNet; the full scale here"
              + " is the same task as quick with 200 base and 100 novel classes");
    }
    experiment.setting("classes", plan.base() + " base, " + plan.novel() + " novel");
    experiment.setting(
        "samples of a class", plan.train() + " to train, " + plan.test() + " to test");
    experiment.setting("supports of a novel class", Integer.toString(plan.supports()));
    experiment.setting("radius", Double.toString(NormalizedSoftmaxHead.Form.DEFAULTS.scale()));
    experiment.setting(
        "optimizer", "Adam, rate 1e-3, " + plan.epochs() + " epochs of batches of " + BATCH);
    experiment.steps((long) NETWORKS.size() * plan.epochs());
    final RandomGenerator random = experiment.random("classes and samples");
    final WarpedClasses task =
        new WarpedClasses(
            new WarpedClasses.Form(plan.classes(), 12, 48, INPUTS, 1.5, 1, 0.05), random);
    final WarpedClasses.Samples base = task.draw(0, plan.base(), plan.train(), _ -> SPREAD, random);
    final WarpedClasses.Samples novel =
        task.draw(plan.base(), plan.classes(), plan.train(), _ -> SPREAD, random);
    final WarpedClasses.Samples test =
        task.draw(0, plan.classes(), plan.test(), _ -> SPREAD, random);
    for (final Arm arm : NETWORKS) {
      network(experiment, plan, arm, base, novel, test);
    }
  }

  private static SequentialBlock body(RandomGenerator random) {
    final InitialWeights weights = InitialWeights.fanIn(random);
    return new SequentialBlock()
        .add(weights.linear(INPUTS, HIDDEN, true))
        .add(Activation.reluBlock())
        .add(weights.linear(HIDDEN, HIDDEN, true))
        .add(Activation.reluBlock())
        .add(weights.linear(HIDDEN, EMBEDDING, true));
  }

  private static void network(
      Experiment experiment,
      Plan plan,
      Arm arm,
      WarpedClasses.Samples base,
      WarpedClasses.Samples novel,
      WarpedClasses.Samples test) {
    final Block body = body(experiment.random("initial weights"));
    final RandomGenerator headWeights = experiment.random("initial weights of the head");
    final NormalizedSoftmaxHead sphere =
        new NormalizedSoftmaxHead(plan.base(), NormalizedSoftmaxHead.Form.DEFAULTS, headWeights);
    final Linear plain = InitialWeights.fanIn(headWeights).linear(EMBEDDING, plan.base(), true);
    final SequentialBlock net = new SequentialBlock().add(body);
    if (arm == Arm.SPHERE) {
      net.add(sphere);
    } else if (arm == Arm.SOFTMAX) {
      net.add(plain);
    }
    try (NDManager manager = Libtorch.newManager();
        Training training =
            new Training(
                net,
                TrainingOptions.seeded(experiment.seed()).withLearningRate(1e-3),
                new Shape(1, INPUTS))) {
      train(experiment, plan, arm, net, training, base, sphere);
      final Embedded known = Embedded.of(body, base, manager);
      final Embedded unseen = Embedded.of(body, novel, manager);
      final Embedded held = Embedded.of(body, test, manager);
      retrieval(experiment, plan, arm, known, held);
      switch (arm) {
        case SPHERE -> sphere(experiment, plan, sphere, unseen, held, manager);
        case TRIPLET -> {
          final Prototypes all = Prototypes.byDistance(known.classes(0, plan.base(), plan.train()));
          prototypes(experiment, plan, arm, all, unseen, held);
        }
        default -> {
          final Prototypes all = Prototypes.byCosine(known.classes(0, plan.base(), plan.train()));
          prototypes(experiment, plan, Arm.COSINE, all, unseen, held);
          columns(experiment, plan, plain, unseen, held);
        }
      }
    }
  }

  private static void train(
      Experiment experiment,
      Plan plan,
      Arm arm,
      Block net,
      Training training,
      WarpedClasses.Samples base,
      NormalizedSoftmaxHead sphere) {
    final Batches batches =
        Batches.shuffled(base.count(), Math.min(BATCH, base.count()), new Seed(experiment.seed()));
    final List<Double> epochs = new ArrayList<>();
    final List<Double> losses = new ArrayList<>();
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray x = base.inputs(manager);
      final NDArray y = base.labels(manager);
      for (int epoch = 1; epoch <= plan.epochs(); epoch++) {
        double sum = 0;
        for (final int[] rows : batches.pass(epoch)) {
          try (NDManager scope = Libtorch.newManager()) {
            final NDArray index = scope.create(rows).toType(DataType.INT64, false);
            final NDArray inputs = select(x, index, scope);
            final NDArray labels = select(y, index, scope);
            sum +=
                training
                    .step(
                        pass -> {
                          final NDArray out = pass.forward(net, inputs).head();
                          final NDArray ids = pass.alias(labels);
                          return arm == Arm.TRIPLET
                              ? batchHard(out, ids)
                              : CrossEntropyLoss.crossEntropy(out, ids, 0, LossOptions.mean());
                        })
                    .loss();
            if (arm == Arm.SPHERE) {
              sphere.project();
            }
          }
        }
        epochs.add((double) epoch);
        losses.add(sum / batches.perPass());
        experiment.step(arm.label + ", epoch " + epoch);
      }
    }
    experiment.series(new Series(arm.metric("training loss"), "epoch", "loss", epochs, losses));
  }

  private static NDArray select(NDArray data, NDArray index, NDManager scope) {
    final NDArray alias = data.stopGradient();
    alias.attach(scope);
    return alias.get(index);
  }

  /**
   * Mean over anchors with a positive of {@code max(0, max d(positive) - min d(negative) + 0.2)}
   * between unit embeddings.
   */
  private static NDArray batchHard(NDArray embeddings, NDArray labels) {
    final NDArray units =
        embeddings.div(embeddings.square().sum(new int[] {1}, true).add(1e-12).sqrt());
    final NDArray cosines = units.matMul(units.transpose());
    final NDArray distances =
        Activation.relu(cosines.mul(Like.scalar(-2, cosines)).add(2)).add(1e-12).sqrt();
    final NDArray column = labels.reshape(-1, 1);
    final NDArray same = column.eq(column.transpose());
    final NDArray self = Like.eye(Math.toIntExact(labels.size()), cosines).gt(0);
    final NDArray positive = same.logicalAnd(self.logicalNot());
    final NDArray never = Like.zeros(distances.getShape(), distances);
    final NDArray far = NDArrays.where(positive, distances, never.sub(FAR)).max(new int[] {1});
    final NDArray near = NDArrays.where(same, never.add(FAR), distances).min(new int[] {1});
    final NDArray anchors = positive.toType(cosines.getDataType(), false).max(new int[] {1});
    final NDArray losses = Activation.relu(far.sub(near).add(MARGIN)).mul(anchors);
    return losses.sum().div(anchors.sum().add(1e-12));
  }

  /** Embeddings of samples that come class by class. */
  private record Embedded(NDArray array, List<float[]> rows, List<Integer> labels) {

    static Embedded of(Block body, WarpedClasses.Samples samples, NDManager manager) {
      final NDArray array =
          body.forward(
                  new ParameterStore(manager, false), new NDList(samples.inputs(manager)), false)
              .head();
      final float[] all = array.toFloatArray();
      return new Embedded(
          array,
          IntStream.range(0, samples.count())
              .mapToObj(i -> Arrays.copyOfRange(all, i * EMBEDDING, (i + 1) * EMBEDDING))
              .toList(),
          Arrays.stream(samples.labels()).boxed().toList());
    }

    /** The first {@code count} embeddings of the classes {@code [from, to)} that are here. */
    List<float[][]> classes(int from, int to, int count) {
      return IntStream.range(from, to)
          .mapToObj(
              label ->
                  IntStream.range(0, rows.size())
                      .filter(i -> labels.get(i) == label)
                      .limit(count)
                      .mapToObj(rows::get)
                      .toArray(float[][]::new))
          .toList();
    }

    /** The same as an array. */
    NDArray supports(int label, int count) {
      final int first = labels.indexOf(label);
      return array.get(first + ":" + (first + count));
    }
  }

  /** Retrieval among novel classes, and whether base samples look more familiar than novel ones. */
  private static void retrieval(
      Experiment experiment, Plan plan, Arm arm, Embedded known, Embedded held) {
    final int[] novel =
        IntStream.range(0, held.rows().size())
            .filter(i -> held.labels().get(i) >= plan.base())
            .toArray();
    final CosineRetrieval ranked =
        CosineRetrieval.of(
            Arrays.stream(novel).mapToObj(held.rows()::get).toArray(float[][]::new),
            Arrays.stream(novel).map(held.labels()::get).toArray());
    experiment.metric(arm.metric(MAP), ranked.meanAveragePrecision());
    experiment.metric(arm.metric(RECALL), ranked.recall(1));
    final Prototypes base = Prototypes.byCosine(known.classes(0, plan.base(), plan.train()));
    experiment.metric(
        arm.metric(AUROC),
        Separation.auroc(
            IntStream.range(0, held.rows().size())
                .filter(i -> held.labels().get(i) < plan.base())
                .mapToDouble(i -> base.best(held.rows().get(i)))
                .toArray(),
            Arrays.stream(novel).mapToDouble(i -> base.best(held.rows().get(i))).toArray()));
  }

  /** The paper's method: new columns, no training. */
  private static void sphere(
      Experiment experiment,
      Plan plan,
      NormalizedSoftmaxHead trained,
      Embedded unseen,
      Embedded held,
      NDManager manager) {
    final ParameterStore store = new ParameterStore(manager, false);
    NormalizedSoftmaxHead all = trained;
    for (int label = plan.base(); label < plan.classes(); label++) {
      all = all.withClass(manager, unseen.supports(label, plan.supports()));
    }
    joint(experiment, plan, Arm.SPHERE, held, argmax(all, held.array(), store));
    for (final int count : plan.shots()) {
      final NormalizedSoftmaxHead only =
          trained.ofPrototypes(
              manager,
              IntStream.range(plan.base(), plan.classes())
                  .mapToObj(label -> unseen.supports(label, count))
                  .toList());
      disjoint(experiment, plan, Arm.SPHERE, count, held, argmax(only, held.array(), store));
    }
  }

  private static int[] argmax(Block head, NDArray embeddings, ParameterStore store) {
    return Arrays.stream(
            head.forward(store, new NDList(embeddings), false).head().argMax(1).toLongArray())
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  private static void prototypes(
      Experiment experiment, Plan plan, Arm arm, Prototypes base, Embedded unseen, Embedded held) {
    final Prototypes all = base.and(novel(plan, arm, unseen, plan.supports()));
    joint(experiment, plan, arm, held, held.rows().stream().mapToInt(all::nearest).toArray());
    for (final int count : plan.shots()) {
      final Prototypes only = novel(plan, arm, unseen, count);
      disjoint(
          experiment,
          plan,
          arm,
          count,
          held,
          held.rows().stream().mapToInt(only::nearest).toArray());
    }
  }

  private static Prototypes novel(Plan plan, Arm arm, Embedded unseen, int count) {
    final List<float[][]> supports = unseen.classes(plan.base(), plan.classes(), count);
    return arm == Arm.TRIPLET ? Prototypes.byDistance(supports) : Prototypes.byCosine(supports);
  }

  /** Plain softmax: the mean embedding as a column, bias 0. */
  private static void columns(
      Experiment experiment, Plan plan, Linear plain, Embedded unseen, Embedded held) {
    final NDArray weight = plain.getParameters().get("weight").getArray().stopGradient();
    final NDArray bias = plain.getParameters().get("bias").getArray().stopGradient();
    weight.attach(held.array().getManager());
    bias.attach(held.array().getManager());
    final NDArray base = held.array().matMul(weight.transpose()).add(bias);
    final NDArray novel = means(plan, plan.supports(), unseen, held);
    joint(experiment, plan, Arm.SOFTMAX, held, largest(base.concat(novel, 1)));
    for (final int count : plan.shots()) {
      disjoint(
          experiment, plan, Arm.SOFTMAX, count, held, largest(means(plan, count, unseen, held)));
    }
  }

  private static NDArray means(Plan plan, int count, Embedded unseen, Embedded held) {
    final NDList columns = new NDList();
    for (int label = plan.base(); label < plan.classes(); label++) {
      columns.add(unseen.supports(label, count).mean(new int[] {0}));
    }
    return held.array().matMul(NDArrays.stack(columns, 1));
  }

  private static int[] largest(NDArray scores) {
    return Arrays.stream(scores.argMax(1).toLongArray()).mapToInt(Math::toIntExact).toArray();
  }

  private static void joint(
      Experiment experiment, Plan plan, Arm arm, Embedded held, int[] predicted) {
    experiment.metric(arm.joint(), accuracy(held, predicted, 0, 0, plan.classes()));
    experiment.metric(arm.base(), accuracy(held, predicted, 0, 0, plan.base()));
    experiment.metric(arm.novel(), accuracy(held, predicted, 0, plan.base(), plan.classes()));
  }

  private static void disjoint(
      Experiment experiment, Plan plan, Arm arm, int count, Embedded held, int[] predicted) {
    final double accuracy = accuracy(held, predicted, plan.base(), plan.base(), plan.classes());
    experiment.metric(arm.shots(count), accuracy);
    if (count == plan.supports()) {
      experiment.metric(arm.disjoint(), accuracy);
    }
  }

  /**
   * Accuracy on samples of the classes {@code [from, to)}; predictions count from {@code first}.
   */
  private static double accuracy(Embedded held, int[] predicted, int first, int from, int to) {
    return IntStream.range(0, predicted.length)
        .filter(i -> held.labels().get(i) >= from && held.labels().get(i) < to)
        .mapToDouble(i -> predicted[i] + first == held.labels().get(i) ? 1 : 0)
        .average()
        .orElseThrow();
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    final List<Double> shots =
        Plan.of(runs.getFirst().scale()).shots().stream().map(Integer::doubleValue).toList();
    return List.of(
        new Figure(
            "Accuracy with novel classes",
            "Five samples for each novel class, no training; mean over seeds with their range.",
            Axis.category("protocol", List.of("joint", "joint, base", "joint, novel", "disjoint")),
            Axis.linear("accuracy (%)"),
            Arrays.stream(Arm.values())
                .map(
                    arm ->
                        SeedCurves.byCategory(
                            arm.label,
                            Mark.BAR,
                            runs,
                            100,
                            List.of(arm.joint(), arm.base(), arm.novel(), arm.disjoint())))
                .toList()),
        new Figure(
            "Accuracy by number of supports",
            "Novel samples ranked among novel classes; mean over seeds with their range.",
            Axis.log2("samples of a novel class"),
            Axis.linear("disjoint accuracy (%)"),
            Arrays.stream(Arm.values())
                .map(
                    arm ->
                        SeedCurves.over(
                            arm.label,
                            Mark.LINE,
                            Summary.MEAN,
                            shots,
                            i ->
                                runs.stream()
                                    .mapToDouble(
                                        run -> 100 * run.metric(arm.shots(shots.get(i).intValue())))
                                    .toArray()))
                .toList()),
        new Figure(
            "Embeddings of unseen classes",
            "Retrieval among novel samples, and how well the nearest base class tells base samples"
                + " from novel ones; mean over seeds with their range.",
            Axis.category("metric", List.of(MAP, RECALL, AUROC)),
            Axis.linear("%"),
            NETWORKS.stream()
                .map(
                    arm ->
                        SeedCurves.byCategory(
                            arm == Arm.SOFTMAX ? "softmax" : arm.label,
                            Mark.BAR,
                            runs,
                            100,
                            List.of(arm.metric(MAP), arm.metric(RECALL), arm.metric(AUROC))))
                .toList()));
  }
}
