package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.loss.CrossEntropyLoss;
import io.steelyard.layers.loss.LossOptions;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Clipping;
import io.steelyard.layers.training.Decay;
import io.steelyard.layers.training.Objective;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Step;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.layers.vision.HierarchicalConfiguration;
import io.steelyard.layers.vision.HierarchicalTransformer;
import io.steelyard.layers.vision.VisionTransformer;
import io.steelyard.layers.vision.VisionTransformerConfiguration;
import io.steelyard.papers.augment.MiddleCrop;
import io.steelyard.papers.augment.Mixing;
import io.steelyard.papers.augment.Pixels;
import io.steelyard.papers.augment.RandAugment;
import io.steelyard.papers.augment.RandomCrop;
import io.steelyard.papers.augment.RandomErasing;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.PictureFolders;
import io.steelyard.papers.data.PictureFolders.Picture;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Classification of ImageNet-1K from {@link PictureFolders}, as recipes for vision transformers
 * train it: AdamW without decay of biases and norms, warm-up and half a cosine, random crops,
 * {@link RandAugment}, {@link RandomErasing} and {@link Mixing}; tested on the middle of every test
 * picture, with the moving average of the parameters where the recipe keeps one.
 *
 * <p>Pictures are decoded and changed by all cores, a piece ahead of a GPU. What happens to one
 * depends on the seed, the pass and the picture alone.
 */
public final class ImageNetTraining {

  /** Where training begins its warm-up. */
  private static final double COLDEST = 1e-6;

  private static final int BEST = 5;

  private ImageNetTraining() {}

  /**
   * How a model is trained.
   *
   * @param passes over the training pictures
   * @param warmUp passes of growing rate
   * @param batch pictures a step
   * @param piece pictures on the device at a time, mixed with each other only; on several devices
   *     of the published runs it is the batch of one
   * @param rate highest learning rate
   * @param leastRate at the end
   * @param decay of weights
   * @param clipping of gradients
   * @param average weight of the old in the moving average of parameters, if one is kept
   * @param augment random changes of pictures
   * @param erasing probability of erasing
   * @param mixing of pictures
   */
  public record Recipe(
      int passes,
      int warmUp,
      int batch,
      int piece,
      double rate,
      double leastRate,
      double decay,
      Clipping clipping,
      OptionalDouble average,
      RandAugment augment,
      double erasing,
      Mixing mixing) {

    /** Checks the extents. */
    public Recipe {
      if (warmUp < 0 || passes <= warmUp) {
        throw new IllegalArgumentException(
            "passes is " + passes + " with " + warmUp + " to warm up; expected more than that");
      }
      if (piece < 1 || batch % piece != 0) {
        throw new IllegalArgumentException(
            "batch is " + batch + "; expected a multiple of piece, " + piece);
      }
    }

    /**
     * DeiT's (arXiv 2012.12877, table 9) without its repeated augmentation: 300 passes, 5 to warm
     * up, 1e-3 for batches of 1,024.
     */
    public static Recipe deit() {
      return new Recipe(
          300,
          5,
          1024,
          128,
          1e-3,
          1e-5,
          0.05,
          Clipping.none(),
          OptionalDouble.empty(),
          RandAugment.usual(),
          0.25,
          Mixing.usual());
    }

    /** SOFT's for Tiny and Small: 10 passes to warm up, gradients clipped, an average. */
    public static Recipe soft() {
      return new Recipe(
          300,
          10,
          1024,
          128,
          1e-3,
          5e-5,
          0.05,
          Clipping.byNorm(1),
          OptionalDouble.of(0.99996),
          RandAugment.usual(),
          0.25,
          Mixing.usual());
    }

    /** The same with a moving average. */
    public Recipe withAverage(double weight) {
      return new Recipe(
          passes,
          warmUp,
          batch,
          piece,
          rate,
          leastRate,
          decay,
          clipping,
          OptionalDouble.of(weight),
          augment,
          erasing,
          mixing);
    }

    Schedule schedule(long perPass) {
      final long warm = warmUp * perPass;
      final Schedule cosine = Schedule.cosine(rate, leastRate, passes * perPass - warm);
      return warm == 0 ? cosine : Schedule.linear(COLDEST, rate, warm).then(warm, cosine);
    }

    /** In words, for run records. */
    String words() {
      return ("%d passes, %d to warm up, batches of %d (mixed in pieces of %d), AdamW, rate %s to %s,"
              + " decay %s, %s, %s")
          .formatted(
              passes,
              warmUp,
              batch,
              piece,
              rate,
              leastRate,
              decay,
              clipping,
              average.isPresent()
                  ? "moving average " + average.getAsDouble()
                  : "no moving average");
    }
  }

