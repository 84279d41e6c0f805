package io.steelyard.layers.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NDArrayTensorsTest {

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  @Test
  void contiguousArraysShareTheirMemory() {
    final NDArray array = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3));
    assertThat(NDArrayTensors.isShared(array)).isTrue();
    final Tensor tensor = NDArrayTensors.tensor(array);
    assertThat(tensor.dtype()).isEqualTo(DType.F32);
    assertThat(tensor.shape()).containsExactly(2, 3);
    tensor.setDouble(4, 50);
    assertThat(array.toFloatArray()).containsExactly(1, 2, 3, 4, 50, 6);
  }

  @Test
  void rowsOfAnArrayShareItsMemory() {
    final NDArray array = manager.create(new double[] {1, 2, 3, 4}, new Shape(2, 2));
    final NDArray row = array.get(1);
    assertThat(NDArrayTensors.isShared(row)).isTrue();
    NDArrayTensors.tensor(row).setDouble(0, 30);
    assertThat(array.toDoubleArray()).containsExactly(1, 2, 30, 4);
  }

  @Test
  void transposedViewsAreCopiedInRowMajorOrder() {
    final NDArray array = manager.create(new int[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3));
    final NDArray transposed = array.transpose();
    final int before = manager.getManagedArrays().size();
    assertThat(NDArrayTensors.isShared(transposed)).isFalse();
    assertThat(manager.getManagedArrays()).hasSize(before);
    final Tensor copy = NDArrayTensors.tensor(transposed);
    assertThat(copy.toDoubleArray()).containsExactly(1, 4, 2, 5, 3, 6);
    copy.setDouble(0, 10);
    assertThat(array.toIntArray()).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void everyTypeScalarsAndEmptyArraysGoBothWays() {
    final Tensor[] tensors = {
      Tensor.of(new float[] {1, Float.NaN}, 2),
      Tensor.of(new double[] {0.1}),
      Tensor.of(new int[] {-7, 7}, 1, 2),
      Tensor.of(new boolean[] {true, false, true}, 3),
      Tensor.zeros(DType.F64, 0, 3),
      Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3).transpose(0, 1),
      Tensor.of(new boolean[] {true, false, true, true}, 2, 2).transpose(0, 1),
      Tensor.of(new double[] {1, 2}, 2, 1).broadcastTo(2, 3),
      Tensor.of(new int[] {1, 2, 3, 4}, 4).slice(0, 1, 3)
    };
    for (final Tensor tensor : tensors) {
      final NDArray array = NDArrayTensors.array(manager, tensor);
      assertThat(array.getDataType()).isEqualTo(NDArrayTensors.dataType(tensor.dtype()));
      assertThat(array.getShape().getShape())
          .describedAs(tensor.toString())
          .containsExactly(tensor.shape());
      assertThat(NDArrayTensors.tensor(array).toDoubleArray())
          .describedAs(tensor.toString())
          .containsExactly(tensor.toDoubleArray());
    }
  }

  @Test
  void nativeMemoryIsWrappedAndHeapMemoryCopied() {
    final ByteBuffer buffer = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    final Tensor direct = Tensor.of(buffer, DType.F32, 4).slice(0, 1, 4);
    final NDArray shared = NDArrayTensors.array(manager, direct);
    buffer.putFloat(4, 9);
    assertThat(shared.toFloatArray()).containsExactly(9, 0, 0);
    final float[] heap = {1, 2};
    final NDArray copied = NDArrayTensors.array(manager, Tensor.of(heap, 2));
    heap[0] = 5;
    assertThat(copied.toFloatArray()).containsExactly(1, 2);
    final Arena arena = Arena.ofAuto();
    final Tensor segment = Tensor.of(arena.allocate(16, 8), DType.F64, 2);
    final NDArray overSegment = NDArrayTensors.array(manager, segment);
    segment.setDouble(1, 3);
    assertThat(overSegment.toDoubleArray()).containsExactly(0, 3);
  }

  @Test
  void anyNonZeroByteIsTrueInLibtorchToo() {
    final ByteBuffer bytes = ByteBuffer.allocateDirect(2).order(ByteOrder.nativeOrder());
    bytes.put(0, (byte) 7);
    final NDArray array = NDArrayTensors.array(manager, Tensor.of(bytes, DType.BOOL, 2));
    assertThat(array.toType(DataType.INT32, true).toIntArray()).containsExactly(1, 0);
  }

  @Test
  void otherTypesAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NDArrayTensors.tensor(manager.create(new long[] {1})))
        .withMessageContaining("array is int64 (1)")
        .withMessageContaining("toType");
  }
}
