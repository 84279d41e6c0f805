package io.steelyard.kernels.loss;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileSimd;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;

/**
 * The losses of {@link Contrast} on float32 rows. One pass sums the exponentials of a row, with the
 * positives read as -inf, and leaves them in dx while the row stays in the caches; when the sum is
 * known they are scaled where they lie. So x is read once and dx travels to memory once. A tile's
 * reference starts at the maximum of the row's first block and is raised only where exponentials
 * grow too large.
 */
final class ContrastSimd extends LossRowsSimd {

  private static final int SUM = 0;
  private static final int EMIT = 1;

  /** Longest row, in floats, that stays in the second-level cache, dx beside x. */
  private static final long CACHED_ROW = 1L << 17;

  private static final ThreadLocal<ContrastSimd> OWN = ThreadLocal.withInitial(ContrastSimd::new);

  private boolean counts;
  private boolean stores;
  private boolean inPlace;

  private ContrastSimd() {}

  static void run(LossCall call, boolean counts) {
    final ContrastSimd job = OWN.get();
    job.use(call);
    job.counts = counts;
    job.inPlace = call.gradients() && call.inPlace();
    // Exponentials stored over the scores could not be tried again with another reference.
    job.stores = call.gradients() && !job.inPlace && call.x().rowLength() <= CACHED_ROW;
    final Tensor x = call.x();
    job.run(x, x, call.dxOrInput(), Mask.none(), call.threads());
  }

  @Override
  protected boolean writes(int phase) {
    return phase == EMIT;
  }

  @Override
  protected boolean compact(RowState row, RowWorkspace work, int n) {
    if (counts || !call().takesPart(row.row)) {
      return false;
    }
    final TileReader in = work.first();
    final TileWriter out = work.out();
    final float scale = (float) call().scale();
    load(row.row, in, 0, n);
    if (stores) {
      out.open(row.row, 0, n);
    }
    float mu = TileSimd.max(in.array(), in.offset(), Lanes.BLOCK);
    float sum = exponentials(work, mu, scale);
    if (!(mu > Float.NEGATIVE_INFINITY && sum >= 0)) {
      mu = Math.max(mu, TileSimd.max(in.array(), in.offset(), in.width()));
      sum = exponentials(work, mu, scale);
    }
    row.reference = mu;
    row.sum = sum;
    final double[] numbers = row.room(call().room());
    settle(row, numbers);
    if (!call().gradients()) {
      return true;
    }
    if (Double.isNaN(numbers[LossCall.VALUE])) {
      fill(work, row.row, 0, n, Float.NaN);
      return true;
    }
    if (stores) {
      TileSimd.scale(out.array(), out.offset(), in.width(), factor(row));
    } else {
      out.open(row.row, 0, n);
      ExponentialsSimd.scaled(
          in.array(),
          in.offset(),
          out.array(),
          out.offset(),
          in.width(),
          shift(mu),
          scale,
          factor(row));
    }
    out.close(n);
    call().writePositives(row.row, numbers, 0, n);
    return true;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    if (phase == SUM) {
      sum(row, work, from, to, index);
    } else {
      emit(row, work, from, to);
    }
  }

  @Override
  protected int next(int phase, RowState row) {
    if (phase == EMIT) {
      return DONE;
    }
    final double[] numbers = row.room(call().room());
    if (!call().takesPart(row.row)) {
      numbers[LossCall.COUNT] = 0;
      call().settleWithout(row.row);
      return call().gradients() ? EMIT : DONE;
    }
    row.reference = Double.NEGATIVE_INFINITY;
    row.sum = 0;
    numbers[LossCall.VALUE] = 0;
    numbers[LossCall.UNIFORM] = 0;
    for (int i = 0; i < row.chunks; i++) {
      row.reference = Math.max(row.reference, row.references[i]);
    }
    for (int i = 0; i < row.chunks; i++) {
      row.sum += rescaled(row.sums[i], row.references[i], row.reference);
      numbers[LossCall.VALUE] += counts ? row.extras[2 * i] : 0;
      numbers[LossCall.UNIFORM] += counts ? call().scale() * row.extras[2 * i + 1] : 0;
    }
    settle(row, numbers);
    return call().gradients() ? EMIT : DONE;
  }

