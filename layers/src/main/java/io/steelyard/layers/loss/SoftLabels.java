package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Soft labels for {@link DistillationLoss} from a teacher's probabilities {@code [N, C]}: what is
 * kept of them, and how they are adapted to how sure the teacher is.
 *
 * <p>Probabilities are read on the host and have no gradient; of equal ones the lower class comes
 * first. Results are typed, placed and managed like the probabilities. Cost O(N C log C).
 *
 * <p>Source: arXiv 2312.17473; the label formats are those of FKD's utils_FKD.py. Thresholds and
 * smoothing of the zones are not published: the defaults are ours.
 *
 * <pre>{@code
 * NDArray teacher = scores.softmax(1);
 * SoftLabels.Adapted adapted = SoftLabels.Zones.of(1000).adapt(teacher, labels);
 * }</pre>
 */
public final class SoftLabels {

  private SoftLabels() {}

  /** 1 at the most probable class, 0 elsewhere. */
  public static NDArray hard(NDArray probabilities) {
    return rows(probabilities, 1, (p, kept) -> fill(p.length, 0, kept, _ -> 1));
  }

  /** The most probable class keeps p, the others share the rest evenly. */
  public static NDArray smoothed(NDArray probabilities) {
    return marginalSmoothed(probabilities, 1);
  }

  /**
   * The k most probable classes keep their numbers, the others share the rest evenly; all keep
   * theirs for {@code k = C}.
   *
   * @param k in 1..C; the paper's is 5
   */
  public static NDArray marginalSmoothed(NDArray probabilities, int k) {
    return rows(
        probabilities,
        k,
        (p, kept) -> {
          final double sum = Arrays.stream(kept).mapToDouble(c -> p[c]).sum();
          return fill(p.length, (1 - sum) / Math.max(1, p.length - k), kept, c -> p[c]);
        });
  }

  /**
   * The k most probable classes share 1 in proportion, the others get 0.
   *
   * @param k in 1..C
   */
  public static NDArray marginalRenormalized(NDArray probabilities, int k) {
    return rows(
        probabilities,
        k,
        (p, kept) -> {
          final double sum = Arrays.stream(kept).mapToDouble(c -> p[c]).sum();
          return fill(p.length, 0, kept, c -> p[c] / sum);
        });
  }

  /** What is done with a crop. */
  public enum Zone {
    /** Discarded: the teacher sees nothing in it. */
    HARD_NEGATIVE,
    /** Gets the smoothed class id. */
    CONTEXT,
    /** Keeps the teacher's label. */
    HARD_POSITIVE,
    /** Discarded: nothing to learn. */
    EASY
  }

  /**
   * Labels for a loss.
   *
   * @param targets {@code [N, C]}
   * @param weights {@code [N]}: 0 where discarded, else 1
   * @param zones of each row
   */
  public record Adapted(NDArray targets, NDArray weights, List<Zone> zones) {}

  /**
   * Where the zones begin, by the largest probability q of a row.
   *
   * @param low below it: {@link Zone#HARD_NEGATIVE}
   * @param middle below it: {@link Zone#CONTEXT}
   * @param top above it: {@link Zone#EASY}
   * @param smoothing e: a context row becomes {@code (1 - e) onehot(y) + e / C}
   */
  public record Zones(double low, double middle, double top, double smoothing) {

    /** Checks the order. */
    public Zones {
      if (!(low <= middle && middle <= top)) {
        throw new IllegalArgumentException(
            "zones begin at " + low + ", " + middle + ", " + top + "; expected them in order");
      }
      if (!(smoothing >= 0 && smoothing <= 1)) {
        throw new IllegalArgumentException(
            "smoothing is " + smoothing + "; expected a number in [0, 1]");
      }
    }

    /**
     * Defaults: 0.15, 0.3 and 1 for 1000 classes, {@code 1/C + 0.2 (1 - 1/C)} and {@code 1/C + 0.45
     * (1 - 1/C)} below 100 classes, where 1/C is no small part of them; smoothing 0.1.
     */
    public static Zones of(int classes) {
      if (classes < 2) {
        throw new IllegalArgumentException("classes is " + classes + "; expected 2 or more");
      }
      final double least = 1.0 / classes;
      return classes >= FEW
          ? new Zones(0.15, 0.3, 1, 0.1)
          : new Zones(least + 0.2 * (1 - least), least + 0.45 * (1 - least), 1, 0.1);
    }

    private static final int FEW = 100;

    /** The zone of a largest probability. */
    public Zone zone(double q) {
      if (q < low) {
        return Zone.HARD_NEGATIVE;
      }
      if (q < middle) {
        return Zone.CONTEXT;
      }
      return q <= top ? Zone.HARD_POSITIVE : Zone.EASY;
    }

    /**
     * Adapts labels.
     *
     * @param probabilities of the teacher {@code [N, C]}, float32 or float64; not modified
     * @param labels class ids {@code [N]}; not modified
     */
    public Adapted adapt(NDArray probabilities, NDArray labels) {
      final Rows rows = Rows.withIds(probabilities, labels, LossOptions.mean());
      final int classes = Math.toIntExact(probabilities.getShape().get(1));
      final double[] p = doubles(rows.scores());
      final long[] ids = rows.ids().orElseThrow().toLongArray();
      final Zone[] zones = new Zone[ids.length];
      final double[] weights = new double[ids.length];
      for (int i = 0; i < ids.length; i++) {
        final double[] own = Arrays.copyOfRange(p, i * classes, (i + 1) * classes);
        zones[i] = zone(Arrays.stream(own).max().orElseThrow());
        weights[i] = zones[i] == Zone.CONTEXT || zones[i] == Zone.HARD_POSITIVE ? 1 : 0;
        if (zones[i] == Zone.CONTEXT) {
          Arrays.fill(p, i * classes, (i + 1) * classes, smoothing / classes);
          p[i * classes + Math.toIntExact(ids[i])] += 1 - smoothing;
        }
      }
      return new Adapted(
          Like.values(p, probabilities.getShape(), probabilities),
          Like.values(weights, new Shape(ids.length), probabilities),
          List.of(zones));
    }
  }

  private interface Row {
    double[] of(double[] p, int[] kept);
  }

  private static NDArray rows(NDArray probabilities, int k, Row row) {
    final Samples samples = Samples.of("probabilities", probabilities, LossOptions.mean());
    final Shape shape = probabilities.getShape();
    final int classes = Math.toIntExact(shape.get(shape.dimension() - 1));
    if (k < 1 || k > classes) {
      throw new IllegalArgumentException("k is " + k + "; expected 1 to " + classes);
    }
    final double[] all = doubles(probabilities);
    for (int i = 0; i < samples.rows(); i++) {
      final double[] p = Arrays.copyOfRange(all, i * classes, (i + 1) * classes);
      final int[] kept =
          IntStream.range(0, classes)
              .boxed()
              .sorted(Comparator.comparingDouble((Integer c) -> -p[c]))
              .limit(k)
              .mapToInt(Integer::intValue)
              .toArray();
      System.arraycopy(row.of(p, kept), 0, all, i * classes, classes);
    }
    return Like.values(all, shape, probabilities);
  }

  private static double[] fill(int classes, double rest, int[] kept, IntToDoubleFunction value) {
    final double[] row = new double[classes];
    Arrays.fill(row, rest);
    for (final int c : kept) {
      row[c] = value.applyAsDouble(c);
    }
    return row;
  }

  private static double[] doubles(NDArray array) {
    return array.stopGradient().toType(DataType.FLOAT64, false).toDoubleArray();
  }
}
