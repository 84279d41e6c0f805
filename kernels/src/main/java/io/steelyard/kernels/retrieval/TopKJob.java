package io.steelyard.kernels.retrieval;

import io.steelyard.kernels.attention.RowProductsSimd;
import io.steelyard.kernels.attention.TileProductsSimd;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * The k best labels of each query in float32, without the matrix of scores: block by block of
 * labels, a tile of scores is computed, compared with a threshold for each query, and forgotten.
 * The threshold is the worst score that a query has kept so far; of L labels in random order about
 * {@code k (1 + ln(L / k))} exceed it.
 *
 * <p>Queries run across lanes, so labels are read as they lie. A part of the work is a group of
 * tiles of queries, large enough for a block of labels to be used for many of them, against all
 * labels; where there are too few queries for all threads, against a range of labels, and then what
 * the ranges have kept is merged. Up to {@link #FEW} queries wait for memory, not for arithmetic,
 * and are taken one by one.
 *
 * <p>A score is the same whichever part computes it, and of two entries one is always better
 * ({@link TopKHeap}), so results do not depend on how the work is cut. A job object is used by one
 * caller at a time and may be kept for the next call.
 */
final class TopKJob implements Job {

  private static final int W = TileProductsSimd.W;

  /** Labels of a block: a tile then takes 16 KiB with 512-bit vectors. */
  private static final int LABELS = 128;

  /** Numbers in a block of labels, so that it stays in the second-level cache. */
  private static final int BLOCK = 1 << 14;

  /** Tiles of queries of a part, so that memory is read slowly enough for many processors. */
  private static final int TILES = 2;

  /** Most queries that are taken one by one. */
  private static final int FEW = W / 8;

  /** Labels that are worth a range of their own, for each that is kept. */
  private static final int LABELS_FOR_EACH_KEPT = 16;

  /** Most entries, of all queries, in heaps of a range of labels: 32 MiB. */
  private static final int ENTRIES = 1 << 22;

  /** Most queries at a time. */
  private static final int QUERIES = 1 << 12;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0);
  private static final ThreadLocal<TopKJob> OWN = ThreadLocal.withInitial(TopKJob::new);
  private static final ThreadLocal<Panels> PANELS = ThreadLocal.withInitial(Panels::new);

  /** What one thread needs. */
  private static final class Panels {

    private final float[] tile = new float[LABELS * W];

    /** Room for the scores of one query. */
    private final float[] vectors = RowProductsSimd.room();

    /** A query, where they are few. */
    private float[] query = new float[0];

    /** A block of labels that do not lie in an array. */
    private float[] labels = new float[0];
  }

  private Tensor labels = NOTHING;
  private Tensor scores = NOTHING;
  private Tensor indices = NOTHING;
  private int k;
  private int depth;
  private long first;
  private int queries;
  private int groups;
  private int tilesPerGroup;
  private int ranges;
  private long labelsPerRange;
  private boolean searching;
  private boolean few;
  private float[] packed = new float[0];
  private float[] line = new float[0];
  private float[] thresholds = new float[0];
  private long[] heaps = new long[0];

  private TopKJob() {}

  static void apply(
      Tensor queries, Tensor labels, Tensor scores, Tensor indices, int k, int threads) {
    OWN.get().run(queries, labels, scores, indices, k, threads);
  }

  private void run(
      Tensor given, Tensor newLabels, Tensor newScores, Tensor newIndices, int newK, int most) {
    labels = newLabels;
    scores = newScores;
    indices = newIndices;
    k = newK;
    depth = Math.toIntExact(newLabels.dim(1));
    final Workers workers = Workers.shared();
    final int threads = workers.threads(most);
    final int fit = ENTRIES / k / W * W;
    final int batch = Math.min(QUERIES, Math.max(1, fit == 0 ? ENTRIES / k : fit));
    few = Math.min(batch, given.rows()) <= FEW;
    try {
      for (first = 0; first < given.rows(); first += batch) {
        queries = (int) Math.min(batch, given.rows() - first);
        cut(threads);
        pack(given);
        searching = true;
        workers.run(this, groups * ranges, threads);
        searching = false;
        workers.run(this, (queries + W - 1) / W, threads);
      }
    } finally {
      labels = NOTHING;
      scores = NOTHING;
      indices = NOTHING;
    }
  }

  /** Decides on the parts of the work. */
  private void cut(int threads) {
    final int tiles = (queries + W - 1) / W;
    tilesPerGroup = Math.max(TILES, tiles / (4 * threads));
    groups = (tiles + tilesPerGroup - 1) / tilesPerGroup;
    final long worthwhile = labels.dim(0) / ((long) LABELS_FOR_EACH_KEPT * k);
    ranges = 1;
    while ((few || groups * ranges % threads != 0)
        && groups * ranges < 4 * threads
        && ranges < worthwhile
        && (long) (ranges + 1) * queries * k <= Integer.MAX_VALUE / 2) {
      ranges++;
    }
    labelsPerRange = (labels.dim(0) + ranges - 1) / ranges;
  }

  /** Copies the queries, in tiles with one for each lane unless few, and empties the heaps. */
  private void pack(Tensor given) {
    final int lanes = (queries + W - 1) / W * W;
    packed = room(packed, Math.multiplyExact(lanes, depth));
    line = room(line, depth);
    for (int i = 0; i < lanes; i++) {
      if (i < queries) {
        RowCopy.read(given, first + i, line, 0);
      } else {
        Arrays.fill(line, 0);
      }
      final int at = few ? i * depth : i / W * W * depth + i % W;
      for (int c = 0; c < depth; c++) {
        packed[at + (few ? c : c * W)] = line[c];
      }
    }
    thresholds = room(thresholds, ranges * lanes);
    Arrays.fill(thresholds, 0, ranges * lanes, Float.NEGATIVE_INFINITY);
    final int entries = ranges * queries * k;
    if (heaps.length < entries) {
      heaps = new long[entries];
    }
    Arrays.fill(heaps, 0, entries, TopKHeap.EMPTY);
  }

  private static float[] room(float[] panel, int length) {
    return panel.length < length ? new float[length] : panel;
  }

  @Override
  public void run(int part) {
    if (searching) {
      search(part % groups * tilesPerGroup, part / groups);
    } else {
      final int end = Math.min(queries, (part + 1) * W);
      for (int query = part * W; query < end; query++) {
        store(query);
      }
    }
  }

  /** A group of tiles against a range of labels. */
  private void search(int firstTile, int range) {
    final Panels panels = PANELS.get();
    final int rows = Math.max(8, Math.min(LABELS, BLOCK / Math.max(1, depth) / 8 * 8));
    final boolean inPlace = RowCopy.inPlace(labels);
    if (!inPlace) {
      panels.labels = room(panels.labels, rows * depth);
    }
    final float[] array = inPlace ? labels.floatArray().orElseThrow() : panels.labels;
    final int stride = inPlace ? (int) labels.stride(0) : depth;
    final int end = Math.min((queries + W - 1) / W, firstTile + tilesPerGroup);
    final long last = Math.min(labels.dim(0), (range + 1) * labelsPerRange);
    for (long from = range * labelsPerRange; from < last; from += rows) {
      final int count = (int) Math.min(rows, last - from);
      for (int j = 0; !inPlace && j < count; j++) {
        RowCopy.read(labels, from + j, panels.labels, j * depth);
      }
      final int at = inPlace ? labels.floatArrayOffset() + (int) labels.rowOffset(from) : 0;
      if (few) {
        one(panels, array, at, stride, range, (int) from, count);
      }
      for (int tile = firstTile; !few && tile < end; tile++) {
        TileProductsSimd.scores(
            packed, tile * W * depth, depth, array, at, stride, count, panels.tile);
        keep(panels.tile, tile, range, (int) from, count);
      }
    }
  }

  /** A block of labels for one query after another. */
  private void one(
      Panels panels, float[] array, int at, int stride, int range, int from, int count) {
    final float[] tile = panels.tile;
    panels.query = room(panels.query, depth);
    for (int query = 0; query < queries; query++) {
      System.arraycopy(packed, query * depth, panels.query, 0, depth);
      RowProductsSimd.scores(panels.query, depth, array, at, stride, count, tile, panels.vectors);
      for (int j = 0; j < count; j++) {
        // Not (tile[j] > threshold), which NaN would fail.
        if (!(tile[j] <= thresholds[range * W + query])) {
          offer(range, query, tile[j], from + j);
        }
      }
    }
  }

  /** Offers the scores of a tile that are above their threshold, and raises thresholds. */
  private void keep(float[] tile, int number, int range, int from, int rows) {
    final int at = (range * ((queries + W - 1) / W) + number) * W;
    final int lanes = Math.min(W, queries - number * W);
    final long live = (1L << lanes) - 1;
    int row = 0;
    while (row < rows) {
      final long found = TopKScanSimd.next(tile, row, rows, thresholds, at);
      if (found == TopKScanSimd.NONE) {
        return;
      }
      row = (int) (found >> Integer.SIZE);
      for (long rest = found & live; rest != 0; rest &= rest - 1) {
        final int lane = Long.numberOfTrailingZeros(rest);
        offer(range, number * W + lane, tile[row * W + lane], from + row);
      }
      row++;
    }
  }

  private void offer(int range, int query, float score, int label) {
    final int heap = (range * queries + query) * k;
    TopKHeap.offer(heaps, heap, k, score, label);
    final int lanes = (queries + W - 1) / W * W;
    thresholds[range * lanes + query] = TopKHeap.threshold(heaps, heap);
  }

  /** Merges what the ranges of labels have kept of a query, and writes it. */
  private void store(int query) {
    final int heap = query * k;
    boolean broken = heaps[heap] == TopKHeap.BROKEN;
    for (int range = 1; range < ranges; range++) {
      final int other = (range * queries + query) * k;
      broken |= heaps[other] == TopKHeap.BROKEN;
      for (int i = 0; !broken && i < k; i++) {
        TopKHeap.offer(heaps, heap, k, heaps[other + i]);
      }
    }
    if (!broken) {
      TopKHeap.sort(heaps, heap, k);
    }
    final long score = scores.rowOffset(first + query);
    final long index = indices.rowOffset(first + query);
    for (int i = 0; i < k; i++) {
      final long entry = heaps[heap + i];
      final boolean none = broken || entry == TopKHeap.EMPTY;
      scores.setDouble(
          score + i * scores.rowStride(),
          broken ? Double.NaN : none ? Double.NEGATIVE_INFINITY : TopKHeap.score(entry));
      indices.setDouble(index + i * indices.rowStride(), none ? -1 : TopKHeap.label(entry));
    }
  }
}