  /** Hands over the log-sum-exp of a row whose sum is known. */
  private void settle(RowState row, double[] numbers) {
    numbers[LossCall.OTHERS] =
        row.sum == 0
            ? Double.NEGATIVE_INFINITY
            : Math.log(row.sum) + call().scale() * shift(row.reference);
    call().settle(row.row, numbers);
  }

  /** What turns exponentials into gradients. */
  private static float factor(RowState row) {
    final double factor = row.sum == 0 ? 0 : row.kept[LossCall.OTHERS] / row.sum;
    return (float) Math.clamp(factor, -Float.MAX_VALUE, Float.MAX_VALUE);
  }

  private void sum(RowState row, RowWorkspace work, long from, long to, int index) {
    row.sums[index] = 0;
    row.references[index] = Double.NEGATIVE_INFINITY;
    if (!call().takesPart(row.row)) {
      return;
    }
    final TileReader in = work.first();
    final TileWriter out = work.out();
    final float scale = (float) call().scale();
    // Every chunk starts from the same guess, so that most rows end with one reference for all.
    load(row.row, in, 0, (int) Math.min(row.visible, Lanes.BLOCK));
    float reference = TileSimd.max(in.array(), in.offset(), in.width());
    double sum = 0;
    double count = 0;
    double total = 0;
    int tile = RowState.firstTile(from);
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      load(row.row, in, at, n);
      if (stores) {
        out.open(row.row, at, n);
      }
      float mu = reference;
      float s = exponentials(work, mu, scale);
      if (!(mu > Float.NEGATIVE_INFINITY && s >= 0)) {
        mu = Math.max(mu, TileSimd.max(in.array(), in.offset(), in.width()));
        s = exponentials(work, mu, scale);
      }
      if (counts) {
        count += ExponentialsSimd.count(in.array(), in.offset(), in.width(), work.lanes());
        total += ExponentialsSimd.total(in.array(), in.offset(), in.width(), work.lanes());
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
    row.extras[2 * index] = count;
    row.extras[2 * index + 1] = total;
  }

  private float exponentials(RowWorkspace work, float mu, float scale) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    return stores
        ? ExponentialsSimd.store(
            in.array(),
            in.offset(),
            out.array(),
            out.offset(),
            in.width(),
            shift(mu),
            scale,
            work.lanes())
        : ExponentialsSimd.sum(in.array(), in.offset(), in.width(), shift(mu), scale, work.lanes());
  }

  private void emit(RowState row, RowWorkspace work, long from, long to) {
    final double[] numbers = row.kept;
    if (numbers[LossCall.COUNT] == 0) {
      fill(work, row.row, from, to, 0);
      return;
    }
    if (Double.isNaN(numbers[LossCall.VALUE])) {
      fill(work, row.row, from, to, Float.NaN);
      return;
    }
    final float factor = factor(row);
    final float scale = (float) call().scale();
    final TileReader in = work.first();
    final TileWriter out = work.out();
    int tile = RowState.firstTile(from);
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      // One reference for the whole row, so that a larger score never gets a smaller weight.
      final boolean stored = stores && row.tileReferences[tile++] == (float) row.reference;
      if (!stored || counts) {
        load(row.row, in, at, n);
      }
      if (counts && inPlace) {
        in.isolate();
      }
      if (stored) {
        out.reopen(row.row, at, n);
        TileSimd.scale(out.array(), out.offset(), wholeBlocks(n), factor);
      } else {
        out.open(row.row, at, n);
        ExponentialsSimd.scaled(
            in.array(),
            in.offset(),
            out.array(),
            out.offset(),
            in.width(),
            shift(row.reference),
            scale,
            factor);
      }
      if (counts) {
        ExponentialsSimd.addWhereFinite(
            in.array(),
            in.offset(),
            out.array(),
            out.offset(),
            in.width(),
            (float) numbers[LossCall.UNIFORM]);
      }
      out.close(n);
    }
    call().writePositives(row.row, numbers, from, to);
  }

  /** {@code sum * e^(scale (from - to))}, where a sum that is zero or NaN stays what it is. */
  private double rescaled(double sum, double from, double to) {
    return sum > 0 && from < to ? sum * Math.exp(call().scale() * (from - to)) : sum;
  }

  /** What to subtract before exponentials: of a row without finite entries, nothing. */
  private static float shift(double max) {
    return max == Double.NEGATIVE_INFINITY ? 0 : (float) max;
  }
}
