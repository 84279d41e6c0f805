package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.recurrent.Coupling.Source;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * State-space models and gated recurrences as systems, in double. (Attentions are made by {@link
 * SeparableAttention}.)
 *
 * <p>Source: arXiv 2405.15731, sections 3.3, 3.4 and 5; arXiv 2402.19427 for the RG-LRU.
 */
public final class Recurrences {

  /** What the RG-LRU multiplies the exponent of its decay by. */
  private static final double RG_LRU = 8;

  private Recurrences() {}

  /**
   * S6 (Mamba): {@code lambda = e^(-Delta[c] a[c,s])}, {@code b = Delta[c] b[s]}, with a skip
   * connection; what {@link SelectiveScan} computes.
   *
   * @param delta step sizes, f64 {@code [T, d]}, after softplus
   * @param a decay rates, f64 {@code [d, n]}
   * @param b f64 {@code [T, n]}
   * @param c f64 {@code [T, n]}
   * @param skip f64 {@code [d]}
   */
  public static LtvSystem selective(Tensor delta, Tensor a, Tensor b, Tensor c, Tensor skip) {
    checkMatrix("delta", delta);
    final int steps = Math.toIntExact(delta.dim(0));
    final int d = Math.toIntExact(delta.dim(1));
    if (a.dtype() != DType.F64 || a.rank() != 2 || a.dim(0) != d) {
      throw new IllegalArgumentException("a is " + a + "; expected f64[" + d + ", n]");
    }
    final int n = Math.toIntExact(a.dim(1));
    check("b", b, steps, n);
    check("c", c, steps, n);
    check("skip", skip, d);
    final Tensor lambda = Tensor.zeros(DType.F64, steps, n, d);
    final Tensor in = Tensor.zeros(DType.F64, steps, n, d);
    final Tensor out = Tensor.zeros(DType.F64, steps, n, 1);
    for (int i = 0; i < steps; i++) {
      for (int s = 0; s < n; s++) {
        for (int channel = 0; channel < d; channel++) {
          final double size = delta.get(i, channel);
          final long at = ((long) i * n + s) * d + channel;
          lambda.setDouble(at, Math.exp(-size * a.get(channel, s)));
          in.setDouble(at, size * b.get(i, s));
        }
        out.setDouble((long) i * n + s, c.get(i, s));
      }
    }
    return new LtvSystem(
        lambda,
        in,
        out.broadcastTo(steps, n, d),
        skip.broadcastTo(steps, d),
        new Coupling(Source.STEP_SIZE, Source.STEP_SIZE, false));
  }

  /**
   * SSD (Mamba-2), one head without a skip connection: {@code lambda = e^(-a Delta)}, {@code b =
   * Delta b[s]}. The only state-space model here that is a separable attention ({@link
   * SeparableAttention#of}).
   *
   * @param delta step sizes, f64 {@code [T]}, after softplus
   * @param a the decay rate
   * @param b f64 {@code [T, n]}
   * @param c f64 {@code [T, n]}
   * @param channels d
   */
  public static LtvSystem scalarSelective(
      Tensor delta, double a, Tensor b, Tensor c, int channels) {
    checkMatrix("b", b);
    check("c", c, b.shape());
    check("delta", delta, b.dim(0));
    final int steps = Math.toIntExact(b.dim(0));
    final int n = Math.toIntExact(b.dim(1));
    final Tensor lambda = Tensor.zeros(DType.F64, steps, 1, 1);
    final Tensor in = Tensor.zeros(DType.F64, steps, n, 1);
    for (int i = 0; i < steps; i++) {
      lambda.setDouble(i, Math.exp(-a * delta.get(i)));
      for (int s = 0; s < n; s++) {
        in.setDouble((long) i * n + s, delta.get(i) * b.get(i, s));
      }
    }
    return new LtvSystem(
        lambda.broadcastTo(steps, n, channels),
        in.broadcastTo(steps, n, channels),
        c.to(DType.F64).reshape(steps, n, 1).broadcastTo(steps, n, channels),
        Tensor.zeros(DType.F64, 1, 1).broadcastTo(steps, channels),
        new Coupling(Source.STEP_SIZE, Source.STEP_SIZE, true));
  }

  /**
   * SSD as separable attention, straight from its parameters: {@code phi = c}, {@code psi = Delta
   * b}, and gain and normaliser both {@code e^(a sum_(t<=i) Delta_t)}, whose logarithm is all that
   * is ever formed. Not limited by how far a sequence's decays multiply up, as {@link
   * SeparableAttention#of} is where one of them is 0.
   */
  public static SeparableAttention scalarSelectiveAttention(
      Tensor delta, double a, Tensor b, Tensor c) {
    checkMatrix("b", b);
    check("c", c, b.shape());
    check("delta", delta, b.dim(0));
    final int n = Math.toIntExact(b.dim(1));
    final Tensor psi = Tensor.zeros(DType.F64, b.shape());
    final Tensor eta = Tensor.zeros(DType.F64, b.dim(0));
    double sum = 0;
    for (long i = 0; i < b.dim(0); i++) {
      sum += delta.get(i);
      eta.setDouble(i, a * sum);
      for (int s = 0; s < n; s++) {
        psi.setDouble(i * n + s, delta.get(i) * b.get(i, s));
      }
    }
    return new SeparableAttention(c, psi, eta, eta);
  }

