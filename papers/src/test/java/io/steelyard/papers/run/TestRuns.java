package io.steelyard.papers.run;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Made-up runs. */
public final class TestRuns {

  /** A made-up machine. */
  public static final Machine MACHINE =
      new Machine("Example CPU 9000", 8, "Linux 6.1 amd64", "Example 25.0.1+8", 512, 31.4);

  /** A moment that runs of seed 0 start at. */
  public static final Instant START = Instant.parse("2026-03-01T12:00:00Z");

  private TestRuns() {}

  /** A quick run with these metrics that started {@code seed} seconds after {@link #START}. */
  public static Run of(String paper, long seed, Map<String, Double> metrics) {
    return of(paper, Scale.QUICK, seed, "1.0+abc", metrics, Map.of());
  }

  /** A run with these metrics and items. */
  public static Run of(
      String paper,
      Scale scale,
      long seed,
      String code,
      Map<String, Double> metrics,
      Map<String, List<Double>> items) {
    return new Run(
        Run.FORMAT,
        paper,
        scale,
        seed,
        code,
        MACHINE,
        Map.of("batch", "64"),
        Map.of("digits", "made up, seed " + seed),
        START.plusSeconds(seed),
        1.5 + seed,
        metrics,
        List.of(new Series("loss", "step", "loss", List.of(1.0, 2.0), List.of(0.5, 0.25))),
        items,
        List.of());
  }

  /** Runs of seeds 1, 2, ... with one metric {@code v} each. */
  public static List<Run> withValues(double... values) {
    return IntStream.range(0, values.length)
        .mapToObj(i -> of("paper", i + 1L, Map.of("v", values[i])))
        .toList();
  }
}
