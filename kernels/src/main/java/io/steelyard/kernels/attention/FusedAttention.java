package io.steelyard.kernels.attention;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Attention in float32 without the matrix of scores: block by block of keys, scores of a tile of
 * queries become weights and are added up with the values at once. What the weights are is left to
 * subclasses.
 *
 * <p>Up to {@link #FEW} queries (decoding a token against a cache of keys) wait for memory, not for
 * arithmetic: then a part of the work is a span of {@link #SPAN} keys of one key head for all its
 * queries, and what the spans add up to is combined in the end.
 *
 * <p>Otherwise a part of the work is up to {@link #TILES} tiles of queries of one head, so that a
 * block of keys and values is used several times while it is in the caches. Parts share nothing, so
 * results do not depend on the number of threads. A job object is used by one caller at a time and
 * may be kept for the next call.
 */
abstract class FusedAttention implements Job {

  /** Keys of a block: a tile then takes 16 KiB with 512-bit vectors. */
  static final int KEYS = 128;

  /** Queries of a tile. */
  static final int W = TileProductsSimd.W;

  private static final int TILES = 4;

  /** Most queries of a head that are taken one by one. */
  private static final int FEW = W / 8;

  /** Keys of a part where queries are few. */
  private static final int SPAN = 8 * KEYS;

  /** Most numbers of tiles that are kept between two passes: they should fit the second cache. */
  private static final int KEPT = 1 << 17;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);

  private final AttentionScores scores;
  private Heads heads = new Heads(0, 1, 1, 0, 0, 0, 0);
  private Tensor q = NOTHING;
  private Tensor k = NOTHING;
  private Tensor v = NOTHING;
  private Tensor o = NOTHING;
  private final Spans spans = new Spans();
  private int tiles;
  private boolean few;
  private boolean looking;

  /** What {@link #look} has made of the scores of few queries: all of it, a row for each. */
  private float[] kept = new float[0];

  private int partsPerHead;

  /** Attention whose scores are dot products. */
  FusedAttention() {
    this(Similarity.DOT_PRODUCT);
  }

  FusedAttention(Similarity similarity) {
    scores = new AttentionScores(similarity);
  }

  /**
   * Turns a tile of scores, times log2 e, into weights, in place, and keeps what it needs to know
   * of them in the tile's statistics. Hidden scores are -inf.
   *
   * @param keys rows of the tile
   */
  abstract void weigh(AttentionWorkspace work, int tile, int keys);

  /**
   * As {@link #weigh} for {@code rows} times W scores of one query, with the statistics and sums of
   * one span.
   */
  abstract void weighRow(AttentionWorkspace work, Spans spans, int span, int rows);

  /**
   * What the sum of weighted values of a query is multiplied by in the end; NaN for a NaN row.
   * Called once for each query.
   */
  abstract float factor(float reference, float total, long row);

  /** Sets the statistics of a tile at its start. */
  abstract void begin(AttentionWorkspace work, int tile);

  /**
   * Whether a weight depends on all scores of its query in a way that cannot be mended afterwards.
   * Then all keys are gone through twice: every tile of scores is first given to {@link #look}, and
   * {@link #weigh} gets what {@link #look} has made of it, after {@link #settle}.
   */
  boolean looksFirst() {
    return false;
  }

  /**
   * Changes a tile of scores in place and keeps what it needs to know of it.
   *
   * @param again whether the tile has been looked at before, was not kept, and is to be changed in
   *     the same way once more
   */
  void look(AttentionWorkspace work, int tile, int keys, boolean again) {
    throw new UnsupportedOperationException();
  }

  /** As {@link #look} for {@code rows} times W scores of one query. */
  void lookRow(AttentionWorkspace work, Spans spans, int span, int rows) {
    throw new UnsupportedOperationException();
  }

  /** Called when all keys of a tile have been looked at. */
  void settle(AttentionWorkspace work, int tile, long row, int lanes) {
    throw new UnsupportedOperationException();
  }

  /** As {@link #settle} for the spans of all queries. */
  void settle(Spans spans, int rows) {
    throw new UnsupportedOperationException();
  }

  /** The scores of the call. */
  final AttentionScores scores() {
    return scores;
  }

  /** Runs the job. */
  final void run(
      Tensor queries,
      Tensor keys,
      Tensor values,
      Tensor out,
      Heads extents,
      AttentionOptions options) {
    if (out.size() == 0) {
      return;
    }
    heads = extents;
    q = queries;
    k = keys;
    v = values;
    o = out;
    scores.bind(extents, options);
    try {
      final Workers workers = Workers.shared();
      final int threads = workers.threads(options.threads());
      few = extents.queries() <= FEW;
      if (few) {
        partsPerHead = (extents.keys() + SPAN - 1) / SPAN;
        spans.bind(extents, partsPerHead);
        final int parts = extents.batch() * extents.keyHeads() * partsPerHead;
        if (looksFirst()) {
          final int rows = extents.batch() * extents.heads() * extents.queries();
          final int numbers = Math.multiplyExact(rows, extents.keys());
          kept = kept.length < numbers ? new float[numbers] : kept;
          looking = true;
          workers.run(this, parts, threads);
          looking = false;
          settle(spans, rows);
        }
        workers.run(this, parts, threads);
        combine();
        return;
      }
      final int headCount = extents.batch() * extents.heads();
      final int tilesPerHead = (extents.queries() + W - 1) / W;
      tiles = TILES;
      while (tiles > 1 && headCount * ((tilesPerHead + tiles - 1) / tiles) < 4 * threads) {
        tiles /= 2;
      }
      partsPerHead = (tilesPerHead + tiles - 1) / tiles;
      workers.run(this, headCount * partsPerHead, threads);
    } finally {
      q = NOTHING;
      k = NOTHING;
      v = NOTHING;
      o = NOTHING;
      scores.release();
    }
  }

  @Override
  public final void run(int part) {
    final AttentionWorkspace work = AttentionWorkspace.own();
    if (few) {
      work.bind(k, v, heads, heads.queries() * heads.heads() / heads.keyHeads());
      span(work, part / partsPerHead, part % partsPerHead);
      return;
    }
    work.bind(k, v, heads, tiles);
    final int head = part / partsPerHead;
    // The last tiles of a causal head see the most keys: they come first.
    final int first = (partsPerHead - 1 - part % partsPerHead) * tiles * W;
    final long row = (long) head * heads.queries() + first;
    final int queries = Math.min(tiles * W, heads.queries() - first);
    final int count = (queries + W - 1) / W;
    int end = 0;
    for (int t = 0; t < count; t++) {
      final int n = Math.min(W, queries - t * W);
      load(work, t, row + (long) t * W, n);
      end = Math.max(end, work.last[t]);
      begin(work, t);
    }
    final long keyRow = heads.keyRow(row);
    final int keep = looksFirst() ? look(work, row, queries, end) : 0;
    for (int from = 0; from < end; from += KEYS) {
      final int keys = Math.min(KEYS, end - from);
      if (from >= keep) {
        scores.loadKeys(work, keyRow + from, keys);
      }
      scores.loadValues(work, keyRow + from, keys);
      for (int t = 0; t < count; t++) {
        final int n = Math.min(keys, work.last[t] - from);
        if (n > 0) {
          block(work, t, row + (long) t * W, Math.min(W, queries - t * W), from, n, keep);
        }
      }
    }
    for (int t = 0; t < count; t++) {
      store(work, t, row + (long) t * W, Math.min(W, queries - t * W));
    }
  }

  /**
   * The first of two passes over the keys.
   *
   * @return how many leading keys have had their tiles kept
   */
  private int look(AttentionWorkspace work, long row, int queries, int end) {
    final int count = (queries + W - 1) / W;
    final int keep = Math.min((end + KEYS - 1) / KEYS, KEPT / (count * KEYS * W)) * KEYS;
    work.keep(count * keep * W);
    final long keyRow = heads.keyRow(row);
    for (int from = 0; from < end; from += KEYS) {
      final int keys = Math.min(KEYS, end - from);
      scores.loadKeys(work, keyRow + from, keys);
      for (int t = 0; t < count; t++) {
        final int n = Math.min(keys, work.last[t] - from);
        if (n > 0) {
          final long first = row + (long) t * W;
          final boolean asks = asks(work, t, first, Math.min(W, queries - t * W), from, n);
          fill(work, t, first, asks, from, n);
          look(work, t, n, false);
          if (from < keep) {
            System.arraycopy(work.tile, 0, work.kept, (t * keep + from) * W, n * W);
          }
        }
      }
    }
    for (int t = 0; t < count; t++) {
      settle(work, t, row + (long) t * W, Math.min(W, queries - t * W));
    }
    return keep;
  }

  /** All queries of one key head over a span of keys. */
  private void span(AttentionWorkspace work, int keyHead, int number) {
    final int depth = heads.depth();
    final int count = heads.queries() * (heads.heads() / heads.keyHeads());
    final long row = (long) keyHead * count;
    for (int i = 0; i < count; i++) {
      work.copy(q, row + i, depth, work.line, 0);
      scores.scaleQuery(work.line, 0, row + i, true);
      System.arraycopy(work.line, 0, work.queries, i * depth, depth);
    }
    final int end = Math.min(heads.keys(), (number + 1) * SPAN);
    for (int from = number * SPAN; from < end; from += KEYS) {
      final int keys = Math.min(KEYS, end - from);
      final long keyRow = (long) keyHead * heads.keys() + from;
      if (looking || !looksFirst()) {
        scores.loadKeys(work, keyRow, keys);
      }
      if (!looking) {
        work.loadValues(keyRow, keys);
      }
      for (int i = 0; i < count; i++) {
        final int visible = Math.min(keys, scores.visible(row + i) - from);
        if (visible > 0) {
          System.arraycopy(work.queries, i * depth, work.line, 0, depth);
          rowBlock(work, row + i, keyRow, number, from, visible);
        }
      }
    }
  }

  private void rowBlock(
      AttentionWorkspace work, long row, long keyRow, int number, int from, int keys) {
    final float[] line = work.tile;
    final int keptAt = (int) row * heads.keys() + from;
    final boolean settled = looksFirst() && !looking;
    if (!settled) {
      scores.fillRow(line, work.line, work, row, from, keys);
    }
    final boolean asks = scores.hides(heads.keys(), from, keys);
    if (asks) {
      scores.hideRow(work.hidden, row, from, keys);
      work.hidden.applyRow(line, keys);
    }
    final boolean hides = asks && work.hidden.any();
    final int rows = (keys + W - 1) / W;
    Arrays.fill(line, keys, rows * W, settled ? 0 : Float.NEGATIVE_INFINITY);
    final int span = spans.index(row, number);
    if (looking) {
      lookRow(work, spans, span, rows);
      System.arraycopy(line, 0, kept, keptAt, keys);
      return;
    }
    if (settled) {
      System.arraycopy(kept, keptAt, line, 0, keys);
    }
    weighRow(work, spans, span, rows);
    scores.temperRow(work, hides, keyRow, keys);
    if (hides && !work.finiteValues()) {
      for (int j = 0; j < keys; j++) {
        for (int c = 0; !work.hidden.hides(j, 0) && c < heads.width(); c++) {
          spans.sums[span * heads.width() + c] +=
              line[j] * work.values[work.valueOffset + j * work.valueStride + c];
        }
      }
    } else {
      RowProductsSimd.accumulate(
          line,
          keys,
          work.values,
          work.valueOffset,
          work.valueStride,
          heads.width(),
          spans.sums,
          span * heads.width());
    }
  }

  /** Adds up the spans of each query, in order, relative to the largest of their references. */
  private void combine() {
    final AttentionWorkspace work = AttentionWorkspace.own();
    work.bind(k, v, heads, 1);
    final int rows = heads.batch() * heads.heads() * heads.queries();
    for (int row = 0; row < rows; row++) {
      final float reference = spans.reference(row);
      final float factor = factor(reference, spans.combine(row, reference, work.line), row);
      for (int c = 0; c < heads.width(); c++) {
        work.line[c] = factor == 0 ? 0 : work.line[c] * factor;
      }
      work.storeRow(o, row, heads.width());
    }
  }

  /** Fills the tile with scores, of which some may be hidden. */
  private void fill(AttentionWorkspace work, int t, long row, boolean asks, int from, int keys) {
    scores.fill(work.tile, work.queries, t * heads.depth() * W, work, row, from, keys);
    if (asks) {
      work.hidden.apply(work.tile, keys);
    }
  }

  /** Finds out what is hidden in a tile, if anything may be. */
  private boolean asks(AttentionWorkspace work, int t, long row, int lanes, int from, int keys) {
    final boolean asks = scores.hides(work.first[t], from, keys);
    if (asks) {
      scores.hide(work.hidden, row, lanes, work.first[t], from, keys);
    }
    return asks;
  }

  private void block(
      AttentionWorkspace work, int t, long row, int lanes, int from, int keys, int keep) {
    final float[] tile = work.tile;
    final boolean asks = asks(work, t, row, lanes, from, keys);
    if (asks && work.hidden.all(lanes, keys) && !looksFirst()) {
      return;
    }
    if (from < keep) {
      System.arraycopy(work.kept, (t * keep + from) * W, tile, 0, keys * W);
    } else {
      fill(work, t, row, asks, from, keys);
      if (looksFirst()) {
        look(work, t, keys, true);
      }
    }
    weigh(work, t, keys);
    // A weight of 0 does not silence a NaN, so hidden values that are not finite are left out.
    if (asks && work.hidden.any() && !work.finiteValues()) {
      accumulateSeen(work, t, keys);
    } else {
      TileProductsSimd.accumulate(
          tile,
          keys,
          work.values,
          work.valueOffset,
          work.valueStride,
          heads.width(),
          work.sums,
          t * heads.width() * W);
    }
  }

  private void accumulateSeen(AttentionWorkspace work, int t, int keys) {
    final float[] sums = work.sums;
    for (int c = 0; c < heads.width(); c++) {
      final int at = (t * heads.width() + c) * W;
      for (int j = 0; j < keys; j++) {
        final float value = work.values[work.valueOffset + j * work.valueStride + c];
        for (int lane = 0; lane < W; lane++) {
          if (!work.hidden.hides(j, lane)) {
            sums[at + lane] = Math.fma(work.tile[j * W + lane], value, sums[at + lane]);
          }
        }
      }
    }
  }

  /** Transposes and scales queries; unused lanes are 0. Finds out which keys they see. */
  private void load(AttentionWorkspace work, int t, long row, int lanes) {
    final int depth = heads.depth();
    for (int lane = 0; lane < lanes; lane++) {
      work.copy(q, row + lane, depth, work.rows, lane * depth);
      scores.scaleQuery(work.rows, lane * depth, row + lane, true);
    }
    work.spread(lanes, depth, work.queries, t * depth * W);
    int least = Integer.MAX_VALUE;
    int most = 0;
    for (int lane = 0; lane < lanes; lane++) {
      final int visible = scores.visible(row + lane);
      least = Math.min(least, visible);
      most = Math.max(most, visible);
    }
    work.first[t] = least;
    work.last[t] = most;
    Arrays.fill(work.sums, t * heads.width() * W, (t + 1) * heads.width() * W, 0);
  }

  private void store(AttentionWorkspace work, int t, long row, int lanes) {
    final int width = heads.width();
    work.collect(work.sums, t * width * W, width);
    for (int lane = 0; lane < lanes; lane++) {
      final float factor =
          factor(work.references[t * W + lane], work.totals[t * W + lane], row + lane);
      final float[] line = work.line;
      for (int c = 0; c < width; c++) {
        line[c] = factor == 0 ? 0 : work.rows[lane * width + c] * factor;
      }
      work.storeRow(o, row + lane, width);
    }
  }
}
