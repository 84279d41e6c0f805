package io.steelyard.papers.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import us.hebi.matlab.mat.format.Mat5;
import us.hebi.matlab.mat.types.MatFile;
import us.hebi.matlab.mat.types.MatlabType;
import us.hebi.matlab.mat.types.Matrix;
import us.hebi.matlab.mat.types.Sink;
import us.hebi.matlab.mat.types.Sinks;

/** Small files in the formats of {@link PictureSet}, with pictures that were made up. */
public final class MadeUpPictures {

  private MadeUpPictures() {}

  /** Pictures of CIFAR with label {@code picture % classes}. */
  public static byte[] cifar(int count, int labelBytes, int classes) {
    final Random random = new Random(count);
    final ByteBuffer bytes = ByteBuffer.allocate(count * (labelBytes + 3072));
    for (int picture = 0; picture < count; picture++) {
      if (labelBytes == 2) {
        bytes.put((byte) 19);
      }
      bytes.put((byte) (picture % classes));
      final byte[] pixels = new byte[3072];
      random.nextBytes(pixels);
      bytes.put(pixels);
    }
    return bytes.array();
  }

  /** All files of CIFAR-10. */
  public static void cifar10(Path folder, int perFile) throws IOException {
    final Path place = Files.createDirectories(folder.resolve("cifar-10-batches-bin"));
    for (int file = 1; file <= 5; file++) {
      Files.write(place.resolve("data_batch_" + file + ".bin"), cifar(perFile, 1, 10));
    }
    Files.write(place.resolve("test_batch.bin"), cifar(perFile, 1, 10));
  }

  /** Both files of CIFAR-100. */
  public static void cifar100(Path folder, int perFile) throws IOException {
    final Path place = Files.createDirectories(folder.resolve("cifar-100-binary"));
    Files.write(place.resolve("train.bin"), cifar(perFile, 2, 100));
    Files.write(place.resolve("test.bin"), cifar(perFile, 2, 100));
  }

  /** Both files of SVHN. */
  public static void svhn(Path folder, int perFile) throws IOException {
    final Path place = Files.createDirectories(folder.resolve("svhn"));
    for (final String part : new String[] {"train", "test"}) {
      svhn(
          place.resolve(part + "_32x32.mat"),
          perFile,
          perFile,
          picture -> 1 + picture % 10,
          i -> i * 31 % 251);
    }
  }

  /** One file of SVHN. */
  static void svhn(Path file, int count, int labels, IntUnaryOperator label, IntUnaryOperator pixel)
      throws IOException {
    final Matrix x = Mat5.newMatrix(new int[] {32, 32, 3, count}, MatlabType.UInt8);
    for (int i = 0; i < x.getNumElements(); i++) {
      x.setInt(i, pixel.applyAsInt(i));
    }
    final Matrix y = Mat5.newMatrix(labels, 1, MatlabType.UInt8);
    for (int i = 0; i < labels; i++) {
      y.setInt(i, label.applyAsInt(i));
    }
    matlab(file, Mat5.newMatFile().addArray("X", x).addArray("y", y));
  }

  static void matlab(Path file, MatFile content) throws IOException {
    try (content;
        Sink sink = Sinks.newStreamingFile(file.toFile())) {
      content.writeTo(sink);
    }
  }

  /** A set of MedMNIST. */
  public static void medMnist(Path folder, PictureSet set, int perPart, boolean coloured)
      throws IOException {
    final Random random = new Random(perPart);
    final Path place = Files.createDirectories(folder.resolve("medmnist"));
    final byte[] pixels = new byte[perPart * 28 * 28 * (coloured ? 3 : 1)];
    random.nextBytes(pixels);
    final byte[] labels = new byte[perPart];
    for (int i = 0; i < perPart; i++) {
      labels[i] = (byte) (i % set.classes());
    }
    final String shape = perPart + ", 28, 28" + (coloured ? ", 3" : "");
    final Map<String, byte[]> parts = new LinkedHashMap<>();
    for (final String part : new String[] {"train", "val", "test"}) {
      parts.put(part + "_images", npy("|u1", shape, pixels));
      parts.put(part + "_labels", npy("|u1", perPart + ", 1", labels));
    }
    npz(place.resolve(set.name() + ".npz"), parts);
  }

  /** An array as NumPy saves it, version 1.0. */
  static byte[] npy(String type, String shape, byte[] content) {
    final String header =
        "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
    final int length = (10 + header.length() + 1 + 63) / 64 * 64 - 10;
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("\u0093NUMPY\u0001\u0000".getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(
        ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN).putShort((short) length).array());
    out.writeBytes(
        (header + " ".repeat(length - header.length() - 1) + "\n")
            .getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(content);
    return out.toByteArray();
  }

  static void npz(Path file, Map<String, byte[]> arrays) throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (final Map.Entry<String, byte[]> array : arrays.entrySet()) {
        zip.putNextEntry(new ZipEntry(array.getKey() + ".npy"));
        zip.write(array.getValue());
      }
    }
  }
}
