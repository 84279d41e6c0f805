package io.steelyard.papers.data;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The folder that downloads go to, one sub-folder per data set. Threads and processes that want the
 * same set at the same time wait for each other, and those that waited find it there.
 */
final class DataCache {

  /** A file lock belongs to the whole JVM, so threads need a lock of their own. */
  private static final ReentrantLock THREADS = new ReentrantLock();

  private final Path folder;
  private final Downloader downloader;

  DataCache(Path folder, Downloader downloader) {
    this.folder = folder;
    this.downloader = downloader;
  }

  /**
   * Downloads whatever is missing or damaged.
   *
   * @return the folder with the files
   * @throws DataException if that fails
   */
  Path fill(DataSet set, DownloadProgress progress) {
    final Path home = folder.resolve(set.name());
    THREADS.lock();
    try {
      Files.createDirectories(home);
      try (FileChannel channel =
              FileChannel.open(
                  home.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock _ = channel.lock()) {
        for (final DataFile file : set.files()) {
          final Path target = home.resolve(file.name());
          if (!Files.exists(target) || DataFolder.mismatch(target, file).isPresent()) {
            downloader.download(set.addresses(), file, target, progress);
          }
        }
      }
    } catch (final IOException failure) {
      throw new DataException("cannot use the cache " + home + ": " + failure, failure);
    } finally {
      THREADS.unlock();
    }
    return home;
  }
}
