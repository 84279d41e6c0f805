package io.steelyard.kernels.linear;

import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Token by token in float32. A few tokens are kept as they are, and read one by one; when there are
 * {@link #PENDING} of them, the sums take them all in. So most steps read the sums once and write
 * nothing to them.
 */
final class StreamSimd implements LinearState.Stream {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int W = PanelProductsSimd.W;

  /**
   * Tokens that are kept, a multiple of 4. Reading one costs {@code D + Dv} operations a step, and
   * taking some in costs about as much as reading the sums four times.
   */
  private static final int PENDING = 16;

  private final LinearState.Shape shape;
  private final Features map;
  private final Readout readout;
  private final double eps;
  private final Head[] heads;

  /** Where in a slab of M the rows of features are that are not 0, and those features. */
  private final int[] rows;

  private final float[] coefficients;

  StreamSimd(LinearState.Shape shape, Features map, Readout readout, double eps) {
    this.shape = shape;
    this.map = map;
    this.readout = readout;
    this.eps = eps;
    heads = new Head[shape.batch() * shape.keyHeads()];
    Arrays.setAll(
        heads,
        _ ->
            new Head(
                map.parts() * LinearPanels.padded(shape.depth()),
                LinearPanels.padded(shape.width())));
    rows = new int[map.parts() * shape.depth()];
    coefficients = new float[rows.length];
    reset();
  }

  @Override
  public void step(Tensor q, Tensor k, Tensor v, Tensor o, long tokens) {
    final LinearPanels work = LinearPanels.own();
    work.bind(shape.depth(), shape.width(), map);
    final int group = shape.heads() / shape.keyHeads();
    final int pending = (int) ((tokens - 1) % PENDING) + 1;
    for (int keyHead = 0; keyHead < heads.length; keyHead++) {
      final Head head = heads[keyHead];
      work.loadKeys(k, keyHead, 1, map);
      System.arraycopy(work.keys, 0, head.keys, (pending - 1) * work.features, work.features);
      RowCopy.load(v, keyHead, 1, head.values, (pending - 1) * work.widthStride, work.widthStride);
      for (int h = keyHead * group; h < (keyHead + 1) * group; h++) {
        work.loadQuery(q, h, map);
        read(work, head, pending, tokens);
        RowCopy.store(work.out, 0, work.widthStride, o, h, 1);
      }
      if (pending == PENDING) {
        head.fold(work);
      }
    }
  }

  private void read(LinearPanels work, Head head, int pending, long tokens) {
    final int stride = work.widthStride;
    final BlockSums sums = head.sums;
    // As in the causal form, the last tokens come first, while sums are small.
    Arrays.fill(work.sums, 0, pending, 0);
    PanelProductsSimd.dots(
        head.keys,
        work.features,
        work.queries,
        0,
        0,
        pending,
        work.features,
        work.sums,
        work.lanes);
    Arrays.fill(work.out, 0, stride, 0);
    PanelProductsSimd.addRows(work.sums, pending, head.values, stride, stride, work.out, 0);
    float s = 0;
    for (int t = 0; t < pending; t++) {
      s += work.sums[t];
    }
    work.sums[0] = s;
    PanelProductsSimd.dots(
        work.queries, 0, sums.high, sums.z(), 0, 1, work.features, work.sums, work.lanes);
    s = work.sums[0];
    final int count = select(work, work.queries);
    for (int slab = 0; slab < stride; slab += W) {
      read(rows, coefficients, count, sums.high, slab * work.features, work.out, slab);
    }
    work.alphas[0] = LinearJob.finite(readout.alpha(s, tokens, shape.depth(), eps));
    PanelProductsSimd.scaleRows(work.alphas, 1, work.out, work.out, stride, stride);
    if (readout.centred()) {
      Arrays.fill(work.gammas, 0, pending, -(float) readout.gamma(s, tokens, shape.depth(), eps));
      PanelProductsSimd.addRows(work.gammas, pending, head.values, stride, stride, work.out, 0);
      PanelProductsSimd.addOuter(work.gammas, 1, sums.high, sums.u(), work.out, stride, stride);
    }
  }

  /**
   * Finds the features that are not 0: of the two halves of the split form, one of each pair. A
   * count by branches would mispredict at every other sign.
   */
  private int select(LinearPanels work, float[] features) {
    final int depth = work.depth;
    final int half = work.depthStride;
    if (map.parts() == 1) {
      for (int c = 0; c < depth; c++) {
        rows[c] = c * W;
        coefficients[c] = features[c];
      }
      return depth;
    }
    if (map instanceof NalaFeatures(NalaForm form) && form == NalaForm.SPLIT) {
      for (int c = 0; c < depth; c++) {
        final float above = features[c];
        final float below = features[half + c];
        rows[c] = (above == 0 ? half + c : c) * W;
        coefficients[c] = above + below;
      }
      return depth;
    }
    for (int c = 0; c < depth; c++) {
      rows[c] = c * W;
      rows[depth + c] = (half + c) * W;
      coefficients[c] = features[c];
      coefficients[depth + c] = features[half + c];
    }
    return 2 * depth;
  }

  /** {@code o += sum_f a_f M_f} over some rows f of a slab, four sums under way. */
  private static void read(
      int[] rows, float[] factors, int count, float[] m, int start, float[] o, int column) {
    FloatVector x0 = FloatVector.fromArray(S, o, column);
    FloatVector y0 = FloatVector.fromArray(S, o, column + L);
    FloatVector x1 = FloatVector.zero(S);
    FloatVector y1 = FloatVector.zero(S);
    FloatVector x2 = FloatVector.zero(S);
    FloatVector y2 = FloatVector.zero(S);
    FloatVector x3 = FloatVector.zero(S);
    FloatVector y3 = FloatVector.zero(S);
    final int whole = count & -4;
    for (int i = 0; i < whole; i += 4) {
      final int at0 = start + rows[i];
      final FloatVector a0 = FloatVector.broadcast(S, factors[i]);
      x0 = FloatVector.fromArray(S, m, at0).fma(a0, x0);
      y0 = FloatVector.fromArray(S, m, at0 + L).fma(a0, y0);
      final int at1 = start + rows[i + 1];
      final FloatVector a1 = FloatVector.broadcast(S, factors[i + 1]);
      x1 = FloatVector.fromArray(S, m, at1).fma(a1, x1);
      y1 = FloatVector.fromArray(S, m, at1 + L).fma(a1, y1);
      final int at2 = start + rows[i + 2];
      final FloatVector a2 = FloatVector.broadcast(S, factors[i + 2]);
      x2 = FloatVector.fromArray(S, m, at2).fma(a2, x2);
      y2 = FloatVector.fromArray(S, m, at2 + L).fma(a2, y2);
      final int at3 = start + rows[i + 3];
      final FloatVector a3 = FloatVector.broadcast(S, factors[i + 3]);
      x3 = FloatVector.fromArray(S, m, at3).fma(a3, x3);
      y3 = FloatVector.fromArray(S, m, at3 + L).fma(a3, y3);
    }
    for (int i = whole; i < count; i++) {
      final int at = start + rows[i];
      final FloatVector a = FloatVector.broadcast(S, factors[i]);
      x0 = FloatVector.fromArray(S, m, at).fma(a, x0);
      y0 = FloatVector.fromArray(S, m, at + L).fma(a, y0);
    }
    x0.add(x1).add(x2.add(x3)).intoArray(o, column);
    y0.add(y1).add(y2.add(y3)).intoArray(o, column + L);
  }

  @Override
  public void reset() {
    for (final Head head : heads) {
      head.clear();
    }
  }

  @Override
  public void set(LinearState.Stream other) {
    if (other instanceof StreamSimd same) {
      for (int i = 0; i < heads.length; i++) {
        heads[i].set(same.heads[i]);
      }
    }
  }

  @Override
  public long bytes() {
    long bytes = 0;
    for (final Head head : heads) {
      bytes += head.bytes();
    }
    return bytes;
  }

  /** What a key head has seen: sums of whole blocks, and the tokens since. */
  private static final class Head {

    final BlockSums sums = new BlockSums();

    /** Features of the last keys, and their values, as rows. */
    final float[] keys;

    final float[] values;
    private final int features;
    private final int width;

    Head(int features, int width) {
      this.features = features;
      this.width = width;
      keys = new float[PENDING * features];
      values = new float[PENDING * width];
    }

    void clear() {
      sums.clear(features, width);
      Arrays.fill(keys, 0);
      Arrays.fill(values, 0);
    }

    /** Takes a full block of tokens into the sums. */
    void fold(LinearPanels work) {
      System.arraycopy(keys, 0, work.keys, 0, keys.length);
      System.arraycopy(values, 0, work.values, 0, values.length);
      PanelProductsSimd.slabs(
          work.values, width, PENDING, width, work.valueSlabs, LinearPanels.BLOCK);
      sums.add(work, PENDING);
      sums.fold();
    }

    void set(Head other) {
      sums.set(other.sums);
      System.arraycopy(other.keys, 0, keys, 0, keys.length);
      System.arraycopy(other.values, 0, values, 0, values.length);
    }

    long bytes() {
      return sums.bytes() + (long) Float.BYTES * (keys.length + values.length);
    }
  }
}
