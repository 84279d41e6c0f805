package io.steelyard.layers.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import io.steelyard.layers.engine.Libtorch;
import org.junit.jupiter.api.Test;

class CastsTest {

  @Test
  void gradientsPassBothWays() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray x = manager.create(new float[] {1, 2, -3});
      x.setRequiresGradient(true);
      try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
        final NDArray wide = Casts.to(x.square(), DataType.FLOAT64);
        assertThat(wide.getDataType()).isEqualTo(DataType.FLOAT64);
        final NDArray narrow = Casts.to(Scalars.mul(wide, 2), DataType.FLOAT32);
        assertThat(narrow.toFloatArray()).containsExactly(2, 8, 18);
        collector.backward(narrow.mul(x).sum());
      }
      assertThat(x.getGradient().toFloatArray()).containsExactly(6, 24, 54);
    }
  }

  @Test
  void numbersAndShapesStay() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray x =
          manager.create(
              new float[] {Float.NaN, Float.NEGATIVE_INFINITY, 1e-40f, 0.1f}, new Shape(2, 2));
      final NDArray wide = Casts.to(x, DataType.FLOAT64);
      assertThat(wide.toDoubleArray())
          .containsExactly(Double.NaN, Double.NEGATIVE_INFINITY, 1e-40f, 0.1f);
      assertThat(Casts.to(wide, DataType.FLOAT32).toFloatArray()).containsExactly(x.toFloatArray());
      assertThat(Casts.to(x, DataType.FLOAT32)).isSameAs(x);
      final NDArray scalar = manager.create(2f);
      assertThat(Casts.to(scalar, DataType.FLOAT64).getShape()).isEqualTo(new Shape());
      assertThat(Casts.to(manager.zeros(new Shape(0, 3)), DataType.FLOAT64).getShape())
          .isEqualTo(new Shape(0, 3));
      final NDArray whole = manager.create(new int[] {1});
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Casts.to(whole, DataType.FLOAT64))
          .withMessageContaining("array is int32");
    }
  }
}
