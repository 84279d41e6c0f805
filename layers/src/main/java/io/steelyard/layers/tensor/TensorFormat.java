package io.steelyard.layers.tensor;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** File formats for named tensors. */
public enum TensorFormat {
  /** Inputs and parameters, or outputs, as one JSON object; the only one that holds parameters. */
  JSON,
  /** One NumPy array without a name. */
  NPY,
  /** A zip of NumPy arrays, named. */
  NPZ,
  /** Named tensors after a JSON header. */
  SAFETENSORS;

  /** The file ending, for example {@code .npz}. */
  public String ending() {
    return "." + name().toLowerCase(Locale.ROOT);
  }

  /**
   * The format by a file's ending, whatever its case.
   *
   * @throws IllegalArgumentException if no format has it; the message lists the endings
   */
  public static TensorFormat of(Path file) {
    final String name = file.toString().toLowerCase(Locale.ROOT);
    return Arrays.stream(values())
        .filter(format -> name.endsWith(format.ending()))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "file is '"
                        + file
                        + "'; expected a name that ends in one of "
                        + Arrays.stream(values())
                            .map(TensorFormat::ending)
                            .collect(Collectors.joining(", "))));
  }
}
