package io.steelyard.kernels.linear;

import io.steelyard.kernels.attention.Heads;
import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Panels of one thread, kept between calls so that kernels allocate nothing in steady state. */
final class LinearPanels {

  /** Tokens at a time where all keys are seen: the most that are added up in one go. */
  static final int BLOCK = 128;

  /**
   * Tokens at a time of the causal form: the pairs within a block cost more the longer it is, and
   * reading the state between blocks the shorter it is.
   */
  static final int CAUSAL_BLOCK = 64;

  private static final ThreadLocal<LinearPanels> OWN = ThreadLocal.withInitial(LinearPanels::new);
  private static final int W = PanelProductsSimd.W;

  /** D, and the distance of rows of queries and keys. */
  int depth;

  int depthStride;

  /** Distance of rows of features, and how many leading ones of a row can be anything but 0. */
  int features;

  int extent;

  /** Dv, and the distance of rows of values. */
  int width;

  int widthStride;

  /** Queries or keys, before they are mapped. */
  float[] raw = new float[0];

  /** Gradients with respect to them. */
  float[] rawGradients = new float[0];

  /** Features, as rows; packed as left factors, as they are and transposed; and as right ones. */
  float[] queries = new float[0];

  float[] queryGroups = new float[0];
  float[] queryColumns = new float[0];
  float[] turnedQueries = new float[0];
  float[] querySlabs = new float[0];
  float[] keys = new float[0];
  float[] keyGroups = new float[0];
  float[] keyColumns = new float[0];
  float[] keySlabs = new float[0];

  float[] values = new float[0];
  float[] valueGroups = new float[0];
  float[] valueSlabs = new float[0];
  float[] out = new float[0];

  /** Gradients with respect to outputs, as given and times alpha. */
  float[] cotangents = new float[0];

  float[] scaled = new float[0];
  float[] scaledGroups = new float[0];
  float[] turnedScaled = new float[0];
  float[] scaledSlabs = new float[0];

  /** M of {@link BlockSums}, transposed. */
  float[] turnedSums = new float[0];

  /** Gradients with respect to features. */
  float[] gradients = new float[0];

  /** Sums of values up to each token. */
  float[] prefixes = new float[0];

  /** Products of features within a block, a row for each key; packed either way. */
  final float[] scores = new float[CAUSAL_BLOCK * CAUSAL_BLOCK];

  final float[] scoreGroups = new float[CAUSAL_BLOCK * CAUSAL_BLOCK];

  /** Gradients with respect to them. */
  final float[] scoreGradients = new float[CAUSAL_BLOCK * CAUSAL_BLOCK];

  /** One number for each token of a block. */
  final float[] sums = new float[BLOCK];

  final float[] alphas = new float[BLOCK];
  final float[] gammas = new float[BLOCK];
  final float[] sigmas = new float[BLOCK];
  final float[] alphaGradients = new float[BLOCK];
  final float[] gammaGradients = new float[BLOCK];
  final float[] ones = new float[BLOCK];

  /** Squared lengths of rows. */
  final float[] squares = new float[BLOCK];

  /** Room for four vectors. */
  final float[] lanes = new float[2 * W];

  /** One row in double. */
  double[] row = new double[0];

  double[] rowFeatures = new double[0];
  double[] rowGradient = new double[0];

  private LinearPanels() {
    Arrays.fill(ones, 1);
  }

  static LinearPanels own() {
    return OWN.get();
  }

  /** Makes room for the rows of a call. */
  void bind(int newDepth, int newWidth, Features map) {
    final int parts = map.parts();
    if (newDepth == depth && newWidth == width && features == parts * depthStride) {
      return;
    }
    depth = newDepth;
    width = newWidth;
    depthStride = padded(depth);
    widthStride = padded(width);
    features = parts * depthStride;
    extent = features - depthStride + depth;
    // Padding between rows is 0 from here on.
    raw = new float[BLOCK * depthStride];
    rawGradients = new float[BLOCK * depthStride];
    queries = new float[BLOCK * features];
    queryGroups = new float[BLOCK * features];
    queryColumns = new float[BLOCK * features];
    turnedQueries = new float[BLOCK * features];
    querySlabs = new float[BLOCK * features];
    keys = new float[BLOCK * features];
    keyGroups = new float[BLOCK * features];
    keyColumns = new float[BLOCK * features];
    keySlabs = new float[BLOCK * features];
    gradients = new float[BLOCK * features];
    values = new float[BLOCK * widthStride];
    valueGroups = new float[BLOCK * widthStride];
    valueSlabs = new float[BLOCK * widthStride];
    out = new float[BLOCK * widthStride];
    cotangents = new float[BLOCK * widthStride];
    scaled = new float[BLOCK * widthStride];
    scaledGroups = new float[BLOCK * widthStride];
    turnedScaled = new float[BLOCK * widthStride];
    scaledSlabs = new float[BLOCK * widthStride];
    prefixes = new float[BLOCK * widthStride];
    turnedSums = new float[widthStride * features];
    if (row.length != depth || rowFeatures.length != parts * depth) {
      row = new double[depth];
      rowGradient = new double[depth];
      rowFeatures = new double[parts * depth];
    }
  }

  void bind(Heads heads, Features map) {
    bind(heads.depth(), heads.width(), map);
  }

  /** Length of a row with its padding. */
  static int padded(int length) {
    return (length + W - 1) / W * W;
  }

  /** Maps one query. */
  void loadQuery(Tensor q, long row, Features map) {
    RowCopy.load(q, row, 1, raw, 0, depthStride);
    FeaturesSimd.queries(map, this, 1, queries);
  }

  /** Maps queries and packs them; the first of them goes to row {@code first} of the panel. */
  void loadQueries(Tensor q, long row, int first, int count, Features map) {
    Arrays.fill(raw, 0, first * depthStride, 0);
    RowCopy.load(q, row, count, raw, first * depthStride, depthStride);
    FeaturesSimd.queries(map, this, first + count, queries);
    PanelProductsSimd.groupRows(queries, features, first + count, extent, queryGroups, features);
  }

  /** Maps keys. */
  void loadKeys(Tensor k, long row, int count, Features map) {
    RowCopy.load(k, row, count, raw, 0, depthStride);
    FeaturesSimd.keys(map, this, count, keys);
  }

  void loadValues(Tensor v, long row, int count) {
    RowCopy.load(v, row, count, values, 0, widthStride);
    PanelProductsSimd.slabs(values, widthStride, count, widthStride, valueSlabs, BLOCK);
  }

  /** Reads a row of {@link #raw} as double. */
  void readRow(int t) {
    for (int c = 0; c < depth; c++) {
      row[c] = raw[t * depthStride + c];
    }
  }

  /** Writes {@link #rowGradient} to a row of {@link #rawGradients}. */
  void writeRow(int t) {
    for (int c = 0; c < depth; c++) {
      rawGradients[t * depthStride + c] = (float) rowGradient[c];
    }
  }

  /** Reads a row of features, without its padding. */
  void readFeatures(int t, float[] from) {
    for (int f = 0; f < rowFeatures.length; f++) {
      rowFeatures[f] = from[t * features + f / depth * depthStride + f % depth];
    }
  }

  /** Writes a row of features, and 0 to its padding. */
  void writeFeatures(int t, float[] to) {
    for (int f = 0; f < features; f++) {
      final int c = f % depthStride;
      to[t * features + f] = c < depth ? (float) rowFeatures[f / depthStride * depth + c] : 0;
    }
  }
}
