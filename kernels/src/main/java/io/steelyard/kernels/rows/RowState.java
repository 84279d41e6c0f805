package io.steelyard.kernels.rows;

import java.util.Arrays;

/** What is known of the row being worked on: partial results by chunk, and their combination. */
public final class RowState {

  /** Index of the row. */
  public long row;

  /** How many leading entries can take part. */
  public long visible;

  /** How many chunks cover the visible entries. */
  public int chunks;

  /** A partial sum for each chunk. */
  public double[] sums = new double[1];

  /** A partial maximum or exponent for each chunk. */
  public double[] references = new double[1];

  /** What was subtracted in each tile where exponentials are stored: see {@link #firstTile}. */
  public float[] tileReferences = new float[2];

  /** Two more partial results for each chunk, where a job has use for them. */
  public double[] extras = new double[2];

  /** What else a job keeps of the row between phases; see {@link #room}. */
  public double[] kept = new double[8];

  /** The combined sum. */
  public double sum;

  /** The combined maximum or exponent. */
  public double reference;

  /**
   * Whether the reference is an exponent of two: then the row's total is {@code sum * 2^reference}.
   */
  public boolean extended;

  /** Makes {@link #kept} hold at least {@code n} numbers; what it held is lost when it grows. */
  public double[] room(int n) {
    if (kept.length < n) {
      kept = new double[n];
    }
    return kept;
  }

  /** Where the tiles of the chunk that starts at an entry begin in {@link #tileReferences}. */
  public static int firstTile(long from) {
    return Math.toIntExact(from / RowJob.TILE);
  }

  void start(long newRow, long newVisible) {
    row = newRow;
    visible = newVisible;
    chunks = Math.toIntExact((newVisible + RowJob.CHUNK - 1) / RowJob.CHUNK);
    if (sums.length < chunks) {
      sums = Arrays.copyOf(sums, chunks);
      references = Arrays.copyOf(references, chunks);
      extras = Arrays.copyOf(extras, 2 * chunks);
    }
    // The last chunk may end in a piece of less than a block beside its tiles.
    final int tiles = firstTile(newVisible) + 2;
    if (tileReferences.length < tiles) {
      tileReferences = Arrays.copyOf(tileReferences, tiles);
    }
  }
}
