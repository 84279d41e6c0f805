package io.steelyard.feed.web;

import com.google.gson.stream.JsonWriter;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;

/**
 * One JSON object a line for every request: when, who from, what, how it ended, how long it took.
 */
public final class AccessLog implements AutoCloseable {

  private final Writer out;
  private final boolean owned;

  private AccessLog(Writer out, boolean owned) {
    this.out = out;
    this.owned = owned;
  }

  /** The log that a setting names: {@code off}, {@code -} for standard output, or a file. */
  public static AccessLog to(String target) {
    return switch (target) {
      case "off", "" -> new AccessLog(Writer.nullWriter(), false);
      case "-" ->
          new AccessLog(
              new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8)),
              false);
      default -> {
        try {
          yield new AccessLog(
              Files.newBufferedWriter(
                  Path.of(target),
                  StandardCharsets.UTF_8,
                  StandardOpenOption.CREATE,
                  StandardOpenOption.APPEND),
              true);
        } catch (IOException e) {
          throw new UncheckedIOException("cannot write the access log " + target, e);
        }
      }
    };
  }

  /** What is known of a request when it is answered. */
  public record Entry(
      String address,
      String method,
      String path,
      int status,
      long bytes,
      double millis,
      String agent,
      String referrer) {}

  /** Writes one line. A full disk does not stop the site: the line is lost. */
  void write(Entry entry) {
    final StringWriter line = new StringWriter(256);
    try (JsonWriter json = new JsonWriter(line)) {
      json.beginObject();
      json.name("at").value(Instant.now().toString());
      json.name("from").value(entry.address());
      json.name("method").value(entry.method());
      json.name("path").value(entry.path());
      json.name("status").value(entry.status());
      json.name("bytes").value(entry.bytes());
      json.name("ms").value(Math.round(entry.millis() * 1000) / 1000.0);
      json.name("agent").value(entry.agent());
      json.name("referrer").value(entry.referrer());
      json.endObject();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write into memory", e);
    }
    line.append('\n');
    synchronized (this) {
      try {
        out.write(line.toString());
        out.flush();
      } catch (IOException e) {
        System.getLogger(AccessLog.class.getName())
            .log(System.Logger.Level.WARNING, "the access log cannot be written: " + e);
      }
    }
  }

  @Override
  public synchronized void close() {
    try {
      if (owned) {
        out.close();
      } else {
        out.flush();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close the access log", e);
    }
  }
}
