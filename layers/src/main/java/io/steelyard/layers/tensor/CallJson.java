package io.steelyard.layers.tensor;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import com.google.gson.stream.MalformedJsonException;
import io.steelyard.kernels.tensor.Tensor;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The JSON documents of calls and outputs. */
final class CallJson {

  private CallJson() {}

  static OperatorCall read(InputStream in, String source, TensorFiles.Reading reading) {
    // Not closed: the stream is the caller's.
    final JsonReader json =
        new JsonReader(new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8)));
    json.setStrictness(Strictness.STRICT);
    try {
      return document(json, source, reading);
    } catch (MalformedJsonException | EOFException e) {
      throw new IllegalArgumentException(
          source
              + ": not valid JSON at "
              + json.getPath()
              + " ("
              + e.getMessage()
              + "); expected {\"inputs\": {...}, \"params\": {...}}",
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + source + ": " + e.getMessage(), e);
    }
  }

  static void write(OutputStream out, Map<String, Tensor> outputs) throws IOException {
    // Flushed and not closed: the stream is the caller's.
    final BufferedWriter text =
        new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8));
    final JsonWriter json = new JsonWriter(text);
    json.setHtmlSafe(false);
    json.beginObject().name("outputs").beginObject();
    for (final Map.Entry<String, Tensor> output : outputs.entrySet()) {
      json.name(output.getKey());
      TensorJson.write(json, output.getValue());
    }
    json.endObject().endObject().flush();
    text.write('\n');
    text.flush();
  }

  private static OperatorCall document(JsonReader json, String source, TensorFiles.Reading reading)
      throws IOException {
    final Map<String, Tensor> inputs = new LinkedHashMap<>();
    final Map<String, Object> parameters = new LinkedHashMap<>();
    TensorJson.expect(json, JsonToken.BEGIN_OBJECT, source, "an object with \"inputs\"");
    json.beginObject();
    while (json.hasNext()) {
      final String key = json.nextName();
      switch (key) {
        case "inputs" -> {
          TensorJson.expect(json, JsonToken.BEGIN_OBJECT, source, "an object of tensors by name");
          json.beginObject();
          while (json.hasNext()) {
            final String name = unique(json.nextName(), inputs, json, source);
            inputs.put(name, TensorJson.read(json, source, reading.floats()));
          }
          json.endObject();
        }
        case "params" -> {
          TensorJson.expect(json, JsonToken.BEGIN_OBJECT, source, "an object of values by name");
          json.beginObject();
          while (json.hasNext()) {
            final String name = unique(json.nextName(), parameters, json, source);
            parameters.put(name, parameter(json, source));
          }
          json.endObject();
        }
        default ->
            throw new IllegalArgumentException(
                source + ": " + json.getPath() + " is unknown; expected inputs and params");
      }
    }
    json.endObject();
    TensorJson.expect(json, JsonToken.END_DOCUMENT, source, "nothing after the object");
    return new OperatorCall(inputs, parameters);
  }

  private static String unique(String name, Map<String, ?> seen, JsonReader json, String source) {
    if (seen.containsKey(name)) {
      throw new IllegalArgumentException(
          source + ": " + json.getPath() + " is there twice; expected each name once");
    }
    return name;
  }

  private static Object parameter(JsonReader json, String source) throws IOException {
    return switch (json.peek()) {
      case STRING -> json.nextString();
      case BOOLEAN -> json.nextBoolean();
      case NUMBER -> number(json.nextString());
      default ->
          throw new IllegalArgumentException(
              source
                  + ": "
                  + json.getPath()
                  + " is "
                  + TensorJson.words(json.peek())
                  + "; expected a number, a string, true or false");
    };
  }

  private static Object number(String text) {
    try {
      return Long.valueOf(text);
    } catch (NumberFormatException e) {
      return Double.valueOf(text);
    }
  }
}
