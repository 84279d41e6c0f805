package io.steelyard.papers.augment;

import io.steelyard.papers.data.LabelledImages;
import java.util.random.RandomGenerator;

/**
 * The usual augmentation of small pictures: black around, a random cut of the old size, and perhaps
 * left and right exchanged.
 *
 * @param padding black rows and columns on each side, 0 or more
 * @param flips whether half of the pictures are mirrored; digits must not be
 */
public record PaddedCrop(int padding, boolean flips) {

  /** Pictures as they are. */
  public static final PaddedCrop NONE = new PaddedCrop(0, false);

  /** Checks the range. */
  public PaddedCrop {
    if (padding < 0) {
      throw new IllegalArgumentException("padding is " + padding + "; expected 0 or more");
    }
  }

  /**
   * Pictures in [0, 1], each cut anew.
   *
   * @param which indices into the images
   * @param random of rows, columns and flips, drawn from for each picture in this order
   * @return {@code [which.length, channels, rows, columns]}
   */
  public float[] of(LabelledImages images, int[] which, RandomGenerator random) {
    final float[] pixels = new float[which.length * images.imageSize()];
    images.fillImages(which, pixels);
    if (padding == 0 && !flips) {
      return pixels;
    }
    final float[] cut = new float[pixels.length];
    for (int i = 0; i < which.length; i++) {
      final int down = random.nextInt(2 * padding + 1) - padding;
      final int right = random.nextInt(2 * padding + 1) - padding;
      cut(images, pixels, cut, i, new Place(down, right, flips && random.nextBoolean()));
    }
    return cut;
  }

  private record Place(int down, int right, boolean flipped) {}

  private static void cut(
      LabelledImages images, float[] pixels, float[] cut, int picture, Place place) {
    final int columns = images.columns();
    for (int channel = 0; channel < images.channels(); channel++) {
      final int plane = (picture * images.channels() + channel) * images.rows() * columns;
      for (int row = 0; row < images.rows(); row++) {
        final int from = row + place.down;
        if (from < 0 || from >= images.rows()) {
          continue;
        }
        for (int column = 0; column < columns; column++) {
          final int unflipped = (place.flipped ? columns - 1 - column : column) + place.right;
          if (unflipped >= 0 && unflipped < columns) {
            cut[plane + row * columns + column] = pixels[plane + from * columns + unflipped];
          }
        }
      }
    }
  }
}
