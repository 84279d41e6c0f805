package io.steelyard.bench.sparse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SparseBenchmarksTest {

  @ParameterizedTest
  @EnumSource(SparseFunction.class)
  void bothFormsComputeWhatTheyAreTimedFor(SparseFunction function) {
    for (final SparseRows benchmark : new SparseRows[] {new SparseKernels(), new SortBased()}) {
      benchmark.function = function;
      benchmark.shape = "5x1021";
      benchmark.deviation = 1;
      benchmark.threads = 2;
      benchmark.setUp();
      benchmark.run();
      benchmark.tearDown();
    }
  }

  /** (1, 0): sparsemax gives all to the first; entmax15 weights solve (1/2 - t)^2 + t^2 = 1. */
  @Test
  void theSortBasedFormIsRightOnTwoScores() {
    final float[] y = new float[2];
    SparseFunction.SPARSEMAX.sortBased(new float[] {1, 0}, y, 0, 2, new double[2]);
    assertThat(y).containsExactly(1, 0);
    SparseFunction.ENTMAX15.sortBased(new float[] {1, 0}, y, 0, 2, new double[2]);
    final double t = (0.5 - Math.sqrt(1.75)) / 2;
    assertThat((double) y[0]).isCloseTo((0.5 - t) * (0.5 - t), within(1e-7));
    assertThat((double) y[1]).isCloseTo(t * t, within(1e-7));
  }
}
