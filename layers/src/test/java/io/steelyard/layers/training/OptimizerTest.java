package io.steelyard.layers.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Scalars;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Updates of w = (1, -2) by the gradients (1, -1/2), (1/2, 2), (0, -1) with step size 0.1. The
 * expected numbers were computed with 40 decimal digits from the formulas in {@link Optimizer}; the
 * first of each is easily checked by hand.
 */
class OptimizerTest {

  private static final double[][] GRADIENTS = {{1, -0.5}, {0.5, 2}, {0, -1}};

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private static TrainingOptions options(Optimizer optimizer) {
    return TrainingOptions.seeded(1).as(DataType.FLOAT64).with(optimizer).withLearningRate(0.1);
  }

  /** A line through two weights: the gradient of its output is its input. */
  private static Linear line(boolean bias) {
    final Linear linear = Linear.builder().setUnits(1).optBias(bias).build();
    linear.setInitializer((m, shape, type) -> m.create(new double[] {1, -2}, shape), "weight");
    if (bias) {
      linear.setInitializer((m, shape, type) -> m.create(new double[] {4}, shape), "bias");
    }
    return linear;
  }

  private void follows(Optimizer optimizer, double[] first, double[] second) {
    final Linear line = line(false);
    try (Training training = new Training(line, options(optimizer), new Shape(1, 2))) {
      for (int t = 0; t < GRADIENTS.length; t++) {
        final NDArray x = manager.create(GRADIENTS[t], new Shape(1, 2));
        final Step step = training.step(pass -> pass.forward(line, x).head().sum());
        assertThat(step.gradientNorm())
            .isCloseTo(Math.hypot(GRADIENTS[t][0], GRADIENTS[t][1]), within(1e-15));
        assertThat(weights(line))
            .describedAs(optimizer + " step " + (t + 1))
            .containsExactly(new double[] {first[t], second[t]}, within(2e-15));
      }
    }
  }

  private static double[] weights(Linear line) {
    return line.getParameters().valueAt(0).getArray().toDoubleArray();
  }

  @Test
  void adamAddsEpsilonToTheCorrectedRoot() {
    // First step: 1 - 0.1 · 1 / (1 + 0.1) = 10/11; -2 + 0.1 · 0.5 / (0.5 + 0.1) = -23/12.
    follows(
        new Optimizer.Adam(0.9, 0.999, 0.1, Decay.NONE),
        new double[] {0.909090909090909, 0.826341571654001, 0.763952897290328},
        new double[] {-1.916666666666667, -1.969025988661248, -1.979269103595483});
  }

  @Test
  void adamWShrinksFirst() {
    // First step: 0.99 · 1 - 0.1 / (1 + 1e-8); 0.99 · (-2) + 0.1 / (1 + 2e-8).
    follows(
        Optimizer.adamW(0.1),
        new double[] {0.890000001000000, 0.787882038288160, 0.707945462767194},
        new double[] {-1.880000002000000, -1.917150351000056, -1.908996213802305});
  }

  @Test
  void aRidgeGoesThroughTheMoments() {
    follows(
        Optimizer.adam().with(Decay.ridge(0.1)),
        new double[] {0.900000000909091, 0.805771796892170, 0.728965886630213},
        new double[] {-1.900000001428571, -1.945249850076977, -1.941533289665063});
  }

  @Test
  void gradientDescent() {
    follows(Optimizer.sgd(0), new double[] {0.9, 0.85, 0.85}, new double[] {-1.95, -2.15, -2.05});
  }

  @Test
  void momentum() {
    follows(
        Optimizer.sgd(0.9), new double[] {0.9, 0.76, 0.634}, new double[] {-1.95, -2.105, -2.1445});
  }

  @Test
  void nesterovWithARidge() {
    // First step: 1 - 0.1 · 1.9 · 1.1.
    follows(
        new Optimizer.Sgd(0.9, true, Decay.ridge(0.1)),
        new double[] {0.791, 0.591871, 0.453528351},
        new double[] {-1.867, -2.154827, -2.019732587});
  }

  @Test
  void decayOfMatricesSparesTheBias() {
    for (final Decay decay : new Decay[] {Decay.decoupled(0.5), Decay.ridge(0.5)}) {
      for (final boolean all : new boolean[] {true, false}) {
        final Linear line = line(true);
        final Optimizer optimizer = Optimizer.sgd(0).with(all ? decay : decay.ofMatrices());
        try (Training training = new Training(line, options(optimizer), new Shape(1, 2))) {
          final NDArray x = manager.zeros(new Shape(1, 2), DataType.FLOAT64);
          training.step(pass -> Scalars.mul(pass.forward(line, x).head().sum(), 0));
          final Parameter bias = line.getParameters().valueAt(1);
          assertThat(weights(line)).containsExactly(new double[] {0.95, -1.9}, within(1e-15));
          assertThat(bias.getArray().toDoubleArray()[0])
              .describedAs(decay + " " + all)
              .isCloseTo(all ? 3.8 : 4, within(1e-15));
        }
      }
    }
  }

