package io.steelyard.layers.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Halves;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The bridge between DJL arrays and kernel tensors, sharing memory where both sides allow it.
 *
 * <p>A tensor made here does not keep the array alive: reading it after the array or its manager
 * was closed is a use of freed memory and may crash the JVM. The other way round, an array keeps
 * the tensor's memory alive unless that belongs to an arena which is closed by hand.
 */
public final class NDArrayTensors {

  private static final Shape ALL = new Shape(-1);

  private NDArrayTensors() {}

  /**
   * A tensor with the elements of an array.
   *
   * <p>Without a copy where {@link #isShared} says so; writing then writes the array. Otherwise (a
   * transposed or strided view, or an array on a GPU) the elements are copied once; the copy
   * belongs to the array's manager and lives as long as it.
   *
   * @param array float32, float64, int32 or boolean, any shape, at most 2 GiB
   * @throws IllegalArgumentException for another data type or a larger array
   */
  public static Tensor tensor(NDArray array) {
    final DType dtype = dtype(array);
    final long[] shape = array.getShape().getShape();
    final long bytes = Math.multiplyExact(array.size(), (long) dtype.bytes());
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "array "
              + describe(array)
              + " has "
              + bytes
              + " bytes; a buffer of the JVM holds at most "
              + Integer.MAX_VALUE
              + ": split it along its first axis");
    }
    if (bytes == 0) {
      return Tensor.zeros(dtype, shape);
    }
    return Tensor.of(MemorySegment.ofBuffer(array.toByteBuffer(true)), dtype, shape);
  }

  /**
   * Whether a kernel may stand in for operations of the engine on this array in prediction: it is
   * on the CPU, and no gradient is recorded on this thread. (DJL does not tell which arrays a
   * gradient would pass through: {@code hasGradient} is about leaves.)
   */
  public static boolean suitsKernels(NDArray array) {
    return !array.getDevice().isGpu() && !Libtorch.isRecording();
  }

  /**
   * Whether {@link #tensor} would look at the array's own memory: it is on the CPU and its elements
   * lie row-major without gaps.
   */
  public static boolean isShared(NDArray array) {
    if (array.getDevice().isGpu()) {
      return false;
    }
    if (array.size() == 0) {
      return true;
    }
    // DJL has no public question for contiguity, but it copies only what is not: two requests then
    // give two addresses. The copies belong to the scratch manager.
    try (NDManager scratch = array.getManager().newSubManager()) {
      final NDArray alias = array.stopGradient();
      alias.attach(scratch);
      final long once = address(alias);
      final long again = address(alias);
      return once == again;
    }
  }

  /**
   * An array with the elements of a tensor, in {@code manager} and on its device.
   *
   * <p>Without a copy if the tensor is contiguous, in native memory (a direct buffer or a native
   * segment), not {@link DType#BOOL}, and the device is the CPU. Otherwise the elements are copied
   * once (boolean ones always: libtorch allows no byte but 0 and 1).
   *
   * @throws IllegalArgumentException if the tensor has more than 2 GiB
   */
  public static NDArray array(NDManager manager, Tensor tensor) {
    final Shape shape = new Shape(tensor.shape());
    final DataType type = dataType(tensor.dtype());
    final long bytes = Math.multiplyExact(tensor.size(), (long) tensor.dtype().bytes());
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "tensor "
              + tensor
              + " has "
              + bytes
              + " bytes; expected at most "
              + Integer.MAX_VALUE
              + ": split it along its first axis");
    }
    if (bytes == 0) {
      return manager.create(shape, type);
    }
    final MemorySegment memory;
    if (tensor.memory().isNative() && tensor.isContiguous() && tensor.dtype() != DType.BOOL) {
      memory = tensor.memory().asSlice(tensor.offset() * tensor.dtype().bytes(), bytes);
    } else {
      memory = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(Math.toIntExact(bytes)));
      copy(tensor, memory);
    }
    return manager.create(memory.asByteBuffer().order(ByteOrder.nativeOrder()), shape, type);
  }

  /**
   * Copies the elements of a tensor into an array that is there already, converted to its type.
   *
   * @param target of the shape of the tensor; its memory stays where it is
   */
  public static void copy(Tensor tensor, NDArray target) {
    final Shape shape = new Shape(tensor.shape());
    if (!shape.equals(target.getShape())) {
      throw new IllegalArgumentException(
          "tensor is " + shape + "; expected " + target.getShape() + " like the target");
    }
    try (NDManager scratch = target.getManager().newSubManager()) {
      copy(array(scratch, tensor).toType(target.getDataType(), false), target);
    }
  }

  /**
   * Copies the elements of an array into one of the same shape and type. Unlike {@link
   * NDArray#copyTo}, which gives the target new memory, this writes where the target is, so views
   * of it see the change.
   *
   * @param target contiguous; no part of a graph but for a leaf
   */
  public static void copy(NDArray source, NDArray target) {
    if (target.size() == 0) {
      return;
    }
    try (NDManager scratch = target.getManager().newSubManager()) {
      final NDArray from = source.stopGradient();
      from.attach(scratch);
      final NDArray to = target.stopGradient();
      to.attach(scratch);
      to.reshape(ALL).set(new NDIndex(":"), from.reshape(ALL));
    }
  }

  /** The DJL type of the same elements. */
  public static DataType dataType(DType dtype) {
    return switch (dtype) {
      case F32 -> DataType.FLOAT32;
      case F16 -> DataType.FLOAT16;
      case BF16 -> DataType.BFLOAT16;
      case F64 -> DataType.FLOAT64;
      case I32 -> DataType.INT32;
      case BOOL -> DataType.BOOLEAN;
    };
  }

  private static void copy(Tensor tensor, MemorySegment target) {
    final int bytes = tensor.dtype().bytes();
    if (tensor.isContiguous() && tensor.dtype() != DType.BOOL) {
      MemorySegment.copy(
          tensor.memory(), tensor.offset() * bytes, target, 0, tensor.size() * bytes);
      return;
    }
    for (long i = 0; i < tensor.size(); i++) {
      final double value = tensor.getDouble(tensor.flatIndex(i));
      switch (tensor.dtype()) {
        case F32 -> target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, i * bytes, (float) value);
        case F16, BF16 ->
            target.set(
                ValueLayout.JAVA_SHORT_UNALIGNED, i * bytes, Halves.of(tensor.dtype(), value));
        case F64 -> target.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, i * bytes, value);
        case I32 -> target.set(ValueLayout.JAVA_INT_UNALIGNED, i * bytes, (int) value);
        case BOOL -> target.set(ValueLayout.JAVA_BYTE, i, (byte) value);
      }
    }
  }

  private static DType dtype(NDArray array) {
    return switch (array.getDataType()) {
      case FLOAT32 -> DType.F32;
      case FLOAT64 -> DType.F64;
      case INT32 -> DType.I32;
      case BOOLEAN -> DType.BOOL;
      default ->
          throw new IllegalArgumentException(
              "array is "
                  + describe(array)
                  + "; expected float32, float64, int32 or boolean: convert it with toType");
    };
  }

  private static String describe(NDArray array) {
    return array.getDataType() + " " + array.getShape();
  }

  private static long address(NDArray array) {
    return MemorySegment.ofBuffer(array.toByteBuffer(true)).address();
  }
}