  /**
   * What is trained.
   *
   * @param name as in the paper
   * @param side of the pictures it takes
   * @param model from how many classes there are and what initial weights are drawn from
   */
  public record Entrant(String name, int side, Model model) {

    /** The metric of its accuracy, a share. */
    public String top1() {
      return name + " top-1 on ImageNet";
    }

    String top5() {
      return name + " top-5 on ImageNet";
    }

    /** The series of its loss. */
    public String loss() {
      return name + " loss on ImageNet";
    }
  }

  /** Makes a network from pictures {@code [B, 3, side, side]} to scores {@code [B, classes]}. */
  @FunctionalInterface
  public interface Model {
    /** A new network. */
    Block of(int classes, RandomGenerator random);
  }

  /** DeiT-T (arXiv 2012.12877) around an attention. */
  public static Entrant deitTiny(String name, Attention attention) {
    final VisionTransformerConfiguration sizes = VisionTransformerConfiguration.DEIT_TINY;
    return new Entrant(
        name,
        sizes.width(),
        (classes, random) -> new VisionTransformer(sizes.withClasses(classes), attention, random));
  }

  /** A transformer in stages. */
  public static Entrant stages(String name, HierarchicalConfiguration sizes) {
    return new Entrant(
        name,
        sizes.width(),
        (classes, random) -> new HierarchicalTransformer(sizes.withClasses(classes), random));
  }

  /** The pictures, if there are any; says so in the run's record, or warns that there are none. */
  public static Optional<PictureFolders> find(Experiment experiment) {
    final Optional<PictureFolders> found =
        PictureFolders.imageNet(
            DataLocations.standard(experiment.dataFolder()), experiment::warning);
    found.ifPresent(
        pictures -> experiment.data(PictureFolders.IMAGENET, "folders, " + pictures.origin()));
    return found;
  }

  /** Whether a run of before had the pictures, if they are there now. */
  public static boolean sameData(Run earlier, Optional<Path> dataFolder) {
    return earlier.scale() != Scale.FULL
        || earlier.data().containsKey(PictureFolders.IMAGENET)
        || !PictureFolders.isIn(DataLocations.standard(dataFolder));
  }

  /** How many steps of progress {@link #run} reports. */
  public static long reports(List<Entrant> entrants, Recipe recipe) {
    return entrants.size() * (recipe.passes() + 1L);
  }

  /**
   * Pieces in order. Those for a GPU are made while it works; on the CPU that would only take the
   * cores that train.
   */
  private static <T> Ahead<T> ahead(Experiment experiment, int count, IntFunction<T> maker) {
    return experiment.device().isGpu() ? Ahead.byOne(count, maker) : Ahead.byNone(count, maker);
  }

  /**
   * Trains and tests each, from the same order of pictures with the same changes: metrics top-1 and
   * top-5, a curve of the loss. Goes on from {@link Experiment#checkpoint} where there is one.
   */
  public static void run(
      Experiment experiment, PictureFolders pictures, List<Entrant> entrants, Recipe recipe) {
    experiment.setting("ImageNet", recipe.words());
    for (final Entrant entrant : entrants) {
      run(experiment, pictures, entrant, recipe);
    }
  }

