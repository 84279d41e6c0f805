package io.steelyard.layers.gating;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.gating.ActivationGate;
import io.steelyard.kernels.gating.ActivationGate.Activation;
import io.steelyard.kernels.gating.TopKGate;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;

/**
 * The gates as functions of scores, differentiable, without parameters. The blocks are {@link
 * TopKGating} and {@link DenseToSparseGating}.
 *
 * <p>Scores are {@code [..., N]}, float32 or float64, on any device; results belong to their
 * manager and are typed and placed like them.
 *
 * <p>Edges, as in the kernels: a score of -inf is a masked entry and has weight 0; a row of -inf
 * gives zeros. NaN makes the weights of its row NaN. +inf has the limit of what it passes through,
 * which makes its row NaN unless that is a sigmoid or tanh. An entry with weight 0 gets gradient 0
 * and has no say, whatever comes back for it.
 */
public final class Gates {

  /**
   * A logit whose exponential is 0 beside any other, and yet no source of NaN where it is alone.
   */
  private static final double LOWEST = -1e30;

  private Gates() {}

  /**
   * Top-k softmax gate: the k largest scores, of equal ones the first, plus their bias, through
   * softmax; the others have weight 0. The selection counts as constant, which it is almost
   * everywhere.
   *
   * <p>Selection and weights are the kernel's, in training too and on a GPU after one copy of the
   * scores: who is selected never differs between training and prediction. Second derivatives are
   * wrong. Cost: O(N k) a row at worst.
   *
   * <p>Source: arXiv 2309.13850, section 1.
   *
   * <pre>{@code
   * NDArray bias = manager.zeros(new Shape(4));
   * NDArray weights = Gates.topK(scores, bias, TopKOptions.of(4, 2)).weights();
   * }</pre>
   *
   * @param scores {@code [..., N]}; not modified
   * @param bias {@code [N]}; not modified
   * @throws IllegalArgumentException if a shape, type or device does not fit
   */
  public static Routing topK(NDArray scores, NDArray bias, TopKOptions options) {
    check(scores, bias, options.experts());
    final NDArray logits = scores.add(bias);
    final Shape rows = scores.getShape().slice(0, scores.getShape().dimension() - 1);
    final Tensor indices = Tensor.zeros(DType.I32, rows.add(options.k()).getShape());
    final NDArray p;
    try (NDManager scratch = scores.getManager().newSubManager()) {
      final Tensor x = host(scores, scratch);
      final Tensor y = Tensor.zeros(x.dtype(), x.shape());
      TopKGate.apply(x, host(bias, scratch), y, indices, options.k(), options.rankWithBias(), 0);
      p = NDArrayTensors.array(scores.getManager(), y);
    }
    final NDArray selected = p.neq(0);
    final NDArray zero = Like.scalar(0, scores);
    // The Jacobian of softmax, applied to the live logits: the gradient of what the kernel did.
    final NDArray z = NDArrays.where(selected, logits, zero);
    final NDArray u = p.mul(z.sub(p.mul(z).sum(new int[] {-1}, true)));
    final NDArray live = NDArrays.where(selected, u, zero);
    return new Routing(
        p.add(live.sub(live.stopGradient())),
        logits,
        NDArrayTensors.array(scores.getManager(), indices));
  }

  /**
   * Gate with a temperature: {@code softmax((act(scores) + bias) / tau)}. Cost: O(N) a row.
   *
   * <p>Source: arXiv 2401.13875, sections 2 and 3.
   *
   * <pre>{@code
   * NDArray bias = manager.zeros(new Shape(4));
   * NDArray tau = manager.create(0.5f);
   * NDArray weights = Gates.denseToSparse(scores, bias, tau, ActivationGate.Activation.SIGMOID);
   * }</pre>
   *
   * @param scores {@code [..., N]}; not modified
   * @param bias {@code [N]}; not modified
   * @param temperature tau, one number above 0, typed and placed like the scores; not modified
   * @return weights {@code [..., N]}
   * @throws IllegalArgumentException if a shape, type or device does not fit
   */
  public static NDArray denseToSparse(
      NDArray scores, NDArray bias, NDArray temperature, Activation activation) {
    check(scores, bias, Math.toIntExact(bias.size()));
    if (temperature.size() != 1
        || temperature.getDataType() != scores.getDataType()
        || !temperature.getDevice().equals(scores.getDevice())) {
      throw new IllegalArgumentException(
          "temperature is "
              + temperature.getDataType()
              + " "
              + temperature.getShape()
              + " on "
              + temperature.getDevice()
              + "; expected one number, "
              + scores.getDataType()
              + " on "
              + scores.getDevice()
              + " like the scores");
    }
    return softmax(logits(scores, bias, temperature, activation), scores);
  }

