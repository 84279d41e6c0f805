package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * A causal token mixer as a linear time-varying system: {@code h_i = Lambda_i h_(i-1) + B_i u_i},
 * {@code y_i = C_i h_i + D_i u_i}, with a state of 0 before the first step.
 *
 * <p>Each of the d channels has n states, so that the state is an array {@code [n, d]}, and no
 * coefficient mixes channels, which holds for separable attention (channels of the values), S6,
 * SSD, and gated recurrences alike: {@code h_i[s,c] = lambda_i[s,c] h_(i-1)[s,c] + b_i[s,c]
 * u_i[c]}, {@code y_i[c] = sum_s c_i[s,c] h_i[s,c] + D_i[c] u_i[c]}. The papers' matrices,
 * Kronecker products for attention, have these numbers and else zeros. What does not depend on a
 * state or a channel may be a broadcast view and takes no memory.
 *
 * <p>All in double; for analysis and as a reference, not for speed. Immutable, if the tensors are
 * not written to.
 *
 * <p>Source: arXiv 2405.15731, section 3.
 *
 * @param lambda diagonals of Lambda, f64 {@code [T, n, d]}
 * @param b input maps, f64 {@code [T, n, d]}
 * @param c output maps, f64 {@code [T, n, d]}
 * @param skip diagonals of D, f64 {@code [T, d]}
 * @param coupling what the coefficients are made from
 */
public record LtvSystem(Tensor lambda, Tensor b, Tensor c, Tensor skip, Coupling coupling) {

  /** Checks the shapes. */
  public LtvSystem {
    if (lambda.dtype() != DType.F64 || lambda.rank() != 3) {
      throw new IllegalArgumentException("lambda is " + lambda + "; expected f64[T, n, d]");
    }
    check("b", b, lambda.shape());
    check("c", c, lambda.shape());
    check("skip", skip, lambda.dim(0), lambda.dim(2));
  }

  /** The gradients of a loss with respect to coefficients and inputs, shaped like them. */
  public record Gradients(Tensor dlambda, Tensor db, Tensor dc, Tensor dskip, Tensor du) {}

  /** T. */
  public int steps() {
    return Math.toIntExact(lambda.dim(0));
  }

  /** n, the states of a channel. */
  public int expansion() {
    return Math.toIntExact(lambda.dim(1));
  }

  /** d. */
  public int channels() {
    return Math.toIntExact(lambda.dim(2));
  }

  /** Numbers in the state, {@code n d}. */
  public long stateSize() {
    return lambda.dim(1) * lambda.dim(2);
  }

  /**
   * The outputs, step by step; O(T n d).
   *
   * @param u inputs, f64 {@code [T, d]}; not modified
   * @return f64 {@code [T, d]}
   */
  public Tensor run(Tensor u) {
    checkInput("u", u);
    final Tensor y = Tensor.zeros(DType.F64, steps(), channels());
    final double[][] states = states(u);
    for (int i = 0; i < steps(); i++) {
      for (int channel = 0; channel < channels(); channel++) {
        double sum = skip.get(i, channel) * u.get(i, channel);
        for (int s = 0; s < expansion(); s++) {
          sum += c.get(i, s, channel) * states[i + 1][s * channels() + channel];
        }
        y.setDouble((long) i * channels() + channel, sum);
      }
    }
    return y;
  }

  /**
   * The map Phi from all inputs to all outputs, {@code Phi_ij = C_i Lambda_i ... Lambda_(j+1) B_j}
   * for {@code j <= i}, and {@code + D_i} for {@code j = i}; O(T^2 n d).
   *
   * @return f64 {@code [T, T, d]}: the blocks are diagonal, and these are their diagonals
   */
  public Tensor mixer() {
    final int steps = steps();
    final int d = channels();
    final Tensor phi = Tensor.zeros(DType.F64, steps, steps, d);
    for (int channel = 0; channel < d; channel++) {
      for (int j = 0; j < steps; j++) {
        final double[] h = new double[expansion()];
        for (int i = j; i < steps; i++) {
          double sum = i == j ? skip.get(i, channel) : 0;
          for (int s = 0; s < h.length; s++) {
            h[s] = i == j ? b.get(j, s, channel) : lambda.get(i, s, channel) * h[s];
            sum += c.get(i, s, channel) * h[s];
          }
          phi.setDouble(((long) i * steps + j) * d + channel, sum);
        }
      }
    }
    return phi;
  }

