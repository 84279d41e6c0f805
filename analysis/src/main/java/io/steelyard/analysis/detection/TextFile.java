package io.steelyard.analysis.detection;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/** Reads UTF-8 text, gzipped or plain, which is seen from the content. */
final class TextFile {

  private static final int GZIP_FIRST = 0x1f;
  private static final int GZIP_SECOND = 0x8b;

  /** What is done with a file's text. */
  @FunctionalInterface
  interface Action<T> {
    T apply(BufferedReader text) throws IOException;
  }

  private TextFile() {}

  static <T> T read(Path file, Action<T> action) {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
        Reader text = new InputStreamReader(unpacked(raw), StandardCharsets.UTF_8);
        BufferedReader lines = new BufferedReader(text)) {
      return action.apply(lines);
    } catch (NoSuchFileException e) {
      throw new UncheckedIOException("file " + file + " does not exist", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static InputStream unpacked(InputStream raw) throws IOException {
    raw.mark(2);
    final boolean packed = raw.read() == GZIP_FIRST && raw.read() == GZIP_SECOND;
    raw.reset();
    return packed ? new GZIPInputStream(raw) : raw;
  }
}
