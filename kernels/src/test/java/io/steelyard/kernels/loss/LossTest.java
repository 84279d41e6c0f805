package io.steelyard.kernels.loss;

import static io.steelyard.kernels.loss.LossFixture.SLOTS;
import static io.steelyard.kernels.loss.LossFixture.poison;
import static io.steelyard.kernels.loss.LossFixture.random;
import static io.steelyard.kernels.loss.LossFixture.scores;
import static io.steelyard.kernels.loss.LossFixture.targets;
import static io.steelyard.kernels.tensor.Elements.assertHolds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every loss: rows left out, gradients, and results that depend on nothing else. */
class LossTest {

  private static final String LOSSES = "io.steelyard.kernels.loss.LossFixture#all";
  private static final String LOSSES_AND_SEEDS =
      "io.steelyard.kernels.loss.LossFixture#allAndSeeds";

  private static final LossOptions DEFAULTS = LossOptions.defaults();

  @ParameterizedTest
  @MethodSource(LOSSES)
  void aRowWithoutTargetsOrWeightIsLeftOut(LossFixture.Named loss) {
    for (final int n : new int[] {3, 300, 33_001}) {
      final float[] x = scores(random(7), 3 * n, 1);
      Arrays.fill(x, 0, n, Float.NaN);
      Arrays.fill(x, n, 2 * n, Float.POSITIVE_INFINITY);
      final Tensor targets = targets(random(8), loss.lists(), 3, n);
      for (int slot = 0; slot < (loss.lists() ? SLOTS : 1); slot++) {
        targets.setDouble(slot, LossOptions.IGNORE_INDEX);
      }
      final float[] values = poison(3);
      final float[] dx = poison(3 * n);
      final LossOptions options = DEFAULTS.withWeights(Tensor.of(new float[] {1, 0, 2}, 3));
      loss.both()
          .run(Tensor.of(x, 3, n), targets, Tensor.of(values, 3), Tensor.of(dx, 3, n), options);
      assertThat(values[0]).isZero();
      assertThat(values[1]).isZero();
      assertThat(values[2]).isPositive();
      final String what = loss + ", n " + n;
      for (int i = 0; i < 2 * n; i++) {
        assertHolds(dx[i] == 0, what, i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(LOSSES_AND_SEEDS)
  void gradientsMatchCentralDifferences(LossFixture.Named loss, long seed) {
    final var random = random(seed);
    final int rows = 3;
    final int n = 6;
    final double[] x = new double[rows * n];
    Arrays.setAll(x, i -> random.nextGaussian());
    final Tensor xs = Tensor.of(x, rows, n);
    final Tensor targets = targets(random, loss.lists(), rows, n);
    final double[] dloss = {0.7, -1.3, 2};
    final LossOptions options = DEFAULTS.withWeights(Tensor.of(new double[] {1, 0.5, 3}, 3));
    final Tensor dx = Tensor.zeros(DType.F64, rows, n);
    loss.vjp().run(xs, targets, Tensor.of(dloss, rows), dx, options);
    final double h = 1e-6;
    for (int i = 0; i < x.length; i++) {
      final double kept = x[i];
      final double[] sides = new double[2];
      for (int side = 0; side < 2; side++) {
        x[i] = side == 0 ? kept + h : kept - h;
        final double[] values = new double[rows];
        loss.value().run(xs, targets, Tensor.of(values, rows), options);
        for (int row = 0; row < rows; row++) {
          sides[side] += dloss[row] * values[row];
        }
      }
      x[i] = kept;
      assertThat(dx.getDouble(i))
          .as("%s, seed %d, element %d", loss, seed, i)
          .isCloseTo((sides[0] - sides[1]) / (2 * h), offset(1e-7));
    }
  }

  @ParameterizedTest
  @MethodSource(LOSSES)
  void isTheSameBitsForEveryMemoryThreadCountAndDoor(LossFixture.Named loss) {
    for (final int[] shape : new int[][] {{40, 1000}, {3, 4096}, {2, 200_003}, {700, 10}}) {
      final int rows = shape[0];
      final int n = shape[1];
      final float[] scores = scores(random(9), rows * n, 4);
      final Tensor x = Tensor.of(scores, rows, n);
      final Tensor targets = targets(random(10), loss.lists(), rows, n);
      final float[] values = poison(rows);
      final float[] dx = poison(rows * n);
      loss.both()
          .run(
              x, targets, Tensor.of(values, rows), Tensor.of(dx, rows, n), DEFAULTS.withThreads(1));

      final float[] threadedValues = poison(rows);
      final float[] threadedDx = poison(rows * n);
      loss.both()
          .run(
              x,
              targets,
              Tensor.of(threadedValues, rows),
              Tensor.of(threadedDx, rows, n),
              DEFAULTS);
      assertThat(threadedValues).as("%s, all threads", loss).isEqualTo(values);
      assertThat(threadedDx).as("%s, all threads", loss).isEqualTo(dx);

      final float[] valuesAlone = poison(rows);
      loss.value().run(x, targets, Tensor.of(valuesAlone, rows), DEFAULTS);
      assertThat(valuesAlone).as("%s, values alone", loss).isEqualTo(values);

      final float[] inPlace = scores.clone();
      loss.both()
          .run(
              Tensor.of(inPlace, rows, n),
              targets,
              Tensor.of(poison(rows), rows),
              Tensor.of(inPlace, rows, n),
              DEFAULTS);
      assertThat(inPlace).as("%s, in place", loss).isEqualTo(dx);

      final float[] ones = new float[rows];
      Arrays.fill(ones, 1);
      final float[] byVjp = poison(rows * n);
      loss.vjp().run(x, targets, Tensor.of(ones, rows), Tensor.of(byVjp, rows, n), DEFAULTS);
      assertThat(byVjp).as("%s, vjp of ones", loss).isEqualTo(dx);

      try (Arena arena = Arena.ofConfined()) {
        // A confined arena may only be touched by this thread.
        final MemorySegment in = arena.allocate(4L * rows * n, 64);
        final MemorySegment out = arena.allocate(4L * rows * n, 64);
        in.copyFrom(MemorySegment.ofArray(scores));
        out.fill((byte) -1);
        loss.both()
            .run(
                Tensor.of(in, DType.F32, rows, n),
                targets,
                Tensor.of(poison(rows), rows),
                Tensor.of(out, DType.F32, rows, n),
                DEFAULTS.withThreads(1));
        assertThat(Tensor.of(out, DType.F32, rows, n).toFloatArray())
            .as("%s, native memory", loss)
            .isEqualTo(dx);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(LOSSES)
  void worksOnColumnsThroughStrides(LossFixture.Named loss) {
    final int rows = 5;
    final int n = 37;
    final float[] across = scores(random(11), rows * n, 2);
    final float[] down = new float[rows * n];
    for (int i = 0; i < down.length; i++) {
      down[i % n * rows + i / n] = across[i];
    }
    final Tensor targets = targets(random(12), loss.lists(), rows, n);
    final float[] values = poison(rows);
    final float[] dx = poison(rows * n);
    loss.both()
        .run(
            Tensor.of(across, rows, n),
            targets,
            Tensor.of(values, rows),
            Tensor.of(dx, rows, n),
            DEFAULTS);
    // Columns as rows, and the losses to every second element.
    final float[] otherValues = poison(2 * rows);
    final float[] otherDx = poison(rows * n);
    loss.both()
        .run(
            Tensor.of(down, n, 1, rows).transpose(0, 2),
            loss.lists() ? targets.reshape(rows, 1, SLOTS) : targets.reshape(rows, 1),
            Tensor.of(otherValues, rows, 2).slice(1, 0, 1),
            Tensor.of(otherDx, n, 1, rows).transpose(0, 2),
            DEFAULTS);
    for (int row = 0; row < rows; row++) {
      assertThat(otherValues[2 * row]).as("%s, row %d", loss, row).isEqualTo(values[row]);
      assertThat(otherValues[2 * row + 1]).as("%s, row %d", loss, row).isNaN();
    }
    for (int i = 0; i < dx.length; i++) {
      assertHolds(otherDx[i % n * rows + i / n] == dx[i], loss, i);
    }
  }
}
