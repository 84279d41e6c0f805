package io.steelyard.kernels.attention;

import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The scores of a call, tile by tile: the {@link Similarity} times scale and log2 e, with
 * everything that is added to it or hides it. A tile holds them transposed, one row of {@link
 * TileProductsSimd#W} queries for each key.
 *
 * <p>An attention may ask for directions in place of vectors, or for a temperature of each query
 * and of each value; queries, keys and values are then changed as they are loaded, so that products
 * do not know.
 */
final class AttentionScores {

  private static final int W = TileProductsSimd.W;
  static final double LOG2E = 1.4426950408889634;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);

  /** Vectors shorter than this have no direction. */
  static final double SHORTEST = 1e-12;

  private static final int UNKNOWN = -1;

  private final Similarity similarity;
  private final RowMask mask = new RowMask();
  private Heads heads = new Heads(0, 1, 1, 0, 0, 0, 0);
  private Tensor like = NOTHING;
  private Tensor bias = NOTHING;
  private Tensor slopes = NOTHING;
  private boolean biased;
  private boolean sloped;
  private double scale;
  private boolean cosine;
  private boolean lengthScaled;
  private long earlier;
  private Tensor queryTemperatures = NOTHING;
  private Tensor valueTemperatures = NOTHING;

  /** What has been counted already; entries are written by whoever comes first, all the same. */
  private int[] counts = new int[0];

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
    lengthScaled = cosine && options.scale().isEmpty();
    if (cosine && (biased || mask.single())) {
      final int rows = extents.batch() * extents.heads() * extents.queries();
      counts = counts.length < rows ? new int[rows] : counts;
      Arrays.fill(counts, 0, rows, UNKNOWN);
    }
  }

  /**
   * From now on scores are cosines times the scale, or where there is none times {@code ln D ln N},
   * N being how many keys a query sees and {@code keysBefore} more.
   */
  void compareDirections(long keysBefore) {
    cosine = true;
    earlier = keysBefore;
  }

  /** Multiplies the scores of each query and each value of this call; an empty tensor does not. */
  void temper(Tensor queries, Tensor values) {
    queryTemperatures = queries;
    valueTemperatures = values;
  }

  /** Lets the tensors of the call go. */
  void release() {
    bias = NOTHING;
    slopes = NOTHING;
    queryTemperatures = NOTHING;
    valueTemperatures = NOTHING;
  }

  /** What scores are made of. */
  Similarity similarity() {
    return similarity;
  }

  /** What squared distances are multiplied by. */
  private float distanceFactor() {
    return (float) (scale * LOG2E / -2);
  }

  /** What a query is multiplied by before its products with keys are scores. */
  private double queryScale(long row) {
    if (lengthScaled) {
      return Heads.lengthScale(heads.depth(), count(row) + earlier);
    }
    return queryTemperatures.size() == 0 ? scale : scale * temperature(queryTemperatures, row);
  }

  private static double temperature(Tensor temperatures, long row) {
    return temperatures.getDouble(temperatures.flatIndex(row));
  }

  /**
   * Turns a query into what gives scores by a product with a key; for distances it stays as it is.
   *
   * @param binary whether these are scores times log2 e
   */
  void scaleQuery(float[] query, int offset, long row, boolean binary) {
    double factor = queryScale(row) * (binary ? LOG2E : 1);
    final int end = offset + heads.depth();
    if (cosine) {
      factor /= length(query, offset, heads.depth());
      for (int c = offset; c < end; c++) {
        query[c] = (float) (query[c] * factor);
      }
      return;
    }
    if (similarity == Similarity.SQUARED_DISTANCE) {
      return;
    }
    final float single = (float) factor;
    for (int c = offset; c < end; c++) {
      query[c] *= single;
    }
  }

  /** The norm of a vector; infinite where it has no direction, so that it points nowhere. */
  static double length(float[] vector, int offset, int length) {
    double squares = 0;
    for (int c = offset; c < offset + length; c++) {
      squares += (double) vector[c] * vector[c];
    }
    final double norm = Math.sqrt(squares);
    return norm < SHORTEST ? Double.POSITIVE_INFINITY : norm;
  }

  /**
   * Turns the sum over keys of score gradients times keys into the gradient of a query.
   *
   * @param sums overwritten with the gradient
   * @param query the query as it was given
   */
  void queryGradient(float[] sums, float[] query, long row) {
    final double factor = queryScale(row);
    if (cosine) {
      alongSphere(sums, query, factor);
      return;
    }
    for (int c = 0; c < heads.depth(); c++) {
      sums[c] = sums[c] == 0 ? 0 : sums[c] * (float) factor;
    }
  }

  /** As {@link #queryGradient} for a key and the sum over scaled queries. */
  void keyGradient(float[] sums, float[] key) {
    if (cosine) {
      alongSphere(sums, key, 1);
    } else if (similarity == Similarity.SQUARED_DISTANCE) {
      for (int c = 0; c < heads.depth(); c++) {
        sums[c] *= (float) scale;
      }
    }
  }

  /** From the gradient of a direction to that of the vector. */
  private void alongSphere(float[] gradient, float[] vector, double factor) {
    final int depth = heads.depth();
    boolean nothing = true;
    for (int c = 0; c < depth; c++) {
      nothing &= gradient[c] == 0;
    }
    // A vector that nobody sees gets nothing, whatever stands in it.
    if (nothing) {
      return;
    }
    final double norm = length(vector, 0, depth);
    double dot = 0;
    for (int c = 0; c < depth; c++) {
      dot += gradient[c] * (vector[c] / norm);
    }
    for (int c = 0; c < depth; c++) {
      gradient[c] = (float) (factor * (gradient[c] - dot * (vector[c] / norm)) / norm);
    }
  }

  /** What a value is multiplied by. */
  float valueFactor(long keyRow) {
    return valueTemperatures.size() == 0 ? 1 : (float) temperature(valueTemperatures, keyRow);
  }

  /** The gradient of a query's temperature, from what {@link #queryGradient} starts from. */
  double temperatureGradient(float[] sums, float[] query) {
    return scale * dot(sums, query, heads.depth());
  }

  /** The gradient of a value's temperature, from that of the value without it. */
  double valueTemperatureGradient(float[] sums, float[] value) {
    return dot(sums, value, heads.width());
  }

  /** {@code sums.vector}; where sums are 0, nothing, whatever stands in the vector. */
  private static double dot(float[] sums, float[] vector, int length) {
    double dot = 0;
    for (int c = 0; c < length; c++) {
      dot += sums[c] == 0 ? 0 : (double) sums[c] * vector[c];
    }
    return dot;
  }

  /** Makes a block of keys available as scores need them. */
  void loadKeys(AttentionWorkspace work, long keyRow, int keys) {
    work.loadKeys(keyRow, keys);
    if (cosine) {
      work.keepDirections(keys);
    }
  }

  /** Makes a block of values available, multiplied by their temperatures. */
  void loadValues(AttentionWorkspace work, long keyRow, int keys) {
    work.loadValues(keyRow, keys);
    if (valueTemperatures.size() > 0) {
      work.ownValues(keys);
      loadTemperatures(work.temperatures, keyRow, keys);
      for (int j = 0; j < keys; j++) {
        final float factor = work.temperatures[j];
        final int at = work.valueOffset + j * work.valueStride;
        for (int c = at; c < at + heads.width(); c++) {
          work.values[c] *= factor;
        }
      }
    }
  }

  /** Multiplies the weights of one query by the temperatures of the values that it sees. */
  void temperRow(AttentionWorkspace work, boolean hides, long keyRow, int keys) {
    if (valueTemperatures.size() > 0) {
      loadTemperatures(work.temperatures, keyRow, keys);
      for (int j = 0; j < keys; j++) {
        work.tile[j] *= hides && work.hidden.hides(j, 0) ? 0 : work.temperatures[j];
      }
    }
  }

  private void loadTemperatures(float[] to, long keyRow, int keys) {
    final long at = valueTemperatures.flatIndex(keyRow);
    final long step = valueTemperatures.rowStride();
    final MemorySegment memory = valueTemperatures.memory();
    for (int j = 0; j < keys; j++) {
      to[j] = memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (at + j * step) * Float.BYTES);
    }
  }

  /** How many keys a query sees. */
  int count(long row) {
    final int visible = visible(row);
    if (!biased && !mask.single()) {
      return visible;
    }
    if (cosine && counts[(int) row] != UNKNOWN) {
      return counts[(int) row];
    }
    final long at = biased ? bias.broadcastRowOffset(like, row) : 0;
    final long step = biased && bias.rowLength() > 1 ? bias.rowStride() : 0;
    int count = 0;
    for (int j = 0; j < visible; j++) {
      final boolean hides = biased && bias.getDouble(at + j * step) == Double.NEGATIVE_INFINITY;
      count += !hides && mask.keeps(row, j) ? 1 : 0;
    }
    if (cosine) {
      counts[(int) row] = count;
    }
    return count;
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
              work.vectors);
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
              work.vectors);
    }
    if (sloped) {
      slope(row, index, 1, from, keys);
    }
  }

  /** Takes slope times distance from the scores of a tile, or from those of one query. */
  private void slope(float[] tile, long row, int lanes, int from, int keys) {
    final long h = row / heads.queries() % heads.heads();
    final float m = (float) (slopes.getDouble(slopes.flatIndex(h)) * LOG2E);
    final int ahead = (int) (row % heads.queries()) + heads.keys() - heads.queries() - from;
    if (lanes == W) {
      TileWeightsSimd.slope(tile, keys, m, ahead);
      return;
    }
    for (int j = 0; j < keys; j++) {
      tile[j] -= m * Math.abs(ahead - j);
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
   * Finds out which scores of a tile are hidden and what is added to them, for {@link
   * HiddenScoresSimd#apply}.
   *
   * @param all how many leading keys every query of the tile sees
   */
  void hide(HiddenScoresSimd hidden, long row, int lanes, int all, int from, int keys) {
    collect(hidden, row, lanes, all, from, keys);
    if (hidden.any()) {
      hidden.turn();
    }
  }

  /** As {@link #hide} for one query, for {@link HiddenScoresSimd#applyRow}. */
  void hideRow(HiddenScoresSimd hidden, long row, int from, int keys) {
    collect(hidden, row, 1, visible(row), from, keys);
  }

  private void collect(HiddenScoresSimd hidden, long row, int lanes, int all, int from, int keys) {
    hidden.clear();
    for (int lane = 0; from + keys > all && lane < lanes; lane++) {
      final int visible = Math.clamp(mask.visible(row + lane) - from, 0, keys);
      if (visible < keys) {
        hidden.hideFrom(lane, visible);
      }
    }
    if (mask.single()) {
      hidden.hide(mask, row, lanes, from, keys);
    }
    if (biased) {
      final long step = bias.rowLength() == 1 ? 0 : bias.rowStride();
      final long across = bias.rank() < 2 || bias.dim(-2) == 1 ? 0 : bias.stride(-2);
      final long at = bias.broadcastRowOffset(like, row) + from * step;
      for (int lane = 0; lane < lanes; lane++) {
        final int to = HiddenScoresSimd.rowOfAdded(lane);
        RowCopy.read(bias, at + lane * across, step, keys, hidden.added(), to);
        hidden.add(lane, keys);
      }
    }
    hidden.collected(keys);
  }
}
