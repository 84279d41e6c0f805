package io.steelyard.papers.augment;

import java.awt.image.BufferedImage;

/**
 * Cuts out the middle, for tests: the shorter side is brought to {@code side / share}, then the
 * square in the middle is taken.
 *
 * @param side of the square, at least 1
 * @param share of the shorter side that is kept, in (0, 1], usually 0.875
 */
public record MiddleCrop(int side, double share) {

  /** Checks the ranges. */
  public MiddleCrop {
    Sizes.check(side);
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("share is " + share + "; expected (0, 1]");
    }
  }

  /** Of 256 pixels the middle 224, or as much of another size. */
  public static MiddleCrop usual(int side) {
    return new MiddleCrop(side, 0.875);
  }

  /** A picture of {@code side x side}; the given one is not modified. */
  public BufferedImage apply(BufferedImage picture) {
    final double factor =
        Math.floor(side / share) / Math.min(picture.getWidth(), picture.getHeight());
    final BufferedImage whole =
        Sizes.resized(
            picture,
            Math.max(side, (int) Math.round(picture.getWidth() * factor)),
            Math.max(side, (int) Math.round(picture.getHeight() * factor)));
    return Sizes.copy(
        whole.getSubimage(
            (whole.getWidth() - side) / 2, (whole.getHeight() - side) / 2, side, side));
  }
}