  private static void run(
      Experiment experiment, PictureFolders pictures, Entrant entrant, Recipe recipe) {
    final Seed seed = new Seed(experiment.seed());
    final Batches order = Batches.shuffled(pictures.train().size(), recipe.batch(), seed);
    final Block net =
        entrant.model().of(pictures.classes().size(), experiment.random("initial weights"));
    final TrainingOptions usual =
        TrainingOptions.seeded(experiment.seed())
            .with(
                Optimizer.adamW(recipe.decay()).with(Decay.decoupled(recipe.decay()).ofMatrices()))
            .with(recipe.schedule(order.perPass()))
            .with(recipe.clipping())
            .on(experiment.device());
    final TrainingOptions options =
        recipe.average().isPresent() ? usual.withAverage(recipe.average().getAsDouble()) : usual;
    final Shape shape = new Shape(1, Pixels.CHANNELS, entrant.side(), entrant.side());
    try (Training training = new Training(net, options, shape)) {
      train(experiment, pictures, entrant, recipe, order, seed, training);
      if (recipe.average().isPresent()) {
        try (Training.Averaged _ = training.averaged()) {
          test(experiment, pictures, entrant, recipe, training);
        }
      } else {
        test(experiment, pictures, entrant, recipe, training);
      }
    }
  }

  private static void train(
      Experiment experiment,
      PictureFolders pictures,
      Entrant entrant,
      Recipe recipe,
      Batches order,
      Seed seed,
      Training training) {
    final Optional<Path> checkpoint = experiment.checkpoint(entrant.name());
    checkpoint.filter(Files::exists).ifPresent(training::resume);
    final long first = training.steps() / order.perPass();
    if (first > 0) {
      experiment.warning(
          entrant.name() + " goes on from a checkpoint after pass " + first + "; its curve too");
    }
    final Changes changes = new Changes(pictures, entrant.side(), recipe, seed);
    final List<Double> passes = new ArrayList<>();
    final List<Double> losses = new ArrayList<>();
    for (long pass = first; pass < recipe.passes(); pass++) {
      final long number = pass;
      final List<int[]> batches = order.pass(pass);
      final int pieces = recipe.batch() / recipe.piece();
      double sum = 0;
      try (Ahead<Piece> ahead =
          ahead(
              experiment,
              batches.size() * pieces,
              i -> {
                final int[] batch = batches.get(i / pieces);
                final int from = i % pieces * recipe.piece();
                return changes.piece(
                    Arrays.copyOfRange(batch, from, from + recipe.piece()), number, i);
              })) {
        for (int batch = 0; batch < batches.size(); batch++) {
          final List<Objective> parts = new ArrayList<>();
          for (int piece = 0; piece < pieces; piece++) {
            parts.add(
                step -> loss(step, training.block(), ahead.next(), entrant.side(), 1.0 / pieces));
          }
          final Step step = training.step(parts);
          sum += step.loss();
        }
      }
      passes.add(pass + 1.0);
      losses.add(sum / batches.size());
      checkpoint.ifPresent(training::save);
      experiment.step("%s, pass %d on ImageNet".formatted(entrant.name(), pass + 1));
    }
    experiment.series(
        new Series(entrant.loss(), "pass", "loss, mean of a pass, mixed labels", passes, losses));
  }

  private static NDArray loss(Objective.Pass pass, Block net, Piece piece, int side, double share) {
    final NDManager manager = pass.manager();
    final Shape shape = new Shape(piece.count, Pixels.CHANNELS, side, side);
    final NDArray scores =
        pass.forward(net, manager.create(piece.pixels, shape)).singletonOrThrow();
    final Shape rows = new Shape(piece.count, piece.targets.length / piece.count);
    final NDArray loss =
        CrossEntropyLoss.crossEntropy(
            scores, manager.create(piece.targets, rows), 0, LossOptions.mean());
    return loss.mul(Like.scalar(share, loss));
  }

