package io.steelyard.papers.task;

import java.util.Arrays;

/**
 * The last step of an {@link ArrayNetwork} that predicts a distribution over m bins of [-1, 1]:
 * what its last dense layer gives becomes logits, for an ordinary cross-entropy. Remembers its last
 * forward pass; not for use by several threads.
 */
public sealed interface BinHead {

  /** How many numbers of the last dense layer it takes for one row. */
  int coefficients();

  /** Parameters of its own, with what they start from. */
  default float[] own() {
    return new float[0];
  }

  /** What the initial weights and biases of the last dense layer are divided by. */
  default float divisor() {
    return 1;
  }

  /**
   * Logits of some rows.
   *
   * @param a {@code [rows, coefficients]}
   * @param own parameters of its own
   * @param logits {@code [rows, m]}; written
   */
  void forward(float[] a, float[] own, int rows, float[] logits);

  /**
   * Gradients of the rows of the last forward pass.
   *
   * @param dlogits {@code [rows, m]}
   * @param da {@code [rows, coefficients]}; written
   * @param down gradient of the own parameters; written
   */
  void backward(float[] a, float[] own, int rows, float[] dlogits, float[] da, float[] down);

  /** The coefficients are the logits. */
  record Linear(int bins) implements BinHead {

    @Override
    public int coefficients() {
      return bins;
    }

    @Override
    public void forward(float[] a, float[] own, int rows, float[] logits) {
      System.arraycopy(a, 0, logits, 0, rows * bins);
    }

    @Override
    public void backward(
        float[] a, float[] own, int rows, float[] dlogits, float[] da, float[] down) {
      System.arraycopy(dlogits, 0, da, 0, rows * bins);
    }
  }

  /**
   * The Fourier head: {@code ln(|A_j|^2 / sum_i |A_i|^2 + 1e-5)} with {@code A_j = sum_t a_t e^(i
   * pi t b_j)}, as {@code FourierHead} of the layers. With gamma above 0 the gradient is that of
   * the loss plus {@code gamma} times the mean of {@code 4 pi^2 sum_k k^2 |c_k|^2} over rows.
   */
  final class Fourier implements BinHead {

    private static final float FLOOR = 1e-5f;

    private final int bins;
    private final int terms;
    private final float gamma;
    private final float[] cos;
    private final float[] sin;
    private final float[] cosAcross;
    private final float[] sinAcross;
    private float[] real = {};
    private float[] imaginary = {};
    private float[] pmf = {};
    private float[] totals = {};
    private final float[] u;
    private final float[] v;

    /**
     * A head.
     *
     * @param frequencies N
     * @param gamma weight of the roughness
     */
    public Fourier(int bins, int frequencies, double gamma) {
      this.bins = bins;
      this.terms = frequencies + 1;
      this.gamma = (float) gamma;
      this.cos = new float[terms * bins];
      this.sin = new float[terms * bins];
      this.cosAcross = new float[terms * bins];
      this.sinAcross = new float[terms * bins];
      this.u = new float[bins];
      this.v = new float[bins];
      for (int t = 0; t < terms; t++) {
        for (int j = 0; j < bins; j++) {
          final double angle = Math.PI * (t * (2 * j + 1 - bins) % (2 * bins)) / bins;
          cos[t * bins + j] = (float) Math.cos(angle);
          sin[t * bins + j] = (float) Math.sin(angle);
          cosAcross[j * terms + t] = cos[t * bins + j];
          sinAcross[j * terms + t] = sin[t * bins + j];
        }
      }
    }

    @Override
    public int coefficients() {
      return 2 * terms;
    }

    @Override
    public float divisor() {
      return 100;
    }

    /** Weight of the roughness. */
    float gamma() {
      return gamma;
    }

    @Override
    public void forward(float[] a, float[] own, int rows, float[] logits) {
      if (totals.length < rows) {
        real = new float[rows * bins];
        imaginary = new float[rows * bins];
        pmf = new float[rows * bins];
        totals = new float[rows];
      }
      Arrays.fill(real, 0, rows * bins, 0);
      Arrays.fill(imaginary, 0, rows * bins, 0);
      for (int row = 0; row < rows; row++) {
        final int to = row * bins;
        for (int t = 0; t < terms; t++) {
          final float re = a[row * 2 * terms + t];
          final float im = a[row * 2 * terms + terms + t];
          turn(re, im, t * bins, to);
        }
        float total = 0;
        for (int j = 0; j < bins; j++) {
          final float square = real[to + j] * real[to + j] + imaginary[to + j] * imaginary[to + j];
          pmf[to + j] = square;
          total += square;
        }
        totals[row] = total;
        for (int j = 0; j < bins; j++) {
          pmf[to + j] /= total;
          logits[to + j] = (float) Math.log(pmf[to + j] + FLOOR);
        }
      }
    }

    private void turn(float re, float im, int from, int to) {
      for (int j = 0; j < bins; j++) {
        real[to + j] += re * cos[from + j] - im * sin[from + j];
        imaginary[to + j] += re * sin[from + j] + im * cos[from + j];
      }
    }

