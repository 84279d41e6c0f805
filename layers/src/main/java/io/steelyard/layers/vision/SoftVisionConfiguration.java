package io.steelyard.layers.vision;

import io.steelyard.layers.attention.Grid;
import java.util.List;

/**
 * Sizes of a {@link SoftVisionTransformer}: stages of ever fewer and wider tokens, of which the
 * last has softmax attention and a class token and the others softmax-free attention.
 *
 * <p>The sizes of the paper are {@link #TINY} to {@link #HUGE}, for 224 x 224 images of 3 channels
 * and 1000 classes. They are named as there and have the published numbers of parameters, cut to
 * millions as published: 13, 24, 45, 64 and 87. All sizes here have filters in multiples of 16; for
 * other numbers see {@link ConvNetConfiguration} on gradients in float32.
 *
 * @param channels C of the input images, at least 1
 * @param height H of the images in training, a multiple of {@link #unit}
 * @param width W of the images in training, a multiple of {@link #unit}
 * @param stem filters of the first two convolutions
 * @param stages at least 2
 * @param byDegrees whether the softmax-free attention is normalised by degrees: SOFT++
 * @param dropout of what branches give, in [0, 1): grows linearly from 0 in the first layer to this
 *     in the last softmax-free one and beyond
 * @param classes K, at least 1
 */
