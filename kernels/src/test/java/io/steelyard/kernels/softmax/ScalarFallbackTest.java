package io.steelyard.kernels.softmax;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.simd.Simd;
import org.junit.jupiter.api.Test;

/** The build runs all tests once without the vector module; this test makes sure that it did. */
class ScalarFallbackTest {

  @Test
  void runsOnThePathThatTheBuildMeant() {
    final String path = System.getProperty("steelyard.test.path", "simd");
    assertThat(Simd.available()).isEqualTo(path.equals("simd"));
    final int bits = Integer.getInteger("steelyard.vector.bits", Simd.vectorBits());
    assertThat(Simd.vectorBits()).isEqualTo(path.equals("simd") ? bits : 0);
  }
}
