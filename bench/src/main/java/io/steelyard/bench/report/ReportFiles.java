package io.steelyard.bench.report;

import com.google.gson.GsonBuilder;
import io.steelyard.bench.suite.Limit;
import io.steelyard.bench.suite.Metric;
import io.steelyard.papers.run.AtomicFile;
import io.steelyard.papers.run.Machine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Stores a report as files, each written beside its place and moved there in one step. */
final class ReportFiles {

  private final Path folder;

  ReportFiles(Path folder) {
    this.folder = folder;
  }

  List<Path> write(BenchReport report) {
    final List<Path> files = new ArrayList<>();
    report.results().stream()
        .map(CaseResult::suite)
        .distinct()
        .forEach(
            suite -> {
              final BenchReport part = report.only(suite);
              final String name = suite + "-" + machineName(part) + (quick(part) ? "-quick" : "");
              files.add(replace(name + ".json", json(part)));
              files.add(replace(name + ".csv", csv(part)));
              files.add(replace(name + ".md", ReportTable.markdown(part)));
            });
    return files;
  }

  /** A file name for a machine, for example {@code amd-epyc-2-cores}. */
  private static String machineName(BenchReport report) {
    final Machine machine = report.machine();
    return (machine.cpu() + "-" + machine.cores() + "-cores")
        .toLowerCase(Locale.ROOT)
        .replaceAll("[^a-z0-9]+", "-")
        .replaceAll("^-|-$", "");
  }

  private static boolean quick(BenchReport report) {
    return report.setup().quick();
  }

  private static String json(BenchReport report) {
    return new GsonBuilder()
            .setPrettyPrinting()
            .serializeNulls()
            .disableHtmlEscaping()
            .create()
            .toJson(report.toJson())
        + "\n";
  }

  private static String csv(BenchReport report) {
    final Machine machine = report.machine();
    final Setup setup = report.setup();
    final Stream<String> head =
        Stream.of(
            "# cpu: " + machine.cpu() + ", " + machine.cores() + " cores",
            "# os: " + machine.os(),
            "# jdk: " + machine.jdk() + ", " + machine.vectorBits() + " bit vectors",
            "# flags: " + String.join(" ", setup.flags()),
            String.format(
                Locale.ROOT,
                "# forks: %d, iterations: %d + %d of %d ms",
                setup.effort().forks(),
                setup.effort().warmupIterations(),
                setup.effort().iterations(),
                setup.effort().iterationMillis()),
            "# libraries: "
                + setup.libraries().entrySet().stream()
                    .map(entry -> entry.getKey() + " " + entry.getValue())
                    .sorted()
                    .collect(Collectors.joining(", ")),
            "# started: " + setup.started(),
            "suite,case,threads,ours_ns,ns_each,peer,peer_ns,ratio,limit,limit_ns,limit_share,"
                + "best_variant,best_share,alloc_bytes,spread,missed");
    return Stream.concat(head, report.results().stream().map(ReportFiles::line))
        .collect(Collectors.joining("\n", "", "\n"));
  }

  private static String line(CaseResult result) {
    return Stream.of(
            quoted(result.suite()),
            quoted(result.benchmarkCase().name()),
            Integer.toString(result.benchmarkCase().threads()),
            number(OptionalDouble.of(result.oursNanos())),
            number(OptionalDouble.of(result.benchmarkCase().work().nanosEach(result.oursNanos()))),
            quoted(result.peer().map(CaseResult.Timed::name).orElse("")),
            result.peer().map(peer -> number(OptionalDouble.of(peer.nanos()))).orElse(""),
            number(result.value(Metric.RATIO)),
            quoted(result.benchmarkCase().limit().map(Limit::name).orElse("")),
            number(result.limitNanos()),
            number(result.value(Metric.LIMIT_SHARE)),
            quoted(result.rival().map(CaseResult.Timed::name).orElse("")),
            number(result.value(Metric.BEST_SHARE)),
            number(result.value(Metric.ALLOCATION)),
            number(OptionalDouble.of(result.ours().spread())),
            quoted(
                result.verdicts().stream()
                    .filter(verdict -> !verdict.met())
                    .map(verdict -> verdict.target().toString())
                    .collect(Collectors.joining("; "))))
        .collect(Collectors.joining(","));
  }

  private static String number(OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, "%.5g", value.getAsDouble()) : "";
  }

  private static String quoted(String text) {
    return text.contains(",") || text.contains("\"")
        ? '"' + text.replace("\"", "\"\"") + '"'
        : text;
  }

  private Path replace(String name, String content) {
    final Path target = folder.resolve(name);
    AtomicFile.write(target, content);
    return target;
  }
}
