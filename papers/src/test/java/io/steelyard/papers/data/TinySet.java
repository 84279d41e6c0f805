package io.steelyard.papers.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;

/** A data set of a few random images, the same in every process, to resolve and download. */
final class TinySet {

  static final int TRAIN = 60;
  static final int TEST = 20;
  static final int SIDE = 28;

  private final Map<String, byte[]> contents = new LinkedHashMap<>();

  TinySet() {
    final SplittableRandom random = new SplittableRandom(5);
    contents.put("train-images.gz", gzip(images(TRAIN, random)));
    contents.put("train-labels.gz", gzip(labels(TRAIN)));
    contents.put("test-images.gz", gzip(images(TEST, random)));
    contents.put("test-labels.gz", gzip(labels(TEST)));
  }

  /** The descriptor, to be downloaded from these addresses. */
  DataSet set(URI... addresses) {
    final List<DataFile> files =
        contents.entrySet().stream().map(entry -> file(entry.getKey(), entry.getValue())).toList();
    return new DataSet(
        "tiny",
        "Tiny",
        List.of("a", "b", "c", "d"),
        files.get(0),
        files.get(1),
        files.get(2),
        files.get(3),
        List.of(addresses),
        "none",
        "nobody");
  }

  /** The bytes of each file by name. */
  Map<String, byte[]> contents() {
    return contents;
  }

  /** Writes all files into a folder. */
  void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    for (final Map.Entry<String, byte[]> entry : contents.entrySet()) {
      Files.write(folder.resolve(entry.getKey()), entry.getValue());
    }
  }

  static DataFile file(String name, byte[] content) {
    return new DataFile(name, content.length, sha256(content));
  }

  static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (final NoSuchAlgorithmException impossible) {
      throw new AssertionError(impossible);
    }
  }

  static byte[] gzip(byte[] plain) {
    final ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(packed)) {
      out.write(plain);
    } catch (final IOException impossible) {
      throw new AssertionError(impossible);
    }
    return packed.toByteArray();
  }

  private static byte[] images(int count, SplittableRandom random) {
    final byte[] pixels = new byte[count * SIDE * SIDE];
    random.nextBytes(pixels);
    return ByteBuffer.allocate(16 + pixels.length)
        .putInt(2051)
        .putInt(count)
        .putInt(SIDE)
        .putInt(SIDE)
        .put(pixels)
        .array();
  }

  private static byte[] labels(int count) {
    final ByteBuffer bytes = ByteBuffer.allocate(8 + count).putInt(2049).putInt(count);
    for (int index = 0; index < count; index++) {
      bytes.put((byte) (index % 4));
    }
    return bytes.array();
  }
}
