package io.steelyard.layers.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.engine.Libtorch;
import org.junit.jupiter.api.Test;

class DropPathTest {

  @Test
  void leavesOutWholeSamplesAndKeepsTheMean() {
    try (NDManager manager = Libtorch.newManager()) {
      for (final DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
        Libtorch.seed(3);
        final NDArray branch = manager.ones(new Shape(4000, 2, 3), type);
        final NDArray dropped = DropPath.drop(branch, 0.25);
        assertThat(dropped.getDataType()).isEqualTo(type);
        final double[] sums =
            dropped.toType(DataType.FLOAT64, false).sum(new int[] {1, 2}).toDoubleArray();
        int gone = 0;
        for (final double sum : sums) {
          if (sum == 0) {
            gone++;
          } else {
            assertThat(sum).isCloseTo(6 / 0.75, within(1e-5));
          }
        }
        // Four standard deviations.
        assertThat(gone / 4000.0).describedAs("seed 3").isCloseTo(0.25, within(0.028));
      }
      final NDArray branch = manager.ones(new Shape(2, 2, 3));
      assertThat(DropPath.drop(branch, 0)).isSameAs(branch);
    }
  }

  @Test
  void ratesGrowEvenly() {
    assertThat(DropPath.rate(0, 12, 0.1)).isZero();
    assertThat(DropPath.rate(11, 12, 0.1)).isEqualTo(0.1);
    assertThat(DropPath.rate(3, 7, 0.4)).isCloseTo(0.2, within(1e-15));
    assertThat(DropPath.rate(0, 1, 0.4)).isZero();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DropPath.rate(12, 12, 0.1))
        .withMessage("layer is 12; expected 0 to 11");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DropPath.rate(1, 12, 1))
        .withMessage("last is 1.0; expected [0, 1)");
  }
}
