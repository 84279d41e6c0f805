package io.steelyard.papers.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.StreamSupport;
import us.hebi.matlab.mat.format.Mat5;
import us.hebi.matlab.mat.types.MatFile;
import us.hebi.matlab.mat.types.MatlabType;
import us.hebi.matlab.mat.types.Matrix;
import us.hebi.matlab.mat.types.Source;
import us.hebi.matlab.mat.types.Sources;

/**
 * Reads the cropped digits of SVHN: MATLAB 5 files with {@code X}, uint8 {@code [32, 32, 3, N]} in
 * MATLAB's order (rows run fastest), and {@code y}, {@code [N, 1]}, in which 10 is the digit 0.
 */
final class SvhnReader {

  private static final int SIDE = 32;
  private static final int CHANNELS = 3;
  private static final int CLASSES = 10;

  private SvhnReader() {}

  /**
   * Reads a file.
   *
   * @throws DataException if it is damaged; the message names the file, the place, what was found
   *     and what was expected
   */
  static LabelledImages read(Path file) {
    if (!Files.isReadable(file)) {
      throw new UncheckedIOException(
          "cannot read " + file, new NoSuchFileException(file.toString()));
    }
    try (Source source = Sources.openFile(file.toFile());
        MatFile content = Mat5.newReader(source).readMat()) {
      final Matrix pixels = matrix(file, content, "X");
      final Matrix labels = matrix(file, content, "y");
      final int[] size = pixels.getDimensions();
      final boolean fits =
          size.length == 4
              && size[0] == SIDE
              && size[1] == SIDE
              && size[2] == CHANNELS
              && size[3] > 0;
      if (!fits || pixels.getType() != MatlabType.UInt8) {
        throw new DataException(
            "%s: X: found %s %s, expected uint8 [32, 32, 3, N], N at least 1"
                .formatted(file, pixels.getType(), Arrays.toString(size)));
      }
      final int count = size[3];
      if (labels.getNumElements() != count) {
        throw new DataException(
            "%s: y: found %d labels, expected %d, one for each picture of X"
                .formatted(file, labels.getNumElements(), count));
      }
      return new LabelledImages(
          planes(pixels, count), digits(file, labels), CHANNELS, SIDE, SIDE, CLASSES);
    } catch (final IOException | IndexOutOfBoundsException | BufferUnderflowException damage) {
      throw damaged(file, damage);
    } catch (final IllegalArgumentException | IllegalStateException damage) {
      throw damaged(file, damage);
    }
  }

  private static DataException damaged(Path file, Exception damage) {
    return new DataException(
        file + ": found a damaged file (" + damage + "), expected a whole MATLAB 5 file", damage);
  }

  private static Matrix matrix(Path file, MatFile content, String name) {
    return StreamSupport.stream(content.getEntries().spliterator(), false)
        .filter(entry -> entry.getName().equals(name))
        .map(MatFile.Entry::getValue)
        .filter(Matrix.class::isInstance)
        .map(Matrix.class::cast)
        .findFirst()
        .orElseThrow(
            () ->
                new DataException(
                    "%s: found the entries %s, expected a numeric matrix %s"
                        .formatted(
                            file,
                            StreamSupport.stream(content.getEntries().spliterator(), false)
                                .map(MatFile.Entry::getName)
                                .toList(),
                            name)));
  }

  private static byte[] planes(Matrix pixels, int count) {
    final int size = SIDE * SIDE * CHANNELS;
    final byte[] planes = new byte[Math.multiplyExact(count, size)];
    int from = 0;
    for (int plane = 0; plane < count * CHANNELS; plane++) {
      for (int column = 0; column < SIDE; column++) {
        for (int row = 0; row < SIDE; row++) {
          planes[(plane * SIDE + row) * SIDE + column] = (byte) pixels.getInt(from++);
        }
      }
    }
    return planes;
  }

  private static byte[] digits(Path file, Matrix labels) {
    final byte[] digits = new byte[labels.getNumElements()];
    for (int i = 0; i < digits.length; i++) {
      final double label = labels.getDouble(i);
      if (!(label >= 1 && label <= CLASSES) || label != Math.rint(label)) {
        throw new DataException(
            "%s: y[%d]: found label %s, expected a whole number from 1 to 10"
                .formatted(file, i, label));
      }
      digits[i] = (byte) ((int) label % CLASSES);
    }
    return digits;
  }
}
