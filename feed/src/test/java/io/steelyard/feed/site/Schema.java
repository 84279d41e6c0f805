package io.steelyard.feed.site;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Holds JSON to the schemas of an OpenAPI description: the part of JSON Schema that ours uses; any
 * other word in a schema is a failure, and so is a field that an object with named fields does not
 * name, so that nothing goes unchecked.
 */
final class Schema {

  private static final Set<String> WORDS =
      Set.of(
          "$ref",
          "type",
          "properties",
          "required",
          "items",
          "enum",
          "oneOf",
          "format",
          "minimum",
          "maximum",
          "description",
          "default",
          "additionalProperties");

  private final JsonObject schemas;

  Schema(JsonObject description) {
    this.schemas = description.getAsJsonObject("components").getAsJsonObject("schemas");
  }

  /** What is wrong with a value, each with its place; empty if nothing is. */
  List<String> faults(JsonElement value, JsonObject schema) {
    final List<String> faults = new ArrayList<>();
    check(value, schema, "$", faults);
    return faults;
  }

  private void check(JsonElement value, JsonObject schema, String place, List<String> faults) {
    for (final String word : schema.keySet()) {
      if (!WORDS.contains(word)) {
        faults.add(place + ": the schema says " + word + ", which is not checked");
      }
    }
    if (schema.has("$ref")) {
      final String name = schema.get("$ref").getAsString().replaceFirst("^.*/", "");
      check(value, schemas.getAsJsonObject(name), place, faults);
      return;
    }
    if (schema.has("oneOf")) {
      final long fitting =
          schema.getAsJsonArray("oneOf").asList().stream()
              .filter(one -> faults(value, one.getAsJsonObject()).isEmpty())
              .count();
      if (fitting != 1) {
        faults.add(place + ": " + value + " fits " + fitting + " of the schemas; expected one");
      }
      return;
    }
    if (schema.has("enum") && !schema.getAsJsonArray("enum").contains(value)) {
      faults.add(place + ": " + value + " is none of " + schema.get("enum"));
    }
    if (schema.has("type") && !isOf(schema.get("type").getAsString(), value)) {
      faults.add(place + ": " + value + " is no " + schema.get("type").getAsString());
      return;
    }
    if (schema.has("format")
        && schema.get("format").getAsString().equals("date-time")
        && !isTime(value.getAsString())) {
      faults.add(place + ": " + value + " is no time");
    }
    switch (value) {
      case JsonArray array -> {
        if (schema.get("items") instanceof JsonObject items) {
          for (int i = 0; i < array.size(); i++) {
            check(array.get(i), items, place + "[" + i + "]", faults);
          }
        }
      }
      case JsonObject object -> fields(object, schema, place, faults);
      default -> {
        // Its type was all there is to it.
      }
    }
  }

  private void fields(JsonObject object, JsonObject schema, String place, List<String> faults) {
    if (schema.get("required") instanceof JsonArray required) {
      required.forEach(
          name -> {
            if (!object.has(name.getAsString())) {
              faults.add(place + ": " + name + " is missing");
            }
          });
    }
    final JsonObject named =
        schema.get("properties") instanceof JsonObject properties ? properties : new JsonObject();
    object
        .entrySet()
        .forEach(
            field -> {
              final String where = place + "." + field.getKey();
              if (named.get(field.getKey()) instanceof JsonObject one) {
                check(field.getValue(), one, where, faults);
              } else if (schema.get("additionalProperties") instanceof JsonObject other) {
                check(field.getValue(), other, where, faults);
              } else if (!named.isEmpty()) {
                faults.add(where + " is not described");
              }
            });
  }

  private static boolean isOf(String type, JsonElement value) {
    return switch (type) {
      case "object" -> value.isJsonObject();
      case "array" -> value.isJsonArray();
      case "null" -> value instanceof JsonNull;
      case "string" -> value instanceof JsonPrimitive text && text.isString();
      case "boolean" -> value instanceof JsonPrimitive flag && flag.isBoolean();
      case "number" -> value instanceof JsonPrimitive number && number.isNumber();
      case "integer" ->
          value instanceof JsonPrimitive number
              && number.isNumber()
              && number.getAsBigDecimal().stripTrailingZeros().scale() <= 0;
      default -> false;
    };
  }

  private static boolean isTime(String text) {
    try {
      return Instant.parse(text).isAfter(Instant.MIN);
    } catch (DateTimeParseException e) {
      return false;
    }
  }
}
