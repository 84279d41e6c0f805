package io.steelyard.kernels.operator;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The golden cases of an operator, read from the resource that also serves as its example. */
record GoldenFile(List<Case> cases) {

  /**
   * One call with its expected outputs, kept in double. An output may be off by {@code tol} times
   * itself, and by {@code atol} more where a file has that: for sums whose terms cancel.
   */
  record Case(
      String name,
      Map<String, Tensor> inputs,
      Map<String, Object> params,
      Map<String, Tensor> expected,
      double tol,
      double atol) {

    @Override
    public String toString() {
      return name;
    }
  }

  static GoldenFile of(String operator) {
    final String resource = "/io/steelyard/kernels/golden/" + operator + ".json";
    try (var stream = Operators.class.getResourceAsStream(resource);
        var reader = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
      final List<Case> cases = new ArrayList<>();
      for (final JsonElement element :
          JsonParser.parseReader(reader).getAsJsonObject().getAsJsonArray("cases")) {
        final JsonObject json = element.getAsJsonObject();
        final Map<String, Object> params = new LinkedHashMap<>();
        json.getAsJsonObject("params")
            .entrySet()
            .forEach(e -> params.put(e.getKey(), e.getValue().getAsString()));
        cases.add(
            new Case(
                json.get("name").getAsString(),
                tensors(json.getAsJsonObject("inputs"), false),
                params,
                tensors(json.getAsJsonObject("expected"), true),
                json.get("tol").getAsDouble(),
                json.has("atol") ? json.get("atol").getAsDouble() : 0));
      }
      return new GoldenFile(cases);
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  private static Map<String, Tensor> tensors(JsonObject json, boolean exact) {
    final Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (final Map.Entry<String, JsonElement> entry : json.entrySet()) {
      final JsonObject tensor = entry.getValue().getAsJsonObject();
      final JsonArray data = tensor.getAsJsonArray("data");
      final long[] shape =
          tensor.getAsJsonArray("shape").asList().stream()
              .mapToLong(JsonElement::getAsLong)
              .toArray();
      final DType dtype = DType.of(tensor.get("dtype").getAsString());
      final Tensor read = Tensor.zeros(exact && dtype.isFloat() ? DType.F64 : dtype, shape);
      for (int i = 0; i < data.size(); i++) {
        final String text = data.get(i).getAsString();
        read.setDouble(
            i,
            read.dtype() == DType.BOOL ? (text.equals("true") ? 1 : 0) : Double.parseDouble(text));
      }
      tensors.put(entry.getKey(), read);
    }
    return tensors;
  }
}
