package io.steelyard.cli.evidence;

import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.report.Report;
import io.steelyard.papers.report.ReportWriter;
import io.steelyard.papers.report.Section;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.reproduction.Reproductions;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunSelection;
import io.steelyard.papers.run.RunStore;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.ShippedRuns;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** Turns a folder of runs into a report. */
public final class Reports {

  private Reports() {}

  /**
   * Writes the report of every paper that has runs in the store; of the runs that come with
   * Steelyard if the store has none.
   *
   * @param scale the scale to report, or the newest that decides
   * @param out folder of the report
   * @return the page
   */
  public static Path write(RunStore store, Optional<Scale> scale, Path out) {
    final RunStore.Listing here = store.list();
    final boolean shipped = here.runs().isEmpty();
    final List<Run> runs = shipped ? ShippedRuns.list().runs() : here.runs();
    final Function<Run, Optional<String>> link =
        run -> shipped ? Optional.empty() : Optional.of(address(store, run, out));
    final Section.Source source = shipped ? Section.Source.SHIPPED : Section.Source.RUNS;
    final List<Section> sections =
        Reproductions.all().stream()
            .flatMap(reproduction -> section(reproduction, runs, scale, source, link))
            .toList();
    return ReportWriter.write(new Report(Instant.now(), sections, here.rejected()), out);
  }

  private static Stream<Section> section(
      Reproduction reproduction,
      List<Run> runs,
      Optional<Scale> scale,
      Section.Source source,
      Function<Run, Optional<String>> link) {
    final List<Run> newest = RunSelection.newest(runs, reproduction.paper(), scale);
    return newest.isEmpty()
        ? Stream.empty()
        : Stream.of(
            Section.of(
                Catalogue.require(reproduction.paper()), reproduction, newest, source, link));
  }

  private static String address(RunStore store, Run run, Path out) {
    final Path file = store.file(run.paper(), run.scale(), run.seed());
    return out.toAbsolutePath().relativize(file.toAbsolutePath()).toString().replace('\\', '/');
  }
}
