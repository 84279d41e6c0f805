package io.steelyard.papers.runner;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.util.Optional;

/** What a child tells its parent, one JSON object per line of its standard output. */
sealed interface Message {

  /** The number of steps is known. */
  record Steps(long total) implements Message {}

  /** Steps done so far, and the last one in words. */
  record Step(long done, String what) implements Message {}

  /** A warning of the experiment. */
  record Warning(String text) implements Message {}

  /** The run file is written. */
  record Done() implements Message {}

  /** The experiment threw. */
  record Failed(String text) implements Message {}

  /** The line, without its line feed. */
  default String line() {
    final JsonObject json = new JsonObject();
    switch (this) {
      case Steps(long total) -> json.addProperty("steps", total);
      case Step(long done, String what) -> {
        json.addProperty("step", done);
        json.addProperty("what", what);
      }
      case Warning(String text) -> json.addProperty("warning", text);
      case Done() -> json.addProperty("done", true);
      case Failed(String text) -> json.addProperty("failed", text);
    }
    return json.toString();
  }

  /** The message of a line; empty if it is none, such as a stray print of a native library. */
  static Optional<Message> parse(String line) {
    if (!line.startsWith("{")) {
      return Optional.empty();
    }
    try {
      final JsonObject json = JsonParser.parseString(line).getAsJsonObject();
      if (json.has("steps")) {
        return Optional.of(new Steps(json.get("steps").getAsLong()));
      }
      if (json.has("step")) {
        return Optional.of(new Step(json.get("step").getAsLong(), json.get("what").getAsString()));
      }
      if (json.has("warning")) {
        return Optional.of(new Warning(json.get("warning").getAsString()));
      }
      if (json.has("done")) {
        return Optional.of(new Done());
      }
      return json.has("failed")
          ? Optional.of(new Failed(json.get("failed").getAsString()))
          : Optional.empty();
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      return Optional.empty();
    }
  }
}
