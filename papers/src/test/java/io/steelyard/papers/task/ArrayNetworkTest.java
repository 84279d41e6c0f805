package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.head.FourierDensity;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ArrayNetworkTest {

  private static final int BINS = 9;

  static Stream<BinHead> heads() {
    return Stream.of(
        new BinHead.Linear(BINS),
        new BinHead.Fourier(BINS, 3, 0),
        new BinHead.Fourier(BINS, 3, 0.01),
        new BinHead.Mixture(BINS, 2));
  }

  @ParameterizedTest
  @MethodSource("heads")
  void gradientsAreThoseOfTheLoss(BinHead head) {
    final Random random = new Random(3);
    final int rows = 5;
    final float[] inputs = new float[2 * rows];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = (float) random.nextGaussian();
    }
    final int[] targets = random.ints(rows, 0, BINS).toArray();
    final int[] batch = {0, 2, 3, 4};
    final ArrayNetwork network = new ArrayNetwork(2, new int[] {7, 6}, head, BINS, random);
    final float[] parameters = network.parameters();
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] += (float) (0.5 * random.nextGaussian());
    }
    network.gradient(inputs, targets, batch);
    final float[] gradient = network.gradients().clone();
    final float step = 2e-3f;
    for (int i = 0; i < parameters.length; i++) {
      final float kept = parameters[i];
      parameters[i] = kept + step;
      final double above = objective(head, network, inputs, targets, batch);
      parameters[i] = kept - step;
      final double below = objective(head, network, inputs, targets, batch);
      parameters[i] = kept;
      final double expected = (above - below) / (2 * step);
      assertThat((double) gradient[i])
          .as(head + ", parameter " + i)
          .isCloseTo(expected, within(2e-3 + 0.02 * Math.abs(expected)));
    }
  }

  /** The loss with the roughness, whose gradient alone the head adds. */
  private static double objective(
      BinHead head, ArrayNetwork network, float[] inputs, int[] targets, int[] batch) {
    final double loss = network.gradient(inputs, targets, batch);
    final float[] a = network.outputs();
    double rough = 0;
    if (head instanceof BinHead.Fourier fourier && fourier.gamma() > 0) {
      final Tensor rows = Tensor.of(Arrays.copyOf(a, batch.length * 8), batch.length, 8);
      final Tensor each = Tensor.of(new float[batch.length], batch.length);
      FourierDensity.roughness(rows, each);
      for (int i = 0; i < batch.length; i++) {
        rough += fourier.gamma() * each.getDouble(each.flatIndex(i)) / batch.length;
      }
    }
    return loss + rough;
  }

  @Test
  void theFourierHeadIsThatOfTheKernel() {
    final Random random = new Random(4);
    final float[] a = new float[2 * 8];
    for (int i = 0; i < a.length; i++) {
      a[i] = (float) random.nextGaussian();
    }
    final float[] logits = new float[2 * BINS];
    new BinHead.Fourier(BINS, 3, 0).forward(a, new float[0], 2, logits);
    final Tensor expected = Tensor.of(new float[2 * BINS], 2, BINS);
    FourierDensity.apply(Tensor.of(a, 2, 8), 1e-5, expected, 1);
    IntStream.range(0, logits.length)
        .forEach(
            i ->
                assertThat((double) logits[i])
                    .isCloseTo(expected.getDouble(expected.flatIndex(i)), within(1e-4)));
  }

  @Test
  void stepsLearnATable() {
    final Random random = new Random(5);
    final float[] inputs = {-1, 0, 1};
    final int[] targets = {2, 7, 4};
    final ArrayNetwork network =
        new ArrayNetwork(1, new int[] {16}, new BinHead.Fourier(BINS, 4, 0), BINS, random);
    final double before = network.step(inputs, targets, new int[] {0, 1, 2}, 1e-2);
    for (int i = 0; i < 500; i++) {
      network.step(inputs, targets, new int[] {2, 0, 1}, 1e-2);
    }
    assertThat(before).isGreaterThan(1.5);
    final double[][] p = network.probabilities(inputs);
    for (int i = 0; i < 3; i++) {
      // With 4 frequencies no bin of 9 can have more than 5/9.
      assertThat(p[i][targets[i]]).isBetween(0.55, 5 / 9.0 + 1e-4);
    }
  }
}
