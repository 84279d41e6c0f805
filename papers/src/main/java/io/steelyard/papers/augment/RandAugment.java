package io.steelyard.papers.augment;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.random.RandomGenerator;

/**
 * Random changes of pictures (RandAugment, arXiv 1909.13719), in the form that recipes for vision
 * transformers call {@code rand-m9-mstd0.5-inc1}: of 15 operations, all of which change more the
 * larger the magnitude, {@code count} are drawn, each is done every other time, and its magnitude
 * is normal around {@code magnitude}, cut to [0, 10].
 *
 * <p>How strong an operation is at magnitude m: turns by {@code 3 m} degrees, shears by {@code 0.03
 * m}, shifts by {@code 0.045 m} of the side, colour, contrast, brightness and sharpness times
 * {@code 1 ± 0.09 m}, solarizes from {@code 256 - 25.6 m} on, adds {@code 11 m} to what is below
 * 128, keeps {@code 4 - 0.4 m} bits; signs are random. What a turn or a shift uncovers becomes
 * grey.
 *
 * @param count operations a picture, at least 0
 * @param magnitude in [0, 10]
 * @param deviation of the magnitude, at least 0
 */
public record RandAugment(int count, double magnitude, double deviation) {

  private static final double MOST = 10;

  /** The mean colour of ImageNet. */
  private static final Color UNCOVERED = new Color(124, 116, 104);

  /** Checks the ranges. */
  public RandAugment {
    if (count < 0) {
      throw new IllegalArgumentException("count is " + count + "; expected 0 or more");
    }
    if (!(magnitude >= 0 && magnitude <= MOST)) {
      throw new IllegalArgumentException("magnitude is " + magnitude + "; expected [0, 10]");
    }
    if (!(deviation >= 0)) {
      throw new IllegalArgumentException("deviation is " + deviation + "; expected 0 or more");
    }
  }

  /** Two operations of magnitude 9 with deviation 0.5. */
  public static RandAugment usual() {
    return new RandAugment(2, 9, 0.5);
  }

  /** Changes a picture; the given one is not modified. */
  public BufferedImage apply(BufferedImage picture, RandomGenerator random) {
    BufferedImage changed = picture;
    for (int i = 0; i < count; i++) {
      final Operation operation = Operation.values()[random.nextInt(Operation.values().length)];
      if (random.nextBoolean()) {
        final double drawn = random.nextGaussian(magnitude, deviation);
        final double level = Math.clamp(drawn, 0, MOST) / MOST;
        changed = operation.apply(changed, random.nextBoolean() ? level : -level);
      }
    }
    return changed;
  }

  /** What can be done to a picture. */
  enum Operation {
    AUTO_CONTRAST,
    EQUALIZE,
    INVERT,
    ROTATE,
    POSTERIZE,
    SOLARIZE,
    SOLARIZE_ADD,
    COLOUR,
    CONTRAST,
    BRIGHTNESS,
    SHARPNESS,
    SHEAR_X,
    SHEAR_Y,
    TRANSLATE_X,
    TRANSLATE_Y;

    /**
     * Does it.
     *
     * @param level in [-1, 1]; where a direction makes no sense, its size alone counts
     */
    BufferedImage apply(BufferedImage x, double level) {
      final double size = Math.abs(level);
      final double factor = Math.max(0.1, 1 + 0.9 * level);
      return switch (this) {
        case AUTO_CONTRAST -> byHistogram(x, RandAugment::stretched);
        case EQUALIZE -> byHistogram(x, RandAugment::equalized);
        case INVERT -> mapped(x, v -> 255 - v);
        case ROTATE ->
            moved(
                x,
                AffineTransform.getRotateInstance(
                    Math.toRadians(30 * level), x.getWidth() / 2.0, x.getHeight() / 2.0));
        case POSTERIZE -> {
          final int dropped = 8 - (4 - (int) (4 * size));
          yield mapped(x, v -> v >> dropped << dropped);
        }
        case SOLARIZE -> {
          final int from = 256 - (int) (256 * size);
          yield mapped(x, v -> v < from ? v : 255 - v);
        }
        case SOLARIZE_ADD -> {
          final int added = (int) (110 * size);
          yield mapped(x, v -> v < 128 ? Math.min(255, v + added) : v);
        }
        case COLOUR -> blended(x, grey(x), factor);
        case CONTRAST -> blended(x, even(x, meanGrey(x)), factor);
        case BRIGHTNESS -> blended(x, even(x, 0), factor);
        case SHARPNESS -> blended(x, smoothed(x), factor);
        case SHEAR_X -> moved(x, AffineTransform.getShearInstance(0.3 * level, 0));
        case SHEAR_Y -> moved(x, AffineTransform.getShearInstance(0, 0.3 * level));
        case TRANSLATE_X ->
            moved(x, AffineTransform.getTranslateInstance(0.45 * level * x.getWidth(), 0));
        case TRANSLATE_Y ->
            moved(x, AffineTransform.getTranslateInstance(0, 0.45 * level * x.getHeight()));
      };
    }
  }

  private static BufferedImage moved(BufferedImage x, AffineTransform transform) {
    final BufferedImage to = like(x);
    final Graphics2D graphics = to.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    graphics.setColor(UNCOVERED);
    graphics.fillRect(0, 0, x.getWidth(), x.getHeight());
    graphics.drawImage(x, transform, null);
    graphics.dispose();
    return to;
  }

