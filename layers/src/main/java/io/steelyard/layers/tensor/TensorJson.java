package io.steelyard.layers.tensor;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * One tensor as a JSON object: {@code {"shape": [2, 3], "data": [1, 2, 3, 4, 5, 6], "dtype":
 * "f32"}}.
 *
 * <p>Read: {@code data} is flat in row-major order, or nested as {@code shape} says; without {@code
 * shape} the nesting is the shape, and a lone value is a scalar ({@code []}). {@code dtype} is f32
 * (where missing), f64, i32 or bool. Non-finite numbers are the strings {@code "NaN"}, {@code
 * "Infinity"} and {@code "-Infinity"}; booleans are {@code true} and {@code false}, or 1 and 0.
 *
 * <p>Written: flat, each float in the shortest form that reads back to the same bits (NaN payloads
 * aside).
 */
public final class TensorJson {

  private TensorJson() {}

  /**
   * Reads one tensor.
   *
   * @param json stands before the object
   * @param source what messages call the document
   * @param floats the type that f32 and f64 tensors become, if any; numbers without a dtype are
   *     rounded once to it, those with one are rounded to that first
   * @throws IllegalArgumentException if the object is not as above; the message holds source, path,
   *     value and what was expected
   * @throws IOException if the document cannot be read or is not JSON
   */
  public static Tensor read(JsonReader json, String source, Optional<DType> floats)
      throws IOException {
    expect(
        json, JsonToken.BEGIN_OBJECT, source, "a tensor like {\"shape\": [2], \"data\": [1, 2]}");
    final String path = json.getPath();
    Optional<long[]> shape = Optional.empty();
    Optional<DType> dtype = Optional.empty();
    Optional<Elements> elements = Optional.empty();
    json.beginObject();
    while (json.hasNext()) {
      final String key = json.nextName();
      final boolean repeated =
          switch (key) {
            case "shape" -> shape.isPresent();
            case "dtype" -> dtype.isPresent();
            case "data" -> elements.isPresent();
            default -> throw wrong(source, json.getPath(), "unknown", "shape, data and dtype");
          };
      if (repeated) {
        throw wrong(source, json.getPath(), "there twice", "it once");
      }
      switch (key) {
        case "shape" -> shape = Optional.of(shape(json, source));
        case "dtype" -> dtype = Optional.of(dtype(json, source));
        default -> {
          final Elements read = new Elements(source);
          read.element(json, 0);
          elements = Optional.of(read);
        }
      }
    }
    json.endObject();
    final Elements data =
        elements.orElseThrow(() -> wrong(source, path + ".data", "missing", "an array of numbers"));
    final long[] extents = data.shaped(shape, path);
    final DType own = dtype.orElseGet(() -> floats.orElse(DType.F32));
    final Tensor tensor = data.tensor(own, extents, path);
    return floats.filter(wanted -> own.isFloat() && own != wanted).map(tensor::to).orElse(tensor);
  }

  /** Writes one tensor of any layout. */
  public static void write(JsonWriter json, Tensor tensor) throws IOException {
    json.beginObject().name("shape").beginArray();
    for (final long extent : tensor.shape()) {
      json.value(extent);
    }
    json.endArray().name("data").beginArray();
    for (long i = 0; i < tensor.size(); i++) {
      final double value = tensor.getDouble(tensor.flatIndex(i));
      switch (tensor.dtype()) {
        case F32, F16, BF16, F64 -> {
          if (!Double.isFinite(value)) {
            json.value(Double.toString(value));
          } else if (tensor.dtype().accumulator() == DType.F32) {
            json.value((float) value);
          } else {
            json.value(value);
          }
        }
        case I32 -> json.value((long) value);
        case BOOL -> json.value(value != 0);
      }
    }
    json.endArray().name("dtype").value(tensor.dtype().label()).endObject();
  }

  static void expect(JsonReader json, JsonToken wanted, String source, String inWords)
      throws IOException {
    if (json.peek() != wanted) {
      throw wrong(source, json.getPath(), words(json.peek()), inWords);
    }
  }

  static String words(JsonToken token) {
    return switch (token) {
      case BEGIN_ARRAY -> "an array";
      case BEGIN_OBJECT -> "an object";
      case STRING -> "a string";
      case NUMBER -> "a number";
      case BOOLEAN -> "true or false";
      case NULL -> "null";
      default -> token.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    };
  }

  static IllegalArgumentException wrong(String source, String path, String is, String expected) {
    return new IllegalArgumentException(
        source + ": " + path + " is " + is + "; expected " + expected);
  }

  private static long[] shape(JsonReader json, String source) throws IOException {
    expect(json, JsonToken.BEGIN_ARRAY, source, "an array of extents like [2, 3]");
    final List<Long> extents = new ArrayList<>();
    json.beginArray();
    while (json.hasNext()) {
      expect(json, JsonToken.NUMBER, source, "a whole number >= 0");
      final String text = json.nextString();
      final double extent = Double.parseDouble(text);
      if (extent < 0 || extent != Math.rint(extent) || extent > Long.MAX_VALUE) {
        throw wrong(source, json.getPreviousPath(), text, "a whole number >= 0");
      }
      extents.add((long) extent);
    }
    json.endArray();
    return extents.stream().mapToLong(Long::longValue).toArray();
  }

  private static DType dtype(JsonReader json, String source) throws IOException {
    expect(json, JsonToken.STRING, source, "one of f32, f64, i32, bool");
    final String label = json.nextString();
    return Arrays.stream(DType.values())
        .filter(type -> type.label().equals(label) && !type.isHalf())
        .findFirst()
        .orElseThrow(
            () ->
                wrong(
                    source,
                    json.getPreviousPath(),
                    '"' + label + '"',
                    "one of f32, f64, i32, bool"));
  }
}
