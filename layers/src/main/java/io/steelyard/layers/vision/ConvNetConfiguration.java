package io.steelyard.layers.vision;

/**
 * Sizes of a {@link ConvNet}: two convolutions with pooling, one hidden layer, one linear readout.
 *
 * <p>For training in float32 on an x86 CPU, make {@code secondFilters} a multiple of 16, as the two
 * configurations here do. Otherwise libtorch 2.7.1 (through oneDNN) computes the gradient of the
 * second convolution's input with vectors that reach into memory it did not write, times zero:
 * right as long as no NaN or infinity is left there, which happens after a training that diverged
 * in the same process. Float64 is not affected.
 *
 * @param channels C of the input images, at least 1
 * @param height H of the input images, a positive multiple of 4 (two poolings halve it)
 * @param width W of the input images, a positive multiple of 4
 * @param firstFilters output channels of the first convolution
 * @param secondFilters output channels of the second convolution
 * @param hiddenUnits width D of the hidden layer, which is the input of the readout
 * @param keep probability in (0, 1] that dropout keeps a hidden unit in training; 1 is no dropout
 * @param classes K, the number of scores
 */
public record ConvNetConfiguration(
    int channels,
    int height,
    int width,
    int firstFilters,
    int secondFilters,
    int hiddenUnits,
    double keep,
    int classes) {

  /** Height and width of both kernels. */
  public static final int KERNEL = 5;

  /** Standard deviation of the truncated normal that every weight is drawn from. */
  public static final double WEIGHT_DEVIATION = 0.1;

  /** Initial value of every bias. */
  public static final double BIAS = 0.1;

  /**
   * The network of arXiv 1712.03541 for 28 x 28 gray images and 10 classes: 32 and 64 filters, 1024
   * hidden units; 3,274,634 parameters.
   */
  public static final ConvNetConfiguration PUBLISHED =
      new ConvNetConfiguration(1, 28, 28, 32, 64, 1024, 0.5, 10);

  /**
   * A small network of the same build for quick experiments: 8 and 16 filters, 128 hidden units;
   * 105,194 parameters.
   */
  public static final ConvNetConfiguration SMALL =
      new ConvNetConfiguration(1, 28, 28, 8, 16, 128, 0.5, 10);

  /** Checks the ranges. */
  public ConvNetConfiguration {
    positive("channels", channels);
    positive("firstFilters", firstFilters);
    positive("secondFilters", secondFilters);
    positive("hiddenUnits", hiddenUnits);
    positive("classes", classes);
    multipleOfFour("height", height);
    multipleOfFour("width", width);
    if (!(keep > 0 && keep <= 1)) {
      throw new IllegalArgumentException("keep is " + keep + "; expected a number in (0, 1]");
    }
  }

  /** Number of features after the second pooling, the input width of the hidden layer. */
  public int flattened() {
    return secondFilters * (height / 4) * (width / 4);
  }

  /** Number of learned parameters. */
  public long parameters() {
    final long kernel = (long) KERNEL * KERNEL;
    return kernel * channels * firstFilters
        + firstFilters
        + kernel * firstFilters * secondFilters
        + secondFilters
        + (long) flattened() * hiddenUnits
        + hiddenUnits
        + (long) hiddenUnits * classes
        + classes;
  }

  private static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; expected 1 or more");
    }
  }

  private static void multipleOfFour(String name, int value) {
    if (value < 4 || value % 4 != 0) {
      throw new IllegalArgumentException(
          name + " is " + value + "; expected a positive multiple of 4");
    }
  }
}
