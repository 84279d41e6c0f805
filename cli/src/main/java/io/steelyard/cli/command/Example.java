package io.steelyard.cli.command;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.kernels.operator.Operator;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A call of an operator, as {@code apply} reads it: the first case of the operator's golden file,
 * whose answer a test knows.
 *
 * @param inputs tensors by name
 * @param params settings by name
 */
record Example(JsonElement inputs, JsonElement params) {

  /** The example of an operator, if it has a golden file. */
  static Optional<Example> of(Operator operator) {
    final String resource = "/io/steelyard/kernels/golden/" + operator.name() + ".json";
    try (InputStream stream = Operator.class.getResourceAsStream(resource)) {
      if (stream == null) {
        return Optional.empty();
      }
      final Reader reader = new InputStreamReader(stream, StandardCharsets.UTF_8);
      final JsonObject first =
          JsonParser.parseReader(reader)
              .getAsJsonObject()
              .getAsJsonArray("cases")
              .get(0)
              .getAsJsonObject();
      return Optional.of(
          new Example(
              first.get("inputs"), first.has("params") ? first.get("params") : new JsonObject()));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the golden file " + resource, e);
    }
  }

  /** The document. */
  JsonObject json() {
    final JsonObject call = new JsonObject();
    call.add("inputs", inputs);
    call.add("params", params);
    return call;
  }
}