    @Override
    public void backward(
        float[] a, float[] own, int rows, float[] dlogits, float[] da, float[] down) {
      Arrays.fill(da, 0, rows * 2 * terms, 0);
      for (int row = 0; row < rows; row++) {
        final int from = row * bins;
        float along = 0;
        for (int j = 0; j < bins; j++) {
          final float d = dlogits[from + j] / (pmf[from + j] + FLOOR);
          u[j] = d;
          along += d * pmf[from + j];
        }
        for (int j = 0; j < bins; j++) {
          final float d = 2 * (u[j] - along) / totals[row];
          u[j] = d * real[from + j];
          v[j] = d * imaginary[from + j];
        }
        final int to = row * 2 * terms;
        for (int j = 0; j < bins; j++) {
          turnBack(u[j], v[j], j * terms, to, da);
        }
        if (gamma > 0) {
          roughness(a, to, gamma / rows, da);
        }
      }
    }

    private void turnBack(float re, float im, int from, int to, float[] da) {
      for (int t = 0; t < terms; t++) {
        da[to + t] += re * cosAcross[from + t] + im * sinAcross[from + t];
        da[to + terms + t] += im * cosAcross[from + t] - re * sinAcross[from + t];
      }
    }

    /** Adds the gradient of {@code share 4 pi^2 sum_k k^2 |c_k|^2}. */
    private void roughness(float[] a, int row, float share, float[] da) {
      for (int k = 1; k < terms; k++) {
        float re = 0;
        float im = 0;
        for (int t = 0; t + k < terms; t++) {
          re += a[row + t + k] * a[row + t] + a[row + terms + t + k] * a[row + terms + t];
          im += a[row + terms + t + k] * a[row + t] - a[row + t + k] * a[row + terms + t];
        }
        final float scale = (float) (8 * Math.PI * Math.PI * k * k) * share;
        for (int t = 0; t + k < terms; t++) {
          da[row + t + k] += scale * (re * a[row + t] - im * a[row + terms + t]);
          da[row + t] += scale * (re * a[row + t + k] + im * a[row + terms + t + k]);
          da[row + terms + t + k] += scale * (re * a[row + terms + t] + im * a[row + t]);
          da[row + terms + t] += scale * (re * a[row + terms + t + k] - im * a[row + t + k]);
        }
      }
    }
  }

  /**
   * A mixture of normal densities of equal weight: means are {@code tanh} of the coefficients,
   * deviations {@code softplus} of parameters that all rows share. The logits are {@code ln(mean of
   * the densities + 1e-5)}.
   */
  final class Mixture implements BinHead {

    private static final double FLOOR = 1e-5;

    private final int bins;
    private final int components;
    private double[] densities = {};
    private double[] means = {};

    /** A head; deviations start at 2 / m, the width of a bin. */
    public Mixture(int bins, int components) {
      this.bins = bins;
      this.components = components;
    }

    @Override
    public int coefficients() {
      return components;
    }

    @Override
    public float[] own() {
      final float[] theta = new float[components];
      Arrays.fill(theta, (float) Math.log(Math.expm1(2.0 / bins)));
      return theta;
    }

    @Override
    public void forward(float[] a, float[] own, int rows, float[] logits) {
      if (means.length < rows * components) {
        means = new double[rows * components];
        densities = new double[rows * components * bins];
      }
      for (int row = 0; row < rows; row++) {
        for (int g = 0; g < components; g++) {
          final double mean = Math.tanh(a[row * components + g]);
          final double deviation = deviation(own[g]);
          means[row * components + g] = mean;
          for (int j = 0; j < bins; j++) {
            final double z = (centre(j) - mean) / deviation;
            densities[(row * components + g) * bins + j] =
                Math.exp(-0.5 * z * z) / deviation / Math.sqrt(2 * Math.PI);
          }
        }
        for (int j = 0; j < bins; j++) {
          logits[row * bins + j] = (float) Math.log(density(row, j) + FLOOR);
        }
      }
    }

    @Override
    public void backward(
        float[] a, float[] own, int rows, float[] dlogits, float[] da, float[] down) {
      Arrays.fill(down, 0, components, 0);
      for (int row = 0; row < rows; row++) {
        for (int g = 0; g < components; g++) {
          final double mean = means[row * components + g];
          final double deviation = deviation(own[g]);
          double dmean = 0;
          double ddeviation = 0;
          for (int j = 0; j < bins; j++) {
            final double part =
                dlogits[row * bins + j]
                    / (density(row, j) + FLOOR)
                    / components
                    * densities[(row * components + g) * bins + j];
            final double z = (centre(j) - mean) / deviation;
            dmean += part * z / deviation;
            ddeviation += part * (z * z - 1) / deviation;
          }
          da[row * components + g] = (float) (dmean * (1 - mean * mean));
          down[g] += (float) (ddeviation / (1 + Math.exp(-own[g])));
        }
      }
    }

    private double density(int row, int j) {
      double sum = 0;
      for (int g = 0; g < components; g++) {
        sum += densities[(row * components + g) * bins + j];
      }
      return sum / components;
    }

    private double centre(int j) {
      return -1 + (2.0 * j + 1) / bins;
    }

    private static double deviation(float theta) {
      return Math.log1p(Math.exp(theta));
    }
  }
}
