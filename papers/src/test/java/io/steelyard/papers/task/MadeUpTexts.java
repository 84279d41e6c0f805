package io.steelyard.papers.task;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A folder of the Extreme Classification Repository whose texts share words with their labels. */
public final class MadeUpTexts {

  /** Texts of labels. */
  public static final List<String> LABELS =
      List.of(
          "Apple, Orchard",
          "Boat Harbour",
          "Café Espresso",
          "Desert Camel",
          "Engine Piston",
          "Forest Timber");

  /** Training texts. */
  public static final int TRAIN = 24;

  /** Test texts. */
  public static final int TEST = 12;

  private MadeUpTexts() {}

  /** The labels of a text: one, and for every other text the next but one as well. */
  public static int[] labels(int text) {
    final int own = text % LABELS.size();
    return text % 2 == 0
        ? new int[] {own}
        : IntStream.of(own, (own + 2) % LABELS.size()).sorted().toArray();
  }

  private static String text(int number) {
    final StringBuilder text = new StringBuilder("word" + number % 5);
    for (final int label : labels(number)) {
      text.append(' ').append(LABELS.get(label));
    }
    return text.toString();
  }

  private static List<String> texts(int from, int count) {
    return IntStream.range(from, from + count).mapToObj(MadeUpTexts::text).toList();
  }

  private static List<int[]> labels(int from, int count) {
    return IntStream.range(from, from + count).mapToObj(MadeUpTexts::labels).toList();
  }

  /** Writes a set; returns its folder. */
  public static Path write(Path root, String name) {
    try {
      final Path folder = root.resolve(name);
      final Path raw = Files.createDirectories(folder.resolve("raw"));
      Files.write(raw.resolve("trn_X.txt"), texts(0, TRAIN));
      Files.write(raw.resolve("tst_X.txt"), texts(TRAIN + 1, TEST));
      Files.write(raw.resolve("Y.txt"), LABELS);
      matrix(folder.resolve("Y.trn.npz"), labels(0, TRAIN), LABELS.size());
      matrix(folder.resolve("Y.tst.npz"), labels(TRAIN + 1, TEST), LABELS.size());
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a sparse matrix of ones as SciPy does. */
  public static void matrix(Path file, List<int[]> rows, int width) throws IOException {
    final List<Integer> indices = new ArrayList<>();
    final List<Integer> starts = new ArrayList<>(List.of(0));
    for (final int[] row : rows) {
      IntStream.of(row).forEach(indices::add);
      starts.add(indices.size());
    }
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      array(zip, "indices", "<i4", indices);
      array(zip, "indptr", "<i4", starts);
      entry(zip, "format", "|S3", "()", "csr".getBytes(StandardCharsets.ISO_8859_1));
      array(zip, "shape", "<i4", List.of(rows.size(), width));
      array(zip, "data", "<i4", indices.stream().map(_ -> 1).toList());
    }
  }

  private static void array(ZipOutputStream zip, String name, String type, List<Integer> values)
      throws IOException {
    final ByteBuffer bytes = ByteBuffer.allocate(4 * values.size()).order(ByteOrder.LITTLE_ENDIAN);
    values.forEach(bytes::putInt);
    entry(zip, name, type, "(" + values.size() + ",)", bytes.array());
  }

  private static void entry(
      ZipOutputStream zip, String name, String type, String shape, byte[] data) throws IOException {
    final byte[] header =
        "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n"
            .formatted(type, shape)
            .getBytes(StandardCharsets.ISO_8859_1);
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(0x93);
    out.writeBytes("NUMPY".getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(new byte[] {1, 0, (byte) header.length, 0});
    out.writeBytes(header);
    out.writeBytes(data);
    zip.putNextEntry(new ZipEntry(name + ".npy"));
    zip.write(out.toByteArray());
    zip.closeEntry();
  }
}
