package io.steelyard.feed.harvest;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.evidence.ImportedNumber;
import io.steelyard.feed.evidence.ImportedNumbers;
import io.steelyard.feed.paper.ArxivId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Numbers that others measured, from a file of JSON lines with {@code task}, {@code dataset},
 * {@code method}, {@code metric}, {@code value}, {@code source} (an address) and {@code paper} (an
 * arXiv id). A file is taken whole or not at all; taking it twice changes nothing.
 */
public final class ResultLines {

  private ResultLines() {}

  /**
   * Takes a file over.
   *
   * @throws SourceException if a line is wrong; it says which and why, and nothing was taken
   */
  public static Harvest.Count take(Path file, Database database) {
    final List<ImportedNumber> numbers = read(file);
    return database.write(
        handle -> {
          final ImportedNumbers store = new ImportedNumbers(handle);
          int added = 0;
          int updated = 0;
          for (final ImportedNumber number : numbers) {
            switch (store.take(number)) {
              case ADDED -> added++;
              case UPDATED -> updated++;
              case NONE -> {
                // It is counted as seen.
              }
            }
          }
          return new Harvest.Count(numbers.size(), added, updated);
        });
  }

  private static List<ImportedNumber> read(Path file) {
    final List<ImportedNumber> numbers = new ArrayList<>();
    final List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (CharacterCodingException e) {
      throw new SourceException(file + " is not UTF-8 text", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        final String place = file + ", line " + (i + 1) + ": ";
        try {
          numbers.add(number(lines.get(i)));
        } catch (JsonParseException e) {
          throw new SourceException(place + "is not valid JSON", e);
        } catch (IllegalArgumentException e) {
          throw new SourceException(place + e.getMessage(), e);
        }
      }
    }
    return numbers;
  }

  private static ImportedNumber number(String line) {
    if (!(JsonParser.parseString(line) instanceof JsonObject json)) {
      throw new IllegalArgumentException("expected a JSON object");
    }
    final String paper = text(json, "paper");
    return new ImportedNumber(
        text(json, "task"),
        text(json, "dataset"),
        text(json, "method"),
        text(json, "metric"),
        value(json),
        text(json, "source"),
        ArxivId.in(paper)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "paper is '" + paper + "'; expected an arXiv id like 2001.04438")));
  }

  private static String text(JsonObject json, String name) {
    if (json.get(name) instanceof JsonPrimitive value && value.isString()) {
      return value.getAsString().strip();
    }
    throw new IllegalArgumentException(name + " is missing; expected a text");
  }

  private static double value(JsonObject json) {
    final JsonElement value = json.get("value");
    if (value instanceof JsonPrimitive number && number.isNumber()) {
      return number.getAsDouble();
    }
    throw new IllegalArgumentException(
        "value is " + (value == null ? "missing" : value) + "; expected a number");
  }
}