  private static BufferedImage like(BufferedImage x) {
    return new BufferedImage(x.getWidth(), x.getHeight(), BufferedImage.TYPE_INT_RGB);
  }

  private static int[] pixels(BufferedImage x) {
    return x.getRGB(0, 0, x.getWidth(), x.getHeight(), null, 0, x.getWidth());
  }

  private static BufferedImage of(BufferedImage like, int[] pixels) {
    final BufferedImage to = like(like);
    to.setRGB(0, 0, like.getWidth(), like.getHeight(), pixels, 0, like.getWidth());
    return to;
  }

  private static int channel(int pixel, int shift) {
    return pixel >> shift & 0xff;
  }

  private static BufferedImage mapped(BufferedImage x, IntUnaryOperator map) {
    final int[] table = new int[256];
    Arrays.setAll(table, map);
    return mapped(x, new int[][] {table, table, table});
  }

  /** A table for each of blue, green and red. */
  private static BufferedImage mapped(BufferedImage x, int[][] tables) {
    final int[] pixels = pixels(x);
    for (int i = 0; i < pixels.length; i++) {
      int pixel = 0;
      for (int c = 0; c < tables.length; c++) {
        pixel |= tables[c][channel(pixels[i], 8 * c)] << (8 * c);
      }
      pixels[i] = pixel;
    }
    return of(x, pixels);
  }

  @FunctionalInterface
  private interface Levels {
    /** The new level of each level, from how often each occurs. */
    int[] of(int[] counts);
  }

  private static BufferedImage byHistogram(BufferedImage x, Levels levels) {
    final int[][] counts = new int[3][256];
    for (final int pixel : pixels(x)) {
      for (int c = 0; c < counts.length; c++) {
        counts[c][channel(pixel, 8 * c)]++;
      }
    }
    return mapped(x, Arrays.stream(counts).map(levels::of).toArray(int[][]::new));
  }

  private static int[] stretched(int[] counts) {
    int low = 0;
    int high = 255;
    while (low < 255 && counts[low] == 0) {
      low++;
    }
    while (high > 0 && counts[high] == 0) {
      high--;
    }
    final int[] table = new int[256];
    for (int v = 0; v < table.length; v++) {
      table[v] = low >= high ? v : Math.clamp((int) (255.0 / (high - low) * (v - low)), 0, 255);
    }
    return table;
  }

  /** As many pixels in each stretch of levels, as far as whole levels allow. */
  private static int[] equalized(int[] counts) {
    int highest = 255;
    while (highest > 0 && counts[highest] == 0) {
      highest--;
    }
    final int step = (Arrays.stream(counts).sum() - counts[highest]) / 255;
    final int[] table = new int[256];
    int below = step / 2;
    for (int v = 0; v < table.length; v++) {
      table[v] = step == 0 ? v : Math.min(255, below / step);
      below += counts[v];
    }
    return table;
  }

  private static int luminance(int pixel) {
    return (299 * channel(pixel, 16) + 587 * channel(pixel, 8) + 114 * channel(pixel, 0)) / 1000;
  }

  private static int[] grey(BufferedImage x) {
    return Arrays.stream(pixels(x)).map(RandAugment::luminance).map(v -> 0x010101 * v).toArray();
  }

  private static int meanGrey(BufferedImage x) {
    final double mean = Arrays.stream(pixels(x)).map(RandAugment::luminance).average().orElse(0);
    return (int) (mean + 0.5);
  }

  private static int[] even(BufferedImage x, int level) {
    final int[] pixels = new int[x.getWidth() * x.getHeight()];
    Arrays.fill(pixels, 0x010101 * level);
    return pixels;
  }

  /** Each inner pixel five times and its eight neighbours, over 13; the edge stays. */
  private static int[] smoothed(BufferedImage x) {
    final int[] from = pixels(x);
    final int[] to = from.clone();
    final int w = x.getWidth();
    for (int row = 1; row < x.getHeight() - 1; row++) {
      for (int column = 1; column < w - 1; column++) {
        int pixel = 0;
        for (int shift = 0; shift < 24; shift += 8) {
          int sum = 4 * channel(from[row * w + column], shift);
          for (int dy = -1; dy <= 1; dy++) {
            for (int dx = -1; dx <= 1; dx++) {
              sum += channel(from[(row + dy) * w + column + dx], shift);
            }
          }
          pixel |= ((sum + 6) / 13) << shift;
        }
        to[row * w + column] = pixel;
      }
    }
    return to;
  }

  /** {@code other + factor (x - other)}. */
  private static BufferedImage blended(BufferedImage x, int[] other, double factor) {
    final int[] pixels = pixels(x);
    for (int i = 0; i < pixels.length; i++) {
      int pixel = 0;
      for (int shift = 0; shift < 24; shift += 8) {
        final int from = channel(other[i], shift);
        final double value = from + factor * (channel(pixels[i], shift) - from);
        pixel |= (int) Math.clamp(value, 0, 255) << shift;
      }
      pixels[i] = pixel;
    }
    return of(x, pixels);
  }
}
