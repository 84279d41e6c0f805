package io.steelyard.layers.vision;

import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.attention.OutputGate;
import io.steelyard.layers.initializer.InitialWeights;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Sizes of a {@link HierarchicalTransformer}.
 *
 * <p>The published ones are those of the released code of arXiv 2507.00698 (MAViT) and 2506.21137
 * (NaLaFormer), at 224 x 224: linear attention in the first two stages, softmax in the others.
 *
 * <p>Make the features of every stage multiples of 32: that makes all convolutions have multiples
 * of 16 filters, see {@link ConvNetConfiguration} for why.
 *
 * @param channels C of the images, at least 1
 * @param height of the images, at least 1; each halving rounds up
 * @param width of the images, at least 1
 * @param design what the layers are like
 * @param stages from fine to coarse, at least one; the first has a fourth of the images' height and
 *     width, each other one half of the one before
 * @param projection features that the classifier reads, at least 1
 * @param dropPath stochastic depth of the last layer, in [0, 1)
 * @param classes K, at least 1
 */
public record HierarchicalConfiguration(
    int channels,
    int height,
    int width,
    Design design,
    List<Stage> stages,
    int projection,
    double dropPath,
    int classes) {

  /** What the layers are like. */
  public enum Design {
    /**
     * A convolution for positions before the attention, {@link OutputGate#plain}; all weights begin
     * truncated normal with deviation 0.02, biases at 0.
     */
    MAVIT {
      @Override
      OutputGate gate() {
        return OutputGate.plain();
      }

      @Override
      InitialWeights linearWeights(RandomGenerator random) {
        return InitialWeights.transformer(random);
      }
    },
    /**
     * Convolutions for positions before the attention and before the feed-forward network, {@link
     * OutputGate#normed}; convolutions begin as in MAViT, linear maps uniform by fan-in.
     */
    NALAFORMER {
      @Override
      OutputGate gate() {
        return OutputGate.normed();
      }

      @Override
      InitialWeights linearWeights(RandomGenerator random) {
        return InitialWeights.fanIn(random);
      }
    };

    abstract OutputGate gate();

    abstract InitialWeights linearWeights(RandomGenerator random);
  }

  /**
   * Layers of one resolution.
   *
   * @param features d, a multiple of {@code 4 heads}
   * @param depth number of layers, at least 1
   * @param heads H, at least 1; each needs 4 features or a multiple, for rotary positions on the
   *     grid
   * @param hidden units of the feed-forward networks, at least 1
   * @param attention of the layers
   * @param layerScale what the factors of the branches begin with
   */
  public record Stage(
      int features, int depth, int heads, int hidden, Attention attention, double layerScale) {

    /** Checks the ranges. */
    public Stage {
      Extents.positive("depth", depth);
      Extents.positive("heads", heads);
      Extents.positive("hidden", hidden);
      Extents.multiple("features", features, "4 heads", 4 * heads);
      if (!Double.isFinite(layerScale)) {
        throw new IllegalArgumentException(
            "layerScale is " + layerScale + "; expected a finite number");
      }
    }

    /** The same with another attention. */
    public Stage with(Attention other) {
      return new Stage(features, depth, heads, hidden, other, layerScale);
    }
  }

  private static final int[] TINY_DIMS = {64, 128, 256, 512};
  private static final int[] SMALL_DIMS = {64, 128, 320, 512};
  private static final int[] BASE_DIMS = {96, 192, 384, 512};
  private static final int[] LARGE_DIMS = {96, 192, 448, 640};
  private static final int[] TINY_DEPTHS = {2, 2, 6, 2};
  private static final int[] SMALL_DEPTHS = {3, 5, 9, 3};
  private static final int[] BASE_DEPTHS = {4, 6, 12, 6};
  private static final int[] LARGE_DEPTHS = {4, 7, 19, 8};
  private static final int[] TINY_HEADS = {1, 2, 4, 8};
  private static final int[] SMALL_HEADS = {1, 2, 5, 8};
  private static final int[] BASE_HEADS = {1, 2, 6, 8};
  private static final int[] LARGE_HEADS = {1, 2, 7, 10};
  private static final double[] ONES = {1, 1, 1, 1};
  private static final double[] BASE_SCALES = {1, 1, 1e-6, 1e-6};
  private static final double[] LARGE_SCALES = {1e-6, 1e-6, 1e-6, 1e-6};

  /** MAViT-T: 16,449,128 parameters. */
  public static final HierarchicalConfiguration MAVIT_T =
      mavit(TINY_DIMS, TINY_DEPTHS, TINY_HEADS, 2048, 0.1, ONES);

  /** MAViT-S: 27,142,568 parameters. */
  public static final HierarchicalConfiguration MAVIT_S =
      mavit(SMALL_DIMS, SMALL_DEPTHS, SMALL_HEADS, 2048, 0.15, ONES);

  /** MAViT-B: 49,792,648 parameters. */
  public static final HierarchicalConfiguration MAVIT_B =
      mavit(BASE_DIMS, BASE_DEPTHS, BASE_HEADS, 2048, 0.4, BASE_SCALES);

  /** MAViT-L: 97,766,088 parameters. */
  public static final HierarchicalConfiguration MAVIT_L =
      mavit(LARGE_DIMS, LARGE_DEPTHS, LARGE_HEADS, 2560, 0.55, LARGE_SCALES);

  /** MAViT's layers in two stages, for 28 x 28 gray images and quick runs: 122,890 parameters. */
  public static final HierarchicalConfiguration MAVIT_SMALL = small(Design.MAVIT, Attention.mala());

  /**
   * NaLaFormer-XT of the released code: 6,142,248 parameters. (The published table says 8 M, which
   * the released code would have with a projection of 2048.)
   */
  public static final HierarchicalConfiguration NALAFORMER_XT =
      nalaformer(
          new int[] {32, 64, 128, 384},
          new int[] {2, 2, 2, 2},
          new int[] {1, 2, 4, 12},
          3.5,
          0.1,
          ONES);

  /**
   * NaLaFormer-T of the released code: 15,907,752 parameters. (The published table says 15 M, which
   * the released code would have with feed-forward networks 3.5 times as wide as tokens, not 4.)
   */
  public static final HierarchicalConfiguration NALAFORMER_T =
      nalaformer(TINY_DIMS, TINY_DEPTHS, TINY_HEADS, 4, 0.1, ONES);

  /** NaLaFormer-S: 25,654,184 parameters. */
  public static final HierarchicalConfiguration NALAFORMER_S =
      nalaformer(SMALL_DIMS, SMALL_DEPTHS, SMALL_HEADS, 3.5, 0.15, ONES);

  /** NaLaFormer-B: 52,002,952 parameters. */
  public static final HierarchicalConfiguration NALAFORMER_B =
      nalaformer(BASE_DIMS, BASE_DEPTHS, BASE_HEADS, 4, 0.4, BASE_SCALES);

  /** NaLaFormer-L: 95,426,760 parameters. */
  public static final HierarchicalConfiguration NALAFORMER_L =
      nalaformer(LARGE_DIMS, LARGE_DEPTHS, LARGE_HEADS, 3.5, 0.55, LARGE_SCALES);

  /**
   * NaLaFormer's layers in two stages, for 28 x 28 gray images and quick runs: 124,426 parameters.
   */
  public static final HierarchicalConfiguration NALAFORMER_SMALL =
      small(Design.NALAFORMER, Attention.nala());

  /** Checks the ranges. */
  public HierarchicalConfiguration {
    stages = List.copyOf(stages);
    Extents.positive("channels", channels);
    Extents.positive("height", height);
    Extents.positive("width", width);
    Extents.positive("projection", projection);
    Extents.positive("classes", classes);
    Extents.belowOne("dropPath", dropPath);
    if (stages.isEmpty()) {
      throw new IllegalArgumentException("stages are none; expected at least one");
    }
  }

  private static HierarchicalConfiguration mavit(
      int[] dims, int[] depths, int[] heads, int projection, double dropPath, double[] scales) {
    return published(
        Design.MAVIT, Attention.mala(), dims, depths, heads, 3.5, projection, dropPath, scales);
  }

  private static HierarchicalConfiguration nalaformer(
      int[] dims, int[] depths, int[] heads, double ratio, double dropPath, double[] scales) {
    return published(
        Design.NALAFORMER, Attention.nala(), dims, depths, heads, ratio, 1024, dropPath, scales);
  }

  private static HierarchicalConfiguration published(
      Design design,
      Attention linear,
      int[] dims,
      int[] depths,
      int[] heads,
      double ratio,
      int projection,
      double dropPath,
      double[] scales) {
    final List<Stage> stages =
        IntStream.range(0, dims.length)
            .mapToObj(
                i ->
                    new Stage(
                        dims[i],
                        depths[i],
                        heads[i],
                        (int) (ratio * dims[i]),
                        i < 2 ? linear : Attention.softmax(),
                        scales[i]))
            .toList();
    return new HierarchicalConfiguration(3, 224, 224, design, stages, projection, dropPath, 1000);
  }

  private static HierarchicalConfiguration small(Design design, Attention linear) {
    return new HierarchicalConfiguration(
        1,
        28,
        28,
        design,
        List.of(
            new Stage(32, 2, 2, 112, linear, 1), new Stage(64, 1, 4, 224, Attention.softmax(), 1)),
        128,
        0,
        10);
  }

  /** How the tokens of a stage lie, 0 for the first. */
  public Grid grid(int stage) {
    int rows = height;
    int columns = width;
    for (int i = 0; i < stage + 2; i++) {
      rows = (rows + 1) / 2;
      columns = (columns + 1) / 2;
    }
    return new Grid(rows, columns);
  }

  /** Number of layers in all stages. */
  public int depth() {
    return stages.stream().mapToInt(Stage::depth).sum();
  }

  /**
   * The same with other attentions.
   *
   * @param attentions one for each stage
   */
  public HierarchicalConfiguration with(List<Attention> attentions) {
    if (attentions.size() != stages.size()) {
      throw new IllegalArgumentException(
          "attentions are "
              + attentions.size()
              + "; expected one for each of "
              + stages.size()
              + " stages");
    }
    return new HierarchicalConfiguration(
        channels,
        height,
        width,
        design,
        IntStream.range(0, stages.size())
            .mapToObj(i -> stages.get(i).with(attentions.get(i)))
            .toList(),
        projection,
        dropPath,
        classes);
  }

  /** The same for other images. */
  public HierarchicalConfiguration onImages(int newChannels, int newHeight, int newWidth) {
    return new HierarchicalConfiguration(
        newChannels, newHeight, newWidth, design, stages, projection, dropPath, classes);
  }

  /** The same with another number of classes. */
  public HierarchicalConfiguration withClasses(int newClasses) {
    return new HierarchicalConfiguration(
        channels, height, width, design, stages, projection, dropPath, newClasses);
  }

  /** The same with another rate of stochastic depth. */
  public HierarchicalConfiguration withDropPath(double newDropPath) {
    return new HierarchicalConfiguration(
        channels, height, width, design, stages, projection, newDropPath, classes);
  }
}
