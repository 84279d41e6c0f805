package io.steelyard.kernels.attention;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Gradients of attention through landmarks in float32, in the two passes over tokens of {@link
 * SoftAttentionSimd}: the first adds up {@code P^T V} and {@code P^T dO}, the second has all that
 * the gradient of P needs, {@code dP = dO U^T + V dZ^T} with {@code Z = P^T V}. What the landmarks
 * get is added up over parts in a third phase.
 */
final class SoftAttentionVjpSimd implements Job {

  private static final int W = TileProductsSimd.W;
  private static final int TOKENS = SoftAttentionSimd.TOKENS;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);
  private static final ThreadLocal<SoftAttentionVjpSimd> OWN =
      ThreadLocal.withInitial(SoftAttentionVjpSimd::new);

  private enum Phase {
    GATHER,
    MIX,
    SPREAD,
    FINISH
  }

  private LandmarkShapes shapes = new LandmarkShapes(0, 0, 0, 0, 0, 0);
  private Tensor q = NOTHING;
  private Tensor landmarks = NOTHING;
  private Tensor v = NOTHING;
  private Tensor cotangent = NOTHING;
  private Tensor dq = NOTHING;
  private Tensor dLandmarks = NOTHING;
  private Tensor dv = NOTHING;
  private LandmarkInverse inverse = LandmarkInverse.NEWTON;
  private boolean normalised;
  private float queryFactor;
  private int parts;
  private Phase phase = Phase.GATHER;

  /** Landmarks of all heads. */
  private float[] rows = new float[0];

  /** {@code P^T V} and {@code P^T dO} of each part. */
  private float[] gathered = new float[0];

  private float[] gatheredCotangents = new float[0];

  /** U and dZ of each head. */
  private float[] mixed = new float[0];

  private float[] gatheredGradients = new float[0];

  /** {@code dS^T Q} of each part, and the sums of dS over its tokens. */
  private float[] querySums = new float[0];

  private float[] gradientSums = new float[0];

  /** What the landmarks of each head get by way of their kernel matrix. */
  private double[] landmarkGradients = new double[0];

  private SoftAttentionVjpSimd() {}

  static void apply(
      Tensor q,
      Tensor landmarks,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dLandmarks,
      Tensor dv,
      LandmarkShapes shapes,
      LandmarkOptions options,
      boolean normalised) {
    final SoftAttentionVjpSimd job = OWN.get();
    job.q = q;
    job.landmarks = landmarks;
    job.v = v;
    job.cotangent = cotangent;
    job.dq = dq;
    job.dLandmarks = dLandmarks;
    job.dv = dv;
    job.shapes = shapes;
    job.normalised = normalised;
    try {
      job.run(options);
    } finally {
      job.q = NOTHING;
      job.landmarks = NOTHING;
      job.v = NOTHING;
      job.cotangent = NOTHING;
      job.dq = NOTHING;
      job.dLandmarks = NOTHING;
      job.dv = NOTHING;
    }
  }

  private void run(LandmarkOptions options) {
    inverse = options.inverse();
    queryFactor = (float) Math.sqrt(shapes.scale(options.scale()));
    final int heads = shapes.batch() * shapes.heads();
    final int m = shapes.landmarks();
    final int depth = shapes.depth();
    final int width = shapes.width();
    parts = (shapes.tokens() + TOKENS - 1) / TOKENS;
    rows = LandmarkPanels.room(rows, (long) heads * m * depth);
    gathered = LandmarkPanels.room(gathered, (long) heads * parts * m * width);
    gatheredCotangents = LandmarkPanels.room(gatheredCotangents, (long) heads * parts * m * width);
    mixed = LandmarkPanels.room(mixed, (long) heads * m * width);
    gatheredGradients = LandmarkPanels.room(gatheredGradients, (long) heads * m * width);
    querySums = LandmarkPanels.room(querySums, (long) heads * parts * m * depth);
    gradientSums = LandmarkPanels.room(gradientSums, (long) heads * parts * m);
    if (landmarkGradients.length < heads * m * depth) {
      landmarkGradients = new double[heads * m * depth];
    }
    final AttentionWorkspace work = AttentionWorkspace.own();
    for (int row = 0; row < heads * m; row++) {
      work.copy(landmarks, row, depth, rows, row * depth);
    }
    final Workers workers = Workers.shared();
    phase = Phase.GATHER;
    workers.run(this, heads * parts, options.threads());
    phase = Phase.MIX;
    workers.run(this, heads, options.threads());
    phase = Phase.SPREAD;
    workers.run(this, heads * parts, options.threads());
    phase = Phase.FINISH;
    workers.run(this, heads, options.threads());
  }

  @Override
  public void run(int part) {
    final LandmarkPanels panels = LandmarkPanels.own();
    panels.bind(landmarks, v, shapes);
    panels.bindGradients(shapes);
    switch (phase) {
      case GATHER -> gather(panels, part);
      case MIX -> mix(panels.core, part);
      case SPREAD -> spread(panels, part);
      case FINISH -> finish(panels, part);
    }
  }

  private void gather(LandmarkPanels panels, int part) {
    final int m = shapes.landmarks();
    final int width = shapes.width();
    final int first = part % parts * TOKENS;
    final int end = Math.min(shapes.tokens(), first + TOKENS);
    Arrays.fill(panels.valueSums, 0, m * panels.width, 0);
    Arrays.fill(panels.cotangentSums, 0, m * panels.width, 0);
    for (int token = first; token < end; token += W) {
      final int lanes = Math.min(W, end - token);
      load(panels, part / parts, token, lanes);
      TileProductsSimd.outer(
          panels.weights, m, panels.valueRows, panels.width, lanes, panels.valueSums);
      TileProductsSimd.outer(
          panels.weights, m, panels.cotangentRows, panels.width, lanes, panels.cotangentSums);
    }
    for (int j = 0; j < m; j++) {
      final int to = (part * m + j) * width;
      System.arraycopy(panels.valueSums, j * panels.width, gathered, to, width);
      System.arraycopy(panels.cotangentSums, j * panels.width, gatheredCotangents, to, width);
    }
  }

  private void mix(LandmarkCore core, int head) {
    final int m = shapes.landmarks();
    final int width = shapes.width();
    final int depth = shapes.depth();
    final int stride = core.bind(shapes).widthStride();
    for (int i = 0; i < m * depth; i++) {
      core.landmarks[i] = rows[head * m * depth + i];
    }
    SoftAttentionSimd.addUp(gathered, head, parts, m, width, core.gathered, stride);
    SoftAttentionSimd.addUp(gatheredCotangents, head, parts, m, width, core.mixedGradients, stride);
    core.invert(inverse, normalised);
    core.mix();
    core.gradients();
    for (int j = 0; j < m; j++) {
      for (int c = 0; c < width; c++) {
        final int to = (head * m + j) * width + c;
        mixed[to] = (float) core.mixed[j * stride + c];
        gatheredGradients[to] = (float) core.gatheredGradients[j * stride + c];
      }
    }
    System.arraycopy(core.landmarkGradients, 0, landmarkGradients, head * m * depth, m * depth);
  }

  private void spread(LandmarkPanels panels, int part) {
    final int m = shapes.landmarks();
    final int depth = shapes.depth();
    final int head = part / parts;
    final int first = part % parts * TOKENS;
    final int end = Math.min(shapes.tokens(), first + TOKENS);
    Arrays.fill(panels.querySums, 0, m * panels.depth, 0);
    Arrays.fill(panels.gradientSums, 0, m * W, 0);
    for (int token = first; token < end; token += W) {
      final int lanes = Math.min(W, end - token);
      load(panels, head, token, lanes);
      scoreGradients(panels, head, lanes);
      TileProductsSimd.outer(
          panels.gradients, m, panels.queryRows, panels.depth, lanes, panels.querySums);
      for (int i = 0; i < m * W; i++) {
        panels.gradientSums[i] += panels.gradients[i];
      }
      store(panels, head, token, lanes);
    }
    for (int j = 0; j < m; j++) {
      System.arraycopy(
          panels.querySums, j * panels.depth, querySums, (part * m + j) * depth, depth);
      float sum = 0;
      for (int lane = 0; lane < W; lane++) {
        sum += panels.gradientSums[j * W + lane];
      }
      gradientSums[part * m + j] = sum;
    }
  }

  /** {@code dS = P (dO U^T + V dZ^T)}, transposed. */
  private void scoreGradients(LandmarkPanels panels, int head, int lanes) {
    final int m = shapes.landmarks();
    final int width = shapes.width();
    final int at = head * m * width;
    LandmarkPanels.across(panels.cotangentRows, panels.width, lanes, width, panels.cotangents);
    LandmarkPanels.across(panels.valueRows, panels.width, lanes, width, panels.values);
    TileProductsSimd.scores(panels.cotangents, 0, width, mixed, at, width, m, panels.gradients);
    TileProductsSimd.scores(
        panels.values, 0, width, gatheredGradients, at, width, m, panels.others);
    for (int i = 0; i < m * W; i++) {
      panels.gradients[i] = (panels.gradients[i] + panels.others[i]) * panels.weights[i];
    }
  }

  /** {@code dV = P dZ} and {@code dq_i = sqrt(s) sum_j dS_ij (l_j - q_i)} of a tile. */
  private void store(LandmarkPanels panels, int head, int token, int lanes) {
    final AttentionWorkspace work = panels.work;
    final int m = shapes.landmarks();
    final int width = shapes.width();
    final int depth = shapes.depth();
    final long row = (long) head * shapes.tokens() + token;
    Arrays.fill(work.sums, 0, width * W, 0);
    TileProductsSimd.accumulate(
        panels.weights, m, gatheredGradients, head * m * width, width, width, work.sums, 0);
    Arrays.fill(panels.queryGradients, 0, depth * W, 0);
    TileProductsSimd.accumulate(
        panels.gradients, m, rows, head * m * depth, depth, depth, panels.queryGradients, 0);
    final float[] totals = work.totals;
    Arrays.fill(totals, 0, W, 0);
    for (int j = 0; j < m; j++) {
      for (int lane = 0; lane < W; lane++) {
        totals[lane] += panels.gradients[j * W + lane];
      }
    }
    for (int lane = 0; lane < lanes; lane++) {
      for (int c = 0; c < width; c++) {
        work.line[c] = work.sums[c * W + lane];
      }
      work.storeRow(dv, row + lane, width);
      for (int c = 0; c < depth; c++) {
        work.line[c] =
            queryFactor
                * (panels.queryGradients[c * W + lane]
                    - totals[lane] * panels.queryRows[lane * panels.depth + c]);
      }
      work.storeRow(dq, row + lane, depth);
    }
  }

  /** {@code dl_j = sum_i dS_ij (q_i - l_j)}, and what comes by way of the kernel matrix. */
  private void finish(LandmarkPanels panels, int head) {
    final int m = shapes.landmarks();
    final int depth = shapes.depth();
    final double[] sums = landmarkGradients;
    for (int j = 0; j < m; j++) {
      double total = 0;
      for (int part = 0; part < parts; part++) {
        total += gradientSums[(head * parts + part) * m + j];
      }
      for (int c = 0; c < depth; c++) {
        final int at = (head * m + j) * depth + c;
        double sum = sums[at] - total * rows[at];
        for (int part = 0; part < parts; part++) {
          sum += querySums[((head * parts + part) * m + j) * depth + c];
        }
        panels.work.line[c] = (float) sum;
      }
      panels.work.storeRow(dLandmarks, (long) head * m + j, depth);
    }
  }

  /** Rows of a tile of tokens, and its weights. */
  private void load(LandmarkPanels panels, int head, int token, int lanes) {
    final int m = shapes.landmarks();
    final int depth = shapes.depth();
    final int width = shapes.width();
    final long row = (long) head * shapes.tokens() + token;
    LandmarkPanels.rows(q, row, lanes, depth, queryFactor, panels.queryRows, panels.depth);
    LandmarkPanels.rows(v, row, lanes, width, 1, panels.valueRows, panels.width);
    LandmarkPanels.rows(cotangent, row, lanes, width, 1, panels.cotangentRows, panels.width);
    LandmarkPanels.across(panels.queryRows, panels.depth, lanes, depth, panels.work.queries);
    TileProductsSimd.distances(
        panels.work.queries,
        0,
        depth,
        rows,
        head * m * depth,
        depth,
        m,
        SoftAttentionSimd.FACTOR,
        panels.weights);
    TileWeightsSimd.exponentials(panels.weights, m);
  }
}
