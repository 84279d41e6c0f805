package io.steelyard.papers.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A published file, known to the byte.
 *
 * @param name file name
 * @param size bytes
 * @param sha256 checksum, 64 lower-case hexadecimal digits
 */
public record DataFile(String name, long size, String sha256) {

  /** Checks the fields. */
  public DataFile {
    if (!name.matches("[A-Za-z0-9._-]+")) {
      throw new IllegalArgumentException("file name is '" + name + "'; expected a plain name");
    }
    if (size <= 0) {
      throw new IllegalArgumentException("size of " + name + " is " + size + "; expected above 0");
    }
    if (!sha256.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          "sha256 of " + name + " is '" + sha256 + "'; expected 64 hexadecimal digits");
    }
  }

  /** The first digits of the checksum, enough to recognise it. */
  public String shortSha256() {
    return sha256.substring(0, 8) + "…";
  }

  /** The SHA-256 of a file's bytes, in lower-case hexadecimal digits. */
  static String sha256(Path file) throws IOException {
    final MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (final NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java platform has SHA-256", impossible);
    }
    try (InputStream stream = Files.newInputStream(file)) {
      final byte[] buffer = new byte[1 << 16];
      for (int read = stream.read(buffer); read >= 0; read = stream.read(buffer)) {
        digest.update(buffer, 0, read);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
