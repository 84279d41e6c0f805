package io.steelyard.kernels.attention;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Attention through landmarks in float32. The tokens are read twice: once to add up {@code P^T V},
 * once to emit {@code P (C P^T V)}; P, tokens by landmarks, exists a tile at a time and is computed
 * both times. In between stands what is small, in double ({@link LandmarkCore}).
 *
 * <p>A part of the work is a block of {@link #TOKENS} tokens of one head, whose sums are kept apart
 * and added up in order and in double: results do not depend on the number of threads, and no float
 * sum has more terms than a block.
 */
final class SoftAttentionSimd implements Job {

  /** Tokens of a part. */
  static final int TOKENS = 256;

  private static final int W = TileProductsSimd.W;
  private static final float LOG2E = 1.442695f;

  /** Of squared distances, in powers of two. */
  static final float FACTOR = -LOG2E / 2;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);
  private static final ThreadLocal<SoftAttentionSimd> OWN =
      ThreadLocal.withInitial(SoftAttentionSimd::new);

  private enum Phase {
    GATHER,
    MIX,
    EMIT
  }

  private LandmarkShapes shapes = new LandmarkShapes(0, 0, 0, 0, 0, 0);
  private Tensor q = NOTHING;
  private Tensor landmarks = NOTHING;
  private Tensor v = NOTHING;
  private Tensor o = NOTHING;
  private LandmarkInverse inverse = LandmarkInverse.NEWTON;
  private boolean normalised;
  private float queryFactor;
  private int parts;
  private Phase phase = Phase.GATHER;

  /** Landmarks of all heads. */
  private float[] rows = new float[0];

  /** {@code P^T V} of each part. */
  private float[] gathered = new float[0];

  /** {@code C P^T V} of each head. */
  private float[] mixed = new float[0];

  private SoftAttentionSimd() {}

  static void apply(
      Tensor q,
      Tensor landmarks,
      Tensor v,
      Tensor o,
      LandmarkShapes shapes,
      LandmarkOptions options,
      boolean normalised) {
    OWN.get().run(q, landmarks, v, o, shapes, options, normalised);
  }

  private void run(
      Tensor queries,
      Tensor marks,
      Tensor values,
      Tensor out,
      LandmarkShapes extents,
      LandmarkOptions options,
      boolean byDegrees) {
    shapes = extents;
    q = queries;
    landmarks = marks;
    v = values;
    o = out;
    inverse = options.inverse();
    normalised = byDegrees;
    queryFactor = (float) Math.sqrt(extents.scale(options.scale()));
    final int heads = extents.batch() * extents.heads();
    final int m = extents.landmarks();
    parts = (extents.tokens() + TOKENS - 1) / TOKENS;
    rows = LandmarkPanels.room(rows, (long) heads * m * extents.depth());
    gathered = LandmarkPanels.room(gathered, (long) heads * parts * m * extents.width());
    mixed = LandmarkPanels.room(mixed, (long) heads * m * extents.width());
    try {
      final AttentionWorkspace work = AttentionWorkspace.own();
      for (int row = 0; row < heads * m; row++) {
        work.copy(marks, row, extents.depth(), rows, row * extents.depth());
      }
      final Workers workers = Workers.shared();
      phase = Phase.GATHER;
      workers.run(this, heads * parts, options.threads());
      phase = Phase.MIX;
      workers.run(this, heads, options.threads());
      phase = Phase.EMIT;
      workers.run(this, heads * parts, options.threads());
    } finally {
      q = NOTHING;
      landmarks = NOTHING;
      v = NOTHING;
      o = NOTHING;
    }
  }

  @Override
  public void run(int part) {
    final LandmarkPanels panels = LandmarkPanels.own();
    panels.bind(landmarks, v, shapes);
    switch (phase) {
      case GATHER -> gather(panels, part);
      case MIX -> mix(panels.core, part);
      case EMIT -> emit(panels, part);
    }
  }

  private void gather(LandmarkPanels panels, int part) {
    final int m = shapes.landmarks();
    final int width = shapes.width();
    final int head = part / parts;
    final int first = part % parts * TOKENS;
    final int end = Math.min(shapes.tokens(), first + TOKENS);
    Arrays.fill(panels.valueSums, 0, m * panels.width, 0);
    for (int token = first; token < end; token += W) {
      final long row = (long) head * shapes.tokens() + token;
      final int lanes = Math.min(W, end - token);
      weights(panels, head, row, lanes);
      LandmarkPanels.rows(v, row, lanes, width, 1, panels.valueRows, panels.width);
      TileProductsSimd.outer(
          panels.weights, m, panels.valueRows, panels.width, lanes, panels.valueSums);
    }
    for (int j = 0; j < m; j++) {
      System.arraycopy(panels.valueSums, j * panels.width, gathered, (part * m + j) * width, width);
    }
  }

  private void mix(LandmarkCore core, int head) {
    final int m = shapes.landmarks();
    final int width = shapes.width();
    final int depth = shapes.depth();
    core.bind(shapes);
    for (int i = 0; i < m * depth; i++) {
      core.landmarks[i] = rows[head * m * depth + i];
    }
    addUp(gathered, head, parts, m, width, core.gathered, core.widthStride());
    core.invert(inverse, normalised);
    core.mix();
    for (int j = 0; j < m; j++) {
      for (int c = 0; c < width; c++) {
        mixed[(head * m + j) * width + c] = (float) core.mixed[j * core.widthStride() + c];
      }
    }
  }

  /** Adds the sums of a head's parts to rows of double, in order. */
  static void addUp(
      float[] sums, int head, int parts, int m, int width, double[] to, int toStride) {
    for (int part = 0; part < parts; part++) {
      for (int j = 0; j < m; j++) {
        final int at = ((head * parts + part) * m + j) * width;
        for (int c = 0; c < width; c++) {
          to[j * toStride + c] += sums[at + c];
        }
      }
    }
  }

  private void emit(LandmarkPanels panels, int part) {
    final AttentionWorkspace work = panels.work;
    final int m = shapes.landmarks();
    final int width = shapes.width();
    final int head = part / parts;
    final int first = part % parts * TOKENS;
    final int end = Math.min(shapes.tokens(), first + TOKENS);
    for (int token = first; token < end; token += W) {
      final long row = (long) head * shapes.tokens() + token;
      final int lanes = Math.min(W, end - token);
      weights(panels, head, row, lanes);
      Arrays.fill(work.sums, 0, width * W, 0);
      TileProductsSimd.accumulate(
          panels.weights, m, mixed, head * m * width, width, width, work.sums, 0);
      for (int lane = 0; lane < lanes; lane++) {
        for (int c = 0; c < width; c++) {
          work.line[c] = work.sums[c * W + lane];
        }
        work.storeRow(o, row + lane, width);
      }
    }
  }

  private void weights(LandmarkPanels panels, int head, long row, int lanes) {
    final int m = shapes.landmarks();
    final int depth = shapes.depth();
    final AttentionWorkspace work = panels.work;
    work.transpose(q, row, lanes, depth, queryFactor, work.queries, 0);
    TileProductsSimd.distances(
        work.queries, 0, depth, rows, head * m * depth, depth, m, FACTOR, panels.weights);
    TileWeightsSimd.exponentials(panels.weights, m);
  }
}
