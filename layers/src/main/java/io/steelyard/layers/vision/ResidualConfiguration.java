package io.steelyard.layers.vision;

import java.util.List;

/**
 * Sizes of a {@link ResidualNet} for small pictures: a 3 x 3 convolution, stages of basic blocks,
 * the mean over places and a linear readout.
 *
 * @param channels C of the input images, at least 1
 * @param height H of the input images, at least 1
 * @param width W of the input images, at least 1
 * @param stem output channels of the first convolution
 * @param stages at least one
 * @param order where norms stand
 * @param dropout probability in [0, 1) that training leaves out a number between the two
 *     convolutions of a block
 * @param classes K, the number of scores
 */
public record ResidualConfiguration(
    int channels,
    int height,
    int width,
    int stem,
    List<Stage> stages,
    Order order,
    double dropout,
    int classes) {

  /**
   * Blocks of one width.
   *
   * @param filters output channels of each block
   * @param blocks how many
   * @param stride of the first block, which makes the map smaller; that of the others is 1
   */
  public record Stage(int filters, int blocks, int stride) {

    /** Checks the ranges. */
    public Stage {
      Extents.positive("filters", filters);
      Extents.positive("blocks", blocks);
      Extents.positive("stride", stride);
    }
  }

  /** Where norms stand. */
  public enum Order {
    /** Convolution, norm, ReLU; the sum of a block goes through ReLU (arXiv 1512.03385). */
    NORM_LAST,
    /** Norm, ReLU, convolution; the sum stays as it is (arXiv 1603.05027). */
    NORM_FIRST
  }

  /** Copies the list and checks the ranges. */
  public ResidualConfiguration {
    Extents.positive("channels", channels);
    Extents.positive("height", height);
    Extents.positive("width", width);
    Extents.positive("stem", stem);
    Extents.positive("classes", classes);
    stages = List.copyOf(stages);
    if (stages.isEmpty()) {
      throw new IllegalArgumentException("stages are empty; expected at least one");
    }
    Extents.belowOne("dropout", dropout);
  }

  /**
   * ResNet-34 in the form for pictures of 3 x 32 x 32: no pooling after a 3 x 3 stem, 3, 4, 6 and 3
   * blocks of 64 to 512 channels; 21,282,122 parameters for 10 classes.
   */
  public static ResidualConfiguration resNet34(int classes) {
    return new ResidualConfiguration(
        3,
        32,
        32,
        64,
        List.of(
            new Stage(64, 3, 1), new Stage(128, 4, 2), new Stage(256, 6, 2), new Stage(512, 3, 2)),
        Order.NORM_LAST,
        0,
        classes);
  }

  /**
   * WideResNet-28-10 (arXiv 1605.07146) for pictures of 3 x 32 x 32, without dropout: three stages
   * of 4 blocks of 160, 320 and 640 channels; 36,479,194 parameters for 10 classes.
   */
  public static ResidualConfiguration wideResNet28x10(int classes) {
    return new ResidualConfiguration(
        3,
        32,
        32,
        16,
        List.of(new Stage(160, 4, 1), new Stage(320, 4, 2), new Stage(640, 4, 2)),
        Order.NORM_FIRST,
        0,
        classes);
  }
}
