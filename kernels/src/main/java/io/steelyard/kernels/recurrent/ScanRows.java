package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Some rows of a tensor as rows of a {@code float[]}: where they lie, if that is an array of
 * neighbours and whole vectors are wanted, or in a panel, filled up with zeros.
 */
final class ScanRows {

  float[] array = new float[0];
  int offset;
  int stride;

  private float[] panel = new float[0];
  private boolean copied;

  /** The rows in place or copied. {@code room} floats of each row may be read. */
  void open(Tensor tensor, long at, long step, long across, int rows, int width, int room) {
    if (inPlace(tensor, across, width, room)) {
      array = tensor.floatArray().orElseThrow();
      offset = tensor.floatArrayOffset() + (int) at;
      stride = (int) step;
      copied = false;
    } else {
      copy(tensor, at, step, across, rows, width, room);
    }
  }

  /** As {@link #open} for rows that will be written without being read. */
  void openToWrite(Tensor tensor, long at, long step, long across, int rows, int width, int room) {
    if (inPlace(tensor, across, width, room)) {
      open(tensor, at, step, across, rows, width, room);
    } else {
      usePanel(rows, room);
    }
  }

  /** The rows copied, so that they may be changed. */
  void copy(Tensor tensor, long at, long step, long across, int rows, int width, int room) {
    usePanel(rows, room);
    for (int row = 0; row < rows; row++) {
      read(tensor, at + row * step, across, width, panel, row * room);
      Arrays.fill(panel, row * room + width, (row + 1) * room, 0);
    }
  }

  /** As {@link #open} for some steps of a sequence. */
  void openSteps(Tensor tensor, long batch, long column, int from, int count, int width, int room) {
    final long at = ScanCall.at(tensor, batch, from, column);
    open(tensor, at, ScanCall.timeStride(tensor), tensor.stride(-1), count, width, room);
  }

  /** As {@link #openToWrite} for some steps of a sequence. */
  void openStepsToWrite(
      Tensor tensor, long batch, long column, int from, int count, int width, int room) {
    final long at = ScanCall.at(tensor, batch, from, column);
    openToWrite(tensor, at, ScanCall.timeStride(tensor), tensor.stride(-1), count, width, room);
  }

  /** As {@link #copy} for some steps of a sequence. */
  void copySteps(Tensor tensor, long batch, long column, int from, int count, int width, int room) {
    final long at = ScanCall.at(tensor, batch, from, column);
    copy(tensor, at, ScanCall.timeStride(tensor), tensor.stride(-1), count, width, room);
  }

  /** As {@link #close} for some steps of a sequence. */
  void closeSteps(Tensor tensor, long batch, long column, int from, int count, int width) {
    final long at = ScanCall.at(tensor, batch, from, column);
    close(tensor, at, ScanCall.timeStride(tensor), tensor.stride(-1), count, width);
  }

  /** Adds a row to each of these rows, which were copied. */
  void addRow(ScanRows row, int rows, int room) {
    for (int t = 0; t < rows; t++) {
      for (int i = 0; i < room; i++) {
        panel[t * room + i] += row.array[row.offset + i];
      }
    }
  }

  /** Rows of one number. */
  void fill(int rows, int room, float value) {
    usePanel(rows, room);
    Arrays.fill(panel, 0, rows * room, value);
  }

  /** Writes the rows back, if they are not in place. */
  void close(Tensor tensor, long at, long step, long across, int rows, int width) {
    if (!copied) {
      return;
    }
    for (int row = 0; row < rows; row++) {
      write(panel, row * stride, width, tensor, at + row * step, across);
    }
  }

  private void usePanel(int rows, int room) {
    if (panel.length < rows * room) {
      panel = new float[rows * room];
    }
    array = panel;
    copied = true;
    offset = 0;
    stride = room;
  }

  private static boolean inPlace(Tensor tensor, long across, int width, int room) {
    return across == 1 && width == room && tensor.floatArray().isPresent();
  }

  private static void read(Tensor tensor, long at, long across, int n, float[] to, int offset) {
    if (tensor.floatArray().isPresent()) {
      final float[] from = tensor.floatArray().get();
      final int start = tensor.floatArrayOffset() + (int) at;
      if (across == 1) {
        System.arraycopy(from, start, to, offset, n);
      } else {
        for (int i = 0; i < n; i++) {
          to[offset + i] = from[start + (int) (i * across)];
        }
      }
      return;
    }
    final MemorySegment memory = tensor.memory();
    if (across == 1) {
      MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, to, offset, n);
      return;
    }
    for (int i = 0; i < n; i++) {
      to[offset + i] =
          memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (at + i * across) * Float.BYTES);
    }
  }

  private static void write(float[] from, int offset, int n, Tensor tensor, long at, long across) {
    if (tensor.floatArray().isPresent()) {
      final float[] to = tensor.floatArray().get();
      final int start = tensor.floatArrayOffset() + (int) at;
      for (int i = 0; i < n; i++) {
        to[start + (int) (i * across)] = from[offset + i];
      }
      return;
    }
    final MemorySegment memory = tensor.memory();
    for (int i = 0; i < n; i++) {
      memory.set(
          ValueLayout.JAVA_FLOAT_UNALIGNED, (at + i * across) * Float.BYTES, from[offset + i]);
    }
  }
}
