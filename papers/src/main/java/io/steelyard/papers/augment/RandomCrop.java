package io.steelyard.papers.augment;

import java.awt.image.BufferedImage;
import java.util.random.RandomGenerator;

/**
 * Cuts out a part of random size and shape, stretches it to a square, and mirrors it every other
 * time: the usual crop for training on ImageNet (arXiv 1409.4842, section 6). The area is uniform
 * in a range of the picture's, the ratio of width to height log-uniform; if ten draws do not fit
 * into the picture, the largest part in its middle whose ratio is allowed is taken.
 *
 * @param side of the square, at least 1
 * @param leastArea share of the picture, in (0, 1]
 * @param mostRatio of width to height, at least 1; the least is one over it
 */
public record RandomCrop(int side, double leastArea, double mostRatio) {

  private static final int TRIES = 10;

  /** Checks the ranges. */
  public RandomCrop {
    Sizes.check(side);
    if (!(leastArea > 0 && leastArea <= 1)) {
      throw new IllegalArgumentException("leastArea is " + leastArea + "; expected (0, 1]");
    }
    if (!(mostRatio >= 1)) {
      throw new IllegalArgumentException("mostRatio is " + mostRatio + "; expected 1 or more");
    }
  }

  /** With the usual ranges: at least 0.08 of the area, ratios from 3:4 to 4:3. */
  public static RandomCrop usual(int side) {
    return new RandomCrop(side, 0.08, 4.0 / 3);
  }

  /**
   * A picture of {@code side x side}; the given one is not modified.
   *
   * @param random what is drawn from
   */
  public BufferedImage apply(BufferedImage picture, RandomGenerator random) {
    final BufferedImage part = Sizes.resized(part(picture, random), side, side);
    return random.nextBoolean() ? Sizes.mirrored(part) : part;
  }

  private BufferedImage part(BufferedImage picture, RandomGenerator random) {
    final int w = picture.getWidth();
    final int h = picture.getHeight();
    for (int attempt = 0; attempt < TRIES; attempt++) {
      final double area = (double) w * h * between(random, leastArea, 1);
      final double ratio = Math.exp(between(random, -Math.log(mostRatio), Math.log(mostRatio)));
      final int width = (int) Math.round(Math.sqrt(area * ratio));
      final int height = (int) Math.round(Math.sqrt(area / ratio));
      if (width > 0 && width <= w && height > 0 && height <= h) {
        return picture.getSubimage(
            random.nextInt(w - width + 1), random.nextInt(h - height + 1), width, height);
      }
    }
    final int width = Math.min(w, (int) Math.round(h * mostRatio));
    final int height = Math.min(h, (int) Math.round(w * mostRatio));
    return picture.getSubimage((w - width) / 2, (h - height) / 2, width, height);
  }

  private static double between(RandomGenerator random, double from, double to) {
    return from + (to - from) * random.nextDouble();
  }
}