  /** What the softmax of the gate with a temperature takes; masked entries hold a number. */
  static NDArray logits(NDArray scores, NDArray bias, NDArray temperature, Activation activation) {
    // An activation may have no derivative at -inf.
    final NDArray safe = NDArrays.where(live(scores), scores, Like.scalar(0, scores));
    final NDArray inner =
        switch (activation) {
          case IDENTITY -> safe;
          case SIGMOID -> ai.djl.nn.Activation.sigmoid(safe);
          case TANH -> ai.djl.nn.Activation.tanh(safe);
          case GELU -> ai.djl.nn.Activation.gelu(safe);
          case RELU -> ai.djl.nn.Activation.relu(safe);
        };
    return inner.add(bias).div(temperature);
  }

  /** Softmax of logits, with weight 0 where a score is -inf. */
  static NDArray softmax(NDArray logits, NDArray scores) {
    final NDArray live = live(scores);
    final NDArray w = NDArrays.where(live, logits, Like.scalar(LOWEST, scores)).softmax(-1);
    return NDArrays.where(live.logicalOr(w.isNaN()), w, Like.scalar(0, scores));
  }

  /** The same weights as {@link #denseToSparse}, by the kernel; on a CPU and not differentiable. */
  static NDArray denseToSparseKernel(
      NDArray scores, NDArray bias, double temperature, Activation activation) {
    try (NDManager scratch = scores.getManager().newSubManager()) {
      final Tensor x = host(scores, scratch);
      final Tensor y = Tensor.zeros(x.dtype(), x.shape());
      ActivationGate.apply(x, host(bias, scratch), y, activation, temperature, 0);
      return NDArrayTensors.array(scores.getManager(), y);
    }
  }

  /**
   * Experts by descending weight, int32 {@code [..., N]}: of each row the first, and those whose
   * weight is above the threshold; -1 in the places of the others. Weight 0 asks nobody.
   */
  static NDArray above(NDArray weights, double threshold) {
    try (NDManager scratch = weights.getManager().newSubManager()) {
      final Tensor w = host(weights, scratch);
      final int n = Math.toIntExact(w.rowLength());
      final Tensor indices = Tensor.zeros(DType.I32, w.shape());
      TopKGate.apply(w, Tensor.zeros(w.dtype(), w.shape()), indices, n, 0);
      for (long row = 0; row < w.rows(); row++) {
        for (int choice = 0; choice < n; choice++) {
          final long at = row * n + choice;
          final int expert = (int) indices.getDouble(at);
          final double weight = expert < 0 ? 0 : w.getDouble(w.flatIndex(row * n + expert));
          if (!(weight > (choice == 0 ? 0 : threshold))) {
            indices.setDouble(at, -1);
          }
        }
      }
      return NDArrayTensors.array(weights.getManager(), indices);
    }
  }

  private static NDArray live(NDArray scores) {
    return scores.gt(Float.NEGATIVE_INFINITY).logicalOr(scores.isNaN());
  }

  /** The elements where kernels can read them: in place on a CPU, else copied once. */
  private static Tensor host(NDArray array, NDManager scratch) {
    final NDArray alias = array.stopGradient();
    alias.attach(scratch);
    return NDArrayTensors.tensor(alias);
  }

  static void check(NDArray scores, NDArray bias, int experts) {
    final Shape shape = scores.getShape();
    if (shape.dimension() == 0 || shape.get(shape.dimension() - 1) != experts) {
      throw new IllegalArgumentException(
          "scores are " + shape + "; expected [..., " + experts + "], one for each expert");
    }
    if (scores.getDataType() != DataType.FLOAT32 && scores.getDataType() != DataType.FLOAT64) {
      throw new IllegalArgumentException(
          "scores are " + scores.getDataType() + "; expected float32 or float64");
    }
    if (bias.getShape().dimension() != 1
        || bias.size() != experts
        || bias.getDataType() != scores.getDataType()
        || !bias.getDevice().equals(scores.getDevice())) {
      throw new IllegalArgumentException(
          "bias is "
              + bias.getDataType()
              + " "
              + bias.getShape()
              + " on "
              + bias.getDevice()
              + "; expected "
              + scores.getDataType()
              + " ("
              + experts
              + ") on "
              + scores.getDevice()
              + " like the scores");
    }
  }
}
