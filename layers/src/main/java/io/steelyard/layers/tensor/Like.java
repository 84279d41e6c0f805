package io.steelyard.layers.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * New arrays of the type, on the device and in the manager of an array that is there already: the
 * only way in which layers make arrays, so that none of them ends up on another device, in another
 * type or in a manager that outlives its step.
 *
 * <p>Their numbers are in the engine's own memory, which a gradient that needs them keeps; of an
 * array over a Java buffer it would keep the address only.
 */
public final class Like {

  private Like() {}

  /** A scalar. Use it where a Java number would promote the type of a result. */
  public static NDArray scalar(double value, NDArray like) {
    return values(new double[] {value}, new Shape(), like);
  }

  /** Zeros. */
  public static NDArray zeros(Shape shape, NDArray like) {
    return like.getManager().zeros(shape, like.getDataType(), like.getDevice());
  }

  /** Ones. */
  public static NDArray ones(Shape shape, NDArray like) {
    return like.getManager().ones(shape, like.getDataType(), like.getDevice());
  }

  /** {@code [n, n]} with ones on the diagonal. */
  public static NDArray eye(int n, NDArray like) {
    return like.getManager().eye(n, n, 0, like.getDataType()).toDevice(like.getDevice(), false);
  }

  /** The numbers {@code 0..n-1}, {@code [n]}. */
  public static NDArray range(int n, NDArray like) {
    return like.getManager().arange(0, n, 1, like.getDataType(), like.getDevice());
  }

  /**
   * These numbers, rounded to the type of {@code like}.
   *
   * @throws IllegalArgumentException if {@code like} is neither float32 nor float64, or the shape
   *     has another number of elements
   */
  public static NDArray values(double[] values, Shape shape, NDArray like) {
    if (shape.size() != values.length) {
      throw new IllegalArgumentException(
          "values has "
              + values.length
              + " numbers; expected "
              + shape.size()
              + " for shape "
              + shape);
    }
    final NDManager manager = like.getManager();
    final int bytes = like.getDataType() == DataType.FLOAT64 ? Double.BYTES : Float.BYTES;
    final ByteBuffer buffer =
        ByteBuffer.allocateDirect(values.length * bytes).order(ByteOrder.nativeOrder());
    switch (like.getDataType()) {
      case FLOAT64 -> buffer.asDoubleBuffer().put(values);
      case FLOAT32 -> {
        for (final double value : values) {
          buffer.putFloat((float) value);
        }
        buffer.flip();
      }
      default ->
          throw new IllegalArgumentException(
              "like is " + like.getDataType() + "; expected float32 or float64");
    }
    return owned(manager.create(buffer, shape, like.getDataType()), like);
  }

  /** These whole numbers as int64, for indices. */
  public static NDArray indices(long[] values, Shape shape, NDArray like) {
    return owned(like.getManager().create(values, shape), like);
  }

  private static NDArray owned(NDArray overBuffer, NDArray like) {
    try (overBuffer) {
      return overBuffer.getDevice().equals(like.getDevice())
          ? overBuffer.duplicate()
          : overBuffer.toDevice(like.getDevice(), false);
    }
  }
}
