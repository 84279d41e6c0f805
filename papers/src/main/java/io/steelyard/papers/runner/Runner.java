package io.steelyard.papers.runner;

import io.steelyard.papers.run.Machine;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunStore;
import io.steelyard.papers.run.Scale;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Makes the runs of a list of jobs, each in a child process of its own.
 *
 * <p>A run whose file is there already with the same paper, scale, seed, code version and format is
 * reused, so a list that was interrupted goes on where it stopped. Timed reproductions run first,
 * one seed at a time with the machine to themselves; the others run one seed per core. A seed that
 * fails is reported and the others go on. Children are ended when this JVM ends.
 */
public final class Runner {

  private final RunStore store;
  private final ChildJvm jvm;
  private final Options options;

  /**
   * How to run.
   *
   * @param code version of this code, see {@link io.steelyard.papers.run.CodeVersion}
   * @param machine this machine
   * @param dataFolder folder with data sets, if one was given
   * @param force whether runs that are there already are made again
   * @param parallel most children at a time, at least 1
   */
  public record Options(
      String code, Machine machine, Optional<Path> dataFolder, boolean force, int parallel) {

    /** Checks the count. */
    public Options {
      Objects.requireNonNull(code, "code");
      Objects.requireNonNull(machine, "machine");
      Objects.requireNonNull(dataFolder, "dataFolder");
      if (parallel < 1) {
        throw new IllegalArgumentException("parallel is " + parallel + "; expected at least 1");
      }
    }

    /** One child per core, and what is there is reused. */
    public static Options of(String code, Machine machine) {
      return new Options(code, machine, Optional.empty(), false, Math.max(1, machine.cores()));
    }

    /** The same with a folder of data sets. */
    public Options withData(Optional<Path> folder) {
      return new Options(code, machine, folder, force, parallel);
    }

    /** The same, making every run again or not. */
    public Options withForce(boolean again) {
      return new Options(code, machine, dataFolder, again, parallel);
    }
  }

  /** A runner that keeps its runs in {@code store}. */
  public Runner(RunStore store, ChildJvm jvm, Options options) {
    this.store = Objects.requireNonNull(store, "store");
    this.jvm = Objects.requireNonNull(jvm, "jvm");
    this.options = Objects.requireNonNull(options, "options");
  }