  /**
   * qLSTM, an LSTM whose gates see the input only and that has no tanh: {@code lambda =
   * sigmoid(f)}, {@code b = sigmoid(in)}, {@code c = sigmoid(o)}, one state a channel.
   *
   * @param forget f, f64 {@code [T, d]}
   * @param in f64 {@code [T, d]}
   * @param out f64 {@code [T, d]}
   */
  public static LtvSystem quasiLstm(Tensor forget, Tensor in, Tensor out) {
    return gated(forget, in, out, Sigmoid::of);
  }

  /**
   * qLSTM with the decay of S6, {@code lambda = sigmoid(-f)^max(alpha, 0)}, which is {@code
   * e^(-alpha softplus(f))}.
   *
   * @param alpha learned in the paper, from 1
   */
  public static LtvSystem reversedQuasiLstm(Tensor forget, Tensor in, Tensor out, double alpha) {
    final double rate = Math.max(alpha, 0);
    return gated(forget, in, out, f -> Math.exp(-rate * Softplus.of(f)));
  }

  /**
   * RG-LRU (Griffin): {@code lambda = e^(-8 softplus(rate) sigmoid(r))}, {@code b = sqrt(1 -
   * lambda^2) sigmoid(in)}, {@code c = 1}, one state a channel.
   *
   * @param rate f64 {@code [d]}
   * @param recurrence r, f64 {@code [T, d]}
   * @param in f64 {@code [T, d]}
   */
  public static LtvSystem gatedLru(Tensor rate, Tensor recurrence, Tensor in) {
    checkMatrix("recurrence", recurrence);
    check("in", in, recurrence.shape());
    check("rate", rate, recurrence.dim(1));
    final int steps = Math.toIntExact(recurrence.dim(0));
    final int d = Math.toIntExact(recurrence.dim(1));
    final Tensor lambda = Tensor.zeros(DType.F64, steps, 1, d);
    final Tensor b = Tensor.zeros(DType.F64, steps, 1, d);
    for (int i = 0; i < steps; i++) {
      for (int channel = 0; channel < d; channel++) {
        final double exponent =
            -RG_LRU * Softplus.of(rate.get(channel)) * Sigmoid.of(recurrence.get(i, channel));
        final long at = (long) i * d + channel;
        lambda.setDouble(at, Math.exp(exponent));
        // 1 - lambda^2 without cancellation near 1.
        b.setDouble(at, Math.sqrt(-Math.expm1(2 * exponent)) * Sigmoid.of(in.get(i, channel)));
      }
    }
    final Tensor one = Tensor.of(new double[] {1}, 1, 1, 1);
    return new LtvSystem(
        lambda,
        b,
        one.broadcastTo(steps, 1, d),
        Tensor.zeros(DType.F64, 1, 1).broadcastTo(steps, d),
        new Coupling(Source.GATE, Source.DECAY_GATE, false));
  }

  private interface Decay {

    double of(double gate);
  }

  private static LtvSystem gated(Tensor forget, Tensor in, Tensor out, Decay decay) {
    checkMatrix("forget", forget);
    check("in", in, forget.shape());
    check("out", out, forget.shape());
    final int steps = Math.toIntExact(forget.dim(0));
    final int d = Math.toIntExact(forget.dim(1));
    return new LtvSystem(
        each(forget, decay),
        each(in, Sigmoid::of),
        each(out, Sigmoid::of),
        Tensor.zeros(DType.F64, 1, 1).broadcastTo(steps, d),
        new Coupling(Source.GATE, Source.GATE, false));
  }

  private static Tensor each(Tensor gates, Decay map) {
    final double[] data = gates.toDoubleArray();
    Arrays.setAll(data, i -> map.of(data[i]));
    return Tensor.of(data, gates.dim(0), 1, gates.dim(1));
  }

  private static void checkMatrix(String name, Tensor tensor) {
    if (tensor.dtype() != DType.F64 || tensor.rank() != 2) {
      throw new IllegalArgumentException(name + " is " + tensor + "; expected f64 of rank 2");
    }
  }

  private static void check(String name, Tensor tensor, long... shape) {
    if (tensor.dtype() != DType.F64 || !Arrays.equals(tensor.shape(), shape)) {
      throw new IllegalArgumentException(
          name + " is " + tensor + "; expected f64" + Arrays.toString(shape));
    }
  }
}
