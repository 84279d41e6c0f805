package io.steelyard.layers.tensor;

import com.google.gson.stream.JsonReader;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The elements of one tensor as read from JSON, kept as text until the type is known, so that each
 * is rounded once.
 */
final class Elements {

  private static final String NUMBER = "a number, \"NaN\", \"Infinity\" or \"-Infinity\"";
  private static final int NO_LEAF_YET = -1;

  private final String source;
  private final List<String> texts = new ArrayList<>();
  private final List<Long> extents = new ArrayList<>();
  private int leafDepth = NO_LEAF_YET;

  Elements(String source) {
    this.source = source;
  }

  /** Reads one value or array of values; arrays side by side must have the same length. */
  void element(JsonReader json, int depth) throws IOException {
    switch (json.peek()) {
      case BEGIN_ARRAY -> array(json, depth);
      case NUMBER -> leaf(json.nextString(), json, depth);
      case BOOLEAN -> leaf(Boolean.toString(json.nextBoolean()), json, depth);
      case STRING -> {
        final String text = json.nextString();
        if (!List.of("NaN", "Infinity", "-Infinity").contains(text)) {
          throw TensorJson.wrong(source, json.getPreviousPath(), '"' + text + '"', NUMBER);
        }
        leaf(text, json, depth);
      }
      default ->
          throw TensorJson.wrong(source, json.getPath(), TensorJson.words(json.peek()), NUMBER);
    }
  }

  /** The shape given, if the data fit it flat or nested; else the nesting itself. */
  long[] shaped(Optional<long[]> given, String path) {
    final long[] nesting = extents.stream().mapToLong(Long::longValue).toArray();
    if (given.isEmpty()) {
      return nesting;
    }
    final long[] shape = given.get();
    final long size = size(shape, path);
    final boolean flat = nesting.length == 1 && nesting[0] == size;
    final boolean nested = Arrays.equals(nesting, shape);
    // Nothing can be nested in an axis of extent 0, so the nesting stops there.
    final boolean emptyNested =
        size == 0
            && texts.isEmpty()
            && nesting.length <= shape.length
            && Arrays.equals(nesting, Arrays.copyOf(shape, nesting.length));
    if (!flat && !nested && !emptyNested) {
      throw TensorJson.wrong(
          source,
          path + ".data",
          nesting.length <= 1 ? texts.size() + " values" : "nested as " + Arrays.toString(nesting),
          size + " values, flat or nested as " + Arrays.toString(shape));
    }
    return shape;
  }

  /** The elements rounded once to {@code dtype}. */
  Tensor tensor(DType dtype, long[] shape, String path) {
    final int length = texts.size();
    return switch (dtype) {
      case F32 -> {
        final float[] values = new float[length];
        for (int i = 0; i < length; i++) {
          final String text = number(i, dtype, path);
          values[i] = Float.parseFloat(text);
          checkRange(Float.isInfinite(values[i]), text, i, dtype, path);
        }
        yield Tensor.of(values, shape);
      }
      case F64 -> {
        final double[] values = new double[length];
        for (int i = 0; i < length; i++) {
          final String text = number(i, dtype, path);
          values[i] = Double.parseDouble(text);
          checkRange(Double.isInfinite(values[i]), text, i, dtype, path);
        }
        yield Tensor.of(values, shape);
      }
      case I32 -> {
        final int[] values = new int[length];
        for (int i = 0; i < length; i++) {
          final double value = Double.parseDouble(number(i, dtype, path));
          values[i] = (int) value;
          if (values[i] != value) {
            throw wrong(i, path, "a whole number that fits 32 bits (dtype i32)");
          }
        }
        yield Tensor.of(values, shape);
      }
      case F16, BF16 ->
          throw new IllegalArgumentException(
              source + ": dtype is " + dtype.label() + "; expected one of f32, f64, i32, bool");
      case BOOL -> {
        final boolean[] values = new boolean[length];
        for (int i = 0; i < length; i++) {
          values[i] =
              switch (texts.get(i)) {
                case "true", "1" -> true;
                case "false", "0" -> false;
                default -> throw wrong(i, path, "true, false, 1 or 0 (dtype bool)");
              };
        }
        yield Tensor.of(values, shape);
      }
    };
  }

  private void array(JsonReader json, int depth) throws IOException {
    if (leafDepth != NO_LEAF_YET && depth >= leafDepth) {
      throw ragged(json.getPath(), "an array beside numbers");
    }
    if (depth == extents.size()) {
      extents.add(-1L);
    }
    json.beginArray();
    long length = 0;
    while (json.hasNext()) {
      element(json, depth + 1);
      length++;
    }
    json.endArray();
    final long before = extents.get(depth);
    if (before >= 0 && before != length) {
      throw ragged(
          json.getPreviousPath(), "of length " + length + " beside others of length " + before);
    }
    extents.set(depth, length);
  }

  private void leaf(String text, JsonReader json, int depth) {
    if (leafDepth == NO_LEAF_YET) {
      leafDepth = depth;
    }
    if (leafDepth != depth || extents.size() > depth) {
      throw ragged(json.getPreviousPath(), text + " beside arrays");
    }
    texts.add(text);
  }

  private String number(int i, DType dtype, String path) {
    final String text = texts.get(i);
    if (text.equals("true") || text.equals("false")) {
      throw wrong(i, path, NUMBER + " (dtype " + dtype.label() + ")");
    }
    return text;
  }

  private void checkRange(boolean infinite, String text, int i, DType dtype, String path) {
    if (infinite && !text.endsWith("Infinity")) {
      throw wrong(i, path, "a number in the range of " + dtype.label() + ", or \"Infinity\"");
    }
  }

  private long size(long[] shape, String path) {
    try {
      return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    } catch (ArithmeticException e) {
      throw TensorJson.wrong(
          source, path + ".shape", Arrays.toString(shape), "a shape that fits memory");
    }
  }

  private IllegalArgumentException wrong(int flat, String path, String expected) {
    final StringBuilder place = new StringBuilder();
    long rest = flat;
    for (int axis = extents.size() - 1; axis >= 0; axis--) {
      place.insert(0, "[" + rest % extents.get(axis) + "]");
      rest /= extents.get(axis);
    }
    return TensorJson.wrong(source, path + ".data" + place, texts.get(flat), expected);
  }

  private IllegalArgumentException ragged(String path, String is) {
    return TensorJson.wrong(source, path, is, "arrays of equal length and depth");
  }
}
