package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.recurrent.Coupling.Source;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;

/**
 * Causal attention whose scores are products of features: {@code y_i = sum_(j<=i) w_ij v_j}, {@code
 * w_ij = phi(q_i).psi(k_j) e^(gain_j - eta_i)}, with a positive normaliser of each query, kept as
 * its logarithm eta.
 *
 * <p>As a system ({@link #system}) its decay is the quotient of neighbouring normalisers, {@code
 * e^(eta_(i-1) - eta_i)}. So it is exactly the systems that decay all states of a step alike, which
 * takes in SSD (Mamba-2): there the gain of a key is what its query side has accumulated. Only
 * differences of logarithms are ever exponentiated: with a normaliser that grows or shrinks with
 * every step, neither factor of {@code e^gain_j e^-eta_i} need be a number, while their product is.
 *
 * <p>All in double. Source: arXiv 2405.15731, sections 3.2 and 4.
 *
 * @param phi features of the queries, f64 {@code [T, n]}
 * @param psi features of the keys, f64 {@code [T, n]}
 * @param gain logarithms of what a key's features are multiplied by, f64 {@code [T]}
 * @param eta logarithms of the normalisers, f64 {@code [T]}
 */
public record SeparableAttention(Tensor phi, Tensor psi, Tensor gain, Tensor eta) {

  /** What a normaliser is, given {@code z = w.u_i + b}. */
  public enum Normaliser {
    /** {@code e^z}: best in the paper. */
    EXP,
    /** {@code ln(1 + e^z)}. */
    SOFTPLUS,
    /** {@code 1 / (1 + e^-z)}. */
    SIGMOID;

    /** The logarithm of the normaliser, without overflow or loss for any z. */
    public double log(double z) {
      return switch (this) {
        case EXP -> z;
        // Below -30, softplus is e^z to the last bit.
        case SOFTPLUS -> z < -30 ? z : Math.log(Softplus.of(z));
        case SIGMOID -> -Softplus.of(-z);
      };
    }
  }

  /** Checks the shapes. */
  public SeparableAttention {
    checkMatrix("phi", phi);
    check("psi", psi, phi.shape());
    check("gain", gain, phi.dim(0));
    check("eta", eta, phi.dim(0));
  }

  /**
   * Linear attention: features {@code elu + 1} of both sides, normalised by their sum, so that
   * weights are positive and those of a query sum to 1. No scale.
   *
   * @param q queries, f64 {@code [T, n]}
   * @param k keys, f64 {@code [T, n]}
   */
  public static SeparableAttention linear(Tensor q, Tensor k) {
    checkMatrix("q", q);
    check("k", k, q.shape());
    return summed(elu(q), elu(k));
  }

  /**
   * Normalised attention: the queries and keys themselves, over a normaliser that the layer's input
   * gives. Weights may be negative and sum to anything.
   *
   * @param q queries, f64 {@code [T, n]}
   * @param k keys, f64 {@code [T, n]}
   * @param z {@code w.u_i + b}, f64 {@code [T]}
   */
  public static SeparableAttention normalised(Tensor q, Tensor k, Tensor z, Normaliser normaliser) {
    checkMatrix("q", q);
    check("k", k, q.shape());
    check("z", z, q.dim(0));
    final Tensor eta = Tensor.zeros(DType.F64, q.dim(0));
    for (long i = 0; i < eta.size(); i++) {
      eta.setDouble(i, normaliser.log(z.get(i)));
    }
    return new SeparableAttention(q, k, Tensor.zeros(DType.F64, q.dim(0)), eta);
  }

