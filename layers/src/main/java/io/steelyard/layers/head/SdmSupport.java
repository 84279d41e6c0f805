package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.head.EmpiricalCdf;
import io.steelyard.kernels.head.SdmMatches;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The training points that similarities and distances are measured against. Similarity q: how many
 * of the nearest training points, from the nearest on and without a gap, have the predicted class
 * both as label and as prediction. Distance quantile d: {@code min_c (1 - F_c(distance to the
 * nearest))}, with F_c the shares of smaller distances among points of true class c with q above 0;
 * a class without such points makes every d 0.
 *
 * <p>All arithmetic is in double on the host; arrays are read once. Immutable. Cost O(N M) a point.
 * Source: arXiv 2502.20167, section 3.
 *
 * <pre>{@code
 * SdmSupport support = SdmSupport.of(x, scores, labels);
 * SdmSupport.Magnitudes magnitudes = support.withinTraining();
 * }</pre>
 */
public final class SdmSupport {

  /**
   * What {@code SdmLoss} multiplies with.
   *
   * @param similarities q {@code [N]}
   * @param distances d {@code [N]}
   */
  public record Magnitudes(NDArray similarities, NDArray distances) {}

  /** Matches of points: similarity, distance to the nearest, and predicted class, one for each. */
  static final class Matches {

    private final double[] similarities;
    private final double[] distances;
    private final int[] predicted;

    private Matches(double[] similarities, double[] distances, int[] predicted) {
      this.similarities = similarities;
      this.distances = distances;
      this.predicted = predicted;
    }

    double[] similarities() {
      return similarities;
    }

    double[] distances() {
      return distances;
    }

    int[] predicted() {
      return predicted;
    }
  }

  private final NDArray like;
  private final Tensor exemplars;
  private final int[] labels;
  private final int[] predicted;
  private final int classes;

  private SdmSupport(NDArray like, Tensor exemplars, int[] labels, int[] predicted, int classes) {
    this.like = like;
    this.exemplars = exemplars;
    this.labels = labels;
    this.predicted = predicted;
    this.classes = classes;
  }

  /**
   * A support.
   *
   * @param exemplars h' {@code [N, M]} of the training points; copied
   * @param scores z {@code [N, C]}; their largest is the prediction
   * @param labels class ids {@code [N]}
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static SdmSupport of(NDArray exemplars, NDArray scores, NDArray labels) {
    check(exemplars, scores);
    final int classes = Math.toIntExact(scores.getShape().get(1));
    return new SdmSupport(
        exemplars, tensor(exemplars), ids(labels, scores), largest(scores), classes);
  }

  /** The number of classes. */
  public int classes() {
    return classes;
  }

  /**
   * Similarities and distance quantiles of the training points among themselves, each without its
   * own match: for the next epoch of training. Typed and managed like the exemplars.
   */
  public Magnitudes withinTraining() {
    final Matches own = match(exemplars, predicted, true);
    final double[] d = quantiles(own.distances(), distributions(own, labels, classes));
    final Shape shape = new Shape(labels.length);
    return new Magnitudes(
        Like.values(own.similarities(), shape, like), Like.values(d, shape, like));
  }

  /**
   * Similarities q of other points: what rounds and epochs of training are chosen by.
   *
   * @param exemplars h' {@code [N, M]}; not modified
   * @param scores z {@code [N, C]}; not modified
   * @throws IllegalArgumentException if a shape is not as above
   */
  public double[] similarities(NDArray exemplars, NDArray scores) {
    return match(exemplars, scores).similarities().clone();
  }

  /** Matches of other points. */
  Matches match(NDArray points, NDArray scores) {
    check(points, scores);
    if (points.getShape().get(1) != exemplars.dim(1) || scores.getShape().get(1) != classes) {
      throw new IllegalArgumentException(
          "exemplars and scores are "
              + points.getShape()
              + " and "
              + scores.getShape()
              + "; expected rows of "
              + exemplars.dim(1)
              + " and "
              + classes
              + " like the training points");
    }
    return match(tensor(points), largest(scores), false);
  }

  private Matches match(Tensor points, int[] classesOfPoints, boolean self) {
    final int n = classesOfPoints.length;
    final Tensor q = Tensor.zeros(DType.F64, n);
    final Tensor distance = Tensor.zeros(DType.F64, n);
    SdmMatches.apply(
        points,
        Tensor.of(classesOfPoints, n),
        exemplars,
        Tensor.of(labels, labels.length),
        Tensor.of(predicted, predicted.length),
        self,
        q,
        distance,
        0);
    return new Matches(q.toDoubleArray(), distance.toDoubleArray(), classesOfPoints);
  }

  /** For each class, the distances of its points with a similarity above 0. */
  static List<EmpiricalCdf> distributions(Matches matches, int[] labels, int classes) {
    final List<EmpiricalCdf> distributions = new ArrayList<>();
    for (int c = 0; c < classes; c++) {
      final int own = c;
      distributions.add(
          EmpiricalCdf.of(
              IntStream.range(0, labels.length)
                  .filter(i -> labels[i] == own && matches.similarities()[i] > 0)
                  .mapToDouble(i -> matches.distances()[i])
                  .toArray()));
    }
    return List.copyOf(distributions);
  }

  /** The least quantile over classes, from the far end. */
  static double[] quantiles(double[] distances, List<EmpiricalCdf> distributions) {
    return Arrays.stream(distances)
        .map(
            x ->
                distributions.stream()
                    .mapToDouble(cdf -> cdf.size() == 0 ? 0 : 1 - cdf.below(x))
                    .min()
                    .orElse(0))
        .toArray();
  }

  /** The classes of the largest scores, the first of equal ones. */
  static int[] largest(NDArray scores) {
    return Arrays.stream(OneVsRest.argmax(scores).toLongArray())
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  /** Class ids of points, checked. */
  static int[] ids(NDArray labels, NDArray scores) {
    final Shape rows = new Shape(scores.getShape().get(0));
    final DataType type = labels.getDataType();
    if (!labels.getShape().equals(rows) || type == DataType.BOOLEAN) {
      throw new IllegalArgumentException(
          "labels are " + type + " " + labels.getShape() + "; expected class ids " + rows);
    }
    final double[] values = labels.toType(DataType.FLOAT64, false).toDoubleArray();
    final long classes = scores.getShape().get(1);
    final int[] ids = new int[values.length];
    for (int i = 0; i < ids.length; i++) {
      if (!(values[i] >= 0 && values[i] < classes) || values[i] != Math.rint(values[i])) {
        throw new IllegalArgumentException(
            "labels["
                + i
                + "] is "
                + values[i]
                + "; expected a class id, a whole number in 0.."
                + (classes - 1));
      }
      ids[i] = (int) values[i];
    }
    return ids;
  }

  /** A copy in double. */
  static Tensor tensor(NDArray array) {
    final double[] values = array.stopGradient().toType(DataType.FLOAT64, false).toDoubleArray();
    return Tensor.of(values, array.getShape().getShape());
  }

  private static void check(NDArray exemplars, NDArray scores) {
    final Shape h = exemplars.getShape();
    final Shape z = scores.getShape();
    if (h.dimension() != 2 || z.dimension() != 2 || h.get(0) != z.get(0) || h.size() == 0) {
      throw new IllegalArgumentException(
          "exemplars and scores are " + h + " and " + z + "; expected [N, M] and [N, C]");
    }
  }
}
