package io.steelyard.papers.data;

import io.steelyard.layers.tensor.TensorFiles;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
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
    final Map<String, TensorFiles.Bytes> arrays;
    try {
      arrays = TensorFiles.readBytes(file);
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
      Path file, Map<String, TensorFiles.Bytes> arrays, String part, int classes) {
    final TensorFiles.Bytes images = array(file, arrays, part + "_images");
    final TensorFiles.Bytes labels = array(file, arrays, part + "_labels");
    final List<Long> shape = images.shape();
    final boolean grey = shape.size() == 3;
    final boolean coloured = shape.size() == 4 && shape.get(3) == 3;
    if (!(grey || coloured) || shape.get(0) < 1 || shape.get(1) != SIDE || shape.get(2) != SIDE) {
      throw new DataException(
          "%s: %s_images: found shape %s, expected [N, 28, 28] or [N, 28, 28, 3], N at least 1"
              .formatted(file, part, shape));
    }
    if (labels.content().remaining() != shape.getFirst()) {
      throw new DataException(
          "%s: %s_labels: found shape %s, expected [%d, 1], one for each image"
              .formatted(file, part, labels.shape(), shape.getFirst()));
    }
    final int channels = grey ? 1 : 3;
    return new LabelledImages(
        planes(images.content(), channels),
        classes(file, part, labels.content(), classes),
        channels,
        SIDE,
        SIDE,
        classes);
  }

  private static TensorFiles.Bytes array(
      Path file, Map<String, TensorFiles.Bytes> arrays, String name) {
    final TensorFiles.Bytes array = arrays.get(name);
    if (array == null) {
      throw new DataException(
          "%s: found the arrays %s, expected %s".formatted(file, arrays.keySet(), name));
    }
    return array;
  }

  /** From numbers of a pixel side by side to planes. */
  private static byte[] planes(ByteBuffer mixed, int channels) {
    final byte[] planes = new byte[mixed.remaining()];
    final int plane = SIDE * SIDE;
    final int size = channels * plane;
    for (int i = 0; i < planes.length; i++) {
      final int inImage = i % size;
      planes[i - inImage + inImage % channels * plane + inImage / channels] =
          mixed.get(mixed.position() + i);
    }
    return planes;
  }

  private static byte[] classes(Path file, String part, ByteBuffer labels, int classes) {
    final byte[] bytes = new byte[labels.remaining()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = labels.get(labels.position() + i);
      if (Byte.toUnsignedInt(bytes[i]) >= classes) {
        throw new DataException(
            "%s: %s_labels[%d]: found %d, expected a number from 0 to %d"
                .formatted(file, part, i, Byte.toUnsignedInt(bytes[i]), classes - 1));
      }
    }
    return bytes;
  }
}
