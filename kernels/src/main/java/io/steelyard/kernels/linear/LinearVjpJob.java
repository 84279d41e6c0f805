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
 * Gradients of linear attention in float32.
 *
 * <p>With {@code g_i} the gradient of an output, {@code sigma_i} that of its sum of weights, and
 * {@code h_i = alpha_i g_i}: {@code dphi_i = M_i h_i + sigma_i z_i}; and with the sums over the
 * queries that see key j, {@code R_j = sum phi_i h_i^T}, {@code r_j = sum sigma_i phi_i}, {@code
 * w_j = -sum gamma_i g_i}: {@code dpsi_j = R_j v_j + r_j}, {@code dv_j = R_j^T psi_j + w_j}. So
 * keys read what queries have added up just as queries read keys, and the causal form runs over the
 * blocks once forwards and once backwards. Between the two it keeps alpha, sigma and gamma of every
 * query.
 */
final class LinearVjpJob implements Job {

  private static final int R = PanelProductsSimd.R;
  private static final int W = PanelProductsSimd.W;
  private static final int BLOCK = LinearPanels.BLOCK;
  private static final int CAUSAL_BLOCK = LinearPanels.CAUSAL_BLOCK;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);
  private static final ThreadLocal<LinearVjpJob> OWN = ThreadLocal.withInitial(LinearVjpJob::new);

  private enum Phase {
    CAUSAL,
    KEYS,
    TOTALS,
    QUERIES,
    QUERY_TOTALS,
    KEY_GRADIENTS
  }

  private Heads heads = new Heads(0, 1, 1, 0, 0, 0, 0);
  private Features map = FeatureMap.ELU1.features();
  private Readout readout = Readout.SUM;
  private double eps;
  private Tensor q = NOTHING;
  private Tensor k = NOTHING;
  private Tensor v = NOTHING;
  private Tensor g = NOTHING;
  private Tensor dq = NOTHING;
  private Tensor dk = NOTHING;
  private Tensor dv = NOTHING;
  private Phase phase = Phase.CAUSAL;
  private BlockSums[] keySums = new BlockSums[0];
  private BlockSums[] querySums = new BlockSums[0];
  private float[] alphas = new float[0];
  private float[] sigmas = new float[0];
  private float[] gammas = new float[0];
  private int group;
  private int keySpan;
  private int keySpans;
  private int querySpan;
  private int querySpans;

  private LinearVjpJob() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Heads heads,
      Features map,
      Readout readout,
      LinearOptions options) {
    final LinearVjpJob job = OWN.get();
    job.q = q;
    job.k = k;
    job.v = v;
    job.g = cotangent;
    job.dq = dq;
    job.dk = dk;
    job.dv = dv;
    try {
      job.run(heads, map, readout, options);
    } finally {
      job.q = NOTHING;
      job.k = NOTHING;
      job.v = NOTHING;
      job.g = NOTHING;
      job.dq = NOTHING;
      job.dk = NOTHING;
      job.dv = NOTHING;
    }
  }

  private void run(Heads extents, Features features, Readout read, LinearOptions options) {
    heads = extents;
    map = features;
    readout = read;
    eps = options.eps();
    final int keyHeads = heads.batch() * heads.keyHeads();
    final int queryHeads = heads.batch() * heads.heads();
    if (keyHeads == 0) {
      return;
    }
    group = queryHeads / keyHeads;
    final Workers workers = Workers.shared();
    if (options.causal()) {
      keySums = room(keySums, keyHeads);
      querySums = room(querySums, keyHeads);
      final int rows = Math.multiplyExact(queryHeads, heads.queries());
      if (alphas.length < rows) {
        alphas = new float[rows];
        sigmas = new float[rows];
        gammas = new float[rows];
      }
      phase = Phase.CAUSAL;
      workers.run(this, keyHeads, options.threads());
      return;
    }
    keySpan = LinearJob.span(heads.keys(), keyHeads);
    keySpans = Math.max(1, (heads.keys() + keySpan - 1) / keySpan);
    querySpan = LinearJob.span(heads.queries(), Math.max(1, queryHeads));
    querySpans = Math.max(1, (heads.queries() + querySpan - 1) / querySpan);
    keySums = room(keySums, keyHeads * keySpans);
    querySums = room(querySums, Math.max(keyHeads, queryHeads * querySpans));
    run(workers, Phase.KEYS, keyHeads * keySpans, options);
    run(workers, Phase.TOTALS, keyHeads, options);
    run(workers, Phase.QUERIES, queryHeads * querySpans, options);
    run(workers, Phase.QUERY_TOTALS, keyHeads, options);
    run(workers, Phase.KEY_GRADIENTS, keyHeads * keySpans, options);
  }

  private void run(Workers workers, Phase next, int parts, LinearOptions options) {
    phase = next;
    workers.run(this, parts, options.threads());
  }

  private static BlockSums[] room(BlockSums[] sums, int count) {
    if (sums.length >= count) {
      return sums;
    }
    final BlockSums[] more = Arrays.copyOf(sums, count);
    for (int i = sums.length; i < count; i++) {
      more[i] = new BlockSums();
    }
    return more;
  }

  @Override
  public void run(int part) {
    final LinearPanels work = LinearPanels.own();
    work.bind(heads, map);
    switch (phase) {
      case CAUSAL -> {
        forwards(work, part);
        backwards(work, part);
      }
      case KEYS -> addKeys(work, part);
      case TOTALS -> {
        for (int span = 1; span < keySpans; span++) {
          keySums[part * keySpans].fold(keySums[part * keySpans + span]);
        }
      }
      case QUERIES -> queries(work, part);
      case QUERY_TOTALS -> {
        final int spans = group * querySpans;
        if (spans == 0) {
          querySums[part].clear(work.features, work.widthStride);
        }
        for (int span = 1; span < spans; span++) {
          querySums[part * spans].fold(querySums[part * spans + span]);
        }
      }
      case KEY_GRADIENTS -> keyGradients(work, part);
    }
  }

  private void addKeys(LinearPanels work, int part) {
    final BlockSums own = keySums[part];
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

  private void queries(LinearPanels work, int part) {
    final int head = part / querySpans;
    final BlockSums all = keySums[heads.keyHead(head) * keySpans];
    final BlockSums own = querySums[part];
    own.clear(work.features, work.widthStride);
    all.turn(work.turnedSums);
    final int stride = work.widthStride;
    final long row = (long) head * heads.queries();
    final int start = part % querySpans * querySpan;
    final int end = Math.min(heads.queries(), start + querySpan);
    for (int from = start; from < end; from += BLOCK) {
      final int n = Math.min(BLOCK, end - from);
      beginQueries(work, all, row + from, 0, n);
      Arrays.fill(work.gammaGradients, 0);
      if (readout.centred()) {
        PanelProductsSimd.dots(
            work.cotangents,
            stride,
            all.high,
            all.u(),
            0,
            n,
            stride,
            work.gammaGradients,
            work.lanes);
      }
      for (int t = 0; t < n; t++) {
        weigh(work, t, heads.keys());
      }
      beginQueryGradients(work, all, n);
      endQueryGradients(work, row + from, 0, n);
      addQueries(work, own, n);
      own.fold();
    }
  }

  private void keyGradients(LinearPanels work, int part) {
    final int keyHead = part / keySpans;
    final BlockSums all = querySums[keyHead * group * querySpans];
    all.turn(work.turnedSums);
    final long row = (long) keyHead * heads.keys();
    final int start = part % keySpans * keySpan;
    final int end = Math.min(heads.keys(), start + keySpan);
    for (int from = start; from < end; from += BLOCK) {
      final int n = Math.min(BLOCK, end - from);
      loadBlock(work, row + from, n);
      beginKeyGradients(work, all, n);
      endKeyGradients(work, row + from, n);
    }
  }

  private void forwards(LinearPanels work, int keyHead) {
    final BlockSums before = keySums[keyHead];
    before.clear(work.features, work.widthStride);
    final long keyRow = (long) keyHead * heads.keys();
    final int ahead = heads.keys() - heads.queries();
    for (int h = 0; h < group; h++) {
      clearUnseeing(work, ((long) keyHead * group + h) * heads.queries(), -ahead);
    }
    for (int from = 0; from < heads.keys(); from += CAUSAL_BLOCK) {
      final int n = Math.min(CAUSAL_BLOCK, heads.keys() - from);
      loadBlock(work, keyRow + from, n);
      before.add(work, n);
      final int first = Math.max(0, ahead - from);
      if (first < n) {
        before.turn(work.turnedSums);
        for (int h = 0; h < group; h++) {
          final long row = ((long) keyHead * group + h) * heads.queries() + from - ahead + first;
          queryBlock(work, before, row, from, first, n);
        }
      }
      before.fold();
    }
  }

  /** Queries before all keys get no gradient. */
  private void clearUnseeing(LinearPanels work, long row, int count) {
    Arrays.fill(work.rawGradients, 0);
    for (int i = 0; i < count; i += BLOCK) {
      RowCopy.store(
          work.rawGradients, 0, work.depthStride, dq, row + i, Math.min(BLOCK, count - i));
    }
  }

  private void loadBlock(LinearPanels work, long row, int n) {
    work.loadKeys(k, row, n, map);
    work.loadValues(v, row, n);
    PanelProductsSimd.groupRows(
        work.keys, work.features, n, work.extent, work.keyGroups, work.features);
    PanelProductsSimd.groupRows(
        work.values, work.widthStride, n, work.width, work.valueGroups, work.widthStride);
  }

  private void queryBlock(
      LinearPanels work, BlockSums before, long row, int from, int first, int n) {
    final int stride = work.widthStride;
    beginQueries(work, before, row, first, n);
    scores(work, n);
    PanelProductsSimd.addRows(work.ones, n, work.scores, CAUSAL_BLOCK, CAUSAL_BLOCK, work.sums, 0);
    final boolean valuesFinite = PanelProductsSimd.finite(before.recent, before.u(), stride);
    // Within the block: its share of m, whose product with the cotangent is all that is needed.
    Arrays.fill(work.out, 0, CAUSAL_BLOCK * stride, 0);
    LinearJob.accumulate(
        work, work.scores, work.values, work.valueSlabs, stride, valuesFinite, n, work.out);
    PanelProductsSimd.dots(
        work.cotangents, stride, work.out, 0, stride, n, stride, work.alphaGradients, work.lanes);
    Arrays.fill(work.gammaGradients, 0);
    if (readout.centred()) {
      PanelProductsSimd.prefixes(
          before.high, before.u(), work.values, n, stride, stride, work.prefixes);
      PanelProductsSimd.dots(
          work.cotangents,
          stride,
          work.prefixes,
          0,
          stride,
          n,
          stride,
          work.gammaGradients,
          work.lanes);
    }
    for (int t = first; t < n; t++) {
      weigh(work, t, from + t + 1L);
      final int at = (int) row + t - first;
      alphas[at] = work.alphas[t];
      sigmas[at] = work.sigmas[t];
      gammas[at] = work.gammas[t];
    }
    beginQueryGradients(work, before, n);
    scoreGradients(work, n);
    final boolean keysFinite = PanelProductsSimd.finite(before.recent, before.z(), work.features);
    PanelProductsSimd.slabs(work.keys, work.features, n, work.features, work.keySlabs, BLOCK);
    LinearJob.accumulate(
        work,
        work.scoreGradients,
        work.keys,
        work.keySlabs,
        work.features,
        keysFinite,
        n,
        work.gradients);
    endQueryGradients(work, row, first, n);
  }

  private void backwards(LinearPanels work, int keyHead) {
    final BlockSums after = querySums[keyHead];
    after.clear(work.features, work.widthStride);
    final long keyRow = (long) keyHead * heads.keys();
    final int ahead = heads.keys() - heads.queries();
    final int blocks = (heads.keys() + CAUSAL_BLOCK - 1) / CAUSAL_BLOCK;
    for (int block = blocks - 1; block >= 0; block--) {
      final int from = block * CAUSAL_BLOCK;
      final int n = Math.min(CAUSAL_BLOCK, heads.keys() - from);
      loadBlock(work, keyRow + from, n);
      after.turn(work.turnedSums);
      beginKeyGradients(work, after, n);
      final int first = Math.max(0, ahead - from);
      for (int h = 0; first < n && h < group; h++) {
        final long row = ((long) keyHead * group + h) * heads.queries() + from - ahead + first;
        keyBlock(work, after, row, first, n);
      }
      endKeyGradients(work, keyRow + from, n);
      after.fold();
    }
  }

  /** What the queries of a block add to the gradients of its keys. */
  private void keyBlock(LinearPanels work, BlockSums after, long row, int first, int n) {
    final int stride = work.widthStride;
    work.loadQueries(q, row, first, n - first, map);
    loadCotangents(work, row, first, n);
    Arrays.fill(work.alphas, 0, first, 0);
    Arrays.fill(work.sigmas, 0, first, 0);
    Arrays.fill(work.gammas, 0, first, 0);
    System.arraycopy(alphas, (int) row, work.alphas, first, n - first);
    System.arraycopy(sigmas, (int) row, work.sigmas, first, n - first);
    System.arraycopy(gammas, (int) row, work.gammas, first, n - first);
    PanelProductsSimd.scaleRows(work.alphas, n, work.cotangents, work.scaled, stride, stride);
    groupScaled(work, n);
    scores(work, n);
    scoreGradients(work, n);
    final boolean finite =
        PanelProductsSimd.finite(work.queries, 0, n * work.features)
            && PanelProductsSimd.finite(work.scaled, 0, n * stride);
    PanelProductsSimd.slabs(work.queries, work.features, n, work.features, work.querySlabs, BLOCK);
    accumulateTurned(
        work,
        work.scoreGradients,
        work.queries,
        work.querySlabs,
        work.features,
        finite,
        n,
        work.gradients);
    PanelProductsSimd.slabs(work.scaled, stride, n, stride, work.scaledSlabs, BLOCK);
    accumulateTurned(work, work.scores, work.scaled, work.scaledSlabs, stride, finite, n, work.out);
    if (readout.centred()) {
      PanelProductsSimd.addSuffixes(
          work.gammas, work.cotangents, n, stride, stride, work.out, work.prefixes);
    }
    addQueries(work, after, n);
  }

  /** {@code c_j += sum_{t >= j} s_jt b_t}. */
  private static void accumulateTurned(
      LinearPanels work,
      float[] s,
      float[] b,
      float[] slabs,
      int stride,
      boolean finite,
      int n,
      float[] c) {
    if (finite) {
      PanelProductsSimd.groupRows(s, CAUSAL_BLOCK, n, n, work.scoreGroups, CAUSAL_BLOCK);
      for (int x = 0; x < stride; x += W) {
        for (int j = 0; j < n; j += R) {
          GemmSimd.multiply(
              work.scoreGroups,
              j * CAUSAL_BLOCK + j * R,
              slabs,
              x * BLOCK + j * W,
              n - j,
              c,
              j * stride + x,
              stride);
        }
      }
      return;
    }
    // In the order of the product above, so that what is not seen does not change a bit.
    for (int j = 0; j < n; j++) {
      for (int x = 0; x < stride; x++) {
        float sum = 0;
        for (int t = j; t < n; t++) {
          sum = Math.fma(s[j * CAUSAL_BLOCK + t], b[t * stride + x], sum);
        }
        c[j * stride + x] += sum;
      }
    }
  }

  private static void scores(LinearPanels work, int n) {
    PanelProductsSimd.turnGroups(
        work.queryGroups, work.features, n, work.extent, work.turnedQueries, work.features);
    LinearJob.scores(
        work.keyGroups, work.turnedQueries, work.features, work.extent, n, work.scores);
  }

  private static void groupScaled(LinearPanels work, int n) {
    PanelProductsSimd.groupRows(
        work.scaled, work.widthStride, n, work.width, work.scaledGroups, work.widthStride);
  }

  /** {@code e_jt = h_t . v_j + sigma_t} for {@code j <= t}, else 0. */
  private static void scoreGradients(LinearPanels work, int n) {
    PanelProductsSimd.turnGroups(
        work.scaledGroups, work.widthStride, n, work.width, work.turnedScaled, work.widthStride);
    LinearJob.scores(
        work.valueGroups, work.turnedScaled, work.widthStride, work.width, n, work.scoreGradients);
    for (int j = 0; j < n; j++) {
      for (int t = j; t < n; t++) {
        work.scoreGradients[j * CAUSAL_BLOCK + t] += work.sigmas[t];
      }
    }
  }

  private void loadCotangents(LinearPanels work, long row, int first, int n) {
    Arrays.fill(work.cotangents, 0, first * work.widthStride, 0);
    RowCopy.load(g, row, n - first, work.cotangents, first * work.widthStride, work.widthStride);
  }

  /** Loads queries; s, and what alpha is multiplied by in the loss, over the keys of the sums. */
  private void beginQueries(LinearPanels work, BlockSums all, long row, int first, int n) {
    final int stride = work.widthStride;
    work.loadQueries(q, row, first, n - first, map);
    loadCotangents(work, row, first, n);
    Arrays.fill(work.out, 0, BLOCK * stride, 0);
    all.read(work, work.queryGroups, n, work.out);
    Arrays.fill(work.sums, 0);
    Arrays.fill(work.alphaGradients, 0);
    PanelProductsSimd.dots(
        work.queries, work.features, all.high, all.z(), 0, n, work.features, work.sums, work.lanes);
    PanelProductsSimd.dots(
        work.cotangents, stride, work.out, 0, stride, n, stride, work.alphaGradients, work.lanes);
  }

  private void weigh(LinearPanels work, int t, long keys) {
    final double s = work.sums[t];
    work.alphas[t] = LinearJob.finite(readout.alpha(s, keys, heads.depth(), eps));
    work.gammas[t] = -(float) readout.gamma(s, keys, heads.depth(), eps);
    work.sigmas[t] =
        LinearJob.finite(
            readout.sumGradient(
                s, keys, heads.depth(), eps, work.alphaGradients[t], -work.gammaGradients[t]));
  }

  /** {@code h = alpha g}, and dphi over the keys of the sums. */
  private static void beginQueryGradients(LinearPanels work, BlockSums all, int n) {
    final int stride = work.widthStride;
    PanelProductsSimd.scaleRows(work.alphas, n, work.cotangents, work.scaled, stride, stride);
    groupScaled(work, n);
    readTurned(work, work.scaledGroups, n);
    PanelProductsSimd.addOuter(
        work.sigmas, n, all.high, all.z(), work.gradients, work.features, work.features);
  }

  /** {@code gradients_t = M x_t}, for turned sums M. */
  private static void readTurned(LinearPanels work, float[] groups, int n) {
    Arrays.fill(work.gradients, 0);
    PanelProductsSimd.multiply(
        groups,
        work.widthStride,
        work.turnedSums,
        work.widthStride,
        work.width,
        work.gradients,
        work.features,
        W,
        n,
        work.features);
  }

  private void endQueryGradients(LinearPanels work, long row, int first, int n) {
    FeaturesSimd.gradients(map, work, n, work.queries, work.gradients, true);
    RowCopy.store(
        work.rawGradients, first * work.depthStride, work.depthStride, dq, row, n - first);
  }

  private static void addQueries(LinearPanels work, BlockSums sums, int n) {
    PanelProductsSimd.groupColumns(
        work.queries, work.features, n, work.extent, work.queryColumns, BLOCK);
    PanelProductsSimd.slabs(
        work.scaled, work.widthStride, n, work.widthStride, work.scaledSlabs, BLOCK);
    sums.addProducts(work, work.queryColumns, work.scaledSlabs, n);
    PanelProductsSimd.addRows(
        work.sigmas, n, work.queries, work.features, work.features, sums.recent, sums.z());
    PanelProductsSimd.addRows(
        work.gammas, n, work.cotangents, work.widthStride, work.widthStride, sums.recent, sums.u());
  }

  /** {@code dpsi} and dv, over the queries of the sums. */
  private static void beginKeyGradients(LinearPanels work, BlockSums all, int n) {
    readTurned(work, work.valueGroups, n);
    PanelProductsSimd.addOuter(
        work.ones, n, all.high, all.z(), work.gradients, work.features, work.features);
    Arrays.fill(work.out, 0, BLOCK * work.widthStride, 0);
    all.read(work, work.keyGroups, n, work.out);
    PanelProductsSimd.addOuter(
        work.ones, n, all.high, all.u(), work.out, work.widthStride, work.widthStride);
  }

  private void endKeyGradients(LinearPanels work, long row, int n) {
    // Queries have been here since: NaLa's gradient needs the keys themselves.
    RowCopy.load(k, row, n, work.raw, 0, work.depthStride);
    FeaturesSimd.gradients(map, work, n, work.keys, work.gradients, false);
    RowCopy.store(work.rawGradients, 0, work.depthStride, dk, row, n);
    RowCopy.store(work.out, 0, work.widthStride, dv, row, n);
  }
}
