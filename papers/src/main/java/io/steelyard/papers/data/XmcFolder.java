package io.steelyard.papers.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A data set of the Extreme Classification Repository with its raw texts, read where it lies. It is
 * looked for in the folder given with {@code --data} and in {@code STEELYARD_DATA}, as {@code
 * folder/<name>}; nothing is downloaded. The repository publishes no checksums, so what was read is
 * recorded by the checksums found.
 *
 * @param name of the set and of its folder, for example {@code EURLex-4K}
 * @param place where it was found
 * @param trainTexts {@code raw/trn_X.txt}, one text a line; like the other texts perhaps with
 *     {@code .gz}
 * @param testTexts {@code raw/tst_X.txt}
 * @param labelTexts {@code raw/Y.txt}
 * @param trainLabels {@code Y.trn.npz}, a sparse matrix of SciPy
 * @param testLabels {@code Y.tst.npz}
 * @param filter {@code filter_labels_test.txt}: pairs of test instance and label that are dropped
 *     from predictions
 */
public record XmcFolder(
    String name,
    DataSource place,
    Path trainTexts,
    Path testTexts,
    Path labelTexts,
    Path trainLabels,
    Path testLabels,
    Optional<Path> filter) {

  /**
   * Looks for a set.
   *
   * @param warnings told in one line each why a place was passed over
   * @throws DataException if the folder given with {@code --data} has only some of its files
   */
  public static Optional<XmcFolder> find(
      String name, DataLocations locations, Consumer<String> warnings) {
    for (final LocalFolder local : LocalFolder.named(name, locations)) {
      final List<String> missing = new ArrayList<>();
      final XmcFolder found = in(name, local, missing);
      if (missing.isEmpty()) {
        return Optional.of(found);
      }
      final String text = "no " + String.join(", no ", missing) + " in " + local.folder();
      if (local.place() == DataSource.GIVEN) {
        throw new DataException(
            "--data holds a part of " + name + ": " + text + "; expected all of them");
      }
      warnings.accept(local.place().label() + ": " + text + "; not used");
    }
    warnings.accept(name + " was not found in --data or STEELYARD_DATA; left out");
    return Optional.empty();
  }

  private static XmcFolder in(String name, LocalFolder local, List<String> missing) {
    return new XmcFolder(
        name,
        local.place(),
        text(local.folder(), "raw/trn_X.txt", missing),
        text(local.folder(), "raw/tst_X.txt", missing),
        text(local.folder(), "raw/Y.txt", missing),
        file(local.folder(), "Y.trn.npz", missing),
        file(local.folder(), "Y.tst.npz", missing),
        Optional.of(local.folder().resolve("filter_labels_test.txt")).filter(Files::exists));
  }

  private static Path text(Path folder, String file, List<String> missing) {
    final Path zipped = folder.resolve(file + ".gz");
    return Files.exists(zipped) && !Files.exists(folder.resolve(file))
        ? zipped
        : file(folder, file, missing);
  }

  private static Path file(Path folder, String file, List<String> missing) {
    final Path path = folder.resolve(file);
    if (!Files.exists(path)) {
      missing.add(file);
    }
    return path;
  }

  /** Place and identity in words, for run records; never a path of this machine. */
  public String origin() {
    final List<Path> files =
        new ArrayList<>(List.of(trainTexts, testTexts, labelTexts, trainLabels, testLabels));
    filter.ifPresent(files::add);
    return place.label()
        + " (sha256 "
        + String.join(", ", files.stream().map(LocalFolder::shortSha256).toList())
        + ")";
  }
}
