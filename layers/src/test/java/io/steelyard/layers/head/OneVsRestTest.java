package io.steelyard.layers.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.engine.Libtorch;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OneVsRestTest {

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray scores(double[]... rows) {
    return manager.create(rows);
  }

  @Test
  void golden() {
    final NDArray scores = scores(new double[] {0.5, -1.5, 0.25}, new double[] {2.0, 0.1, -0.3});
    assertThat(OneVsRest.argmax(scores).toLongArray()).containsExactly(0, 0);
    assertThat(OneVsRest.argmaxOfSign(scores).toLongArray()).containsExactly(0, 0);
  }

  @Test
  void tiesZerosAndNoPositiveScore() {
    final NDArray scores =
        scores(
            new double[] {0.1, 0.9, 0.9}, // several positive: the lowest class; a tie: the first
            new double[] {-2, -1, -3}, // none: class 0
            new double[] {-2, -1, 0}, // none but a zero: the zero
            new double[] {-1, -0.0, 0}, // a negative zero is a zero
            new double[] {-1, 0, 5},
            new double[] {1, 1, 1});
    assertThat(OneVsRest.argmax(scores).toLongArray()).containsExactly(1, 1, 2, 1, 2, 0);
    assertThat(OneVsRest.argmaxOfSign(scores).toLongArray()).containsExactly(0, 0, 2, 1, 2, 0);
    assertThat(OneVsRest.positives(scores)).isEqualTo(new OneVsRest.Positives(6, 3, 2));
    assertThat(OneVsRest.positives(scores).shareOfNone()).isEqualTo(0.5);
    assertThat(OneVsRest.positives(scores).shareOfSeveral()).isEqualTo(2 / 6.0);
  }

  @Test
  void nanWins() {
    final NDArray scores =
        scores(new double[] {1, Double.NaN, Double.POSITIVE_INFINITY, Double.NaN});
    assertThat(OneVsRest.argmax(scores).toLongArray()).containsExactly(1);
    assertThat(OneVsRest.argmaxOfSign(scores).toLongArray()).containsExactly(1);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void agreeWithALoop(long seed) {
    final RandomGenerator random = new SplittableRandom(seed);
    final double[][] rows = new double[200][7];
    final long[] largest = new long[rows.length];
    final long[] sign = new long[rows.length];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < rows[i].length; k++) {
        rows[i][k] = random.nextInt(-3, 2);
        largest[i] = rows[i][k] > rows[i][(int) largest[i]] ? k : largest[i];
        sign[i] = Math.signum(rows[i][k]) > Math.signum(rows[i][(int) sign[i]]) ? k : sign[i];
      }
    }
    for (final DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
      final NDArray scores = scores(rows).toType(type, true);
      assertThat(OneVsRest.argmax(scores).toLongArray())
          .describedAs("seed " + seed)
          .containsExactly(largest);
      assertThat(OneVsRest.argmaxOfSign(scores).toLongArray())
          .describedAs("seed " + seed)
          .containsExactly(sign);
    }
  }

  @Test
  void leaveNothingBehindButTheResult() {
    final NDArray scores = scores(new double[] {1, 2});
    final int before = manager.getManagedArrays().size();
    assertThat(OneVsRest.argmaxOfSign(scores).getManager()).isEqualTo(manager);
    assertThat(OneVsRest.positives(scores).none()).isZero();
    assertThat(manager.getManagedArrays()).hasSize(before + 1);
  }

  @Test
  void illegalShapesAreNamed() {
    final NDArray empty = manager.create(new Shape(0, 3), DataType.FLOAT32);
    final NDArray flat = manager.create(new float[] {1, 2});
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OneVsRest.argmax(empty))
        .withMessageContaining("scores are (0, 3)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OneVsRest.argmaxOfSign(flat))
        .withMessageContaining("scores are (2)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OneVsRest.positives(flat))
        .withMessageContaining("expected [N, K]");
  }
}
