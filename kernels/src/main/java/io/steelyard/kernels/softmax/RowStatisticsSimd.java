package io.steelyard.kernels.softmax;

import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileSimd;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.Lanes;

/**
 * Finds the sum of exponentials of each row by one of the {@link SoftmaxAlgorithm}s and leaves what
 * is done with it to subclasses.
 *
 * <p>After the statistics, {@link RowState#sum} is the sum relative to {@link RowState#reference}:
 * {@code sum * e^reference}, or {@code sum * 2^reference} where {@link RowState#extended}. A row
 * without entries has sum 0, a row with NaN or +inf has sum NaN.
 */
abstract class RowStatisticsSimd extends RowJob {

  private static final int EXTENDED = 0;
  private static final int MAX = 1;
  private static final int SUM = 2;
  private static final int ONLINE = 3;
  private static final int EMIT = 4;

  private SoftmaxAlgorithm algorithm = SoftmaxAlgorithm.TWO_PASS;

  /** Chooses how the next run finds its sums. */
  final void use(SoftmaxAlgorithm chosen) {
    algorithm = chosen;
  }

  final SoftmaxAlgorithm algorithm() {
    return algorithm;
  }

  /** Whether subclasses write one output for each input, in {@link #emit}. */
  abstract boolean emits();

  /**
   * Writes the outputs of entries {@code from} to {@code to}; those past {@link RowState#visible}
   * included.
   */
  abstract void emit(RowState row, RowWorkspace work, long from, long to);

  /**
   * Least reference that max-subtraction may use: above the maximum, it keeps sums from growing.
   */
  double lowestReference() {
    return Double.NEGATIVE_INFINITY;
  }

  /** Called once for each row when its statistics are known. */
  void finished(RowState row) {}

  /** What the pass that sums leaves in the output on the way. */
  enum Keeps {
    NOTHING,
    /** x, so that the output is in the cache when the sum is known. */
    SCORES,
    /** {@code e^(x - mu)}. */
    EXPONENTIALS
  }

  /** What the pass that sums leaves in the output. */
  Keeps keeps() {
    return switch (algorithm) {
      case THREE_PASS_RELOAD, ONLINE_RELOAD -> Keeps.EXPONENTIALS;
      case TWO_PASS, THREE_PASS_RECOMPUTE, ONLINE -> Keeps.NOTHING;
    };
  }

  @Override
  protected final int first() {
    return switch (algorithm) {
      case TWO_PASS -> EXTENDED;
      case THREE_PASS_RECOMPUTE, THREE_PASS_RELOAD -> MAX;
      case ONLINE, ONLINE_RELOAD -> ONLINE;
    };
  }

  @Override
  protected final boolean writes(int phase) {
    return phase == EMIT;
  }

  @Override
  protected final void chunk(
      int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    switch (phase) {
      case EXTENDED -> extendedSum(row, work, from, to, index);
      case MAX -> row.references[index] = max(row, work, from, to);
      case SUM ->
          row.sums[index] =
              keeps() == Keeps.EXPONENTIALS
                  ? storeExp(row, work, from, to)
                  : sumExp(row, work, from, to);
      case ONLINE -> onlineSum(row, work, from, to, index);
      default -> emit(row, work, from, to);
    }
  }

  @Override
  protected final int next(int phase, RowState row) {
    return switch (phase) {
      case EXTENDED -> combineExtended(row) ? settle(row) : MAX;
      case MAX -> {
        row.extended = false;
        row.sum = 0;
        row.reference = lowestReference();
        for (int i = 0; i < row.chunks; i++) {
          row.reference = Math.max(row.reference, row.references[i]);
        }
        yield row.chunks == 0 ? settle(row) : SUM;
      }
      case SUM -> {
        row.sum = 0;
        for (int i = 0; i < row.chunks; i++) {
          row.sum += row.sums[i];
        }
        yield settle(row);
      }
      case ONLINE -> {
        combineOnline(row);
        yield settle(row);
      }
      default -> DONE;
    };
  }

  private int settle(RowState row) {
    finished(row);
    return emits() ? EMIT : DONE;
  }

  private void extendedSum(RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader in = work.first();
    double sum = 0;
    double reference = Double.NEGATIVE_INFINITY;
    for (long at = from; at < to; at += piece(at, to)) {
      in.load(mask(), row.row, at, piece(at, to));
      final long pair = TwoPassSoftmaxSimd.sum(in.array(), in.offset(), in.width(), work.lanes());
      if (!TwoPassSoftmaxSimd.inRange(pair)) {
        row.references[index] = Double.NaN;
        return;
      }
      final double e = TwoPassSoftmaxSimd.exponent(pair);
      final double top = Math.max(reference, e);
      sum = power(sum, reference - top) + power(TwoPassSoftmaxSimd.mantissa(pair), e - top);
      reference = top;
    }
    row.sums[index] = sum;
    row.references[index] = reference;
  }

