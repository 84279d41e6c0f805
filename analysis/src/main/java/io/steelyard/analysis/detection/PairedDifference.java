package io.steelyard.analysis.detection;

import io.steelyard.kernels.detection.CocoResamples;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * How much better one set of boxes is than another on the same images, with its bootstrap interval
 * over images: each resample draws images with replacement and evaluates both sets on them.
 *
 * <pre>{@code
 * CocoResamples soft = CocoResamples.of(after, objects, images, 100);
 * CocoResamples hard = CocoResamples.of(before, objects, images, 100);
 * PairedDifference gain = PairedDifference.of(soft, hard, 1000, random);
 * }</pre>
 *
 * @param value difference of the average precisions on the images as they are
 * @param low 2.5 % of the resamples have a smaller difference
 * @param high 2.5 % have a greater one
 */
public record PairedDifference(double value, double low, double high) {

  private static final double TAIL = 0.025;

  /**
   * The difference {@code first - second}.
   *
   * @param resamples how many, at least 1; usually 1000
   * @throws IllegalArgumentException if the numbers of images differ or resamples is less than 1
   */
  public static PairedDifference of(
      CocoResamples first, CocoResamples second, int resamples, RandomGenerator random) {
    if (first.images() != second.images()) {
      throw new IllegalArgumentException(
          "second has "
              + second.images()
              + " images; expected the "
              + first.images()
              + " of the first");
    }
    if (resamples < 1) {
      throw new IllegalArgumentException("resamples is " + resamples + "; expected 1 or more");
    }
    final int images = first.images();
    final double[] differences = new double[resamples];
    for (int r = 0; r < resamples; r++) {
      final int[] times = new int[images];
      for (int i = 0; i < images; i++) {
        times[random.nextInt(images)]++;
      }
      differences[r] = first.ap(times) - second.ap(times);
    }
    Arrays.sort(differences);
    return new PairedDifference(
        first.ap() - second.ap(), quantile(differences, TAIL), quantile(differences, 1 - TAIL));
  }

  /** Linear interpolation between order statistics. */
  private static double quantile(double[] sorted, double p) {
    final double position = p * (sorted.length - 1);
    final int below = (int) position;
    final int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
