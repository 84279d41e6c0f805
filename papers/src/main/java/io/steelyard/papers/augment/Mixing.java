package io.steelyard.papers.augment;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.apache.commons.statistics.distribution.BetaDistribution;

/**
 * Mixes the pictures of a batch and their labels, one share for the whole batch: picture i with
 * picture {@code B - 1 - i}. Every other batch by adding them up (mixup, arXiv 1710.09412), the
 * others by a rectangle of one in the other (CutMix, arXiv 1905.04899). Labels are smoothed before
 * (arXiv 1512.00567).
 *
 * @param mixup parameter of the share's beta distribution when adding up, at least 0; 0 for never
 * @param cutMix the same for rectangles; 0 for never
 * @param smoothing of the labels, in [0, 1)
 */
public record Mixing(double mixup, double cutMix, double smoothing) {

  /** Checks the ranges. */
  public Mixing {
    if (!(mixup >= 0)) {
      throw new IllegalArgumentException("mixup is " + mixup + "; expected 0 or more");
    }
    if (!(cutMix >= 0)) {
      throw new IllegalArgumentException("cutMix is " + cutMix + "; expected 0 or more");
    }
    if (!(smoothing >= 0 && smoothing < 1)) {
      throw new IllegalArgumentException("smoothing is " + smoothing + "; expected [0, 1)");
    }
  }

  /** Neither mixed nor smoothed. */
  public static Mixing none() {
    return new Mixing(0, 0, 0);
  }

  /** 0.8, 1 and 0.1, as recipes for vision transformers have it. */
  public static Mixing usual() {
    return new Mixing(0.8, 1, 0.1);
  }

  /**
   * Mixes a batch in place.
   *
   * @param pixels {@code [B, channels, side, side]}; modified
   * @param labels {@code [B]}, in 0..classes - 1
   * @return target rows {@code [B, classes]}, each with sum 1
   */
  public float[] apply(
      float[] pixels, int channels, int side, int[] labels, int classes, RandomGenerator random) {
    final boolean both = mixup > 0 && cutMix > 0;
    final boolean cut = both ? random.nextBoolean() : cutMix > 0;
    final double parameter = cut ? cutMix : mixup;
    double share = 1;
    if (parameter > 0) {
      share = BetaDistribution.of(parameter, parameter).createSampler(random::nextLong).sample();
      share =
          cut
              ? cutIn(pixels, channels, side, labels.length, share, random)
              : addUp(pixels, labels.length, share);
    }
    final float[] targets = new float[labels.length * classes];
    final double off = smoothing / classes;
    Arrays.fill(targets, (float) off);
    for (int i = 0; i < labels.length; i++) {
      targets[i * classes + labels[i]] += (float) (share * (1 - smoothing));
      targets[i * classes + labels[labels.length - 1 - i]] +=
          (float) ((1 - share) * (1 - smoothing));
    }
    return targets;
  }

  private static double addUp(float[] pixels, int count, double share) {
    final float own = (float) share;
    final float others = (float) (1 - share);
    final int size = pixels.length / count;
    for (int i = 0; i < count / 2; i++) {
      for (int p = 0; p < size; p++) {
        final float a = pixels[i * size + p];
        final float b = pixels[(count - 1 - i) * size + p];
        pixels[i * size + p] = own * a + others * b;
        pixels[(count - 1 - i) * size + p] = own * b + others * a;
      }
    }
    return share;
  }

  /** The rectangle is cut off at the picture's edges; the share left to the picture is returned. */
  private static double cutIn(
      float[] pixels, int channels, int side, int count, double share, RandomGenerator random) {
    final int half = (int) (side * Math.sqrt(1 - share)) / 2;
    final int row = random.nextInt(side);
    final int column = random.nextInt(side);
    final int top = Math.max(0, row - half);
    final int bottom = Math.min(side, row + half);
    final int left = Math.max(0, column - half);
    final int right = Math.min(side, column + half);
    final int size = channels * side * side;
    for (int i = 0; i < count / 2; i++) {
      for (int line = 0; line < channels * side; line++) {
        final int y = line % side;
        for (int x = left; y >= top && y < bottom && x < right; x++) {
          final int here = i * size + line * side + x;
          final int there = (count - 1 - i) * size + line * side + x;
          final float kept = pixels[here];
          pixels[here] = pixels[there];
          pixels[there] = kept;
        }
      }
    }
    return 1 - (double) (bottom - top) * (right - left) / side / side;
  }
}