public record SoftVisionConfiguration(
    int channels,
    int height,
    int width,
    int stem,
    List<Stage> stages,
    boolean byDegrees,
    double dropout,
    int classes) {

  /** Hidden units of a feed-forward network over features of a token. */
  public static final int EXPANSION = 4;

  /** Side of the kernels between stages. */
  static final int KERNEL = 3;

  /** 13,069,056 parameters. */
  public static final SoftVisionConfiguration TINY = published(320, 10, 1, 2, 3, 2);

  /**
   * 24,110,092 parameters. The released code has 20 layers in its third stage, which makes 38.9
   * million and twice the published operations; 7 layers have the published numbers of both.
   */
  public static final SoftVisionConfiguration SMALL = published(320, 10, 1, 3, 7, 4);

  /** 45,812,707 parameters. */
  public static final SoftVisionConfiguration MEDIUM = published(288, 9, 1, 3, 29, 5);

  /** 64,700,646 parameters. */
  public static final SoftVisionConfiguration LARGE = published(320, 10, 1, 3, 40, 5);

  /** 87,108,273 parameters. */
  public static final SoftVisionConfiguration HUGE = published(352, 11, 1, 5, 49, 5);

  /**
   * A small network of the same build for quick experiments on 32 x 32 images of 3 channels and 10
   * classes, not published: tokens on 8 x 8, 4 x 4 and 2 x 2, one layer each; 176,336 parameters.
   */
  public static final SoftVisionConfiguration MINI =
      new SoftVisionConfiguration(
          3,
          32,
          32,
          16,
          List.of(new Stage(32, 2, 1, 2, 5), new Stage(64, 4, 1, 1, 3), Stage.softmax(64, 4, 1)),
          false,
          0,
          10);

  /**
   * A stage.
   *
   * @param width d, features of a token
   * @param heads a divisor of the width
   * @param depth layers, at least 1
   * @param stride r of landmarks, at least 1; not read in the last stage
   * @param valueKernel k of the convolution of values, odd, or 0 for none; not read in the last
   */
  public record Stage(int width, int heads, int depth, int stride, int valueKernel) {

    /** Checks the numbers. */
    public Stage {
      positive("width", width);
      positive("heads", heads);
      positive("depth", depth);
      positive("stride", stride);
      if (width % heads != 0) {
        throw new IllegalArgumentException(
            "heads is " + heads + "; expected a divisor of width, " + width);
      }
      if (valueKernel != 0 && (valueKernel < 0 || valueKernel % 2 == 0)) {
        throw new IllegalArgumentException(
            "valueKernel is " + valueKernel + "; expected an odd number, or 0 for none");
      }
    }

    /** A last stage. */
    public static Stage softmax(int width, int heads, int depth) {
      return new Stage(width, heads, depth, 1, 0);
    }
  }

  /** Checks the ranges. */
  public SoftVisionConfiguration {
    stages = List.copyOf(stages);
    positive("channels", channels);
    positive("stem", stem);
    positive("classes", classes);
    if (stages.size() < 2) {
      throw new IllegalArgumentException(
          "stages are " + stages.size() + "; expected 2 or more, of which the last has softmax");
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout is " + dropout + "; expected [0, 1)");
    }
    multiple("height", height, unit(stages));
    multiple("width", width, unit(stages));
  }

  private static SoftVisionConfiguration published(
      int thirdWidth, int thirdHeads, int first, int second, int third, int fourth) {
    return new SoftVisionConfiguration(
        3,
        224,
        224,
        32,
        List.of(
            new Stage(64, 2, first, 8, 9),
            new Stage(128, 4, second, 4, 5),
            new Stage(thirdWidth, thirdHeads, third, 2, 3),
            Stage.softmax(512, 16, fourth)),
        false,
        0.1,
        1000);
  }

  /** The same as SOFT++. */
  public SoftVisionConfiguration normalizedByDegrees() {
    return new SoftVisionConfiguration(
        channels, height, width, stem, stages, true, dropout, classes);
  }

  /** The same for other images and classes. */
  public SoftVisionConfiguration on(int newChannels, int newHeight, int newWidth, int newClasses) {
    return new SoftVisionConfiguration(
        newChannels, newHeight, newWidth, stem, stages, byDegrees, dropout, newClasses);
  }

  /** The same with another dropout. */
  public SoftVisionConfiguration withDropout(double rate) {
    return new SoftVisionConfiguration(
        channels, height, width, stem, stages, byDegrees, rate, classes);
  }

  /** How many pixels of height or width a token of a stage stands for: 4, 8, 16, ... */
  static int pixels(int stage) {
    return 4 << stage;
  }

  /** What height and width of images have to be multiples of. */
  public int unit() {
    return unit(stages);
  }

  private static int unit(List<Stage> stages) {
    int unit = pixels(stages.size() - 1);
    for (int i = 0; i < stages.size() - 1; i++) {
      final int own = Math.multiplyExact(pixels(i), stages.get(i).stride());
      unit = Math.multiplyExact(unit / gcd(unit, own), own);
    }
    return unit;
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  /** How the tokens of a stage lie, for images as in training. */
  public Grid grid(int stage) {
    return new Grid(height / pixels(stage), width / pixels(stage));
  }

  /** Number of learned parameters. */
  public long parameters() {
    long sum = convolution(channels, stem) + convolution(stem, stem);
    long features = stem;
    for (int i = 0; i < stages.size(); i++) {
      final Stage stage = stages.get(i);
      final boolean last = i == stages.size() - 1;
      final long d = stage.width();
      final long positions = grid(i).tokens() + (last ? 1L : 0L);
      final long layer =
          (last ? linear(d, d) + linear(d, d) : landmarks(stage) + linear(d, d))
              + 2 * linear(d, d)
              + linear(d, EXPANSION * d)
              + linear(EXPANSION * d, d)
              + 4 * d;
      sum += convolution(features, d) + positions * d + stage.depth() * layer;
      features = d;
    }
    // The class token, the last norm and the readout.
    return sum + features + 2 * features + linear(features, classes);
  }

  private static long landmarks(Stage stage) {
    final long e = stage.width() / stage.heads();
    return e * e * stage.stride() * stage.stride()
        + 2 * e
        + (long) stage.heads() * stage.valueKernel() * stage.valueKernel();
  }

  /** A convolution and the norm behind it. */
  private static long convolution(long in, long out) {
    return KERNEL * KERNEL * in * out + out + 2 * out;
  }

  private static long linear(long in, long out) {
    return in * out + out;
  }

  private static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; expected 1 or more");
    }
  }

  private static void multiple(String name, int value, int unit) {
    if (value < unit || value % unit != 0) {
      throw new IllegalArgumentException(
          name + " is " + value + "; expected a positive multiple of " + unit);
    }
  }
}
