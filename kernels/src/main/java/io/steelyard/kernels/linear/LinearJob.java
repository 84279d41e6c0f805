package io.steelyard.kernels.linear;

import io.steelyard.kernels.attention.Heads;
import io.steelyard.kernels.dense.GemmSimd;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.rows.RowCopy;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Linear attention in float32.
 *
 * <p>Where every query sees every key: spans of keys are added up on all threads, then the spans of
 * each key head in order, then spans of queries read the sums. How the work is cut depends on
 * shapes alone, so results do not depend on the number of threads; and there are at most {@link
 * #PARTS} spans, however many tokens, or one for each head.
 *
 * <p>Causal: a part is a key head with all queries that use it. Block by block, queries read the
 * sums of the blocks before, and within the block attention is what it says, a masked product of
 * features times values.
 */
final class LinearJob implements Job {

  /** Parts that the work is cut into where there are fewer heads than that. */
  private static final int PARTS = 64;

  /** Least tokens of a span. */
  private static final int SPAN = 8 * LinearPanels.BLOCK;

  private static final int R = PanelProductsSimd.R;
  private static final int W = PanelProductsSimd.W;
  private static final int BLOCK = LinearPanels.BLOCK;
  private static final int CAUSAL_BLOCK = LinearPanels.CAUSAL_BLOCK;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);
  private static final ThreadLocal<LinearJob> OWN = ThreadLocal.withInitial(LinearJob::new);

  private enum Phase {
    CAUSAL,
    KEYS,
    TOTALS,
    QUERIES
  }

  private Heads heads = new Heads(0, 1, 1, 0, 0, 0, 0);
  private Features map = FeatureMap.ELU1.features();
  private Readout readout = Readout.SUM;
  private double eps;
  private Tensor q = NOTHING;
  private Tensor k = NOTHING;
  private Tensor v = NOTHING;
  private Tensor o = NOTHING;
  private Phase phase = Phase.CAUSAL;
  private BlockSums[] sums = new BlockSums[0];
  private int keySpan;
  private int keySpans;
  private int querySpan;
  private int querySpans;

  private LinearJob() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      Heads heads,
      Features map,
      Readout readout,
      LinearOptions options) {
    OWN.get().run(q, k, v, o, heads, map, readout, options);
  }

  private void run(
      Tensor queries,
      Tensor keys,
      Tensor values,
      Tensor out,
      Heads extents,
      Features features,
      Readout read,
      LinearOptions options) {
    if (out.size() == 0) {
      return;
    }
    q = queries;
    k = keys;
    v = values;
    o = out;
    heads = extents;
    map = features;
    readout = read;
    eps = options.eps();
    try {
      final Workers workers = Workers.shared();
      final int keyHeads = heads.batch() * heads.keyHeads();
      final int queryHeads = heads.batch() * heads.heads();
      if (options.causal()) {
        room(keyHeads);
        phase = Phase.CAUSAL;
        workers.run(this, keyHeads, options.threads());
        return;
      }
      keySpan = span(heads.keys(), keyHeads);
      keySpans = Math.max(1, (heads.keys() + keySpan - 1) / keySpan);
      querySpan = span(heads.queries(), queryHeads);
      querySpans = (heads.queries() + querySpan - 1) / querySpan;
      room(keyHeads * keySpans);
      phase = Phase.KEYS;
      workers.run(this, keyHeads * keySpans, options.threads());
      phase = Phase.TOTALS;
      workers.run(this, keySpans == 1 ? 0 : keyHeads, options.threads());
      phase = Phase.QUERIES;
      workers.run(this, queryHeads * querySpans, options.threads());
    } finally {
      q = NOTHING;
      k = NOTHING;
      v = NOTHING;
      o = NOTHING;
    }
  }

  /** Tokens of a span: whole blocks, {@link #PARTS} spans of all heads if they are long enough. */
  static int span(int tokens, int headCount) {
    final int parts = Math.max(1, PARTS / headCount);
    final int even = (tokens + parts - 1) / parts;
    return Math.max(SPAN, (even + BLOCK - 1) / BLOCK * BLOCK);
  }

  private void room(int count) {
    if (sums.length < count) {
      final int old = sums.length;
      sums = Arrays.copyOf(sums, count);
      for (int i = old; i < count; i++) {
        sums[i] = new BlockSums();
      }
    }
  }

  @Override
  public void run(int part) {
    final LinearPanels work = LinearPanels.own();
    work.bind(heads, map);
    switch (phase) {
      case CAUSAL -> causal(work, part);
      case KEYS -> addKeys(work, part);
      case TOTALS -> {
        for (int span = 1; span < keySpans; span++) {
          sums[part * keySpans].fold(sums[part * keySpans + span]);
        }
      }
      case QUERIES -> readQueries(work, part / querySpans, part % querySpans * querySpan);
    }
  }

  private void addKeys(LinearPanels work, int part) {
    final BlockSums own = sums[part];
    own.clear(work.features, work.widthStride);
    final long row = (long) (part / keySpans) * heads.keys();
    final int start = part % keySpans * keySpan;
    final int end = Math.min(heads.keys(), start + keySpan);
    for (int from = start; from < end; from += BLOCK) {
      final int n = Math.min(BLOCK, end - from);
      work.loadKeys(k, row + from, n, map);
      work.loadValues(v, row + from, n);
      own.add(work, n);
      own.fold();
    }
  }

  private void readQueries(LinearPanels work, int head, int start) {
    final long row = (long) head * heads.queries();
    final int keyHead = heads.keyHead(head);
    final BlockSums all = sums[keyHead * keySpans];
    final int end = Math.min(heads.queries(), start + querySpan);
    for (int from = start; from < end; from += BLOCK) {
      final int n = Math.min(BLOCK, end - from);
      work.loadQueries(q, row + from, 0, n, map);
      Arrays.fill(work.out, 0, BLOCK * work.widthStride, 0);
      all.read(work, work.queryGroups, n, work.out);
      Arrays.fill(work.sums, 0);
      sumWeights(work, all, n);
      for (int t = 0; t < n; t++) {
        weigh(work, t, heads.keys());
      }
      finish(work, n);
      if (readout.centred()) {
        PanelProductsSimd.addOuter(
            work.gammas, n, all.high, all.u(), work.out, work.widthStride, work.widthStride);
      }
      RowCopy.store(work.out, 0, work.widthStride, o, row + from, n);
    }
  }

  private void causal(LinearPanels work, int keyHead) {
    final BlockSums before = sums[keyHead];
    before.clear(work.features, work.widthStride);
    final long keyRow = (long) keyHead * heads.keys();
    final int ahead = heads.keys() - heads.queries();
    final int group = heads.heads() / heads.keyHeads();
    for (int h = 0; h < group; h++) {
      clearUnseeing(work, (long) (keyHead * group + h) * heads.queries(), -ahead);
    }
    for (int from = 0; from < heads.keys(); from += CAUSAL_BLOCK) {
      final int n = Math.min(CAUSAL_BLOCK, heads.keys() - from);
      work.loadKeys(k, keyRow + from, n, map);
      work.loadValues(v, keyRow + from, n);
      before.add(work, n);
      // Queries stand beside the last keys.
      final int first = Math.max(0, ahead - from);
      if (first < n) {
        PanelProductsSimd.groupRows(
            work.keys, work.features, n, work.extent, work.keyGroups, work.features);
        for (int h = 0; h < group; h++) {
          final long row = (long) (keyHead * group + h) * heads.queries() + from - ahead + first;
          readCausal(work, before, row, from, first, n);
        }
      }
      before.fold();
    }
  }

  /** Queries before all keys. */
  private void clearUnseeing(LinearPanels work, long row, int count) {
    Arrays.fill(work.out, 0);
    for (int i = 0; i < count; i += BLOCK) {
      RowCopy.store(work.out, 0, work.widthStride, o, row + i, Math.min(BLOCK, count - i));
    }
  }

  private void readCausal(
      LinearPanels work, BlockSums before, long row, int from, int first, int n) {
    final int stride = work.widthStride;
    work.loadQueries(q, row, first, n - first, map);
    PanelProductsSimd.turnGroups(
        work.queryGroups, work.features, n, work.extent, work.turnedQueries, work.features);
    scores(work.keyGroups, work.turnedQueries, work.features, work.extent, n, work.scores);
    // The block comes first, while sums are small: its many terms then cost no precision.
    Arrays.fill(work.sums, 0);
    PanelProductsSimd.addRows(work.ones, n, work.scores, CAUSAL_BLOCK, CAUSAL_BLOCK, work.sums, 0);
    sumWeights(work, before, n);
    // The sum of the block's values tells whether they are all finite.
    final boolean finite = PanelProductsSimd.finite(before.recent, before.u(), stride);
    Arrays.fill(work.out, 0, CAUSAL_BLOCK * stride, 0);
    accumulate(work, work.scores, work.values, work.valueSlabs, stride, finite, n, work.out);
    before.read(work, work.queryGroups, n, work.out);
    for (int t = first; t < n; t++) {
      weigh(work, t, from + t + 1L);
    }
    finish(work, n);
    if (readout.centred()) {
      PanelProductsSimd.prefixes(
          before.high, before.u(), work.values, n, stride, stride, work.prefixes);
      PanelProductsSimd.addScaledRows(work.gammas, n, work.prefixes, work.out, stride, stride);
    }
    RowCopy.store(work.out, first * stride, stride, o, row, n - first);
  }

  /**
   * {@code s_jt = x_j . y_t} for {@code j <= t}, else 0.
   *
   * @param groups x
   * @param turned y, transposed, in slabs
   */
  static void scores(float[] groups, float[] turned, int pitch, int depth, int n, float[] s) {
    Arrays.fill(s, 0);
    for (int j = 0; j < n; j += R) {
      for (int t = j / W * W; t < n; t += W) {
        GemmSimd.multiply(
            groups, j * pitch, turned, t * pitch, depth, s, j * CAUSAL_BLOCK + t, CAUSAL_BLOCK);
      }
      for (int i = j; i < j + R; i++) {
        Arrays.fill(s, i * CAUSAL_BLOCK, i * CAUSAL_BLOCK + i, 0);
      }
    }
  }

  /**
   * {@code c_t += sum_{j <= t} s_jt b_j}.
   *
   * @param b as rows, {@code stride} apart like those of c
   * @param slabs b
   * @param finite whether all of b is: else pairs that do not see each other are left out one by
   *     one, since a weight of 0 does not silence a NaN
   */
  static void accumulate(
      LinearPanels work,
      float[] s,
      float[] b,
      float[] slabs,
      int stride,
      boolean finite,
      int n,
      float[] c) {
    if (finite) {
      PanelProductsSimd.groupColumns(s, CAUSAL_BLOCK, n, n, work.scoreGroups, CAUSAL_BLOCK);
      for (int x = 0; x < stride; x += W) {
        for (int t = 0; t < n; t += R) {
          GemmSimd.multiply(
              work.scoreGroups,
              t * CAUSAL_BLOCK,
              slabs,
              x * BLOCK,
              Math.min(n, t + R),
              c,
              t * stride + x,
              stride);
        }
      }
      return;
    }
    // In the order of the product above, so that what is not seen does not change a bit.
    for (int t = 0; t < n; t++) {
      for (int x = 0; x < stride; x++) {
        float sum = 0;
        for (int j = 0; j <= t; j++) {
          sum = Math.fma(s[j * CAUSAL_BLOCK + t], b[j * stride + x], sum);
        }
        c[t * stride + x] += sum;
      }
    }
  }

  private static void sumWeights(LinearPanels work, BlockSums all, int n) {
    PanelProductsSimd.dots(
        work.queries, work.features, all.high, all.z(), 0, n, work.features, work.sums, work.lanes);
  }

  private void weigh(LinearPanels work, int t, long keys) {
    work.alphas[t] = finite(readout.alpha(work.sums[t], keys, heads.depth(), eps));
    work.gammas[t] = -(float) readout.gamma(work.sums[t], keys, heads.depth(), eps);
  }

  /** A factor that is too large for a float belongs to a sum that counts as 0. */
  static float finite(double alpha) {
    return Math.abs(alpha) > Float.MAX_VALUE ? 0 : (float) alpha;
  }

  private static void finish(LinearPanels work, int n) {
    PanelProductsSimd.scaleRows(
        work.alphas, n, work.out, work.out, work.widthStride, work.widthStride);
  }
}
