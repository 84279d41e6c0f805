package io.steelyard.papers.augment;

import java.util.random.RandomGenerator;

/**
 * Puts noise in the place of a rectangle (arXiv 1708.04896): with a probability, of random area,
 * ratio and place. The noise is normal, as the numbers of a standardized picture are.
 *
 * @param probability in [0, 1]
 * @param leastArea share of the picture, in (0, mostArea]
 * @param mostArea at most 1
 * @param mostRatio of height to width, at least 1; the least is one over it
 */
public record RandomErasing(
    double probability, double leastArea, double mostArea, double mostRatio) {

  private static final int TRIES = 10;

  /** Checks the ranges. */
  public RandomErasing {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException("probability is " + probability + "; expected [0, 1]");
    }
    if (!(leastArea > 0 && leastArea <= mostArea && mostArea <= 1)) {
      throw new IllegalArgumentException(
          "areas are " + leastArea + " and " + mostArea + "; expected them in order in (0, 1]");
    }
    if (!(mostRatio >= 1)) {
      throw new IllegalArgumentException("mostRatio is " + mostRatio + "; expected 1 or more");
    }
  }

  /** A fiftieth to a third of the picture, ratios from 0.3 to one over it. */
  public static RandomErasing withProbability(double probability) {
    return new RandomErasing(probability, 0.02, 1.0 / 3, 1 / 0.3);
  }

  /**
   * Erases, or not.
   *
   * @param pixels pictures of {@code [channels, side, side]} one after another; modified
   * @param offset of the picture
   */
  public void apply(float[] pixels, int offset, int channels, int side, RandomGenerator random) {
    if (random.nextDouble() >= probability) {
      return;
    }
    for (int attempt = 0; attempt < TRIES; attempt++) {
      final double area = (leastArea + (mostArea - leastArea) * random.nextDouble()) * side * side;
      final double ratio = Math.exp((2 * random.nextDouble() - 1) * Math.log(mostRatio));
      final int height = (int) Math.round(Math.sqrt(area * ratio));
      final int width = (int) Math.round(Math.sqrt(area / ratio));
      if (height < side && width < side) {
        erase(pixels, offset, channels, side, height, width, random);
        return;
      }
    }
  }

  private static void erase(
      float[] pixels,
      int offset,
      int channels,
      int side,
      int height,
      int width,
      RandomGenerator random) {
    final int top = random.nextInt(side - height + 1);
    final int left = random.nextInt(side - width + 1);
    for (int c = 0; c < channels; c++) {
      for (int row = top; row < top + height; row++) {
        for (int column = left; column < left + width; column++) {
          pixels[offset + (c * side + row) * side + column] = (float) random.nextGaussian();
        }
      }
    }
  }
}
