package io.steelyard.bench.soft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Scope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SoftBenchmarksTest {

  @ParameterizedTest
  @EnumSource(SoftFunction.class)
  void kernelsComputeWhatTheyAreTimedFor(SoftFunction function) {
    final SoftKernels kernels = new SoftKernels();
    kernels.function = function;
    kernels.size = "2x150x20x16";
    kernels.threads = 1;
    kernels.setUp();
    assertThat(kernels.run().dim(2)).isEqualTo(150);
  }

  @Test
  void casesNameTheirSizeAndRival() {
    final Case first = new SoftSuite().cases(Scope.QUICK, 2).get(1);
    assertThat(first.name()).isEqualTo("soft-attention h=1 n=4096 m=49 d=32");
    assertThat(first.rivals().getFirst().trial().parameters())
        .containsEntry("size", "1x4096x4096x32")
        .containsEntry("threads", "2");
    assertThat(new SoftSuite().cases(Scope.FULL, 1)).hasSizeGreaterThan(6);
  }

  @Test
  void countsTheWork() {
    assertThat(SoftFunction.SOFT.flops(Size.parse("2x100x10x4")))
        .isEqualTo(2 * (10.0 * 100 * 10 * 4 + 80 * 1000));
    assertThat(SoftFunction.GAUSSIAN.flops(Size.parse("1x100x10x4"))).isEqualTo(5.0 * 10_000 * 4);
    assertThatThrownBy(() -> Size.parse("1x2x3")).hasMessageContaining("1x2x3");
  }
}
