package io.steelyard.kernels.attention;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Gradients of fused attention in float32, without the matrix of scores: they are computed again,
 * block by block. How a weight depends on its score is left to subclasses.
 *
 * <p>Gradients of keys and values add up over queries, those of queries over keys. Where there are
 * enough heads for all threads, a part of the work is all of one key head, block of keys by block
 * of keys, and the gradients of its queries are kept until the end. Otherwise there are two phases,
 * one over blocks of keys, one over tiles of queries, so that the work spreads over all cores
 * however few heads there are; the price is that scores and {@code dO V^T} are computed twice, 14
 * products of {@code Tq Tk D} in place of 10. Sums are added up in the same order in both, and
 * parts share nothing, so results do not depend on the number of threads. Where sums over the keys
 * of a query have to be known and the forward call did not leave them, a phase over tiles of
 * queries comes first.
 */
abstract class FusedAttentionVjp implements Job {

  /**
   * What is gone through: queries, for what has to be known of them; whole heads; keys; queries.
   */
  private enum Phase {
    SURVEY,
    HEADS,
    KEYS,
    QUERIES
  }

  /** How much of the threads' time may be lost to a last round of heads with too few of them. */
  private static final double IDLE = 0.2;

  /** Most gradients of queries that a thread keeps: they should fit the second cache. */
  private static final int KEPT = 1 << 19;

  /** Queries of a tile. */
  static final int W = TileProductsSimd.W;

