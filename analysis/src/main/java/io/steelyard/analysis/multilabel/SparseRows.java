package io.steelyard.analysis.multilabel;

import java.util.Arrays;
import java.util.List;

/** Rows of which most entries are 0: for each row the columns that are not, and their values. */
public final class SparseRows {

  private final long[] starts;
  private final int[] columns;
  private final float[] values;
  private final int width;

  /**
   * Rows in compressed form (CSR).
   *
   * @param starts row r has the entries {@code [starts[r], starts[r + 1])}; begins with 0; copied
   * @param columns of the entries, each in {@code [0, width)}; copied
   * @param values of the entries, as many; copied
   * @param width number of columns
   * @throws IllegalArgumentException if the parts do not fit together
   */
  public SparseRows(long[] starts, int[] columns, float[] values, int width) {
    this.starts = starts.clone();
    this.columns = columns.clone();
    this.values = values.clone();
    this.width = width;
    if (starts.length == 0 || starts[0] != 0 || starts[starts.length - 1] != columns.length) {
      throw new IllegalArgumentException(
          "starts are %d numbers that end at %d; expected them to go from 0 to %d, the entries"
              .formatted(
                  starts.length,
                  starts.length == 0 ? -1 : starts[starts.length - 1],
                  columns.length));
    }
    for (int row = 1; row < starts.length; row++) {
      if (starts[row] < starts[row - 1]) {
        throw new IllegalArgumentException(
            "starts[" + row + "] is " + starts[row] + "; expected at least " + starts[row - 1]);
      }
    }
    if (values.length != columns.length) {
      throw new IllegalArgumentException(
          "values has " + values.length + " numbers; expected " + columns.length);
    }
    for (int i = 0; i < columns.length; i++) {
      if (columns[i] < 0 || columns[i] >= width) {
        throw new IllegalArgumentException(
            "columns[" + i + "] is " + columns[i] + "; expected 0 to " + (width - 1));
      }
    }
  }

  /** Rows with value 1 at these columns. */
  public static SparseRows ofColumns(List<int[]> rows, int width) {
    final long[] starts = new long[rows.size() + 1];
    for (int row = 0; row < rows.size(); row++) {
      starts[row + 1] = starts[row] + rows.get(row).length;
    }
    final int[] columns = rows.stream().flatMapToInt(Arrays::stream).toArray();
    final float[] values = new float[columns.length];
    Arrays.fill(values, 1);
    return new SparseRows(starts, columns, values, width);
  }

  /** Number of rows. */
  public int rows() {
    return starts.length - 1;
  }

  /** Number of columns. */
  public int width() {
    return width;
  }

  /** The columns of a row; a copy. */
  public int[] columns(int row) {
    return Arrays.copyOfRange(columns, start(row), start(row + 1));
  }

  /** The values of a row; a copy. */
  public float[] values(int row) {
    return Arrays.copyOfRange(values, start(row), start(row + 1));
  }

  /** How many entries each column has. */
  public int[] columnCounts() {
    final int[] counts = new int[width];
    for (final int column : columns) {
      counts[column]++;
    }
    return counts;
  }

  /**
   * Writes rows one after the other, zeros included.
   *
   * @param which numbers of rows
   * @param into {@code [which.length, width]}; written
   */
  public void fill(int[] which, float[] into) {
    if (into.length != (long) which.length * width) {
      throw new IllegalArgumentException(
          "into has " + into.length + " numbers; expected " + (long) which.length * width);
    }
    Arrays.fill(into, 0);
    for (int i = 0; i < which.length; i++) {
      for (int entry = start(which[i]); entry < start(which[i] + 1); entry++) {
        into[i * width + columns[entry]] = values[entry];
      }
    }
  }

  private int start(int row) {
    if (row < 0 || row >= starts.length) {
      throw new IllegalArgumentException("row is " + row + "; expected 0 to " + (rows() - 1));
    }
    return Math.toIntExact(starts[row]);
  }
}
