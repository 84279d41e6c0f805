package io.steelyard.kernels.head;

import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Checks that the heads share, and rows in double for their meanings. */
final class Shapes {

  static final Parameter THREADS =
      new Parameter.Whole(
          "threads",
          "threads",
          0L,
          0,
          Integer.MAX_VALUE,
          "Most threads to use; 0 for all processors.");

  private Shapes() {}

  static void checkFloat(String name, Tensor tensor) {
    if (!tensor.dtype().isFloat()) {
      throw new IllegalArgumentException(name + " is " + tensor + "; expected f32 or f64");
    }
  }

  /** Checks for the dtype and shape of another tensor. */
  static void checkLike(String name, Tensor tensor, Tensor like) {
    if (tensor.dtype() != like.dtype() || !tensor.hasShapeOf(like)) {
      throw unexpected(name, tensor, like.dtype(), like.shape());
    }
  }

  /** Checks for one number for each row of another tensor. */
  static void checkOneForEachRow(String name, Tensor tensor, DType dtype, Tensor rows) {
    if (tensor.dtype() != dtype || !tensor.hasRowsOf(rows)) {
      throw unexpected(name, tensor, dtype, withoutRows(rows));
    }
  }

  /** Checks for rows of another length, one for each row of another tensor. */
  static void checkRows(String name, Tensor tensor, Tensor rows, long length) {
    boolean fits =
        tensor.dtype() == rows.dtype()
            && tensor.rank() == Math.max(1, rows.rank())
            && tensor.dim(-1) == length;
    for (int axis = 0; fits && axis < tensor.rank() - 1; axis++) {
      fits = tensor.dim(axis) == rows.dim(axis);
    }
    if (!fits) {
      throw unexpected(name, tensor, rows.dtype(), withRowLength(rows, length));
    }
  }

  /** Checks for a vector. */
  static void checkVector(String name, Tensor tensor, DType dtype, long length) {
    if (tensor.dtype() != dtype || tensor.rank() != 1 || tensor.dim(0) != length) {
      throw unexpected(name, tensor, dtype, length);
    }
  }

  private static IllegalArgumentException unexpected(
      String name, Tensor tensor, DType dtype, long... shape) {
    return new IllegalArgumentException(
        name + " is " + tensor + "; expected " + dtype.label() + Arrays.toString(shape));
  }

  /** Checks that a tensor can be written and shares no memory with an input. */
  static void checkOutput(String name, Tensor out, String inputName, Tensor input) {
    if (out.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
    if (out.overlaps(input)) {
      throw new IllegalArgumentException(
          name + " shares memory with " + inputName + "; expected memory of its own");
    }
  }

  /** The shape of the rows' leading axes, with another last axis. */
  static long[] withRowLength(Tensor rows, long length) {
    final long[] shape = rows.rank() == 0 ? new long[1] : rows.shape();
    shape[shape.length - 1] = length;
    return shape;
  }

  /** The shape of the rows' leading axes, one number for each row. */
  static long[] withoutRows(Tensor rows) {
    return Arrays.copyOf(rows.shape(), Math.max(0, rows.rank() - 1));
  }

  static double[] row(Tensor tensor, long row) {
    final double[] copy = new double[Math.toIntExact(tensor.rowLength())];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = tensor.getDouble(tensor.rowOffset(row) + i * tensor.rowStride());
    }
    return copy;
  }

  static void setRow(Tensor tensor, long row, double[] values) {
    for (int i = 0; i < values.length; i++) {
      tensor.setDouble(tensor.rowOffset(row) + i * tensor.rowStride(), values[i]);
    }
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