  /**
   * The Taylor polynomial of softmax attention with scale {@code 1/sqrt(d)}: features {@code
   * (x/d^(1/4))^(x)m / sqrt(m!)} for m = 0 ... order, {@code 1 + d + ... + d^order} of them,
   * normalised by their sum.
   *
   * @param q queries, f64 {@code [T, d]}
   * @param k keys, f64 {@code [T, d]}
   * @param order p, 0 or more. Weights of an odd order can be negative
   * @throws IllegalArgumentException if a normaliser is not positive, which odd orders allow, or
   *     there are more than 2^20 features
   */
  public static SeparableAttention taylor(Tensor q, Tensor k, int order) {
    checkMatrix("q", q);
    check("k", k, q.shape());
    final double d = q.dim(1);
    final double features = d == 1 ? order + 1.0 : (Math.pow(d, order + 1.0) - 1) / (d - 1);
    if (order < 0 || !(features <= 1 << 20)) {
      throw new IllegalArgumentException(
          "order is " + order + "; expected 0 or more, and no more than 2^20 features of " + q);
    }
    return summed(powers(q, order, (int) features), powers(k, order, (int) features));
  }

  /**
   * What the weights of {@link #taylor} may cost: with scores {@code |q.k|/sqrt(d) <= bound},
   * outputs are within this times the largest {@code |v|} of those of softmax attention.
   *
   * @return infinity where the bound says nothing
   */
  public static double taylorBound(double bound, int order) {
    // The remainder's bound relative to the exponential, which is worst at scores of -bound.
    double epsilon = Math.exp(bound);
    for (int m = 1; m <= order + 1; m++) {
      epsilon *= bound / m;
    }
    return epsilon < 1 ? 2 * epsilon / (1 - epsilon) : Double.POSITIVE_INFINITY;
  }

  /**
   * The attention that a system is, if every step decays all states alike, by a positive factor,
   * and maps channels in and out alike, without a skip connection.
   */
  public static Optional<SeparableAttention> of(LtvSystem system) {
    final int steps = system.steps();
    final int n = system.expansion();
    final Tensor phi = Tensor.zeros(DType.F64, steps, n);
    final Tensor psi = Tensor.zeros(DType.F64, steps, n);
    final Tensor eta = Tensor.zeros(DType.F64, steps);
    if (system.stateSize() == 0) {
      return Optional.empty();
    }
    double sum = 0;
    for (int i = 0; i < steps; i++) {
      final double decay = system.lambda().get(i, 0, 0);
      // Nothing is there yet that the first step could decay.
      sum -= i == 0 ? 0 : Math.log(decay);
      boolean separable = decay > 0;
      for (int s = 0; s < n; s++) {
        for (int channel = 0; channel < system.channels(); channel++) {
          separable &=
              system.lambda().get(i, s, channel) == decay
                  && system.b().get(i, s, channel) == system.b().get(i, s, 0)
                  && system.c().get(i, s, channel) == system.c().get(i, s, 0)
                  && system.skip().get(i, channel) == 0;
        }
        phi.setDouble((long) i * n + s, system.c().get(i, s, 0));
        psi.setDouble((long) i * n + s, system.b().get(i, s, 0));
      }
      if (!separable) {
        return Optional.empty();
      }
      eta.setDouble(i, sum);
    }
    return Optional.of(new SeparableAttention(phi, psi, eta, eta));
  }

  /**
   * The weights, 0 above the diagonal; O(T^2 n).
   *
   * @return f64 {@code [T, T]}
   */
  public Tensor weights() {
    final long steps = phi.dim(0);
    final Tensor weights = Tensor.zeros(DType.F64, steps, steps);
    for (long i = 0; i < steps; i++) {
      for (long j = 0; j <= i; j++) {
        double score = 0;
        for (long s = 0; s < phi.dim(1); s++) {
          score += phi.get(i, s) * psi.get(j, s);
        }
        weights.setDouble(i * steps + j, score * Math.exp(gain.get(j) - eta.get(i)));
      }
    }
    return weights;
  }

  /**
   * The outputs by the weights; O(T^2 (n + d)).
   *
   * @param v values, f64 {@code [T, d]}; not modified
   * @return f64 {@code [T, d]}
   */
  public Tensor apply(Tensor v) {
    check("v", v, phi.dim(0), v.rank() == 2 ? v.dim(1) : 0);
    final Tensor weights = weights();
    final Tensor y = Tensor.zeros(DType.F64, v.shape());
    for (long i = 0; i < v.dim(0); i++) {
      for (long channel = 0; channel < v.dim(1); channel++) {
        double sum = 0;
        for (long j = 0; j <= i; j++) {
          sum += weights.get(i, j) * v.get(j, channel);
        }
        y.setDouble(i * v.dim(1) + channel, sum);
      }
    }
    return y;
  }