  private static final int KEYS = FusedAttention.KEYS;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);

  private final AttentionScores scores;
  private Heads heads = new Heads(0, 1, 1, 0, 0, 0, 0);
  private Tensor q = NOTHING;
  private Tensor k = NOTHING;
  private Tensor v = NOTHING;
  private Tensor cotangent = NOTHING;
  private Tensor dq = NOTHING;
  private Tensor dk = NOTHING;
  private Tensor dv = NOTHING;
  private Phase phase = Phase.KEYS;
  private int partsPerHead;

  /** Attention whose scores are dot products. */
  FusedAttentionVjp() {
    this(Similarity.DOT_PRODUCT);
  }

  FusedAttentionVjp(Similarity similarity) {
    scores = new AttentionScores(similarity);
  }

  private boolean distances() {
    return scores.similarity() == Similarity.SQUARED_DISTANCE;
  }

  /** Reads what is needed to know of each query of a tile besides its scores. */
  abstract void begin(AttentionVjpWorkspace work, long row, int lanes);

  /**
   * Turns a tile of scores, times log2 e, into weights, and the tile of {@code dO V^T} into
   * gradients of the scores, both in place. Hidden scores are -inf, and their weights and gradients
   * have to come out as 0 where all numbers are finite.
   */
  abstract void gradients(AttentionVjpWorkspace work, int keys);

  /** How often all keys have to be gone through before anything else. */
  int surveys() {
    return 0;
  }

  /**
   * Adds up what is wanted of a tile of scores. The last survey has {@code dO V^T} as well, with
   * zeros where scores are hidden.
   */
  void survey(AttentionVjpWorkspace work, int number, int keys) {
    throw new UnsupportedOperationException();
  }

  /** Called after each survey, for queries that see nothing too. */
  void conclude(AttentionVjpWorkspace work, int number, long row, int lanes) {
    throw new UnsupportedOperationException();
  }

  /**
   * Takes note of a finished query.
   *
   * @param sums over keys, of score gradients times keys
   * @param query as it was given
   */
  void finishQuery(float[] sums, float[] query, long row) {}

  /**
   * Takes note of a finished value.
   *
   * @param sums over queries, of weights times cotangents
   * @param value as it was given
   */
  void finishValue(float[] sums, float[] value, long row) {}

  /** The scores of the call. */
  final AttentionScores scores() {
    return scores;
  }

  /** Runs all phases. */
  final void run(
      Tensor queries,
      Tensor keys,
      Tensor values,
      Tensor outCotangent,
      Tensor queryGradient,
      Tensor keyGradient,
      Tensor valueGradient,
      Heads extents,
      AttentionOptions options) {
    heads = extents;
    q = queries;
    k = keys;
    v = values;
    cotangent = outCotangent;
    dq = queryGradient;
    dk = keyGradient;
    dv = valueGradient;
    scores.bind(extents, options);
    try {
      final Workers workers = Workers.shared();
      final int threads = workers.threads(options.threads());
      if (surveys() > 0) {
        phase = Phase.SURVEY;
        partsPerHead = tilesPerHead();
        workers.run(this, extents.batch() * extents.heads() * partsPerHead, threads);
      }
      final int keyHeads = extents.batch() * extents.keyHeads();
      if (wholeHeads(keyHeads, threads)) {
        phase = Phase.HEADS;
        partsPerHead = 1;
        workers.run(this, keyHeads, threads);
        return;
      }
      phase = Phase.KEYS;
      partsPerHead = (extents.keys() + KEYS - 1) / KEYS;
      workers.run(this, keyHeads * partsPerHead, threads);
      phase = Phase.QUERIES;
      partsPerHead = tilesPerHead();
      workers.run(this, extents.batch() * extents.heads() * partsPerHead, threads);
    } finally {
      q = NOTHING;
      k = NOTHING;
      v = NOTHING;
      cotangent = NOTHING;
      dq = NOTHING;
      dk = NOTHING;
      dv = NOTHING;
      scores.release();
    }
  }

  private boolean wholeHeads(int keyHeads, int threads) {
    final long kept = (long) group() * tilesPerHead() * W * heads.depth();
    final int rounds = (keyHeads + threads - 1) / threads;
    final boolean busy = keyHeads >= (1 - IDLE) * rounds * threads;
    return !distances() && busy && kept <= KEPT;
  }

  private int tilesPerHead() {
    return (heads.queries() + W - 1) / W;
  }

  /** Heads of queries that share a head of keys. */
  private int group() {
    return heads.heads() / heads.keyHeads();
  }

  @Override
  public final void run(int part) {
    final AttentionVjpWorkspace work = AttentionVjpWorkspace.own();
    work.bind(k, v, heads);
    final int head = part / partsPerHead;
    final int number = part % partsPerHead;
    switch (phase) {
      case SURVEY -> surveyTile(work, head, number * W);
      case HEADS -> wholeHead(work, head);
      case KEYS -> keyBlock(work, head, number * KEYS);
      case QUERIES -> queryTile(work, head, number * W);
    }
  }

  private void surveyTile(AttentionVjpWorkspace work, int head, int first) {
    final long row = (long) head * heads.queries() + first;
    final int lanes = Math.min(W, heads.queries() - first);
    final long keyRow = heads.keyRow(row);
    load(work, row, lanes, 0);
    Arrays.fill(work.references, 0);
    for (int number = 0; number < surveys(); number++) {
      final boolean last = number == surveys() - 1;
      Arrays.fill(work.wide, 0);
      for (int from = 0; from < work.last; from += KEYS) {
        final int keys = Math.min(KEYS, work.last - from);
        scores.loadKeys(work.forward, keyRow + from, keys);
        scores.fill(work.weights, work.queries, 0, work.forward, row, from, keys);
        if (last) {
          scores.loadValues(work.forward, keyRow + from, keys);
          weightGradients(work, keys);
        }
        if (scores.hides(work.first, from, keys)) {
          scores.hide(work.forward.hidden, row, lanes, work.first, from, keys);
          work.forward.hidden.apply(work.weights, keys);
          work.forward.hidden.write(work.gradients, keys, 0);
        }
        survey(work, number, keys);
      }
      conclude(work, number, row, lanes);
    }
  }

  /** All gradients of one key head and the queries that use it. */
  private void wholeHead(AttentionVjpWorkspace work, int keyHead) {
    final int tiles = tilesPerHead();
    final int size = heads.depth() * W;
    work.clearQueryGradients(group() * tiles * size);
    for (int from = 0; from < heads.keys(); from += KEYS) {
      keyBlock(work, keyHead, from);
    }
    for (int h = 0; h < group(); h++) {
      for (int tile = 0; tile < tiles; tile++) {
        final long row = (firstHead(keyHead) + h) * heads.queries() + (long) tile * W;
        final int lanes = Math.min(W, heads.queries() - tile * W);
        storeQueries(work, row, lanes, (h * tiles + tile) * size);
      }
    }
  }

  /** The first head of queries that uses a head of keys. */
  private long firstHead(int keyHead) {
    return (long) keyHead / heads.keyHeads() * heads.heads()
        + (long) keyHead % heads.keyHeads() * group();
  }

  /** Gradients of a block of keys and values of one key head: sums over all queries that use it. */
  private void keyBlock(AttentionVjpWorkspace work, int keyHead, int from) {
    final int keys = Math.min(KEYS, heads.keys() - from);
    final long keyRow = (long) keyHead * heads.keys() + from;
    scores.loadKeys(work.forward, keyRow, keys);
    scores.loadValues(work.forward, keyRow, keys);
    Arrays.fill(work.keyGradients, 0);
    Arrays.fill(work.valueGradients, 0);
    Arrays.fill(work.gradientSums, 0);
    for (int h = 0; h < group(); h++) {
      for (int first = 0; first < heads.queries(); first += W) {
        final long row = (firstHead(keyHead) + h) * heads.queries() + first;
        final int lanes = Math.min(W, heads.queries() - first);
        if (load(work, row, lanes, from)) {
          block(work, row, lanes, from, keys, (h * tilesPerHead() + first / W) * heads.depth() * W);
        }
      }
    }
    final float[] line = work.forward.line;
    for (int j = 0; j < keys; j++) {
      if (distances()) {
        work.keyDifferences(j, heads.depth());
      }
      System.arraycopy(work.keyGradients, j * work.depth, line, 0, heads.depth());
      work.forward.copy(k, keyRow + j, heads.depth(), work.vector, 0);
      scores.keyGradient(line, work.vector);
      work.forward.storeRow(dk, keyRow + j, heads.depth());
      System.arraycopy(work.valueGradients, j * work.width, line, 0, heads.width());
      work.forward.copy(v, keyRow + j, heads.width(), work.vector, 0);
      finishValue(line, work.vector, keyRow + j);
      final float factor = scores.valueFactor(keyRow + j);
      for (int c = 0; c < heads.width(); c++) {
        line[c] = line[c] == 0 ? 0 : line[c] * factor;
      }
      work.forward.storeRow(dv, keyRow + j, heads.width());
    }
  }

  private void queryTile(AttentionVjpWorkspace work, int head, int first) {
    final long row = (long) head * heads.queries() + first;
    final int lanes = Math.min(W, heads.queries() - first);
    final long keyRow = heads.keyRow(row);
    work.clearQueryGradients(heads.depth() * W);
    Arrays.fill(work.gradientSums, 0);
    if (load(work, row, lanes, 0)) {
      for (int from = 0; from < work.last; from += KEYS) {
        final int keys = Math.min(KEYS, work.last - from);
        scores.loadKeys(work.forward, keyRow + from, keys);
        scores.loadValues(work.forward, keyRow + from, keys);
        block(work, row, lanes, from, keys, 0);
      }
    }
    for (int lane = 0; distances() && lane < lanes; lane++) {
      work.queryDifferences(lane, heads.depth());
    }
    storeQueries(work, row, lanes, 0);
  }

  /** Writes the gradients of a tile of queries, which are complete from {@code at} on. */
  private void storeQueries(AttentionVjpWorkspace work, long row, int lanes, int at) {
    work.forward.collect(work.queryGradients, at, heads.depth());
    for (int lane = 0; lane < lanes; lane++) {
      System.arraycopy(
          work.forward.rows, lane * heads.depth(), work.forward.line, 0, heads.depth());
      work.forward.copy(q, row + lane, heads.depth(), work.vector, 0);
      finishQuery(work.forward.line, work.vector, row + lane);
      scores.queryGradient(work.forward.line, work.vector, row + lane);
      work.forward.storeRow(dq, row + lane, heads.depth());
    }
  }

  /**
   * Loads queries and cotangents of a tile.
   *
   * @return false if none of them sees a key from {@code from} on
   */
  private boolean load(AttentionVjpWorkspace work, long row, int lanes, int from) {
    work.first = Integer.MAX_VALUE;
    work.last = 0;
    for (int lane = 0; lane < lanes; lane++) {
      final int visible = scores.visible(row + lane);
      work.first = Math.min(work.first, visible);
      work.last = Math.max(work.last, visible);
    }
    if (work.last <= from) {
      return false;
    }
    work.loadRows(q, cotangent, row, lanes, scores);
    if (phase != Phase.SURVEY) {
      begin(work, row, lanes);
    }
    return true;
  }

  /** {@code at}: where gradients of the queries are added up. */
  private void block(
      AttentionVjpWorkspace work, long row, int lanes, int from, int allKeys, int at) {
    final int keys = Math.min(allKeys, work.last - from);
    final AttentionWorkspace forward = work.forward;
    scores.fill(work.weights, work.queries, 0, forward, row, from, keys);
    weightGradients(work, keys);
    final boolean asks = scores.hides(work.first, from, keys);
    if (asks) {
      scores.hide(forward.hidden, row, lanes, work.first, from, keys);
      forward.hidden.apply(work.weights, keys);
    }
    final boolean poisoned = asks && forward.hidden.any() && !work.finite(keys, lanes);
    gradients(work, keys);
    if (distances()) {
      work.sumGradients(keys, phase == Phase.KEYS, poisoned);
    }
    if (poisoned) {
      accumulateSeen(work, lanes, keys, at);
      return;
    }
    if (phase != Phase.QUERIES) {
      TileProductsSimd.outer(
          work.weights, keys, work.cotangentRows, work.width, lanes, work.valueGradients);
      TileProductsSimd.outer(
          work.gradients, keys, work.queryRows, work.depth, lanes, work.keyGradients);
    }
    if (phase != Phase.KEYS) {
      TileProductsSimd.accumulate(
          work.gradients,
          keys,
          forward.keys,
          forward.keyOffset,
          forward.keyStride,
          heads.depth(),
          work.queryGradients,
          at);
    }
  }

  /** {@code dO V^T}. */
  private void weightGradients(AttentionVjpWorkspace work, int keys) {
    final AttentionWorkspace forward = work.forward;
    TileProductsSimd.scores(
        work.cotangents,
        0,
        heads.width(),
        forward.values,
        forward.valueOffset,
        forward.valueStride,
        keys,
        work.gradients);
  }

  /** The sums of {@link #block} over pairs that are seen, whatever stands in the others. */
  private void accumulateSeen(AttentionVjpWorkspace work, int lanes, int keys, int at) {
    final AttentionWorkspace forward = work.forward;
    for (int j = 0; j < keys; j++) {
      for (int lane = 0; lane < lanes; lane++) {
        if (forward.hidden.hides(j, lane)) {
          continue;
        }
        final float weight = work.weights[j * W + lane];
        final float gradient = work.gradients[j * W + lane];
        for (int c = 0; phase != Phase.QUERIES && c < heads.width(); c++) {
          work.valueGradients[j * work.width + c] +=
              weight * work.cotangentRows[lane * work.width + c];
        }
        for (int c = 0; c < heads.depth(); c++) {
          if (phase != Phase.QUERIES) {
            work.keyGradients[j * work.depth + c] +=
                gradient * work.queryRows[lane * work.depth + c];
          }
          if (phase != Phase.KEYS) {
            work.queryGradients[at + c * W + lane] +=
                gradient * forward.keys[forward.keyOffset + j * forward.keyStride + c];
          }
        }
      }
    }
  }
}
