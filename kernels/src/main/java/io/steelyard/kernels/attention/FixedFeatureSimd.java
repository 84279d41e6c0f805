package io.steelyard.kernels.attention;

import io.steelyard.kernels.attention.FixedFeatureOptions.Activation;
import io.steelyard.kernels.elementary.ExtendedExponent;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Attention with fixed heads in float32, heads across lanes. The matrices are packed once, a tile
 * of heads after another; then, for some sequences at a time, a tile turns queries into {@code W^T
 * x_0}, those into scores of the keys, and the weights into features, all within the caches: no
 * matrix of heads by keys leaves them.
 *
 * <p>Features are written, multiplied with values, or added up over sequences into the gradient of
 * the values. What is added up crosses no part of the work, so results do not depend on the number
 * of threads. A job object is used by one caller at a time and may be kept for the next call.
 */
final class FixedFeatureSimd implements Job {

  /** Heads of a tile. */
  private static final int W = TileProductsSimd.W;

  /** Keys of a block. */
  private static final int KEYS = FusedAttention.KEYS;

  /** Sequences that use a tile's matrices while it is in the caches. */
  private static final int GROUP = 16;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);
  private static final ThreadLocal<FixedFeatureSimd> OWN =
      ThreadLocal.withInitial(FixedFeatureSimd::new);
  private static final ThreadLocal<Panels> PANELS = ThreadLocal.withInitial(Panels::new);

  /** Room of one thread. */
  private static final class Panels {

    /** Lifted queries and keys of a group of sequences. */
    private float[] rows = new float[0];

    /** {@code W^T x_0} of each sequence of a group: d + 1 rows of lanes. */
    private float[] queries = new float[0];

    /** Features of a sequence: d + 1 rows of lanes. */
    private float[] sums = new float[0];

    /** Gradient of a tile's values over a group: d + 1 rows of lanes. */
    private float[] gradient = new float[0];

    /** The same over all groups. */
    private double[] total = new double[0];

    private final float[] tile = new float[KEYS * W];
    private final float[] lanes = new float[W];
    private final float[] tops = new float[W];
    private final float[] totals = new float[W];

    private void bind(int length, int keys) {
      if (rows.length < GROUP * keys * length) {
        rows = new float[GROUP * keys * length];
      }
      if (queries.length < GROUP * length * W) {
        queries = new float[GROUP * length * W];
      }
      if (sums.length < length * W) {
        sums = new float[length * W];
        gradient = new float[length * W];
        total = new double[length * W];
      }
    }
  }

  /** What a call asks for. */
  private enum Phase {
    PACK,
    FEATURES,
    GRADIENT
  }

  private Tensor x = NOTHING;
  private Tensor w = NOTHING;
  private Tensor v = NOTHING;
  private Tensor phi = NOTHING;
  private Tensor df = NOTHING;
  private Tensor dv = NOTHING;
  private float[] matrices = new float[0];
  private float[] values = new float[0];
  private double[] outputs = new double[0];
  private Phase phase = Phase.PACK;
  private boolean softmax;
  private double mean;
  private int sequences;
  private int heads;
  private int tiles;
  private int groups;
  private int tilesPerPart;

  /** d + 1. */
  private int length;

  /** N. */
  private int keys;

  private FixedFeatureSimd() {}

  /** Writes features, outputs, or both: NOTHING, of size 0, for what is not asked for. */
  static void apply(
      Tensor x, Tensor w, Tensor v, Tensor phi, Tensor f, FixedFeatureOptions options) {
    OWN.get().forward(x, w, v, phi, f, options);
  }

  static void gradient(Tensor x, Tensor w, Tensor df, Tensor dv, FixedFeatureOptions options) {
    OWN.get().backward(x, w, df, dv, options);
  }

  private void forward(
      Tensor input,
      Tensor weights,
      Tensor headValues,
      Tensor features,
      Tensor out,
      FixedFeatureOptions options) {
    try {
      v = headValues;
      phi = features;
      bind(input, weights, options);
      if (v.size() > 0 && outputs.length < sequences * tiles) {
        outputs = new double[sequences * tiles];
      }
      // Few sequences do not feed the threads: then each takes some of the tiles.
      final int threads = threads(options);
      tilesPerPart = tiles;
      while (tilesPerPart > 1 && groups * chunks() < 4 * threads) {
        tilesPerPart = (tilesPerPart + 1) / 2;
      }
      phase = Phase.FEATURES;
      Workers.shared().run(this, Math.multiplyExact(groups, chunks()), threads);
      for (int i = 0; i < sequences && v.size() > 0; i++) {
        double sum = 0;
        for (int t = 0; t < tiles; t++) {
          sum += outputs[i * tiles + t];
        }
        out.setDouble(out.flatIndex(i), sum);
      }
    } finally {
      release();
    }
  }

  private void backward(
      Tensor input,
      Tensor weights,
      Tensor gradient,
      Tensor valueGradient,
      FixedFeatureOptions options) {
    try {
      df = gradient;
      dv = valueGradient;
      bind(input, weights, options);
      tilesPerPart = 1;
      phase = Phase.GRADIENT;
      Workers.shared().run(this, tiles, threads(options));
    } finally {
      release();
    }
  }

  private void bind(Tensor input, Tensor weights, FixedFeatureOptions options) {
    x = input;
    w = weights;
    softmax = options.activation() == Activation.SOFTMAX;
    mean = options.mean();
    sequences = Math.toIntExact(input.dim(0));
    keys = Math.toIntExact(input.dim(1)) - 1;
    length = Math.toIntExact(input.dim(2)) + 1;
    heads = Math.toIntExact(weights.dim(0));
    tiles = (heads + W - 1) / W;
    groups = (sequences + GROUP - 1) / GROUP;
    final int size = Math.multiplyExact(Math.multiplyExact(tiles, length), length * W);
    if (matrices.length < size) {
      matrices = new float[size];
    }
    if (values.length < tiles * length * W) {
      values = new float[tiles * length * W];
    }
    phase = Phase.PACK;
    Workers.shared().run(this, tiles, threads(options));
  }

  private void release() {
    x = NOTHING;
    w = NOTHING;
    v = NOTHING;
    phi = NOTHING;
    df = NOTHING;
    dv = NOTHING;
  }

  private static int threads(FixedFeatureOptions options) {
    final int available = Workers.shared().threads();
    return options.threads() == 0 ? available : Math.min(options.threads(), available);
  }

  private int chunks() {
    return (tiles + tilesPerPart - 1) / tilesPerPart;
  }

  @Override
  public void run(int part) {
    switch (phase) {
      case PACK -> pack(part);
      case FEATURES -> {
        final int from = part % chunks() * tilesPerPart;
        features(part / chunks(), from, Math.min(tiles, from + tilesPerPart));
      }
      case GRADIENT -> addUp(part);
    }
  }

  /** Heads across lanes: for each column b of the matrices, its rows a; and the values. */
  private void pack(int tile) {
    final AttentionWorkspace work = AttentionWorkspace.own();
    final float[] line = work.room(length);
    final double factor = softmax ? ExtendedExponent.LOG2E : 1;
    final int base = tile * length * length * W;
    for (int lane = 0; lane < W; lane++) {
      final int head = tile * W + lane;
      for (int a = 0; a < length; a++) {
        if (head < heads) {
          work.copy(w, (long) head * length + a, length, line, 0);
          line[a] += a < length - 1 ? (float) mean : 0;
        } else {
          Arrays.fill(line, 0, length, 0);
        }
        for (int b = 0; b < length; b++) {
          matrices[base + (b * length + a) * W + lane] = (float) (line[b] * factor);
        }
      }
      if (v.size() > 0) {
        if (head < heads) {
          work.copy(v, head, length, line, 0);
        } else {
          Arrays.fill(line, 0, length, 0);
        }
        for (int c = 0; c < length; c++) {
          values[(tile * length + c) * W + lane] = line[c];
        }
      }
    }
  }

  private void features(int group, int from, int to) {
    final Panels panels = PANELS.get();
    final int first = group * GROUP;
    final int count = load(panels, first);
    for (int tile = from; tile < to; tile++) {
      project(panels, tile, count);
      for (int i = 0; i < count; i++) {
        attend(panels, i);
        if (phi.size() > 0) {
          store(panels.sums, tile, first + i);
        }
        if (v.size() > 0) {
          FixedFeatureTilesSimd.dot(panels.sums, values, tile * length * W, length, panels.lanes);
          outputs[(first + i) * tiles + tile] = LaneSum.of(panels.lanes);
        }
      }
    }
  }

  /** The gradient of a tile's values, over all sequences in order. */
  private void addUp(int tile) {
    final Panels panels = PANELS.get();
    panels.bind(length, keys + 1);
    final int size = length * W;
    Arrays.fill(panels.total, 0, size, 0);
    for (int group = 0; group < groups; group++) {
      final int first = group * GROUP;
      final int count = load(panels, first);
      project(panels, tile, count);
      Arrays.fill(panels.gradient, 0, size, 0);
      for (int i = 0; i < count; i++) {
        attend(panels, i);
        final float factor = (float) df.getDouble(df.flatIndex(first + i));
        FixedFeatureTilesSimd.add(factor, panels.sums, panels.gradient, length);
      }
      for (int i = 0; i < size; i++) {
        panels.total[i] += panels.gradient[i];
      }
    }
    for (int lane = 0; lane < Math.min(W, heads - tile * W); lane++) {
      final long at = dv.rowOffset((long) tile * W + lane);
      for (int c = 0; c < length; c++) {
        dv.setDouble(at + c * dv.rowStride(), panels.total[c * W + lane]);
      }
    }
  }

  /** Lifts the rows of a group of sequences: each gets a 1 at its end. */
  private int load(Panels panels, int first) {
    panels.bind(length, keys + 1);
    final int count = Math.min(GROUP, sequences - first);
    final AttentionWorkspace work = AttentionWorkspace.own();
    for (int row = 0; row < count * (keys + 1); row++) {
      final int at = row * length;
      work.copy(x, (long) first * (keys + 1) + row, length - 1, panels.rows, at);
      panels.rows[at + length - 1] = 1;
    }
    return count;
  }

  /** {@code W^T x_0} of each head of a tile and each sequence of a group. */
  private void project(Panels panels, int tile, int count) {
    for (int b = 0; b < length; b++) {
      TileProductsSimd.scores(
          matrices,
          (tile * length + b) * length * W,
          length,
          panels.rows,
          0,
          (keys + 1) * length,
          count,
          panels.queries,
          b * W,
          length * W);
    }
  }

  /** The features of a tile of heads for one sequence of a group. */
  private void attend(Panels panels, int sequence) {
    final int start = (sequence * (keys + 1) + 1) * length;
    final int query = sequence * length * W;
    Arrays.fill(panels.sums, 0, length * W, 0);
    if (softmax) {
      findReferences(panels, query, start);
      Arrays.fill(panels.totals, 0);
    }
    for (int from = 0; from < keys; from += KEYS) {
      final int n = Math.min(KEYS, keys - from);
      final int at = start + from * length;
      if (!softmax || keys > KEYS) {
        score(panels, query, at, n);
      }
      if (softmax) {
        TileWeightsSimd.powers(panels.tile, n, panels.tops, panels.totals, 0);
      } else {
        FixedFeatureTilesSimd.rectify(panels.tile, n);
      }
      TileProductsSimd.accumulate(panels.tile, n, panels.rows, at, length, length, panels.sums, 0);
    }
    for (int lane = 0; lane < W; lane++) {
      final float divisor = softmax ? panels.totals[lane] : keys;
      panels.lanes[lane] = divisor == 0 ? 0 : 1 / divisor;
    }
    FixedFeatureTilesSimd.scale(panels.sums, length, panels.lanes);
  }

  /** The largest score of each head; the scores of a single block stay in the tile. */
  private void findReferences(Panels panels, int query, int start) {
    Arrays.fill(panels.tops, Float.NEGATIVE_INFINITY);
    for (int from = 0; from < keys; from += KEYS) {
      final int n = Math.min(KEYS, keys - from);
      score(panels, query, start + from * length, n);
      TileWeightsSimd.tops(panels.tile, n, panels.lanes);
      for (int lane = 0; lane < W; lane++) {
        panels.tops[lane] = Math.max(panels.tops[lane], panels.lanes[lane]);
      }
    }
    for (int lane = 0; lane < W; lane++) {
      if (panels.tops[lane] == Float.NEGATIVE_INFINITY) {
        panels.tops[lane] = 0;
      }
    }
  }

  private void score(Panels panels, int query, int at, int n) {
    TileProductsSimd.scores(panels.queries, query, length, panels.rows, at, length, n, panels.tile);
  }

  private void store(float[] sums, int tile, int sequence) {
    final int lanes = Math.min(W, heads - tile * W);
    final long row = (long) sequence * heads + (long) tile * W;
    final long stride = phi.rowStride();
    if (phi.floatArray().isPresent()) {
      final float[] to = phi.floatArray().get();
      for (int lane = 0; lane < lanes; lane++) {
        final int at = phi.floatArrayOffset() + (int) phi.rowOffset(row + lane);
        for (int c = 0; c < length; c++) {
          to[at + c * (int) stride] = sums[c * W + lane];
        }
      }
      return;
    }
    final MemorySegment memory = phi.memory();
    for (int lane = 0; lane < lanes; lane++) {
      final long at = phi.rowOffset(row + lane);
      for (int c = 0; c < length; c++) {
        memory.set(
            ValueLayout.JAVA_FLOAT_UNALIGNED, (at + c * stride) * Float.BYTES, sums[c * W + lane]);
      }
    }
  }
}
