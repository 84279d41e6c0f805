package io.steelyard.cli.json;

import com.google.gson.FormattingStyle;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import io.steelyard.cli.terminal.Terminal;
import java.util.stream.Collector;

/** How commands write JSON: indented UTF-8, nulls kept, non-finite numbers as text. */
public final class Json {

  private static final Gson GSON =
      new GsonBuilder()
          .serializeNulls()
          .disableHtmlEscaping()
          .setFormattingStyle(FormattingStyle.PRETTY)
          .create();

  private Json() {}

  /** A number, or {@code "NaN"}, {@code "Infinity"}, {@code "-Infinity"}. */
  public static JsonPrimitive number(double value) {
    return Double.isFinite(value)
        ? new JsonPrimitive(value)
        : new JsonPrimitive(Double.toString(value));
  }

  /** Collects elements into an array. */
  public static Collector<JsonElement, JsonArray, JsonArray> array() {
    return Collector.of(
        JsonArray::new,
        JsonArray::add,
        (left, right) -> {
          left.addAll(right);
          return left;
        });
  }

  /** Writes a document and a line end. */
  public static void print(Terminal terminal, JsonElement document) {
    terminal.out().println(GSON.toJson(document));
    terminal.out().flush();
  }
}
