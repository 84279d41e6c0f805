package io.steelyard.papers.data;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** A process of its own that resolves the tiny set: {@code CacheFiller <cache> <address>}. */
final class CacheFiller {

  private CacheFiller() {}

  /** Prints where the set came from. */
  public static void main(String[] arguments) {
    final DataLocations locations =
        new DataLocations(Optional.empty(), Optional.empty(), Path.of(arguments[0]), false);
    final Duration wait = Duration.ofSeconds(10);
    final Downloader downloader =
        new Downloader(new Downloader.Patience(wait, wait, wait, 3, Duration.ofMillis(5)));
    final ResolvedData data =
        new DataResolver(locations, System.err::println, DownloadProgress.NONE, downloader)
            .resolve(new TinySet().set(URI.create(arguments[1])));
    System.out.println(data.source());
  }
}
