package io.steelyard.layers;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.engine.Libtorch;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The check of gradients along directions fails where it should. */
class GradientsTest {

  private static void check(boolean inputStops, boolean weightStops) {
    try (NDManager manager = Libtorch.newManager()) {
      final Linear block = Linear.builder().setUnits(2).build();
      block.initialize(manager, DataType.FLOAT64, new Shape(1, 3));
      final NDArray x = manager.create(new double[] {1, -2, 0.5}, new Shape(1, 3));
      final NDArray weight = block.getParameters().get("weight").getArray();
      final Function<NDArray, NDArray> f =
          input -> {
            final NDArray y =
                block
                    .forward(new ParameterStore(manager, false), new NDList(input), true)
                    .singletonOrThrow()
                    .square()
                    .sum();
            final NDArray more = inputStops ? input.stopGradient().square().sum() : input.sum();
            return y.add(more).add(weightStops ? weight.stopGradient().square().sum() : more);
          };
      Gradients.checkAlong(block, f, x, 3, 1e-8);
    }
  }

  @Test
  void rightOnesPass() {
    assertThatCode(() -> check(false, false)).doesNotThrowAnyException();
  }

  @Test
  void whatDoesNotReachTheInputIsNoticed() {
    assertThatThrownBy(() -> check(true, false))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("the input, seed 3: derivative along a direction");
  }

  @Test
  void whatDoesNotReachAParameterIsNoticed() {
    assertThatThrownBy(() -> check(false, true))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("weight, seed 3: derivative along a direction");
  }
}
