package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The selective scan, core of the state-space layer S6 (Mamba): a linear recurrence whose decay,
 * input map and output map depend on the step.
 *
 * <p>Channel c has states s = 1 ... N, and step t takes them from {@code h} to {@code h[c,s] =
 * exp(-D_t[c] a[c,s]) h[c,s] + D_t[c] b_t[s] u_t[c]}, with the step size {@code D_t[c] = delta_t[c]
 * + bias[c]} or the softplus of that, and gives {@code y_t[c] = sum_s c_t[s] h[c,s] + skip[c]
 * u_t[c]}. Decay rates are {@code a = exp(A_log) > 0} in the papers, whose A is {@code -a}; any
 * numbers are legal.
 *
 * <p>Shapes: u, delta and y {@code [B, T, D]}, b and c {@code [B, T, N]}, a {@code [D, N]}, state
 * {@code [B, D, N]}, skip and bias {@code [D]}; one step of each sequence, {@code [B, D]} and
 * {@code [B, N]}, is legal wherever a sequence is. Any strides. Channels run across lanes, so what
 * is fastest, for single steps above all, is channels next to each other in a {@code float[]}: for
 * a and the state that is a transposed view of {@code [N, D]} and {@code [B, N, D]}.
 *
 * <p>Edges: no steps leave the state as it is; no states give {@code skip u}; NaN and infinities of
 * a channel stay in that channel from their step on, those of b and c reach all channels of their
 * sequence, and every number they reach becomes NaN or infinite. Decays below {@code 2^-126} count
 * as 0, factors above {@code 2^127} as infinite.
 *
 * <p>dtype f64 runs the scalar meaning. f32 runs the SIMD kernel: given the step sizes, of which a
 * softplus is within 2.5 ULP, a step adds to each state a relative error of {@code (5 + 3 |D a|)
 * 2^-24} of what is kept and of what comes in, and errors decay like the states themselves; y adds
 * {@code (N + 2) 2^-24} of the sum of its terms' magnitudes.
 *
 * <p>Cost: {@code B T D N} exponentials and three times as many multiplications; {@link #vjp} three
 * to four times that. Nothing is allocated in steady state. Sequences and blocks of channels are
 * worked on in parallel; results do not depend on the number of threads. Safe to call from any
 * thread.
 *
 * <pre>{@code
 * SelectiveScan.apply(u, delta, a, b, c, y, ScanOptions.defaults().withSoftplus());
 * Tensor state = Tensor.zeros(DType.F32, 1, n, d).transpose(1, 2);
 * SelectiveScan.apply(u1, delta1, a, b1, c1, state, y1, options); // a step, [1, D]
 * }</pre>
 *
 * <p>Source: arXiv 2312.00752, section 3.2 and algorithm 2; as written in arXiv 2405.15731, section
 * 3.3, with the simplified discretisation {@code D b} of the input map.
 */
public final class SelectiveScan {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "selective-scan",
          "recurrent",
          "Linear recurrence with decays, inputs and outputs that depend on the step: S6, Mamba.",
          new Source("2405.15731", "section 3.3; arXiv 2312.00752, algorithm 2"),
          List.of(
              Port.of("u", "u", "[B, T, D]", "Inputs of each channel."),
              Port.of("delta", "Delta", "[B, T, D]", "Step sizes, before bias and softplus."),
              Port.of("a", "exp(A_log)", "[D, N]", "Decay rates of each channel's states."),
              Port.of("b", "B", "[B, T, N]", "Input maps."),
              Port.of("c", "C", "[B, T, N]", "Output maps."),
              optional("skip", "D", "[D]", "What u is multiplied by and added to y."),
              optional("bias", "Delta bias", "[D]", "What is added to delta."),
              optional("initial", "h_-1", "[B, D, N]", "The state before the first step; else 0.")),
          List.of(
              new Parameter.Flag(
                  "softplus",
                  "softplus",
                  false,
                  "Whether the step size is the softplus of delta and its bias."),
              new Parameter.Whole(
                  "threads",
                  "threads",
                  0L,
                  0,
                  Integer.MAX_VALUE,
                  "Most threads to use; 0 for all processors.")),
          List.of(
              Port.of("y", "y", "[B, T, D]", "Outputs of each channel."),
              Port.of("state", "h", "[B, D, N]", "The state after the last step.")),
          SelectiveScan::values,
          Optional.of(
              new Operator.Vjp(
                  List.of(
                      Port.of("dy", "dL/dy", "[B, T, D]", "Gradient with respect to y."),
                      Port.of("dstate", "dL/dh", "[B, D, N]", "Gradient for the last state.")),
                  List.of(
                      Port.of("du", "dL/du", "[B, T, D]", "Gradient with respect to u."),
                      Port.of("ddelta", "dL/dDelta", "[B, T, D]", "Gradient for delta."),
                      Port.of("da", "dL/da", "[D, N]", "Gradient with respect to a."),
                      Port.of("db", "dL/dB", "[B, T, N]", "Gradient with respect to b."),
                      Port.of("dc", "dL/dC", "[B, T, N]", "Gradient with respect to c."),
                      optional("dskip", "dL/dD", "[D]", "Gradient with respect to skip."),
                      optional("dbias", "dL/dbias", "[D]", "Gradient with respect to bias."),
                      optional(
                          "dinitial", "dL/dh_-1", "[B, D, N]", "Gradient for the first state.")),
                  SelectiveScan::gradients)));

  private SelectiveScan() {}

  /**
   * Writes the outputs of sequences that begin with a state of 0.
   *
   * @param u {@code [B, T, D]}; not modified
   * @param delta {@code [B, T, D]}; not modified
   * @param a {@code [D, N]}; not modified
   * @param b {@code [B, T, N]}; not modified
   * @param c {@code [B, T, N]}; not modified
   * @param y {@code [B, T, D]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or y shares memory with an
   *     input
   */
  public static void apply(
      Tensor u, Tensor delta, Tensor a, Tensor b, Tensor c, Tensor y, ScanOptions options) {
    checkCall(u, delta, a, b, c, y, options);
    scan(u, delta, a, b, c, ScanCall.NOTHING, y, options);
  }

  /**
   * As {@link #apply(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, ScanOptions)} for sequences
   * that go on from a state.
   *
   * @param state {@code [B, D, N]}, before the first step; modified: after the last one
   */
  public static void apply(
      Tensor u,
      Tensor delta,
      Tensor a,
      Tensor b,
      Tensor c,
      Tensor state,
      Tensor y,
      ScanOptions options) {
    checkCall(u, delta, a, b, c, y, options);
    ScanCall.checkState("state", state, u, a);
    ScanCall.checkOutput("state", state, u, delta, a, b, c);
    ScanCall.checkApart("state", state, "y", y);
    scan(u, delta, a, b, c, state, y, options);
  }

  private static void checkCall(
      Tensor u, Tensor delta, Tensor a, Tensor b, Tensor c, Tensor y, ScanOptions options) {
    ScanCall.check(u, delta, a, b, c, options);
    ScanCall.checkLike("y", y, u);
    ScanCall.checkOutput("y", y, u, delta, a, b, c);
  }

  private static void scan(
      Tensor u,
      Tensor delta,
      Tensor a,
      Tensor b,
      Tensor c,
      Tensor state,
      Tensor y,
      ScanOptions options) {
    if (u.size() == 0) {
      return;
    }
    if (u.dtype() == DType.F32 && Simd.available()) {
      SelectiveScanSimd.apply(u, delta, a, b, c, state, y, options);
      return;
    }
    final int steps = ScanCall.steps(u);
    for (long batch = 0; batch < u.dim(0); batch++) {
      for (long channel = 0; channel < u.dim(-1); channel++) {
        final ScanChannel own = new ScanChannel(delta, a, batch, channel, options);
        final double[] h = own.load(state);
        for (int t = 0; t < steps; t++) {
          final double input = u.getDouble(ScanCall.at(u, batch, t, channel));
          final double size = own.size(t);
          double output = options.skip().isPresent() ? own.skip * input : 0;
          for (int s = 0; s < h.length; s++) {
            final double in = b.getDouble(ScanCall.at(b, batch, t, s));
            h[s] = Math.exp(-size * own.rates[s]) * h[s] + size * in * input;
            output += c.getDouble(ScanCall.at(c, batch, t, s)) * h[s];
          }
          y.setDouble(ScanCall.at(y, batch, t, channel), output);
        }
        if (state != ScanCall.NOTHING) {
          own.store(h, state);
        }
      }
    }
  }

  /**
   * Writes the gradients of a loss with respect to all inputs.
   *
   * <p>f32 keeps the states at every 32nd step and computes the others again. Sums over channels,
   * and over 32 steps, are in float32, the rest in double. Beyond what {@link #apply} needs, that
   * takes memory for {@code 2 B T N} numbers for each part of the channels, of which there are up
   * to 8, or more of four blocks of two vectors.
   *
   * <p>With {@code g_t[s] = c_t[s] dy_t + e_(t+1)[s] g_(t+1)[s]}, the gradient that reaches a
   * channel's state after step t, and {@code e} its decays: {@code db_t[s] = sum_c g D u}, {@code
   * dc_t[s] = sum_c dy h_t[s]}, {@code da[s] = -sum_t D e g h_(t-1)[s]}, {@code dD = sum_s g (b u -
   * a e h_(t-1))}, {@code du = sum_s g D b + skip dy}.
   *
   * @param initial the state before the first step; 0 if empty; not modified
   * @param dy gradient with respect to y; not modified
   * @param dstate gradient with respect to the state after the last step; 0 if empty; not modified
   * @param gradients modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or a gradient shares memory
   *     with an input
   */
  public static void vjp(
      Tensor u,
      Tensor delta,
      Tensor a,
      Tensor b,
      Tensor c,
      Optional<Tensor> initial,
      Tensor dy,
      Optional<Tensor> dstate,
      ScanOptions options,
      ScanGradients gradients) {
    ScanCall.check(u, delta, a, b, c, options);
    ScanCall.checkLike("dy", dy, u);
    if (initial.isPresent()) {
      ScanCall.checkState("initial", initial.get(), u, a);
    }
    if (dstate.isPresent()) {
      ScanCall.checkState("dstate", dstate.get(), u, a);
    }
    gradients.check(u, delta, a, b, c, dy, options);
    final Tensor first = initial.orElse(ScanCall.NOTHING);
    final Tensor last = dstate.orElse(ScanCall.NOTHING);
    if (u.size() > 0 && u.dtype() == DType.F32 && Simd.available()) {
      ScanAdjointSimd.apply(u, delta, a, b, c, first, dy, last, options, gradients);
    } else {
      new ScanAdjoint(u, delta, a, b, c, options).run(first, dy, last, gradients);
    }
  }

  private static Map<String, Tensor> values(Arguments arguments) {
    final Tensor u = arguments.tensor("u");
    final Tensor a = arguments.tensor("a");
    final ScanOptions options = options(arguments);
    // The shapes of the outputs are only known to exist once the inputs have been checked.
    ScanCall.check(
        u, arguments.tensor("delta"), a, arguments.tensor("b"), arguments.tensor("c"), options);
    final Tensor y = Tensor.zerosLike(u);
    final Tensor state = Tensor.zeros(u.dtype(), u.dim(0), a.dim(0), a.dim(1));
    if (arguments.optional("initial").isPresent()) {
      final Tensor initial = arguments.optional("initial").get();
      ScanCall.checkState("initial", initial, u, a);
      for (long i = 0; i < state.size(); i++) {
        state.setDouble(i, initial.getDouble(initial.flatIndex(i)));
      }
    }
    apply(
        u,
        arguments.tensor("delta"),
        a,
        arguments.tensor("b"),
        arguments.tensor("c"),
        state,
        y,
        options);
    return Map.of("y", y, "state", state);
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor u = arguments.tensor("u");
    final Tensor delta = arguments.tensor("delta");
    final Tensor a = arguments.tensor("a");
    final Tensor b = arguments.tensor("b");
    final Tensor c = arguments.tensor("c");
    final Optional<Tensor> initial = arguments.optional("initial");
    final ScanOptions options = options(arguments);
    final ScanGradients to = ScanGradients.of(u, delta, a, b, c, initial, options);
    vjp(
        u,
        delta,
        a,
        b,
        c,
        initial,
        arguments.tensor("dy"),
        Optional.of(arguments.tensor("dstate")),
        options,
        to);
    final Map<String, Tensor> named = new LinkedHashMap<>();
    named.put("du", to.du());
    named.put("ddelta", to.ddelta());
    named.put("da", to.da());
    named.put("db", to.db());
    named.put("dc", to.dc());
    to.dskip().ifPresent(gradient -> named.put("dskip", gradient));
    to.dbias().ifPresent(gradient -> named.put("dbias", gradient));
    to.dinitial().ifPresent(gradient -> named.put("dinitial", gradient));
    return named;
  }

  private static ScanOptions options(Arguments arguments) {
    return new ScanOptions(
        arguments.optional("skip"),
        arguments.optional("bias"),
        arguments.flag("softplus"),
        (int) arguments.whole("threads"));
  }

  private static Port optional(String name, String symbol, String shape, String description) {
    return new Port(name, symbol, Port.Kind.FLOAT, shape, true, description);
  }
}
