package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.PositionTemperature;
import io.steelyard.layers.attention.SelectiveOptions.Token;
import io.steelyard.layers.engine.Libtorch;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SelectiveAttentionBlockTest {

  @Nested
  class Shared extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.selective(SelectiveOptions.defaults().on(true, true, true));
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).with(Rotary.line());
    }

    @Override
    boolean isEquivariant() {
      return false;
    }
  }

  @Nested
  class Full extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.selective(
          SelectiveOptions.defaults()
              .with(Token.FULL)
              .with(PositionTemperature.Form.DOUBLE_EXP)
              .on(true, false, false));
    }
  }

  @Nested
  class ByPosition extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.selective(
          SelectiveOptions.defaults().byPositionOnly().with(PositionTemperature.Form.LINEAR));
    }
  }

  @Test
  void atFirstItIsSoftmaxAttentionButForTheSlightestGrowth() {
    try (NDManager manager = Libtorch.newManager()) {
      final Shape tokens = new Shape(2, 6, 8);
      final NDArray x = manager.create(new Random(3).doubles(96, -1, 1).toArray(), tokens);
      final ParameterStore store = new ParameterStore(manager, false);
      final MultiHeadAttention plain =
          new MultiHeadAttention(MultiHeadOptions.of(8, 2, 6, Attention.softmax(), new Random(1)));
      final MultiHeadAttention selective =
          new MultiHeadAttention(
              MultiHeadOptions.of(
                  8,
                  2,
                  6,
                  Attention.selective(SelectiveOptions.defaults().byTokenOnly()),
                  new Random(1)));
      plain.initialize(manager, DataType.FLOAT64, tokens);
      selective.initialize(manager, DataType.FLOAT64, tokens);
      assertThat(selective.attend(store, x, Visibility.all(), true).toDoubleArray())
          .containsExactly(
              plain.attend(store, x, Visibility.all(), true).toDoubleArray(), within(1e-14));
      // The position's slope begins at sigmoid(-5): 1.0154 at the tenth key.
      assertThat(new PositionTemperature(PositionTemperature.Form.SIGMOID, -5).at(10))
          .isCloseTo(1.015410859, within(1e-9));
    }
  }
}
