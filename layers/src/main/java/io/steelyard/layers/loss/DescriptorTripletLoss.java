package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Triplet loss of local descriptors that match: in a tuple of images [anchor, positive, negatives]
 * a descriptor of the positive is matched with one of the anchor if each is the other's nearest, if
 * the next nearest anchor descriptor is clearly farther (Lowe's ratio), and if it is among the more
 * attended half of the positive. For every match and every negative image, whose descriptor nearest
 * to the anchor's is taken, {@code max(0, |a - p|^2 - |a - n|^2 + margin)} is added up: over
 * matches, negatives and tuples.
 *
 * <p>All three descriptors get gradients; which ones match is constant. A tuple without a match
 * adds 0. The sum grows with batch and matches, so it is meant to be weighted (0.05) beside the
 * loss of the global descriptor.
 *
 * <p>As a DJL loss: predictions are descriptors {@code [B, P, C]} and attention {@code [B, P]} of B
 * = T tuples of n images in order; labels are not read, but one array of them must be there.
 * Descriptors are expected to have norm 1, as {@code DescriptorHead.locals} gives them.
 *
 * <p>Cost O(P^2 C) for each pair of images, on the host for the matches. Source: arXiv 2308.04008,
 * section 3; core/losses/triplet_loss.py.
 *
 * <pre>{@code
 * Loss loss = new DescriptorTripletLoss(DescriptorTripletLoss.Form.DEFAULTS);
 * }</pre>
 */
public final class DescriptorTripletLoss extends RowLoss {

  /**
   * The shape of the loss.
   *
   * @param tuple images in a tuple, 3 or more
   * @param margin 0 or more
   * @param ratio of nearest and second nearest distance, in (0, 1]
   * @param weight the sum is multiplied by it, 0 or more
   */
  public record Form(int tuple, double margin, double ratio, double weight) {

    /** Eight images, margin 0.1, ratio 0.9, weight 0.05: the paper's. */
    public static final Form DEFAULTS = new Form(8, 0.1, 0.9, 0.05);

    /** Checks the ranges. */
    public Form {
      if (tuple < 3) {
        throw new IllegalArgumentException("tuple is " + tuple + "; expected 3 images or more");
      }
      if (!(margin >= 0) || Double.isInfinite(margin)) {
        throw new IllegalArgumentException(
            "margin is " + margin + "; expected a finite number of 0 or more");
      }
      if (!(ratio > 0 && ratio <= 1)) {
        throw new IllegalArgumentException("ratio is " + ratio + "; expected a number in (0, 1]");
      }
      if (!(weight >= 0) || Double.isInfinite(weight)) {
        throw new IllegalArgumentException(
            "weight is " + weight + "; expected a finite number of 0 or more");
      }
    }

    /** The same with another margin. */
    public Form withMargin(double other) {
      return new Form(tuple, other, ratio, weight);
    }

    /** The same with another weight. */
    public Form withWeight(double other) {
      return new Form(tuple, margin, ratio, other);
    }

    /** The same for tuples of another size. */
    public Form withTuple(int images) {
      return new Form(images, margin, ratio, weight);
    }
  }

  /**
   * Two descriptors that match.
   *
   * @param anchor place in the anchor
   * @param positive place in the positive
   */
  public record Match(int anchor, int positive) {}

  private final Form form;

  /** The sum over tuples. */
  public DescriptorTripletLoss(Form form) {
    super("descriptor-triplet-loss", LossOptions.sum(), 1);
    this.form = form;
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    if (predictions.size() != 2) {
      throw new IllegalArgumentException(
          "predictions are " + predictions.size() + " arrays; expected descriptors and attention");
    }
    return triplets(predictions.get(0), predictions.get(1), form);
  }

  /**
   * The loss as a function.
   *
   * @param descriptors {@code [B, P, C]}, float32 or float64, B a multiple of the tuple size; not
   *     modified
   * @param attention {@code [B, P]}; not modified
   * @return a scalar, typed and placed like the descriptors
   * @throws IllegalArgumentException if a shape or type is not as above
   */
  public static NDArray triplets(NDArray descriptors, NDArray attention, Form form) {
    final Shape shape = descriptors.getShape();
    if (shape.dimension() != 3 || shape.size() == 0 || shape.get(0) % form.tuple() != 0) {
      throw new IllegalArgumentException(
          "descriptors are "
              + shape
              + "; expected [B, P, C] with B a multiple of "
              + form.tuple()
              + ", the images of a tuple");
    }
    if (!attention.getShape().equals(shape.slice(0, 2))) {
      throw new IllegalArgumentException(
          "attention is " + attention.getShape() + "; expected " + shape.slice(0, 2));
    }
    NDArray sum = Like.scalar(0, descriptors);
    for (long first = 0; first < shape.get(0); first += form.tuple()) {
      final NDArray anchor = descriptors.get(first);
      final NDArray positive = descriptors.get(first + 1);
      final List<Match> matches = matches(anchor, positive, attention.get(first + 1), form.ratio());
      if (matches.isEmpty()) {
        continue;
      }
      final NDArray a = picked(anchor, matches.stream().mapToLong(Match::anchor).toArray());
      final NDArray p = picked(positive, matches.stream().mapToLong(Match::positive).toArray());
      final NDArray near = squares(a.sub(p));
      for (int k = 2; k < form.tuple(); k++) {
        final NDArray negative = descriptors.get(first + k);
        final NDArray n = picked(negative, nearest(a, negative));
        sum = sum.add(Activation.relu(near.sub(squares(a.sub(n))).add(form.margin())).sum());
      }
    }
    // Of every descriptor nothing: a batch without a match still has a gradient, 0.
    return Scalars.mul(sum, form.weight()).add(descriptors.get(":0").sum());
  }

  /**
   * The matches of two images.
   *
   * @param anchor descriptors {@code [P, C]}; not modified
   * @param positive descriptors {@code [Q, C]}; not modified
   * @param attention of the positive's places {@code [Q]}; not modified
   * @param ratio the distance of a match is at most this times that of the next nearest
   * @return in the order of the positive's places
   */
  public static List<Match> matches(
      NDArray anchor, NDArray positive, NDArray attention, double ratio) {
    final double[][] distances = distances(anchor, positive);
    final double[] attended = doubles(attention);
    final int places = attended.length;
    final boolean[] seen = new boolean[places];
    IntStream.range(0, places)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer j) -> -attended[j]))
        .limit(places / 2)
        .forEach(j -> seen[j] = true);
    final List<Match> matches = new ArrayList<>();
    for (int j = 0; j < places; j++) {
      int i = 0;
      double second = Double.POSITIVE_INFINITY;
      for (int other = 1; other < distances.length; other++) {
        if (distances[other][j] < distances[i][j]) {
          second = distances[i][j];
          i = other;
        } else {
          second = Math.min(second, distances[other][j]);
        }
      }
      final boolean mutual = smallest(distances[i]) == j;
      if (seen[j] && mutual && distances[i][j] <= ratio * second) {
        matches.add(new Match(i, j));
      }
    }
    return List.copyOf(matches);
  }

  private static NDArray squares(NDArray x) {
    return x.mul(x).sum(new int[] {1});
  }

  private static NDArray picked(NDArray rows, long[] places) {
    return rows.get(Like.indices(places, new Shape(places.length), rows));
  }

  private static long[] nearest(NDArray anchors, NDArray negative) {
    final double[][] distances = distances(anchors, negative);
    final long[] nearest = new long[distances.length];
    for (int i = 0; i < nearest.length; i++) {
      nearest[i] = smallest(distances[i]);
    }
    return nearest;
  }

  private static int smallest(double[] row) {
    int best = 0;
    for (int j = 1; j < row.length; j++) {
      best = row[j] < row[best] ? j : best;
    }
    return best;
  }

  private static double[][] distances(NDArray from, NDArray to) {
    final int rows = Math.toIntExact(from.getShape().get(0));
    final int columns = Math.toIntExact(to.getShape().get(0));
    final int width = Math.toIntExact(from.getShape().get(1));
    final double[] a = doubles(from);
    final double[] b = doubles(to);
    final double[][] distances = new double[rows][columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double sum = 0;
        for (int c = 0; c < width; c++) {
          final double gap = a[i * width + c] - b[j * width + c];
          sum += gap * gap;
        }
        distances[i][j] = Math.sqrt(sum);
      }
    }
    return distances;
  }

  private static double[] doubles(NDArray array) {
    return array.stopGradient().toType(DataType.FLOAT64, false).toDoubleArray();
  }
}
