package io.steelyard.papers.runner;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.Consumer;

/** A running child process. */
final class Child implements AutoCloseable {

  private static final int LOG_LINES = 25;

  private final Process process;
  private final OutputStream toChild;
  private final Deque<String> log = new ArrayDeque<>();
  private final Thread logReader;

  private Child(Process process) {
    this.process = process;
    this.toChild = process.getOutputStream();
    this.logReader = Thread.ofPlatform().daemon().name("child-log").start(this::readLog);
  }

  /** Starts a child and gives it its order. */
  static Child start(ProcessBuilder builder, Order order) {
    try {
      final Child child = new Child(builder.start());
      try {
        child.toChild.write((order.line() + "\n").getBytes(StandardCharsets.UTF_8));
        child.toChild.flush();
      } catch (IOException e) {
        // It died at once; its exit code and log say more than the broken pipe does.
        child.process.destroy();
      }
      return child;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot start the child process " + builder.command().getFirst(), e);
    }
  }

  /**
   * Hands on the child's messages until it ends.
   *
   * @return empty if it said it was done and exited with 0, else what went wrong
   */
  Optional<String> follow(Consumer<Message> messages) throws InterruptedException {
    boolean done = false;
    Optional<String> failed = Optional.empty();
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        final Optional<Message> message = Message.parse(line);
        switch (message.orElse(null)) {
          case null -> keep(line);
          case Message.Done() -> done = true;
          case Message.Failed(String text) -> failed = Optional.of(text);
          case Message other -> messages.accept(other);
        }
      }
    } catch (IOException e) {
      // The pipe broke because the child is gone, which the exit code tells below.
    }
    final int exit = process.waitFor();
    logReader.join();
    if (failed.isPresent() || (done && exit == 0)) {
      return failed;
    }
    return Optional.of("the child process ended with exit code " + exit + " before it was done");
  }

  /** The last lines of the error stream. */
  String log() {
    synchronized (log) {
      return String.join("\n", log);
    }
  }

  /** Ends the child if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly();
    try {
      toChild.close();
    } catch (IOException e) {
      // It is gone; there is nothing left to close.
    }
  }

  private void readLog() {
    try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
      lines.lines().forEach(this::keep);
    } catch (IOException | UncheckedIOException e) {
      // The child is gone; what was read is kept.
    }
  }

  private void keep(String line) {
    synchronized (log) {
      log.addLast(line);
      if (log.size() > LOG_LINES) {
        log.removeFirst();
      }
    }
  }
}
