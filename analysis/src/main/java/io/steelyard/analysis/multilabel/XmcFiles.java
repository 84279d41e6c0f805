package io.steelyard.analysis.multilabel;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PushbackInputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Reads the formats of the Extreme Classification Repository, plain or compressed with gzip:
 *
 * <ul>
 *   <li>text with a header ({@code instances features labels}) and one line an instance, its labels
 *       separated by commas, then {@code feature:value} pairs: {@link #readText};
 *   <li>one raw text a line ({@code trn_X.txt}, {@code Y.txt}): {@link #readLines};
 *   <li>labels as a sparse matrix of SciPy ({@code Y.trn.npz}, format csr): {@link #readCsr}.
 * </ul>
 *
 * <pre>{@code
 * MultilabelData train = XmcFiles.readText(Path.of("bibtex_train.txt.gz"));
 * SparseRows labels = XmcFiles.readCsr(Path.of("Y.trn.npz"));
 * List<String> texts = XmcFiles.readLines(Path.of("raw", "trn_X.txt"));
 * }</pre>
 */
public final class XmcFiles {

  private static final Pattern SHAPE = Pattern.compile("'shape': *\\(([0-9, ]*)\\)");
  private static final Pattern TYPE = Pattern.compile("'descr': *'([^']*)'");

  private XmcFiles() {}

  /**
   * Instances from text with a header.
   *
   * @throws IllegalArgumentException if a line is not as above; names file and line
   * @throws UncheckedIOException if the file cannot be read
   */
  public static MultilabelData readText(Path file) {
    try (BufferedReader reader = open(file)) {
      final String header = reader.readLine();
      final int[] extents = header(file, header == null ? "" : header);
      final Rows features = new Rows();
      final Rows labels = new Rows();
      int number = 1;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        number++;
        try {
          instance(line, features, labels);
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
          throw new IllegalArgumentException(
              file.getFileName()
                  + ", line "
                  + number
                  + " is '"
                  + line.substring(0, Math.min(line.length(), 60))
                  + "'; expected labels separated by commas, then feature:value pairs",
              e);
        }
      }
      if (features.count() != extents[0]) {
        throw new IllegalArgumentException(
            file.getFileName()
                + " has "
                + features.count()
                + " instances; expected "
                + extents[0]
                + ", as its header says");
      }
      return new MultilabelData(features.rows(extents[1]), labels.rows(extents[2]));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static int[] header(Path file, String line) {
    final String[] parts = line.trim().split("\\s+", -1);
    if (parts.length != 3 || !Arrays.stream(parts).allMatch(part -> part.matches("\\d{1,9}"))) {
      throw new IllegalArgumentException(
          file.getFileName()
              + " begins with '"
              + line
              + "'; expected the numbers of instances, features and labels");
    }
    return Arrays.stream(parts).mapToInt(Integer::parseInt).toArray();
  }

  /** A line that starts with a space has no labels. */
  private static void instance(String line, Rows features, Rows labels) {
    final String[] parts = line.stripTrailing().split(" ", -1);
    if (!parts[0].isEmpty()) {
      for (final String label : parts[0].split(",", -1)) {
        labels.add(Integer.parseInt(label), 1);
      }
    }
    labels.end();
    for (int i = 1; i < parts.length; i++) {
      final int colon = parts[i].indexOf(':');
      features.add(
          Integer.parseInt(parts[i].substring(0, colon)),
          Float.parseFloat(parts[i].substring(colon + 1)));
    }
    features.end();
  }

  /** Grows rows. */
  private static final class Rows {

    private final List<Integer> columns = new ArrayList<>();
    private final List<Float> values = new ArrayList<>();
    private final List<Integer> ends = new ArrayList<>();

    void add(int column, float value) {
      columns.add(column);
      values.add(value);
    }

    void end() {
      ends.add(columns.size());
    }

    int count() {
      return ends.size();
    }

    SparseRows rows(int width) {
      final float[] all = new float[values.size()];
      for (int i = 0; i < all.length; i++) {
        all[i] = values.get(i);
      }
      return new SparseRows(
          IntStream.concat(IntStream.of(0), ends.stream().mapToInt(Integer::intValue))
              .asLongStream()
              .toArray(),
          columns.stream().mapToInt(Integer::intValue).toArray(),
          all,
          width);
    }
  }

  /** The lines of a file in UTF-8. */
  public static List<String> readLines(Path file) {
    try (BufferedReader reader = open(file)) {
      return reader.lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /**
   * Hands over the lines of a file in UTF-8 one by one, for texts that together are larger than
   * memory.
   *
   * @throws UncheckedIOException if it cannot be read
   */
  public static void eachLine(Path file, Consumer<String> reader) {
    try (BufferedReader lines = open(file)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        reader.accept(line);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static BufferedReader open(Path file) throws IOException {
    final PushbackInputStream in = new PushbackInputStream(Files.newInputStream(file), 2);
    try {
      final byte[] start = in.readNBytes(2);
      in.unread(start);
      final boolean zipped = start.length == 2 && start[0] == 0x1f && start[1] == (byte) 0x8b;
      final InputStream plain = zipped ? new GZIPInputStream(in) : in;
      return new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8));
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  /**
   * A sparse matrix that SciPy has written with {@code save_npz} in format csr.
   *
   * @throws IllegalArgumentException if the file is none
   */
  public static SparseRows readCsr(Path file) {
    final Map<String, double[]> arrays = new HashMap<>();
    try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(file))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        final byte[] bytes = zip.readAllBytes();
        final String name = entry.getName().replaceFirst("\\.npy$", "");
        if (name.equals("format")) {
          final String format = new String(bytes, StandardCharsets.ISO_8859_1);
          if (!format.contains("csr")) {
            throw new IllegalArgumentException(
                file.getFileName() + " holds another format of sparse matrix; expected csr");
          }
        } else {
          arrays.put(name, array(file, name, bytes));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
    for (final String name : List.of("indptr", "indices", "data", "shape")) {
      if (!arrays.containsKey(name)) {
        throw new IllegalArgumentException(
            file.getFileName() + " has no array '" + name + "'; expected a csr matrix of SciPy");
      }
    }
    final double[] data = arrays.get("data");
    final float[] values = new float[data.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) data[i];
    }
    final long rows = (long) arrays.get("shape")[0];
    if (arrays.get("indptr").length != rows + 1) {
      throw new IllegalArgumentException(
          file.getFileName()
              + " has the starts of "
              + (arrays.get("indptr").length - 1)
              + " rows; expected "
              + rows
              + ", as its shape says");
    }
    return new SparseRows(
        Arrays.stream(arrays.get("indptr")).mapToLong(x -> (long) x).toArray(),
        Arrays.stream(arrays.get("indices")).mapToInt(x -> (int) x).toArray(),
        values,
        (int) arrays.get("shape")[1]);
  }

  /** An array of one axis; whole numbers below 2^53 and floats fit a double. */
  private static double[] array(Path file, String name, byte[] bytes) throws IOException {
    final String place = file.getFileName() + ", array '" + name + "'";
    if (bytes.length < 12 || bytes[0] != (byte) 0x93) {
      throw new IllegalArgumentException(place + " is not in NumPy's format");
    }
    final ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    final boolean old = bytes[6] == 1;
    final int length = old ? Short.toUnsignedInt(buffer.getShort(8)) : buffer.getInt(8);
    final int from = (old ? 10 : 12) + length;
    final InputStream in = new ByteArrayInputStream(bytes, old ? 10 : 12, length);
    final String header = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
    final Matcher shape = SHAPE.matcher(header);
    final Matcher type = TYPE.matcher(header);
    if (!shape.find() || !type.find()) {
      throw new IllegalArgumentException(place + " has the header '" + header + "'");
    }
    final int count =
        Arrays.stream(shape.group(1).split(",", -1))
            .filter(part -> !part.isBlank())
            .mapToInt(part -> Integer.parseInt(part.trim()))
            .reduce(1, Math::multiplyExact);
    final double[] values = new double[count];
    buffer.position(from);
    for (int i = 0; i < count; i++) {
      values[i] =
          switch (type.group(1)) {
            case "<i8" -> buffer.getLong();
            case "<i4" -> buffer.getInt();
            case "<f8" -> buffer.getDouble();
            case "<f4" -> buffer.getFloat();
            case "|i1", "|b1", "|u1" -> buffer.get();
            default ->
                throw new IllegalArgumentException(
                    place + " is of type " + type.group(1) + "; expected whole numbers or floats");
          };
    }
    return values;
  }
}
