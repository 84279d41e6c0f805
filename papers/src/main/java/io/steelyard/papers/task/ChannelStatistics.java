package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import io.steelyard.papers.data.LabelledImages;
import java.util.Arrays;
import java.util.List;

/**
 * Mean and standard deviation of each channel of a set of pictures, in units of white.
 *
 * @param means one for each channel
 * @param deviations one for each channel, above 0
 */
public record ChannelStatistics(List<Double> means, List<Double> deviations) {

  /** Copies the lists. */
  public ChannelStatistics {
    means = List.copyOf(means);
    deviations = List.copyOf(deviations);
  }

  /** Those of all pixels of these pictures. */
  public static ChannelStatistics of(LabelledImages images) {
    final double[] means = new double[images.channels()];
    final double[] deviations = new double[images.channels()];
    for (int channel = 0; channel < images.channels(); channel++) {
      final long[] counts = new long[256];
      for (int image = 0; image < images.count(); image++) {
        for (int row = 0; row < images.rows(); row++) {
          for (int column = 0; column < images.columns(); column++) {
            counts[images.pixel(image, channel, row, column)]++;
          }
        }
      }
      final double all = (double) images.count() * images.rows() * images.columns();
      double sum = 0;
      double squares = 0;
      for (int level = 0; level < counts.length; level++) {
        sum += counts[level] * (level / 255.0);
        squares += counts[level] * (level / 255.0) * (level / 255.0);
      }
      means[channel] = sum / all;
      final double variance = squares / all - means[channel] * means[channel];
      // A channel of one colour stays where it is.
      deviations[channel] = variance > 0 ? Math.sqrt(variance) : 1;
    }
    return new ChannelStatistics(boxed(means), boxed(deviations));
  }

  private static List<Double> boxed(double[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  /**
   * Pictures with mean 0 and deviation 1 in each channel.
   *
   * @param pictures {@code [N, C, H, W]}, in [0, 1]
   */
  public NDArray standardize(NDArray pictures) {
    return pictures.sub(perChannel(means, pictures)).div(perChannel(deviations, pictures));
  }

  private static NDArray perChannel(List<Double> values, NDArray like) {
    return Like.values(
        values.stream().mapToDouble(Double::doubleValue).toArray(),
        new Shape(1, values.size(), 1, 1),
        like);
  }
}
