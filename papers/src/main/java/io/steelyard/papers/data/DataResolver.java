package io.steelyard.papers.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Finds a data set: in the folder given with {@code --data}, in {@code STEELYARD_DATA}, in the
 * user's cache, by a checksummed download into that cache, and failing all that makes the embedded
 * synthetic set. Folders are looked at as {@code folder/<set>/<file>} and {@code folder/<file>}.
 *
 * <p>A file with the wrong checksum is never used. In a folder that was given explicitly it is an
 * error; elsewhere it is reported and the next place is tried.
 *
 * <pre>{@code
 * final ResolvedData data =
 *     DataResolver.standard(experiment.dataFolder()).resolve(DataSet.FASHION_MNIST);
 * experiment.data(data.name(), data.origin());
 * }</pre>
 */
public final class DataResolver {

  private static final System.Logger LOG = System.getLogger(DataResolver.class.getName());

  private final DataLocations locations;
  private final Consumer<String> warnings;
  private final DownloadProgress progress;
  private final Downloader downloader;

  /**
   * A resolver.
   *
   * @param locations where to look
   * @param warnings told in one line each about files that were passed over and about the fall-back
   * @param progress told about downloads
   */
  public DataResolver(
      DataLocations locations, Consumer<String> warnings, DownloadProgress progress) {
    this(locations, warnings, progress, new Downloader(Downloader.Patience.USUAL));
  }

  DataResolver(
      DataLocations locations,
      Consumer<String> warnings,
      DownloadProgress progress,
      Downloader downloader) {
    this.locations = locations;
    this.warnings = warnings;
    this.progress = progress;
    this.downloader = downloader;
  }

  /** A resolver over the {@link DataLocations#standard usual places} that logs its warnings. */
  public static DataResolver standard(Optional<Path> given) {
    return new DataResolver(
        DataLocations.standard(given),
        warning -> LOG.log(System.Logger.Level.WARNING, warning),
        DownloadProgress.NONE);
  }

  /**
   * Loads a data set, or the synthetic one in its place.
   *
   * @throws IllegalArgumentException if the folder given with {@code --data} does not exist
   * @throws DataException if it holds damaged files of the set, or if the thread is interrupted
   *     during a download
   */
  public ResolvedData resolve(DataSet set) {
    locations.given().ifPresent(DataResolver::checkFolder);
    final DataFinding finding = search(set, true);
    finding.notes().forEach(warnings);
    return switch (finding.source()) {
      case GIVEN, ENVIRONMENT, CACHE -> load(set, finding.folder().orElseThrow(), finding.source());
      case DOWNLOAD -> download(set);
      case EMBEDDED -> {
        warnings.accept(set.title() + " was not found and downloads are off; " + standIn());
        yield synthetic();
      }
    };
  }

  /**
   * Says where {@link #resolve} would find a data set, checksums verified, without loading it and
   * without using the network.
   */
  public DataFinding locate(DataSet set) {
    return search(set, false);
  }

  private DataFinding search(DataSet set, boolean strict) {
    final List<String> notes = new ArrayList<>();
    for (final Place place : places()) {
      final String label = place.source().label() + ": ";
      switch (DataFolder.inspect(place.folder(), set)) {
        case DataFolder.Complete(Path folder) -> {
          return new DataFinding(set, place.source(), Optional.of(folder), notes);
        }
        case DataFolder.Damaged(List<String> problems) -> {
          if (strict && place.source() == DataSource.GIVEN) {
            throw new DataException(
                "--data holds damaged files of "
                    + set.title()
                    + ": "
                    + String.join("; ", problems)
                    + ". Download them anew, or leave out --data");
          }
          problems.forEach(problem -> notes.add(label + problem + "; not used"));
        }
        case DataFolder.Partial(List<String> missing) ->
            notes.add(label + String.join(", ", missing) + "; not used");
        case DataFolder.Absent _ -> {
          if (place.source() != DataSource.CACHE) {
            notes.add(label + "no " + set.title() + " in " + place.folder());
          }
        }
      }
    }
    final DataSource last = locations.offline() ? DataSource.EMBEDDED : DataSource.DOWNLOAD;
    return new DataFinding(set, last, Optional.empty(), notes);
  }

  private record Place(DataSource source, Path folder) {}

  private List<Place> places() {
    final List<Place> places = new ArrayList<>();
    locations.given().ifPresent(folder -> places.add(new Place(DataSource.GIVEN, folder)));
    locations
        .environment()
        .ifPresent(folder -> places.add(new Place(DataSource.ENVIRONMENT, folder)));
    places.add(new Place(DataSource.CACHE, locations.cache()));
    return places;
  }

  private static void checkFolder(Path given) {
    if (!Files.isDirectory(given)) {
      throw new IllegalArgumentException("--data is " + given + "; expected an existing folder");
    }
  }

  private ResolvedData download(DataSet set) {
    final Path folder;
    try {
      folder = new DataCache(locations.cache(), downloader).fill(set, progress);
    } catch (final DataException failure) {
      if (Thread.currentThread().isInterrupted()) {
        // Somebody wants this to end, not to go on with other data.
        throw failure;
      }
      warnings.accept(
          set.title() + " is not on this machine: " + failure.getMessage() + "; " + standIn());
      return synthetic();
    }
    return load(set, folder, DataSource.DOWNLOAD);
  }

  private static ResolvedData load(DataSet set, Path folder, DataSource source) {
    final int classes = set.classes().size();
    return new ResolvedData(
        set.name(),
        IdxReader.read(
            folder.resolve(set.trainImages().name()),
            folder.resolve(set.trainLabels().name()),
            classes),
        IdxReader.read(
            folder.resolve(set.testImages().name()),
            folder.resolve(set.testLabels().name()),
            classes),
        source,
        source.label() + " (" + set.fingerprint() + ")");
  }

  private static ResolvedData synthetic() {
    return new ResolvedData(
        SyntheticGarments.NAME,
        SyntheticGarments.train(SyntheticGarments.TRAIN_COUNT),
        SyntheticGarments.test(SyntheticGarments.TEST_COUNT),
        DataSource.EMBEDDED,
        SyntheticGarments.ORIGIN);
  }

  private static String standIn() {
    return "using the embedded set '"
        + SyntheticGarments.NAME
        + "' instead, whose results say nothing about the real data";
  }
}
