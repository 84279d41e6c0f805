package io.steelyard.bench.detection;

import io.steelyard.kernels.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DetectionBenchmarksTest {

  @ParameterizedTest
  @EnumSource(BoxesBenchmark.Rule.class)
  void bothPrecisionsKeepTheSameBoxes(BoxesBenchmark.Rule rule) {
    for (final DType dtype : new DType[] {DType.F32, DType.F64}) {
      final BoxesBenchmark benchmark = new BoxesBenchmark();
      benchmark.rule = rule;
      benchmark.count = 300;
      benchmark.dtype = dtype;
      benchmark.threads = 1;
      benchmark.setUp();
      benchmark.run();
      benchmark.tearDown();
    }
  }
}
