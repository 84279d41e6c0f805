package io.steelyard.kernels.attention;

import io.steelyard.kernels.rows.FloatCopy;
import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.simd.AcrossLanesSimd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Panels of one thread, kept between calls so that kernels allocate nothing in steady state. */
final class AttentionWorkspace {

  private static final ThreadLocal<AttentionWorkspace> OWN =
      ThreadLocal.withInitial(AttentionWorkspace::new);

  /** Most numbers for each lane in {@link #statistics}. */
  static final int STATISTICS = 8;

  private static final int W = TileProductsSimd.W;

  /** {@code Q^T} of each tile, scaled. */
  float[] queries = new float[0];

  /** {@code O^T} of each tile. */
  float[] sums = new float[0];

  /** Scores, then weights, of one tile and a block of keys. */
  final float[] tile = new float[FusedAttention.KEYS * W];

  /** Which scores of the tile are hidden, where any can be. */
  final HiddenScoresSimd hidden = new HiddenScoresSimd();

  /** What each lane's weights are relative to, where they are. */
  float[] references = new float[0];

  /** Each lane's sum of weights, where it is needed. */
  float[] totals = new float[0];

  /** One number for each lane. */
  final float[] lanes = new float[W];

  /** What the values of the block are multiplied by, where they are. */
  final float[] temperatures = new float[FusedAttention.KEYS];

  /** What is known of each lane of a tile before its first weight, where weights need that. */
  float[] statistics = new float[0];

  /** Sums that floats are too short for, one for each lane of a tile. */
  double[] wide = new double[0];

  /** Tiles that an attention has kept from its first look at the scores. */
  float[] kept = new float[0];

  /** Room for one vector. */
  final float[] vector = new float[W / 2];

  /** Room for the scores of one query, and for transposing. */
  final float[] vectors = RowProductsSimd.room();

  /** The rows of a tile, before they are spread over its lanes or after. */
  float[] rows = new float[0];

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
  private final FloatCopy copy = new FloatCopy();
  private int depth;
  private int width;
  private int valueCount;
  private Kind valueKind = Kind.UNKNOWN;

  /** What is known of the values of the block. */
  private enum Kind {
    UNKNOWN,
    FINITE,
    MIXED
  }

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
      wide = new double[tiles * W];
      statistics = new float[tiles * STATISTICS * W];
    }
    queries = room(queries, tiles * depth * W);
    sums = room(sums, tiles * width * W);
    line = room(line, Math.max(depth, width));
    rows = room(rows, W * Math.max(depth, width));
  }

  int depth() {
    return depth;
  }

  int width() {
    return width;
  }

  /** {@link #line}, with room for a row. */
  float[] room(int length) {
    line = room(line, length);
    return line;
  }

  private static float[] room(float[] panel, int length) {
    return panel.length < length ? new float[length] : panel;
  }

  /** Makes a block of keys available, in place where they lie in an array. */
  void loadKeys(long row, int count) {
    if (inPlace(k)) {
      keys = k.floatArray().orElseThrow();
      keyOffset = k.floatArrayOffset() + (int) k.rowOffset(row);
      keyStride = (int) k.stride(2);
    } else {
      keyPanel = room(keyPanel, FusedAttention.KEYS * depth);
      load(k, row, count, depth, keyPanel);
      keys = keyPanel;
      keyOffset = 0;
      keyStride = depth;
    }
  }

  /** Makes a block of values available, in place where they lie in an array. */
  void loadValues(long row, int count) {
    valueCount = count;
    valueKind = Kind.UNKNOWN;
    if (inPlace(v)) {
      values = v.floatArray().orElseThrow();
      valueOffset = v.floatArrayOffset() + (int) v.rowOffset(row);
      valueStride = (int) v.stride(2);
    } else {
      valuePanel = room(valuePanel, FusedAttention.KEYS * width);
      load(v, row, count, width, valuePanel);
      values = valuePanel;
      valueOffset = 0;
      valueStride = width;
    }
  }

  /** Copies rows, in one go where they lie one after another. */
  private void load(Tensor from, long row, int count, int length, float[] to) {
    if (from.rowStride() == 1 && from.stride(2) == length) {
      copy.copy(from, from.rowOffset(row), 1, count * length, to, 0);
      return;
    }
    for (int j = 0; j < count; j++) {
      copy(from, row + j, length, to, j * length);
    }
  }

  /** Replaces the keys of the block by their directions, in a panel of our own. */
  void keepDirections(int count) {
    keyPanel = room(keyPanel, FusedAttention.KEYS * depth);
    RowProductsSimd.directions(keys, keyOffset, keyStride, depth, count, keyPanel, vector);
    keys = keyPanel;
    keyOffset = 0;
    keyStride = depth;
  }

  /** Moves the values of the block to a panel of our own, where they can be changed. */
  void ownValues(int count) {
    if (!inPlace(v)) {
      return;
    }
    valuePanel = room(valuePanel, FusedAttention.KEYS * width);
    for (int j = 0; j < count; j++) {
      System.arraycopy(values, valueOffset + j * valueStride, valuePanel, j * width, width);
    }
    values = valuePanel;
    valueOffset = 0;
    valueStride = width;
  }

  /** Makes room to keep what became of {@link #tile} for some keys of some tiles. */
  void keep(int numbers) {
    kept = room(kept, numbers);
  }

  /** Whether the values of the block are all finite: found out once for a block. */
  boolean finiteValues() {
    if (valueKind == Kind.UNKNOWN) {
      final boolean finite =
          RowProductsSimd.finite(values, valueOffset, valueStride, valueCount, width);
      valueKind = finite ? Kind.FINITE : Kind.MIXED;
    }
    return valueKind == Kind.FINITE;
  }

  /**
   * Spreads the first {@code lanes} of {@link #rows} over the lanes of a tile; unused lanes are 0.
   */
  void spread(int lanes, int length, float[] to, int offset) {
    Arrays.fill(rows, lanes * length, W * length, 0);
    AcrossLanesSimd.transpose(rows, 0, length, W, length, to, offset, W, vectors);
  }

  /** Collects what the lanes of a tile hold in {@link #rows}. */
  void collect(float[] from, int offset, int length) {
    AcrossLanesSimd.transpose(from, offset, W, length, W, rows, 0, length, vectors);
  }

  /** Copies rows into the lanes of a tile, times a factor; unused lanes are 0. */
  void transpose(
      Tensor from, long row, int lanes, int length, float factor, float[] to, int offset) {
    for (int lane = 0; lane < lanes; lane++) {
      copy(from, row + lane, length, rows, lane * length);
    }
    for (int i = 0; i < lanes * length; i++) {
      rows[i] *= factor;
    }
    spread(lanes, length, to, offset);
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
  void copy(Tensor from, long row, int length, float[] to, int offset) {
    copy.copy(from, from.rowOffset(row), from.rowStride(), length, to, offset);
  }

  private static boolean inPlace(Tensor tensor) {
    return tensor.rowStride() == 1 && tensor.floatArray().isPresent();
  }
}
