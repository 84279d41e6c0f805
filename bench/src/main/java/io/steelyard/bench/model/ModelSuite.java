package io.steelyard.bench.model;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Metric;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.bench.suite.Target;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whole models: predictions through kernels beside the same composed from DJL's operators, and a
 * step of training with each attention beside softmax in the same encoder.
 */
public final class ModelSuite implements Suite {

  private record Size(Network network, int side) {}

  private static final List<Size> MAIN =
      List.of(new Size(Network.SMALL_VIT, 128), new Size(Network.DECODER, 1024));
  private static final List<Size> MORE =
      List.of(
          new Size(Network.SMALL_VIT, 192),
          new Size(Network.DEIT_TINY, 512),
          new Size(Network.DECODER, 2048));

  private static final List<EncoderAttention> QUICK =
      List.of(EncoderAttention.SIGMOID, EncoderAttention.LINEAR, EncoderAttention.SOFT);
  private static final int SIDE = 8;
  private static final int LARGE_SIDE = 16;

  private static final Target TWICE_COMPOSED = new Target(Metric.RATIO, 2.0);

  @Override
  public String name() {
    return "model";
  }

  @Override
  public String summary() {
    return "whole models through kernels, and a training step of each attention beside softmax";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    final boolean full = scope == Scope.FULL;
    MAIN.forEach(size -> cases.add(prediction(size, cores)));
    if (full) {
      MORE.forEach(size -> cases.add(prediction(size, cores)));
    }
    for (final int side : full ? List.of(SIDE, LARGE_SIDE) : List.of(SIDE)) {
      for (final EncoderAttention attention : full ? List.of(EncoderAttention.values()) : QUICK) {
        if (attention != EncoderAttention.SOFTMAX && attention.takes(side * side)) {
          cases.add(step(attention, side, cores));
        }
      }
    }
    return cases;
  }

  private static Case prediction(Size size, int threads) {
    final int tokens = size.network().tokens(size.side());
    return new Case(
        "prediction of " + size.network().label() + ", n=" + tokens,
        threads,
        prediction(size, Form.KERNELS, threads),
        new Work(tokens, Work.Unit.ELEMENTS),
        List.of(
            new Contender("composed from DJL operators", prediction(size, Form.COMPOSED, threads))),
        Optional.empty(),
        List.of(),
        List.of(TWICE_COMPOSED));
  }

  private static Trial prediction(Size size, Form form, int threads) {
    return new Trial(
        Prediction.class,
        "run",
        Map.of(
            "network", size.network().name(),
            "side", Integer.toString(size.side()),
            "form", form.name(),
            "threads", Integer.toString(threads)));
  }

  private static Case step(EncoderAttention attention, int side, int threads) {
    final int tokens = side * side;
    return new Case(
        "training step, " + attention.label() + ", n=" + tokens + " d=" + TrainingStep.WIDTH,
        threads,
        step(threads, attention, side),
        new Work((double) TrainingStep.BATCH * tokens, Work.Unit.ELEMENTS),
        List.of(
            new Contender(
                "softmax in the same encoder", step(threads, EncoderAttention.SOFTMAX, side))),
        Optional.empty(),
        List.of(),
        List.of());
  }

  private static Trial step(int threads, EncoderAttention attention, int side) {
    return new Trial(
        TrainingStep.class,
        "run",
        Map.of(
            "attention", attention.name(),
            "side", Integer.toString(side),
            "threads", Integer.toString(threads)));
  }
}
