package io.steelyard.bench.kronecker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Scope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KroneckerBenchmarksTest {

  @ParameterizedTest
  @ValueSource(ints = {KroneckerKernels.EXACT, 4})
  void kernelsComputeWhatTheyAreTimedFor(int degree) {
    final KroneckerKernels kernels = new KroneckerKernels();
    kernels.degree = degree;
    kernels.size = "2x40x3";
    kernels.threads = 1;
    kernels.setUp();
    assertThat(kernels.run().dim(2)).isEqualTo(40);
  }

  @Test
  void casesNameTheirSize() {
    final Case first = new KroneckerSuite().cases(Scope.QUICK, 2).getFirst();
    assertThat(first.name()).isEqualTo("kronecker-attention h=1 n=256 d=32");
    assertThat(first.work().amount()).isEqualTo(4.0 * 256 * 256 * 256 * 32);
    assertThat(new KroneckerSuite().cases(Scope.FULL, 2)).hasSize(7);
    assertThatThrownBy(() -> Size.parse("1x2")).hasMessageContaining("1x2");
  }
}
