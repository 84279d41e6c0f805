package io.steelyard.kernels.gating;

import io.steelyard.kernels.gating.ActivationGate.Activation;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * Dense-to-sparse gate: {@code y = softmax((x + bias) / tau)}. A large temperature gives all
 * experts the same weight (dense), a small one nearly all to the best (sparse). Multiplying x, bias
 * and tau by one number changes nothing, so a learnt temperature is not identified; {@link
 * ActivationGate} repairs that.
 *
 * <p>Edges, shapes, accuracy and cost: as {@link ActivationGate} with the identity.
 *
 * <p>Source: arXiv 2401.13875, section 2.
 *
 * <pre>{@code
 * float[] scores = {1, 3, 2};
 * float[] weights = new float[3];
 * DenseToSparseGate.apply(Tensor.of(scores, 1, 3), Tensor.of(weights, 1, 3), 0.5, 0);
 * }</pre>
 */
public final class DenseToSparseGate {

  /** The registry's description. */
  public static final Operator OPERATOR =
      ActivationGate.describe(
          "dense-to-sparse-gate",
          "Softmax gate with a temperature: dense when it is large, sparse when small.",
          List.of(),
          arguments -> Activation.IDENTITY);

  private DenseToSparseGate() {}

  /**
   * Writes the weights of each row, without a bias.
   *
   * @param x scores {@code [..., N]}; not modified unless it is y
   * @param y weights {@code [..., N]}; modified
   * @param temperature tau, above 0
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(Tensor x, Tensor y, double temperature, int threads) {
    ActivationGate.apply(x, y, Activation.IDENTITY, temperature, threads);
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
  public static void apply(Tensor x, Tensor bias, Tensor y, double temperature, int threads) {
    ActivationGate.apply(x, bias, y, Activation.IDENTITY, temperature, threads);
  }

  /**
   * Writes the gradients, see {@link ActivationGate#vjp(Tensor, Tensor, Tensor, Tensor, Tensor,
   * Tensor, Activation, double, int)}; returns that of the temperature.
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
      double temperature,
      int threads) {
    return ActivationGate.vjp(x, bias, y, dy, dx, dbias, Activation.IDENTITY, temperature, threads);
  }
}
