package io.steelyard.kernels.head;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import java.util.Arrays;

/**
 * The descent of {@link EquiangularBasis}. A part of the work is a few rows: their cosines with all
 * rows, and where the step takes them, from vectors that no part changes. The innermost loops are
 * plain ones that C2 turns into vectors by itself.
 */
final class BasisDescent implements Job {

  /** Rows of a part. */
  private static final int ROWS = 8;

  /** Columns of cosines that are summed up while they stay in the first-level cache. */
  private static final int COLUMNS = 256;

  private final int count;
  private final int dimension;
  private double[] vectors;

  /** The vectors, one a column. */
  private final double[] columns;

  private double[] next;
  private final double[] losses;
  private final double[] largest;
  private final ThreadLocal<double[]> cosines;
  private double alpha;
  private double rate;

  /** Takes over the vectors. */
  BasisDescent(double[] vectors, int dimension) {
    this.vectors = vectors;
    this.dimension = dimension;
    count = dimension == 0 ? 0 : vectors.length / dimension;
    columns = new double[vectors.length];
    next = new double[vectors.length];
    losses = new double[count];
    largest = new double[count];
    cosines = ThreadLocal.withInitial(() -> new double[ROWS * count]);
  }

  double[] vectors() {
    return vectors;
  }

  /** Brings all rows to length 1. */
  void normalise() {
    for (int i = 0; i < count; i++) {
      normalise(vectors, i, dimension);
      for (int c = 0; c < dimension; c++) {
        columns[c * count + i] = vectors[i * dimension + c];
      }
    }
  }

  static void normalise(double[] vectors, int row, int dimension) {
    double sum = 0;
    for (int c = 0; c < dimension; c++) {
      sum += vectors[row * dimension + c] * vectors[row * dimension + c];
    }
    final double length = Math.sqrt(sum);
    for (int c = 0; c < dimension; c++) {
      vectors[row * dimension + c] /= length;
    }
  }

  /** Measures all cosines and works out a step. */
  void measure(double newAlpha, double newRate, int threads) {
    alpha = newAlpha;
    rate = newRate;
    Workers.shared().run(this, (count + ROWS - 1) / ROWS, threads);
  }

  /** The sum over ordered pairs of what their cosines are above alpha. */
  double loss() {
    double sum = 0;
    for (final double own : losses) {
      sum += own;
    }
    return sum;
  }

  /** The largest absolute value of a cosine. */
  double largest() {
    double most = 0;
    for (final double own : largest) {
      most = Math.max(most, own);
    }
    return most;
  }

  /** Goes where the last measurement says. */
  void step() {
    final double[] last = vectors;
    vectors = next;
    next = last;
  }

  @Override
  public void run(int part) {
    final double[] c = cosines.get();
    final int first = part * ROWS;
    final int rows = Math.min(ROWS, count - first);
    Arrays.fill(c, 0, rows * count, 0);
    for (int from = 0; from < count; from += COLUMNS) {
      final int width = Math.min(COLUMNS, count - from);
      for (int k = 0; k < dimension; k++) {
        for (int r = 0; r < rows; r++) {
          final double factor = vectors[(first + r) * dimension + k];
          add(c, r * count + from, columns, k * count + from, width, factor);
        }
      }
    }
    System.arraycopy(vectors, first * dimension, next, first * dimension, rows * dimension);
    for (int r = 0; r < rows; r++) {
      c[r * count + first + r] = 0;
      double loss = 0;
      double most = 0;
      for (int j = 0; j < count; j++) {
        final double size = Math.abs(c[r * count + j]);
        loss += Math.max(0, size - alpha);
        most = Math.max(most, size);
      }
      losses[first + r] = loss;
      largest[first + r] = most;
    }
    for (int j = 0; rate > 0 && j < count; j++) {
      for (int r = 0; r < rows; r++) {
        final double cosine = c[r * count + j];
        if (Math.abs(cosine) > alpha) {
          final double factor = -2 * rate * Math.signum(cosine);
          add(next, (first + r) * dimension, vectors, j * dimension, dimension, factor);
        }
      }
    }
  }

  /** {@code to += factor from}. */
  private static void add(double[] to, int at, double[] from, int start, int n, double factor) {
    for (int i = 0; i < n; i++) {
      to[at + i] += factor * from[start + i];
    }
  }
}
