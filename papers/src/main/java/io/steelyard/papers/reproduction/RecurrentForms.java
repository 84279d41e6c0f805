package io.steelyard.papers.reproduction;

import io.steelyard.kernels.recurrent.LtvSystem;
import io.steelyard.kernels.recurrent.Recurrences;
import io.steelyard.kernels.recurrent.SeparableAttention;
import io.steelyard.kernels.recurrent.SeparableAttention.Normaliser;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Random coefficients, and every form of the page written out by its own formula. */
final class RecurrentForms {

  static final int STEPS = 32;
  static final int CHANNELS = 2;
  private static final int STATES = 3;

  final Tensor queries;
  final Tensor keys;
  final Tensor values;
  private final Tensor z;
  private final Tensor gates;
  private final Tensor inputs;
  private final Tensor outputs;
  private final Tensor rates;
  private final Tensor skip;
  private final Tensor step;
  private final Tensor steps;

  RecurrentForms(RandomGenerator random) {
    this.queries = shortRows(random);
    this.keys = shortRows(random);
    this.values = normal(random, STEPS, CHANNELS);
    this.z = normal(random, STEPS);
    this.gates = normal(random, STEPS, CHANNELS);
    this.inputs = normal(random, STEPS, CHANNELS);
    this.outputs = normal(random, STEPS, CHANNELS);
    this.rates = positive(normal(random, CHANNELS, STATES));
    this.skip = normal(random, CHANNELS);
    this.step = positive(normal(random, STEPS));
    this.steps = positive(normal(random, STEPS, CHANNELS));
  }

  private static Tensor normal(RandomGenerator random, long... shape) {
    final double[] data = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.setAll(data, _ -> random.nextGaussian());
    return Tensor.of(data, shape);
  }

  /** Rows of length {@code d^(1/4)}, so that scores over {@code sqrt(d)} are at most 1. */
  private static Tensor shortRows(RandomGenerator random) {
    final Tensor rows = normal(random, STEPS, STATES);
    for (int i = 0; i < STEPS; i++) {
      double squares = 0;
      for (int s = 0; s < STATES; s++) {
        squares += rows.get(i, s) * rows.get(i, s);
      }
      for (int s = 0; s < STATES; s++) {
        rows.setDouble(
            (long) i * STATES + s, rows.get(i, s) / Math.sqrt(squares) * Math.pow(STATES, 0.25));
      }
    }
    return rows;
  }

