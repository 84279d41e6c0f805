package io.steelyard.kernels.attention;

import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.Tensor;

/**
 * What attention to pairs keeps of one thread, and how it walks the keys and values of the second
 * kind that a query sees: block by block where they lie, or, where single ones are masked, gathered
 * once for the query.
 */
final class KroneckerPanels {

  private static final ThreadLocal<KroneckerPanels> OWN =
      ThreadLocal.withInitial(KroneckerPanels::new);

  private static final int W = TileProductsSimd.W;
  private static final int KEYS = FusedAttention.KEYS;

  /** Panels of a tile. */
  final AttentionWorkspace work = AttentionWorkspace.own();

  /** The query. */
  float[] query = new float[0];

  /** What the query has added up. */
  float[] sums = new float[0];

  /** How many keys of the second kind the query sees. */
  int seen;

  /** Which lanes of a tile the query does not see. */
  final boolean[] hidden = new boolean[W];

  private float[] keys = new float[0];
  private float[] values = new float[0];
  private int[] indices = new int[0];
  private boolean gathered;
  private long keyRow;

  private KroneckerPanels() {}

  static KroneckerPanels own() {
    return OWN.get();
  }

  /** Makes room for a call. */
  void bind(Tensor k2, Tensor v2, KroneckerShapes shapes) {
    work.bind(k2, v2, shapes.asHeads(), 1);
    query = LandmarkPanels.room(query, shapes.depth());
    sums = LandmarkPanels.room(sums, shapes.width());
  }

  /** Finds out what of the second kind a query sees. */
  void view(Tensor k2, Tensor v2, KroneckerShapes shapes, RowMask mask, long row, int head) {
    final int visible = (int) mask.visible(row);
    keyRow = (long) head * shapes.second();
    gathered = mask.single();
    if (!gathered) {
      seen = visible;
      return;
    }
    keys = LandmarkPanels.room(keys, (long) shapes.second() * shapes.depth());
    values = LandmarkPanels.room(values, (long) shapes.second() * shapes.width());
    if (indices.length < shapes.second()) {
      indices = new int[shapes.second()];
    }
    seen = 0;
    for (int k = 0; k < visible; k++) {
      if (mask.keeps(row, k)) {
        work.copy(k2, keyRow + k, shapes.depth(), keys, seen * shapes.depth());
        work.copy(v2, keyRow + k, shapes.width(), values, seen * shapes.width());
        indices[seen++] = k;
      }
    }
  }

  /**
   * Makes a block of what the query sees available in {@link #work}.
   *
   * @return how many keys
   */
  int load(int from) {
    final int count = Math.min(KEYS, seen - from);
    if (gathered) {
      work.keys = keys;
      work.keyOffset = from * work.depth();
      work.keyStride = work.depth();
      work.values = values;
      work.valueOffset = from * work.width();
      work.valueStride = work.width();
    } else {
      work.loadKeys(keyRow + from, count);
      work.loadValues(keyRow + from, count);
    }
    return count;
  }

  /** Where a key that the query sees stands among all of the head. */
  int index(int key) {
    return gathered ? indices[key] : key;
  }

  /**
   * Finds out which lanes of a tile of keys of the first kind a query does not see.
   *
   * @return whether it sees any
   */
  boolean hide(RowMask mask, long row, int firstKey, int lanes) {
    final long visible = mask.visible(row);
    boolean any = false;
    for (int lane = 0; lane < W; lane++) {
      final int j = firstKey + lane;
      hidden[lane] = lane >= lanes || j >= visible || (mask.single() && !mask.keeps(row, j));
      any |= !hidden[lane];
    }
    return any;
  }
}