  /** Returns false where only max-subtraction gives the right answer. */
  private static boolean combineExtended(RowState row) {
    double top = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < row.chunks; i++) {
      top = Math.max(top, row.references[i]);
    }
    row.extended = true;
    row.reference = top;
    row.sum = 0;
    for (int i = 0; i < row.chunks; i++) {
      row.sum += power(row.sums[i], row.references[i] - top);
    }
    return row.chunks == 0 || TwoPassSoftmaxSimd.aboveFloor(top);
  }

  /** {@code value * 2^d}, d &lt;= 0. */
  private static double power(double value, double d) {
    return d < -1000 ? 0 : Math.scalb(value, (int) d);
  }

  private float max(RowState row, RowWorkspace work, long from, long to) {
    final TileReader in = work.first();
    float max = Float.NEGATIVE_INFINITY;
    for (long at = from; at < to; at += piece(at, to)) {
      in.load(mask(), row.row, at, piece(at, to));
      max = Math.max(max, TileSimd.max(in.array(), in.offset(), in.width()));
    }
    return max;
  }

  private double sumExp(RowState row, RowWorkspace work, long from, long to) {
    final TileReader in = work.first();
    final float mu = shift(row.reference);
    double sum = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      in.load(mask(), row.row, at, piece(at, to));
      sum += ThreePassSoftmaxSimd.sumExp(in.array(), in.offset(), in.width(), mu, work.lanes());
    }
    return sum;
  }

  private double storeExp(RowState row, RowWorkspace work, long from, long to) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    final float mu = shift(row.reference);
    double sum = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      in.load(mask(), row.row, at, n);
      out.open(row.row, at, n);
      sum +=
          ThreePassSoftmaxSimd.storeExp(
              in.array(), in.offset(), out.array(), out.offset(), in.width(), mu, work.lanes());
      out.close(n);
    }
    return sum;
  }

  private void onlineSum(RowState row, RowWorkspace work, long from, long to, int index) {
    final boolean stores = keeps() != Keeps.NOTHING;
    final TileReader in = work.first();
    final TileWriter out = work.out();
    // Every chunk starts from the same guess, so that most rows end with one reference for all.
    in.load(mask(), row.row, 0, (int) Math.min(row.visible, Lanes.BLOCK));
    float reference = TileSimd.max(in.array(), in.offset(), Lanes.BLOCK);
    double sum = 0;
    int tile = RowState.firstTile(from);
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      in.load(mask(), row.row, at, n);
      if (stores) {
        out.open(row.row, at, n);
      }
      float mu = reference;
      float s = exponentials(work, mu);
      if (!(mu > Float.NEGATIVE_INFINITY && s >= 0)) {
        mu = raised(mu, in);
        s = exponentials(work, mu);
      }
      if (stores) {
        out.close(n);
        row.tileReferences[tile++] = mu;
      }
      sum = rescaled(sum, reference, mu) + s;
      reference = mu;
    }
    row.sums[index] = sum;
    row.references[index] = reference;
  }

  /**
   * Sum and reference of a row that is one tile, loaded (and opened, if anything is kept).
   *
   * @return the sum
   */
  final double wholeRow(RowState row, RowWorkspace work) {
    final TileReader in = work.first();
    float mu = TileSimd.max(in.array(), in.offset(), Lanes.BLOCK);
    float sum = exponentials(work, mu);
    if (!(mu > Float.NEGATIVE_INFINITY && sum >= 0)) {
      mu = raised(mu, in);
      sum = exponentials(work, mu);
    }
    row.extended = false;
    row.reference = mu;
    row.sum = sum;
    return sum;
  }

  /** The larger of the reference so far and the maximum of a tile. */
  private static float raised(float reference, TileReader in) {
    return Math.max(reference, TileSimd.max(in.array(), in.offset(), in.width()));
  }

  /**
   * The sum of a tile's {@code e^(x - mu)}, by the loop that leaves in the output what it should.
   */
  private float exponentials(RowWorkspace work, float mu) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    return switch (keeps()) {
      case NOTHING ->
          ThreePassSoftmaxSimd.sumExp(in.array(), in.offset(), in.width(), shift(mu), work.lanes());
      case SCORES ->
          ThreePassSoftmaxSimd.copySumExp(
              in.array(),
              in.offset(),
              out.array(),
              out.offset(),
              in.width(),
              shift(mu),
              work.lanes());
      case EXPONENTIALS ->
          ThreePassSoftmaxSimd.storeExp(
              in.array(),
              in.offset(),
              out.array(),
              out.offset(),
              in.width(),
              shift(mu),
              work.lanes());
    };
  }

  private static void combineOnline(RowState row) {
    row.extended = false;
    row.reference = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < row.chunks; i++) {
      row.reference = Math.max(row.reference, row.references[i]);
    }
    row.sum = 0;
    for (int i = 0; i < row.chunks; i++) {
      row.sum += rescaled(row.sums[i], row.references[i], row.reference);
    }
  }

  /** {@code sum * e^(from - to)}, where a sum that is zero or NaN stays what it is. */
  private static double rescaled(double sum, double from, double to) {
    return sum > 0 && from < to ? sum * Math.exp(from - to) : sum;
  }

  /** What to subtract before exponentials: of a row without finite entries, nothing. */
  static float shift(double max) {
    return max == Double.NEGATIVE_INFINITY ? 0 : (float) max;
  }
}
