package io.steelyard.bench.rows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RowTrafficTest {

  @ParameterizedTest
  @EnumSource(RowTraffic.Moves.class)
  void trafficTouchesEveryElementWithAnyThreadsAndShape(RowTraffic.Moves moves) {
    for (final String shape : new String[] {"1x200003", "37x1021"}) {
      for (final int threads : new int[] {1, 2}) {
        final RowTraffic benchmark = new RowTraffic();
        benchmark.moves = moves;
        benchmark.shape = shape;
        benchmark.output = Output.REUSED;
        benchmark.threads = threads;
        benchmark.setUp();

        final float[] left = benchmark.run();

        final float[] x = Rows.parse(shape).scores();
        switch (moves) {
          case COPY, LEAN, RECOMPUTE -> assertThat(left).isEqualTo(x);
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
            assertThat(sums).isCloseTo(sum, offset(1.0));
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
}
