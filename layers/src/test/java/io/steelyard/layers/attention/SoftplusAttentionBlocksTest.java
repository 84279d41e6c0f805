package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.Reweighting;
import io.steelyard.layers.engine.Libtorch;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SoftplusAttentionBlocksTest {

  @Nested
  class Plain extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.softplus();
    }
  }

  @Nested
  class Reweighted extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> SoftplusAttentionBlock.reweighted(new Reweighting(3, false));
    }
  }

  @Nested
  class Cosine extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.cosineSoftmax();
    }
  }

  private static final double[] Q = {1, 0, 0, 0, 2, 0, 1, 1, 0, 0, 0, 3, 1, 0, 1};
  private static final double[] K = {1, 0, 0, 0, 1, 0, 1, 1, 1, 0, -1, 1, 2, 0, 1};

  private static double[] outputs(AttentionBlock block, double[] k) {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray values = manager.create(new double[] {1, 2, 3, 4, 5}, new Shape(1, 1, 5, 1));
      final AttentionCall call =
          new AttentionCall(
              Optional.empty(),
              Map.of(
                  "q", new Projection(manager.create(Q, new Shape(1, 1, 5, 3)), false),
                  "k", new Projection(manager.create(k, new Shape(1, 1, 5, 3)), false),
                  "v", new Projection(values, false)),
              Visibility.ofThePast(),
              Optional.empty(),
              Optional.empty());
      final ParameterStore store = new ParameterStore(manager, false);
      final double[] composed = block.attend(store, call, true).toDoubleArray();
      assertThat(block.attend(store, call, false).toDoubleArray())
          .containsExactly(composed, within(1e-11));
      return composed;
    }
  }

  @Test
  void goldenCases() {
    assertThat(outputs(SoftplusAttentionBlock.plain(), K))
        .containsExactly(
            new double[] {1, 1.622847475, 2.025376987, 2.821894065, 3.177484587}, within(1e-9));
    assertThat(outputs(SoftplusAttentionBlock.reweighted(new Reweighting(3, true)), K))
        .containsExactly(
            new double[] {1, 1.818312475, 2.07780877, 3.810207801, 4.621671347}, within(1e-9));
    assertThat(outputs(SoftplusAttentionBlock.reweighted(Reweighting.defaults()), K))
        .containsExactly(
            new double[] {1, 1.999460743, 2.410614973, 3.999295139, 4.999392893}, within(1e-9));
  }

  @Test
  void identicalKeysGiveZerosOnceAnAverageIsTakenOff() {
    final double[] same = new double[15];
    for (int i = 0; i < 15; i += 3) {
      same[i] = 1;
    }
    final double[] o = outputs(SoftplusAttentionBlock.reweighted(Reweighting.defaults()), same);
    assertThat(o).containsExactly(new double[] {1, 1.5, 2, 0, 0}, within(1e-12));
  }
}
