package io.steelyard.bench.softmax;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.rows.Output;
import io.steelyard.bench.rows.Rows;
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

  private static float[] filled(float value) {
    final float[] row = new float[4];
    Arrays.fill(row, value);
    return row;
  }
}
