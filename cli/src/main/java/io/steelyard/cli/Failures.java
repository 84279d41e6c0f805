package io.steelyard.cli;

import io.steelyard.cli.terminal.Terminal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns what went wrong into one readable line and an exit code. */
final class Failures {

  private static final int MOST_HINTS = 3;

  private Failures() {}

  /** A wrong command line: what is wrong, near misses, and where to read more. */
  static int usage(Terminal terminal, ParameterException wrong) {
    final CommandSpec spec = wrong.getCommandLine().getCommandSpec();
    final String sentence = sentence(wrong, spec);
    final String hint = sentence.contains("'steelyard ") ? "" : hint(wrong, spec);
    terminal.err().println(spec.qualifiedName() + ": " + sentence + hint);
    return Steelyard.USAGE;
  }

  /** A failure: one line, with the stack trace after it where that was asked for. */
  static int report(Terminal terminal, Throwable failure, boolean debug) {
    terminal.err().println("steelyard: " + describe(failure, debug));
    if (debug) {
      failure.printStackTrace(terminal.err());
    }
    return Steelyard.FAILURE;
  }

  private static String sentence(ParameterException wrong, CommandSpec spec) {
    if (wrong instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()) {
      final String word = "'" + unmatched.getUnmatched().getFirst() + "'";
      return spec.subcommands().isEmpty()
          ? word + " is one argument too many"
          : "there is no command " + word;
    }
    return lowerFirst(oneLine(wrong.getMessage()));
  }

  private static String hint(ParameterException wrong, CommandSpec spec) {
    final List<String> near =
        wrong instanceof UnmatchedArgumentException unmatched
            ? unmatched.getSuggestions().stream()
                .filter(s -> !s.isBlank())
                .limit(MOST_HINTS)
                .toList()
            : List.of();
    final String help = " '" + spec.qualifiedName() + " --help'";
    return near.isEmpty()
        ? "; see" + help
        : "; did you mean " + String.join(" or ", near) + "? See" + help;
  }

  private static String describe(Throwable failure, boolean debug) {
    return switch (failure) {
      case UncheckedIOException e -> chain(e);
      case IOException e -> io(e);
      case OutOfMemoryError e ->
          "out of memory ("
              + e.getMessage()
              + "); give the JVM more, for example JDK_JAVA_OPTIONS=-Xmx8g";
      case IllegalArgumentException e -> chain(e);
      case IllegalStateException e -> chain(e);
      case LinkageError e ->
          "a native or Java library does not load: "
              + e
              + "; 'steelyard doctor' says what is missing";
      default -> "unexpected " + chain(failure) + (debug ? "" : "; --debug prints the stack trace");
    };
  }

  /** The messages of a failure and its causes, each said once. */
  private static String chain(Throwable failure) {
    final List<String> said = new ArrayList<>();
    for (Throwable t = failure; t != null; t = t.getCause()) {
      final String own = oneLine(t.getMessage());
      final boolean known =
          !own.isEmpty()
              && !(t instanceof AccessDeniedException)
              && said.stream().anyMatch(before -> before.contains(own));
      if (!known) {
        said.add(
            t instanceof IOException e
                ? io(e)
                : own.isEmpty() ? t.getClass().getSimpleName() : own);
      }
    }
    return String.join(": ", said);
  }

  private static String io(IOException failure) {
    return switch (failure) {
      case NoSuchFileException e -> "no such file: " + e.getFile();
      case AccessDeniedException e -> "no permission: " + e.getFile();
      case FileSystemException e -> oneLine(String.valueOf(e.getMessage()));
      default ->
          failure.getMessage() == null
              ? failure.getClass().getSimpleName()
              : oneLine(failure.getMessage());
    };
  }

  private static String oneLine(String message) {
    return message == null ? "" : message.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  private static String lowerFirst(String message) {
    // Names such as JSON keep their capitals.
    return message.length() > 1 && Character.isLowerCase(message.charAt(1))
        ? Character.toLowerCase(message.charAt(0)) + message.substring(1)
        : message;
  }
}
