package io.steelyard.analysis.trials;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TrialsTest {

  @Test
  void resultsAreInOrderAndEachIsHeardOfOnce() {
    final List<Integer> heard = new ArrayList<>();
    final List<Integer> counts = new ArrayList<>();
    final List<Integer> squares =
        Trials.run(
            200,
            i -> i * i,
            (trial, done) -> {
              heard.add(trial);
              counts.add(done);
            });
    assertThat(squares).isEqualTo(IntStream.range(0, 200).map(i -> i * i).boxed().toList());
    assertThat(heard).containsExactlyInAnyOrderElementsOf(IntStream.range(0, 200).boxed().toList());
    assertThat(counts).isEqualTo(IntStream.rangeClosed(1, 200).boxed().toList());
  }

  @Test
  void aFailureComesOut() {
    assertThatThrownBy(
            () ->
                Trials.run(
                    5,
                    i -> {
                      if (i == 3) {
                        throw new IllegalStateException("trial 3");
                      }
                      return i;
                    },
                    Trials.SILENT))
        .hasMessage("trial 3");
    assertThat(Trials.run(0, i -> i, Trials.SILENT)).isEmpty();
    assertThatIllegalArgumentException().isThrownBy(() -> Trials.run(-1, i -> i, Trials.SILENT));
  }
}
