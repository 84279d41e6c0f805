package io.steelyard.cli.terminal;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C while a command runs. The JVM ends itself with code 130 after its shutdown hooks; this
 * only says one line and keeps the command from talking about what it lost by being ended.
 */
public final class Interruption implements AutoCloseable {

  private static final long ENDING_CHILDREN_MILLIS = 150;

  private final CountDownLatch ending = new CountDownLatch(1);
  private final Thread hook;

  /** Watches until closed; {@code farewell} is printed to standard error on Ctrl-C. */
  public Interruption(Terminal terminal, String farewell) {
    hook =
        new Thread(
            () -> {
              ending.countDown();
              terminal.err().println(terminal.errIsTerminal() ? "\n" + farewell : farewell);
            },
            "interruption");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * To be called before a failure is told: does not return while the process is being ended, since
   * the failure is then only a child that Ctrl-C reached first.
   */
  public void stopIfEnding() {
    try {
      if (ending.await(ENDING_CHILDREN_MILLIS, TimeUnit.MILLISECONDS)) {
        Thread.sleep(Long.MAX_VALUE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      stopIfEnding();
    }
  }
}
