package io.steelyard.bench.gating;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.rows.Rows;
import io.steelyard.kernels.gating.Dispatch;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Tokens on their way to two experts each, or results on their way back. */
public class DispatchKernels extends CheckedBenchmark {

  /** Experts of this suite. */
  static final int EXPERTS = 64;

  /** One way or the other. */
  public enum Way {
    SEND,
    COMBINE
  }

  @Param("SEND")
  Way way;

  @Param("256x64")
  String shape;

  private Dispatch plan = Dispatch.plan(Tensor.zeros(DType.I32, 0, 1), 1, 0);
  private Tensor tokens = Tensor.zeros(DType.F32, 0);
  private Tensor queues = tokens;
  private Tensor weights = tokens;

  @Override
  protected void prepare() {
    final Rows rows = Rows.parse(shape);
    final int[] chosen = new int[GateFunction.CHOICES * rows.count()];
    final float[] shares = new float[rows.count() * EXPERTS];
    // Every expert gets its share: what is measured is the way, not who is dropped.
    for (int token = 0; token < rows.count(); token++) {
      final int first = token * 29 % EXPERTS;
      final int second = (first + EXPERTS / 2) % EXPERTS;
      chosen[2 * token] = first;
      chosen[2 * token + 1] = second;
      shares[token * EXPERTS + first] = 0.75f;
      shares[token * EXPERTS + second] = 0.25f;
    }
    final int capacity = Dispatch.capacity(rows.count(), GateFunction.CHOICES, EXPERTS, 1.25);
    plan = Dispatch.plan(Tensor.of(chosen, rows.count(), 2), EXPERTS, capacity);
    tokens = Tensor.of(rows.scores(), rows.shape());
    weights = Tensor.of(shares, rows.count(), EXPERTS);
    queues = Tensor.zeros(DType.F32, EXPERTS, capacity, rows.length());
    plan.send(tokens, queues);
  }

  @Override
  protected void call() {
    switch (way) {
      case SEND -> plan.send(tokens, queues);
      case COMBINE -> plan.combine(queues, weights, tokens);
    }
  }

  /** Experts that do nothing: what was sent, times weights that add up to 1, is the token. */
  @Override
  protected void check() {
    final Rows rows = Rows.parse(shape);
    final float[] there = queues.floatArray().orElseThrow();
    final float[] back = tokens.floatArray().orElseThrow();
    if (way == Way.SEND) {
      Arrays.fill(there, Float.NaN);
      call();
      plan.combine(queues, weights, tokens);
    } else {
      Arrays.fill(back, Float.NaN);
      call();
    }
    final float[] exact = rows.scores();
    for (int i = 0; i < exact.length; i++) {
      expect("number " + i, back[i], exact[i], 1e-5);
    }
  }
}
