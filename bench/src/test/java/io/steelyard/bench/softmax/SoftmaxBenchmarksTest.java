package io.steelyard.bench.softmax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The benchmarks' own checks, without JMH. */
class SoftmaxBenchmarksTest {

  private static final Rows ROWS = new Rows(3, 4);
  private static final float[] EQUAL = new float[12];

  @ParameterizedTest
  @EnumSource(SoftmaxOperator.class)
  void everyOperatorPassesItsCheckInBothOutputs(SoftmaxOperator operator) {
    for (final Output output : Output.values()) {
      final SoftmaxKernels benchmark = new SoftmaxKernels();
      benchmark.operator = operator;
      benchmark.shape = "5x1021";
      benchmark.output = output;
      benchmark.threads = 2;
      assertThatCode(
              () -> {
                benchmark.setUp();
                benchmark.run();
                benchmark.tearDown();
              })
          .doesNotThrowAnyException();
    }
  }

  @Test
  void equalScoresHaveEqualWeights() {
    Meaning.SOFTMAX.check("ours", ROWS, EQUAL, row -> filled(0.25f), Meaning.OURS);
    Meaning.LOG_SOFTMAX.check(
        "ours", ROWS, EQUAL, row -> filled((float) Math.log(0.25)), Meaning.OURS);
    Meaning.LOG_SUM_EXP.check(
        "ours", ROWS, EQUAL, row -> new float[] {(float) Math.log(4)}, Meaning.OURS);
  }

  @ParameterizedTest
  @EnumSource(Meaning.class)
  void wrongAndUnwrittenResultsAreRefused(Meaning meaning) {
    for (final float wrong : new float[] {0.2501f, 0, Float.NaN}) {
      assertThatThrownBy(
              () ->
                  meaning.check(
                      "ours 3x4", ROWS, EQUAL, row -> filled(row == 2 ? wrong : 7), Meaning.OURS))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("ours 3x4 is wrong: row 0, entry 0 is 7.0");
      assertThatThrownBy(
              () -> meaning.check("ours", ROWS, EQUAL, row -> filled(wrong), Meaning.OURS))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @ParameterizedTest
  @EnumSource(SoftmaxTraffic.Moves.class)
  void trafficTouchesEveryElementWithAnyThreadsAndShape(SoftmaxTraffic.Moves moves) {
    for (final String shape : new String[] {"1x200003", "37x1021"}) {
      for (final int threads : new int[] {1, 2}) {
        final SoftmaxTraffic benchmark = new SoftmaxTraffic();
        benchmark.moves = moves;
        benchmark.shape = shape;
        benchmark.output = Output.REUSED;
        benchmark.threads = threads;
        benchmark.setUp();

        final float[] left = benchmark.run();

        final float[] x = Rows.parse(shape).scores();
        switch (moves) {
          case LEAN, RECOMPUTE -> assertThat(left).isEqualTo(x);
          case RELOAD, IN_PLACE -> {
            for (int i = 0; i < x.length; i++) {
              assertThat(left[i]).isEqualTo(x[i] + 1f);
            }
          }
          case READ_ONLY -> {
            double sum = 0;
            for (final float value : x) {
              sum += value;
            }
            double sums = 0;
            for (final float value : left) {
              sums += value;
            }
            assertThat(sums).isCloseTo(sum, org.assertj.core.data.Offset.offset(1.0));
          }
        }
      }
    }
  }

  @Test
  void shapesAreParsedOrRefused() {
    assertThat(Rows.parse("8192x1024")).isEqualTo(new Rows(8192, 1024));
    assertThatThrownBy(() -> Rows.parse("8192"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'8192'");
  }

  private static float[] filled(float value) {
    final float[] row = new float[4];
    Arrays.fill(row, value);
    return row;
  }
}
