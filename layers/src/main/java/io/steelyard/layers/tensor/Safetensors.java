package io.steelyard.layers.tensor;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.steelyard.kernels.tensor.Tensor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * A safetensors file with its metadata: the length of a header, the header in JSON, the numbers.
 * Tensors go through DJL's codec as those of {@link TensorFiles} do; the metadata, which that codec
 * skips, are read from and put into the header here. At most 2 GiB.
 *
 * <pre>{@code
 * Tensor weight = Tensor.of(new float[] {1, 2}, 2);
 * new Safetensors(Map.of("first.weight", weight), Map.of("step", "400")).write(file);
 * String step = Safetensors.read(file).metadata().get("step");
 * }</pre>
 *
 * @param tensors by name
 * @param metadata texts by name
 */
public record Safetensors(Map<String, Tensor> tensors, Map<String, String> metadata) {

  private static final String METADATA = "__metadata__";

  /** A byte array of the JVM, less room for a header. */
  private static final long MOST_BYTES = Integer.MAX_VALUE - (16L << 20);

  /** Copies the maps, keeping their order. */
  public Safetensors {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /**
   * Reads a file.
   *
   * @throws IllegalArgumentException if it is not a whole safetensors file
   * @throws UncheckedIOException if it cannot be read
   */
  public static Safetensors read(Path file) {
    final byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new UncheckedIOException("file " + file + " does not exist", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
    final Map<String, Tensor> tensors =
        TensorCodec.decode(
            new ByteArrayInputStream(bytes),
            TensorFormat.SAFETENSORS,
            file.toString(),
            TensorFiles.Reading.of());
    final Map<String, String> metadata = new LinkedHashMap<>();
    final JsonElement texts = header(bytes, file).get(METADATA);
    if (texts instanceof JsonObject object) {
      object.asMap().forEach((name, text) -> metadata.put(name, text(text, name, file)));
    }
    return new Safetensors(tensors, metadata);
  }

  /**
   * Writes a file, which appears whole or not at all.
   *
   * @throws IllegalArgumentException if the tensors have more than 2 GiB
   * @throws UncheckedIOException if it cannot be written
   */
  public void write(Path file) {
    checkSize(tensors.values());
    final byte[] encoded = TensorCodec.encode(TensorFormat.SAFETENSORS, tensors);
    final JsonObject header = new JsonObject();
    if (!metadata.isEmpty()) {
      final JsonObject texts = new JsonObject();
      new TreeMap<>(metadata).forEach(texts::addProperty);
      header.add(METADATA, texts);
    }
    // DJL's order of names comes from a hash map.
    new TreeMap<>(header(encoded, file).asMap()).forEach(header::add);
    final byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    // Spaces at the end, so that the numbers begin at a multiple of eight.
    final byte[] padded = Arrays.copyOf(text, Math.ceilDiv(text.length, Long.BYTES) * Long.BYTES);
    Arrays.fill(padded, text.length, padded.length, (byte) ' ');
    final byte[] length =
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(padded.length)
            .array();
    final int data = Long.BYTES + headerLength(encoded);
    AtomicFile.write(
        file,
        out -> {
          try {
            out.write(length);
            out.write(padded);
            out.write(encoded, data, encoded.length - data);
          } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file + ": " + e.getMessage(), e);
          }
        });
  }

  /** DJL keeps offsets in 32 bits. */
  static void checkSize(Collection<Tensor> tensors) {
    final long bytes =
        tensors.stream()
            .mapToLong(tensor -> Math.multiplyExact(tensor.size(), (long) tensor.dtype().bytes()))
            .sum();
    if (bytes > MOST_BYTES) {
      throw new IllegalArgumentException(
          "tensors have "
              + bytes
              + " bytes; expected at most "
              + MOST_BYTES
              + " for one safetensors file");
    }
  }

  /** The length is that of a file DJL has read or written, so it fits. */
  private static int headerLength(byte[] file) {
    return Math.toIntExact(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong());
  }

  private static JsonObject header(byte[] bytes, Path file) {
    try {
      return JsonParser.parseString(
              new String(bytes, Long.BYTES, headerLength(bytes), StandardCharsets.UTF_8))
          .getAsJsonObject();
    } catch (JsonParseException | IllegalStateException e) {
      throw new IllegalArgumentException(
          file + ": the header is not a JSON object (" + e.getMessage() + ")", e);
    }
  }

  private static String text(JsonElement element, String name, Path file) {
    if (element instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw new IllegalArgumentException(
        file + ": " + METADATA + "." + name + " is " + element + "; expected a text");
  }
}
