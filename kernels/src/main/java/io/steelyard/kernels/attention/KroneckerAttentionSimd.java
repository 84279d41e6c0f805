package io.steelyard.kernels.attention;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Attention to pairs of keys in float32. For one query, {@code K1 diag(q)} attends to the keys of
 * the second kind like any queries to any keys, and the tile products of attention serve: keys of
 * the first kind run across lanes. What is different comes after: lanes are not outputs of their
 * own but are added up, each with its value of the first kind and relative to one reference.
 *
 * <p>A part of the work is one query. Keys and values of the first kind are turned across lanes
 * once for all queries.
 */
final class KroneckerAttentionSimd implements Job {

  private static final int W = TileProductsSimd.W;
  private static final int KEYS = FusedAttention.KEYS;
  private static final double LOG2E = 1.4426950408889634;
  private static final double LN2 = 0.6931471805599453;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);
  private static final ThreadLocal<KroneckerAttentionSimd> OWN =
      ThreadLocal.withInitial(KroneckerAttentionSimd::new);

  private final RowMask firstMask = new RowMask();
  private final RowMask secondMask = new RowMask();
  private KroneckerShapes shapes = new KroneckerShapes(0, 0, 0, 0, 0, 0, 0);
  private KroneckerShapes viewed = shapes;
  private Tensor firstView = NOTHING;
  private Tensor secondView = NOTHING;
  private Tensor q = NOTHING;
  private Tensor k1 = NOTHING;
  private Tensor k2 = NOTHING;
  private Tensor v1 = NOTHING;
  private Tensor v2 = NOTHING;
  private Tensor o = NOTHING;
  private Tensor logSums = NOTHING;
  private float factor;
  private int tiles;
  private boolean turning;

  /** {@code K1^T} and {@code V1^T} of each tile of each head. */
  private float[] keysAcross = new float[0];

  private float[] valuesAcross = new float[0];

  private KroneckerAttentionSimd() {}

  static void apply(
      Tensor q,
      Tensor k1,
      Tensor k2,
      Tensor v1,
      Tensor v2,
      Tensor o,
      Tensor logSums,
      KroneckerShapes shapes,
      KroneckerOptions options) {
    final KroneckerAttentionSimd job = OWN.get();
    job.q = q;
    job.k1 = k1;
    job.k2 = k2;
    job.v1 = v1;
    job.v2 = v2;
    job.o = o;
    job.logSums = logSums;
    try {
      job.run(shapes, options);
    } finally {
      job.q = NOTHING;
      job.k1 = NOTHING;
      job.k2 = NOTHING;
      job.v1 = NOTHING;
      job.v2 = NOTHING;
      job.o = NOTHING;
      job.logSums = NOTHING;
    }
  }

  private void run(KroneckerShapes extents, KroneckerOptions options) {
    shapes = extents;
    if (!viewed.equals(extents)) {
      viewed = extents;
      firstView = extents.view(extents.first());
      secondView = extents.view(extents.second());
    }
    firstMask.bind(options.first(), firstView);
    secondMask.bind(options.second(), secondView);
    factor = (float) (extents.scale(options.scale()) * LOG2E);
    final int heads = extents.batch() * extents.heads();
    tiles = (extents.first() + W - 1) / W;
    keysAcross = LandmarkPanels.room(keysAcross, (long) heads * tiles * extents.depth() * W);
    valuesAcross = LandmarkPanels.room(valuesAcross, (long) heads * tiles * extents.width() * W);
    final Workers workers = Workers.shared();
    turning = true;
    workers.run(this, heads * tiles, options.threads());
    turning = false;
    workers.run(this, heads * extents.queries(), options.threads());
  }

  @Override
  public void run(int part) {
    final KroneckerPanels panels = KroneckerPanels.own();
    panels.bind(k2, v2, shapes);
    if (turning) {
      turn(panels.work, part);
    } else {
      attend(panels, part);
    }
  }

  private void turn(AttentionWorkspace work, int part) {
    final int from = part % tiles * W;
    final long row = (long) (part / tiles) * shapes.first() + from;
    final int lanes = Math.min(W, shapes.first() - from);
    final int depth = shapes.depth();
    final int width = shapes.width();
    work.transpose(k1, row, lanes, depth, 1, keysAcross, part * depth * W);
    work.transpose(v1, row, lanes, width, 1, valuesAcross, part * width * W);
  }

  private void attend(KroneckerPanels panels, int row) {
    final int depth = shapes.depth();
    final int width = shapes.width();
    final int head = row / shapes.queries();
    final AttentionWorkspace work = panels.work;
    panels.view(k2, v2, shapes, secondMask, row, head);
    work.copy(q, row, depth, panels.query, 0);
    Arrays.fill(panels.sums, 0, width, 0);
    float reference = Float.NEGATIVE_INFINITY;
    float total = 0;
    for (int t = 0; t < tiles; t++) {
      final int lanes = Math.min(W, shapes.first() - t * W);
      if (!panels.hide(firstMask, row, t * W, lanes)) {
        continue;
      }
      tile(panels, head * tiles + t);
      final float top = top(panels, reference);
      if (top > reference) {
        final float down =
            reference == Float.NEGATIVE_INFINITY ? 0 : (float) Math.pow(2, reference - top);
        // Nothing has been added up before the first reference but what is NaN.
        for (int c = 0; c < width; c++) {
          panels.sums[c] *= down;
        }
        total *= down;
        reference = top;
      }
      total += add(panels, head * tiles + t, reference);
    }
    if (logSums.size() > 0) {
      logSums.setDouble(logSums.flatIndex(row), reference * LN2 + Math.log(total));
    }
    final float norm = total == 0 ? 0 : 1 / total;
    for (int c = 0; c < width; c++) {
      work.line[c] = norm == 0 ? 0 : panels.sums[c] * norm;
    }
    work.storeRow(o, row, width);
  }

  /** Attention of a tile of keys of the first kind, times the query, to those of the second. */
  private void tile(KroneckerPanels panels, int tile) {
    final AttentionWorkspace work = panels.work;
    final int depth = shapes.depth();
    final int width = shapes.width();
    KroneckerTileSimd.scaleRows(
        keysAcross, tile * depth * W, panels.query, factor, depth, work.queries);
    Arrays.fill(work.references, 0, W, Float.NEGATIVE_INFINITY);
    Arrays.fill(work.totals, 0, W, 0);
    Arrays.fill(work.sums, 0, width * W, 0);
    for (int from = 0; from < panels.seen; from += KEYS) {
      final int keys = panels.load(from);
      TileProductsSimd.scores(
          work.queries, 0, depth, work.keys, work.keyOffset, work.keyStride, keys, work.tile);
      SoftmaxAttentionSimd.exponentiate(work, 0, keys);
      TileProductsSimd.accumulate(
          work.tile, keys, work.values, work.valueOffset, work.valueStride, width, work.sums, 0);
    }
  }

  private static float top(KroneckerPanels panels, float reference) {
    float top = reference;
    for (int lane = 0; lane < W; lane++) {
      if (!panels.hidden[lane]) {
        top = Math.max(top, panels.work.references[lane]);
      }
    }
    return top;
  }

  /**
   * Adds the lanes of a tile to what the query has added up.
   *
   * @return the sum of their weights
   */
  private float add(KroneckerPanels panels, int tile, float reference) {
    final AttentionWorkspace work = panels.work;
    final int width = shapes.width();
    final float[] weights = work.lanes;
    final float base = reference == Float.NEGATIVE_INFINITY ? 0 : reference;
    boolean all = true;
    for (int lane = 0; lane < W; lane++) {
      weights[lane] = work.references[lane] - base;
      all &= !panels.hidden[lane];
    }
    TileWeightsSimd.exponentials(weights, 1);
    float total = 0;
    for (int lane = 0; lane < W; lane++) {
      if (!panels.hidden[lane]) {
        total += weights[lane] * work.totals[lane];
      }
    }
    if (all) {
      KroneckerTileSimd.contract(
          weights, valuesAcross, tile * width * W, work.sums, width, panels.sums, work.vector);
      return total;
    }
    for (int c = 0; c < width; c++) {
      final int at = (tile * width + c) * W;
      float sum = 0;
      for (int lane = 0; lane < W; lane++) {
        if (!panels.hidden[lane]) {
          sum += weights[lane] * valuesAcross[at + lane] * work.sums[c * W + lane];
        }
      }
      panels.sums[c] += sum;
    }
    return total;
  }
}