  /**
   * The gradients of a loss, by the adjoint recurrence {@code g_i = C_i^T dy_i + Lambda_(i+1)
   * g_(i+1)}: {@code dLambda_i = g_i h_(i-1)}, {@code dB_i = g_i u_i}, {@code dC_i = dy_i h_i},
   * {@code du_i = B_i^T g_i + D_i dy_i}. O(T n d).
   *
   * @param u inputs, f64 {@code [T, d]}; not modified
   * @param dy gradient with respect to the outputs, f64 {@code [T, d]}; not modified
   */
  public Gradients vjp(Tensor u, Tensor dy) {
    checkInput("u", u);
    checkInput("dy", dy);
    final int d = channels();
    final int n = expansion();
    final Tensor dlambda = Tensor.zeros(DType.F64, lambda.shape());
    final Tensor db = Tensor.zeros(DType.F64, lambda.shape());
    final Tensor dc = Tensor.zeros(DType.F64, lambda.shape());
    final Tensor dskip = Tensor.zeros(DType.F64, skip.shape());
    final Tensor du = Tensor.zeros(DType.F64, skip.shape());
    final double[][] states = states(u);
    final double[] g = new double[n * d];
    for (int i = steps() - 1; i >= 0; i--) {
      for (int channel = 0; channel < d; channel++) {
        final double out = dy.get(i, channel);
        final double in = u.get(i, channel);
        double sum = skip.get(i, channel) * out;
        for (int s = 0; s < n; s++) {
          final int at = s * d + channel;
          final long to = (long) i * n * d + at;
          g[at] += c.get(i, s, channel) * out;
          dlambda.setDouble(to, g[at] * states[i][at]);
          db.setDouble(to, g[at] * in);
          dc.setDouble(to, out * states[i + 1][at]);
          sum += b.get(i, s, channel) * g[at];
          g[at] *= lambda.get(i, s, channel);
        }
        du.setDouble((long) i * d + channel, sum);
        dskip.setDouble((long) i * d + channel, out * in);
      }
    }
    return new Gradients(dlambda, db, dc, dskip, du);
  }

  /** The state before each step, and after the last one: rows of n d numbers. */
  private double[][] states(Tensor u) {
    final int d = channels();
    final double[][] h = new double[steps() + 1][Math.toIntExact(stateSize())];
    for (int i = 0; i < steps(); i++) {
      for (int s = 0; s < expansion(); s++) {
        for (int channel = 0; channel < d; channel++) {
          final int at = s * d + channel;
          h[i + 1][at] =
              lambda.get(i, s, channel) * h[i][at] + b.get(i, s, channel) * u.get(i, channel);
        }
      }
    }
    return h;
  }

  /**
   * What is left after step {@code i} of what step {@code j} put into each state: {@code Lambda_i
   * ... Lambda_(j+1)}.
   *
   * @return f64 {@code [n, d]}
   * @throws IllegalArgumentException unless {@code 0 <= j <= i < T}
   */
  public Tensor memory(int i, int j) {
    if (j < 0 || j > i || i >= steps()) {
      throw new IllegalArgumentException(
          "steps are " + i + " and " + j + "; expected " + steps() + " > i >= j >= 0");
    }
    final Tensor left = Tensor.zeros(DType.F64, expansion(), channels());
    for (int s = 0; s < expansion(); s++) {
      for (int channel = 0; channel < channels(); channel++) {
        double product = 1;
        for (int k = j + 1; k <= i; k++) {
          product *= lambda.get(k, s, channel);
        }
        left.setDouble((long) s * channels() + channel, product);
      }
    }
    return left;
  }

  /**
   * How many eigenvalues, which are the diagonals of all Lambda, fall into each of some intervals
   * of equal width.
   *
   * @param from where the first interval begins
   * @param to where the last one ends, itself included
   * @param intervals how many, 1 or more
   * @return the count of each interval, between that of all below (first) and of all above or NaN
   *     (last)
   */
  public long[] eigenvalues(double from, double to, int intervals) {
    if (!(from < to) || !Double.isFinite(to - from) || intervals < 1) {
      throw new IllegalArgumentException(
          "from, to and intervals are "
              + from
              + ", "
              + to
              + " and "
              + intervals
              + "; expected finite numbers, the first below the second, and 1 or more");
    }
    final long[] counts = new long[intervals + 2];
    for (long i = 0; i < lambda.size(); i++) {
      final double value = lambda.getDouble(lambda.flatIndex(i));
      if (value < from) {
        counts[0]++;
      } else if (value <= to) {
        final int interval = (int) ((value - from) / (to - from) * intervals);
        counts[1 + Math.min(interval, intervals - 1)]++;
      } else {
        counts[intervals + 1]++;
      }
    }
    return counts;
  }

  private void checkInput(String name, Tensor u) {
    check(name, u, lambda.dim(0), lambda.dim(2));
  }

  private static void check(String name, Tensor tensor, long... shape) {
    if (tensor.dtype() != DType.F64 || !Arrays.equals(tensor.shape(), shape)) {
      throw new IllegalArgumentException(
          name + " is " + tensor + "; expected f64" + Arrays.toString(shape));
    }
  }
}
