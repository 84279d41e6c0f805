package io.steelyard.kernels.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

/** Views share memory, know their shape and refuse what does not fit. */
class TensorTest {

  @Test
  void viewsShareMemoryWithTheirArray() {
    final float[] data = {1, 2, 3, 4, 5, 6};
    final Tensor tensor = Tensor.of(data, 2, 3);
    assertThat(tensor.get(1, 0)).isEqualTo(4);
    tensor.setDouble(tensor.flatIndex(5), 9);
    assertThat(data[5]).isEqualTo(9);
    data[0] = -1;
    assertThat(tensor.get(0, 0)).isEqualTo(-1);
    assertThat(tensor.floatArray()).contains(data);
    assertThat(tensor).hasToString("f32[2, 3]");
  }

  @Test
  void transposeSliceReshapeAndBroadcastAreViews() {
    final Tensor tensor = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    final Tensor transposed = tensor.transpose(0, 1);
    assertThat(transposed.toFloatArray()).containsExactly(1, 4, 2, 5, 3, 6);
    assertThat(transposed.isContiguous()).isFalse();
    assertThat(tensor.slice(1, 1, 3).toFloatArray()).containsExactly(2, 3, 5, 6);
    assertThat(tensor.slice(-2, 1, 2).reshape(3).toFloatArray()).containsExactly(4, 5, 6);
    assertThat(Tensor.of(new float[] {7, 8}, 2, 1).broadcastTo(2, 2, 3).toFloatArray())
        .containsExactly(7, 7, 7, 8, 8, 8, 7, 7, 7, 8, 8, 8);
    assertThatThrownBy(() -> transposed.reshape(6)).hasMessageContaining("contiguous");
    assertThatThrownBy(() -> tensor.broadcastTo(2, 4))
        .hasMessage("cannot broadcast f32[2, 3] to [2, 4]");
    assertThatThrownBy(() -> tensor.broadcastTo(3)).hasMessageContaining("cannot broadcast");
  }

  @Test
  void buffersAndSegmentsAreShared() {
    final ByteBuffer direct = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    final Tensor bytes = Tensor.of(direct, DType.F32, 4);
    bytes.setDouble(2, 2.5);
    assertThat(direct.getFloat(8)).isEqualTo(2.5f);
    final FloatBuffer floats = direct.asFloatBuffer().position(2).slice();
    assertThat(Tensor.of(floats, 2).get(0)).isEqualTo(2.5);
    assertThatThrownBy(
            () -> Tensor.of(ByteBuffer.allocate(8).order(ByteOrder.BIG_ENDIAN), DType.F32, 2))
        .hasMessageContaining("expected native order");
    try (Arena arena = Arena.ofConfined()) {
      final MemorySegment segment = arena.allocate(24);
      Tensor.of(segment, DType.F64, 3).setDouble(1, 4);
      assertThat(segment.get(java.lang.foreign.ValueLayout.JAVA_DOUBLE, 8)).isEqualTo(4);
    }
  }

  @Test
  void heapSlicesKnowWhereTheirArrayStarts() {
    final float[] data = {0, 1, 2, 3, 4, 5};
    final Tensor tail = Tensor.of(MemorySegment.ofArray(data).asSlice(8), DType.F32, 4);
    assertThat(tail.floatArray()).contains(data);
    assertThat(tail.floatArrayOffset()).isEqualTo(2);
    assertThat(Tensor.of(MemorySegment.ofArray(data).asSlice(2, 8), DType.F32, 2).floatArray())
        .as("a view off the element grid is not an array view")
        .isEmpty();
  }

  @Test
  void sizesAndEdges() {
    assertThat(Tensor.of(new float[] {5}).get()).isEqualTo(5);
    assertThat(Tensor.of(new float[] {5}).rank()).isZero();
    assertThat(Tensor.zeros(DType.F32, 3, 0).size()).isZero();
    assertThat(Tensor.zeros(DType.F32, 3, 0).rows()).isEqualTo(3);
    assertThatThrownBy(() -> Tensor.of(new float[5], 2, 3))
        .hasMessage("data holds 5 elements; shape [2, 3] needs 6");
    assertThatThrownBy(() -> Tensor.of(MemorySegment.ofArray(new float[5]), DType.F32, 2, 3))
        .hasMessage("memory holds 5 elements of f32; shape [2, 3] needs 6");
    assertThatThrownBy(() -> Tensor.zeros(DType.F32, 2, -1))
        .hasMessageContaining("shape is [2, -1]");
    assertThatThrownBy(() -> Tensor.zeros(DType.F32, 1L << 31))
        .hasMessageContaining("pass a MemorySegment");
    assertThatThrownBy(() -> Tensor.zeros(DType.F32, 2, 2).get(1))
        .hasMessageContaining("expected one for each axis");
    assertThatThrownBy(() -> DType.of("f8")).hasMessageContaining("f8");
  }

  @Test
  void dtypesConvert() {
    final Tensor bools = Tensor.of(new boolean[] {true, false}, 2);
    assertThat(bools.toDoubleArray()).containsExactly(1, 0);
    assertThat(bools.to(DType.I32).toDoubleArray()).containsExactly(1, 0);
    assertThat(Tensor.of(new double[] {1.5, Double.NaN}, 2).to(DType.F32).toFloatArray())
        .containsExactly(1.5f, Float.NaN);
  }

  @Test
  void overlapIsSeen() {
    final float[] data = new float[10];
    final Tensor whole = Tensor.of(data, 10);
    assertThat(whole.overlapsPartly(Tensor.of(data, 10))).isFalse();
    assertThat(whole.slice(0, 0, 5).overlapsPartly(whole.slice(0, 5, 10))).isFalse();
    assertThat(whole.slice(0, 0, 5).overlapsPartly(whole.slice(0, 4, 9))).isTrue();
    assertThat(whole.overlapsPartly(Tensor.of(new float[10], 10))).isFalse();
    assertThat(whole.reshape(2, 5).overlapsPartly(whole.reshape(5, 2).transpose(0, 1))).isTrue();
  }
}
