package io.steelyard.kernels.attention;

import io.steelyard.kernels.attention.FixedFeatureOptions.Activation;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Attention whose query-key matrices are fixed and random and whose values are trained: a random
 * feature model of sequences. (Not the approximation of softmax attention by random Fourier
 * features, which has a similar name.)
 *
 * <p>A sequence is a query {@code x_0} and keys {@code x_1 ... x_N}, each lifted to {@code x~ = (x,
 * 1)}. Head m has the features {@code phi_m = 1/N sum_i max(x~_0^T W_m x~_i, 0) x~_i}, and the
 * layer gives {@code f = sum_m <v_m, phi_m>}, linear in the values v; {@link Activation#SOFTMAX}
 * takes the softmax over the keys instead of the ReLU over N. A mean mu is added to the first d
 * diagonal entries of every matrix.
 *
 * <p>Shapes: x {@code [B, N + 1, d]}, w {@code [M, d + 1, d + 1]}, v {@code [M, d + 1]}, phi {@code
 * [B, M, d + 1]}, f {@code [B]}; any strides. The order of the keys has no say, and neither has
 * repeating all of them equally often.
 *
 * <p>Edges: no keys give zeros, no heads give {@code f = 0}; NaN and infinities of a sequence stay
 * in that sequence, those of a head's matrix in that head. The ReLU has the gradient 0 at 0.
 *
 * <p>dtype f64 runs the scalar meaning. f32 runs the SIMD kernel, whose sums are in float32 over d
 * + 1 and N terms, in order.
 *
 * <p>Cost: {@code 2 B M (d + 1) (d + 1 + 2 N)} operations, and {@code M (d + 1)^2} to pack the
 * matrices, each call; memory for the packed matrices and some sequences. Matrices of heads by keys
 * never leave the caches. Nothing is allocated in steady state. Groups of sequences and, where
 * those are few, tiles of heads are worked on in parallel; results do not depend on the number of
 * threads. Safe to call from any thread.
 *
 * <pre>{@code
 * FixedFeatureAttention.features(x, w, phi, FixedFeatureOptions.defaults());
 * FixedFeatureAttention.apply(x, w, v, f, FixedFeatureOptions.defaults().withMean(2));
 * }</pre>
 *
 * <p>Source: arXiv 2307.11353, section 2.
 */
public final class FixedFeatureAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "fixed-feature-attention",
          "attention",
          "Attention with fixed random query-key matrices and trained values: features and output.",
          new Source("2307.11353", "section 2, the random-feature attention layer"),
          List.of(
              Port.of("x", "x_0:N", "[B, N+1, d]", "A query, then its keys."),
              Port.of("w", "W_m", "[M, d+1, d+1]", "The fixed query-key matrix of each head."),
              optional("v", "v_m", "[M, d+1]", "The trained values of each head.")),
          List.of(
              new Parameter.Choice(
                  "activation",
                  "sigma",
                  "relu",
                  List.of("relu", "softmax"),
                  "ReLU over N, or the softmax over the keys."),
              new Parameter.Real(
                  "mean",
                  "mu",
                  0.0,
                  -1e30,
                  1e30,
                  "Added to the first d diagonal entries of every matrix."),
              new Parameter.Whole(
                  "threads",
                  "threads",
                  0L,
                  0,
                  Integer.MAX_VALUE,
                  "Most threads to use; 0 for all processors.")),
          List.of(
              Port.of("phi", "phi_W", "[B, M, d+1]", "The features of each head."),
              optional("f", "f", "[B]", "The outputs, where there are values.")),
          FixedFeatureAttention::values,
          Optional.of(
              new Operator.Vjp(
                  List.of(
                      Port.of("dphi", "dL/dphi", "[B, M, d+1]", "Gradient with respect to phi."),
                      optional("df", "dL/df", "[B]", "Gradient for f, where there are values.")),
                  List.of(
                      Port.of("dx", "dL/dx", "[B, N+1, d]", "Gradient with respect to x."),
                      optional("dv", "dL/dv", "[M, d+1]", "Gradient with respect to v.")),
                  FixedFeatureAttention::gradients)));

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  private FixedFeatureAttention() {}

  /**
   * Writes the features of each head.
   *
   * @param x {@code [B, N + 1, d]}; not modified
   * @param w {@code [M, d + 1, d + 1]}; not modified
   * @param phi {@code [B, M, d + 1]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or phi shares memory with an
   *     input
   */
  public static void features(Tensor x, Tensor w, Tensor phi, FixedFeatureOptions options) {
    check(x, w);
    checkFeatures("phi", phi, x, w);
    checkOutput("phi", phi, x, w);
    forward(x, w, NOTHING, phi, NOTHING, options);
  }

  /**
   * Writes the outputs.
   *
   * @param x {@code [B, N + 1, d]}; not modified
   * @param w {@code [M, d + 1, d + 1]}; not modified
   * @param v {@code [M, d + 1]}; not modified
   * @param f {@code [B]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or f shares memory with an
   *     input
   */
  public static void apply(Tensor x, Tensor w, Tensor v, Tensor f, FixedFeatureOptions options) {
    check(x, w);
    checkValues("v", v, w);
    checkOne("f", f, x);
    checkOutput("f", f, x, w);
    checkApart("f", f, "v", v);
    forward(x, w, v, NOTHING, f, options);
  }

  /**
   * Writes the gradient of a loss with respect to the values, {@code dv_m = sum_b df_b phi_m(x_b)},
   * without keeping features.
   *
   * @param df gradient with respect to f, {@code [B]}; not modified
   * @param dv {@code [M, d + 1]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or dv shares memory with an
   *     input
   */
  public static void vjpValues(
      Tensor x, Tensor w, Tensor df, Tensor dv, FixedFeatureOptions options) {
    check(x, w);
    checkOne("df", df, x);
    checkValues("dv", dv, w);
    checkOutput("dv", dv, x, w);
    checkApart("dv", dv, "df", df);
    if (x.dtype() == DType.F32 && Simd.available()) {
      FixedFeatureSimd.gradient(x, w, df, dv, options);
      return;
    }
    final double[] sums = new double[Math.toIntExact(dv.size())];
    final int length = Math.toIntExact(w.dim(1));
    for (long i = 0; i < x.dim(0); i++) {
      final FixedFeatureMeaning sequence = new FixedFeatureMeaning(x, w, i, options);
      for (int m = 0; m < w.dim(0); m++) {
        sequence.head(m);
        for (int c = 0; c < length; c++) {
          sums[m * length + c] += df.get(i) * sequence.features[c];
        }
      }
    }
    for (int i = 0; i < sums.length; i++) {
      dv.setDouble(dv.flatIndex(i), sums[i]);
    }
  }

  /**
   * Writes the gradient of a loss with respect to the sequences, in double: with g_m the gradient
   * for phi_m (for outputs, {@code df v_m}) and {@code p_m = W_m^T x~_0}, the keys get {@code sum_m
   * w_mi g_m + s_mi p_m} and the query {@code sum_mi s_mi W_m x~_i}, where {@code w_mi} are the
   * weights and {@code s_mi} the gradients of the scores.
   *
   * @param dphi gradient with respect to the features, {@code [B, M, d + 1]}; not modified
   * @param dx {@code [B, N + 1, d]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or dx shares memory with an
   *     input
   */
  public static void vjpInputs(
      Tensor x, Tensor w, Tensor dphi, Tensor dx, FixedFeatureOptions options) {
    check(x, w);
    checkFeatures("dphi", dphi, x, w);
    if (dx.dtype() != x.dtype() || !dx.hasShapeOf(x)) {
      throw unexpected("dx", dx, x.dtype(), x.shape());
    }
    checkOutput("dx", dx, x, w);
    checkApart("dx", dx, "dphi", dphi);
    final int length = Math.toIntExact(w.dim(1));
    final double[] g = new double[length];
    for (long i = 0; i < x.dim(0); i++) {
      final FixedFeatureMeaning sequence = new FixedFeatureMeaning(x, w, i, options);
      final double[][] sums = new double[sequence.rows.length][length];
      for (long m = 0; m < w.dim(0); m++) {
        sequence.head(m);
        for (int c = 0; c < length; c++) {
          g[c] = dphi.get(i, m, c);
        }
        sequence.addGradients(g, sums);
      }
      for (int j = 0; j < sums.length; j++) {
        final long at = dx.rowOffset(i * sums.length + j);
        for (int c = 0; c < length - 1; c++) {
          dx.setDouble(at + c * dx.rowStride(), sums[j][c]);
        }
      }
    }
  }

  private static void forward(
      Tensor x, Tensor w, Tensor v, Tensor phi, Tensor f, FixedFeatureOptions options) {
    if (x.dim(0) > 0 && w.dim(0) > 0 && x.dtype() == DType.F32 && Simd.available()) {
      FixedFeatureSimd.apply(x, w, v, phi, f, options);
      return;
    }
    final int length = Math.toIntExact(w.dim(1));
    for (long i = 0; i < x.dim(0); i++) {
      final FixedFeatureMeaning sequence = new FixedFeatureMeaning(x, w, i, options);
      double sum = 0;
      for (long m = 0; m < w.dim(0); m++) {
        sequence.head(m);
        for (int c = 0; c < length; c++) {
          sum += v == NOTHING ? 0 : v.get(m, c) * sequence.features[c];
          if (phi != NOTHING) {
            phi.setDouble(
                phi.rowOffset(i * w.dim(0) + m) + c * phi.rowStride(), sequence.features[c]);
          }
        }
      }
      if (f != NOTHING) {
        f.setDouble(f.flatIndex(i), sum);
      }
    }
  }

  private static void check(Tensor x, Tensor w) {
    if (!x.dtype().isFloat() || x.rank() != 3 || x.dim(1) == 0) {
      throw new IllegalArgumentException(
          "x is " + x + "; expected f32 or f64 [B, N + 1, d] with a query at least");
    }
    final long length = x.dim(2) + 1;
    if (w.dtype() != x.dtype() || w.rank() != 3 || w.dim(1) != length || w.dim(2) != length) {
      throw new IllegalArgumentException(
          "w is " + w + "; expected " + x.dtype().label() + "[M, " + length + ", " + length + "]");
    }
  }

  private static void checkFeatures(String name, Tensor phi, Tensor x, Tensor w) {
    if (phi.dtype() != x.dtype()
        || phi.rank() != 3
        || phi.dim(0) != x.dim(0)
        || phi.dim(1) != w.dim(0)
        || phi.dim(2) != w.dim(2)) {
      throw unexpected(name, phi, x.dtype(), x.dim(0), w.dim(0), w.dim(2));
    }
  }

  private static void checkValues(String name, Tensor v, Tensor w) {
    if (v.dtype() != w.dtype() || v.rank() != 2 || v.dim(0) != w.dim(0) || v.dim(1) != w.dim(2)) {
      throw unexpected(name, v, w.dtype(), w.dim(0), w.dim(2));
    }
  }

  private static void checkOne(String name, Tensor f, Tensor x) {
    if (f.dtype() != x.dtype() || f.rank() != 1 || f.dim(0) != x.dim(0)) {
      throw unexpected(name, f, x.dtype(), x.dim(0));
    }
  }

  private static void checkOutput(String name, Tensor out, Tensor x, Tensor w) {
    if (out.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
    checkApart(name, out, "x", x);
    checkApart(name, out, "w", w);
  }

  private static void checkApart(String name, Tensor out, String inputName, Tensor input) {
    if (out.overlaps(input)) {
      throw new IllegalArgumentException(
          name + " shares memory with " + inputName + "; expected memory of its own");
    }
  }

  private static IllegalArgumentException unexpected(
      String name, Tensor tensor, DType dtype, long... shape) {
    return new IllegalArgumentException(
        name + " is " + tensor + "; expected " + dtype.label() + Arrays.toString(shape));
  }

  private static Map<String, Tensor> values(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor w = arguments.tensor("w");
    check(x, w);
    final Tensor phi = Tensor.zeros(x.dtype(), x.dim(0), w.dim(0), w.dim(2));
    if (arguments.optional("v").isEmpty()) {
      features(x, w, phi, options(arguments));
      return Map.of("phi", phi);
    }
    final Tensor v = arguments.tensor("v");
    final Tensor f = Tensor.zeros(x.dtype(), x.dim(0));
    checkValues("v", v, w);
    forward(x, w, v, phi, f, options(arguments));
    final Map<String, Tensor> named = new LinkedHashMap<>();
    named.put("phi", phi);
    named.put("f", f);
    return named;
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor w = arguments.tensor("w");
    check(x, w);
    final Tensor dphi = arguments.tensor("dphi");
    checkFeatures("dphi", dphi, x, w);
    final Optional<Tensor> v = arguments.optional("v");
    final Optional<Tensor> df = arguments.optional("df");
    if (v.isPresent() != df.isPresent()) {
      throw new IllegalArgumentException(
          "df is "
              + df.map(Tensor::toString).orElse("missing")
              + " and v is "
              + v.map(Tensor::toString).orElse("missing")
              + "; expected both or neither");
    }
    final Map<String, Tensor> named = new LinkedHashMap<>();
    final Tensor dx = Tensor.zerosLike(x);
    Tensor reaching = dphi;
    if (v.isPresent()) {
      checkValues("v", v.get(), w);
      checkOne("df", df.get(), x);
      reaching = Tensor.zerosLike(dphi);
      for (long i = 0; i < reaching.size(); i++) {
        final long row = i / w.dim(2);
        final double own = v.get().get(row % w.dim(0), i % w.dim(2));
        reaching.setDouble(
            i, dphi.getDouble(dphi.flatIndex(i)) + df.get().get(row / w.dim(0)) * own);
      }
    }
    vjpInputs(x, w, reaching, dx, options(arguments));
    named.put("dx", dx);
    if (v.isPresent()) {
      final Tensor dv = Tensor.zerosLike(v.get());
      vjpValues(x, w, df.get(), dv, options(arguments));
      named.put("dv", dv);
    }
    return named;
  }

  private static FixedFeatureOptions options(Arguments arguments) {
    return new FixedFeatureOptions(
        Activation.valueOf(arguments.choice("activation").toUpperCase(Locale.ROOT)),
        arguments.real("mean"),
        (int) arguments.whole("threads"));
  }

  private static Port optional(String name, String symbol, String shape, String description) {
    return new Port(name, symbol, Port.Kind.FLOAT, shape, true, description);
  }
}
