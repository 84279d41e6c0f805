package io.steelyard.bench.loss;

import io.steelyard.bench.rows.Rows;
import io.steelyard.kernels.loss.LossOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.stream.IntStream;

/** Logits with a target for each row, the same for everybody who is compared. */
final class LossRows {

  private static final int PRIME = 7919;

  private final Rows rows;
  private final float[] scores;

  LossRows(Rows rows) {
    this.rows = rows;
    this.scores = rows.scores();
  }

  Rows rows() {
    return rows;
  }

  float[] scores() {
    return scores;
  }

  int[] targets() {
    return IntStream.range(0, rows.count()).map(this::target).toArray();
  }

  private int target(int row) {
    return (int) ((long) row * PRIME % rows.length());
  }

  /** The rows that are checked: the first, a middle and the last one. */
  int[] checkedRows() {
    return new int[] {0, rows.count() / 2, rows.count() - 1};
  }

  /** Loss and then gradient of a row, by the meaning in double. */
  double[] exact(LossFunction function, int row) {
    final int n = rows.length();
    final double[] x = new double[n];
    for (int i = 0; i < n; i++) {
      x[i] = scores[row * n + i];
    }
    final Tensor loss = Tensor.zeros(DType.F64, 1);
    final double[] dx = new double[n];
    function.apply(
        Tensor.of(x, 1, n),
        Tensor.of(new int[] {target(row)}, function.targetShape(1)),
        loss,
        Tensor.of(dx, 1, n),
        LossOptions.defaults().withThreads(1));
    final double[] all = new double[n + 1];
    all[0] = loss.getDouble(0);
    System.arraycopy(dx, 0, all, 1, n);
    return all;
  }
}
