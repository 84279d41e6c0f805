package io.steelyard.kernels.gating;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Activation dense-to-sparse gate: {@code y = softmax((act(x) + bias) / tau)}. With a non-linear
 * activation that is not homogeneous, scores, bias and temperature can all be told from the
 * weights; without one only their ratios can ({@link DenseToSparseGate}).
 *
 * <p>Edges: a score of -inf is a masked entry and has weight 0, whatever the activation; a row of
 * -inf gives zeros. +inf has the activation's limit, which for sigmoid and tanh is a number;
 * otherwise it makes its row NaN, as NaN does.
 *
 * <p>Shapes: x {@code [..., N]}, any rank above 0 and strides; bias {@code [N]}; y as x, and it may
 * be x itself. For f32 the softmax is the SIMD kernel of {@link Softmax}, of {@code u = (act(x) +
 * bias) / tau} computed in double and rounded to float: weights are within {@code (24 + |u_i - max
 * u| + 2 max |u|) 2^-23} relative. f64 is double throughout.
 *
 * <p>Cost: O(N) a row. Nothing is allocated in steady state. Results do not depend on the number of
 * threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2401.13875, section 3.
 *
 * <pre>{@code
 * float[] scores = {1, -0.5f, 0.25f};
 * float[] weights = new float[3];
 * ActivationGate.apply(
 *     Tensor.of(scores, 1, 3), Tensor.of(weights, 1, 3), ActivationGate.Activation.SIGMOID, 0.4, 0);
 * }</pre>
 */
public final class ActivationGate {

  /** What scores pass through. */
  public enum Activation {
    /** {@code x}. */
    IDENTITY,
    /** {@code 1 / (1 + e^-x)}. */
    SIGMOID,
    /** {@code tanh x}. */
    TANH,
    /** {@code x Phi(x)}, Phi the normal distribution function; within {@code 2e-15 (1 + |x|)}. */
    GELU,
    /** {@code max(0, x)}; homogeneous, so it does not make the temperature identifiable. */
    RELU;

    private static final double ROOT_2 = Math.sqrt(2);

    /** The value at x; NaN for NaN. */
    public double at(double x) {
      return switch (this) {
        case IDENTITY -> x;
        case SIGMOID -> sigmoid(x);
        case TANH -> Math.tanh(x);
        case GELU -> x * normal(x);
        case RELU -> Math.max(0, x);
      };
    }

    /** The derivative at x; of ReLU at 0 it is 0. */
    public double slope(double x) {
      return switch (this) {
        case IDENTITY -> 1;
        case SIGMOID -> sigmoid(x) * sigmoid(-x);
        case TANH -> {
          final double e = Math.exp(-2 * Math.abs(x));
          yield 4 * e / ((1 + e) * (1 + e));
        }
        case GELU -> normal(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
        case RELU -> x > 0 ? 1 : 0;
      };
    }

    private static double sigmoid(double x) {
      final double e = Math.exp(-Math.abs(x));
      return x < 0 ? e / (1 + e) : 1 / (1 + e);
    }

    /**
     * The normal distribution function, by a series of positive terms; beyond 9 it is 0 or 1 to the
     * last bit that matters.
     */
    private static double normal(double x) {
      if (!(Math.abs(x) < 9)) {
        return Double.isNaN(x) ? x : x > 0 ? 1 : 0;
      }
      final double z = x / ROOT_2;
      double term = z;
      double sum = z;
      for (int i = 1; Math.abs(term) > Math.abs(sum) * 0x1p-55; i++) {
        term *= 2 * z * z / (2 * i + 1);
        sum += term;
      }
      return 0.5 + sum * Math.exp(-z * z) / Math.sqrt(Math.PI);
    }
  }

  /** The registry's description. */
  public static final Operator OPERATOR =
      describe(
          "activation-gate",
          "Softmax gate with an activation inside and a temperature.",
          List.of(
              new Parameter.Choice(
                  "activation",
                  "act",
                  "sigmoid",
                  Stream.of(Activation.values()).map(ActivationGate::label).toList(),
                  "What scores pass through.")),
          arguments -> Activation.valueOf(arguments.choice("activation").toUpperCase(Locale.ROOT)));

