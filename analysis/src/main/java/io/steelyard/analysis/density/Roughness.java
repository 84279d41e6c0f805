package io.steelyard.analysis.density;

/**
 * How rough a distribution over ordered bins is: the smoothness metric of arXiv 2410.22269, of
 * which lower values mean smoother, so it is called by what it measures.
 *
 * <p>{@code s(y) = sum_{sigma=1}^{100} (6 / pi^2) / sigma^2 || y - g_sigma * y ||_2} with circular
 * convolutions by Gaussians that are cut at {@code m - 1} bins to each side and divided by their
 * sum. A constant gives 0.
 *
 * <p>Norms are taken of the discrete Fourier transform, where a convolution is a product: O(m^2)
 * for the transform and O(m) for each width, which {@link #ofBins} prepares once. Immutable.
 *
 * <pre>{@code
 * Roughness roughness = Roughness.ofBins(4);
 * double s = roughness.of(0.1, 0.5, 0.2, 0.2);
 * }</pre>
 */
public final class Roughness {

  private static final int WIDTHS = 100;

  private final int bins;
  private final double[] cosines;
  private final double[] sines;
  private final double[][] removed;

  private Roughness(int bins) {
    this.bins = bins;
    this.cosines = new double[bins];
    this.sines = new double[bins];
    for (int i = 0; i < bins; i++) {
      cosines[i] = Math.cos(2 * Math.PI * i / bins);
      sines[i] = Math.sin(2 * Math.PI * i / bins);
    }
    this.removed = new double[WIDTHS][bins];
    for (int sigma = 1; sigma <= WIDTHS; sigma++) {
      // Offsets of m bins apart are the same bin: the kernel is wider than the circle.
      final double[] kernel = new double[bins];
      double sum = 0;
      for (int offset = 1 - bins; offset < bins; offset++) {
        final double value = Math.exp(-0.5 * offset * offset / ((double) sigma * sigma));
        kernel[Math.floorMod(offset, bins)] += value;
        sum += value;
      }
      for (int k = 0; k < bins; k++) {
        double transformed = 0;
        for (int i = 0; i < bins; i++) {
          transformed += kernel[i] * cosines[(int) ((long) i * k % bins)];
        }
        removed[sigma - 1][k] = 1 - transformed / sum;
      }
    }
  }

  /**
   * Prepares the metric. Cost O(100 m^2).
   *
   * @param bins m, 1 or more
   */
  public static Roughness ofBins(int bins) {
    if (bins < 1) {
      throw new IllegalArgumentException("bins is " + bins + "; expected 1 or more");
    }
    return new Roughness(bins);
  }

  /**
   * The roughness of one distribution.
   *
   * @param probabilities m numbers; not modified
   * @return 0 or more; NaN if a number is
   */
  public double of(double... probabilities) {
    if (probabilities.length != bins) {
      throw new IllegalArgumentException(
          "probabilities has " + probabilities.length + " numbers; expected " + bins);
    }
    // Frequency 0 is never removed, and k and m - k are conjugates.
    final double[] power = new double[bins];
    for (int k = 1; k <= bins / 2; k++) {
      double re = 0;
      double im = 0;
      for (int i = 0; i < bins; i++) {
        final int at = (int) ((long) i * k % bins);
        re += probabilities[i] * cosines[at];
        im += probabilities[i] * sines[at];
      }
      power[k] = (2 * k == bins ? 1 : 2) * (re * re + im * im) / bins;
    }
    double total = 0;
    for (int sigma = 1; sigma <= WIDTHS; sigma++) {
      double squares = 0;
      for (int k = 1; k <= bins / 2; k++) {
        squares += power[k] * removed[sigma - 1][k] * removed[sigma - 1][k];
      }
      total += 6 / (Math.PI * Math.PI) / ((double) sigma * sigma) * Math.sqrt(squares);
    }
    return total;
  }
}
