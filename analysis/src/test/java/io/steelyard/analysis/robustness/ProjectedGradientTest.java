package io.steelyard.analysis.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.engine.Libtorch;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ProjectedGradientTest {

  private static final ProjectedGradient ATTACK = new ProjectedGradient(0.1, 0.03, 20, -5, 5);

  @Test
  void onALinearModelItFindsTheCorner() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray w = manager.create(new double[] {1, -.5, .2, .3, -.7, .9}, new Shape(3, 2));
      final NDArray x = manager.create(new double[] {.5, -.2, 1, 1}, new Shape(2, 2));
      final NDArray labels = manager.create(new int[] {0, 1});
      final NDArray moved =
          ATTACK.attack(
              input -> input.matMul(w.transpose()),
              x,
              labels,
              ProjectedGradient.margin(),
              new Random(2));
      // Rows: rival 1 in the first (weights -0.8, 0.8), rival 0 in the second (0.8, -0.8).
      assertThat(moved.toDoubleArray())
          .usingComparatorWithPrecision(1e-9)
          .containsExactly(.4, -.1, 1.1, .9);
      assertThat(x.toDoubleArray()).containsExactly(.5, -.2, 1, 1);
    }
  }

  @Test
  void everyGoalGrowsWithinTheBox() {
    try (NDManager manager = Libtorch.newManager()) {
      final Random random = new Random(3);
      final float[] weights = new float[12];
      final float[] inputs = new float[4 * 10];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (float) random.nextGaussian();
      }
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = random.nextFloat();
      }
      final NDArray w = manager.create(weights, new Shape(4, 3));
      final NDArray x = manager.create(inputs, new Shape(10, 4));
      final NDArray labels = manager.create(new long[] {0, 1, 2, 0, 1, 2, 0, 1, 2, 0});
      final ProjectedGradient attack = new ProjectedGradient(0.2, 0.05, 10, 0, 1);
      for (final ProjectedGradient.Goal goal :
          List.of(
              ProjectedGradient.margin(),
              ProjectedGradient.crossEntropy(),
              ProjectedGradient.divergence())) {
        final NDArray moved = attack.attack(input -> input.matMul(w), x, labels, goal, random);
        assertThat(moved.min().getFloat()).isNotNegative();
        assertThat(moved.max().getFloat()).isLessThanOrEqualTo(1);
        assertThat(moved.sub(x).abs().max().getFloat()).isLessThanOrEqualTo(0.2f + 1e-6f);
        final NDArray clean = x.matMul(w);
        assertThat(goal.of(moved.matMul(w), clean, labels).sum().getFloat())
            .isGreaterThan(goal.of(clean, clean, labels).sum().getFloat());
      }
    }
  }

  @Test
  void goalsAreWhatTheySay() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray scores = manager.create(new double[] {2, 1, 0, 0, 3, 1}, new Shape(2, 3));
      final NDArray labels = manager.create(new long[] {1, 1});
      assertThat(ProjectedGradient.margin().of(scores, scores, labels).toDoubleArray())
          .containsExactly(1, -2);
      assertThat(ProjectedGradient.crossEntropy().of(scores, scores, labels).getDouble(0))
          .isCloseTo(1.4076059644, within(1e-9));
      assertThat(ProjectedGradient.divergence(scores, scores).abs().max().getDouble()).isZero();
      final NDArray flat = manager.zeros(new Shape(2, 3), scores.getDataType());
      assertThat(ProjectedGradient.divergence(flat, scores).getDouble(0))
          .isCloseTo(1.4076059644 - Math.log(3), within(1e-9));
    }
  }

  @Test
  void whatCannotBeIsNamed() {
    assertThatThrownBy(() -> new ProjectedGradient(-1, 1, 1, 0, 1)).hasMessageContaining("radius");
    assertThatThrownBy(() -> new ProjectedGradient(1, 0, 1, 0, 1)).hasMessageContaining("step is");
    assertThatThrownBy(() -> new ProjectedGradient(1, 1, -1, 0, 1)).hasMessageContaining("steps");
    assertThatThrownBy(() -> new ProjectedGradient(1, 1, 1, 2, 1)).hasMessageContaining("lowest");
  }
}
