package io.steelyard.papers.data;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.TensorFiles;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/**
 * Reads a set of MedMNIST: an {@code .npz} of {@code <part>_images}, {@code [N, 28, 28]} or {@code
 * [N, 28, 28, 3]}, and {@code <part>_labels}, {@code [N, 1]}, for the parts train, val and test.
 * The validation part is checked and not kept: nothing here is chosen on it.
 */
final class MedMnistReader {

  private static final int SIDE = 28;

  private MedMnistReader() {}

  /**
   * Reads a file.
   *
   * @param classes labels have to be in {@code [0, classes)}
   * @throws DataException if it is damaged; the message names the file, the place, what was found
   *     and what was expected
   */
  static Pictures read(Path file, int classes) {
    final Map<String, Tensor> arrays;
    try {
      arrays = TensorFiles.read(file, TensorFiles.Reading.of()).inputs();
    } catch (final IllegalArgumentException damage) {
      throw new DataException(damage.getMessage(), damage);
    }
    final LabelledImages train = part(file, arrays, "train", classes);
    final LabelledImages validation = part(file, arrays, "val", classes);
    final LabelledImages test = part(file, arrays, "test", classes);
    if (train.channels() != test.channels() || train.channels() != validation.channels()) {
      throw new DataException(
          "%s: found %d, %d and %d channels in train, val and test, expected one number"
              .formatted(file, train.channels(), validation.channels(), test.channels()));
    }
    return new Pictures(train, test);
  }

  private static LabelledImages part(
      Path file, Map<String, Tensor> arrays, String part, int classes) {
    final Tensor images = array(file, arrays, part + "_images");
    final Tensor labels = array(file, arrays, part + "_labels");
    final long[] shape = images.shape();
    final boolean grey = shape.length == 3;
    final boolean coloured = shape.length == 4 && shape[3] == 3;
    if (!(grey || coloured) || shape[0] < 1 || shape[1] != SIDE || shape[2] != SIDE) {
      throw new DataException(
          "%s: %s_images: found shape %s, expected [N, 28, 28] or [N, 28, 28, 3], N at least 1"
              .formatted(file, part, Arrays.toString(shape)));
    }
    if (labels.size() != shape[0]) {
      throw new DataException(
          "%s: %s_labels: found shape %s, expected [%d, 1], one for each image"
              .formatted(file, part, Arrays.toString(labels.shape()), shape[0]));
    }
    final int channels = grey ? 1 : 3;
    return new LabelledImages(
        planes(new Place(file, part + "_images"), images, channels),
        bytes(new Place(file, part + "_labels"), labels, classes - 1),
        channels,
        SIDE,
        SIDE,
        classes);
  }

  private static Tensor array(Path file, Map<String, Tensor> arrays, String name) {
    final Tensor array = arrays.get(name);
    if (array == null) {
      throw new DataException(
          "%s: found the arrays %s, expected %s".formatted(file, arrays.keySet(), name));
    }
    if (array.dtype() != DType.I32) {
      throw new DataException(
          "%s: %s: found %s, expected uint8".formatted(file, name, array.dtype().label()));
    }
    return array;
  }

  /** From numbers of a pixel side by side to planes. */
  private static byte[] planes(Place place, Tensor images, int channels) {
    final byte[] mixed = bytes(place, images, 255);
    if (channels == 1) {
      return mixed;
    }
    final byte[] planes = new byte[mixed.length];
    final int plane = SIDE * SIDE;
    final int size = channels * plane;
    for (int i = 0; i < mixed.length; i++) {
      final int inImage = i % size;
      planes[i - inImage + inImage % channels * plane + inImage / channels] = mixed[i];
    }
    return planes;
  }

  private static byte[] bytes(Place place, Tensor array, int highest) {
    final byte[] bytes = new byte[Math.toIntExact(array.size())];
    for (int i = 0; i < bytes.length; i++) {
      final int value = (int) array.getDouble(i);
      if (value < 0 || value > highest) {
        throw new DataException(
            "%s: %s[%d]: found %d, expected a number from 0 to %d"
                .formatted(place.file, place.array, i, value, highest));
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }

  /** Where a number stands, for messages. */
  private record Place(Path file, String array) {}
}
