package io.steelyard.layers.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import io.steelyard.layers.engine.Libtorch;
import org.junit.jupiter.api.Test;

class EarlyStopTest {

  @Test
  void stopsAfterPatienceWithoutABest() {
    final double[] measured = {Double.NaN, 3, 2, 2, 2.5, 1.9, Double.NaN, 1.9, 5};
    final boolean[] best = {false, true, true, false, false, true, false, false, false};
    final int[] since = {1, 0, 0, 1, 2, 0, 1, 2, 3};
    for (final boolean lower : new boolean[] {true, false}) {
      final EarlyStop rule = lower ? EarlyStop.onLowest(3) : EarlyStop.onHighest(3);
      EarlyStop.State state = EarlyStop.State.START;
      for (int i = 0; i < measured.length; i++) {
        final double value = lower ? measured[i] : -measured[i];
        assertThat(rule.improves(state, value)).describedAs("measurement " + i).isEqualTo(best[i]);
        state = rule.after(state, value, 10L * i);
        assertThat(state.since()).describedAs("measurement " + i).isEqualTo(since[i]);
      }
      assertThat(state).isEqualTo(new EarlyStop.State(lower ? 1.9 : -1.9, 50, 3));
    }
  }

  @Test
  void aMarginAsksForMore() {
    final EarlyStop rule = new EarlyStop(true, 2, 0.5);
    final EarlyStop.State state = new EarlyStop.State(3, 0, 0);
    assertThat(rule.improves(state, 2.5)).isFalse();
    assertThat(rule.improves(state, 2.4)).isTrue();
  }

  @Test
  void theBestParametersComeBack() {
    final Linear line = Linear.builder().setUnits(1).optBias(false).build();
    final TrainingOptions options =
        TrainingOptions.seeded(1).with(Optimizer.sgd(0)).with(EarlyStop.onHighest(2));
    try (NDManager manager = Libtorch.newManager();
        Training training = new Training(line, options, new Shape(1, 1))) {
      final NDArray x = manager.ones(new Shape(1, 1));
      final Objective objective = pass -> pass.forward(line, x).head().sum();
      assertThat(training.bestMeasured()).isEmpty();
      training.step(objective);
      assertThat(training.measured(0.5)).isTrue();
      final float best = line.getParameters().valueAt(0).getArray().toFloatArray()[0];
      training.step(objective);
      assertThat(training.measured(0.25)).isFalse();
      assertThat(training.stopped()).isFalse();
      training.step(objective);
      assertThat(training.measured(0.5)).isFalse();
      assertThat(training.stopped()).isTrue();
      assertThat(line.getParameters().valueAt(0).getArray().toFloatArray()[0]).isNotEqualTo(best);
      training.restoreBest();
      assertThat(line.getParameters().valueAt(0).getArray().toFloatArray()[0]).isEqualTo(best);
      assertThat(training.bestMeasured()).hasValue(0.5);
      assertThat(training.steps()).isEqualTo(3);
    }
  }

  @Test
  void withoutARuleItSaysSo() {
    final Linear line = Linear.builder().setUnits(1).build();
    try (Training training = new Training(line, TrainingOptions.seeded(1), new Shape(1, 1))) {
      assertThatIllegalStateException()
          .isThrownBy(() -> training.measured(1))
          .withMessageContaining("no early stop");
      assertThatIllegalStateException()
          .isThrownBy(training::averaged)
          .withMessageContaining("no average");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EarlyStop.onLowest(0))
        .withMessageContaining("patience is 0");
  }
}
