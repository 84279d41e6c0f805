package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Gradients of softmax attention in float32: {@code dS = P (dO V^T - sum_c dO O)}. */
final class SoftmaxAttentionVjpSimd extends FusedAttentionVjp {

  private static final double LOG2E = 1.4426950408889634;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0, 0, 0);

  private static final ThreadLocal<SoftmaxAttentionVjpSimd> OWN =
      ThreadLocal.withInitial(SoftmaxAttentionVjpSimd::new);

  private Tensor o = NOTHING;
  private Tensor logSums = NOTHING;
  private Tensor queryTemperatureGradients = NOTHING;
  private Tensor valueTemperatureGradients = NOTHING;

  private SoftmaxAttentionVjpSimd() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Temperatures temperatures,
      Tensor o,
      Tensor logSums,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Temperatures temperatureGradients,
      Heads heads,
      AttentionOptions options) {
    final SoftmaxAttentionVjpSimd job = OWN.get();
    job.o = o;
    job.logSums = logSums;
    job.queryTemperatureGradients = temperatureGradients.ofQueries();
    job.valueTemperatureGradients = temperatureGradients.ofValues();
    job.scores().temper(temperatures.ofQueries(), temperatures.ofValues());
    try {
      job.run(q, k, v, cotangent, dq, dk, dv, heads, options);
    } finally {
      job.o = NOTHING;
      job.logSums = NOTHING;
      job.queryTemperatureGradients = NOTHING;
      job.valueTemperatureGradients = NOTHING;
    }
  }

  @Override
  void begin(AttentionVjpWorkspace work, long row, int lanes) {
    final int width = work.forward.width();
    final float[] rows = work.forward.rows;
    // No cotangent: whatever weight an unused lane gets, it adds nothing.
    Arrays.fill(work.references, lanes, W, 0);
    Arrays.fill(work.deltas, lanes, W, 0);
    for (int lane = 0; lane < lanes; lane++) {
      final double logSum = logSums.getDouble(logSums.flatIndex(row + lane));
      work.references[lane] = logSum == Double.NEGATIVE_INFINITY ? 0 : (float) (logSum * LOG2E);
      work.forward.copy(o, row + lane, width, rows, lane * width);
    }
    RowProductsSimd.dots(
        rows,
        width,
        work.cotangentRows,
        work.width,
        width,
        lanes,
        work.deltas,
        work.forward.vectors);
  }

  @Override
  void finishQuery(float[] sums, float[] query, long row) {
    if (queryTemperatureGradients.size() > 0) {
      queryTemperatureGradients.setDouble(
          queryTemperatureGradients.flatIndex(row), scores().temperatureGradient(sums, query));
    }
  }

  @Override
  void finishValue(float[] sums, float[] value, long row) {
    if (valueTemperatureGradients.size() > 0) {
      valueTemperatureGradients.setDouble(
          valueTemperatureGradients.flatIndex(row), scores().valueTemperatureGradient(sums, value));
    }
  }

  @Override
  void gradients(AttentionVjpWorkspace work, int keys) {
    TileWeightsSimd.softmaxGradients(
        work.weights, work.gradients, keys, work.references, work.deltas);
  }
}
