package io.steelyard.cli.terminal;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on standard error, with lines above it. Only for a terminal. */
public final class Bar implements AutoCloseable {

  private static final int REFRESH_MILLIS = 200;
  private static final int UNITS = 1000;

  private final Terminal terminal;
  private final ProgressBar bar;

  /**
   * Shows a bar.
   *
   * @param task what is being done
   * @param unit what is counted
   * @param count how many of them
   */
  public Bar(Terminal terminal, String task, String unit, int count) {
    this.terminal = terminal;
    bar =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setUnit(" " + unit, UNITS)
            .setInitialMax((long) count * UNITS)
            .setStyle(ProgressBarStyle.UNICODE_BLOCK)
            .setUpdateIntervalMillis(REFRESH_MILLIS)
            .clearDisplayOnFinish()
            // With a width given, the library does not ask the terminal by way of a native library.
            .setConsumer(new ConsoleProgressBarConsumer(terminal.err(), terminal.columns() - 1))
            .build();
  }

  /** Moves the bar. */
  public void show(double done, String what) {
    bar.stepTo(Math.round(done * UNITS));
    bar.setExtraMessage(" " + what);
  }

  /** Writes a line above the bar. */
  public void line(String text) {
    // Carriage return, then erase to the end of the line; the next refresh draws the bar again.
    terminal.err().print("\r\u001b[K" + text + System.lineSeparator());
  }

  @Override
  public void close() {
    bar.close();
  }
}
