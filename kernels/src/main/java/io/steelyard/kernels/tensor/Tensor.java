package io.steelyard.kernels.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * A shaped view on memory that the caller owns: a Java array, a {@link MemorySegment} or a buffer.
 *
 * <p>A tensor never copies what it is made from (the one exception is {@link #of(boolean[],
 * long...)}, which says so) and never outlives it: writing through the tensor writes the array, and
 * a tensor over a closed arena fails like the segment does. Elements are in native byte order.
 * Shapes are row-major, {@code [B, H, T, D]} for attention; strides count elements, may be zero
 * (broadcast views, read only by convention) but never negative. An empty shape is a scalar with
 * one element.
 *
 * <p>Thread-safety: the view itself is immutable; the memory is as safe as its owner makes it.
 */
public final class Tensor {

  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED;
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED;

  /** Stands for the heap array that native and read-only memory do not show. */
  private static final Object NATIVE = new Object();

  private final MemorySegment memory;
  private final DType dtype;
  private final long[] shape;
  private final long[] strides;
  private final long offset;
  private final long size;
  private final boolean contiguous;
  private final Optional<float[]> floats;
  private final Object base;

  private Tensor(MemorySegment memory, DType dtype, long[] shape, long[] strides, long offset) {
    this.memory = memory;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.size = sizeOf(shape);
    this.contiguous = size == 0 || Arrays.equals(strides, canonical(shape, strides));
    this.base = memory.heapBase().orElse(NATIVE);
    this.floats = floatsBehind(memory, dtype);
    checkExtent();
  }

  /** A view on all of {@code data}, whose length must be the product of {@code shape}. */
  public static Tensor of(float[] data, long... shape) {
    return exact(MemorySegment.ofArray(data), DType.F32, shape);
  }

  /** A view on all of {@code data}, whose length must be the product of {@code shape}. */
  public static Tensor of(double[] data, long... shape) {
    return exact(MemorySegment.ofArray(data), DType.F64, shape);
  }

  /** A view on all of {@code data}, whose length must be the product of {@code shape}. */
  public static Tensor of(int[] data, long... shape) {
    return exact(MemorySegment.ofArray(data), DType.I32, shape);
  }

  /**
   * A view on all of {@code bits}, whose length must be the product of {@code shape}, as 16-bit
   * numbers.
   *
   * @param half {@link DType#F16} or {@link DType#BF16}
   */
  public static Tensor of(short[] bits, DType half, long... shape) {
    if (!half.isHalf()) {
      throw new IllegalArgumentException("half is " + half.label() + "; expected f16 or bf16");
    }
    return exact(MemorySegment.ofArray(bits), half, shape);
  }

  /**
   * A {@link DType#BOOL} tensor holding a copy of {@code data} (Java has no view on a boolean
   * array).
   */
  public static Tensor of(boolean[] data, long... shape) {
    final byte[] bytes = new byte[data.length];
    for (int i = 0; i < data.length; i++) {
      bytes[i] = (byte) (data[i] ? 1 : 0);
    }
    return exact(MemorySegment.ofArray(bytes), DType.BOOL, shape);
  }

  /**
   * A view on the start of {@code memory}, on heap or off, which must hold at least the product of
   * {@code shape} elements of {@code dtype}.
   */
  public static Tensor of(MemorySegment memory, DType dtype, long... shape) {
    final long[] checked = checkShape(shape);
    return new Tensor(memory, dtype, checked, rowMajor(checked), 0);
  }

  /** A view on the remaining elements of {@code buffer}, direct or not, in native byte order. */
  public static Tensor of(FloatBuffer buffer, long... shape) {
    checkOrder(buffer, buffer.order());
    return of(MemorySegment.ofBuffer(buffer), DType.F32, shape);
  }

  /** A view on the remaining bytes of {@code buffer}, direct or not, in native byte order. */
  public static Tensor of(ByteBuffer buffer, DType dtype, long... shape) {
    checkOrder(buffer, buffer.order());
    return of(MemorySegment.ofBuffer(buffer), dtype, shape);
  }

