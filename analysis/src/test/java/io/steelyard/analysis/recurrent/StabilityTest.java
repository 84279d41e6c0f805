package io.steelyard.analysis.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.recurrent.Coupling;
import io.steelyard.kernels.recurrent.LtvSystem;
import io.steelyard.kernels.recurrent.Recurrences;
import io.steelyard.kernels.recurrent.SeparableAttention;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import org.junit.jupiter.api.Test;

class StabilityTest {

  private static LtvSystem system(double... lambda) {
    final int steps = lambda.length;
    final Tensor ones = Tensor.zeros(DType.F64, steps, 1, 1);
    return new LtvSystem(
        Tensor.of(lambda, steps, 1, 1),
        ones,
        ones,
        Tensor.zeros(DType.F64, steps, 1),
        new Coupling(Coupling.Source.UNKNOWN, Coupling.Source.UNKNOWN, true));
  }

  @Test
  void theFirstDecayDoesNotCount() {
    final Stability stability = Stability.of(system(9, 0.5, 0.5));
    assertThat(stability.largest()).isEqualTo(0.5);
    assertThat(stability.amplification()).isEqualTo(1);
    assertThat(stability.halfLife()).isCloseTo(1, within(1e-12));
    assertThat(stability.isContractive()).isTrue();
    assertThat(stability.isNonExpansive()).isTrue();
  }

  @Test
  void growthIsThatOfTheWorstStretch() {
    final Stability stability = Stability.of(system(1, 0.1, 2, -3, 0.1, 2));
    assertThat(stability.largest()).isEqualTo(3);
    assertThat(stability.amplification()).isCloseTo(6, within(1e-12));
    assertThat(stability.isContractive()).isFalse();
    assertThat(stability.isNonExpansive()).isFalse();
  }

  @Test
  void aStateThatStaysHasNoHalfLife() {
    assertThat(Stability.of(system(1, 1, 1)).halfLife()).isInfinite();
    assertThat(Stability.of(system(1)).largest()).isZero();
    assertThat(Stability.of(system(1, Double.NaN)).largest()).isNaN();
  }

  @Test
  void attentionMayExpandAndStateSpaceModelsForget() {
    final Tensor q = Tensor.of(new double[] {1, 5, -5, 3}, 4, 1);
    assertThat(Stability.of(SeparableAttention.linear(q, q).system(2)).largest())
        .as("the page's pitfall: it is only a rewriting")
        .isGreaterThan(1);
    final LtvSystem ssd =
        Recurrences.scalarSelective(Tensor.of(new double[] {1, 2, 3, 4}, 4), 0.5, q, q, 2);
    assertThat(Stability.of(ssd).isContractive()).isTrue();
    assertThat(Stability.of(ssd).largest()).isCloseTo(Math.exp(-1), within(1e-12));
  }
}
