package io.steelyard.papers.augment;

import java.awt.image.BufferedImage;

/** Makes numbers of pictures, standardized with mean and deviation of ImageNet's colours. */
public final class Pixels {

  /** Red, green and blue. */
  public static final int CHANNELS = 3;

  private static final double[] MEAN = {0.485, 0.456, 0.406};
  private static final double[] DEVIATION = {0.229, 0.224, 0.225};

  private Pixels() {}

  /**
   * Writes {@code (value / 255 - mean) / deviation}.
   *
   * @param to receives {@code [3, height, width]} from {@code offset} on
   */
  public static void write(BufferedImage picture, float[] to, int offset) {
    final int w = picture.getWidth();
    final int size = w * picture.getHeight();
    final int[] pixels = picture.getRGB(0, 0, w, picture.getHeight(), null, 0, w);
    for (int c = 0; c < CHANNELS; c++) {
      final int shift = 8 * (CHANNELS - 1 - c);
      for (int i = 0; i < size; i++) {
        to[offset + c * size + i] =
            (float) (((pixels[i] >> shift & 0xff) / 255.0 - MEAN[c]) / DEVIATION[c]);
      }
    }
  }
}