  @Test
  void theNormIsClippedLikeTorch() {
    final NDArray x = manager.create(new double[] {3, -4}, new Shape(1, 2));
    final Linear line = line(false);
    final TrainingOptions clipped = options(Optimizer.sgd(0)).with(Clipping.byNorm(2));
    try (Training training = new Training(line, clipped, new Shape(1, 2))) {
      final Step step = training.step(pass -> pass.forward(line, x).head().sum());
      assertThat(step.gradientNorm()).isCloseTo(5, within(1e-15));
      final double scale = 2 / (5 + 1e-6);
      assertThat(weights(line))
          .containsExactly(new double[] {1 - 0.1 * 3 * scale, -2 + 0.1 * 4 * scale}, within(1e-15));
    }
  }

  @Test
  void smallGradientsAreNotScaled() {
    final NDArray x = manager.create(new double[] {0.3, -0.4}, new Shape(1, 2));
    final Linear line = line(false);
    final TrainingOptions clipped = options(Optimizer.sgd(0)).with(Clipping.byNorm(2));
    try (Training training = new Training(line, clipped, new Shape(1, 2))) {
      training.step(pass -> pass.forward(line, x).head().sum());
      assertThat(weights(line)).containsExactly(new double[] {0.97, -1.96}, within(1e-15));
    }
  }

  @Test
  void valuesAreClippedOneByOne() {
    final NDArray x = manager.create(new double[] {3, -0.4}, new Shape(1, 2));
    final Linear line = line(false);
    final TrainingOptions clipped = options(Optimizer.sgd(0)).with(Clipping.byValue(0.7));
    try (Training training = new Training(line, clipped, new Shape(1, 2))) {
      training.step(pass -> pass.forward(line, x).head().sum());
      assertThat(weights(line)).containsExactly(new double[] {0.93, -1.96}, within(1e-15));
    }
  }

  @Test
  void theRateFollowsTheSchedule() {
    final NDArray x = manager.create(new double[] {1, 1}, new Shape(1, 2));
    final Linear line = line(false);
    final TrainingOptions options = options(Optimizer.sgd(0)).with(Schedule.linear(0.5, 0.25, 2));
    try (Training training = new Training(line, options, new Shape(1, 2))) {
      final double[] expected = {0.5, 0.125, -0.125, -0.375};
      final double[] rates = {0.5, 0.375, 0.25, 0.25};
      for (int i = 0; i < 4; i++) {
        assertThat(training.step(pass -> pass.forward(line, x).head().sum()).rate())
            .isEqualTo(rates[i]);
        assertThat(weights(line)[0]).isCloseTo(expected[i], within(1e-15));
      }
    }
  }

  @Test
  void someParametersLearnAtAnotherRate() {
    final NDArray x = manager.create(new double[] {1, 1}, new Shape(1, 2));
    for (final Optimizer optimizer :
        new Optimizer[] {Optimizer.sgd(0), Optimizer.sgd(0.9), Optimizer.adam()}) {
      final Linear line = line(true);
      final TrainingOptions options =
          options(optimizer.with(Decay.decoupled(0.5))).withRateFactor("bias", 3);
      try (Training training = new Training(line, options, new Shape(1, 2))) {
        training.step(pass -> pass.forward(line, x).head().sum());
        // Each first step is w (1 - 0.5 eta) - eta, with eta 0.1 and, for the bias, 0.3.
        assertThat(weights(line)).containsExactly(new double[] {0.85, -2}, within(3e-9));
        assertThat(line.getParameters().valueAt(1).getArray().toDoubleArray())
            .containsExactly(new double[] {3.1}, within(5e-9));
      }
    }
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new Training(
                    line(true),
                    options(Optimizer.adam()).withRateFactor("temperature", 10),
                    new Shape(1, 2)))
        .withMessageContaining(
            "rateFactors has 'temperature'; expected a part of the name of a trained parameter:"
                + " weight, bias");
  }

  @Test
  void inFloat32TheTypeStays() {
    final Linear line = Linear.builder().setUnits(1).build();
    final TrainingOptions options =
        TrainingOptions.seeded(1)
            .with(Optimizer.adamW(0.1).with(Decay.decoupled(0.1).ofMatrices()))
            .with(Clipping.byNorm(0.01))
            .withAverage(0.9);
    final NDArray x = manager.ones(new Shape(3, 2));
    try (Training training = new Training(line, options, new Shape(1, 2))) {
      training.step(pass -> pass.forward(line, x).head().square().mean());
      try (Training.Averaged _ = training.averaged()) {
        final NDList out = training.predict(new NDList(x), 2);
        assertThat(out.head().getDataType()).isEqualTo(DataType.FLOAT32);
        assertThat(out.head().getShape()).isEqualTo(new Shape(3, 1));
      }
      line.getParameters()
          .values()
          .forEach(p -> assertThat(p.getArray().getDataType()).isEqualTo(DataType.FLOAT32));
    }
  }

  @Test
  void rangesAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Optimizer.Adam(1, 0.999, 1e-8, Decay.NONE))
        .withMessageContaining("beta1 is 1.0; expected a number in [0, 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Optimizer.adam().withBetas(0.9, Double.NaN))
        .withMessageContaining("beta2 is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Optimizer.Sgd(0, true, Decay.NONE))
        .withMessageContaining("momentum is 0 with nesterov");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Decay.ridge(-1))
        .withMessageContaining("rate is -1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Clipping.byNorm(0))
        .withMessageContaining("max is 0.0");
  }
}
