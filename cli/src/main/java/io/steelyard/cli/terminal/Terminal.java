package io.steelyard.cli.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The three streams of a command and what stands behind them. Results go to {@code out}, everything
 * else to {@code err}.
 *
 * @param in standard input
 * @param out standard output
 * @param err standard error
 * @param outIsTerminal whether a person reads {@code out} as it comes
 * @param errIsTerminal whether a person reads {@code err} as it comes
 * @param columns width that tables and bars may fill
 * @param colour whether {@code out} may be coloured
 */
public record Terminal(
    InputStream in,
    PrintStream out,
    PrintStream err,
    boolean outIsTerminal,
    boolean errIsTerminal,
    int columns,
    boolean colour) {

  /** Width where nobody says otherwise: wide enough for a table in a log, narrow enough to read. */
  public static final int DEFAULT_COLUMNS = 120;

  private static final int MIN_COLUMNS = 40;

  /** Keeps the width usable. */
  public Terminal {
    columns = Math.max(MIN_COLUMNS, columns);
  }

  /**
   * The streams of this process. The launcher says in system properties which of them are terminals
   * and how wide, since Java cannot ask; colour needs a terminal and no {@code NO_COLOR}.
   */
  public static Terminal system() {
    final boolean outIsTerminal = Boolean.getBoolean("steelyard.stdout.terminal");
    final String noColour = System.getenv("NO_COLOR");
    return new Terminal(
        System.in,
        utf8(FileDescriptor.out),
        utf8(FileDescriptor.err),
        outIsTerminal,
        Boolean.getBoolean("steelyard.stderr.terminal"),
        Integer.getInteger("steelyard.columns", DEFAULT_COLUMNS),
        outIsTerminal
            && (noColour == null || noColour.isEmpty())
            && !"dumb".equals(System.getenv("TERM")));
  }

  /** Streams that nobody watches, for callers that collect what a command writes. */
  public static Terminal of(InputStream in, OutputStream out, OutputStream err) {
    return new Terminal(
        in,
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        false,
        false,
        DEFAULT_COLUMNS,
        false);
  }

  private static PrintStream utf8(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }
}
