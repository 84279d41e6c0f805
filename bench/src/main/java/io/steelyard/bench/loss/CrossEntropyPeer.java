package io.steelyard.bench.loss;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.bench.peers.TorchBenchmark;
import io.steelyard.bench.rows.Rows;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** Cross-entropy and its gradient as libtorch's autograd runs them. */
public class CrossEntropyPeer extends TorchBenchmark {

  @Param("64x1000")
  String shape;

  private LossRows input = new LossRows(new Rows(1, 1));

  @Override
  protected String archive() {
    return "cross_entropy_gradient";
  }

  @Override
  protected NDList inputs(NDManager manager) {
    input = new LossRows(Rows.parse(shape));
    final long[] targets = Arrays.stream(input.targets()).asLongStream().toArray();
    return new NDList(
        manager.create(input.scores(), new Shape(input.rows().shape())),
        manager.create(targets, new Shape(targets.length, 1)));
  }

  @Override
  protected void check(NDList outputs) {
    for (final int row : input.checkedRows()) {
      final double[] exact = input.exact(LossFunction.CROSS_ENTROPY, row);
      expect(
          "loss of row " + row, outputs.get(0).getFloat(row, 0), exact[0], 1e-5 * (1 + exact[0]));
      final float[] gradient = outputs.get(1).get(row).toFloatArray();
      for (int i = 0; i < gradient.length; i++) {
        expect("gradient " + row + ", " + i, gradient[i], exact[i + 1], 1e-5);
      }
    }
  }
}
