package io.steelyard.kernels.attention;

import io.steelyard.kernels.simd.AcrossLanesSimd;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Panels of one thread for gradients, kept between calls. */
final class AttentionVjpWorkspace {

  private static final ThreadLocal<AttentionVjpWorkspace> OWN =
      ThreadLocal.withInitial(AttentionVjpWorkspace::new);

  private static final int W = TileProductsSimd.W;
  private static final int KEYS = FusedAttention.KEYS;

  /** Most sums of a survey. */
  private static final int SUMS = 4;

  /** Keys and values of the block, and the flags of hidden scores. */
  final AttentionWorkspace forward = AttentionWorkspace.own();

  /** D rounded up to whole tiles of lanes: extent of a row in the panels of rows. */
  int depth;

  /** Dv rounded up likewise. */
  int width;

  /** {@code Q^T} of the tile, times scale and log2 e, and Q times scale. */
  float[] queries = new float[0];

  float[] queryRows = new float[0];

  /** {@code dO^T} of the tile, and dO. */
  float[] cotangents = new float[0];

  float[] cotangentRows = new float[0];

  /** Scores, then weights. */
  final float[] weights = new float[KEYS * W];

  /** {@code dO V^T}, then gradients of the scores. */
  final float[] gradients = new float[KEYS * W];

  /**
   * Sums of the gradients of scores that are distances: over tiles of queries, pair by pair, for
   * keys; over keys, in the first row, for queries.
   */
  final float[] gradientSums = new float[KEYS * W];

  /** {@code dQ^T} of a tile, or of all tiles of a key head one after another. */
  float[] queryGradients = new float[0];

  /** dK and dV of the block. */
  float[] keyGradients = new float[0];

  float[] valueGradients = new float[0];

  /** What else a tile needs to know of each score. */
  final float[] slopes = new float[KEYS * W];

  final float[] raised = new float[KEYS * W];

  /** Sums of a survey for each lane. */
  final double[] wide = new double[SUMS * W];

  /** The same over one block. */
  final float[] sums = new float[SUMS * W];

  /** What is known of each query, one number for each lane after another. */
  final float[] statistics = new float[AttentionWorkspace.STATISTICS * W];

  /** A query, key or value as it was given. */
  float[] vector = new float[0];

  /** What each lane's weights are relative to. */
  final float[] references = new float[W];

  /** {@code sum_c dO_ic O_ic} of each lane. */
  final float[] deltas = new float[W];

  /** How many leading keys every lane sees, and some lane. */
  int first;

  int last;

  private AttentionVjpWorkspace() {}

  static AttentionVjpWorkspace own() {
    return OWN.get();
  }

  /** Takes on the keys and values of a call and makes room for its rows. */
  void bind(Tensor k, Tensor v, Heads heads) {
    forward.bind(k, v, heads, 1);
    final int newDepth = (heads.depth() + W - 1) / W * W;
    final int newWidth = (heads.width() + W - 1) / W * W;
    if (newDepth != depth || newWidth != width) {
      depth = newDepth;
      width = newWidth;
      queries = new float[depth * W];
      queryRows = new float[W * depth];
      cotangents = new float[width * W];
      cotangentRows = new float[W * width];
      vector = new float[Math.max(depth, width)];
      keyGradients = new float[KEYS * depth];
      valueGradients = new float[KEYS * width];
    }
  }

  /** Loads queries, as scores need them, and cotangents, as rows and across lanes. */
  void loadRows(Tensor q, Tensor cotangent, long row, int lanes, AttentionScores scores) {
    final int d = (int) q.dim(3);
    final int dv = (int) cotangent.dim(3);
    Arrays.fill(queryRows, 0);
    Arrays.fill(cotangentRows, 0);
    for (int lane = 0; lane < lanes; lane++) {
      forward.copy(q, row + lane, d, queryRows, lane * depth);
      System.arraycopy(queryRows, lane * depth, forward.rows, lane * d, d);
      scores.scaleQuery(forward.rows, lane * d, row + lane, true);
      scores.scaleQuery(queryRows, lane * depth, row + lane, false);
      forward.copy(cotangent, row + lane, dv, cotangentRows, lane * width);
    }
    forward.spread(lanes, d, queries, 0);
    AcrossLanesSimd.transpose(cotangentRows, 0, width, W, dv, cotangents, 0, W, forward.vectors);
  }

  /** Makes room for gradients of queries, all 0. */
  void clearQueryGradients(int numbers) {
    if (queryGradients.length < numbers) {
      queryGradients = new float[numbers];
    }
    Arrays.fill(queryGradients, 0, numbers, 0);
  }

  /** Adds sums over a block to those of a survey, from a number of {@link #wide} on. */
  void addSums(int from, int count) {
    for (int i = 0; i < count * W; i++) {
      wide[from * W + i] += sums[i];
    }
  }

  /** Spreads what is known of queries, {@code count} numbers each, over the lanes. */
  void spread(float[] known, int count, long row, int lanes) {
    Arrays.fill(statistics, 0);
    for (int lane = 0; lane < lanes; lane++) {
      for (int i = 0; i < count; i++) {
        statistics[i * W + lane] = known[(int) (row + lane) * count + i];
      }
    }
  }

  /** Adds a tile of gradients to {@link #gradientSums}. */
  void sumGradients(int keys, boolean forKeys, boolean poisoned) {
    if (poisoned) {
      forward.hidden.write(gradients, keys, 0);
    }
    if (forKeys) {
      for (int i = 0; i < keys * W; i++) {
        gradientSums[i] += gradients[i];
      }
    } else {
      for (int j = 0; j < keys; j++) {
        for (int lane = 0; lane < W; lane++) {
          gradientSums[lane] += gradients[j * W + lane];
        }
      }
    }
  }

  /** {@code sum_i dS_ij (q_i - k_j)} in place of {@code sum_i dS_ij q_i}. */
  void keyDifferences(int j, int extent) {
    float sum = 0;
    for (int lane = 0; lane < W; lane++) {
      sum += gradientSums[j * W + lane];
    }
    // A key that nobody sees has no say, NaN included.
    for (int c = 0; sum != 0 && c < extent; c++) {
      keyGradients[j * depth + c] -=
          sum * forward.keys[forward.keyOffset + j * forward.keyStride + c];
    }
  }

  /** {@code sum_j dS_ij (k_j - q_i)} in place of {@code sum_j dS_ij k_j}. */
  void queryDifferences(int lane, int extent) {
    final float sum = gradientSums[lane];
    for (int c = 0; sum != 0 && c < extent; c++) {
      queryGradients[c * W + lane] -= sum * queryRows[lane * depth + c];
    }
  }

  /** Whether everything that the products of a block multiply is finite. */
  boolean finite(int keys, int lanes) {
    return RowProductsSimd.finite(queryRows, 0, depth, lanes, depth)
        && RowProductsSimd.finite(cotangentRows, 0, width, lanes, width)
        && RowProductsSimd.finite(references, 0, lanes, 1, lanes)
        && RowProductsSimd.finite(deltas, 0, lanes, 1, lanes)
        && RowProductsSimd.finite(
            forward.keys, forward.keyOffset, forward.keyStride, keys, forward.depth())
        && forward.finiteValues();
  }
}
