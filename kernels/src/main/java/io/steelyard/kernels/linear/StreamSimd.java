package io.steelyard.kernels.linear;

import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Token by token in float32. A token is added to the sums of its block; every {@link
 * LinearPanels#CAUSAL_BLOCK} tokens those are folded into the others.
 */
final class StreamSimd implements LinearState.Stream {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int W = PanelProductsSimd.W;

  private final LinearState.Shape shape;
  private final Features map;
  private final Readout readout;
  private final double eps;
  private final BlockSums[] sums;

  /** Where in a slab of M the rows of features are that are not 0, and those features. */
  private final int[] rows;

  private final float[] coefficients;

  StreamSimd(LinearState.Shape shape, Features map, Readout readout, double eps) {
    this.shape = shape;
    this.map = map;
    this.readout = readout;
    this.eps = eps;
    sums = new BlockSums[shape.batch() * shape.keyHeads()];
    Arrays.setAll(sums, _ -> new BlockSums());
    rows = new int[map.parts() * shape.depth()];
    coefficients = new float[rows.length];
    reset();
  }

  @Override
  public void step(Tensor q, Tensor k, Tensor v, Tensor o, long tokens) {
    final LinearPanels work = LinearPanels.own();
    work.bind(shape.depth(), shape.width(), map);
    final int group = shape.heads() / shape.keyHeads();
    final boolean full = tokens % LinearPanels.CAUSAL_BLOCK == 0;
    for (int keyHead = 0; keyHead < sums.length; keyHead++) {
      final BlockSums own = sums[keyHead];
      work.loadKeys(k, keyHead, 1, map);
      work.loadValues(v, keyHead, 1);
      int count = select(work, work.keys);
      for (int slab = 0; slab < work.widthStride; slab += W) {
        add(rows, coefficients, count, work.values, slab, own.recent, slab * work.features);
      }
      PanelProductsSimd.addRows(
          work.ones, 1, work.keys, work.features, work.features, own.recent, own.z());
      PanelProductsSimd.addRows(
          work.ones, 1, work.values, work.widthStride, work.widthStride, own.recent, own.u());
      for (int h = keyHead * group; h < (keyHead + 1) * group; h++) {
        work.loadQueries(q, h, 0, 1, map);
        count = select(work, work.queries);
        read(work, own, count, tokens);
        RowCopy.store(work.out, 0, work.widthStride, o, h, 1);
      }
      if (full) {
        own.fold();
      }
    }
  }

  private void read(LinearPanels work, BlockSums own, int count, long tokens) {
    final int stride = work.widthStride;
    for (int slab = 0; slab < stride; slab += W) {
      read(rows, coefficients, count, own, slab * work.features, work.out, slab);
    }
    final float s =
        PanelProductsSimd.dot(work.queries, 0, own.high, own.z(), work.features, work.lanes)
            + PanelProductsSimd.dot(
                work.queries, 0, own.recent, own.z(), work.features, work.lanes);
    work.alphas[0] = LinearJob.finite(readout.alpha(s, tokens, shape.depth(), eps));
    PanelProductsSimd.scaleRows(work.alphas, 1, work.out, work.out, stride, stride);
    if (readout.centred()) {
      work.gammas[0] = -(float) readout.gamma(s, tokens, shape.depth(), eps);
      PanelProductsSimd.addOuter(work.gammas, 1, own.high, own.u(), work.out, stride, stride);
      PanelProductsSimd.addOuter(work.gammas, 1, own.recent, own.u(), work.out, stride, stride);
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

  /** {@code M_f += a_f v} for some rows f of a slab. */
  private static void add(
      int[] rows, float[] factors, int count, float[] v, int column, float[] m, int start) {
    final FloatVector x = FloatVector.fromArray(S, v, column);
    final FloatVector y = FloatVector.fromArray(S, v, column + L);
    for (int i = 0; i < count; i++) {
      final int at = start + rows[i];
      final FloatVector a = FloatVector.broadcast(S, factors[i]);
      x.fma(a, FloatVector.fromArray(S, m, at)).intoArray(m, at);
      y.fma(a, FloatVector.fromArray(S, m, at + L)).intoArray(m, at + L);
    }
  }

  /** {@code o = sum_f a_f M_f} over some rows f of a slab, of both parts of the sums. */
  private static void read(
      int[] rows, float[] factors, int count, BlockSums sums, int start, float[] o, int column) {
    final float[] m = sums.high;
    final float[] n = sums.recent;
    FloatVector x0 = FloatVector.zero(S);
    FloatVector x1 = FloatVector.zero(S);
    FloatVector y0 = FloatVector.zero(S);
    FloatVector y1 = FloatVector.zero(S);
    for (int i = 0; i < count; i++) {
      final int at = start + rows[i];
      final FloatVector a = FloatVector.broadcast(S, factors[i]);
      x0 = FloatVector.fromArray(S, m, at).fma(a, x0);
      x1 = FloatVector.fromArray(S, m, at + L).fma(a, x1);
      y0 = FloatVector.fromArray(S, n, at).fma(a, y0);
      y1 = FloatVector.fromArray(S, n, at + L).fma(a, y1);
    }
    x0.add(y0).intoArray(o, column);
    x1.add(y1).intoArray(o, column + L);
  }

  @Override
  public void reset() {
    for (final BlockSums head : sums) {
      head.clear(
          map.parts() * LinearPanels.padded(shape.depth()), LinearPanels.padded(shape.width()));
    }
  }

  @Override
  public void set(LinearState.Stream other) {
    if (other instanceof StreamSimd same) {
      for (int i = 0; i < sums.length; i++) {
        sums[i].set(same.sums[i]);
      }
    }
  }

  @Override
  public long bytes() {
    long bytes = 0;
    for (final BlockSums head : sums) {
      bytes += head.bytes();
    }
    return bytes;
  }
}
