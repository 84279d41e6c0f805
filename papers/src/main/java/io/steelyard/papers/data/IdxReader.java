package io.steelyard.papers.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads the IDX format of MNIST: a big-endian magic number (2051 for images, 2049 for labels), the
 * count, for images the height and the width, then unsigned bytes. Files may be gzipped or plain;
 * which one is seen from the content, not from the name.
 *
 * <p>Everything the header promises is checked: magic, positive sizes, enough bytes, no byte more,
 * labels in range, as many labels as images.
 */
public final class IdxReader {

  static final int IMAGES_MAGIC = 2051;
  static final int LABELS_MAGIC = 2049;

  private static final int GZIP_MARK = 0x1f8b;
  private static final int BUFFER = 1 << 16;

  private IdxReader() {}

  /**
   * Reads images and their labels.
   *
   * @param images file with magic 2051
   * @param labels file with magic 2049
   * @param classes labels have to be in {@code [0, classes)}
   * @throws DataException if a file is damaged or the two do not belong together; the message names
   *     the file, the place, what was found and what was expected
   * @throws UncheckedIOException if a file cannot be read
   */
  public static LabelledImages read(Path images, Path labels, int classes) {
    final Pixels pixels = readFile(images, IdxReader::pixels);
    final byte[] marks = readFile(labels, content -> labels(content, classes));
    if (marks.length != pixels.count()) {
      throw new DataException(
          labels
              + ": found "
              + marks.length
              + " labels, expected "
              + pixels.count()
              + ", one for each image in "
              + images.getFileName());
    }
    return new LabelledImages(pixels.bytes, marks, pixels.rows, pixels.columns, classes);
  }

  private static Pixels pixels(Content content) throws IOException {
    content.magic(IMAGES_MAGIC, "images");
    final int count = content.size("number of images", 0);
    final int rows = content.size("height", 1);
    final int columns = content.size("width", 1);
    final byte[] bytes = content.body((double) count * rows * columns, "pixels");
    content.end();
    return new Pixels(bytes, rows, columns);
  }

  private static byte[] labels(Content content, int classes) throws IOException {
    content.magic(LABELS_MAGIC, "labels");
    final int count = content.size("number of labels", 0);
    final long start = content.offset;
    final byte[] bytes = content.body(count, "labels");
    content.end();
    for (int index = 0; index < count; index++) {
      final int label = Byte.toUnsignedInt(bytes[index]);
      if (label >= classes) {
        throw content.wrong(start + index, "label " + label, "a label from 0 to " + (classes - 1));
      }
    }
    return bytes;
  }

  private static <T> T readFile(Path file, Parser<T> parser) {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file), BUFFER)) {
      raw.mark(2);
      final byte[] mark = raw.readNBytes(2);
      raw.reset();
      if (mark.length == 0) {
        throw new DataException(file + ": at byte 0: found an empty file, expected IDX data");
      }
      final boolean packed =
          mark.length == 2 && ((mark[0] & 0xff) << 8 | (mark[1] & 0xff)) == GZIP_MARK;
      if (!packed) {
        return parser.parse(new Content(file, raw, false));
      }
      try (InputStream unpacked = new GZIPInputStream(raw, BUFFER)) {
        return parser.parse(new Content(file, unpacked, true));
      }
    } catch (final ZipException | EOFException damage) {
      throw new DataException(
          file + ": found a damaged gzip header (" + damage.getMessage() + "), expected gzip data",
          damage);
    } catch (final IOException failure) {
      throw new UncheckedIOException("cannot read " + file, failure);
    }
  }

  @FunctionalInterface
  private interface Parser<T> {
    T parse(Content content) throws IOException;
  }

  private static final class Pixels {
    private final byte[] bytes;
    private final int rows;
    private final int columns;

    Pixels(byte[] bytes, int rows, int columns) {
      this.bytes = bytes;
      this.rows = rows;
      this.columns = columns;
    }

    int count() {
      return bytes.length / rows / columns;
    }
  }

  /** The unpacked bytes of a file, with the place reached so far for messages. */
  private static final class Content {
    private final Path file;
    private final InputStream stream;
    private final boolean packed;
    private long offset;

    Content(Path file, InputStream stream, boolean packed) {
      this.file = file;
      this.stream = stream;
      this.packed = packed;
    }

    void magic(int expected, String what) throws IOException {
      final int found = int32("magic number");
      if (found != expected) {
        final boolean notGzip = !packed && file.toString().endsWith(".gz");
        throw wrong(
            0,
            "magic number " + found + (notGzip ? " and no gzip header" : ""),
            expected + " (IDX " + what + ")");
      }
    }

    int size(String what, int least) throws IOException {
      final long place = offset;
      final int found = int32(what);
      if (found < least) {
        throw wrong(place, what + " " + found, "at least " + least);
      }
      return found;
    }

    /** Reads in steps, so that a damaged header cannot make it allocate more than the file has. */
    byte[] body(double size, String what) throws IOException {
      if (size > Integer.MAX_VALUE - 8) {
        throw wrong(
            offset, String.format(Locale.ROOT, "a header for %.0f bytes", size), "less than 2 GiB");
      }
      return bytes((int) size, what);
    }

    void end() throws IOException {
      final int extra = next(1).length;
      if (extra > 0) {
        throw wrong(offset, "further bytes", "the end, as the header says");
      }
    }

    DataException wrong(long place, String found, String expected) {
      return new DataException(
          file + ": at byte " + place + place() + ": found " + found + ", expected " + expected);
    }

    private int int32(String what) throws IOException {
      final byte[] bytes = bytes(4, what);
      return (bytes[0] & 0xff) << 24
          | (bytes[1] & 0xff) << 16
          | (bytes[2] & 0xff) << 8
          | (bytes[3] & 0xff);
    }

    private byte[] bytes(int size, String what) throws IOException {
      final byte[] bytes = next(size);
      if (bytes.length < size) {
        throw wrong(
            offset + bytes.length,
            "the end after " + bytes.length + " bytes of the " + what,
            size + " bytes");
      }
      offset += size;
      return bytes;
    }

    /** Up to this many bytes; a gzip stream that breaks off is reported where it does. */
    private byte[] next(int size) throws IOException {
      final byte[] buffer = new byte[Math.min(size, BUFFER)];
      byte[] bytes = new byte[0];
      int length = 0;
      try {
        while (length < size) {
          final int read = stream.read(buffer, 0, Math.min(size - length, buffer.length));
          if (read < 0) {
            break;
          }
          if (length + read > bytes.length) {
            final long doubled = Math.max(2L * bytes.length, length + (long) read);
            bytes = Arrays.copyOf(bytes, (int) Math.min(doubled, size));
          }
          System.arraycopy(buffer, 0, bytes, length, read);
          length += read;
        }
      } catch (final ZipException | EOFException damage) {
        throw new DataException(
            file
                + ": at byte "
                + (offset + length)
                + place()
                + ": found a damaged or truncated gzip stream ("
                + damage.getMessage()
                + "), expected intact gzip data",
            damage);
      }
      return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
    }

    private String place() {
      return packed ? " of the unpacked content" : "";
    }
  }
}
