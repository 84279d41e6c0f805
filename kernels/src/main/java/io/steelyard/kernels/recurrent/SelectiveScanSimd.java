package io.steelyard.kernels.recurrent;

import static io.steelyard.kernels.elementary.PowerPolynomial.C1;
import static io.steelyard.kernels.elementary.PowerPolynomial.C2;
import static io.steelyard.kernels.elementary.PowerPolynomial.C3;
import static io.steelyard.kernels.elementary.PowerPolynomial.C4;
import static io.steelyard.kernels.elementary.PowerPolynomial.C5;
import static io.steelyard.kernels.elementary.PowerPolynomial.CUT;
import static io.steelyard.kernels.elementary.PowerPolynomial.MAGIC;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.elementary.ExtendedExponent;
import io.steelyard.kernels.elementary.SoftplusSimd;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Selective scans of float32 with channels across lanes: a part of the work is one sequence of two
 * vectors of channels, whose states stay in the first-level cache, and no sum crosses lanes. A job
 * object is used by one caller at a time and may be kept for the next call.
 */
final class SelectiveScanSimd implements Job {

  /** Channels of a part. */
  private static final int W = Lanes.BLOCK;

  /** Steps that are read into panels at a time, where they have to be. */
  private static final int STEPS = 64;

  /** Decays a thread must have to compute, or waking it costs more than it saves. */
  private static final long WORTH_WAKING = 1L << 15;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** From here up a power of two is infinite. */
  private static final float HIGHEST = 128;

  private static final float MINUS_LOG2E = -ExtendedExponent.LOG2E;

  private static final ThreadLocal<SelectiveScanSimd> OWN =
      ThreadLocal.withInitial(SelectiveScanSimd::new);
  private static final ThreadLocal<Panels> PANELS = ThreadLocal.withInitial(Panels::new);

  /** Rows of one part, kept by each thread. */
  private static final class Panels {

    private final ScanRows u = new ScanRows();
    private final ScanRows delta = new ScanRows();
    private final ScanRows a = new ScanRows();
    private final ScanRows b = new ScanRows();
    private final ScanRows c = new ScanRows();
    private final ScanRows y = new ScanRows();
    private final ScanRows state = new ScanRows();
    private final ScanRows skip = new ScanRows();
    private final ScanRows bias = new ScanRows();
  }

  private Tensor u = ScanCall.NOTHING;
  private Tensor delta = ScanCall.NOTHING;
  private Tensor a = ScanCall.NOTHING;
  private Tensor b = ScanCall.NOTHING;
  private Tensor c = ScanCall.NOTHING;
  private Tensor state = ScanCall.NOTHING;
  private Tensor y = ScanCall.NOTHING;
  private Tensor skip = ScanCall.NOTHING;
  private Tensor bias = ScanCall.NOTHING;
  private boolean softplus;
  private int steps;
  private int channels;
  private int states;
  private int blocks;

  private SelectiveScanSimd() {}

  static void apply(
      Tensor u,
      Tensor delta,
      Tensor a,
      Tensor b,
      Tensor c,
      Tensor state,
      Tensor y,
      ScanOptions options) {
    OWN.get().scan(u, delta, a, b, c, state, y, options);
  }

  private void scan(
      Tensor inputs,
      Tensor sizes,
      Tensor rates,
      Tensor in,
      Tensor out,
      Tensor states0,
      Tensor outputs,
      ScanOptions options) {
    u = inputs;
    delta = sizes;
    a = rates;
    b = in;
    c = out;
    state = states0;
    y = outputs;
    skip = options.skip().orElse(ScanCall.NOTHING);
    bias = options.bias().orElse(ScanCall.NOTHING);
    softplus = options.softplus();
    steps = ScanCall.steps(inputs);
    channels = Math.toIntExact(inputs.dim(-1));
    states = Math.toIntExact(rates.dim(1));
    blocks = (channels + W - 1) / W;
    try {
      final Workers workers = Workers.shared();
      final int most = options.threads() == 0 ? workers.threads() : options.threads();
      final long decays = Math.multiplyExact(inputs.size(), Math.max(1L, states));
      final int useful = (int) Math.min(most, Math.max(1, decays / WORTH_WAKING));
      workers.run(this, Math.toIntExact(inputs.dim(0) * blocks), useful);
    } finally {
      u = ScanCall.NOTHING;
      delta = ScanCall.NOTHING;
      a = ScanCall.NOTHING;
      b = ScanCall.NOTHING;
      c = ScanCall.NOTHING;
      state = ScanCall.NOTHING;
      y = ScanCall.NOTHING;
      skip = ScanCall.NOTHING;
      bias = ScanCall.NOTHING;
    }
  }

  @Override
  public void run(int part) {
    final Panels panels = PANELS.get();
    final long batch = part / blocks;
    final long channel = (long) (part % blocks) * W;
    final int width = (int) Math.min(W, channels - channel);
    final boolean keeps = state != ScanCall.NOTHING;
    final long stateAt =
        keeps ? state.offset() + batch * state.stride(0) + channel * state.stride(1) : 0;
    openConstants(panels, channel, width);
    if (keeps) {
      panels.state.open(state, stateAt, state.stride(2), state.stride(1), states, width, W);
    } else {
      panels.state.fill(states, W, 0);
    }
    for (int from = 0; from < steps; from += STEPS) {
      chunk(panels, batch, channel, width, from, Math.min(STEPS, steps - from));
    }
    if (keeps) {
      panels.state.close(state, stateAt, state.stride(2), state.stride(1), states, width);
    }
  }

