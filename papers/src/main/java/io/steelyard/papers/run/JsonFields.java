package io.steelyard.papers.run;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.StreamSupport;

/**
 * The fields of a JSON object, read strictly: a missing field, one too many or one of another type
 * is an {@link InvalidRunException} that gives its path.
 */
final class JsonFields {

  private final String path;
  private final JsonObject object;
  private final Set<String> unread;

  private JsonFields(String path, JsonObject object) {
    this.path = path;
    this.object = object;
    this.unread = new LinkedHashSet<>(object.keySet());
  }

  static JsonFields parse(String json) {
    if (json.isBlank()) {
      throw new InvalidRunException("is empty");
    }
    try (JsonReader reader = new JsonReader(new StringReader(json))) {
      reader.setStrictness(Strictness.STRICT);
      final JsonElement root = JsonParser.parseReader(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new InvalidRunException("has text after its JSON object");
      }
      if (!root.isJsonObject()) {
        throw new InvalidRunException("is not a JSON object");
      }
      return new JsonFields("", root.getAsJsonObject());
    } catch (JsonParseException | IOException e) {
      throw new InvalidRunException("is not complete, valid JSON: " + firstLine(e), e);
    }
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  /** Checks that every field has been read. */
  void end() {
    if (!unread.isEmpty()) {
      throw new InvalidRunException("has unknown fields " + at(unread.toString()));
    }
  }

  Set<String> names() {
    return object.keySet();
  }

  String text(String name) {
    final JsonElement value = take(name);
    if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isString()) {
      throw wrong(name, "a string");
    }
    return value.getAsString();
  }

  <T> T parsed(String name, Function<String, T> parse) {
    final String text = text(name);
    try {
      return parse.apply(text);
    } catch (IllegalArgumentException e) {
      throw new InvalidRunException(e.getMessage(), e);
    }
  }

  Instant instant(String name) {
    final String text = text(name);
    try {
      return Instant.parse(text);
    } catch (DateTimeException e) {
      throw new InvalidRunException(
          "field '" + at(name) + "' is '" + text + "', not an instant such as 2026-01-31T12:00:00Z",
          e);
    }
  }

  long whole(String name) {
    final JsonElement value = take(name);
    if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isNumber()) {
      throw wrong(name, "a whole number");
    }
    try {
      return new BigDecimal(value.getAsString()).longValueExact();
    } catch (ArithmeticException e) {
      throw new InvalidRunException(wrong(name, "a whole number").getMessage(), e);
    }
  }

  double number(String name) {
    return number(name, take(name));
  }

  List<Double> numberList(String name) {
    return array(name).stream().map(element -> number(name, element)).toList();
  }

  List<String> strings(String name) {
    return array(name).stream()
        .map(
            element -> {
              if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isString()) {
                throw wrong(name, "a list of strings");
              }
              return element.getAsString();
            })
        .toList();
  }

  JsonFields object(String name) {
    final JsonElement value = take(name);
    if (!value.isJsonObject()) {
      throw wrong(name, "an object");
    }
    return new JsonFields(at(name), value.getAsJsonObject());
  }

  List<JsonFields> objects(String name) {
    return array(name).stream()
        .map(
            element -> {
              if (!element.isJsonObject()) {
                throw wrong(name, "a list of objects");
              }
              return new JsonFields(at(name), element.getAsJsonObject());
            })
        .toList();
  }

  /** All fields as strings. */
  Map<String, String> texts() {
    final Map<String, String> result = new LinkedHashMap<>();
    names().forEach(name -> result.put(name, text(name)));
    return result;
  }

  /** All fields as numbers. */
  Map<String, Double> numbers() {
    final Map<String, Double> result = new LinkedHashMap<>();
    names().forEach(name -> result.put(name, number(name)));
    return result;
  }

  private double number(String name, JsonElement value) {
    if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber()) {
      return value.getAsDouble();
    }
    if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isString()) {
      return switch (value.getAsString()) {
        case "NaN" -> Double.NaN;
        case "Infinity" -> Double.POSITIVE_INFINITY;
        case "-Infinity" -> Double.NEGATIVE_INFINITY;
        default -> throw wrong(name, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
      };
    }
    throw wrong(name, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
  }

  private List<JsonElement> array(String name) {
    final JsonElement value = take(name);
    if (!(value instanceof JsonArray array)) {
      throw wrong(name, "a list");
    }
    return StreamSupport.stream(array.spliterator(), false).toList();
  }

  private JsonElement take(String name) {
    final JsonElement value = object.get(name);
    if (value == null) {
      throw new InvalidRunException("lacks the field '" + at(name) + "'");
    }
    unread.remove(name);
    return value;
  }

  private InvalidRunException wrong(String name, String expected) {
    return new InvalidRunException("field '" + at(name) + "' is not " + expected);
  }

  private String at(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
