package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.engine.Libtorch;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PositionsTest {

  @Test
  void slopesOfSixHeads() {
    assertThat(Alibi.slopes(6)).containsExactly(0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125);
    assertThat(Alibi.slopes(8)[0]).isEqualTo(0.5);
    assertThat(Alibi.slopes(1)).containsExactly(Math.pow(2, -8));
    assertThatIllegalArgumentException().isThrownBy(() -> Alibi.slopes(0));
  }

  @Test
  void productsOfRotatedVectorsDependOnDistancesOnly() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray q = manager.create(new double[] {1, 2, -3, .5}, new Shape(1, 1, 1, 4));
      final NDArray k = manager.create(new double[] {.3, -1, 2, 4}, new Shape(1, 1, 1, 4));
      final double near = product(q, 3, k, 1);
      assertThat(product(q, 103, k, 101)).isCloseTo(near, within(1e-12));
      assertThat(product(q, 4, k, 1)).isNotCloseTo(near, within(1e-3));
      assertThat(product(q, 0, k, 0)).isCloseTo(q.mul(k).sum().getDouble(), within(1e-14));
    }
  }

  private static double product(NDArray q, long i, NDArray k, long j) {
    final NDArray left = Rotary.line().rotate(new Projection(q, true), i, Optional.empty()).array();
    final NDArray right =
        Rotary.line().rotate(new Projection(k, true), j, Optional.empty()).array();
    return left.mul(right).sum().getDouble();
  }

  @Test
  void onAGridHalfOfTheFeaturesTurnsWithTheRow() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray like = manager.create(new double[] {0});
      final Optional<Grid> grid = Optional.of(new Grid(2, 3));
      assertThat(
              Rotary.grid()
                  .angles(0, 6, 8, grid, like)
                  .toType(DataType.FLOAT64, false)
                  .get("5")
                  .toDoubleArray())
          .containsExactly(new double[] {1, 1e-4, 2, 2e-4}, within(1e-18));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Rotary.grid().angles(0, 6, 6, grid, like))
          .withMessage("D is 6; expected a multiple of 4 for rotary positions");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Rotary.grid().angles(0, 6, 8, Optional.empty(), like))
          .withMessageContaining("grid is absent");
    }
  }
}
