package io.steelyard.feed.web;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.stream.Collector;

/** How the site writes JSON: UTF-8, compact, non-finite numbers as text. */
public final class Json {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private Json() {}

  /** A document. */
  public static String write(JsonElement element) {
    return GSON.toJson(element);
  }

  /** An object with one text. */
  public static String object(String name, String text) {
    final JsonObject object = new JsonObject();
    object.addProperty(name, text);
    return write(object);
  }

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

  /** Collects texts into an array. */
  public static Collector<String, JsonArray, JsonArray> texts() {
    return Collector.of(
        JsonArray::new,
        (array, text) -> array.add(text),
        (left, right) -> {
          left.addAll(right);
          return left;
        });
  }
}