  private static void test(
      Experiment experiment,
      PictureFolders pictures,
      Entrant entrant,
      Recipe recipe,
      Training training) {
    final int side = entrant.side();
    final List<Picture> test = pictures.test();
    final MiddleCrop middle = MiddleCrop.usual(side);
    final int size = Pixels.CHANNELS * side * side;
    final int pieces = (test.size() + recipe.piece() - 1) / recipe.piece();
    int first = 0;
    int among = 0;
    try (Ahead<float[]> ahead =
        ahead(
            experiment,
            pieces,
            piece -> {
              final int from = piece * recipe.piece();
              final float[] pixels = new float[Math.min(recipe.piece(), test.size() - from) * size];
              IntStream.range(0, pixels.length / size)
                  .parallel()
                  .forEach(
                      i ->
                          Pixels.write(
                              middle.apply(pictures.load(test.get(from + i))), pixels, i * size));
              return pixels;
            })) {
      for (int piece = 0; piece < pieces; piece++) {
        final float[] pixels = ahead.next();
        final int count = pixels.length / size;
        try (NDManager manager = Libtorch.newManager(experiment.device())) {
          final float[] scores =
              training
                  .predict(
                      manager.create(pixels, new Shape(count, Pixels.CHANNELS, side, side)), count)
                  .toFloatArray();
          final int classes = scores.length / count;
          for (int i = 0; i < count; i++) {
            final int label = test.get(piece * recipe.piece() + i).label();
            final int rank = rank(scores, i * classes, classes, label);
            first += rank == 0 ? 1 : 0;
            among += rank < BEST ? 1 : 0;
          }
        }
      }
    }
    experiment.metric(entrant.top1(), (double) first / test.size());
    experiment.metric(entrant.top5(), (double) among / test.size());
    experiment.step(entrant.name() + " tested on ImageNet");
  }

  /** How many classes score higher; a NaN of its own is last. */
  private static int rank(float[] scores, int offset, int classes, int label) {
    final float own = scores[offset + label];
    return (int)
        IntStream.range(0, classes).filter(c -> c != label && !(scores[offset + c] <= own)).count();
  }

  /** Pictures on their way to the device. */
  private static final class Piece {

    private final int count;

    /** {@code [count, 3, side, side]}. */
    private final float[] pixels;

    /** {@code [count, classes]}. */
    private final float[] targets;

    Piece(int count, float[] pixels, float[] targets) {
      this.count = count;
      this.pixels = pixels;
      this.targets = targets;
    }
  }

  /** Reads pictures and changes them at random. */
  private record Changes(PictureFolders pictures, int side, Recipe recipe, Seed seed) {

    Piece piece(int[] rows, long pass, int number) {
      final RandomCrop crop = RandomCrop.usual(side);
      final RandomErasing erasing = RandomErasing.withProbability(recipe.erasing());
      final int size = Pixels.CHANNELS * side * side;
      final float[] pixels = new float[rows.length * size];
      IntStream.range(0, rows.length)
          .parallel()
          .forEach(
              i -> {
                final RandomGenerator random = seed.stream("picture " + rows[i] + ", pass " + pass);
                Pixels.write(
                    recipe
                        .augment()
                        .apply(
                            crop.apply(pictures.load(pictures.train().get(rows[i])), random),
                            random),
                    pixels,
                    i * size);
                erasing.apply(pixels, i * size, Pixels.CHANNELS, side, random);
              });
      final int[] labels =
          Arrays.stream(rows).map(row -> pictures.train().get(row).label()).toArray();
      final float[] targets =
          recipe
              .mixing()
              .apply(
                  pixels,
                  Pixels.CHANNELS,
                  side,
                  labels,
                  pictures.classes().size(),
                  seed.stream("mixture " + number + ", pass " + pass));
      return new Piece(rows.length, pixels, targets);
    }
  }
}