  private static final ThreadLocal<Scores> OWN = ThreadLocal.withInitial(Scores::new);

  private ActivationGate() {}

  /**
   * Writes the weights of each row, without a bias.
   *
   * @param x scores {@code [..., N]}; not modified unless it is y
   * @param y weights {@code [..., N]}; modified
   * @param temperature tau, above 0
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(
      Tensor x, Tensor y, Activation activation, double temperature, int threads) {
    apply(x, Gate.NOTHING, y, activation, temperature, threads);
  }

  /**
   * Writes the weights of each row.
   *
   * @param x scores {@code [..., N]}; not modified unless it is y
   * @param bias {@code [N]}; not modified
   * @param y weights {@code [..., N]}; modified
   * @param temperature tau, above 0
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(
      Tensor x, Tensor bias, Tensor y, Activation activation, double temperature, int threads) {
    Gate.checkScores(x);
    Gate.checkBias("bias", bias, x);
    Gate.checkSame("y", y, x);
    Gate.checkOutput("y", y, "x", x);
    Gate.checkThreads(threads);
    checkTemperature(temperature);
    OWN.get().run(x, bias, y, activation, temperature, threads);
    Softmax.apply(y, y, Gate.options(threads));
  }

  /**
   * Writes the gradients, without a bias; returns that of the temperature.
   *
   * @param x scores, as given to {@link #apply}; not modified
   * @param y weights that {@link #apply} gave; not modified
   * @param dy gradient of the loss with respect to y; not modified
   * @param dx gradient of the loss with respect to x; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static double vjp(
      Tensor x,
      Tensor y,
      Tensor dy,
      Tensor dx,
      Activation activation,
      double temperature,
      int threads) {
    return vjp(x, Gate.NOTHING, y, dy, dx, Gate.NOTHING, activation, temperature, threads);
  }

  /**
   * Writes the gradients: with {@code du = y (dy - <dy, y>)}, {@code dx = du act'(x) / tau} and
   * {@code dbias} the sum of {@code du / tau} over the rows; returns that of the temperature,
   * {@code -sum du u / tau}. An entry with weight 0 gets gradient 0 and has no say, whatever dy
   * holds there.
   *
   * @param x scores, as given to {@link #apply}; not modified
   * @param bias as given to {@link #apply}; not modified
   * @param y weights that {@link #apply} gave; not modified
   * @param dy gradient of the loss with respect to y; not modified
   * @param dx gradient of the loss with respect to x; modified
   * @param dbias gradient of the loss with respect to bias; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static double vjp(
      Tensor x,
      Tensor bias,
      Tensor y,
      Tensor dy,
      Tensor dx,
      Tensor dbias,
      Activation activation,
      double temperature,
      int threads) {
    Gate.checkScores(x);
    Gate.checkBias("bias", bias, x);
    Gate.checkBias("dbias", dbias, x);
    Gate.checkSame("y", y, x);
    Gate.checkSame("dy", dy, x);
    Gate.checkSame("dx", dx, x);
    Gate.checkThreads(threads);
    checkTemperature(temperature);
    if (dx.overlaps(x) || dx.overlaps(y)) {
      throw new IllegalArgumentException(
          "dx shares memory with x or y; expected memory of its own");
    }
    Softmax.vjp(y, dy, dx, Gate.options(threads));
    double dtau = 0;
    for (long j = 0; j < x.rowLength(); j++) {
      double sum = 0;
      for (long row = 0; row < x.rows(); row++) {
        final double du = Gate.at(dx, row, j) / temperature;
        if (Gate.at(y, row, j) != 0) {
          final double score = Gate.at(x, row, j);
          sum += du;
          dtau -= du * (activation.at(score) + Gate.biasAt(bias, j)) / temperature;
          Gate.set(dx, row, j, du * activation.slope(score));
        }
      }
      if (dbias != Gate.NOTHING) {
        dbias.setDouble(dbias.offset() + j * dbias.stride(0), sum);
      }
    }
    return dtau;
  }

  private static void checkTemperature(double temperature) {
    if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + "; expected a finite number above 0");
    }
  }

  private static String label(Activation activation) {
    return activation.name().toLowerCase(Locale.ROOT);
  }

  /** The activation that a call by name asks for. */
  interface Choice {

