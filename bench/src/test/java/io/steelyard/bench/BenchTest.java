package io.steelyard.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BenchTest {

  @Test
  void listsSuites() {
    assertThat(Bench.suites())
        .extracting(Bench.SuiteInfo::name)
        .contains("machine", "softmax")
        .doesNotHaveDuplicates()
        .allMatch(name -> name.matches("[a-z0-9-]+"));
    assertThat(Bench.suites()).allMatch(suite -> !suite.summary().isBlank());
  }

  @Test
  void refusesAnUnknownSuiteAndNamesThoseThereAre() {
    assertThatThrownBy(
            () -> Bench.run(List.of("sofmax"), BenchOptions.forLooking(), BenchListener.silent()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sofmax")
        .hasMessageContaining("machine, attention, ");
  }

  @ParameterizedTest
  @EnumSource(Scope.class)
  void casesOfASuiteHaveNamesOfTheirOwn(Scope scope) {
    for (final Suite suite : Suites.all()) {
      for (final int cores : new int[] {1, 2, 64}) {
        assertThat(suite.cases(scope, cores))
            .as("%s on %d cores", suite.name(), cores)
            .isNotEmpty()
            .extracting(one -> one.name() + one.threads())
            .doesNotHaveDuplicates();
      }
    }
  }

  @Test
  void softmaxCoversEveryShapeAndOutputWithItsTargets() {
    final List<Case> cases = Suites.named(List.of("softmax")).getFirst().cases(Scope.FULL, 2);

    for (final String shape : List.of("8192x1024", "1024x50257", "1x16777216")) {
      final Case reused = named(cases, "softmax " + shape + " reused");
      assertThat(reused.targets().stream().map(Object::toString))
          .contains("ratio >= 2", "limit_share >= 0.85", "best_share >= 0.9524");
      // Online softmax is the default on one huge row, and no rival of itself.
      assertThat(reused.rivals()).hasSize(shape.startsWith("1x") ? 3 : 4);
      final Case fresh = named(cases, "softmax " + shape + " fresh");
      assertThat(fresh.targets().stream().map(Object::toString))
          .contains("ratio >= 2", "limit_share >= 0.85");
      assertThat(cases).extracting(Case::name).contains("two-pass-softmax " + shape + " reused");
      for (final Case one : List.of(reused, fresh)) {
        assertThat(one.peers()).isNotEmpty();
        assertThat(one.limit()).isPresent();
        assertThat(one.threads()).isEqualTo(2);
        assertThat(
                Stream.concat(one.peers().stream(), one.rivals().stream())
                    .map(contender -> contender.trial().parameters()))
            .allMatch(parameters -> parameters.get("shape").equals(shape))
            .allMatch(parameters -> parameters.get("threads").equals("2"));
      }
    }
  }

  private static Case named(List<Case> cases, String name) {
    return cases.stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
  }
}
