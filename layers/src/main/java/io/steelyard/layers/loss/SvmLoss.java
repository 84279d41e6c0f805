package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.tensor.Like;

/**
 * The primal objective of one-vs-rest linear SVMs on the scores of a network: a hinge on every
 * class score plus a ridge on the weights of the last linear layer.
 *
 * <p>With N samples, K classes, scores {@code s [N, K]}, targets {@code t = +1} for the label's
 * class and {@code -1} elsewhere, slack {@code m = max(0, 1 - t s)}, readout weights {@code W [D,
 * K]} and penalty C, the loss is
 *
 * <pre>
 *   CODE:   mean(W²) + C mean(m²)             PAPER:   (1/N) sum(W²) + C sum(m²)
 * </pre>
 *
 * with m in place of m² for the L1 form. Biases and all other layers are not regularized. The
 * gradient {@code dL/ds} in the CODE form is {@code -(2C/(NK)) t m}, for L1 {@code -(C/(NK)) t}
 * where {@code t s < 1} and 0 elsewhere (equality included). A NaN score makes the loss NaN. There
 * is no exponential and nothing to overflow in usual ranges; cost O(NK + DK).
 *
 * <p>Source: arXiv 1712.03541, section 2 and {@code model/cnn_svm.py} of its repository, which the
 * CODE form follows; the objective is that of Tang (arXiv 1306.0239).
 *
 * <pre>{@code
 * ConvNet net = new ConvNet(ConvNetConfiguration.SMALL, random);
 * Loss loss = new SvmLoss(SvmOptions.L2, net.readoutWeights());
 * }</pre>
 */
public final class SvmLoss extends Loss {

  private final SvmOptions options;
  private final Parameter readoutWeights;

  /**
   * A loss for a network with this readout.
   *
   * @param readoutWeights the weights (not the bias) of the last linear layer, in either
   *     orientation; read at each evaluation, so they may be initialized later. They must be on the
   *     device of the scores, which holds for training on one device
   */
  public SvmLoss(SvmOptions options, Parameter readoutWeights) {
    super("svm-loss");
    this.options = options;
    this.readoutWeights = readoutWeights;
  }

  /**
   * The loss of one batch.
   *
   * @param labels one array, see {@link #svm}
   * @param predictions one array, the scores
   */
  @Override
  public NDArray evaluate(NDList labels, NDList predictions) {
    return svm(
        predictions.singletonOrThrow(),
        labels.singletonOrThrow(),
        readoutWeights.getArray(),
        options);
  }

  /**
   * The loss as a function.
   *
   * @param scores {@code [N, K]}, float32 or float64, N and K at least 1; not modified
   * @param labels class ids {@code [N]} or {@code [N, 1]} in {@code 0..K-1}, integers or floats
   *     with integral values; read on the host. Not modified
   * @param readoutWeights {@code [D, K]} or {@code [K, D]}, of the type and on the device of the
   *     scores; not modified
   * @return a scalar of the type and on the device of the scores, in their manager
   * @throws IllegalArgumentException if a shape, type, device or label is not as above
   */
  public static NDArray svm(
      NDArray scores, NDArray labels, NDArray readoutWeights, SvmOptions options) {
    final int classes = Targets.checkScores(scores);
    checkWeights(readoutWeights, scores, classes);
    final NDArray targets = Targets.signs(labels, scores);
    final double samples = scores.getShape().get(0);

    final NDArray margins = targets.mul(scores);
    final NDArray slack = Activation.relu(margins.neg().add(Like.scalar(1, scores)));
    final NDArray hinge =
        switch (options.hinge()) {
          case L1 -> slack;
          case L2 -> slack.mul(slack);
        };
    // An array belongs to the manager of the first factor: without this, every step would leave
    // one behind in the manager of the model.
    final NDArray squares = readoutWeights.mul(readoutWeights);
    squares.attach(scores.getManager());

    final NDArray penalty = Like.scalar(options.penalty(), scores);
    return switch (options.form()) {
      case CODE -> squares.mean().add(hinge.mean().mul(penalty));
      case PAPER -> squares.sum().div(Like.scalar(samples, scores)).add(hinge.sum().mul(penalty));
    };
  }

  private static void checkWeights(NDArray weights, NDArray scores, int classes) {
    final long[] shape = weights.getShape().getShape();
    if (shape.length != 2 || (shape[0] != classes && shape[1] != classes)) {
      throw new IllegalArgumentException(
          "readoutWeights are "
              + weights.getShape()
              + "; expected [D, "
              + classes
              + "] or ["
              + classes
              + ", D] for scores "
              + scores.getShape());
    }
    if (weights.getDataType() != scores.getDataType()) {
      throw new IllegalArgumentException(
          "readoutWeights are "
              + weights.getDataType()
              + "; expected "
              + scores.getDataType()
              + " like the scores");
    }
    if (!weights.getDevice().equals(scores.getDevice())) {
      throw new IllegalArgumentException(
          "readoutWeights are on "
              + weights.getDevice()
              + "; expected "
              + scores.getDevice()
              + " like the scores: create the model on the device it is trained on");
    }
  }
}
