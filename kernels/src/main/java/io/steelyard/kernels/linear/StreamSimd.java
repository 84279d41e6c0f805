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
 * nothing to them. All that a query is multiplied with lies as one reads it: keys across lanes, z
 * beside them, and values as further rows of M, u above them.
 */
final class StreamSimd implements LinearState.Stream {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int W = PanelProductsSimd.W;

  /** Products of a query with the keys that are kept, and with z: whole vectors of any width. */
  private static final int LANES = 16;

  /**
   * Tokens that are kept. Reading one costs {@code Dv} operations a step, and taking some in costs
   * about as much as reading the sums four times.
   */
  private static final int PENDING = LANES - 1;

  /** Where in a slab the rows of all tokens that are kept are. */
  private static final int[] FIRST = new int[PENDING];

  static {
    Arrays.setAll(FIRST, t -> t * W);
  }

  private final LinearState.Shape shape;
  private final Features map;
  private final Readout readout;
  private final double eps;
  private final Head[] heads;

  /** Where in a slab of M the rows of features are that may not be 0, and those features. */
  private final int[] rows;

  private final float[] coefficients;

  /** The same of the values that are kept, and of u. */
  private final int[] lastRows = new int[LANES];

  private final float[] lastCoefficients = new float[LANES];

  /** Products of a query. */
  private final float[] products = new float[LANES];

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
    final int depthStride = LinearPanels.padded(shape.depth());
    rows = new int[map.parts() * shape.depth()];
    Arrays.setAll(rows, f -> (f / shape.depth() * depthStride + f % shape.depth()) * W);
    coefficients = new float[rows.length];
    reset();
  }

  @Override
  public void step(Tensor q, Tensor k, Tensor v, Tensor o, long tokens) {
    final LinearPanels work = LinearPanels.own();
    work.bind(shape.depth(), shape.width(), map);
    final int pending = (int) ((tokens - 1) % PENDING) + 1;
    // Heads side by side are mapped in one go: of one head alone, calls would cost more than work.
    for (int b = 0; b < shape.batch(); b++) {
      for (int first = 0; first < shape.keyHeads(); first += LinearPanels.BLOCK) {
        final int count = Math.min(LinearPanels.BLOCK, shape.keyHeads() - first);
        keep(work, k, v, b * shape.keyHeads() + first, count, pending - 1);
      }
      for (int first = 0; first < shape.heads(); first += LinearPanels.BLOCK) {
        final int count = Math.min(LinearPanels.BLOCK, shape.heads() - first);
        read(work, q, o, b * shape.heads() + first, count, pending, tokens);
      }
    }
    if (pending == PENDING) {
      for (final Head head : heads) {
        head.fold(work);
      }
    }
  }

  private void keep(LinearPanels work, Tensor k, Tensor v, int first, int count, int slot) {
    work.loadKeys(k, first, count, map);
    RowCopy.load(v, first, count, work.values, 0, work.widthStride);
    for (int i = 0; i < count; i++) {
      heads[first + i].keep(work, i, slot);
    }
  }

  private void read(
      LinearPanels work, Tensor q, Tensor o, int first, int count, int pending, long tokens) {
    final int group = shape.heads() / shape.keyHeads();
    RowCopy.load(q, first, count, work.raw, 0, work.depthStride);
    FeaturesSimd.queries(map, work, count, work.queries);
    Arrays.fill(work.out, 0, count * work.widthStride, 0);
    for (int i = 0; i < count; i++) {
      read(work, heads[(first + i) / group], i, pending, tokens);
    }
    RowCopy.store(work.out, 0, work.widthStride, o, first, count);
  }

  private void read(LinearPanels work, Head head, int i, int pending, long tokens) {
    final BlockSums sums = head.sums;
    for (int lane = 0; lane < LANES; lane += L) {
      products(work.queries, i * work.features, work.features, head.keys, products, lane);
    }
    // As in the causal form, the last tokens come first, while sums are small.
    float s = 0;
    for (int t = 0; t < pending; t++) {
      s += products[t];
    }
    s += products[PENDING];
    final float alpha = LinearJob.finite(readout.alpha(s, tokens, shape.depth(), eps));
    final float gamma =
        readout.centred() ? (float) readout.gamma(s, tokens, shape.depth(), eps) : 0;
    for (int t = 0; t < pending; t++) {
      lastRows[t] = t * W;
      lastCoefficients[t] = alpha * products[t] - gamma;
    }
    lastRows[pending] = PENDING * W;
    lastCoefficients[pending] = -gamma;
    final int used = select(work, i * work.features, alpha);
    final int last = readout.centred() ? pending + 1 : pending;
    final int pitch = work.features * W;
    final int out = i * work.widthStride;
    final int slabs = work.widthStride / W;
    int slab = 0;
    for (; slab < slabs - 1; slab += 2) {
      final int to = out + slab * W;
      add2(
          lastRows,
          lastCoefficients,
          last,
          head.last,
          slab * LANES * W,
          (slab + 1) * LANES * W,
          work.out,
          to);
      add2(rows, coefficients, used, sums.high, slab * pitch, (slab + 1) * pitch, work.out, to);
    }
    if (slab < slabs) {
      final int to = out + slab * W;
      add(lastRows, lastCoefficients, last, head.last, slab * LANES * W, work.out, to);
      add(rows, coefficients, used, sums.high, slab * pitch, work.out, to);
    }
  }

  /**
   * Finds the features that may not be 0: of the two halves of the split form, one of each pair. A
   * count by branches would mispredict at every other sign.
   */
  private int select(LinearPanels work, int at, float factor) {
    final int depth = work.depth;
    final int half = work.depthStride;
    final float[] features = work.queries;
    if (map instanceof NalaFeatures(NalaForm form) && form == NalaForm.SPLIT) {
      for (int c = 0; c < depth; c++) {
        final float above = features[at + c];
        final float below = features[at + half + c];
        rows[c] = (above == 0 ? half + c : c) * W;
        coefficients[c] = factor * (above + below);
      }
      return depth;
    }
    for (int part = 0; part < map.parts(); part++) {
      final int start = at + part * half;
      for (int c = 0; c < depth; c++) {
        coefficients[part * depth + c] = factor * features[start + c];
      }
    }
    return rows.length;
  }

  /** Products of a query with some lanes of keys, four sums under way. */
  private static void products(
      float[] q, int at, int features, float[] keys, float[] to, int lane) {
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    FloatVector c = FloatVector.zero(S);
    FloatVector d = FloatVector.zero(S);
    for (int f = 0; f < features; f += 4) {
      final int from = f * LANES + lane;
      a = FloatVector.fromArray(S, keys, from).fma(FloatVector.broadcast(S, q[at + f]), a);
      b =
          FloatVector.fromArray(S, keys, from + LANES)
              .fma(FloatVector.broadcast(S, q[at + f + 1]), b);
      c =
          FloatVector.fromArray(S, keys, from + 2 * LANES)
              .fma(FloatVector.broadcast(S, q[at + f + 2]), c);
      d =
          FloatVector.fromArray(S, keys, from + 3 * LANES)
              .fma(FloatVector.broadcast(S, q[at + f + 3]), d);
    }
    a.add(b).add(c.add(d)).intoArray(to, lane);
  }

  /** {@code o += sum_i a_i M_i} over some rows of two slabs, two sums of each under way. */
  private static void add2(
      int[] rows, float[] factors, int end, float[] m, int left, int right, float[] o, int to) {
    FloatVector x0 = FloatVector.fromArray(S, o, to);
    FloatVector y0 = FloatVector.fromArray(S, o, to + L);
    FloatVector z0 = FloatVector.fromArray(S, o, to + W);
    FloatVector w0 = FloatVector.fromArray(S, o, to + W + L);
    FloatVector x1 = FloatVector.zero(S);
    FloatVector y1 = FloatVector.zero(S);
    FloatVector z1 = FloatVector.zero(S);
    FloatVector w1 = FloatVector.zero(S);
    int i = 0;
    for (; i < end - 1; i += 2) {
      final int row0 = rows[i];
      final FloatVector a0 = FloatVector.broadcast(S, factors[i]);
      x0 = FloatVector.fromArray(S, m, left + row0).fma(a0, x0);
      y0 = FloatVector.fromArray(S, m, left + row0 + L).fma(a0, y0);
      z0 = FloatVector.fromArray(S, m, right + row0).fma(a0, z0);
      w0 = FloatVector.fromArray(S, m, right + row0 + L).fma(a0, w0);
      final int row1 = rows[i + 1];
      final FloatVector a1 = FloatVector.broadcast(S, factors[i + 1]);
      x1 = FloatVector.fromArray(S, m, left + row1).fma(a1, x1);
      y1 = FloatVector.fromArray(S, m, left + row1 + L).fma(a1, y1);
      z1 = FloatVector.fromArray(S, m, right + row1).fma(a1, z1);
      w1 = FloatVector.fromArray(S, m, right + row1 + L).fma(a1, w1);
    }
    if (i < end) {
      final int row = rows[i];
      final FloatVector a = FloatVector.broadcast(S, factors[i]);
      x0 = FloatVector.fromArray(S, m, left + row).fma(a, x0);
      y0 = FloatVector.fromArray(S, m, left + row + L).fma(a, y0);
      z0 = FloatVector.fromArray(S, m, right + row).fma(a, z0);
      w0 = FloatVector.fromArray(S, m, right + row + L).fma(a, w0);
    }
    x0.add(x1).intoArray(o, to);
    y0.add(y1).intoArray(o, to + L);
    z0.add(z1).intoArray(o, to + W);
    w0.add(w1).intoArray(o, to + W + L);
  }

  /** As {@link #add2}, of one slab. */
  private static void add(
      int[] rows, float[] factors, int end, float[] m, int left, float[] o, int to) {
    FloatVector x0 = FloatVector.fromArray(S, o, to);
    FloatVector y0 = FloatVector.fromArray(S, o, to + L);
    FloatVector x1 = FloatVector.zero(S);
    FloatVector y1 = FloatVector.zero(S);
    int i = 0;
    for (; i < end - 1; i += 2) {
      final int row0 = left + rows[i];
      final FloatVector a0 = FloatVector.broadcast(S, factors[i]);
      x0 = FloatVector.fromArray(S, m, row0).fma(a0, x0);
      y0 = FloatVector.fromArray(S, m, row0 + L).fma(a0, y0);
      final int row1 = left + rows[i + 1];
      final FloatVector a1 = FloatVector.broadcast(S, factors[i + 1]);
      x1 = FloatVector.fromArray(S, m, row1).fma(a1, x1);
      y1 = FloatVector.fromArray(S, m, row1 + L).fma(a1, y1);
    }
    if (i < end) {
      final int row = left + rows[i];
      final FloatVector a = FloatVector.broadcast(S, factors[i]);
      x0 = FloatVector.fromArray(S, m, row).fma(a, x0);
      y0 = FloatVector.fromArray(S, m, row + L).fma(a, y0);
    }
    x0.add(x1).intoArray(o, to);
    y0.add(y1).intoArray(o, to + L);
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

    /** Features of the last keys, and z: {@link #LANES} numbers for each feature. */
    final float[] keys;

    /** Slabs of {@link #LANES} rows: the last values, and u. */
    final float[] last;

    /** Features of the last keys as rows, as the sums take them in. */
    private final float[] keyRows;

    private final int features;
    private final int width;

    Head(int features, int width) {
      this.features = features;
      this.width = width;
      keys = new float[LANES * features];
      last = new float[LANES * width];
      keyRows = new float[PENDING * features];
    }

    void clear() {
      sums.clear(features, width);
      Arrays.fill(keys, 0);
      Arrays.fill(last, 0);
      Arrays.fill(keyRows, 0);
    }

    /** Keeps row i of the panels. */
    void keep(LinearPanels work, int i, int slot) {
      System.arraycopy(work.keys, i * features, keyRows, slot * features, features);
      for (int f = 0; f < features; f++) {
        keys[f * LANES + slot] = work.keys[i * features + f];
      }
      for (int c = 0; c < width; c += W) {
        System.arraycopy(work.values, i * width + c, last, c * LANES + slot * W, W);
      }
    }

    /** Takes a full block of tokens into the sums. */
    void fold(LinearPanels work) {
      PanelProductsSimd.groupColumns(
          keyRows, features, PENDING, work.extent, work.keyColumns, LinearPanels.BLOCK);
      PanelProductsSimd.multiply(
          work.keyColumns,
          LinearPanels.BLOCK,
          last,
          LANES,
          PENDING,
          sums.recent,
          W,
          features * W,
          work.extent,
          width);
      PanelProductsSimd.addRows(
          work.ones, PENDING, keyRows, features, features, sums.recent, sums.z());
      for (int c = 0; c < width; c += W) {
        add(FIRST, work.ones, PENDING, last, c * LANES, sums.recent, sums.u() + c);
      }
      sums.fold();
      for (int f = 0; f < features; f++) {
        keys[f * LANES + PENDING] = sums.high[sums.z() + f];
      }
      for (int c = 0; c < width; c += W) {
        System.arraycopy(sums.high, sums.u() + c, last, c * LANES + PENDING * W, W);
      }
    }

    void set(Head other) {
      sums.set(other.sums);
      System.arraycopy(other.keys, 0, keys, 0, keys.length);
      System.arraycopy(other.last, 0, last, 0, last.length);
      System.arraycopy(other.keyRows, 0, keyRows, 0, keyRows.length);
    }

    long bytes() {
      return sums.bytes() + (long) Float.BYTES * (keys.length + last.length + keyRows.length);
    }
  }
}
