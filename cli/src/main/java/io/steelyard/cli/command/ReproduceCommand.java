package io.steelyard.cli.command;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.steelyard.cli.evidence.FindingsTable;
import io.steelyard.cli.evidence.PaperStatus;
import io.steelyard.cli.evidence.Reports;
import io.steelyard.cli.evidence.RunProgress;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Interruption;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.reproduction.Reproductions;
import io.steelyard.papers.run.CodeVersion;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Machine;
import io.steelyard.papers.run.MachineDetector;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunStore;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.runner.ChildJvm;
import io.steelyard.papers.runner.Job;
import io.steelyard.papers.runner.Outcome;
import io.steelyard.papers.runner.Runner;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Re-runs papers and writes the report. */
@Command(
    name = "reproduce",
    mixinStandardHelpOptions = true,
    description = {
      "Re-runs the experiments of papers, prints what came of their claims and writes a report.",
      "Runs that are there already are kept, so an interrupted command goes on where it stopped."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard reproduce",
      "  steelyard reproduce two-pass-softmax --seeds 5",
      "  steelyard reproduce 3 --data ~/datasets --fail-on-claim",
      "  steelyard reproduce --all --scale smoke"
    })
public final class ReproduceCommand implements Callable<Integer> {

  /** Re-run when no paper is named. */
  private static final List<String> DEFAULT_PAPERS = List.of("two-pass-softmax", "cnn-svm");

  private static final int CLAIM_DID_NOT_HOLD = 1;
  private static final int FAILURE = 3;

  private final Terminal terminal;

  @Parameters(
      arity = "0..*",
      paramLabel = "PAPER",
      description = "Slug, number or arXiv id (default: two-pass-softmax and cnn-svm).")
  private List<String> names = new ArrayList<>();

  @Option(names = "--all", description = "Every paper that has a reproduction.")
  private boolean all;

