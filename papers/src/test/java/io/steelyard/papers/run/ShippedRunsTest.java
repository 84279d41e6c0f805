package io.steelyard.papers.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

class ShippedRunsTest {

  @Test
  void everyPackedRunIsInTheIndexAndValid() {
    assertThat(ShippedRuns.list().rejected()).isEmpty();
  }

  @Test
  void theIndexDecidesAndBadFilesAreReported() {
    final RunStore.Listing listing = ShippedRuns.list("/io/steelyard/papers/run/shipped/");
    assertThat(listing.runs())
        .extracting(run -> run.paper() + " " + run.seed())
        .containsExactly("some-paper 2", "some-paper 1");
    assertThat(listing.rejected())
        .extracting(rejected -> rejected.file() + ": " + rejected.why())
        .satisfiesExactly(
            torn -> assertThat(torn).startsWith("some-paper/torn.json: is not complete"),
            missing ->
                assertThat(missing)
                    .isEqualTo("some-paper/gone.json: is in the index but not packed"));
  }

  @Test
  void aMissingIndexIsABrokenBuild() {
    assertThatThrownBy(() -> ShippedRuns.list("/nowhere/"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("/nowhere/index.txt");
  }
}
