package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * InfoNCE: {@code L = (1/m) sum_{p in P} [ln sum_k exp(x_k / tau) - x_p / tau]} for each query
 * (row) of similarities. Gradient {@code (softmax(x / tau) - [k in P] / m) / tau}. With several
 * targets they also compete with each other; {@link DecoupledSoftmaxLoss} leaves that out.
 *
 * <p>Predictions of the DJL loss are similarities {@code [N, M]}, or two arrays of embeddings
 * {@code [N, D]} and {@code [M, D]} whose cosines are taken. Labels are the columns of the targets,
 * as ids {@code [N]} ({@code 0..N-1} for pairs on the diagonal) or as rows {@code [N, M]} with
 * numbers above 0 at targets.
 *
 * <p>Symmetric, it is half of that plus half of the same over columns: each key then looks for its
 * queries. That wants a square matrix; weights then count for query and key of the same number, and
 * a row that takes no part is gone as a query and as a key. One way, only the query is gone: its
 * key stays a candidate of the others unless masked.
 *
 * <p>Edges: a candidate of -inf is a masked entry; a target of -inf gives +inf; a row of -inf only
 * gives 0; NaN or +inf in a row makes its loss NaN. Weights, masks and the ignored id are those of
 * {@link LossOptions}. Cost O(M) a row. Source: arXiv 1807.03748, equation 4; several targets as in
 * arXiv 2310.10636; symmetric as in arXiv 2103.00020.
 *
 * <pre>{@code
 * Loss loss = new InfoNceLoss(InfoNceLoss.Form.of(0.07).symmetric());
 * NDArray value = InfoNceLoss.ofPairs(q, k, InfoNceLoss.Form.of(0.07), LossOptions.mean());
 * }</pre>
 */
public final class InfoNceLoss extends RowLoss {

  private static final double ZERO_NORM = 1e-12;

  /**
   * The shape of the loss.
   *
   * @param temperature tau, above 0
   * @param bothWays whether keys look for queries as well
   */
  public record Form(double temperature, boolean bothWays) {

    /** Checks the temperature. */
    public Form {
      if (!(temperature > 0) || Double.isInfinite(temperature)) {
        throw new IllegalArgumentException(
            "temperature is " + temperature + "; expected a finite number above 0");
      }
    }

    /** One way. */
    public static Form of(double temperature) {
      return new Form(temperature, false);
    }

    /** The same, both ways. */
    public Form symmetric() {
      return new Form(temperature, true);
    }
  }

  private final Form form;

  /** Averaged over queries. */
  public InfoNceLoss(Form form) {
    this(form, LossOptions.mean());
  }

  /**
   * With options.
   *
   * @param options reduction and ignored id; no weights, no mask
   */
  public InfoNceLoss(Form form, LossOptions options) {
    super("info-nce-loss", options, 1);
    this.form = form;
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    if (predictions.size() != 1 && predictions.size() != 2) {
      throw new IllegalArgumentException(
          "predictions are "
              + predictions.size()
              + " arrays; expected similarities, or embeddings of queries and of keys");
    }
    final NDArray similarities =
        predictions.size() == 1
            ? predictions.get(0)
            : cosines(predictions.get(0), predictions.get(1));
    return infoNce(similarities, labels.get(0), form, options);
  }

  /**
   * The loss as a function.
   *
   * @param similarities {@code [..., M]}, float32 or float64, {@code [N, N]} where symmetric; not
   *     modified
   * @param labels ids of columns {@code [...]}, or rows {@code [..., M]}; not modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the similarities
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray infoNce(
      NDArray similarities, NDArray labels, Form form, LossOptions options) {
    if (!form.bothWays()) {
      return oneWay(similarities, labels, form, options);
    }
    final Shape shape = similarities.getShape();
    if (shape.dimension() != 2 || shape.get(0) != shape.get(1)) {
      throw new IllegalArgumentException(
          "similarities are " + shape + "; expected [N, N] where the loss is symmetric");
    }
    final Rows rows = Rows.of(similarities, labels, options);
    final NDArray part = rows.samples().part();
    final long n = shape.get(0);
    final NDArray both =
        part.reshape(n, 1).broadcast(shape).logicalAnd(part.reshape(1, n).broadcast(shape));
    final NDArray kept = Rows.kept(similarities, options).map(both::logicalAnd).orElse(both);
    final LossOptions forth = options.withMask(kept).withWeights(rows.samples().weights());
    final LossOptions back = forth.withMask(kept.transpose());
    return Scalars.mul(
        oneWay(similarities, labels, form, forth)
            .add(oneWay(similarities.transpose(), rows.targets().transpose(), form, back)),
        0.5);
  }

  /**
   * The loss of embeddings, query i belonging to key i.
   *
   * @param queries {@code [N, D]}, of any length above 0; not modified
   * @param keys {@code [N, D]}; not modified
   */
  public static NDArray ofPairs(NDArray queries, NDArray keys, Form form, LossOptions options) {
    final NDArray similarities = cosines(queries, keys);
    final int n = Math.toIntExact(similarities.getShape().get(0));
    return infoNce(similarities, Like.range(n, similarities), form, options);
  }

  /** Cosines {@code [N, M]} of rows {@code [N, D]} and {@code [M, D]}. */
  static NDArray cosines(NDArray queries, NDArray keys) {
    final Shape q = queries.getShape();
    final Shape k = keys.getShape();
    if (q.dimension() != 2 || k.dimension() != 2 || q.get(1) != k.get(1) || q.size() == 0) {
      throw new IllegalArgumentException(
          "embeddings are " + q + " and " + k + "; expected [N, D] and [M, D]");
    }
    return directions(queries).matMul(directions(keys).transpose());
  }

  private static NDArray directions(NDArray x) {
    final DataType type = x.getDataType();
    if (type != DataType.FLOAT32 && type != DataType.FLOAT64) {
      throw new IllegalArgumentException(
          "embeddings are " + type + "; expected float32 or float64");
    }
    return x.div(x.mul(x).sum(new int[] {1}, true).add(ZERO_NORM).sqrt());
  }

  private static NDArray oneWay(
      NDArray similarities, NDArray labels, Form form, LossOptions options) {
    final Rows given = Rows.of(similarities, labels, options);
    final Rows rows = given.withScores(Scalars.div(given.scores(), form.temperature()));
    if (rows.ids().isPresent()) {
      return rows.samples().reduce(CrossEntropyLoss.losses(rows, 0));
    }
    final NDArray x = rows.scores();
    final NDArray positives = rows.positives();
    final NDArray all = RowMath.across(RowMath.logSumExp(x), x);
    final NDArray own = RowMath.where(positives, x, 0);
    final NDArray some = all.neq(RowMath.NEVER);
    final NDArray terms = RowMath.where(positives.logicalAnd(some), all.sub(own), 0);
    return rows.samples().reduce(RowMath.sum(terms).div(rows.positiveCount()));
  }
}