    Activation of(Arguments arguments);
  }

  /** The description that the gates with a temperature share. */
  static Operator describe(String name, String summary, List<Parameter> own, Choice choice) {
    return new Operator(
        name,
        "gating",
        summary,
        new Source("2401.13875", "sections 2 and 3"),
        Gate.INPUTS,
        Stream.concat(
                own.stream(),
                Stream.of(
                    new Parameter.Real(
                        "temperature",
                        "tau",
                        1.0,
                        1e-6,
                        1e6,
                        "Small for one expert a token, large for all alike."),
                    Gate.THREADS))
            .toList(),
        List.of(Port.of("y", "w", "[..., N]", "Weights; each row sums to 1.")),
        arguments -> Map.of("y", weights(arguments, choice.of(arguments))),
        Optional.of(
            new Operator.Vjp(
                List.of(Port.of("dy", "dL/dw", "[..., N]", "Gradient with respect to y.")),
                List.of(
                    Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x."),
                    new Port(
                        "dbias",
                        "dL/db0",
                        Port.Kind.FLOAT,
                        "[N]",
                        true,
                        "Gradient with respect to bias.")),
                arguments -> gradient(arguments, choice.of(arguments)))));
  }

  private static Tensor weights(Arguments arguments, Activation activation) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(
        x,
        Gate.bias(arguments),
        y,
        activation,
        arguments.real("temperature"),
        (int) arguments.whole("threads"));
    return y;
  }

  private static Map<String, Tensor> gradient(Arguments arguments, Activation activation) {
    final Tensor y = weights(arguments, activation);
    final Tensor dx = Tensor.zerosLike(y);
    final Tensor dbias = Gate.biasGradient(arguments);
    vjp(
        arguments.tensor("x"),
        Gate.bias(arguments),
        y,
        arguments.tensor("dy"),
        dx,
        dbias,
        activation,
        arguments.real("temperature"),
        (int) arguments.whole("threads"));
    final Map<String, Tensor> gradients = new LinkedHashMap<>();
    gradients.put("dx", dx);
    if (dbias != Gate.NOTHING) {
      gradients.put("dbias", dbias);
    }
    return gradients;
  }

  /** Writes what goes into the softmax, a range of rows at a time. */
  private static final class Scores implements Job {

    private static final long ROWS_A_PART = 256;

    private Tensor x = Gate.NOTHING;
    private Tensor bias = Gate.NOTHING;
    private Tensor u = Gate.NOTHING;
    private Activation activation = Activation.IDENTITY;
    private double temperature;

    void run(
        Tensor newX,
        Tensor newBias,
        Tensor newU,
        Activation newActivation,
        double newTemperature,
        int threads) {
      x = newX;
      bias = newBias;
      u = newU;
      activation = newActivation;
      temperature = newTemperature;
      try {
        final long parts = (x.rows() + ROWS_A_PART - 1) / ROWS_A_PART;
        Workers.shared().run(this, Math.toIntExact(parts), threads);
      } finally {
        x = Gate.NOTHING;
        bias = Gate.NOTHING;
        u = Gate.NOTHING;
      }
    }

    @Override
    public void run(int part) {
      final int n = (int) x.rowLength();
      final double[] scores = Gate.room(n);
      final long end = Math.min(x.rows(), (part + 1) * ROWS_A_PART);
      for (long row = part * ROWS_A_PART; row < end; row++) {
        Gate.read(x, row, scores);
        for (int j = 0; j < n; j++) {
          scores[j] =
              scores[j] == Double.NEGATIVE_INFINITY
                  ? scores[j]
                  : (activation.at(scores[j]) + Gate.biasAt(bias, j)) / temperature;
        }
        Gate.write(u, row, scores);
      }
    }
  }
}
