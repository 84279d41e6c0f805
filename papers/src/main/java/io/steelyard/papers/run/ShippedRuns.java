package io.steelyard.papers.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The runs that come with Steelyard, read from the class path.
 *
 * <p>They are packed under {@code results} beside an {@code index.txt} that the build writes, one
 * relative file name per line, because a jar cannot be listed through a class loader.
 */
public final class ShippedRuns {

  private static final String FOLDER = "/io/steelyard/papers/results/";
  private static final String INDEX = "index.txt";

  private ShippedRuns() {}

  /**
   * All shipped runs, newest first.
   *
   * @throws UncheckedIOException if the class path has no index, a broken build
   */
  public static RunStore.Listing list() {
    return list(FOLDER);
  }

  static RunStore.Listing list(String folder) {
    final List<Run> runs = new ArrayList<>();
    final List<RunStore.Rejected> rejected = new ArrayList<>();
    final String index =
        text(folder + INDEX)
            .orElseThrow(
                () ->
                    new UncheckedIOException(
                        new IOException("the class path has no " + folder + INDEX)));
    for (final String name : index.lines().filter(line -> !line.isBlank()).toList()) {
      try {
        runs.add(
            RunJson.read(
                text(folder + name)
                    .orElseThrow(() -> new InvalidRunException("is in the index but not packed"))));
      } catch (InvalidRunException e) {
        rejected.add(new RunStore.Rejected(name, e.getMessage()));
      }
    }
    runs.sort(RunStore.NEWEST_FIRST);
    return new RunStore.Listing(runs, rejected);
  }

  private static Optional<String> text(String resource) {
    try (InputStream in = ShippedRuns.class.getResourceAsStream(resource)) {
      return in == null
          ? Optional.empty()
          : Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + resource + " from the class path", e);
    }
  }
}
