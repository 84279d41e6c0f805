package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.tensor.Tensor;

/** One channel of one sequence, in double. */
final class ScanChannel {

  final double[] rates;
  final double skip;

  private final Tensor delta;
  private final long batch;
  private final long channel;
  private final double bias;
  private final boolean softplus;

  ScanChannel(Tensor delta, Tensor a, long batch, long channel, ScanOptions options) {
    this.delta = delta;
    this.batch = batch;
    this.channel = channel;
    softplus = options.softplus();
    skip = options.skip().map(x -> x.get(channel)).orElse(0.0);
    bias = options.bias().map(x -> x.get(channel)).orElse(0.0);
    rates = new double[Math.toIntExact(a.dim(1))];
    for (int s = 0; s < rates.length; s++) {
      rates[s] = a.get(channel, s);
    }
  }

  private double raw(int step) {
    return delta.getDouble(ScanCall.at(delta, batch, step, channel)) + bias;
  }

  /** The size of a step. */
  double size(int step) {
    return softplus ? Softplus.of(raw(step)) : raw(step);
  }

  /** The derivative of the size of a step with respect to its delta. */
  double slope(int step) {
    return softplus ? Sigmoid.of(raw(step)) : 1;
  }

  /** This channel of a state, or zeros if there is none. */
  double[] load(Tensor state) {
    final double[] h = new double[rates.length];
    for (int s = 0; s < h.length && state != ScanCall.NOTHING; s++) {
      h[s] = state.get(batch, channel, s);
    }
    return h;
  }

  /** Writes this channel of a state. */
  void store(double[] h, Tensor state) {
    final long at = state.offset() + batch * state.stride(0) + channel * state.stride(1);
    for (int s = 0; s < h.length; s++) {
      state.setDouble(at + s * state.stride(2), h[s]);
    }
  }
}
