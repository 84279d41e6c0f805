package io.steelyard.papers.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Looks for the files of a data set in a folder and checks them against their checksums. */
final class DataFolder {

  private DataFolder() {}

  /** What a folder has of a data set. */
  sealed interface Content {}

  /** All files, intact, in this folder. */
  record Complete(Path folder) implements Content {}

  /** Some files, intact, but not all. */
  record Partial(List<String> missing) implements Content {}

  /** Files under the right names with the wrong bytes, or unreadable ones. */
  record Damaged(List<String> problems) implements Content {}

  /** Nothing of this data set. */
  record Absent() implements Content {}

  /**
   * Looks at {@code folder/<set>/<file>}, then at {@code folder/<file>}.
   *
   * @return the better of the two answers
   */
  static Content inspect(Path folder, DataSet set) {
    final Content nested = inspectFlat(folder.resolve(set.name()), set);
    if (nested instanceof Complete) {
      return nested;
    }
    final Content flat = inspectFlat(folder, set);
    return flat instanceof Complete || nested instanceof Absent ? flat : nested;
  }

  private static Content inspectFlat(Path folder, DataSet set) {
    final List<String> missing = new ArrayList<>();
    final List<String> problems = new ArrayList<>();
    for (final DataFile file : set.files()) {
      final Path path = folder.resolve(file.name());
      if (!Files.exists(path)) {
        missing.add(path + " is missing");
      } else {
        try {
          final Optional<String> problem = mismatch(path, file);
          if (problem.isPresent() && belongsToAnother(path, set)) {
            // Different sets use the same file names, so a flat folder may hold another set.
            missing.add(path + " belongs to another data set");
          } else {
            problem.ifPresent(problems::add);
          }
        } catch (final IOException failure) {
          problems.add(path + " cannot be read: " + failure);
        }
      }
    }
    if (!problems.isEmpty()) {
      return new Damaged(List.copyOf(problems));
    }
    if (missing.isEmpty()) {
      return new Complete(folder);
    }
    return missing.size() == set.files().size() ? new Absent() : new Partial(List.copyOf(missing));
  }

  /** Says how a file differs from what it should be, if it does. */
  static Optional<String> mismatch(Path path, DataFile file) throws IOException {
    final long size = Files.size(path);
    if (size != file.size()) {
      return Optional.of(path + ": found " + size + " bytes, expected " + file.size());
    }
    final String sha256 = DataFile.sha256(path);
    return sha256.equals(file.sha256())
        ? Optional.empty()
        : Optional.of(path + ": found sha256 " + sha256 + ", expected " + file.sha256());
  }

  private static boolean belongsToAnother(Path path, DataSet set) throws IOException {
    final String name = path.getFileName().toString();
    for (final DataSet other : DataSet.known()) {
      for (final DataFile file : other.files()) {
        if (!other.name().equals(set.name())
            && file.name().equals(name)
            && mismatch(path, file).isEmpty()) {
          return true;
        }
      }
    }
    return false;
  }
}
