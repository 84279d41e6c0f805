package io.steelyard.kernels.attention;

import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The scores of a call, tile by tile: the {@link Similarity} times scale and log2 e, with
 * everything that is added to it or hides it. A tile holds them transposed, one row of {@link
 * TileProductsSimd#W} queries for each key.
 */
final class AttentionScores {

  private static final int W = TileProductsSimd.W;
  private static final double LOG2E = 1.4426950408889634;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);

  private final Similarity similarity;
  private final RowMask mask = new RowMask();
  private Heads heads = new Heads(0, 1, 1, 0, 0, 0, 0);
  private Tensor like = NOTHING;
  private Tensor bias = NOTHING;
  private Tensor slopes = NOTHING;
  private boolean biased;
  private boolean sloped;
  private double scale;

  AttentionScores(Similarity similarity) {
    this.similarity = similarity;
  }

  /** Takes on a call. */
  void bind(Heads extents, AttentionOptions options) {
    if (!heads.equals(extents)) {
      heads = extents;
      like = extents.scores();
    }
    mask.bind(options.mask(), like);
    biased = options.bias().isPresent();
    bias = options.bias().orElse(NOTHING);
    sloped = options.slopes().isPresent();
    slopes = options.slopes().orElse(NOTHING);
    scale = extents.scale(options);
  }

  /** Lets the tensors of the call go. */
  void release() {
    bias = NOTHING;
    slopes = NOTHING;
  }

  /** What the similarity is multiplied by. */
  double scale() {
    return scale;
  }

  /** What scores are made of. */
  Similarity similarity() {
    return similarity;
  }

  /** What queries are multiplied by before they are compared with keys. */
  float queryFactor() {
    return similarity == Similarity.DOT_PRODUCT ? (float) (scale * LOG2E) : 1;
  }

  /** What squared distances are multiplied by. */
  private float distanceFactor() {
    return (float) (scale * LOG2E / -2);
  }

  /** How many leading keys a query can see. */
  int visible(long row) {
    return (int) mask.visible(row);
  }

  /** Fills a tile for the block of keys that the workspace has loaded. */
  void fill(
      float[] tile,
      float[] queries,
      int queryOffset,
      AttentionWorkspace work,
      long row,
      int from,
      int keys) {
    switch (similarity) {
      case DOT_PRODUCT ->
          TileProductsSimd.scores(
              queries,
              queryOffset,
              heads.depth(),
              work.keys,
              work.keyOffset,
              work.keyStride,
              keys,
              tile);
      case SQUARED_DISTANCE ->
          TileProductsSimd.distances(
              queries,
              queryOffset,
              heads.depth(),
              work.keys,
              work.keyOffset,
              work.keyStride,
              keys,
              distanceFactor(),
              tile);
    }
    if (sloped) {
      slope(tile, row, W, from, keys);
    }
  }

  /** As {@link #fill} for one query: scores lie one after another. */
  void fillRow(
      float[] row, float[] query, AttentionWorkspace work, long index, int from, int keys) {
    switch (similarity) {
      case DOT_PRODUCT ->
          RowProductsSimd.scores(
              query,
              heads.depth(),
              work.keys,
              work.keyOffset,
              work.keyStride,
              keys,
              row,
              work.vector);
      case SQUARED_DISTANCE ->
          RowProductsSimd.distances(
              query,
              heads.depth(),
              work.keys,
              work.keyOffset,
              work.keyStride,
              keys,
              distanceFactor(),
              row,
              work.vector);
    }
    if (sloped) {
      slope(row, index, 1, from, keys);
    }
  }

  private void slope(float[] tile, long row, int lanes, int from, int keys) {
    final long h = row / heads.queries() % heads.heads();
    final float m = (float) (slopes.getDouble(slopes.flatIndex(h)) * LOG2E);
    final int position = (int) (row % heads.queries()) + heads.keys() - heads.queries();
    for (int j = 0; j < keys; j++) {
      for (int lane = 0; lane < lanes; lane++) {
        tile[j * lanes + lane] -= m * Math.abs(position + lane - from - j);
      }
    }
  }

  /**
   * Whether a score of a tile may be hidden or biased.
   *
   * @param all how many leading keys every query of the tile sees
   */
  boolean hides(int all, int from, int keys) {
    return biased || mask.single() || from + keys > all;
  }

  /**
   * Adds the bias and writes -inf over the scores of keys that are not seen.
   *
   * @param hidden receives which those are
   */
  void hide(float[] tile, boolean[] hidden, long row, int lanes, int from, int keys) {
    Arrays.fill(hidden, 0, keys * W, false);
    for (int lane = 0; lane < lanes; lane++) {
      hide(tile, hidden, lane, W, row + lane, from, keys);
    }
  }

  /** As {@link #hide(float[], boolean[], long, int, int, int)} for one query. */
  void hideRow(float[] row, boolean[] hidden, long index, int from, int keys) {
    Arrays.fill(hidden, 0, keys, false);
    hide(row, hidden, 0, 1, index, from, keys);
  }

  private void hide(
      float[] tile, boolean[] hidden, int lane, int stride, long row, int from, int keys) {
    if (biased) {
      addBias(tile, hidden, lane, stride, row, from, keys);
    }
    final int visible = Math.clamp(mask.visible(row) - from, 0, keys);
    for (int j = visible; j < keys; j++) {
      tile[j * stride + lane] = Float.NEGATIVE_INFINITY;
      hidden[j * stride + lane] = true;
    }
    if (mask.single()) {
      for (int j = 0; j < visible; j++) {
        if (!mask.keeps(row, from + j)) {
          tile[j * stride + lane] = Float.NEGATIVE_INFINITY;
          hidden[j * stride + lane] = true;
        }
      }
    }
  }

  private void addBias(
      float[] tile, boolean[] hidden, int lane, int stride, long row, int from, int keys) {
    final long at = bias.broadcastRowOffset(like, row);
    final long step = bias.rowLength() == 1 ? 0 : bias.rowStride();
    for (int j = 0; j < keys; j++) {
      final float added =
          bias.memory()
              .get(ValueLayout.JAVA_FLOAT_UNALIGNED, (at + (from + j) * step) * Float.BYTES);
      final boolean hides = added == Float.NEGATIVE_INFINITY;
      final int to = j * stride + lane;
      tile[to] = hides ? added : tile[to] + added * (float) LOG2E;
      hidden[to] = hides;
    }
  }
}
