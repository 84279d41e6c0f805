package io.steelyard.kernels.head;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Similarity and distance of the similarity-distance-magnitude method: how many of the nearest
 * training points, from the nearest one on and without a gap, have the predicted class both as
 * label and as prediction; and how far the nearest training point is.
 *
 * <p>The count is that of the points nearer than the nearest one that fails, so nothing is sorted.
 * Of points equally far, the one with the smaller index is nearer.
 *
 * <p>Edges: without training points the similarity is 0 and the distance +inf. A distance of NaN or
 * +inf counts as +inf. For rows that are the training points themselves, {@code self} leaves out
 * the point with the row's own index; a copy of it elsewhere takes part.
 *
 * <p>Shapes: h {@code [..., M]}, predicted i32 {@code [...]}, train {@code [N, M]}, labels and
 * train-predicted i32 {@code [N]}; q and distance {@code [...]} of the dtype of h; any strides. The
 * arithmetic is in double for f32 and f64, since near-ties decide.
 *
 * <p>Cost: O(N M) a row. Rows are worked on in parallel; results do not depend on the number of
 * threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2502.20167, section 3.
 *
 * <pre>{@code
 * SdmMatches.apply(features, predictions, train, labels, trainPredictions, false, q, distance, 0);
 * }</pre>
 */
public final class SdmMatches {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "sdm-matches",
          "head",
          "How many nearest training points agree with a prediction, and how far the first is.",
          new Source("2502.20167", "section 3"),
          List.of(
              Port.of("h", "h'", "[..., M]", "Features."),
              integers("predicted", "[...]", "The class predicted for each row."),
              Port.of("train", "h'_i", "[N, M]", "Features of the training points."),
              integers("labels", "[N]", "Their classes."),
              integers("train-predicted", "[N]", "The classes predicted for them.")),
          List.of(
              new Parameter.Flag(
                  "self",
                  "self",
                  false,
                  "Whether the rows are the training points, each no match of itself."),
              Shapes.THREADS),
          List.of(
              Port.of("q", "q", "[...]", "Similarity: how many matches agree."),
              Port.of("distance", "d_nearest", "[...]", "Distance to the nearest match.")),
          SdmMatches::call,
          Optional.empty());

  private SdmMatches() {}

  /**
   * Writes similarities and distances.
   *
   * @param h features; not modified
   * @param predicted i32, a class for each row; not modified
   * @param train features of the training points; not modified
   * @param labels i32, their classes; not modified
   * @param trainPredicted i32, the classes predicted for them; not modified
   * @param self whether row i is training point i, which is then no match of itself
   * @param q modified
   * @param distance modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static void apply(
      Tensor h,
      Tensor predicted,
      Tensor train,
      Tensor labels,
      Tensor trainPredicted,
      boolean self,
      Tensor q,
      Tensor distance,
      int threads) {
    check(h, predicted, train, labels, trainPredicted);
    if (self && h.rows() != train.dim(0)) {
      throw new IllegalArgumentException(
          "h has "
              + h.rows()
              + " rows; expected "
              + train.dim(0)
              + ", one for each training point, as self says");
    }
    Shapes.checkOneForEachRow("q", q, h.dtype(), h);
    Shapes.checkOneForEachRow("distance", distance, h.dtype(), h);
    Shapes.checkOutput("q", q, "h", h);
    Shapes.checkOutput("q", q, "train", train);
    Shapes.checkOutput("distance", distance, "h", h);
    Shapes.checkOutput("distance", distance, "train", train);
    Shapes.checkOutput("distance", distance, "q", q);
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
    final Points points = Points.of(train, labels, trainPredicted);
    final Job job =
        row -> {
          final double[] x = Shapes.row(h, row);
          final int own = (int) predicted.getDouble(predicted.flatIndex(row));
          points.match(x, own, self ? row : -1, row, q, distance);
        };
    Workers.shared().run(job, Math.toIntExact(h.rows()), threads);
  }

  /** The training points, row by row. */
  private static final class Points {

    private final int count;
    private final double[] features;
    private final int[] labels;
    private final int[] predictions;

    private Points(double[] features, int[] labels, int[] predictions) {
      count = labels.length;
      this.features = features;
      this.labels = labels;
      this.predictions = predictions;
    }

    static Points of(Tensor train, Tensor labels, Tensor predictions) {
      return new Points(train.toDoubleArray(), integers(labels), integers(predictions));
    }

    private static int[] integers(Tensor tensor) {
      final int[] copy = new int[Math.toIntExact(tensor.size())];
      for (int i = 0; i < copy.length; i++) {
        copy[i] = (int) tensor.getDouble(tensor.flatIndex(i));
      }
      return copy;
    }

    void match(double[] x, int predicted, int left, int row, Tensor q, Tensor distance) {
      final double[] squares = new double[count];
      double nearest = Double.POSITIVE_INFINITY;
      double failing = Double.POSITIVE_INFINITY;
      int failed = count;
      for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int c = 0; c < x.length; c++) {
          final double gap = x[c] - features[i * x.length + c];
          sum += gap * gap;
        }
        squares[i] = Double.isNaN(sum) ? Double.POSITIVE_INFINITY : sum;
        if (i == left) {
          continue;
        }
        nearest = Math.min(nearest, squares[i]);
        if (!agrees(i, predicted) && (failed == count || squares[i] < failing)) {
          failing = squares[i];
          failed = i;
        }
      }
      int matches = 0;
      for (int i = 0; i < count; i++) {
        final boolean nearer =
            failed == count || squares[i] < failing || (squares[i] == failing && i < failed);
        matches += i != left && nearer && agrees(i, predicted) ? 1 : 0;
      }
      q.setDouble(q.flatIndex(row), matches);
      distance.setDouble(distance.flatIndex(row), Math.sqrt(nearest));
    }

    private boolean agrees(int i, int predicted) {
      return labels[i] == predicted && predictions[i] == predicted;
    }
  }

  private static void check(
      Tensor h, Tensor predicted, Tensor train, Tensor labels, Tensor trainPredicted) {
    Shapes.checkFloat("h", h);
    Shapes.checkOneForEachRow("predicted", predicted, DType.I32, h);
    if (train.dtype() != h.dtype() || train.rank() != 2 || train.dim(1) != h.rowLength()) {
      throw new IllegalArgumentException(
          "train is "
              + train
              + "; expected "
              + h.dtype().label()
              + "[N, "
              + h.rowLength()
              + "], as long as a row of h");
    }
    Shapes.checkVector("labels", labels, DType.I32, train.dim(0));
    Shapes.checkVector("train-predicted", trainPredicted, DType.I32, train.dim(0));
  }

  private static Port integers(String name, String shape, String description) {
    return new Port(name, name, Port.Kind.INTEGER, shape, false, description);
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final Tensor h = arguments.tensor("h");
    final Tensor q = Tensor.zeros(h.dtype(), Shapes.withoutRows(h));
    final Tensor distance = Tensor.zeros(h.dtype(), Shapes.withoutRows(h));
    apply(
        h,
        arguments.tensor("predicted"),
        arguments.tensor("train"),
        arguments.tensor("labels"),
        arguments.tensor("train-predicted"),
        arguments.flag("self"),
        q,
        distance,
        (int) arguments.whole("threads"));
    return Map.of("q", q, "distance", distance);
  }
}