  private void openConstants(Panels panels, long channel, int width) {
    final long at = a.offset() + channel * a.stride(0);
    panels.a.open(a, at, a.stride(1), a.stride(0), states, width, W);
    if (skip == ScanCall.NOTHING) {
      panels.skip.fill(1, W, 0);
    } else {
      final long step = skip.stride(0);
      panels.skip.open(skip, skip.offset() + channel * step, 0, step, 1, width, W);
    }
    if (bias != ScanCall.NOTHING) {
      final long step = bias.stride(0);
      panels.bias.open(bias, bias.offset() + channel * step, 0, step, 1, width, W);
    }
  }

  private void chunk(Panels panels, long batch, long channel, int width, int from, int count) {
    panels.u.openSteps(u, batch, channel, from, count, width, W);
    panels.b.openSteps(b, batch, 0, from, count, states, states);
    panels.c.openSteps(c, batch, 0, from, count, states, states);
    openSizes(panels, batch, channel, width, from, count);
    panels.y.openStepsToWrite(y, batch, channel, from, count, width, W);
    advance(panels, count, states);
    panels.y.closeSteps(y, batch, channel, from, count, width);
  }

  /** The step sizes of a chunk. */
  private void openSizes(Panels panels, long batch, long channel, int width, int from, int count) {
    if (bias == ScanCall.NOTHING && !softplus) {
      panels.delta.openSteps(delta, batch, channel, from, count, width, W);
      return;
    }
    panels.delta.copySteps(delta, batch, channel, from, count, width, W);
    if (bias != ScanCall.NOTHING) {
      panels.delta.addRow(panels.bias, count, W);
    }
    if (softplus) {
      final float[] sizes = panels.delta.array;
      SoftplusSimd.values(sizes, 0, sizes, 0, count * W);
    }
  }

  /** Takes the states through some steps. */
  private static void advance(Panels panels, int steps, int states) {
    final float[] u = panels.u.array;
    final float[] delta = panels.delta.array;
    final float[] a = panels.a.array;
    final float[] b = panels.b.array;
    final float[] c = panels.c.array;
    final float[] h = panels.state.array;
    final float[] y = panels.y.array;
    final int aStride = panels.a.stride;
    final int hStride = panels.state.stride;
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector highest = FloatVector.broadcast(S, HIGHEST);
    final FloatVector lowest = FloatVector.broadcast(S, CUT);
    final float[] skips = panels.skip.array;
    final int skip = panels.skip.offset;
    for (int t = 0; t < steps; t++) {
      final int ut = panels.u.offset + t * panels.u.stride;
      final int dt = panels.delta.offset + t * panels.delta.stride;
      final int yt = panels.y.offset + t * panels.y.stride;
      final int bt = panels.b.offset + t * panels.b.stride;
      final int ct = panels.c.offset + t * panels.c.stride;
      final FloatVector u0 = FloatVector.fromArray(S, u, ut);
      final FloatVector u1 = FloatVector.fromArray(S, u, ut + L);
      final FloatVector d0 = FloatVector.fromArray(S, delta, dt);
      final FloatVector d1 = FloatVector.fromArray(S, delta, dt + L);
      final FloatVector x0 = d0.mul(u0);
      final FloatVector x1 = d1.mul(u1);
      final FloatVector r0 = d0.mul(MINUS_LOG2E);
      final FloatVector r1 = d1.mul(MINUS_LOG2E);
      FloatVector y0 = u0.mul(FloatVector.fromArray(S, skips, skip));
      FloatVector y1 = u1.mul(FloatVector.fromArray(S, skips, skip + L));
      int ai = panels.a.offset;
      int hi = panels.state.offset;
      for (int s = 0; s < states; s++) {
        final FloatVector bs = FloatVector.broadcast(S, b[bt + s]);
        final FloatVector cs = FloatVector.broadcast(S, c[ct + s]);
        final FloatVector w0 = FloatVector.fromArray(S, a, ai).mul(r0);
        final FloatVector z0 = w0.blend(highest, w0.compare(GT, highest));
        final FloatVector k0 = z0.add(magic);
        final FloatVector t0 = z0.sub(k0.sub(magic));
        final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1).fma(t0, one);
        final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
        final FloatVector e0 = p0.mul(s0).blend(zero, z0.compare(LT, lowest));
        final FloatVector h0 = FloatVector.fromArray(S, h, hi).fma(e0, x0.mul(bs));
        h0.intoArray(h, hi);
        y0 = h0.fma(cs, y0);
        final FloatVector w1 = FloatVector.fromArray(S, a, ai + L).mul(r1);
        final FloatVector z1 = w1.blend(highest, w1.compare(GT, highest));
        final FloatVector k1 = z1.add(magic);
        final FloatVector t1 = z1.sub(k1.sub(magic));
        final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1).fma(t1, one);
        final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
        final FloatVector e1 = p1.mul(s1).blend(zero, z1.compare(LT, lowest));
        final FloatVector h1 = FloatVector.fromArray(S, h, hi + L).fma(e1, x1.mul(bs));
        h1.intoArray(h, hi + L);
        y1 = h1.fma(cs, y1);
        ai += aStride;
        hi += hStride;
      }
      y0.intoArray(y, yt);
      y1.intoArray(y, yt + L);
    }
  }
}
