package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Panels of one thread for attention through landmarks, kept between calls. */
final class LandmarkPanels {

  private static final ThreadLocal<LandmarkPanels> OWN =
      ThreadLocal.withInitial(LandmarkPanels::new);

  private static final int W = TileProductsSimd.W;

  /** Queries and outputs of a tile of tokens. */
  final AttentionWorkspace work = AttentionWorkspace.own();

  /** What is small. */
  final LandmarkCore core = new LandmarkCore();

  /** D rounded up to whole tiles of lanes: extent of a row in the panels of rows. */
  int depth;

  /** Dv rounded up likewise. */
  int width;

  /** {@code P^T}: a row of lanes for each landmark. */
  float[] weights = new float[0];

  /** {@code dP^T}, then {@code dP P} transposed. */
  float[] gradients = new float[0];

  /** A second product to be added to the gradients. */
  float[] others = new float[0];

  /** Queries of the tile, scaled, as rows. */
  float[] queryRows = new float[0];

  /** Values of the tile, as rows and across lanes. */
  float[] valueRows = new float[0];

  float[] values = new float[0];

  /** Cotangents of the tile, likewise. */
  float[] cotangentRows = new float[0];

  float[] cotangents = new float[0];

  /** {@code dQ^T} of the tile. */
  float[] queryGradients = new float[0];

  /** Sums over tokens, a row for each landmark: of values; of cotangents; of queries. */
  float[] valueSums = new float[0];

  float[] cotangentSums = new float[0];
  float[] querySums = new float[0];

  /** Sums over tokens of the gradients of scores, pair of landmark and lane by pair. */
  float[] gradientSums = new float[0];

  private LandmarkPanels() {}

  static LandmarkPanels own() {
    return OWN.get();
  }

  /** Makes room for a call. */
  void bind(Tensor landmarks, Tensor v, LandmarkShapes shapes) {
    work.bind(landmarks, v, shapes.asHeads(), 1);
    depth = (shapes.depth() + W - 1) / W * W;
    width = (shapes.width() + W - 1) / W * W;
    final long m = shapes.landmarks();
    weights = room(weights, m * W);
    valueRows = room(valueRows, (long) W * width);
    valueSums = room(valueSums, m * width);
  }

  /** Makes room for gradients. */
  void bindGradients(LandmarkShapes shapes) {
    final long m = shapes.landmarks();
    gradients = room(gradients, m * W);
    others = room(others, m * W);
    queryRows = room(queryRows, (long) W * depth);
    values = room(values, (long) shapes.width() * W);
    cotangentRows = room(cotangentRows, (long) W * width);
    cotangents = room(cotangents, (long) shapes.width() * W);
    queryGradients = room(queryGradients, (long) shapes.depth() * W);
    cotangentSums = room(cotangentSums, m * width);
    querySums = room(querySums, m * depth);
    gradientSums = room(gradientSums, m * W);
  }

  /** Copies rows of a tile, {@code stride} apart and filled up with 0, times a factor. */
  static void rows(
      Tensor from, long row, int lanes, int extent, float factor, float[] to, int stride) {
    final AttentionWorkspace work = AttentionWorkspace.own();
    for (int lane = 0; lane < lanes; lane++) {
      final int at = lane * stride;
      work.copy(from, row + lane, extent, to, at);
      for (int c = 0; factor != 1 && c < extent; c++) {
        to[at + c] *= factor;
      }
      Arrays.fill(to, at + extent, at + stride, 0);
    }
  }

  /** Turns rows into lanes; unused lanes are 0. */
  static void across(float[] rows, int stride, int lanes, int extent, float[] to) {
    for (int lane = 0; lane < W; lane++) {
      for (int c = 0; c < extent; c++) {
        to[c * W + lane] = lane < lanes ? rows[lane * stride + c] : 0;
      }
    }
  }

  static float[] room(float[] panel, long length) {
    return panel.length < length ? new float[Math.toIntExact(length)] : panel;
  }
}