  @Option(
      names = "--scale",
      paramLabel = "SCALE",
      defaultValue = "quick",
      description =
          "smoke (seconds, decides nothing), quick (minutes) or full (the paper's setting); default:"
              + " ${DEFAULT-VALUE}.")
  private String scaleName;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "3",
      description = "How many seeds; a verdict needs 3 (default: ${DEFAULT-VALUE}).")
  private int seeds;

  @Option(
      names = "--first-seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "The first seed (default: ${DEFAULT-VALUE}).")
  private long firstSeed;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "Folder with data sets; else STEELYARD_DATA, the cache, a download, a synthetic set.")
  private Optional<Path> data;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = Folders.REPORT,
      description = "Folder of the report and, under runs, the runs (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description =
          "What trains: cpu, gpu:0 (or another number) or auto; default: auto at full scale, else"
              + " cpu. Runs that are there already are kept whatever made them; see --force.")
  private Optional<String> device;

  @Option(
      names = "--checkpoints",
      paramLabel = "DIR",
      description =
          "Where trainings on ImageNet (full scale) save what they need to go on after an"
              + " interruption; default: nowhere.")
  private Optional<Path> checkpoints;

  @Option(names = "--offline", description = "Download nothing.")
  private boolean offline;

  @Option(names = "--force", description = "Make runs again that are there already.")
  private boolean force;

  @Option(names = "--fail-on-claim", description = "End with exit code 1 if a claim does not hold.")
  private boolean failOnClaim;

  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public ReproduceCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final List<Long> seedList = seedList();
    final Scale scale = Named.scale(spec, scaleName);
    data.ifPresent(this::checkData);
    device.ifPresent(this::checkDevice);
    final List<Reproduction> reproductions = reproductions();
    // Children inherit properties of this name space.
    if (offline) {
      System.setProperty("steelyard.offline", "true");
    }
    device.ifPresent(name -> System.setProperty(Experiment.DEVICE, name));
    checkpoints.ifPresent(
        folder -> System.setProperty(Experiment.CHECKPOINTS, folder.toAbsolutePath().toString()));
    final RunStore store = new RunStore(out.resolve("runs"));
    final List<Job> jobs =
        reproductions.stream().map(paper -> new Job(paper, scale, seedList)).toList();
    final Outcome outcome = run(jobs, store);
    final List<Run> runs =
        Stream.concat(outcome.made().stream(), outcome.reused().stream()).toList();
    final List<PaperStatus> papers =
        reproductions.stream()
            .map(reproduction -> PaperStatus.of(Catalogue.require(reproduction.paper()), runs))
            .toList();
    show(papers, outcome, Reports.write(store, Optional.of(scale), out));
    final boolean falsified =
        papers.stream()
            .flatMap(paper -> paper.findings().stream())
            .anyMatch(finding -> finding.verdict() instanceof Verdict.DoesNotHold);
    if (!outcome.failures().isEmpty()) {
      return FAILURE;
    }
    return failOnClaim && falsified ? CLAIM_DID_NOT_HOLD : 0;
  }

  private Outcome run(List<Job> jobs, RunStore store) {
    final Machine machine = MachineDetector.detect(Simd.vectorBits());
    final Runner.Options options =
        Runner.Options.of(CodeVersion.current(), machine).withData(data).withForce(force);
    final Runner runner = new Runner(store, ChildJvm.likeThisOne(heap(machine)), options);
    try (Interruption interruption =
            new Interruption(
                terminal,
                "interrupted; finished runs are kept, the same command goes on from them");
        RunProgress progress = new RunProgress(terminal, interruption)) {
      return runner.run(jobs, progress);
    }
  }

  /** Half of the memory, shared by the children that run at a time. */
  private static String heap(Machine machine) {
    final long mebibytes =
        Math.round(machine.memoryGiB() * 1024 / 2 / Math.max(1, machine.cores()));
    return Math.clamp(mebibytes, 512, 8192) + "m";
  }

  private void show(List<PaperStatus> papers, Outcome outcome, Path report) {
    if (output.json()) {
      final JsonObject json = new JsonObject();
      json.add("papers", papers.stream().<JsonElement>map(PaperStatus::json).collect(Json.array()));
      final JsonArray failures = new JsonArray();
      outcome
          .failures()
          .forEach(
              failure -> {
                final JsonObject object = new JsonObject();
                object.addProperty("run", failure.run().toString());
                object.addProperty("message", failure.message());
                failures.add(object);
              });
      json.add("failures", failures);
      json.addProperty("report", report.toString());
      Json.print(terminal, json);
      return;
    }
    FindingsTable.of(papers).print(terminal);
    outcome
        .failures()
        .forEach(
            failure -> terminal.err().println(failure.run() + " failed: " + failure.message()));
    terminal.out().println();
    terminal.out().println("Report: " + report);
  }

  private List<Reproduction> reproductions() {
    if (all) {
      if (!names.isEmpty()) {
        throw wrong("--all and papers by name exclude each other");
      }
      return Reproductions.all();
    }
    return (names.isEmpty() ? DEFAULT_PAPERS : names)
        .stream().map(name -> Named.paper(spec, name).slug()).distinct().map(this::built).toList();
  }

  private Reproduction built(String paper) {
    return Reproductions.find(paper)
        .orElseThrow(
            () ->
                wrong(
                    "'"
                        + paper
                        + "' has no reproduction yet; these have: "
                        + String.join(", ", Reproductions.papers())));
  }

  private List<Long> seedList() {
    if (seeds < 1) {
      throw wrong("--seeds is " + seeds + "; expected at least 1");
    }
    return LongStream.range(firstSeed, firstSeed + seeds).boxed().toList();
  }

  /** Here, so that an absent GPU is one sentence and not a failure of every seed. */
  private void checkDevice(String name) {
    try {
      Libtorch.device(name);
    } catch (IllegalArgumentException e) {
      throw wrong("--" + e.getMessage());
    }
  }

  private void checkData(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw wrong("--data is " + folder + "; expected an existing folder");
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
