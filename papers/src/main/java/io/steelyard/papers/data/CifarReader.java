package io.steelyard.papers.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads the binary form of CIFAR: records of one length, each the label bytes and 3,072 pixels, the
 * red, green and blue plane of 32 x 32 one after the other. CIFAR-10 has one label byte, CIFAR-100
 * two, of which the last is the class that papers mean.
 */
final class CifarReader {

  private static final int CHANNELS = 3;
  private static final int SIDE = 32;
  private static final int PIXELS = CHANNELS * SIDE * SIDE;

  private CifarReader() {}

  /**
   * Reads files in order as one set.
   *
   * @param labelBytes before the pixels of a picture; the last one is its label
   * @param classes labels have to be in {@code [0, classes)}
   * @throws DataException if a file is damaged; the message names the file, the place, what was
   *     found and what was expected
   */
  static LabelledImages read(List<Path> files, int labelBytes, int classes) {
    final List<byte[]> contents = files.stream().map(file -> whole(file, labelBytes)).toList();
    final int length = labelBytes + PIXELS;
    final int count = contents.stream().mapToInt(content -> content.length / length).sum();
    final byte[] pixels = new byte[Math.multiplyExact(count, PIXELS)];
    final byte[] labels = new byte[count];
    int picture = 0;
    for (int file = 0; file < contents.size(); file++) {
      final byte[] content = contents.get(file);
      for (int start = 0; start < content.length; start += length) {
        final int place = start + labelBytes - 1;
        final int label = Byte.toUnsignedInt(content[place]);
        if (label >= classes) {
          throw new DataException(
              "%s: at byte %d: found label %d, expected a label from 0 to %d"
                  .formatted(files.get(file), place, label, classes - 1));
        }
        labels[picture] = content[place];
        System.arraycopy(content, start + labelBytes, pixels, picture * PIXELS, PIXELS);
        picture++;
      }
    }
    return new LabelledImages(pixels, labels, CHANNELS, SIDE, SIDE, classes);
  }

  private static byte[] whole(Path file, int labelBytes) {
    final byte[] content;
    try {
      content = Files.readAllBytes(file);
    } catch (final IOException failure) {
      throw new UncheckedIOException("cannot read " + file, failure);
    }
    final int length = labelBytes + PIXELS;
    if (content.length == 0 || content.length % length != 0) {
      throw new DataException(
          "%s: at byte %d: found the end, expected a whole number of pictures of %d bytes, at least 1"
              .formatted(file, content.length, length));
    }
    return content;
  }
}
