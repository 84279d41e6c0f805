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
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The gradients of a selective scan in float32, channels across lanes. Forwards once, keeping the
 * states at every {@link #STEPS}-th step only; then back, chunk by chunk: a chunk's decays and
 * states are computed again into the caches, and the adjoint recurrence runs over them.
 *
 * <p>A part of the work is some blocks of channels of one sequence. Sums over channels, for b and
 * c, stay in lanes over the blocks of a part and are added up lane by lane once a chunk; each part
 * has its own, and they are combined in order in the end, as are the sums over sequences, in
 * double. What a part takes depends on the shapes alone, so results do not depend on the number of
 * threads. A job object is used by one caller at a time and may be kept for the next call.
 */
final class ScanAdjointSimd implements Job {

  /** Channels of a block. */
  private static final int W = Lanes.BLOCK;

  /** Steps of a chunk: with 16 states, its decays and states take 64 KiB at 256 bits. */
  private static final int STEPS = 32;

  /** Most blocks of a part. */
  private static final int BLOCKS = 4;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** From here up a power of two is infinite. */
  private static final float HIGHEST = 128;

  private static final float MINUS_LOG2E = -ExtendedExponent.LOG2E;

  private static final ThreadLocal<ScanAdjointSimd> OWN =
      ThreadLocal.withInitial(ScanAdjointSimd::new);
  private static final ThreadLocal<Panels> PANELS = ThreadLocal.withInitial(Panels::new);

  /** Room of one thread. */
  private static final class Panels {

    private final ScanRows u = new ScanRows();
    private final ScanRows delta = new ScanRows();
    private final ScanRows a = new ScanRows();
    private final ScanRows b = new ScanRows();
    private final ScanRows c = new ScanRows();
    private final ScanRows dy = new ScanRows();
    private final ScanRows du = new ScanRows();
    private final ScanRows ddelta = new ScanRows();
    private final ScanRows state = new ScanRows();
    private final ScanRows skip = new ScanRows();
    private final ScanRows bias = new ScanRows();

    /** Step sizes before softplus. */
    private final float[] raw = new float[STEPS * W];

    /** The states at the start of each chunk, block after block. */
    private float[] kept = new float[0];

    /** What reaches the states from later chunks, block after block. */
    private float[] reaching = new float[0];

    /** The states of a chunk before each step and after the last. */
    private float[] states = new float[0];

    private float[] decays = new float[0];

    /** Gradients of b and c of a chunk, lane by lane. */
    private float[] inLanes = new float[0];

    private float[] outLanes = new float[0];

    /** Minus the gradients of a of a block and chunk. */
    private float[] rates = new float[0];

    private void bind(int n, int blocks, int chunks) {
      if (kept.length < blocks * chunks * n * W) {
        kept = new float[blocks * chunks * n * W];
      }
      if (reaching.length < blocks * n * W) {
        reaching = new float[blocks * n * W];
      }
      if (decays.length < STEPS * n * W) {
        states = new float[(STEPS + 1) * n * W];
        decays = new float[STEPS * n * W];
        inLanes = new float[STEPS * n * L];
        outLanes = new float[STEPS * n * L];
        rates = new float[n * W];
      }
    }
  }

  private Tensor u = ScanCall.NOTHING;
  private Tensor delta = ScanCall.NOTHING;
  private Tensor a = ScanCall.NOTHING;
  private Tensor b = ScanCall.NOTHING;
  private Tensor c = ScanCall.NOTHING;
  private Tensor initial = ScanCall.NOTHING;
  private Tensor dy = ScanCall.NOTHING;
  private Tensor dstate = ScanCall.NOTHING;
  private Tensor skip = ScanCall.NOTHING;
  private Tensor bias = ScanCall.NOTHING;
  private Tensor du = ScanCall.NOTHING;
  private Tensor ddelta = ScanCall.NOTHING;
  private Tensor db = ScanCall.NOTHING;
  private Tensor dc = ScanCall.NOTHING;
  private Tensor dinitial = ScanCall.NOTHING;
  private boolean softplus;
  private boolean summing;
  private int batch;
  private int steps;
  private int channels;
  private int states;
  private int blocks;
  private int blocksPerPart;
  private int partsPerSequence;
  private int chunks;

  /** Gradients of b and c of each part, steps by states. */
  private float[] in = new float[0];

  private float[] out = new float[0];

  /** Gradients of a, skip and bias of each sequence, in whole blocks of channels. */
  private double[] rates = new double[0];

  private double[] skips = new double[0];
  private double[] biases = new double[0];

  private ScanAdjointSimd() {}

  static void apply(
      Tensor u,
      Tensor delta,
      Tensor a,
      Tensor b,
      Tensor c,
      Tensor initial,
      Tensor dy,
      Tensor dstate,
      ScanOptions options,
      ScanGradients to) {
    OWN.get().run(u, delta, a, b, c, initial, dy, dstate, options, to);
  }

  private void run(
      Tensor inputs,
      Tensor sizes,
      Tensor decayRates,
      Tensor inputMaps,
      Tensor outputMaps,
      Tensor first,
      Tensor gradient,
      Tensor last,
      ScanOptions options,
      ScanGradients to) {
    u = inputs;
    delta = sizes;
    a = decayRates;
    b = inputMaps;
    c = outputMaps;
    initial = first;
    dy = gradient;
    dstate = last;
    skip = options.skip().orElse(ScanCall.NOTHING);
    bias = options.bias().orElse(ScanCall.NOTHING);
    softplus = options.softplus();
    du = to.du();
    ddelta = to.ddelta();
    db = to.db();
    dc = to.dc();
    dinitial = to.dinitial().orElse(ScanCall.NOTHING);
    try {
      bind();
      final Workers workers = Workers.shared();
      summing = false;
      workers.run(this, Math.multiplyExact(batch, partsPerSequence), options.threads());
      summing = true;
      workers.run(this, batch, options.threads());
      writeSums(to);
    } finally {
      u = ScanCall.NOTHING;
      delta = ScanCall.NOTHING;
      a = ScanCall.NOTHING;
      b = ScanCall.NOTHING;
      c = ScanCall.NOTHING;
      initial = ScanCall.NOTHING;
      dy = ScanCall.NOTHING;
      dstate = ScanCall.NOTHING;
      skip = ScanCall.NOTHING;
      bias = ScanCall.NOTHING;
      du = ScanCall.NOTHING;
      ddelta = ScanCall.NOTHING;
      db = ScanCall.NOTHING;
      dc = ScanCall.NOTHING;
      dinitial = ScanCall.NOTHING;
    }
  }

  private void bind() {
    batch = Math.toIntExact(u.dim(0));
    steps = ScanCall.steps(u);
    channels = Math.toIntExact(u.dim(-1));
    states = Math.toIntExact(a.dim(1));
    blocks = (channels + W - 1) / W;
    // Enough parts of a sequence to go around, and long ones where there are.
    blocksPerPart = Math.clamp(blocks / 8, 1, BLOCKS);
    partsPerSequence = (blocks + blocksPerPart - 1) / blocksPerPart;
    chunks = (steps + STEPS - 1) / STEPS;
    final int columns =
        Math.multiplyExact(
            Math.multiplyExact(batch, partsPerSequence), Math.multiplyExact(steps, states));
    if (in.length < columns) {
      in = new float[columns];
      out = new float[columns];
    }
    final int lanes = Math.multiplyExact(batch, blocks * W);
    if (rates.length < Math.multiplyExact(lanes, states)) {
      rates = new double[lanes * states];
    }
    if (skips.length < lanes) {
      skips = new double[lanes];
      biases = new double[lanes];
    }
    Arrays.fill(rates, 0, lanes * states, 0);
    Arrays.fill(skips, 0, lanes, 0);
    Arrays.fill(biases, 0, lanes, 0);
  }

  @Override
  public void run(int part) {
    if (summing) {
      sumColumns(part);
      return;
    }
    final int sequence = part / partsPerSequence;
    final int from = part % partsPerSequence * blocksPerPart;
    final int to = Math.min(blocks, from + blocksPerPart);
    final Panels panels = PANELS.get();
    panels.bind(states, blocksPerPart, chunks);
    for (int block = from; block < to; block++) {
      forward(panels, sequence, block, block - from);
    }
    for (int chunk = chunks - 1; chunk >= 0; chunk--) {
      final int count = Math.min(STEPS, steps - chunk * STEPS);
      Arrays.fill(panels.inLanes, 0, count * states * L, 0);
      Arrays.fill(panels.outLanes, 0, count * states * L, 0);
      for (int block = from; block < to; block++) {
        back(panels, sequence, block, block - from, chunk, count);
      }
      final int at = (part * steps + chunk * STEPS) * states;
      addLanes(panels.inLanes, count * states, in, at);
      addLanes(panels.outLanes, count * states, out, at);
    }
    for (int block = from; block < to && dinitial != ScanCall.NOTHING; block++) {
      writeReaching(panels, sequence, block, block - from);
    }
  }

  private static void addLanes(float[] lanes, int count, float[] to, int at) {
    for (int i = 0; i < count; i++) {
      float sum = 0;
      for (int lane = 0; lane < L; lane++) {
        sum += lanes[i * L + lane];
      }
      to[at + i] = sum;
    }
  }

  private int width(int block) {
    return Math.min(W, channels - block * W);
  }

  /** Keeps the states of a block at the start of each chunk, and what reaches the last. */
  private void forward(Panels panels, int sequence, int block, int own) {
    final int size = states * W;
    readState(panels, initial, sequence, block);
    copyRows(panels.state, panels.states, 0);
    for (int chunk = 0; chunk < chunks; chunk++) {
      System.arraycopy(panels.states, 0, panels.kept, (own * chunks + chunk) * size, size);
      if (chunk < chunks - 1) {
        open(panels, sequence, block, chunk, STEPS);
        replay(panels, STEPS, states);
        System.arraycopy(panels.states, STEPS * size, panels.states, 0, size);
      }
    }
    readState(panels, dstate, sequence, block);
    copyRows(panels.state, panels.reaching, own * size);
  }

  private void readState(Panels panels, Tensor state, int sequence, int block) {
    if (state == ScanCall.NOTHING) {
      panels.state.fill(states, W, 0);
      return;
    }
    final long at = stateAt(state, sequence, block);
    panels.state.open(state, at, state.stride(2), state.stride(1), states, width(block), W);
  }

  private static long stateAt(Tensor state, int sequence, int block) {
    return state.offset() + sequence * state.stride(0) + (long) block * W * state.stride(1);
  }

  private void copyRows(ScanRows rows, float[] to, int at) {
    for (int s = 0; s < states; s++) {
      System.arraycopy(rows.array, rows.offset + s * rows.stride, to, at + s * W, W);
    }
  }

  private void writeReaching(Panels panels, int sequence, int block, int own) {
    final long at = stateAt(dinitial, sequence, block);
    for (int s = 0; s < states; s++) {
      for (int i = 0; i < width(block); i++) {
        dinitial.setDouble(
            at + s * dinitial.stride(2) + i * dinitial.stride(1),
            panels.reaching[(own * states + s) * W + i]);
      }
    }
  }

  /** Makes what the recurrence of a chunk needs available. */
  private void open(Panels panels, int sequence, int block, int chunk, int count) {
    final int from = chunk * STEPS;
    final long channel = (long) block * W;
    final int width = width(block);
    panels.u.openSteps(u, sequence, channel, from, count, width, W);
    panels.b.openSteps(b, sequence, 0, from, count, states, states);
    final long at = a.offset() + channel * a.stride(0);
    panels.a.open(a, at, a.stride(1), a.stride(0), states, width, W);
    if (bias == ScanCall.NOTHING && !softplus) {
      panels.delta.openSteps(delta, sequence, channel, from, count, width, W);
      return;
    }
    panels.delta.copySteps(delta, sequence, channel, from, count, width, W);
    final float[] sizes = panels.delta.array;
    if (bias != ScanCall.NOTHING) {
      final long step = bias.stride(0);
      panels.bias.open(bias, bias.offset() + channel * step, 0, step, 1, width, W);
      panels.delta.addRow(panels.bias, count, W);
    }
    if (softplus) {
      System.arraycopy(sizes, 0, panels.raw, 0, count * W);
      SoftplusSimd.values(sizes, 0, sizes, 0, count * W);
    }
  }

  private void back(Panels panels, int sequence, int block, int own, int chunk, int count) {
    final int size = states * W;
    final int from = chunk * STEPS;
    final long channel = (long) block * W;
    final int width = width(block);
    open(panels, sequence, block, chunk, count);
    System.arraycopy(panels.kept, (own * chunks + chunk) * size, panels.states, 0, size);
    replay(panels, count, states);
    panels.c.openSteps(c, sequence, 0, from, count, states, states);
    panels.dy.openSteps(dy, sequence, channel, from, count, width, W);
    if (skip == ScanCall.NOTHING) {
      panels.skip.fill(1, W, 0);
    } else {
      final long step = skip.stride(0);
      panels.skip.open(skip, skip.offset() + channel * step, 0, step, 1, width, W);
    }
    panels.du.openStepsToWrite(du, sequence, channel, from, count, width, W);
    panels.ddelta.openStepsToWrite(ddelta, sequence, channel, from, count, width, W);
    Arrays.fill(panels.rates, 0, size, 0);
    adjoint(panels, own * size, count, states);
    final int lane = (sequence * blocks + block) * W;
    final ScanRows sizes = panels.ddelta;
    for (int t = 0; t < count; t++) {
      final int at = sizes.offset + t * sizes.stride;
      if (softplus) {
        SoftplusSimd.gradients(panels.raw, t * W, sizes.array, at, sizes.array, at, W);
      }
      final int ut = panels.u.offset + t * panels.u.stride;
      final int gt = panels.dy.offset + t * panels.dy.stride;
      for (int i = 0; i < W; i++) {
        biases[lane + i] += sizes.array[at + i];
        skips[lane + i] += panels.dy.array[gt + i] * panels.u.array[ut + i];
      }
    }
    for (int i = 0; i < size; i++) {
      rates[lane * states + i] -= panels.rates[i];
    }
    panels.du.closeSteps(du, sequence, channel, from, count, width);
    panels.ddelta.closeSteps(ddelta, sequence, channel, from, count, width);
  }

  /** Adds up the gradients of b and c of a sequence over its parts, in order. */
  private void sumColumns(int sequence) {
    final int first = sequence * partsPerSequence * steps * states;
    for (int i = 0; i < steps * states; i++) {
      double inSum = 0;
      double outSum = 0;
      for (int part = 0; part < partsPerSequence; part++) {
        inSum += in[first + part * steps * states + i];
        outSum += out[first + part * steps * states + i];
      }
      db.setDouble(ScanCall.at(db, sequence, i / states, i % states), inSum);
      dc.setDouble(ScanCall.at(dc, sequence, i / states, i % states), outSum);
    }
  }

  private void writeSums(ScanGradients to) {
    final Tensor da = to.da();
    for (int channel = 0; channel < channels; channel++) {
      for (int s = 0; s < states; s++) {
        double sum = 0;
        for (int sequence = 0; sequence < batch; sequence++) {
          final int block = sequence * blocks + channel / W;
          sum += rates[(block * states + s) * W + channel % W];
        }
        da.setDouble(da.offset() + channel * da.stride(0) + s * da.stride(1), sum);
      }
    }
    if (to.dskip().isPresent()) {
      writeSums(skips, to.dskip().get());
    }
    if (to.dbias().isPresent()) {
      writeSums(biases, to.dbias().get());
    }
  }

  private void writeSums(double[] lanes, Tensor to) {
    for (int channel = 0; channel < channels; channel++) {
      double sum = 0;
      for (int sequence = 0; sequence < batch; sequence++) {
        sum += lanes[sequence * blocks * W + channel];
      }
      to.setDouble(to.offset() + channel * to.stride(0), sum);
    }
  }

  /** Computes the decays of a chunk and its states after each step. */
  private static void replay(Panels panels, int steps, int states) {
    final float[] u = panels.u.array;
    final float[] delta = panels.delta.array;
    final float[] a = panels.a.array;
    final float[] b = panels.b.array;
    final float[] h = panels.states;
    final float[] e = panels.decays;
    final int aStride = panels.a.stride;
    final int size = states * W;
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
    for (int t = 0; t < steps; t++) {
      final int ut = panels.u.offset + t * panels.u.stride;
      final int dt = panels.delta.offset + t * panels.delta.stride;
      final int bt = panels.b.offset + t * panels.b.stride;
      final FloatVector d0 = FloatVector.fromArray(S, delta, dt);
      final FloatVector d1 = FloatVector.fromArray(S, delta, dt + L);
      final FloatVector x0 = d0.mul(FloatVector.fromArray(S, u, ut));
      final FloatVector x1 = d1.mul(FloatVector.fromArray(S, u, ut + L));
      final FloatVector r0 = d0.mul(MINUS_LOG2E);
      final FloatVector r1 = d1.mul(MINUS_LOG2E);
      int ai = panels.a.offset;
      int at = t * size;
      for (int s = 0; s < states; s++) {
        final FloatVector bs = FloatVector.broadcast(S, b[bt + s]);
        final FloatVector w0 = FloatVector.fromArray(S, a, ai).mul(r0);
        final FloatVector z0 = w0.blend(highest, w0.compare(GT, highest));
        final FloatVector k0 = z0.add(magic);
        final FloatVector t0 = z0.sub(k0.sub(magic));
        final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1).fma(t0, one);
        final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
        final FloatVector e0 = p0.mul(s0).blend(zero, z0.compare(LT, lowest));
        e0.intoArray(e, at);
        FloatVector.fromArray(S, h, at).fma(e0, x0.mul(bs)).intoArray(h, at + size);
        final FloatVector w1 = FloatVector.fromArray(S, a, ai + L).mul(r1);
        final FloatVector z1 = w1.blend(highest, w1.compare(GT, highest));
        final FloatVector k1 = z1.add(magic);
        final FloatVector t1 = z1.sub(k1.sub(magic));
        final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1).fma(t1, one);
        final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
        final FloatVector e1 = p1.mul(s1).blend(zero, z1.compare(LT, lowest));
        e1.intoArray(e, at + L);
        FloatVector.fromArray(S, h, at + L).fma(e1, x1.mul(bs)).intoArray(h, at + L + size);
        ai += aStride;
        at += W;
      }
    }
  }

  /** The adjoint recurrence over a chunk, from its last step to its first. */
  private static void adjoint(Panels panels, int reachingAt, int steps, int states) {
    final float[] u = panels.u.array;
    final float[] delta = panels.delta.array;
    final float[] dy = panels.dy.array;
    final float[] a = panels.a.array;
    final float[] b = panels.b.array;
    final float[] c = panels.c.array;
    final float[] h = panels.states;
    final float[] e = panels.decays;
    final float[] g = panels.reaching;
    final float[] in = panels.inLanes;
    final float[] out = panels.outLanes;
    final float[] rates = panels.rates;
    final float[] skips = panels.skip.array;
    final int skip = panels.skip.offset;
    final int aStride = panels.a.stride;
    final int size = states * W;
    for (int t = steps - 1; t >= 0; t--) {
      final int ut = panels.u.offset + t * panels.u.stride;
      final int dt = panels.delta.offset + t * panels.delta.stride;
      final int gt = panels.dy.offset + t * panels.dy.stride;
      final int bt = panels.b.offset + t * panels.b.stride;
      final int ct = panels.c.offset + t * panels.c.stride;
      final FloatVector y0 = FloatVector.fromArray(S, dy, gt);
      final FloatVector y1 = FloatVector.fromArray(S, dy, gt + L);
      final FloatVector d0 = FloatVector.fromArray(S, delta, dt);
      final FloatVector d1 = FloatVector.fromArray(S, delta, dt + L);
      final FloatVector x0 = d0.mul(FloatVector.fromArray(S, u, ut));
      final FloatVector x1 = d1.mul(FloatVector.fromArray(S, u, ut + L));
      FloatVector dx0 = FloatVector.zero(S);
      FloatVector dx1 = FloatVector.zero(S);
      FloatVector dd0 = FloatVector.zero(S);
      FloatVector dd1 = FloatVector.zero(S);
      int ai = panels.a.offset;
      for (int s = 0; s < states; s++) {
        final int at = t * size + s * W;
        final int gi = reachingAt + s * W;
        final int lanes = (t * states + s) * L;
        final FloatVector bs = FloatVector.broadcast(S, b[bt + s]);
        final FloatVector cs = FloatVector.broadcast(S, c[ct + s]);
        final FloatVector g0 = y0.fma(cs, FloatVector.fromArray(S, g, gi));
        final FloatVector g1 = y1.fma(cs, FloatVector.fromArray(S, g, gi + L));
        final FloatVector o0 =
            y0.fma(FloatVector.fromArray(S, h, at + size), FloatVector.fromArray(S, out, lanes));
        y1.fma(FloatVector.fromArray(S, h, at + size + L), o0).intoArray(out, lanes);
        g1.fma(x1, g0.fma(x0, FloatVector.fromArray(S, in, lanes))).intoArray(in, lanes);
        dx0 = g0.fma(bs, dx0);
        dx1 = g1.fma(bs, dx1);
        final FloatVector r0 = g0.mul(FloatVector.fromArray(S, e, at));
        final FloatVector r1 = g1.mul(FloatVector.fromArray(S, e, at + L));
        r0.intoArray(g, gi);
        r1.intoArray(g, gi + L);
        final FloatVector q0 = r0.mul(FloatVector.fromArray(S, h, at));
        final FloatVector q1 = r1.mul(FloatVector.fromArray(S, h, at + L));
        dd0 = q0.fma(FloatVector.fromArray(S, a, ai), dd0);
        dd1 = q1.fma(FloatVector.fromArray(S, a, ai + L), dd1);
        q0.fma(d0, FloatVector.fromArray(S, rates, s * W)).intoArray(rates, s * W);
        q1.fma(d1, FloatVector.fromArray(S, rates, s * W + L)).intoArray(rates, s * W + L);
        ai += aStride;
      }
      final int dut = panels.du.offset + t * panels.du.stride;
      final int ddt = panels.ddelta.offset + t * panels.ddelta.stride;
      dx0.mul(d0)
          .add(y0.mul(FloatVector.fromArray(S, skips, skip)))
          .intoArray(panels.du.array, dut);
      dx1.mul(d1)
          .add(y1.mul(FloatVector.fromArray(S, skips, skip + L)))
          .intoArray(panels.du.array, dut + L);
      dx0.mul(FloatVector.fromArray(S, u, ut)).sub(dd0).intoArray(panels.ddelta.array, ddt);
      dx1.mul(FloatVector.fromArray(S, u, ut + L)).sub(dd1).intoArray(panels.ddelta.array, ddt + L);
    }
  }
}
