package io.steelyard.layers.vision;

import io.steelyard.layers.attention.Grid;

/**
 * Sizes of a {@link VisionTransformer}.
 *
 * @param channels C of the images, at least 1
 * @param height of the images, a multiple of {@code patch}
 * @param width of the images, a multiple of {@code patch}
 * @param patch height and width of the square that becomes a token, at least 1
 * @param features d, numbers of a token, a multiple of {@code heads}
 * @param heads H; with rotary positions {@code d / H} is a multiple of 4
 * @param depth number of layers, at least 1
 * @param hidden units of the feed-forward networks, at least 1
 * @param positions how tokens know where they are; not {@link Positions#ROTARY} with a class token,
 *     which is nowhere
 * @param pooling what the classifier reads
 * @param dropPath stochastic depth of the last layer, in [0, 1)
 * @param classes K, at least 1
 */
public record VisionTransformerConfiguration(
    int channels,
    int height,
    int width,
    int patch,
    int features,
    int heads,
    int depth,
    int hidden,
    Positions positions,
    Pooling pooling,
    double dropPath,
    int classes) {

  /** How tokens know where they are. */
  public enum Positions {
    /** A vector learned for each place is added to its token. */
    LEARNED,
    /** Queries and keys turn with rows and columns, see {@code Rotary.grid()}. */
    ROTARY,
    /** Not at all: the order of patches does not matter. */
    NONE
  }

  /** What the classifier reads. */
  public enum Pooling {
    /** The output of a learned token beside those of the image. */
    CLASS_TOKEN,
    /** The mean of all outputs. */
    MEAN
  }

  /** DeiT-T of arXiv 2012.12877 at 224 x 224: 5,717,416 parameters. */
  public static final VisionTransformerConfiguration DEIT_TINY = deit(192, 3);

  /** DeiT-S at 224 x 224: 22,050,664 parameters. */
  public static final VisionTransformerConfiguration DEIT_SMALL = deit(384, 6);

  /** DeiT-B at 224 x 224: 86,567,656 parameters. */
  public static final VisionTransformerConfiguration DEIT_BASE = deit(768, 12);

  /**
   * For 28 x 28 gray images and quick runs: 49 tokens of 4 x 4 pixels, two layers of 64 features;
   * 71,946 parameters.
   */
  public static final VisionTransformerConfiguration SMALL =
      new VisionTransformerConfiguration(
          1, 28, 28, 4, 64, 4, 2, 128, Positions.LEARNED, Pooling.MEAN, 0, 10);

  /** Checks the ranges. */
  public VisionTransformerConfiguration {
    Extents.positive("channels", channels);
    Extents.positive("patch", patch);
    Extents.positive("heads", heads);
    Extents.positive("depth", depth);
    Extents.positive("hidden", hidden);
    Extents.positive("classes", classes);
    Extents.multiple("height", height, "patch", patch);
    Extents.multiple("width", width, "patch", patch);
    Extents.multiple("features", features, "heads", heads);
    Extents.belowOne("dropPath", dropPath);
    if (positions == Positions.ROTARY && pooling == Pooling.CLASS_TOKEN) {
      throw new IllegalArgumentException(
          "positions are ROTARY with a class token, which has no place; expected pooling MEAN");
    }
    if (positions == Positions.ROTARY && features / heads % 4 != 0) {
      throw new IllegalArgumentException(
          "features is "
              + features
              + "; expected a multiple of 4 for each of "
              + heads
              + " heads with rotary positions");
    }
  }

  private static VisionTransformerConfiguration deit(int features, int heads) {
    return new VisionTransformerConfiguration(
        3,
        224,
        224,
        16,
        features,
        heads,
        12,
        4 * features,
        Positions.LEARNED,
        Pooling.CLASS_TOKEN,
        0.1,
        1000);
  }

  /** How the patches lie. */
  public Grid grid() {
    return new Grid(height / patch, width / patch);
  }

  /** T: one for each patch, and perhaps the class token. */
  public int tokens() {
    return grid().tokens() + (pooling == Pooling.CLASS_TOKEN ? 1 : 0);
  }

  /** The same for other images. */
  public VisionTransformerConfiguration onImages(int newChannels, int newHeight, int newWidth) {
    return new VisionTransformerConfiguration(
        newChannels,
        newHeight,
        newWidth,
        patch,
        features,
        heads,
        depth,
        hidden,
        positions,
        pooling,
        dropPath,
        classes);
  }

  /** The same with larger or smaller patches. */
  public VisionTransformerConfiguration withPatch(int newPatch) {
    return new VisionTransformerConfiguration(
        channels, height, width, newPatch, features, heads, depth, hidden, positions, pooling,
        dropPath, classes);
  }

  /** The same with other positions and another pooling. */
  public VisionTransformerConfiguration with(Positions newPositions, Pooling newPooling) {
    return new VisionTransformerConfiguration(
        channels,
        height,
        width,
        patch,
        features,
        heads,
        depth,
        hidden,
        newPositions,
        newPooling,
        dropPath,
        classes);
  }

  /** The same with another number of classes. */
  public VisionTransformerConfiguration withClasses(int newClasses) {
    return new VisionTransformerConfiguration(
        channels,
        height,
        width,
        patch,
        features,
        heads,
        depth,
        hidden,
        positions,
        pooling,
        dropPath,
        newClasses);
  }

  /** The same with another rate of stochastic depth. */
  public VisionTransformerConfiguration withDropPath(double newDropPath) {
    return new VisionTransformerConfiguration(
        channels,
        height,
        width,
        patch,
        features,
        heads,
        depth,
        hidden,
        positions,
        pooling,
        newDropPath,
        classes);
  }
}