  /** A new tensor of zeros on the Java heap. */
  public static Tensor zeros(DType dtype, long... shape) {
    final long size = sizeOf(checkShape(shape));
    if (size > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "shape is "
              + Arrays.toString(shape)
              + ", "
              + size
              + " elements; a Java array holds at most "
              + (Integer.MAX_VALUE - 8)
              + ": pass a MemorySegment instead");
    }
    final int length = (int) size;
    return switch (dtype) {
      case F32 -> of(new float[length], shape);
      case F16, BF16 -> of(new short[length], dtype, shape);
      case F64 -> of(new double[length], shape);
      case I32 -> of(new int[length], shape);
      case BOOL -> exact(MemorySegment.ofArray(new byte[length]), DType.BOOL, shape);
    };
  }

  /** A new tensor of zeros with the dtype and shape of {@code other}. */
  public static Tensor zerosLike(Tensor other) {
    return zeros(other.dtype, other.shape);
  }

  /**
   * The memory this tensor looks at, from its first byte; {@link #offset()} says where element 0
   * is.
   */
  public MemorySegment memory() {
    return memory;
  }

  /** The element type. */
  public DType dtype() {
    return dtype;
  }

  /** A copy of the extents, outermost first. */
  public long[] shape() {
    return shape.clone();
  }

  /** A copy of the distances between neighbours along each axis, in elements. */
  public long[] strides() {
    return strides.clone();
  }

  /** Index, in elements from the start of {@link #memory()}, of the first element. */
  public long offset() {
    return offset;
  }

  /** Number of axes; 0 for a scalar. */
  public int rank() {
    return shape.length;
  }

  /**
   * Extent along an axis; negative axes count from the end, so {@code dim(-1)} is the row length.
   */
  public long dim(int axis) {
    return shape[axis(axis)];
  }

  /** Distance in elements between neighbours along an axis; negative axes count from the end. */
  public long stride(int axis) {
    return strides[axis(axis)];
  }

  /** Number of elements. */
  public long size() {
    return size;
  }

  /** Whether both have the same extents. */
  public boolean hasShapeOf(Tensor other) {
    return Arrays.equals(shape, other.shape);
  }

  /** Whether the extents are those of {@code other} without its last, one element for each row. */
  public boolean hasRowsOf(Tensor other) {
    final int axes = Math.max(0, other.shape.length - 1);
    return Arrays.equals(shape, 0, shape.length, other.shape, 0, axes);
  }

  /** Whether the elements lie row-major without gaps. */
  public boolean isContiguous() {
    return contiguous;
  }

  /** Length of a row, the last axis; 1 for a scalar. */
  public long rowLength() {
    return shape.length == 0 ? 1 : shape[shape.length - 1];
  }

  /** Distance in elements between neighbours in a row; 1 for a scalar. */
  public long rowStride() {
    return shape.length == 0 ? 1 : strides[shape.length - 1];
  }

  /** Number of rows: the product of all extents but the last. */
  public long rows() {
    long rows = 1;
    for (int axis = 0; axis < shape.length - 1; axis++) {
      rows *= shape[axis];
    }
    return rows;
  }

  /** Index, in elements from the start of {@link #memory()}, of the first element of a row. */
  public long rowOffset(long row) {
    if (contiguous) {
      return offset + row * rowLength();
    }
    long rest = row;
    long index = offset;
    for (int axis = shape.length - 2; axis >= 0; axis--) {
      index += (rest % shape[axis]) * strides[axis];
      rest /= shape[axis];
    }
    return index;
  }

  /**
   * The {@code float[]} behind this tensor, if it is an f32 view on one that may be written;
   * element {@code i} of {@link #memory()} is element {@code floatArrayOffset() + i} of the array.
   */
  public Optional<float[]> floatArray() {
    return floats;
  }

  /** Where {@link #memory()} starts in {@link #floatArray()}, in elements. */
  public int floatArrayOffset() {
    return (int) (memory.address() / Float.BYTES);
  }

  /**
   * Where, in elements from the start of {@link #memory()}, the row of this tensor starts that
   * belongs to row {@code row} of {@code like}, when this tensor's leading axes are broadcast to
   * those of {@code like} from the right.
   */
  public long broadcastRowOffset(Tensor like, long row) {
    final int lead = like.shape.length - shape.length;
    long rest = row;
    long index = offset;
    for (int axis = like.shape.length - 2; axis >= 0; axis--) {
      final int own = axis - lead;
      if (own >= 0 && shape[own] != 1) {
        index += (rest % like.shape[axis]) * strides[own];
      }
      rest /= like.shape[axis];
    }
    return index;
  }

  /** Whether the two share memory other than by being views of exactly the same elements. */
  public boolean overlapsPartly(Tensor other) {
    return overlaps(other) && !hasElementsOf(other);
  }

  /** Whether memory between the first and the last element of one belongs to the other as well. */
  public boolean overlaps(Tensor other) {
    if (size == 0 || other.size == 0 || !sameRegion(other)) {
      return false;
    }
    final long end = memory.address() + (lastIndex() + 1) * dtype.bytes();
    final long otherEnd = other.memory.address() + (other.lastIndex() + 1) * other.dtype.bytes();
    return start() < otherEnd && other.start() < end;
  }

  private boolean hasElementsOf(Tensor other) {
    return start() == other.start()
        && dtype == other.dtype
        && Arrays.equals(shape, other.shape)
        && (Arrays.equals(strides, other.strides) || (contiguous && other.contiguous));
  }

  private long start() {
    return memory.address() + offset * dtype.bytes();
  }

  /**
   * Reads an element as a double ({@link DType#BOOL}: 0 or 1).
   *
   * @param index in elements from the start of {@link #memory()}, as {@link #rowOffset} gives
   */
  public double getDouble(long index) {
    return switch (dtype) {
      case F32 -> memory.get(F32, index * Float.BYTES);
      case F16, BF16 -> Halves.toFloat(dtype, memory.get(I16, index * Short.BYTES));
      case F64 -> memory.get(F64, index * Double.BYTES);
      case I32 -> memory.get(I32, index * Integer.BYTES);
      case BOOL -> memory.get(ValueLayout.JAVA_BYTE, index) == 0 ? 0 : 1;
    };
  }

  /**
   * Writes an element, rounding once to the element type.
   *
   * @param index in elements from the start of {@link #memory()}, as {@link #rowOffset} gives
   */
  public void setDouble(long index, double value) {
    switch (dtype) {
      case F32 -> memory.set(F32, index * Float.BYTES, (float) value);
      case F16, BF16 -> memory.set(I16, index * Short.BYTES, Halves.of(dtype, value));
      case F64 -> memory.set(F64, index * Double.BYTES, value);
      case I32 -> memory.set(I32, index * Integer.BYTES, Math.toIntExact(Math.round(value)));
      case BOOL -> memory.set(ValueLayout.JAVA_BYTE, index, (byte) (value == 0 ? 0 : 1));
    }
  }

  /** The element at these coordinates, one per axis. */
  public double get(long... coordinates) {
    return getDouble(index(coordinates));
  }

  /**
   * Index, in elements from the start of {@link #memory()}, of the {@code i}-th element in
   * row-major order.
   */
  public long flatIndex(long i) {
    Objects.checkIndex(i, size);
    final long length = rowLength();
    return rowOffset(i / length) + (i % length) * rowStride();
  }

  /** A copy of all elements in row-major order, rounded to float. */
  public float[] toFloatArray() {
    final float[] copy = new float[Math.toIntExact(size)];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = (float) getDouble(flatIndex(i));
    }
    return copy;
  }

  /** A copy of all elements in row-major order. */
  public double[] toDoubleArray() {
    final double[] copy = new double[Math.toIntExact(size)];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = getDouble(flatIndex(i));
    }
    return copy;
  }

  /** A new contiguous heap tensor with the elements converted to {@code target}. */
  public Tensor to(DType target) {
    final Tensor copy = zeros(target, shape);
    for (long i = 0; i < size; i++) {
      copy.setDouble(i, getDouble(flatIndex(i)));
    }
    return copy;
  }

  /** The same elements under another shape of the same size; the tensor must be contiguous. */
  public Tensor reshape(long... newShape) {
    final long[] checked = checkShape(newShape);
    if (!contiguous || sizeOf(checked) != size) {
      throw new IllegalArgumentException(
          "shape is "
              + Arrays.toString(newShape)
              + "; expected a shape of "
              + size
              + " elements and a contiguous tensor (this one is "
              + this
              + ")");
    }
    return new Tensor(memory, dtype, checked, rowMajor(checked), offset);
  }

  /** A view on {@code from} (inclusive) to {@code to} (exclusive) along an axis. */
  public Tensor slice(int axis, long from, long to) {
    final int a = axis(axis);
    Objects.checkFromToIndex(from, to, shape[a]);
    final long[] sliced = shape.clone();
    sliced[a] = to - from;
    return new Tensor(memory, dtype, sliced, strides.clone(), offset + from * strides[a]);
  }

  /** A view with two axes exchanged; negative axes count from the end. */
  public Tensor transpose(int first, int second) {
    final int a = axis(first);
    final int b = axis(second);
    final long[] swappedShape = shape.clone();
    final long[] swappedStrides = strides.clone();
    swappedShape[a] = shape[b];
    swappedShape[b] = shape[a];
    swappedStrides[a] = strides[b];
    swappedStrides[b] = strides[a];
    return new Tensor(memory, dtype, swappedShape, swappedStrides, offset);
  }

  /**
   * A view of a larger shape in which axes of extent 1, and axes this tensor lacks on the left,
   * repeat.
   *
   * @throws IllegalArgumentException if the shapes do not match from the right
   */
  public Tensor broadcastTo(long... target) {
    final long[] wide = checkShape(target);
    final int lead = wide.length - shape.length;
    final long[] stretched = new long[wide.length];
    for (int axis = 0; axis < wide.length; axis++) {
      final int own = axis - lead;
      if (own >= 0 && shape[own] == wide[axis]) {
        stretched[axis] = strides[own];
      } else if (own >= 0 && shape[own] != 1) {
        throw notBroadcastable(target);
      }
    }
    if (lead < 0) {
      throw notBroadcastable(target);
    }
    return new Tensor(memory, dtype, wide, stretched, offset);
  }

  /** For example {@code f32[2, 3]}; elements are not printed. */
  @Override
  public String toString() {
    return dtype.label() + Arrays.toString(shape);
  }

  private IllegalArgumentException notBroadcastable(long[] target) {
    return new IllegalArgumentException(
        "cannot broadcast " + this + " to " + Arrays.toString(target));
  }

  private long index(long[] coordinates) {
    if (coordinates.length != shape.length) {
      throw new IllegalArgumentException(
          "coordinates are "
              + Arrays.toString(coordinates)
              + "; expected one for each axis of "
              + this);
    }
    long index = offset;
    for (int axis = 0; axis < shape.length; axis++) {
      index += Objects.checkIndex(coordinates[axis], shape[axis]) * strides[axis];
    }
    return index;
  }

  private int axis(int axis) {
    return Objects.checkIndex(axis < 0 ? axis + shape.length : axis, shape.length);
  }

  private void checkExtent() {
    if (size == 0) {
      return;
    }
    final long last = lastIndex();
    final long held = memory.byteSize() / dtype.bytes();
    if (last >= held) {
      throw new IllegalArgumentException(
          "memory holds "
              + held
              + " elements of "
              + dtype.label()
              + "; shape "
              + Arrays.toString(shape)
              + " needs "
              + (last + 1));
    }
  }

  private long lastIndex() {
    long last = offset;
    for (int axis = 0; axis < shape.length; axis++) {
      last = Math.addExact(last, Math.multiplyExact(shape[axis] - 1, strides[axis]));
    }
    return last;
  }

  @SuppressWarnings("ReferenceEquality") // the question is whether it is the same array
  private boolean sameRegion(Tensor other) {
    return base == other.base && (base != NATIVE || memory.isNative() == other.memory.isNative());
  }

  private static Optional<float[]> floatsBehind(MemorySegment memory, DType dtype) {
    return dtype == DType.F32 && memory.address() % Float.BYTES == 0
        ? memory.heapBase().filter(float[].class::isInstance).map(float[].class::cast)
        : Optional.empty();
  }

  private static Tensor exact(MemorySegment memory, DType dtype, long... shape) {
    final long[] checked = checkShape(shape);
    final long elements = memory.byteSize() / dtype.bytes();
    if (elements != sizeOf(checked)) {
      throw new IllegalArgumentException(
          "data holds "
              + elements
              + " elements; shape "
              + Arrays.toString(shape)
              + " needs "
              + sizeOf(checked));
    }
    return new Tensor(memory, dtype, checked, rowMajor(checked), 0);
  }

  private static void checkOrder(Buffer buffer, ByteOrder order) {
    if (order != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "buffer "
              + buffer
              + " is "
              + order
              + "; expected native order: call order(ByteOrder.nativeOrder())");
    }
  }

  private static long[] checkShape(long[] shape) {
    for (final long extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException(
            "shape is " + Arrays.toString(shape) + "; expected extents of 0 or more");
      }
    }
    return shape.clone();
  }

  private static long sizeOf(long[] shape) {
    long size = 1;
    for (final long extent : shape) {
      size = Math.multiplyExact(size, extent);
    }
    return size;
  }

  private static long[] rowMajor(long[] shape) {
    final long[] strides = new long[shape.length];
    long stride = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride *= Math.max(1, shape[axis]);
    }
    return strides;
  }

  /**
   * Row-major strides, except that an axis of extent 1 keeps its own: it is never stepped along.
   */
  private static long[] canonical(long[] shape, long[] strides) {
    final long[] canonical = rowMajor(shape);
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] == 1) {
        canonical[axis] = strides[axis];
      }
    }
    return canonical;
  }
}