  /**
   * Makes what is missing and returns when all of it has ended.
   *
   * @throws CancellationException if the thread is interrupted; children are ended, finished runs
   *     stay
   */
  public Outcome run(List<Job> jobs, RunListener unordered) {
    final RunListener listener = new OneAtATime(unordered);
    final List<Run> reused = new ArrayList<>();
    final List<SeedRun> alone = new ArrayList<>();
    final List<SeedRun> together = new ArrayList<>();
    for (final Job job : jobs) {
      for (final long seed : job.seeds()) {
        final SeedRun run = new SeedRun(job.reproduction().paper(), job.scale(), seed);
        final Optional<Run> earlier = earlier(job, run, listener);
        if (earlier.isPresent()) {
          reused.add(earlier.get());
        } else {
          (job.reproduction().timed() ? alone : together).add(run);
        }
      }
    }
    final List<SeedRun> all = new ArrayList<>(alone);
    all.addAll(together);
    listener.planned(List.copyOf(all), List.copyOf(reused));

    final List<Run> made = new ArrayList<>();
    final List<Failure> failures = new ArrayList<>();
    final Nursery nursery = new Nursery();
    final Thread hook = new Thread(nursery::close, "end-children");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      runAll(alone, 1, nursery, listener, made, failures);
      runAll(together, options.parallel(), nursery, listener, made, failures);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw cancelled(e);
    } finally {
      nursery.close();
      removeHook(hook);
    }
    return new Outcome(made, reused, failures);
  }

  private Optional<Run> earlier(Job job, SeedRun run, RunListener listener) {
    return switch (store.find(run.paper(), run.scale(), run.seed())) {
      case RunStore.Entry.Present(Run earlier)
          when !options.force()
              && earlier.code().equals(options.code())
              && job.reproduction().sameData(earlier, options.dataFolder()) ->
          Optional.of(earlier);
      case RunStore.Entry.Present _, RunStore.Entry.Absent _ -> Optional.empty();
      case RunStore.Entry.Broken(RunStore.Rejected rejected) -> {
        listener.warning(
            run, "ignoring " + rejected.file() + ", which " + rejected.why() + "; running again");
        yield Optional.empty();
      }
    };
  }

  private void runAll(
      List<SeedRun> runs,
      int parallel,
      Nursery nursery,
      RunListener listener,
      List<Run> made,
      List<Failure> failures)
      throws InterruptedException {
    final int children = Math.min(parallel, Math.max(1, runs.size()));
    try (ExecutorService pool =
        Executors.newFixedThreadPool(
            children, Thread.ofPlatform().daemon().name("run-", 1).factory())) {
      final List<Future<Result>> futures = new ArrayList<>();
      for (final SeedRun run : runs) {
        futures.add(
            pool.submit(() -> runOne(run, threads(run, parallel, children), nursery, listener)));
      }
      try {
        for (final Future<Result> future : futures) {
          switch (future.get()) {
            case Result.Made(Run run) -> made.add(run);
            case Result.Failed(Failure failure) -> failures.add(failure);
          }
        }
      } catch (ExecutionException e) {
        pool.shutdownNow();
        nursery.close();
        throw new IllegalStateException("a run listener failed", e.getCause());
      } catch (InterruptedException e) {
        pool.shutdownNow();
        nursery.close();
        throw e;
      }
    }
  }

  /**
   * A timed run has the whole machine; others have one thread, so that their numbers do not depend
   * on the number of cores, except at full scale, where they share the cores.
   */
  private int threads(SeedRun run, int parallel, int children) {
    if (parallel == 1) {
      return 0;
    }
    return run.scale() == Scale.FULL ? Math.max(1, options.machine().cores() / children) : 1;
  }

  private sealed interface Result {
    record Made(Run run) implements Result {}

    record Failed(Failure failure) implements Result {}
  }

  private Result runOne(SeedRun run, int threads, Nursery nursery, RunListener listener)
      throws InterruptedException {
    listener.started(run);
    final Order order =
        new Order(run, options.code(), options.machine(), store.root(), options.dataFolder());
    final Child started;
    try {
      started = Child.start(jvm.builder(threads), order);
    } catch (UncheckedIOException e) {
      return failed(new Failure(run, e.getMessage() + ": " + e.getCause(), ""), listener);
    }
    try (Child child = started) {
      nursery.add(child);
      try {
        final Progress progress = new Progress(run, listener);
        final Optional<String> problem = child.follow(progress::hear);
        return problem.isPresent()
            ? failed(new Failure(run, problem.get(), child.log()), listener)
            : result(run, child, listener);
      } finally {
        nursery.remove(child);
      }
    }
  }

  private Result result(SeedRun run, Child child, RunListener listener) {
    return switch (store.find(run.paper(), run.scale(), run.seed())) {
      case RunStore.Entry.Present(Run made) -> {
        listener.finished(run, made);
        yield new Result.Made(made);
      }
      case RunStore.Entry.Absent _ ->
          failed(new Failure(run, "the child wrote no run file", child.log()), listener);
      case RunStore.Entry.Broken(RunStore.Rejected rejected) ->
          failed(new Failure(run, rejected.file() + " " + rejected.why(), child.log()), listener);
    };
  }

  private static Result failed(Failure failure, RunListener listener) {
    listener.failed(failure);
    return new Result.Failed(failure);
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is going down, and the hook with it.
    }
  }

  private static CancellationException cancelled(InterruptedException cause) {
    final CancellationException cancelled =
        new CancellationException("interrupted; finished runs are kept");
    cancelled.initCause(cause);
    return cancelled;
  }

  /** Puts a child's messages together into progress. */
  private static final class Progress {

    private final SeedRun run;
    private final RunListener listener;
    private long total;

    Progress(SeedRun run, RunListener listener) {
      this.run = run;
      this.listener = listener;
    }

    void hear(Message message) {
      switch (message) {
        case Message.Steps(long announced) -> {
          total = announced;
          listener.progress(run, 0, total, "");
        }
        case Message.Step(long done, String what) -> listener.progress(run, done, total, what);
        case Message.Warning(String text) -> listener.warning(run, text);
        case Message.Done _, Message.Failed _ -> {
          // The child itself turns these into its result.
        }
      }
    }
  }
}
