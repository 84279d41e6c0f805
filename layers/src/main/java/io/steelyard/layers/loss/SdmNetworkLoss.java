package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * The next-token loss of a network whose output layer was cloned into a frozen negative and a
 * trained positive copy: the SDM loss over both, {@code [z_neg, z_pos]} of 2 V entries with the
 * target in the positive half, plus {@code beta r'}, which keeps the outputs near those of the
 * model one started from.
 *
 * <p>With {@code l(z)} the logarithms of SDM outputs to base {@code 2 + q}: {@code r} is the mean
 * over rows of {@code || i (l([z_ref, z_ref]) - l([z_neg, z_pos])) ||_2}, where i leaves out the
 * largest entry of the reference (in both halves), of the negative and of the positive half, and
 * the target. {@code r' = sqrt(max(r, 1)^s)} with {@code s = ln(loss) / ln(r)}, a constant within
 * [0, 1]: beyond 1 the distance counts no more than the loss does. Only the positive scores get a
 * gradient. In training beta rises within each epoch from 0 to 0.1.
 *
 * <p>Weights, a mask of rows and the ignored id are those of {@link LossOptions}; without reduction
 * each row gets {@code beta r'}. Edges: a score of -inf is a masked entry and not in r. Cost O(V) a
 * row. Source: arXiv 2502.20167, section 6; no code for it was found, so this is the text's.
 *
 * <pre>{@code
 * NDArray one = scores.getManager().ones(labels.getShape());
 * SdmNetworkLoss.Scores three = new SdmNetworkLoss.Scores(scores, scores, scores);
 * NDArray value = SdmNetworkLoss.sdmNetwork(three, labels, one, one, 0.1, LossOptions.mean());
 * }</pre>
 */
public final class SdmNetworkLoss extends RowLoss {

  /**
   * What the output layers say, {@code [..., V]} each, of one type.
   *
   * @param reference of the model one started from; a constant
   * @param negative of the frozen copy; a constant
   * @param positive of the trained copy
   */
  public record Scores(NDArray reference, NDArray negative, NDArray positive) {

    /** Checks that they are alike. */
    public Scores {
      check("reference", reference, positive);
      check("negative", negative, positive);
    }

    private static void check(String name, NDArray array, NDArray positive) {
      if (!array.getShape().equals(positive.getShape())
          || array.getDataType() != positive.getDataType()) {
        throw new IllegalArgumentException(
            name
                + " scores are "
                + array.getDataType()
                + " "
                + array.getShape()
                + "; expected "
                + positive.getDataType()
                + " "
                + positive.getShape()
                + " like the positive ones");
      }
    }
  }

  private final double beta;

  /**
   * With options.
   *
   * @param beta weight of the distance, 0 or more
   * @param options reduction and ignored id; no weights, no mask
   */
  public SdmNetworkLoss(double beta, LossOptions options) {
    super("sdm-network-loss", options, 3);
    this.beta = checkBeta(beta);
  }

  /** Predictions: reference, negative, positive scores. Labels: ids, similarities, distances. */
  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    if (predictions.size() != 3) {
      throw new IllegalArgumentException(
          "predictions are "
              + predictions.size()
              + " arrays; expected three, reference, negative and positive scores");
    }
    return sdmNetwork(
        new Scores(predictions.get(0), predictions.get(1), predictions.get(2)),
        labels.get(0),
        labels.get(1),
        labels.get(2),
        beta,
        options);
  }

  /**
   * The loss as a function.
   *
   * @param labels class ids in 0..V-1, {@code [...]}; not modified
   * @param similarities q {@code [...]}, above -1; not modified
   * @param distances d {@code [...]}, 0 or more; not modified
   * @param beta 0 or more
   * @param options a mask is of rows
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type, label or number is not as above
   */
  public static NDArray sdmNetwork(
      Scores scores,
      NDArray labels,
      NDArray similarities,
      NDArray distances,
      double beta,
      LossOptions options) {
    checkBeta(beta);
    // Ids are checked against V before they are moved into the positive half.
    final Rows own = Rows.withIds(scores.positive(), labels, options);
    final int axis = scores.positive().getShape().dimension() - 1;
    final long v = scores.positive().getShape().get(axis);
    final NDArray negative = scores.negative().stopGradient();
    negative.attach(scores.positive().getManager());
    final NDArray joint = negative.concat(scores.positive(), axis);
    final NDArray reference = scores.reference().stopGradient();
    reference.attach(scores.positive().getManager());
    final NDArray twice = reference.concat(reference, axis);
    final NDArray moved =
        NDArrays.where(
            own.samples().part(),
            own.ids().orElseThrow().add(v),
            own.ids().orElseThrow().zerosLike().add(options.ignoreIndex()));
    final NDArray ids = moved.reshape(own.samples().shape());

    final Rows rows = SdmLoss.scaled(joint, ids, similarities, distances, options);
    final NDArray base = SdmLoss.base(similarities, joint, rows.samples());
    final NDArray losses = CrossEntropyLoss.losses(rows, 0).div(base);
    final NDArray loss = rows.samples().reduce(losses);
    if (beta == 0) {
      return loss;
    }
    final Rows before = SdmLoss.scaled(twice, ids, similarities, distances, options);
    final NDArray both =
        rows.scores()
            .neq(RowMath.NEVER)
            .logicalAnd(before.scores().neq(RowMath.NEVER))
            .logicalAnd(counted(own, scores, rows.positives()));
    final NDArray apart = logs(before.scores(), base, both).sub(logs(rows.scores(), base, both));
    final NDArray norms = norms(apart);
    final Samples mean =
        new Samples(
            rows.samples().shape(),
            rows.samples().part(),
            rows.samples().weights(),
            Reduction.MEAN);
    final NDArray kept = Scalars.mul(bounded(mean.reduce(norms), mean.reduce(losses)), beta);
    final NDArray each = Like.ones(new Shape(rows.samples().rows()), joint).mul(kept);
    return options.reduction() == Reduction.MEAN
        ? loss.add(kept)
        : loss.add(rows.samples().reduce(each));
  }

  /** The entries that r counts: not the target, and not the largest of any part. */
  private static NDArray counted(Rows own, Scores scores, NDArray targets) {
    final NDArray reference = largest(scores.reference(), own);
    final NDArray left =
        reference
            .concat(reference, 1)
            .logicalOr(largest(scores.negative(), own).concat(largest(scores.positive(), own), 1));
    return left.logicalOr(targets).logicalNot();
  }

  private static NDArray largest(NDArray scores, Rows own) {
    final NDArray x = own.samples().clean(rowsOf(scores, own));
    final int v = Math.toIntExact(x.getShape().get(1));
    return x.argMax(1).toType(DataType.INT64, false).oneHot(v).gt(0);
  }

  private static NDArray rowsOf(NDArray scores, Rows own) {
    final NDArray constant = scores.stopGradient();
    constant.attach(own.scores().getManager());
    return constant.reshape(own.samples().rows(), -1);
  }

  /** {@code ln softmax / ln(2 + q)} where counted, else 0. */
  private static NDArray logs(NDArray x, NDArray base, NDArray counted) {
    final NDArray logs = x.sub(RowMath.across(RowMath.logSumExp(x), x));
    return RowMath.where(counted, logs, 0).div(RowMath.across(base, x));
  }

  private static NDArray norms(NDArray x) {
    final NDArray squares = RowMath.sum(x.mul(x));
    final NDArray some = squares.neq(0);
    return RowMath.where(some, RowMath.where(some, squares, 1).sqrt(), 0);
  }

  /** {@code sqrt(max(r, 1)^s)}. */
  private static NDArray bounded(NDArray r, NDArray loss) {
    final double distance = r.stopGradient().toType(DataType.FLOAT64, false).getDouble();
    final double value = loss.stopGradient().toType(DataType.FLOAT64, false).getDouble();
    if (!(distance > 1)) {
      // A constant, with a gradient of 0 and, for NaN, NaN.
      return r.mul(Like.scalar(0, r)).add(Like.scalar(1, r));
    }
    final double s = Math.clamp(Math.log(value) / Math.log(distance), 0.0, 1.0);
    return r.pow(Like.scalar(s / 2, r));
  }

  private static double checkBeta(double beta) {
    if (!(beta >= 0) || Double.isInfinite(beta)) {
      throw new IllegalArgumentException(
          "beta is " + beta + "; expected a finite number of 0 or more");
    }
    return beta;
  }
}
