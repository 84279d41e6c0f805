package io.steelyard.layers.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.tensor.Safetensors;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.zip.CRC32C;

/**
 * Everything a {@link Training} knows, in one safetensors file: arrays by name ({@code
 * parameter.first.weight}, {@code mean.first.weight}, ...), and in the metadata the options, the
 * step, the state of the early stop and a checksum of the arrays.
 */
final class Checkpoint {

  private static final String FORMAT = "format";
  private static final String FORMAT_NAME = "steelyard training 1";
  private static final String STEP = "step";
  private static final String BEST = "best";
  private static final String BEST_STEP = "best step";
  private static final String SINCE_BEST = "since best";
  private static final String CHECKSUM = "crc32c";

  /**
   * What goes into a file beside the arrays.
   *
   * @param options in words, by name: those that have to be the same for an exact resume
   * @param step steps done
   */
  record Header(Map<String, String> options, long step, EarlyStop.State early) {}

  private Checkpoint() {}

  static void write(Path file, Header header, Map<String, NDArray> arrays, NDManager scope) {
    final Map<String, Tensor> tensors = new LinkedHashMap<>();
    arrays.forEach(
        (name, array) -> {
          final NDArray alias = array.stopGradient();
          alias.attach(scope);
          tensors.put(name, NDArrayTensors.tensor(alias));
        });
    final Map<String, String> metadata = new LinkedHashMap<>(header.options());
    metadata.put(FORMAT, FORMAT_NAME);
    metadata.put(STEP, Long.toString(header.step()));
    metadata.put(BEST, Double.toString(header.early().best()));
    metadata.put(BEST_STEP, Long.toString(header.early().step()));
    metadata.put(SINCE_BEST, Integer.toString(header.early().since()));
    metadata.put(CHECKSUM, checksum(tensors));
    new Safetensors(tensors, metadata).write(file);
  }

  /**
   * A file that was read and is whole, but may belong to another training.
   *
   * @param file where it was read, for messages
   */
  record Contents(Path file, Header header, Map<String, Tensor> tensors) {

    /** Refuses the file if options or arrays differ; the message names what. */
    void check(Map<String, String> options, Map<String, NDArray> arrays) {
      final List<String> differences = new ArrayList<>();
      options.forEach(
          (name, here) -> {
            final String there = header.options().getOrDefault(name, "not there");
            if (!there.equals(here)) {
              differences.add(name + " is " + there + " in the file and " + here + " here");
            }
          });
      final Map<String, Shape> shapes = new LinkedHashMap<>();
      arrays.forEach((name, array) -> shapes.put(name, array.getShape()));
      differences.addAll(ParameterFiles.differences(shapes, tensors));
      arrays.forEach(
          (name, array) -> {
            final Tensor tensor = tensors.get(name);
            if (tensor != null && NDArrayTensors.dataType(tensor.dtype()) != array.getDataType()) {
              differences.add(
                  "'"
                      + name
                      + "' is "
                      + tensor.dtype().label()
                      + ", expected "
                      + array.getDataType());
            }
          });
      if (!differences.isEmpty()) {
        throw new IllegalArgumentException(
            "checkpoint "
                + file
                + " is of another training: "
                + String.join("; ", differences)
                + ". Parameters alone are read with ParameterFiles");
      }
    }
  }

  /**
   * Reads a file.
   *
   * @throws IllegalArgumentException if it is damaged or no checkpoint
   */
  static Contents read(Path file) {
    final Safetensors read = Safetensors.read(file);
    final Map<String, String> metadata = new LinkedHashMap<>(read.metadata());
    final String format = metadata.remove(FORMAT);
    if (!FORMAT_NAME.equals(format)) {
      throw new IllegalArgumentException(
          file
              + " is no checkpoint of a training: its format is "
              + (format == null ? "not given" : "'" + format + "'")
              + "; expected '"
              + FORMAT_NAME
              + "'");
    }
    final String stored = text(metadata, CHECKSUM, file);
    final String computed = checksum(read.tensors());
    if (!stored.equals(computed)) {
      throw new IllegalArgumentException(
          "checkpoint "
              + file
              + " is damaged: the checksum of its arrays is "
              + computed
              + "; expected "
              + stored);
    }
    final long step = number(metadata, STEP, file, Long::valueOf);
    final EarlyStop.State early =
        new EarlyStop.State(
            number(metadata, BEST, file, Double::valueOf),
            number(metadata, BEST_STEP, file, Long::valueOf),
            number(metadata, SINCE_BEST, file, Integer::valueOf));
    return new Contents(file, new Header(metadata, step, early), read.tensors());
  }

  private static String text(Map<String, String> metadata, String name, Path file) {
    final String text = metadata.remove(name);
    if (text == null) {
      throw new IllegalArgumentException(
          "checkpoint " + file + " is damaged: '" + name + "' is missing in its metadata");
    }
    return text;
  }

  private static <N> N number(
      Map<String, String> metadata, String name, Path file, Function<String, N> parser) {
    final String text = text(metadata, name, file);
    try {
      return parser.apply(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "checkpoint " + file + " is damaged: '" + name + "' is '" + text + "'; expected a number",
          e);
    }
  }

  /** Of names and bytes, in the order of the names. */
  private static String checksum(Map<String, Tensor> tensors) {
    final CRC32C sum = new CRC32C();
    new TreeMap<>(tensors)
        .forEach(
            (name, tensor) -> {
              name.chars().forEach(sum::update);
              sum.update(bytes(tensor));
            });
    return Long.toHexString(sum.getValue());
  }

  private static byte[] bytes(Tensor tensor) {
    final DType dtype = tensor.dtype();
    final MemorySegment memory =
        tensor.memory().asSlice(tensor.offset() * dtype.bytes(), tensor.size() * dtype.bytes());
    return memory.toArray(ValueLayout.JAVA_BYTE);
  }
}
