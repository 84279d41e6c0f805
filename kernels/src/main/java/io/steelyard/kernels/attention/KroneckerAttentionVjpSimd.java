package io.steelyard.kernels.attention;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Gradients of attention to pairs in float32. As in {@link KroneckerAttentionSimd}, keys of the
 * first kind run across lanes; weights are computed again from the log-sum-exp of each query.
 *
 * <p>Keys and values get sums over queries, so a part of the work is a group of queries of one head
 * with sums of its own; how many groups there are depends on the shapes alone, and they are added
 * up in order: results do not depend on the number of threads.
 */
final class KroneckerAttentionVjpSimd implements Job {

  /** Most groups of queries of a head: each has sums of the size of all keys and values. */
  private static final int GROUPS = 8;

  private static final int W = TileProductsSimd.W;
  private static final int KEYS = FusedAttention.KEYS;
  private static final double LOG2E = 1.4426950408889634;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);
  private static final ThreadLocal<KroneckerAttentionVjpSimd> OWN =
      ThreadLocal.withInitial(KroneckerAttentionVjpSimd::new);

  private enum Phase {
    TURN,
    ATTEND,
    ADD_UP
  }

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
  private Tensor cotangent = NOTHING;
  private Tensor dq = NOTHING;
  private Tensor dk1 = NOTHING;
  private Tensor dk2 = NOTHING;
  private Tensor dv1 = NOTHING;
  private Tensor dv2 = NOTHING;
  private double scale;
  private int tiles;
  private int groups;
  private Phase phase = Phase.TURN;

  /** {@code K1^T} and {@code V1^T} of each tile of each head. */
  private float[] keysAcross = new float[0];

  private float[] valuesAcross = new float[0];

  /** What each part has added up, as in {@link Panels}. */
  private float[] firstKeys = new float[0];

  private float[] firstValues = new float[0];
  private float[] secondKeys = new float[0];
  private float[] secondValues = new float[0];

  private KroneckerAttentionVjpSimd() {}

  static void apply(
      Tensor q,
      Tensor k1,
      Tensor k2,
      Tensor v1,
      Tensor v2,
      Tensor o,
      Tensor logSums,
      Tensor cotangent,
      Tensor dq,
      Tensor dk1,
      Tensor dk2,
      Tensor dv1,
      Tensor dv2,
      KroneckerShapes shapes,
      KroneckerOptions options) {
    final KroneckerAttentionVjpSimd job = OWN.get();
    job.q = q;
    job.k1 = k1;
    job.k2 = k2;
    job.v1 = v1;
    job.v2 = v2;
    job.o = o;
    job.logSums = logSums;
    job.cotangent = cotangent;
    job.dq = dq;
    job.dk1 = dk1;
    job.dk2 = dk2;
    job.dv1 = dv1;
    job.dv2 = dv2;
    try {
      job.run(shapes, options);
    } finally {
      job.release();
    }
  }

  private void release() {
    q = NOTHING;
    k1 = NOTHING;
    k2 = NOTHING;
    v1 = NOTHING;
    v2 = NOTHING;
    o = NOTHING;
    logSums = NOTHING;
    cotangent = NOTHING;
    dq = NOTHING;
    dk1 = NOTHING;
    dk2 = NOTHING;
    dv1 = NOTHING;
    dv2 = NOTHING;
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
    scale = extents.scale(options.scale());
    final int heads = extents.batch() * extents.heads();
    final int depth = extents.depth();
    final int width = extents.width();
    tiles = (extents.first() + W - 1) / W;
    groups = Math.clamp(extents.queries(), 1, GROUPS);
    final long parts = (long) heads * groups;
    keysAcross = LandmarkPanels.room(keysAcross, (long) heads * tiles * depth * W);
    valuesAcross = LandmarkPanels.room(valuesAcross, (long) heads * tiles * width * W);
    firstKeys = LandmarkPanels.room(firstKeys, parts * tiles * depth * W);
    firstValues = LandmarkPanels.room(firstValues, parts * tiles * width * W);
    secondKeys = LandmarkPanels.room(secondKeys, parts * extents.second() * depth);
    secondValues = LandmarkPanels.room(secondValues, parts * extents.second() * width);
    final Workers workers = Workers.shared();
    phase = Phase.TURN;
    workers.run(this, heads * tiles, options.threads());
    phase = Phase.ATTEND;
    workers.run(this, heads * groups, options.threads());
    phase = Phase.ADD_UP;
    workers.run(this, heads, options.threads());
  }

  @Override
  public void run(int part) {
    final Panels panels = Panels.OWN.get();
    panels.bind(k2, v2, shapes);
    switch (phase) {
      case TURN -> turn(panels.pairs.work, part);
      case ATTEND -> attend(panels, part);
      case ADD_UP -> addUp(panels.pairs.work, part);
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

  private void attend(Panels panels, int part) {
    final int head = part / groups;
    final int group = part % groups;
    final int first = (int) ((long) shapes.queries() * group / groups);
    final int end = (int) ((long) shapes.queries() * (group + 1) / groups);
    panels.clear(part, tiles, firstKeys, firstValues, secondKeys, secondValues, shapes);
    for (int i = first; i < end; i++) {
      query(panels, part, head, head * shapes.queries() + i);
    }
  }

  private void query(Panels panels, int part, int head, int row) {
    final KroneckerPanels pairs = panels.pairs;
    final AttentionWorkspace work = pairs.work;
    final int depth = shapes.depth();
    final int width = shapes.width();
    pairs.view(k2, v2, shapes, secondMask, row, head);
    work.copy(q, row, depth, pairs.query, 0);
    work.copy(cotangent, row, width, panels.cotangent, 0);
    work.copy(o, row, width, work.line, 0);
    float delta = 0;
    for (int c = 0; c < width; c++) {
      delta += panels.cotangent[c] * work.line[c];
    }
    final double logSum = logSums.getDouble(logSums.flatIndex(row));
    Arrays.fill(
        panels.references, logSum == Double.NEGATIVE_INFINITY ? 0 : (float) (logSum * LOG2E));
    Arrays.fill(panels.deltas, delta);
    Arrays.fill(pairs.sums, 0, depth, 0);
    for (int t = 0; t < tiles; t++) {
      final int lanes = Math.min(W, shapes.first() - t * W);
      if (pairs.hide(firstMask, row, t * W, lanes)) {
        tile(panels, part, head * tiles + t, t);
      }
    }
    for (int c = 0; c < depth; c++) {
      work.line[c] = pairs.sums[c] * (float) scale;
    }
    work.storeRow(dq, row, depth);
  }

  private void tile(Panels panels, int part, int tile, int t) {
    final KroneckerPanels pairs = panels.pairs;
    final AttentionWorkspace work = pairs.work;
    final int depth = shapes.depth();
    final int width = shapes.width();
    panels.loadTile(keysAcross, tile * depth * W, pairs.query, depth, work.queries, panels.keyRows);
    panels.loadTile(
        valuesAcross, tile * width * W, panels.cotangent, width, panels.values, panels.valueRows);
    final float factor = (float) (scale * LOG2E);
    for (int i = 0; i < depth * W; i++) {
      work.queries[i] *= factor;
    }
    Arrays.fill(panels.keySums, 0, depth * W, 0);
    Arrays.fill(work.sums, 0, width * W, 0);
    for (int from = 0; from < pairs.seen; from += KEYS) {
      block(panels, part, pairs.load(from), from);
    }
    // Weights of lanes that are not seen are 0, but what they were multiplied by may be NaN.
    for (int lane = 0; lane < W; lane++) {
      if (pairs.hidden[lane]) {
        clearLane(panels.keySums, depth, lane);
        clearLane(work.sums, width, lane);
      }
    }
    final int keysAt = (part * tiles + t) * depth * W;
    KroneckerTileSimd.addScaledRows(panels.keySums, pairs.query, depth, firstKeys, keysAt);
    final int valuesAt = (part * tiles + t) * width * W;
    KroneckerTileSimd.addScaledRows(work.sums, panels.cotangent, width, firstValues, valuesAt);
    for (int c = 0; c < depth; c++) {
      float sum = 0;
      for (int lane = 0; lane < W; lane++) {
        if (!pairs.hidden[lane]) {
          sum += panels.keySums[c * W + lane] * keysAcross[(tile * depth + c) * W + lane];
        }
      }
      pairs.sums[c] += sum;
    }
  }

  private static void clearLane(float[] rows, int count, int lane) {
    for (int c = 0; c < count; c++) {
      rows[c * W + lane] = 0;
    }
  }

  private void block(Panels panels, int part, int keys, int from) {
    final AttentionWorkspace work = panels.pairs.work;
    final int depth = shapes.depth();
    final int width = shapes.width();
    TileProductsSimd.scores(
        work.queries, 0, depth, work.keys, work.keyOffset, work.keyStride, keys, work.tile);
    TileProductsSimd.scores(
        panels.values,
        0,
        width,
        work.values,
        work.valueOffset,
        work.valueStride,
        keys,
        panels.gradients);
    TileWeightsSimd.softmaxGradients(
        work.tile, panels.gradients, keys, panels.references, panels.deltas);
    hideLanes(panels, keys);
    TileProductsSimd.accumulate(
        panels.gradients,
        keys,
        work.keys,
        work.keyOffset,
        work.keyStride,
        depth,
        panels.keySums,
        0);
    TileProductsSimd.accumulate(
        work.tile, keys, work.values, work.valueOffset, work.valueStride, width, work.sums, 0);
    Arrays.fill(panels.blockKeys, 0, keys * panels.depth, 0);
    TileProductsSimd.outer(
        panels.gradients, keys, panels.keyRows, panels.depth, W, panels.blockKeys);
    Arrays.fill(panels.blockValues, 0, keys * panels.width, 0);
    TileProductsSimd.outer(work.tile, keys, panels.valueRows, panels.width, W, panels.blockValues);
    for (int j = 0; j < keys; j++) {
      final int key = part * shapes.second() + panels.pairs.index(from + j);
      add(panels.blockKeys, j * panels.depth, secondKeys, key * depth, depth);
      add(panels.blockValues, j * panels.width, secondValues, key * width, width);
    }
  }

  /** Weights and gradients of lanes that the query does not see become 0. */
  private static void hideLanes(Panels panels, int keys) {
    final boolean[] hidden = panels.pairs.hidden;
    for (int lane = 0; lane < W; lane++) {
      for (int j = 0; hidden[lane] && j < keys; j++) {
        panels.pairs.work.tile[j * W + lane] = 0;
        panels.gradients[j * W + lane] = 0;
      }
    }
  }

  private static void add(float[] from, int fromOffset, float[] to, int toOffset, int count) {
    for (int c = 0; c < count; c++) {
      to[toOffset + c] += from[fromOffset + c];
    }
  }

  private void addUp(AttentionWorkspace work, int head) {
    final int depth = shapes.depth();
    final int width = shapes.width();
    acrossLanes(work, head, firstKeys, depth, (float) scale, dk1);
    acrossLanes(work, head, firstValues, width, 1, dv1);
    inRows(work, head, secondKeys, depth, (float) scale, dk2);
    inRows(work, head, secondValues, width, 1, dv2);
  }

  private void acrossLanes(
      AttentionWorkspace work, int head, float[] sums, int extent, float factor, Tensor to) {
    for (int j = 0; j < shapes.first(); j++) {
      for (int c = 0; c < extent; c++) {
        float sum = 0;
        for (int group = 0; group < groups; group++) {
          final int tile = (head * groups + group) * tiles + j / W;
          sum += sums[(tile * extent + c) * W + j % W];
        }
        work.line[c] = sum * factor;
      }
      work.storeRow(to, (long) head * shapes.first() + j, extent);
    }
  }

  private void inRows(
      AttentionWorkspace work, int head, float[] sums, int extent, float factor, Tensor to) {
    for (int k = 0; k < shapes.second(); k++) {
      for (int c = 0; c < extent; c++) {
        float sum = 0;
        for (int group = 0; group < groups; group++) {
          sum += sums[((head * groups + group) * shapes.second() + k) * extent + c];
        }
        work.line[c] = sum * factor;
      }
      work.storeRow(to, (long) head * shapes.second() + k, extent);
    }
  }

  /** Panels of one thread. */
  private static final class Panels {

    private static final ThreadLocal<Panels> OWN = ThreadLocal.withInitial(Panels::new);

    private final KroneckerPanels pairs = KroneckerPanels.own();

    /** D and Dv rounded up to whole tiles of lanes: extents of rows in the panels of rows. */
    private int depth;

    private int width;

    /** {@code K1 diag(q)} and {@code V1 diag(dy)} of a tile, as rows. */
    private float[] keyRows = new float[0];

    private float[] valueRows = new float[0];

    /** {@code V1 diag(dy)} across lanes. */
    private float[] values = new float[0];

    private float[] cotangent = new float[0];

    /** {@code dP}, then {@code dS}. */
    private final float[] gradients = new float[KEYS * W];

    /** {@code dS K2}, transposed. */
    private float[] keySums = new float[0];

    /** What a block of keys and values of the second kind gets from a tile. */
    private float[] blockKeys = new float[0];

    private float[] blockValues = new float[0];
    private final float[] references = new float[W];
    private final float[] deltas = new float[W];

    void bind(Tensor k2, Tensor v2, KroneckerShapes shapes) {
      pairs.bind(k2, v2, shapes);
      pairs.sums = LandmarkPanels.room(pairs.sums, Math.max(shapes.depth(), shapes.width()));
      depth = (shapes.depth() + W - 1) / W * W;
      width = (shapes.width() + W - 1) / W * W;
      keyRows = LandmarkPanels.room(keyRows, (long) W * depth);
      valueRows = LandmarkPanels.room(valueRows, (long) W * width);
      values = LandmarkPanels.room(values, (long) shapes.width() * W);
      cotangent = LandmarkPanels.room(cotangent, shapes.width());
      keySums = LandmarkPanels.room(keySums, (long) shapes.depth() * W);
      blockKeys = LandmarkPanels.room(blockKeys, (long) KEYS * depth);
      blockValues = LandmarkPanels.room(blockValues, (long) KEYS * width);
    }

    /** Clears the sums of a part. */
    void clear(
        int part,
        int tiles,
        float[] firstKeys,
        float[] firstValues,
        float[] secondKeys,
        float[] secondValues,
        KroneckerShapes shapes) {
      final int keys = tiles * shapes.depth() * W;
      final int numbers = tiles * shapes.width() * W;
      Arrays.fill(firstKeys, part * keys, (part + 1) * keys, 0);
      Arrays.fill(firstValues, part * numbers, (part + 1) * numbers, 0);
      final int rows = shapes.second() * shapes.depth();
      final int others = shapes.second() * shapes.width();
      Arrays.fill(secondKeys, part * rows, (part + 1) * rows, 0);
      Arrays.fill(secondValues, part * others, (part + 1) * others, 0);
    }

    /**
     * Multiplies the columns of a tile by the numbers of a query, across lanes and as rows; lanes
     * that are not seen become 0.
     */
    void loadTile(
        float[] from, int offset, float[] numbers, int count, float[] across, float[] rows) {
      final int stride = (count + W - 1) / W * W;
      for (int c = 0; c < count; c++) {
        for (int lane = 0; lane < W; lane++) {
          final int at = c * W + lane;
          across[at] = pairs.hidden[lane] ? 0 : from[offset + at] * numbers[c];
          rows[lane * stride + c] = across[at];
        }
      }
      for (int lane = 0; lane < W; lane++) {
        Arrays.fill(rows, lane * stride + count, (lane + 1) * stride, 0);
      }
    }
  }
}
