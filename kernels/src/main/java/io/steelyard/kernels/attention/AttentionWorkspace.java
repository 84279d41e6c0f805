package io.steelyard.kernels.attention;

import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/** Panels of one thread, kept between calls so that kernels allocate nothing in steady state. */
final class AttentionWorkspace {

  private static final ThreadLocal<AttentionWorkspace> OWN =
      ThreadLocal.withInitial(AttentionWorkspace::new);

  private static final int W = TileProductsSimd.W;

  /** {@code Q^T} of each tile, scaled. */
  float[] queries = new float[0];

  /** {@code O^T} of each tile. */
  float[] sums = new float[0];

  /** Scores, then weights, of one tile and a block of keys. */
  final float[] tile = new float[FusedAttention.KEYS * W];

  /** Which scores of the tile are hidden, where any can be. */
  final boolean[] hidden = new boolean[FusedAttention.KEYS * W];

  /** What each lane's weights are relative to, where they are. */
  float[] references = new float[0];

  /** Each lane's sum of weights, where it is needed. */
  float[] totals = new float[0];

  /** One number for each lane. */
  final float[] lanes = new float[W];

  /** Room for one vector. */
  final float[] vector = new float[W / 2];

  /** How many leading keys every lane of a tile sees. */
  int[] first = new int[0];

  /** How many leading keys the lanes of a tile see at most. */
  int[] last = new int[0];

  /** A row of queries or outputs. */
  float[] line = new float[0];

  float[] keys = new float[0];
  int keyOffset;
  int keyStride;
  float[] values = new float[0];
  int valueOffset;
  int valueStride;

  private Tensor k = Tensor.zeros(DType.F32, 0);
  private Tensor v = k;
  private float[] keyPanel = new float[0];
  private float[] valuePanel = new float[0];
  private int depth;
  private int width;

  private AttentionWorkspace() {}

  static AttentionWorkspace own() {
    return OWN.get();
  }

  /** Takes on the keys and values of a call and makes room for its tiles. */
  void bind(Tensor newKeys, Tensor newValues, Heads heads, int tiles) {
    k = newKeys;
    v = newValues;
    depth = heads.depth();
    width = heads.width();
    if (first.length < tiles) {
      first = new int[tiles];
      last = new int[tiles];
      references = new float[tiles * W];
      totals = new float[tiles * W];
    }
    queries = room(queries, tiles * depth * W);
    sums = room(sums, tiles * width * W);
    line = room(line, Math.max(depth, width));
  }

  int depth() {
    return depth;
  }

  int width() {
    return width;
  }

  private static float[] room(float[] panel, int length) {
    return panel.length < length ? new float[length] : panel;
  }

  /** Makes a block of keys and of values available, in place where they lie in an array. */
  void loadKeys(long row, int count) {
    if (inPlace(k)) {
      keys = k.floatArray().orElseThrow();
      keyOffset = k.floatArrayOffset() + (int) k.rowOffset(row);
      keyStride = (int) k.stride(2);
    } else {
      keyPanel = room(keyPanel, FusedAttention.KEYS * depth);
      for (int j = 0; j < count; j++) {
        copy(k, row + j, depth, keyPanel, j * depth);
      }
      keys = keyPanel;
      keyOffset = 0;
      keyStride = depth;
    }
    if (inPlace(v)) {
      values = v.floatArray().orElseThrow();
      valueOffset = v.floatArrayOffset() + (int) v.rowOffset(row);
      valueStride = (int) v.stride(2);
    } else {
      valuePanel = room(valuePanel, FusedAttention.KEYS * width);
      for (int j = 0; j < count; j++) {
        copy(v, row + j, width, valuePanel, j * width);
      }
      values = valuePanel;
      valueOffset = 0;
      valueStride = width;
    }
  }

  /** Whether rows of numbers are all finite. */
  static boolean finite(float[] numbers, int offset, int stride, int count, int length) {
    for (int j = 0; j < count; j++) {
      final int at = offset + j * stride;
      float nothing = 0;
      for (int c = 0; c < length; c++) {
        nothing += numbers[at + c] * 0f;
      }
      if (nothing != 0) {
        return false;
      }
    }
    return true;
  }

  /** Copies rows into the lanes of a tile, times a factor; unused lanes are 0. */
  void transpose(
      Tensor from, long row, int lanes, int length, float factor, float[] to, int offset) {
    for (int lane = 0; lane < W; lane++) {
      if (lane < lanes) {
        copy(from, row + lane, length, line, 0);
        for (int c = 0; c < length; c++) {
          to[offset + c * W + lane] = line[c] * factor;
        }
      } else {
        for (int c = 0; c < length; c++) {
          to[offset + c * W + lane] = 0;
        }
      }
    }
  }

  /** Scales what one query of a tile has added up. */
  void scaleSums(int tile, int lane, float factor) {
    for (int c = 0; c < width; c++) {
      sums[(tile * width + c) * W + lane] *= factor;
    }
  }

  /** Copies {@link #line} to a row. */
  void storeRow(Tensor to, long row, int length) {
    RowCopy.store(line, 0, length, to, row, 1);
  }

  /** Copies a row. */
  static void copy(Tensor from, long row, int length, float[] to, int offset) {
    RowCopy.load(from, row, 1, to, offset, length);
  }

  private static boolean inPlace(Tensor tensor) {
    return tensor.rowStride() == 1 && tensor.floatArray().isPresent();
  }
}
