package io.steelyard.layers.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.util.Pair;
import io.steelyard.kernels.tensor.Tensor;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Parameters of a block as a safetensors file, under dotted names that stay the same when a block
 * is built again: {@code first.weight}, {@code layers.0.attention.query.bias}.
 *
 * <p>A parameter is called by its path: the names of the blocks around it without DJL's numbers,
 * then its own. Several children of one name are numbered from 0 ({@code layers.0}, {@code
 * layers.1}); children of a {@link SequentialBlock} or {@link ParallelBlock} are called by their
 * position, as in PyTorch. A parameter or block used twice goes by its first name.
 *
 * <p>DJL's own format ({@link Block#saveParameters}, {@code Model.save}) works as well, also for
 * blocks that are being trained.
 *
 * <pre>{@code
 * ConvNet net = new ConvNet(ConvNetConfiguration.SMALL, random);
 * net.initialize(manager, DataType.FLOAT32, net.inputShape(1));
 * ParameterFiles.write(file, net);
 * ParameterFiles.read(file, net);
 * }</pre>
 */
public final class ParameterFiles {

  private ParameterFiles() {}

  /** All parameters of a block by name, trained or not, in the block's order. */
  public static SequencedMap<String, Parameter> named(Block block) {
    final SequencedMap<String, Parameter> named = new LinkedHashMap<>();
    collect("", block, named, Collections.newSetFromMap(new IdentityHashMap<>()));
    return named;
  }

  private static void collect(
      String path, Block block, Map<String, Parameter> named, Set<Parameter> seen) {
    for (final Pair<String, Parameter> parameter : block.getDirectParameters()) {
      if (seen.add(parameter.getValue())) {
        final String name = path + parameter.getKey();
        if (named.put(name, parameter.getValue()) != null) {
          throw new IllegalArgumentException(
              "block has two parameters called '" + name + "'; expected names that differ");
        }
      }
    }
    final List<String> names = children(block);
    for (int i = 0; i < names.size(); i++) {
      collect(path + names.get(i) + ".", block.getChildren().valueAt(i), named, seen);
    }
  }

  private static List<String> children(Block block) {
    final List<String> names = new ArrayList<>();
    for (final Pair<String, Block> child : block.getChildren()) {
      // AbstractBlock puts the position, from 1 and in at least two digits, before the name.
      final String number = String.format(Locale.ROOT, "%02d", names.size() + 1);
      final String key = child.getKey();
      names.add(key.startsWith(number) ? key.substring(number.length()) : key);
    }
    if (block instanceof SequentialBlock || block instanceof ParallelBlock) {
      names.replaceAll(_ -> "");
    }
    final List<String> distinct = new ArrayList<>();
    for (final String name : names) {
      final String number = Integer.toString(Collections.frequency(prefix(names, distinct), name));
      if (name.isEmpty()) {
        distinct.add(number);
      } else {
        distinct.add(Collections.frequency(names, name) > 1 ? name + "." + number : name);
      }
    }
    return distinct;
  }

  private static List<String> prefix(List<String> names, List<String> done) {
    return names.subList(0, done.size());
  }

  /**
   * Writes all parameters of an initialized block, each in its own type; the file appears whole or
   * not at all.
   *
   * @throws IllegalArgumentException if a parameter is not initialized
   * @throws UncheckedIOException if the file cannot be written
   */
  public static void write(Path file, Block block) {
    final Map<String, Parameter> named = named(block);
    named.forEach(ParameterFiles::checkInitialized);
    final NDManager manager =
        named.values().stream()
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("block has no parameters"))
            .getArray()
            .getManager();
    try (NDManager scope = manager.newSubManager()) {
      final Map<String, NDArray> arrays = new LinkedHashMap<>();
      named.forEach(
          (name, parameter) -> {
            final NDArray alias = parameter.getArray().stopGradient();
            alias.attach(scope);
            arrays.put(name, alias);
          });
      new Safetensors(tensors(arrays), Map.of()).write(file);
    }
  }

  /** Tensors that share the memory of the arrays where they can. */
  private static Map<String, Tensor> tensors(Map<String, NDArray> arrays) {
    final Map<String, Tensor> tensors = new LinkedHashMap<>();
    arrays.forEach((name, array) -> tensors.put(name, NDArrayTensors.tensor(array)));
    return tensors;
  }

  /**
   * Sets all parameters of an initialized block from a file, by whatever tool it was written.
   * Numbers are converted to the type of the parameter (float16 and bfloat16 are read too). Nothing
   * is changed if the file does not fit.
   *
   * @throws IllegalArgumentException if the file is damaged, names other parameters than the block
   *     has, or has one of another shape; the message lists what differs
   * @throws UncheckedIOException if it cannot be read
   */
  public static void read(Path file, Block block) {
    final Map<String, Parameter> named = named(block);
    named.forEach(ParameterFiles::checkInitialized);
    final Map<String, Tensor> tensors = Safetensors.read(file).tensors();
    final Map<String, Shape> expected = new LinkedHashMap<>();
    named.forEach((name, parameter) -> expected.put(name, parameter.getArray().getShape()));
    final List<String> differences = differences(expected, tensors);
    if (!differences.isEmpty()) {
      throw new IllegalArgumentException(
          file + " does not fit the block: " + String.join("; ", differences));
    }
    named.forEach(
        (name, parameter) -> NDArrayTensors.copy(tensors.get(name), parameter.getArray()));
  }

  /**
   * In words, how tensors differ from what is expected in names and shapes.
   *
   * @param expected shapes by name
   * @param found tensors by name
   * @return one sentence for each difference; empty if there is none
   */
  public static List<String> differences(Map<String, Shape> expected, Map<String, Tensor> found) {
    final List<String> differences = new ArrayList<>();
    expected.forEach(
        (name, shape) -> {
          final Tensor tensor = found.get(name);
          if (tensor == null) {
            differences.add("'" + name + "' is missing");
          } else if (!new Shape(tensor.shape()).equals(shape)) {
            differences.add(
                "'" + name + "' is " + new Shape(tensor.shape()) + ", expected " + shape);
          }
        });
    final Set<String> strangers = new HashSet<>(found.keySet());
    strangers.removeAll(expected.keySet());
    strangers.stream().sorted().forEach(name -> differences.add("'" + name + "' is not expected"));
    return differences;
  }

  private static void checkInitialized(String name, Parameter parameter) {
    if (!parameter.isInitialized()) {
      throw new IllegalArgumentException(
          "parameter '" + name + "' is not initialized; expected an initialized block");
    }
  }
}
