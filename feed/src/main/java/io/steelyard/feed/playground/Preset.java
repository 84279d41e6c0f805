package io.steelyard.feed.playground;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * A ready call of an operator: a case of its golden file, whose answer a test knows, or an edge
 * made from the first one.
 *
 * @param name what is special about it
 * @param call inputs and params, as {@code steelyard apply} reads them
 */
public record Preset(String name, JsonObject call) {

  private static final int MOST_ELEMENTS = 1024;
  private static final int MOST_GOLDEN = 12;
  private static final double LARGE = 50;

  /** The presets of an operator: golden cases that are small enough to edit, then edges. */
  public static List<Preset> of(Operator operator) {
    final List<Preset> presets = new ArrayList<>(golden(operator));
    presets.stream().findFirst().ifPresent(first -> presets.addAll(edges(operator, first)));
    return List.copyOf(presets);
  }

  private static List<Preset> golden(Operator operator) {
    final String resource = "/io/steelyard/kernels/golden/" + operator.name() + ".json";
    try (InputStream stream = Operator.class.getResourceAsStream(resource)) {
      if (stream == null) {
        return List.of();
      }
      final List<Preset> presets = new ArrayList<>();
      for (final JsonElement element :
          JsonParser.parseReader(new InputStreamReader(stream, StandardCharsets.UTF_8))
              .getAsJsonObject()
              .getAsJsonArray("cases")) {
        final JsonObject golden = element.getAsJsonObject();
        final boolean whole =
            golden.has("inputs") && (!golden.has("vjp") || !golden.get("vjp").getAsBoolean());
        if (whole
            && presets.size() < MOST_GOLDEN
            && elements(golden.getAsJsonObject("inputs")) <= MOST_ELEMENTS) {
          final JsonObject call = new JsonObject();
          call.add("inputs", golden.get("inputs"));
          call.add("params", golden.has("params") ? golden.get("params") : new JsonObject());
          presets.add(new Preset(golden.get("name").getAsString(), call));
        }
      }
      return presets;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the golden file " + resource, e);
    }
  }

  /** What a reader of the edge rules wants to see happen to the first float input. */
  private static List<Preset> edges(Operator operator, Preset first) {
    final Optional<String> port =
        operator.inputs().stream()
            .filter(input -> input.kind() == Port.Kind.FLOAT && !input.optional())
            .map(Port::name)
            .findFirst();
    if (port.isEmpty() || !first.call().getAsJsonObject("inputs").has(port.get())) {
      return List.of();
    }
    final List<Preset> edges = new ArrayList<>();
    edges.add(with(first, port.get(), "edge: all scores equal", _ -> new JsonPrimitive(0)));
    edges.add(
        with(
            first,
            port.get(),
            "edge: one score far above the rest",
            i -> new JsonPrimitive(i == 0 ? LARGE : 0)));
    edges.add(changing(first, port.get(), "edge: -Infinity (a masked entry)", "-Infinity"));
    edges.add(changing(first, port.get(), "edge: +Infinity (its row is NaN)", "Infinity"));
    edges.add(changing(first, port.get(), "edge: NaN (its row is NaN)", "NaN"));
    return edges;
  }

  private static Preset changing(Preset first, String port, String name, String value) {
    final JsonArray data = data(first, port);
    return with(first, port, name, i -> i == 0 ? new JsonPrimitive(value) : data.get(i));
  }

  private static Preset with(
      Preset first, String port, String name, IntFunction<JsonElement> element) {
    final JsonObject call = first.call().deepCopy();
    final JsonObject tensor = call.getAsJsonObject("inputs").getAsJsonObject(port);
    final int size = data(first, port).size();
    final JsonArray data = new JsonArray();
    for (int i = 0; i < size; i++) {
      data.add(element.apply(i));
    }
    tensor.add("data", data);
    return new Preset(name, call);
  }

  private static JsonArray data(Preset preset, String port) {
    return preset.call().getAsJsonObject("inputs").getAsJsonObject(port).getAsJsonArray("data");
  }

  private static int elements(JsonObject inputs) {
    return inputs.entrySet().stream()
        .map(input -> input.getValue().getAsJsonObject().get("data"))
        .mapToInt(data -> data != null && data.isJsonArray() ? data.getAsJsonArray().size() : 0)
        .sum();
  }

  /** As JSON. */
  public JsonObject json() {
    final JsonObject json = new JsonObject();
    json.addProperty("name", name);
    json.add("call", call);
    return json;
  }
}
