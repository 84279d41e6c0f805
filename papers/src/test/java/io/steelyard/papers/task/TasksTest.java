package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Examples;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TasksTest {

  @Test
  void everyCellOfAGridAsksForTheLabelOfTheOtherWithItsKey() {
    try (NDManager manager = Libtorch.newManager()) {
      final Examples grids = GridRecall.draw(new Random(1), 20, manager);
      final float[] tokens = grids.inputs().toFloatArray();
      final long[] asked = grids.labels().toLongArray();
      for (int grid = 0; grid < 20; grid++) {
        final List<List<Integer>> cells = new ArrayList<>();
        for (int k = 0; k < GridRecall.KEYS; k++) {
          cells.add(new ArrayList<>());
        }
        final int[] label = new int[GridRecall.TOKENS];
        for (int t = 0; t < GridRecall.TOKENS; t++) {
          final int at = (grid * GridRecall.TOKENS + t) * GridRecall.FEATURES;
          float sum = 0;
          for (int f = 0; f < GridRecall.FEATURES; f++) {
            sum += tokens[at + f];
            if (tokens[at + f] == 1 && f < GridRecall.KEYS) {
              cells.get(f).add(t);
            } else if (tokens[at + f] == 1) {
              label[t] = f - GridRecall.KEYS;
            }
          }
          assertThat(sum).isEqualTo(2);
        }
        for (final List<Integer> pair : cells) {
          assertThat(pair).hasSize(2);
          assertThat(asked[grid * GridRecall.TOKENS + pair.getFirst()])
              .isEqualTo(label[pair.getLast()]);
          assertThat(asked[grid * GridRecall.TOKENS + pair.getLast()])
              .isEqualTo(label[pair.getFirst()]);
        }
      }
    }
  }

  @Test
  void markovSequencesFollowOnePermutation() {
    try (NDManager manager = Libtorch.newManager()) {
      final int length = 2000;
      final Examples sequences = InContextMarkov.draw(new Random(2), 3, length, manager);
      final long[] inputs = symbols(sequences.inputs());
      final long[] next = sequences.labels().toLongArray();
      for (int s = 0; s < 3; s++) {
        final int[][] counts = new int[InContextMarkov.SYMBOLS][InContextMarkov.SYMBOLS];
        assertThat(inputs[s * length * 2 + 1]).isEqualTo(InContextMarkov.START);
        for (int t = 0; t < length; t++) {
          final int at = s * length + t;
          counts[(int) inputs[at * 2]][(int) next[at]]++;
          if (t > 0) {
            assertThat(inputs[at * 2]).isEqualTo(next[at - 1]);
            assertThat(inputs[at * 2 + 1]).isEqualTo(inputs[(at - 1) * 2]);
          }
        }
        int faithful = 0;
        for (final int[] row : counts) {
          int most = 0;
          for (final int count : row) {
            most = Math.max(most, count);
          }
          faithful += most;
        }
        // 0.9 by the permutation and a sixteenth of the rest by chance; four standard errors.
        assertThat(faithful / (double) length).isCloseTo(0.9 + 0.1 / 16, within(0.027));
      }
    }
  }

  /** Pairs of a symbol and the one before it. */
  private static long[] symbols(NDArray oneHot) {
    final NDArray now = oneHot.get(":, :, :16").argMax(2).expandDims(2);
    final NDArray before = oneHot.get(":, :, 16:").argMax(2).expandDims(2);
    return now.concat(before, 2).toLongArray();
  }

  @Test
  void everyKeyIsAskedOnceForItsValue() {
    try (NDManager manager = Libtorch.newManager()) {
      final AssociativeRecall task = new AssociativeRecall(128, 64, 16);
      final Examples sequences = task.draw(new Random(3), 30, manager);
      final long[] inputs = sequences.inputs().toLongArray();
      final long[] labels = sequences.labels().toLongArray();
      for (int s = 0; s < 30; s++) {
        int asked = 0;
        for (int t = 0; t < 64; t++) {
          final int at = s * 64 + t;
          if (labels[at] == AssociativeRecall.IGNORED) {
            continue;
          }
          asked++;
          assertThat(t).isGreaterThanOrEqualTo(32);
          boolean found = false;
          for (int p = 0; p < 16; p++) {
            found |=
                inputs[s * 64 + 2 * p] == inputs[at] && inputs[s * 64 + 2 * p + 1] == labels[at];
          }
          assertThat(found).isTrue();
        }
        assertThat(asked).isEqualTo(16);
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new AssociativeRecall(128, 60, 16))
          .withMessage("length is 60; expected at least 64 for 16 pairs");
    }
  }

  @Test
  void regressionPromptsHaveTheVarianceOfTheirMap() {
    try (NDManager manager = Libtorch.newManager()) {
      final InContextRegression prompts =
          InContextRegression.draw(new Random(4), 20_000, 2, 5, 0.1, manager);
      double sum = 0;
      for (final float target : prompts.target().toFloatArray()) {
        sum += (double) target * target;
      }
      // E y^2 = |beta|^2 + sigma2 = 1.1; its standard error is about 0.013.
      assertThat(sum / 20_000).isCloseTo(1.1, within(0.06));
      assertThat(prompts.examples().getShape()).isEqualTo(new Shape(20_000, 2, 6));
      assertThat(prompts.query().get(":, 5").abs().max().getFloat()).isZero();
    }
  }
}
