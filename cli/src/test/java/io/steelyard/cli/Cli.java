package io.steelyard.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.steelyard.cli.terminal.Terminal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Runs commands in this JVM and collects what they write. */
final class Cli {

  private Cli() {}

  /**
   * What a command did.
   *
   * @param code exit code
   * @param out standard output
   * @param err standard error
   */
  record Result(int code, String out, String err) {

    /** Standard output as JSON. */
    JsonElement json() {
      return JsonParser.parseString(out);
    }
  }

  static Result run(String... args) {
    return runWith("", args);
  }

  static Result runWith(String standardInput, String... args) {
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    final ByteArrayOutputStream err = new ByteArrayOutputStream();
    final int code =
        Steelyard.execute(
            Terminal.of(
                new ByteArrayInputStream(standardInput.getBytes(StandardCharsets.UTF_8)), out, err),
            args);
    return new Result(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
