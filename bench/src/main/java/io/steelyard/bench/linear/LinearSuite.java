package io.steelyard.bench.linear;

import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Contender;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Metric;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.bench.suite.Target;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Linear attentions: whether time a token stays the same, and what a step costs. */
public final class LinearSuite implements Suite {

  private static final int HEADS = 2;
  private static final int DEPTH = 64;
  private static final int SHORT = 1 << 13;
  private static final List<Integer> LENGTHS = List.of(SHORT, 1 << 15, 1 << 18);
  private static final int CAUSAL_PEER = 1 << 12;

  private static final Target THREE_TIMES_COMPOSED = new Target(Metric.RATIO, 3.0);
  private static final Target FLAT = new Target(Metric.LIMIT_SHARE, 1 / 1.15);
  private static final Target HALF_A_MICROSECOND = new Target(Metric.NANOS_EACH, 500);
  private static final Target NO_ALLOCATION = new Target(Metric.ALLOCATION, 1);

  @Override
  public String name() {
    return "linear";
  }

  @Override
  public String summary() {
    return "linear attentions: time a token from short to long, beside DJL's operators, and a step";
  }

  @Override
  public List<Case> cases(Scope scope, int cores) {
    final List<Case> cases = new ArrayList<>();
    final List<Integer> lengths =
        scope == Scope.FULL ? LENGTHS : List.of(LENGTHS.getFirst(), LENGTHS.get(1));
    for (final LinearForm form : LinearForm.values()) {
      for (final int tokens : lengths) {
        cases.add(sequence(form, tokens, false, cores));
        cases.add(sequence(form, tokens, true, cores));
      }
      cases.add(step(form));
    }
    for (final LinearForm form : LinearForm.values()) {
      cases.add(sequence(form, CAUSAL_PEER, true, cores));
    }
    return cases;
  }

  private static Case sequence(LinearForm form, int tokens, boolean causal, int threads) {
    final String series = form.label() + (causal ? " causal" : "");
    final Tokens size = new Tokens(HEADS, tokens, DEPTH);
    final boolean composed = causal ? tokens <= CAUSAL_PEER : tokens == SHORT;
    final List<Target> targets = new ArrayList<>(List.of(NO_ALLOCATION));
    if (composed) {
      targets.add(THREE_TIMES_COMPOSED);
    }
    if (tokens > SHORT) {
      targets.add(FLAT);
    }
    return new Case(
            series + " h=" + HEADS + " T=" + tokens + " d=" + DEPTH,
            threads,
            ours(form, size, causal, threads),
            new Work((double) HEADS * tokens, Work.Unit.ELEMENTS),
            composed
                ? List.of(
                    new Contender(
                        "composed from DJL operators",
                        new Trial(
                            LinearComposition.class,
                            "run",
                            Map.of(
                                "form", form.name(),
                                "size", size.toString(),
                                "causal", Boolean.toString(causal),
                                "threads", Integer.toString(threads)))))
                : List.of(),
            tokens > SHORT
                ? Optional.of(
                    new Limit(
                        "time a token at T=" + SHORT,
                        ours(form, new Tokens(HEADS, SHORT, DEPTH), causal, threads),
                        (double) tokens / SHORT))
                : Optional.empty(),
            List.of(),
            targets)
        .in(series, "T", tokens);
  }

  private static Case step(LinearForm form) {
    return new Case(
        form.label() + " step h=8 d=64",
        1,
        new Trial(LinearStep.class, "run", Map.of("form", form.name(), "threads", "1")),
        new Work(8, Work.Unit.ELEMENTS),
        List.of(),
        Optional.empty(),
        List.of(),
        List.of(HALF_A_MICROSECOND, NO_ALLOCATION));
  }

  private static Trial ours(LinearForm form, Tokens size, boolean causal, int threads) {
    return new Trial(
        LinearKernels.class,
        "run",
        Map.of(
            "form", form.name(),
            "size", size.toString(),
            "causal", Boolean.toString(causal),
            "threads", Integer.toString(threads)));
  }
}
