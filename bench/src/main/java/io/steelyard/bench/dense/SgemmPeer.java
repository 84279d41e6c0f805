package io.steelyard.bench.dense;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.peers.TorchBenchmark;
import org.openjdk.jmh.annotations.Param;

/** libtorch's matrix product into a reused output. */
public class SgemmPeer extends TorchBenchmark {

  @Param("128")
  int n;

  @Override
  protected String archive() {
    return "matmul_out";
  }

  @Override
  protected NDList inputs(NDManager manager) {
    final Shape shape = new Shape(n, n);
    final Square square = new Square(n);
    return new NDList(
        manager.create(square.matrix(1), shape),
        manager.create(square.matrix(2), shape),
        manager.full(shape, Float.NaN));
  }

  @Override
  protected void check(NDList outputs) {
    final Square square = new Square(n);
    final float[] row = outputs.head().get(n - 1).toFloatArray();
    for (int column = 0; column < n; column++) {
      expect(
          "entry " + column + " of the last row",
          row[column],
          square.entry(square.matrix(1), square.matrix(2), n - 1, column),
          square.tolerance());
    }
  }
}
