package io.steelyard.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.bench.suite.Case;
import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Trial;
import io.steelyard.bench.suite.Work;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchReportTest {

  private static final String RED = "\u001B[31m";

  private final CaseResult good = pair(MadeUp.measurements(), MadeUp.CASE);
  private final CaseResult bad = pair(slowOurs(), MadeUp.CASE);
  private final CaseResult alone =
      pair(
          Map.of(MadeUp.OURS, MadeUp.once(1e6)),
          Case.alone("read bandwidth", 1, MadeUp.OURS, new Work(2e7, Work.Unit.BYTES)));

  @Test
  void jsonHasTheNumbersOfEachCase() {
    final JsonObject json = MadeUp.report(false, good).toJson();

    assertThat(json.getAsJsonObject("machine").get("cpu").getAsString()).isEqualTo("Some (R) CPU");
    assertThat(json.getAsJsonObject("machine").get("vector_bits").getAsInt()).isEqualTo(512);
    final JsonObject result = json.getAsJsonArray("results").get(0).getAsJsonObject();
    assertThat(result.get("suite").getAsString()).isEqualTo("softmax");
    assertThat(result.get("case").getAsString()).isEqualTo("softmax 10x100, reused");
    assertThat(result.get("ours_ns").getAsDouble()).isEqualTo(400);
    assertThat(result.get("peer").getAsString()).isEqualTo("fast peer");
    assertThat(result.get("peer_ns").getAsDouble()).isEqualTo(1000);
    assertThat(result.get("ratio").getAsDouble()).isEqualTo(2.5);
    assertThat(result.get("limit").getAsString()).isEqualTo("memory: 2 reads, 1 write");
    assertThat(result.get("limit_share").getAsDouble()).isEqualTo(0.9);
    assertThat(result.get("best_variant").getAsString()).isEqualTo("rival");
    assertThat(result.get("alloc_bytes").getAsDouble()).isZero();
    assertThat(result.getAsJsonArray("ours_fork_ns")).hasSize(3);
    assertThat(result.getAsJsonArray("targets")).hasSize(4);
    assertThat(result.getAsJsonArray("targets").get(0).getAsJsonObject().get("met").getAsBoolean())
        .isTrue();
  }

  @Test
  void whatWasNotMeasuredIsNull() {
    final JsonObject result =
        MadeUp.report(false, alone).toJson().getAsJsonArray("results").get(0).getAsJsonObject();

    assertThat(
            Stream.of("peer", "peer_ns", "ratio", "limit", "limit_share", "best_share")
                .map(result::get))
        .allMatch(com.google.gson.JsonElement::isJsonNull);
  }

  @Test
  void tableShowsMissedTargetsInRedOnlyWithColour() {
    final BenchReport report = MadeUp.report(true, good, bad, alone);

    final String coloured = report.table(true);
    final String plain = report.table(false);

    assertThat(coloured.lines().filter(line -> line.contains(RED)))
        .singleElement()
        .asString()
        .contains("ratio >= 2", "limit_share >= 0.85")
        .contains("1.25x", "45%");
    assertThat(plain).doesNotContain("\u001B").contains("missed: ratio >= 2");
    assertThat(plain).contains("0.400 ns/element", "2.50x", "90%", "125%", "20.0 GB/s", "a note");
    assertThat(plain).contains("quick run is for looking");
    assertThat(MadeUp.report(false, good).table(false)).doesNotContain("quick");
    assertThat(report.targetsMet()).isFalse();
    assertThat(MadeUp.report(true, good, alone).targetsMet()).isTrue();
  }

  @Test
  void writesAJsonACsvAndAPageForEachSuiteAndNothingElse(@TempDir Path folder) throws IOException {
    final CaseResult other = new Pairing(MadeUp.measurements()).pair("other", MadeUp.CASE);
    final Path out = folder.resolve("results").resolve("bench");

    MadeUp.report(false, good, bad, other).write(out);
    final List<Path> again = MadeUp.report(false, good, other).write(out);

    try (Stream<Path> files = Files.list(out)) {
      assertThat(files.toList())
          .containsExactlyInAnyOrderElementsOf(again)
          .map(file -> file.getFileName().toString())
          .containsExactlyInAnyOrder(
              "softmax-some-r-cpu-2-cores.json",
              "softmax-some-r-cpu-2-cores.csv",
              "softmax-some-r-cpu-2-cores.md",
              "other-some-r-cpu-2-cores.json",
              "other-some-r-cpu-2-cores.csv",
              "other-some-r-cpu-2-cores.md");
    }
    final JsonObject json =
        JsonParser.parseString(Files.readString(out.resolve("softmax-some-r-cpu-2-cores.json")))
            .getAsJsonObject();
    assertThat(json.getAsJsonArray("results")).hasSize(1);
    assertThat(json.getAsJsonObject("setup").get("forks").getAsInt()).isEqualTo(5);
    assertThat(json.getAsJsonObject("setup").getAsJsonObject("libraries").get("jmh").getAsString())
        .isEqualTo("1.37");
  }

  @Test
  void csvSaysWhereItIsFromAndQuotesCommas(@TempDir Path folder) throws IOException {
    final List<Path> files = MadeUp.report(true, bad).write(folder);

    final Path csv =
        files.stream()
            .filter(file -> file.toString().endsWith("-quick.csv"))
            .findFirst()
            .orElseThrow();
    final List<String> lines = Files.readAllLines(csv);
    assertThat(lines)
        .contains("# cpu: Some (R) CPU, 2 cores", "# libraries: jmh 1.37, libtorch 2.7.1")
        .contains("# flags: --some-flag");
    assertThat(lines.getLast())
        .startsWith("softmax,\"softmax 10x100, reused\",2,800.00,0.80000,fast peer,1000.0,1.2500,")
        .contains("ratio >= 2; limit_share >= 0.85; best_share >= 0.95; alloc_bytes < 1");
  }

  @Test
  void thePageSaysWhereItIsFromAndWhatWasMissed(@TempDir Path folder) throws IOException {
    MadeUp.report(false, bad).write(folder);

    final String page = Files.readString(folder.resolve("softmax-some-r-cpu-2-cores.md"));
    assertThat(page)
        .startsWith("# softmax\n\nSome (R) CPU, 2 cores, ")
        .contains("medians over 5 forks.\n")
        .contains("| softmax 10x100, reused | 2 | ")
        .contains("missed: ratio >= 2, limit_share >= 0.85");
    assertThat(page.lines().filter(line -> line.startsWith("| ")))
        .as("a head, a rule and a line for each case")
        .hasSize(3)
        .allSatisfy(line -> assertThat(line.split(" \\| ", -1)).hasSize(10));
  }

  private static Map<Trial, Measurement> slowOurs() {
    final Map<Trial, Measurement> measured = new HashMap<>(MadeUp.measurements());
    measured.put(MadeUp.OURS, MadeUp.once(800));
    return measured;
  }

  private static CaseResult pair(Map<Trial, Measurement> measured, Case benchmarkCase) {
    return new Pairing(measured).pair("softmax", benchmarkCase);
  }
}
