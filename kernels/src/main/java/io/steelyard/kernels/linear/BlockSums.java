package io.steelyard.kernels.linear;

import java.util.Arrays;

/**
 * The state of linear attention in float32: {@code M = sum_t w_t phi_t v_t^T}, z the sum of
 * features and u that of values. Blocks of tokens are added up by themselves and then folded into
 * sums of two parts, so that a sum over any number of tokens is as good as one over a block.
 */
final class BlockSums {

  /** The sums, rounded: slabs of M, then z, then u. */
  float[] high = new float[0];

  /** What rounding has cost. */
  float[] low = new float[0];

  /** The sums of a block that is not folded in yet. */
  float[] recent = new float[0];

  private int features;
  private int width;

  /** Makes room, and makes all sums 0. */
  void clear(int newFeatures, int newWidth) {
    final int length = newFeatures * newWidth + newFeatures + newWidth;
    if (newFeatures != features || newWidth != width) {
      features = newFeatures;
      width = newWidth;
      if (high.length < length) {
        high = new float[length];
        low = new float[length];
        recent = new float[length];
      }
    }
    Arrays.fill(high, 0, length, 0);
    Arrays.fill(low, 0, length, 0);
    Arrays.fill(recent, 0, length, 0);
  }

  /** Where z starts. */
  int z() {
    return features * width;
  }

  /** Where u starts. */
  int u() {
    return features * width + features;
  }

  private int length() {
    return u() + width;
  }

  /** Adds a block of keys and values. */
  void add(LinearPanels work, int rows) {
    PanelProductsSimd.groupColumns(
        work.keys, features, rows, work.extent, work.keyColumns, LinearPanels.BLOCK);
    addProducts(work, work.keyColumns, work.valueSlabs, rows);
    PanelProductsSimd.addRows(work.ones, rows, work.keys, features, features, recent, z());
    PanelProductsSimd.addRows(work.ones, rows, work.values, width, width, recent, u());
  }

  /** Adds to M alone. */
  void addProducts(LinearPanels work, float[] columns, float[] slabs, int rows) {
    PanelProductsSimd.multiply(
        columns,
        LinearPanels.BLOCK,
        slabs,
        LinearPanels.BLOCK,
        rows,
        recent,
        PanelProductsSimd.W,
        features * PanelProductsSimd.W,
        work.extent,
        width);
  }

  /** Takes the block into the sums. */
  void fold() {
    PanelProductsSimd.fold(recent, high, low, length());
  }

  /** Adds other sums. */
  void fold(BlockSums other) {
    System.arraycopy(other.low, 0, recent, 0, length());
    fold();
    System.arraycopy(other.high, 0, recent, 0, length());
    fold();
  }

  /** {@code out_t += phi_t^T M}, of folded blocks. */
  void read(LinearPanels work, float[] groups, int rows, float[] out) {
    PanelProductsSimd.multiply(
        groups,
        features,
        high,
        features,
        work.extent,
        out,
        width,
        PanelProductsSimd.W,
        rows,
        width);
  }

  /** Writes {@code M^T} in slabs. */
  void turn(float[] to) {
    PanelProductsSimd.turnSlabs(high, features, features, width, to, width);
  }

  /** Takes on what another holds. */
  void set(BlockSums other) {
    clear(other.features, other.width);
    System.arraycopy(other.high, 0, high, 0, length());
    System.arraycopy(other.low, 0, low, 0, length());
    System.arraycopy(other.recent, 0, recent, 0, length());
  }

  /** Bytes held. */
  long bytes() {
    return 3L * Float.BYTES * length();
  }
}