  /**
   * The same as a system: {@code lambda_i = e^(eta_(i-1) - eta_i)} (1 at first), {@code b_i =
   * psi(k_i) e^(gain_i - eta_i)}, {@code c_i = phi(q_i)}.
   *
   * @param channels d, of the values
   */
  public LtvSystem system(int channels) {
    final int steps = Math.toIntExact(phi.dim(0));
    final int n = Math.toIntExact(phi.dim(1));
    final Tensor lambda = Tensor.zeros(DType.F64, steps, 1, 1);
    final Tensor b = Tensor.zeros(DType.F64, steps, n, 1);
    final Tensor c = Tensor.zeros(DType.F64, steps, n, 1);
    for (int i = 0; i < steps; i++) {
      lambda.setDouble(i, i == 0 ? 1 : Math.exp(eta.get(i - 1) - eta.get(i)));
      for (int s = 0; s < n; s++) {
        b.setDouble((long) i * n + s, psi.get(i, s) * Math.exp(gain.get(i) - eta.get(i)));
        c.setDouble((long) i * n + s, phi.get(i, s));
      }
    }
    return new LtvSystem(
        lambda.broadcastTo(steps, n, channels),
        b.broadcastTo(steps, n, channels),
        c.broadcastTo(steps, n, channels),
        Tensor.zeros(DType.F64, 1, 1).broadcastTo(steps, channels),
        new Coupling(Source.NORMALISER, Source.NORMALISER, true));
  }

  /** Attention normalised by the sum of its scores. */
  private static SeparableAttention summed(Tensor phi, Tensor psi) {
    final int n = Math.toIntExact(phi.dim(1));
    final double[] sums = new double[n];
    final Tensor eta = Tensor.zeros(DType.F64, phi.dim(0));
    for (long i = 0; i < phi.dim(0); i++) {
      double sum = 0;
      for (int s = 0; s < n; s++) {
        sums[s] += psi.get(i, s);
        sum += phi.get(i, s) * sums[s];
      }
      if (!(sum > 0)) {
        throw new IllegalArgumentException(
            "the normaliser of query " + i + " is " + sum + "; expected a number above 0");
      }
      eta.setDouble(i, Math.log(sum));
    }
    return new SeparableAttention(phi, psi, Tensor.zeros(DType.F64, phi.dim(0)), eta);
  }

  private static Tensor elu(Tensor x) {
    final double[] data = x.toDoubleArray();
    Arrays.setAll(data, i -> data[i] > 0 ? data[i] + 1 : Math.exp(data[i]));
    return Tensor.of(data, x.shape());
  }

  private static Tensor powers(Tensor x, int order, int features) {
    final int d = Math.toIntExact(x.dim(1));
    final double scale = Math.pow(d, -0.25);
    final Tensor to = Tensor.zeros(DType.F64, x.dim(0), features);
    for (long i = 0; i < x.dim(0); i++) {
      double[] power = {1};
      int at = 0;
      for (int m = 0; m <= order; m++) {
        for (final double feature : power) {
          to.setDouble(i * features + at++, feature);
        }
        final double[] next = new double[m < order ? power.length * d : 0];
        for (int p = 0; p < next.length; p++) {
          next[p] = power[p / d] * x.get(i, p % d) * scale / Math.sqrt(m + 1.0);
        }
        power = next;
      }
    }
    return to;
  }

  private static void checkMatrix(String name, Tensor tensor) {
    if (tensor.dtype() != DType.F64 || tensor.rank() != 2) {
      throw new IllegalArgumentException(name + " is " + tensor + "; expected f64[T, n]");
    }
  }

  private static void check(String name, Tensor tensor, long... shape) {
    if (tensor.dtype() != DType.F64 || !Arrays.equals(tensor.shape(), shape)) {
      throw new IllegalArgumentException(
          name + " is " + tensor + "; expected f64" + Arrays.toString(shape));
    }
  }
}
