package io.steelyard.kernels.head;

import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Fourier densities of float32 rows: one table of cosines and one of sines, a line for each
 * frequency, added up two vectors of bins at a time. Sums over bins and logarithms are in double. A
 * row is first scaled by a power of two, which changes no probability, so that no square leaves the
 * range of floats.
 */
final class FourierDensitySimd extends RowMap {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final ThreadLocal<FourierDensitySimd> OWN =
      ThreadLocal.withInitial(FourierDensitySimd::new);

  private float[] cosines = new float[0];
  private float[] sines = new float[0];
  private int bins;
  private int terms;
  private int stride;
  private double floor;

  private FourierDensitySimd() {}

  static void apply(Tensor a, double floor, Tensor y, int threads) {
    final FourierDensitySimd job = OWN.get();
    job.prepare(Math.toIntExact(y.rowLength()), Math.toIntExact(a.rowLength() / 2));
    job.floor = floor;
    job.run(a, y, 2L * job.bins * job.terms, threads);
  }

  private void prepare(int newBins, int newTerms) {
    if (newBins == bins && newTerms == terms) {
      return;
    }
    bins = newBins;
    terms = newTerms;
    stride = padded(newBins);
    cosines = new float[Math.multiplyExact(terms, stride)];
    sines = new float[terms * stride];
    for (int t = 0; t < terms; t++) {
      for (int j = 0; j < bins; j++) {
        final double angle = FourierDensity.angle(t, j, bins);
        cosines[t * stride + j] = (float) Math.cos(angle);
        sines[t * stride + j] = (float) Math.sin(angle);
      }
    }
  }

  @Override
  void map(long row, Panels panels) {
    final float[] x = panels.x;
    final float[] y = panels.y;
    float most = 0;
    for (int i = 0; i < 2 * terms; i++) {
      most = Math.max(most, Math.abs(x[i]));
    }
    final int exponent = Math.getExponent(most);
    for (int i = 0; i < 2 * terms; i++) {
      x[i] = Math.scalb(x[i], -exponent);
    }
    squares(x, cosines, sines, terms, stride, y);
    double total = 0;
    for (int j = 0; j < bins; j++) {
      total += y[j];
    }
    for (int j = 0; j < bins; j++) {
      y[j] = (float) Math.log(y[j] / total + floor);
    }
  }

  /** {@code y_j = |sum_t a_t e^(i angle)|^2}; n is a multiple of {@link Lanes#BLOCK}. */
  private static void squares(float[] a, float[] cos, float[] sin, int terms, int n, float[] y) {
    for (int j = 0; j < n; j += 2 * L) {
      FloatVector re0 = FloatVector.zero(S);
      FloatVector im0 = FloatVector.zero(S);
      FloatVector re1 = FloatVector.zero(S);
      FloatVector im1 = FloatVector.zero(S);
      for (int t = 0; t < terms; t++) {
        final FloatVector re = FloatVector.broadcast(S, a[t]);
        final FloatVector im = FloatVector.broadcast(S, a[terms + t]);
        final FloatVector minus = FloatVector.broadcast(S, -a[terms + t]);
        final FloatVector c0 = FloatVector.fromArray(S, cos, t * n + j);
        final FloatVector s0 = FloatVector.fromArray(S, sin, t * n + j);
        re0 = minus.fma(s0, re.fma(c0, re0));
        im0 = im.fma(c0, re.fma(s0, im0));
        final FloatVector c1 = FloatVector.fromArray(S, cos, t * n + j + L);
        final FloatVector s1 = FloatVector.fromArray(S, sin, t * n + j + L);
        re1 = minus.fma(s1, re.fma(c1, re1));
        im1 = im.fma(c1, re.fma(s1, im1));
      }
      re0.mul(re0).add(im0.mul(im0)).intoArray(y, j);
      re1.mul(re1).add(im1.mul(im1)).intoArray(y, j + L);
    }
  }
}
