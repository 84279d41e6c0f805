package io.steelyard.layers.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import io.steelyard.layers.engine.Libtorch;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ScalarsTest {

  private static final double[] X = {-2, 0.5, 3};

  @Test
  void valuesInBothTypes() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray x = manager.create(X);
      assertThat(Scalars.mul(x, 0.1).toDoubleArray()).containsExactly(-2 * 0.1, 0.5 * 0.1, 3 * 0.1);
      assertThat(Scalars.div(x, 0.1).toDoubleArray()).containsExactly(-2 / 0.1, 0.5 / 0.1, 3 / 0.1);
      assertThat(Scalars.pow(x, 2).toDoubleArray()).containsExactly(4, 0.25, 9);
      assertThat(Scalars.maximum(x, 1).toDoubleArray()).containsExactly(1, 1, 3);
      assertThat(Scalars.minimum(x, 1).toDoubleArray()).containsExactly(-2, 0.5, 1);
      final NDArray narrow = x.toType(DataType.FLOAT32, false);
      final NDArray product = Scalars.mul(narrow, 0.1);
      assertThat(product.getDataType()).isEqualTo(DataType.FLOAT32);
      assertThat(product.toFloatArray()).containsExactly(-2 * 0.1f, 0.5f * 0.1f, 3 * 0.1f);
    }
  }

  /** A function and its derivative at {@link #X}. */
  record Form(String name, UnaryOperator<NDArray> function, List<Double> derivative) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Form> forms() {
    return List.of(
        new Form("mul", x -> Scalars.mul(x, 2.5), List.of(2.5, 2.5, 2.5)),
        new Form("div", x -> Scalars.div(x, 0.25), List.of(4.0, 4.0, 4.0)),
        new Form("pow", x -> Scalars.pow(x, 2), List.of(-4.0, 1.0, 6.0)),
        new Form("maximum", x -> Scalars.maximum(x, 1), List.of(0.0, 0.0, 1.0)),
        new Form("minimum", x -> Scalars.minimum(x, 1), List.of(1.0, 1.0, 0.0)),
        new Form("values", ScalarsTest::timesValues, List.of(7.0, 8.0, 9.0)),
        new Form("indices", ScalarsTest::atIndices, List.of(1.0, 0.0, 2.0)));
  }

  private static NDArray timesValues(NDArray x) {
    try (NDArray factors = Like.values(new double[] {7, 8, 9}, new Shape(3), x)) {
      return x.mul(factors);
    }
  }

  private static NDArray atIndices(NDArray x) {
    try (NDArray ids = Like.indices(new long[] {2, 0, 2}, new Shape(3), x)) {
      return x.gather(ids, 0);
    }
  }

  @ParameterizedTest
  @MethodSource("forms")
  void gradientsOutliveACollection(Form form) {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray x = manager.create(X);
      x.setRequiresGradient(true);
      try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
        final NDArray sum = form.function().apply(x).sum();
        assertThat(takeFreedMemory()).isNotEmpty();
        collector.backward(sum);
      }
      assertThat(x.getGradient().toDoubleArray())
          .containsExactly(form.derivative().toArray(Double[]::new));
    }
  }

  /** Makes the collector free buffers that nobody holds, and writes over what they were. */
  private static List<ByteBuffer> takeFreedMemory() {
    System.gc();
    final List<ByteBuffer> taken = new ArrayList<>();
    for (int i = 0; i < 3_000; i++) {
      taken.add(ByteBuffer.allocateDirect(8 + i % 4 * 8).putLong(0, 0x7ff8_dead_beef_0000L));
    }
    return taken;
  }
}
