package io.steelyard.papers.augment;

import java.awt.image.BufferedImage;

/**
 * Pictures of other sizes by Keys' cubic convolution with a = -1/2, whose kernel is as wide as a
 * new pixel where the picture shrinks, so that every old pixel counts.
 */
final class Sizes {

  private Sizes() {}

  static void check(int side) {
    if (side < 1) {
      throw new IllegalArgumentException("side is " + side + "; expected 1 or more");
    }
  }

  static BufferedImage resized(BufferedImage picture, int width, int height) {
    final int w = picture.getWidth();
    final int h = picture.getHeight();
    final double[][] across = weights(w, width);
    final double[][] down = weights(h, height);
    final int[] from = picture.getRGB(0, 0, w, h, null, 0, w);
    final int[] to = new int[width * height];
    final double[] lines = new double[h * width];
    for (int shift = 0; shift < 24; shift += 8) {
      for (int y = 0; y < h; y++) {
        for (int x = 0; x < width; x++) {
          final int first = (int) across[x][0];
          double sum = 0;
          for (int i = 1; i < across[x].length; i++) {
            sum += across[x][i] * (from[y * w + first + i - 1] >> shift & 0xff);
          }
          lines[y * width + x] = sum;
        }
      }
      for (int y = 0; y < height; y++) {
        final int first = (int) down[y][0];
        for (int x = 0; x < width; x++) {
          double sum = 0;
          for (int i = 1; i < down[y].length; i++) {
            sum += down[y][i] * lines[(first + i - 1) * width + x];
          }
          to[y * width + x] |= Math.clamp(Math.round(sum), 0, 255) << shift;
        }
      }
    }
    final BufferedImage resized = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    resized.setRGB(0, 0, width, height, to, 0, width);
    return resized;
  }

  /** For each new pixel the first old one that counts, then how much it and its followers count. */
  private static double[][] weights(int from, int to) {
    final double scale = (double) from / to;
    final double stretch = Math.max(scale, 1);
    final double[][] weights = new double[to][];
    for (int i = 0; i < to; i++) {
      final double centre = (i + 0.5) * scale;
      final int first = (int) Math.max(0, Math.round(centre - 2 * stretch));
      final int end = (int) Math.min(from, Math.round(centre + 2 * stretch));
      weights[i] = new double[1 + end - first];
      double sum = 0;
      for (int j = first; j < end; j++) {
        weights[i][1 + j - first] = cubic(Math.abs(j + 0.5 - centre) / stretch);
        sum += weights[i][1 + j - first];
      }
      for (int j = 1; j < weights[i].length; j++) {
        weights[i][j] /= sum;
      }
      weights[i][0] = first;
    }
    return weights;
  }

  private static double cubic(double x) {
    if (x < 1) {
      return (1.5 * x - 2.5) * x * x + 1;
    }
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  }

  /** A picture with pixels of its own, where a part shares those of the whole. */
  static BufferedImage copy(BufferedImage picture) {
    final int w = picture.getWidth();
    final int h = picture.getHeight();
    final BufferedImage copy = new BufferedImage(w, h, BufferedImage.TYPE_INT_RGB);
    copy.setRGB(0, 0, w, h, picture.getRGB(0, 0, w, h, null, 0, w), 0, w);
    return copy;
  }

  static BufferedImage mirrored(BufferedImage picture) {
    final int w = picture.getWidth();
    final int h = picture.getHeight();
    final BufferedImage mirrored = new BufferedImage(w, h, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < h; y++) {
      for (int x = 0; x < w; x++) {
        mirrored.setRGB(w - 1 - x, y, picture.getRGB(x, y));
      }
    }
    return mirrored;
  }
}
