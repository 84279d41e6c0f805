package io.steelyard.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.jmh.Effort;
import io.steelyard.bench.jmh.TrialException;
import io.steelyard.bench.report.BenchReport;
import io.steelyard.bench.report.CaseResult;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import io.steelyard.papers.run.Machine;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BenchRunTest {

  private static final Machine MACHINE = new Machine("cpu", 2, "os", "jdk", 512, 1);
  private static final Trial OURS = trial("ours");
  private static final Trial OTHERS = trial("others");
  private static final Trial PEER = trial("peer");
  private static final Trial LIMIT = trial("limit");

  private final List<String> order = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  @Test
  void measuresEachTrialOncePerForkWithForksOutermost() {
    final BenchReport report = run(this::fast);

    assertThat(order)
        .containsExactly("ours", "limit", "peer", "others", "ours", "limit", "peer", "others");
    assertThat(report.results()).hasSize(2);
    assertThat(report.results().getFirst().ours().forkNanos()).hasSize(2);
    assertThat(report.notes()).isEmpty();
  }

  @Test
  void aPeerThatFailsIsNotedAndLeftOut() {
    final BenchReport report =
        run(trial -> trial.equals(PEER) ? fail("no libtorch here") : fast(trial));

    assertThat(order).doesNotContain("peer");
    assertThat(warnings).singleElement().asString().contains("no libtorch here");
    assertThat(report.notes()).isEqualTo(warnings);
    assertThat(report.results().getFirst().peer()).isEmpty();
  }

  @Test
  void aWrongResultOfOursEndsTheRunWithoutAReport() {
    assertThatThrownBy(
            () -> run(trial -> trial.equals(OTHERS) ? fail("softmax is wrong") : fast(trial)))
        .isInstanceOf(TrialException.class)
        .hasMessage("softmax is wrong");
  }

  @Test
  void aLimitThatFailsEndsTheRun() {
    assertThatThrownBy(() -> run(trial -> trial.equals(LIMIT) ? fail("limit") : fast(trial)))
        .isInstanceOf(TrialException.class);
  }

  @Test
  void measuresOnlyTheCasesThatAreAskedFor() {
    final BenchReport report = run("b", 6, this::fast);

    assertThat(order).containsOnly("others", "limit", "peer");
    assertThat(report.results()).hasSize(1);
    assertThatThrownBy(() -> run("c", 0, this::fast))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no case has 'c' in its name; expected part of one of a; b");
  }

  @Test
  void aSuiteThatEndedIsReportedThoughALaterOneFails() {
    final List<BenchReport> ended = new ArrayList<>();
    final BenchRun run =
        new BenchRun(
            List.of(new TwoCases("first", "a", "a"), new TwoCases("second", "a", "b")),
            Scope.FULL,
            "",
            new Effort(1, 0, 1, 1),
            BenchListener.silent());
    assertThatThrownBy(
            () ->
                run.run(
                    MACHINE,
                    trial -> trial.equals(OTHERS) ? fail("softmax is wrong") : fast(trial),
                    ended::add))
        .isInstanceOf(TrialException.class);
    assertThat(ended).hasSize(1);
    assertThat(ended.getFirst().results())
        .extracting(CaseResult::suite)
        .containsExactly("first", "first");
    assertThat(order)
        .as("what two suites name is measured once")
        .containsExactly("ours", "limit", "peer");
  }

  private Measurement fast(Trial trial) {
    order.add(trial.method());
    return new Measurement(List.of(1.0), OptionalDouble.empty());
  }

  private static Measurement fail(String message) {
    throw new TrialException(message, new IllegalStateException());
  }

  private BenchReport run(Function<Trial, Measurement> measure) {
    return run("", 8, measure);
  }

  private BenchReport run(String only, int trials, Function<Trial, Measurement> measure) {
    final BenchListener listener =
        new BenchListener() {
          @Override
          public void trial(int done, int total, String trial) {
            assertThat(done).isLessThan(total);
            assertThat(total).isEqualTo(trials);
          }

          @Override
          public void warning(String message) {
            warnings.add(message);
          }

          @Override
          public void output(String line) {}
        };
    return new BenchRun(
            List.of(new TwoCases("two", "a", "b")),
            Scope.FULL,
            only,
            new Effort(2, 0, 1, 1),
            listener)
        .run(MACHINE, measure, _ -> {});
  }

  private static Trial trial(String method) {
    return new Trial(BenchRunTest.class, method, Map.of());
  }

  /** The second case shares peer and limit with the first. */
  private record TwoCases(String name, String first, String second) implements Suite {

    @Override
    public String summary() {
      return "two cases";
    }

    @Override
    public List<Case> cases(Scope scope, int cores) {
      return Stream.of(first, second)
          .map(name -> one(name, name.equals("a") ? OURS : OTHERS))
          .toList();
    }

    private static Case one(String name, Trial ours) {
      return new Case(
          name,
          1,
          ours,
          new Work(1, Work.Unit.ELEMENTS),
          List.of(new Contender("peer", PEER)),
          Optional.of(new Limit("limit", LIMIT, 1)),
          List.of(),
          List.of());
    }
  }
}