  private static Tensor positive(Tensor x) {
    final double[] data = x.toDoubleArray();
    Arrays.setAll(data, i -> Math.log1p(Math.exp(data[i])));
    return Tensor.of(data, x.shape());
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double elu(double x) {
    return x > 0 ? x + 1 : Math.exp(x);
  }

  double largestValue() {
    return Arrays.stream(values.toDoubleArray()).map(Math::abs).max().orElseThrow();
  }

  LtvSystem linear() {
    return SeparableAttention.linear(queries, keys).system(CHANNELS);
  }

  LtvSystem normalised() {
    return SeparableAttention.normalised(queries, keys, z, Normaliser.EXP).system(CHANNELS);
  }

  LtvSystem selective() {
    return Recurrences.selective(steps, rates, keys, queries, skip);
  }

  LtvSystem scalarSelective() {
    return Recurrences.scalarSelective(step, 1, keys, queries, CHANNELS);
  }

  SeparableAttention scalarSelectiveAttention() {
    return Recurrences.scalarSelectiveAttention(step, 1, keys, queries);
  }

  LtvSystem gated() {
    return Recurrences.quasiLstm(gates, inputs, outputs);
  }

  LtvSystem reversed() {
    return Recurrences.reversedQuasiLstm(gates, inputs, outputs, 1.5);
  }

  LtvSystem gatedLru() {
    return Recurrences.gatedLru(skip, gates, inputs);
  }

  double[][] linearDirectly() {
    return attention((i, j) -> features(i, j, true), true, _ -> 1);
  }

  double[][] normalisedDirectly() {
    return attention((i, j) -> features(i, j, false), false, i -> Math.exp(z.get(i)));
  }

  double[][] softmaxDirectly() {
    return attention((i, j) -> Math.exp(features(i, j, false) / Math.sqrt(STATES)), true, _ -> 1);
  }

  double[][] scalarSelectiveDirectly() {
    return attention(
        (i, j) -> {
          double passed = 0;
          for (int t = j + 1; t <= i; t++) {
            passed += step.get(t);
          }
          return features(i, j, false) * step.get(j) * Math.exp(-passed);
        },
        false,
        _ -> 1);
  }

  private double features(int i, int j, boolean positive) {
    double sum = 0;
    for (int s = 0; s < STATES; s++) {
      sum +=
          positive
              ? elu(queries.get(i, s)) * elu(keys.get(j, s))
              : queries.get(i, s) * keys.get(j, s);
    }
    return sum;
  }

  /** A weight of a query and a key. */
  private interface Weight {
    double of(int i, int j);
  }

  /** A normaliser of a query. */
  private interface Divisor {
    double of(int i);
  }

  private double[][] attention(Weight weight, boolean summed, Divisor divisor) {
    final double[][] y = new double[STEPS][CHANNELS];
    for (int i = 0; i < STEPS; i++) {
      double total = 0;
      for (int j = 0; j <= i; j++) {
        final double w = weight.of(i, j);
        total += w;
        for (int channel = 0; channel < CHANNELS; channel++) {
          y[i][channel] += w * values.get(j, channel);
        }
      }
      for (int channel = 0; channel < CHANNELS; channel++) {
        y[i][channel] /= summed ? total : divisor.of(i);
      }
    }
    return y;
  }

  double[][] selectiveDirectly() {
    final double[][] y = new double[STEPS][CHANNELS];
    for (int i = 0; i < STEPS; i++) {
      for (int channel = 0; channel < CHANNELS; channel++) {
        double passed = 0;
        y[i][channel] = skip.get(channel) * values.get(i, channel);
        for (int j = i; j >= 0; j--) {
          for (int s = 0; s < STATES; s++) {
            y[i][channel] +=
                queries.get(i, s)
                    * Math.exp(-rates.get(channel, s) * passed)
                    * steps.get(j, channel)
                    * keys.get(j, s)
                    * values.get(j, channel);
          }
          passed += steps.get(j, channel);
        }
      }
    }
    return y;
  }

  double[][] gatedDirectly() {
    return recurrence(
        (i, c) -> sigmoid(gates.get(i, c)),
        (i, c) -> sigmoid(inputs.get(i, c)),
        (i, c) -> sigmoid(outputs.get(i, c)));
  }

  double[][] reversedDirectly() {
    return recurrence(
        (i, c) -> Math.pow(sigmoid(-gates.get(i, c)), 1.5),
        (i, c) -> sigmoid(inputs.get(i, c)),
        (i, c) -> sigmoid(outputs.get(i, c)));
  }

  double[][] gatedLruDirectly() {
    final Weight decay =
        (i, c) -> Math.exp(-8 * Math.log1p(Math.exp(skip.get(c))) * sigmoid(gates.get(i, c)));
    return recurrence(
        decay,
        (i, c) -> Math.sqrt(1 - decay.of(i, c) * decay.of(i, c)) * sigmoid(inputs.get(i, c)),
        (_, _) -> 1);
  }

  private double[][] recurrence(Weight decay, Weight in, Weight out) {
    final double[][] y = new double[STEPS][CHANNELS];
    for (int channel = 0; channel < CHANNELS; channel++) {
      double h = 0;
      for (int i = 0; i < STEPS; i++) {
        h = decay.of(i, channel) * h + in.of(i, channel) * values.get(i, channel);
        y[i][channel] = out.of(i, channel) * h;
      }
    }
    return y;
  }
}
