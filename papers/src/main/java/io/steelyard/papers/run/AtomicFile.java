package io.steelyard.papers.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file so that a reader sees the old content or the new one, never a part: into a
 * temporary name in the same folder, forced to the disk, then moved over the target.
 */
public final class AtomicFile {

  private static final String TEMPORARY_SUFFIX = ".tmp";

  private AtomicFile() {}

  /**
   * Writes {@code text} as UTF-8 to {@code target}, creating missing folders and replacing an
   * existing file.
   *
   * @throws UncheckedIOException if that fails; the target is then as it was before
   */
  public static void write(Path target, String text) {
    final Path file = target.toAbsolutePath();
    try {
      Files.createDirectories(file.getParent());
      final Path temporary =
          Files.createTempFile(file.getParent(), "." + file.getFileName() + ".", TEMPORARY_SUFFIX);
      try {
        try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
          final ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
          channel.force(true);
        }
        readableLikeAnyFile(temporary);
        Files.move(
            temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        forceFolder(file.getParent());
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + target, e);
    }
  }

  /** Temporary files are created for their owner alone; what is published is for all to read. */
  private static void readableLikeAnyFile(Path file) {
    if (!file.toFile().setReadable(true, false)) {
      // A file system without such permissions; the file is then as readable as its folder says.
      return;
    }
  }

  private static void forceFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (AccessDeniedException e) {
      // Windows does not open folders; there the move itself is the best that can be had.
    }
  }
}
