package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.tensor.Tensor;

/**
 * The gradients of a selective scan in double: each channel forwards once, keeping its states, and
 * back once. Sums over channels, sequences and steps are rounded at the end.
 */
final class ScanAdjoint {

  private final Tensor u;
  private final Tensor delta;
  private final Tensor a;
  private final Tensor b;
  private final Tensor c;
  private final ScanOptions options;
  private final int steps;
  private final int channels;
  private final int states;

  ScanAdjoint(Tensor u, Tensor delta, Tensor a, Tensor b, Tensor c, ScanOptions options) {
    this.u = u;
    this.delta = delta;
    this.a = a;
    this.b = b;
    this.c = c;
    this.options = options;
    steps = ScanCall.steps(u);
    channels = Math.toIntExact(a.dim(0));
    states = Math.toIntExact(a.dim(1));
  }

  void run(Tensor initial, Tensor dy, Tensor dstate, ScanGradients to) {
    final double[] da = new double[Math.multiplyExact(channels, states)];
    final double[] dskip = new double[channels];
    final double[] dbias = new double[channels];
    for (long batch = 0; batch < u.dim(0); batch++) {
      final double[] db = new double[Math.multiplyExact(steps, states)];
      final double[] dc = new double[steps * states];
      for (int channel = 0; channel < channels; channel++) {
        final ScanChannel own = new ScanChannel(delta, a, batch, channel, options);
        final double[][] h = forward(own, batch, channel, own.load(initial));
        final double[] g = own.load(dstate);
        for (int t = steps - 1; t >= 0; t--) {
          final double input = u.getDouble(ScanCall.at(u, batch, t, channel));
          final double gradient = dy.getDouble(ScanCall.at(dy, batch, t, channel));
          final double size = own.size(t);
          double dx = 0;
          double dsize = 0;
          for (int s = 0; s < states; s++) {
            final int ts = t * states + s;
            final double bs = b.getDouble(ScanCall.at(b, batch, t, s));
            g[s] += c.getDouble(ScanCall.at(c, batch, t, s)) * gradient;
            dc[ts] += gradient * h[t + 1][s];
            db[ts] += g[s] * size * input;
            dx += g[s] * bs;
            g[s] *= Math.exp(-size * own.rates[s]);
            final double slope = -g[s] * h[t][s];
            dsize += own.rates[s] * slope;
            da[channel * states + s] += size * slope;
          }
          final double ddelta = (dsize + dx * input) * own.slope(t);
          to.ddelta().setDouble(ScanCall.at(to.ddelta(), batch, t, channel), ddelta);
          to.du()
              .setDouble(ScanCall.at(to.du(), batch, t, channel), dx * size + own.skip * gradient);
          dbias[channel] += ddelta;
          dskip[channel] += gradient * input;
        }
        if (to.dinitial().isPresent()) {
          own.store(g, to.dinitial().get());
        }
      }
      for (int ts = 0; ts < db.length; ts++) {
        final int t = ts / states;
        to.db().setDouble(ScanCall.at(to.db(), batch, t, ts % states), db[ts]);
        to.dc().setDouble(ScanCall.at(to.dc(), batch, t, ts % states), dc[ts]);
      }
    }
    write(da, to.da());
    to.dskip().ifPresent(gradient -> write(dskip, gradient));
    to.dbias().ifPresent(gradient -> write(dbias, gradient));
  }

  /** The state before each step, and the last one. */
  private double[][] forward(ScanChannel own, long batch, int channel, double[] first) {
    final double[][] h = new double[steps + 1][states];
    h[0] = first;
    for (int t = 0; t < steps; t++) {
      final double size = own.size(t);
      final double x = size * u.getDouble(ScanCall.at(u, batch, t, channel));
      for (int s = 0; s < states; s++) {
        h[t + 1][s] =
            Math.exp(-size * own.rates[s]) * h[t][s] + x * b.getDouble(ScanCall.at(b, batch, t, s));
      }
    }
    return h;
  }

  private static void write(double[] from, Tensor to) {
    for (int i = 0; i < from.length; i++) {
      to.setDouble(to.flatIndex(i), from[i]);
    }
  }
}
