package io.steelyard.bench.sparse;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;

/** The scalar form that sorts each row, rows spread over the kernels' own threads. */
public class SortBased extends SparseRows {

  private double[][] sorted = new double[0][];
  private final Job row =
      r -> function.sortBased(x, y, r * rows.length(), rows.length(), sorted[r]);

  @Override
  protected void prepare() {
    super.prepare();
    sorted = new double[rows.count()][rows.length()];
  }

  @Override
  protected void call() {
    Workers.shared().run(row, rows.count(), threads);
  }
}
