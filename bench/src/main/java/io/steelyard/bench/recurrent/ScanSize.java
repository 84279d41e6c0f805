package io.steelyard.bench.recurrent;

import io.steelyard.kernels.tensor.Tensor;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The size of a scan: one sequence.
 *
 * @param steps T
 * @param channels D
 * @param states N, of a channel
 */
record ScanSize(int steps, int channels, int states) {

  /**
   * Operations for each number of the state and each step: 13 of an exponential by a polynomial,
   * one for its argument, three to go on, two to read, one for the input.
   */
  private static final int OPERATIONS = 20;

  /** Parses for example {@code 512x1024x16}. */
  static ScanSize parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException(
          "size is '" + text + "'; expected steps x channels x states, for example 512x1024x16");
    }
    return new ScanSize(
        Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
  }

  double flops() {
    return (double) OPERATIONS * steps * channels * states;
  }

  float[] u() {
    return normal(1, steps * channels);
  }

  /** Between 0.001 and 0.1, as Mamba begins. */
  float[] delta() {
    final float[] delta = normal(2, steps * channels);
    for (int i = 0; i < delta.length; i++) {
      delta[i] = (float) Math.clamp(0.01 * Math.exp(delta[i]), 0.001, 0.1);
    }
    return delta;
  }

  /** Decay rates 1 to N in every channel, as Mamba begins; channels next to each other. */
  float[] rates() {
    final float[] rates = new float[states * channels];
    for (int i = 0; i < rates.length; i++) {
      rates[i] = 1 + i / channels;
    }
    return rates;
  }

  float[] b() {
    return normal(3, steps * states);
  }

  float[] c() {
    return normal(4, steps * states);
  }

  long[] sequence() {
    return new long[] {1, steps, channels};
  }

  long[] projections() {
    return new long[] {1, steps, states};
  }

  /** Inputs of a scan in the order of its arguments. */
  Tensor[] inputs() {
    return new Tensor[] {
      Tensor.of(u(), sequence()),
      Tensor.of(delta(), sequence()),
      Tensor.of(rates(), states, channels).transpose(0, 1),
      Tensor.of(b(), projections()),
      Tensor.of(c(), projections())
    };
  }

  private static float[] normal(int seed, int length) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] x = new float[length];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  @Override
  public String toString() {
    return steps + "x" + channels + "x" + states;
  }
}
