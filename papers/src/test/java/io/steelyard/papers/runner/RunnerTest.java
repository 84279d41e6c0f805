package io.steelyard.papers.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.papers.reproduction.RecordingExperiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunStore;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Starts real child processes. */
@Timeout(60)
class RunnerTest {

  private static final ChildJvm JVM = quick(ChildJvm.likeThisOne("64m"));

  @TempDir Path folder;

  /** A child of a few milliseconds gains nothing from a big compiler or collector. */
  private static ChildJvm quick(ChildJvm jvm) {
    final List<String> flags = new ArrayList<>(jvm.flags());
    flags.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    return new ChildJvm(jvm.java(), jvm.classPath(), flags, FakeWorker.class.getName());
  }

  /** Keeps all it hears. */
  private static final class Ear implements RunListener {
    final List<String> heard = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void planned(List<SeedRun> toRun, List<Run> reused) {
      heard.add("plan " + toRun.size() + "+" + reused.size());
    }

    @Override
    public void progress(SeedRun run, long done, long total, String what) {
      heard.add("seed " + run.seed() + ": " + done + "/" + total + " " + what);
    }

    @Override
    public void warning(SeedRun run, String text) {
      heard.add("seed " + run.seed() + ": ! " + text);
    }

    @Override
    public void finished(SeedRun run, Run result) {
      heard.add("seed " + run.seed() + ": finished");
    }

    @Override
    public void failed(Failure failure) {
      heard.add("seed " + failure.run().seed() + ": failed");
    }
  }

  private Runner runner(String code) {
    return runner(Runner.Options.of(code, TestRuns.MACHINE));
  }

  private Runner runner(Runner.Options options) {
    return new Runner(new RunStore(folder), JVM, options);
  }

  private static Job job(FakeReproduction.Kind kind, Long... seeds) {
    return new Job(new FakeReproduction(kind), Scale.QUICK, List.of(seeds));
  }

  private static double draw(long seed) {
    return new RecordingExperiment(
            Scale.QUICK, seed, Optional.empty(), RecordingExperiment.Listener.none())
        .random("draw")
        .nextDouble();
  }

  @Test
  void anInterruptedListGoesOnWhereItStopped() throws IOException {
    final Ear ear = new Ear();
    final Outcome first = runner("1").run(List.of(job(FakeReproduction.Kind.FAST, 1L, 2L)), ear);
    assertThat(first.failures()).isEmpty();
    assertThat(first.made()).extracting(Run::seed).containsExactly(1L, 2L);
    assertThat(first.made())
        .allSatisfy(
            run -> {
              assertThat(run.metric("draw")).isEqualTo(draw(run.seed()));
              assertThat(run.code()).isEqualTo("1");
              assertThat(run.machine()).isEqualTo(TestRuns.MACHINE);
              assertThat(run.warnings()).containsExactly("be careful");
              assertThat(run.metric("processors")).isEqualTo(1);
              assertThat(run.settings()).containsEntry("folder", "none");
            });
    assertThat(ear.heard)
        .startsWith("plan 2+0")
        .contains("seed 1: 0/3 ", "seed 1: 3/3 three", "seed 2: ! be careful", "seed 2: finished");

    // The second run file is torn, as by a crash of the machine, and seed 3 was never begun.
    final Path second = folder.resolve("fake-fast/quick/seed-2.json");
    final String whole = Files.readString(second);
    Files.writeString(second, whole.substring(0, 100));
    final Ear again = new Ear();
    final Outcome rest =
        runner("1").run(List.of(job(FakeReproduction.Kind.FAST, 1L, 2L, 3L)), again);
    assertThat(rest.reused()).containsExactly(first.made().getFirst());
    assertThat(rest.made()).extracting(Run::seed).containsExactly(2L, 3L);
    assertThat(again.heard)
        .contains("plan 2+1")
        .anySatisfy(line -> assertThat(line).startsWith("seed 2: ! ignoring ").contains("JSON"));

    assertThat(runner("1").run(List.of(job(FakeReproduction.Kind.FAST, 1L, 2L, 3L)), again).made())
        .as("nothing is left to do")
        .isEmpty();
  }

  @Test
  void otherCodeOtherDataAndForceRunAgain() {
    final Outcome first =
        runner("1")
            .run(
                List.of(job(FakeReproduction.Kind.FAST, 1L), job(FakeReproduction.Kind.FICKLE, 1L)),
                RunListener.none());
    assertThat(first.made()).hasSize(2);
    final Outcome second =
        runner("1")
            .run(
                List.of(job(FakeReproduction.Kind.FAST, 1L), job(FakeReproduction.Kind.FICKLE, 1L)),
                RunListener.none());
    assertThat(second.reused()).extracting(Run::paper).containsExactly("fake-fast");
    assertThat(second.made()).extracting(Run::paper).containsExactly("fake-fickle");
    final Outcome newCode =
        runner("2").run(List.of(job(FakeReproduction.Kind.FAST, 1L)), RunListener.none());
    assertThat(newCode.made()).extracting(Run::code).containsExactly("2");
    final Outcome forced =
        runner(
                Runner.Options.of("2", TestRuns.MACHINE)
                    .withForce(true)
                    .withData(Optional.of(folder.resolve("data"))))
            .run(List.of(job(FakeReproduction.Kind.FAST, 1L)), RunListener.none());
    assertThat(forced.made())
        .singleElement()
        .satisfies(
            run ->
                assertThat(run.settings())
                    .containsEntry("folder", folder.resolve("data").toString()));
  }

