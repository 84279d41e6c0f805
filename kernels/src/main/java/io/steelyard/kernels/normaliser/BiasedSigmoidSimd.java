package io.steelyard.kernels.normaliser;

import static io.steelyard.kernels.elementary.ExpPolynomial.LOWEST;
import static io.steelyard.kernels.elementary.ExpPolynomial.MAGIC;
import static io.steelyard.kernels.elementary.ExpPolynomial.MAGIC_BITS;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q2;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q3;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q4;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q5;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q6;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sigmoid weights of float32 rows and their gradient. A masked entry is read as -inf, whose weight
 * is 0 by itself.
 */
final class BiasedSigmoidSimd extends RowJob {

  /** Of a float's exponent. */
  private static final int BIAS = 127;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final ThreadLocal<BiasedSigmoidSimd> OWN =
      ThreadLocal.withInitial(BiasedSigmoidSimd::new);

  private float scale;
  private float bias;
  private boolean product;

  private BiasedSigmoidSimd() {}

  static void apply(Tensor x, Tensor y, double scale, double bias, NormaliserOptions options) {
    final BiasedSigmoidSimd job = OWN.get();
    job.product = false;
    job.scale = (float) scale;
    job.bias = (float) bias;
    job.run(x, x, y, options.mask(), options.threads());
  }

  static void vjp(Tensor y, Tensor dy, Tensor dx, double scale, int threads) {
    final BiasedSigmoidSimd job = OWN.get();
    job.product = true;
    job.scale = (float) scale;
    job.run(y, dy, dx, Mask.none(), threads);
  }

  @Override
  protected boolean flat() {
    return !mask().hides();
  }

  @Override
  protected boolean writes(int phase) {
    return true;
  }

  @Override
  protected int next(int phase, RowState row) {
    return DONE;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader in = work.first();
    final TileReader dy = work.second();
    final TileWriter out = work.out();
    final long end = mask().hides() ? Math.clamp(row.visible, from, to) : to;
    for (long at = from; at < end; at += piece(at, end)) {
      final int n = piece(at, end);
      in.load(mask(), row.row, at, n);
      if (product) {
        dy.load(row.row, at, n);
        out.open(row.row, at, n);
        gradients(
            in.array(),
            in.offset(),
            dy.array(),
            dy.offset(),
            out.array(),
            out.offset(),
            in.width(),
            scale);
      } else {
        out.open(row.row, at, n);
        weights(in.array(), in.offset(), out.array(), out.offset(), in.width(), scale, bias);
      }
      out.close(n);
    }
    fill(work, row.row, end, to, 0);
  }

  /** {@code y = sigmoid(scale x + bias)}. */
  private static void weights(
      float[] x, int xOffset, float[] y, int yOffset, int count, float scale, float bias) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector q2 = FloatVector.broadcast(S, Q2);
    final FloatVector q3 = FloatVector.broadcast(S, Q3);
    final FloatVector q4 = FloatVector.broadcast(S, Q4);
    final FloatVector q5 = FloatVector.broadcast(S, Q5);
    final FloatVector q6 = FloatVector.broadcast(S, Q6);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector lowest = FloatVector.broadcast(S, LOWEST);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector s = FloatVector.broadcast(S, scale);
    final FloatVector b = FloatVector.broadcast(S, bias);
    for (int i = 0; i < count; i += L) {
      final FloatVector z = FloatVector.fromArray(S, x, xOffset + i).fma(s, b);
      final FloatVector below = z.abs().neg();
      final FloatVector capped = below.blend(lowest, below.compare(LT, lowest));
      final FloatVector k = capped.fma(log2e, magic);
      final FloatVector whole = k.sub(magic);
      final FloatVector r = whole.fma(low, whole.fma(high, capped));
      final FloatVector q = r.fma(q6, q5).fma(r, q4).fma(r, q3).fma(r, q2);
      final FloatVector m = q.fma(r.mul(r), r).add(one);
      final IntVector n = k.reinterpretAsInts().sub(MAGIC_BITS);
      final IntVector half = n.lanewise(ASHR, 1);
      final FloatVector scaleOne = half.add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector scaleTwo = n.sub(half).add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector t = m.mul(scaleOne).mul(scaleTwo);
      t.blend(one, z.compare(GE, zero)).div(t.add(one)).intoArray(y, yOffset + i);
    }
  }

  /** {@code dx = scale y (1 - y) dy}; where y is 0, dy has no say. */
  private static void gradients(
      float[] y, int yOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int n, float c) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector s = FloatVector.broadcast(S, c);
    for (int i = 0; i < n; i += L) {
      final FloatVector w = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g =
          FloatVector.fromArray(S, dy, dyOffset + i).blend(zero, w.compare(EQ, zero));
      final FloatVector t = w.mul(g);
      w.neg().fma(t, t).mul(s).intoArray(dx, dxOffset + i);
    }
  }
}
