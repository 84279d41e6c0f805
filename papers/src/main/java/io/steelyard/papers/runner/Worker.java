package io.steelyard.papers.runner;

import io.steelyard.papers.reproduction.RecordingExperiment;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.reproduction.Reproductions;
import io.steelyard.papers.run.RunStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * The child process that makes one run: reads its order from standard input, writes progress to
 * standard output and the run file to the store. It ends when its standard input does, so it never
 * outlives its parent.
 */
public final class Worker {

  private static final int EXIT_FAILED = 3;
  private static final int EXIT_ORPHANED = 4;
  private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final PrintStream out;

  private Worker(PrintStream out) {
    this.out = out;
  }

  /** Makes the run that standard input orders, with the registered reproductions. */
  public static void main(String[] arguments) {
    serve(Reproductions::find);
  }

  /** Makes the run that standard input orders and exits: 0 if its file is written. */
  static void serve(Function<String, Optional<Reproduction>> reproductions) {
    final PrintStream messages = System.out;
    // Whatever an engine or an experiment prints is a log, not a message.
    System.setOut(System.err);
    final int status = new Worker(messages).obey(System.in, reproductions);
    messages.flush();
    System.exit(status);
  }

  private int obey(InputStream in, Function<String, Optional<Reproduction>> reproductions) {
    try {
      final BufferedReader lines =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      final String line = lines.readLine();
      if (line == null) {
        return EXIT_ORPHANED;
      }
      exitWithParent(lines);
      make(Order.parse(line), reproductions);
      send(new Message.Done());
      return 0;
    } catch (Throwable e) { // Errors too: an OutOfMemoryError is this seed's failure.
      e.printStackTrace();
      send(new Message.Failed(describe(e)));
      return EXIT_FAILED;
    }
  }

  private void make(Order order, Function<String, Optional<Reproduction>> reproductions) {
    final Reproduction reproduction =
        reproductions
            .apply(order.run().paper())
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "paper '" + order.run().paper() + "' has no reproduction"));
    final RecordingExperiment experiment =
        new RecordingExperiment(
            order.run().scale(), order.run().seed(), order.dataFolder(), new Reporter());
    reproduction.run(experiment);
    new RunStore(order.store())
        .save(experiment.run(order.run().paper(), order.code(), order.machine()));
  }

  private static void exitWithParent(BufferedReader lines) {
    Thread.ofPlatform()
        .daemon()
        .name("parent-watch")
        .start(
            () -> {
              try {
                while (lines.readLine() != null) {
                  // The parent has nothing more to say; only the end matters.
                }
              } catch (IOException e) {
                // A broken pipe is the end as well.
              }
              Runtime.getRuntime().halt(EXIT_ORPHANED);
            });
  }

  private synchronized void send(Message message) {
    out.println(message.line());
    out.flush();
  }

  static String describe(Throwable e) {
    final String message = e.getMessage();
    return message == null || message.isBlank()
        ? e.getClass().getSimpleName()
        : e.getClass().getSimpleName() + ": " + message;
  }

  /** Sends progress, steps no more often than an eye can follow. */
  private final class Reporter implements RecordingExperiment.Listener {

    private long total;
    private long lastSent = System.nanoTime() - STEP_NANOS;

    @Override
    public void steps(long announced) {
      total = announced;
      send(new Message.Steps(announced));
    }

    @Override
    public void step(long done, String what) {
      final long now = System.nanoTime();
      if (now - lastSent >= STEP_NANOS || done >= total) {
        lastSent = now;
        send(new Message.Step(done, what));
      }
    }

    @Override
    public void warning(String text) {
      send(new Message.Warning(text));
    }
  }
}