  @Test
  void aSeedThatFailsDoesNotStopTheOthers() {
    final Ear ear = new Ear();
    final Outcome outcome =
        runner("1").run(List.of(job(FakeReproduction.Kind.FRAGILE, 1L, 2L, 3L, 4L)), ear);
    assertThat(outcome.made()).extracting(Run::seed).containsExactly(1L, 4L);
    assertThat(outcome.failures())
        .satisfiesExactly(
            crash -> {
              assertThat(crash.run().seed()).isEqualTo(2);
              assertThat(crash.message()).contains("exit code 77");
              assertThat(crash.log()).contains("about to end");
            },
            thrown -> {
              assertThat(thrown.run().seed()).isEqualTo(3);
              assertThat(thrown.message())
                  .isEqualTo("IllegalStateException: the flux \"capacitor\" is empty");
              assertThat(thrown.log()).contains("FakeReproduction.breakDown");
            });
    assertThat(ear.heard).contains("seed 2: failed", "seed 3: failed", "seed 4: finished");
    assertThat(folder.resolve("fake-fragile/quick/seed-2.json")).doesNotExist();
    assertThat(folder.resolve("fake-fragile/quick/seed-3.json")).doesNotExist();
  }

  @Test
  void timedSeedsRunAloneAndFirst() {
    final Outcome outcome =
        runner("1")
            .run(
                List.of(
                    job(FakeReproduction.Kind.FAST, 1L, 2L),
                    job(FakeReproduction.Kind.TIMED, 1L, 2L)),
                RunListener.none());
    assertThat(outcome.made())
        .extracting(run -> run.paper() + " " + run.seed())
        .containsExactly("fake-timed 1", "fake-timed 2", "fake-fast 1", "fake-fast 2");
    final Run first = outcome.made().get(0);
    final Run second = outcome.made().get(1);
    assertThat(first.metric("to")).isLessThanOrEqualTo(second.metric("from"));
    assertThat(outcome.made().subList(2, 4))
        .allSatisfy(
            run -> assertThat(run.metric("from")).isGreaterThanOrEqualTo(second.metric("to")));
    assertThat(first.metric("processors")).isEqualTo(Runtime.getRuntime().availableProcessors());
  }

  @Test
  void anUnknownPaperAndAMissingBinaryAreFailures() {
    final ChildJvm realWorker = ChildJvm.likeThisOne("64m");
    final Outcome unknown =
        new Runner(new RunStore(folder), realWorker, Runner.Options.of("1", TestRuns.MACHINE))
            .run(List.of(job(FakeReproduction.Kind.FAST, 1L)), RunListener.none());
    assertThat(unknown.failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.message()).contains("'fake-fast'"));
    final ChildJvm none =
        new ChildJvm(folder.resolve("no-java"), "", List.of(), FakeWorker.class.getName());
    final Outcome missing =
        new Runner(new RunStore(folder), none, Runner.Options.of("1", TestRuns.MACHINE))
            .run(List.of(job(FakeReproduction.Kind.FAST, 1L)), RunListener.none());
    assertThat(missing.failures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.message()).contains("no-java"));
  }

  @Test
  void aChildEndsWithItsParent() throws Exception {
    final Process child = JVM.builder(1).start();
    final Order order =
        new Order(
            new SeedRun("fake-slow", Scale.QUICK, 1),
            "1",
            TestRuns.MACHINE,
            folder,
            Optional.empty());
    child.getOutputStream().write((order.line() + "\n").getBytes(StandardCharsets.UTF_8));
    child.getOutputStream().flush();
    assertThat(child.inputReader().readLine()).contains("steps");
    assertThat(child.isAlive()).isTrue();
    child.getOutputStream().close();
    assertThat(child.waitFor(10, TimeUnit.SECONDS)).as("ended").isTrue();
    assertThat(child.exitValue()).isEqualTo(4);
  }

  @Test
  void anInterruptEndsTheChildren() throws Exception {
    final CountDownLatch running = new CountDownLatch(2);
    final CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    final Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    runner("1")
                        .run(
                            List.of(job(FakeReproduction.Kind.SLOW, 1L, 2L)),
                            new RunListener() {
                              @Override
                              public void progress(
                                  SeedRun run, long done, long total, String what) {
                                if (done == 0) {
                                  running.countDown();
                                }
                              }
                            });
                  } catch (CancellationException e) {
                    thrown.complete(e);
                  }
                });
    assertThat(running.await(20, TimeUnit.SECONDS)).isTrue();
    final List<ProcessHandle> children = ProcessHandle.current().children().toList();
    assertThat(children).hasSizeGreaterThanOrEqualTo(2);
    thread.interrupt();
    assertThat(thrown.get(10, TimeUnit.SECONDS)).hasMessageContaining("finished runs are kept");
    assertThat(children).allSatisfy(child -> child.onExit().get(10, TimeUnit.SECONDS));
    assertThat(folder.resolve("fake-slow")).doesNotExist();
  }

  @Test
  void seedsDiffer() {
    assertThatThrownBy(() -> job(FakeReproduction.Kind.FAST, 1L, 1L))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[1, 1]");
    assertThatThrownBy(() -> job(FakeReproduction.Kind.FAST))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
