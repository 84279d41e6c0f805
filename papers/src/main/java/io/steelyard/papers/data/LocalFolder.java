package io.steelyard.papers.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A folder of data that is used where it lies. */
record LocalFolder(DataSource place, Path folder) {

  /** The folders of this name that exist, in the order they are tried. */
  static List<LocalFolder> named(String name, DataLocations locations) {
    final List<LocalFolder> folders = new ArrayList<>();
    locations
        .given()
        .ifPresent(root -> folders.add(new LocalFolder(DataSource.GIVEN, root.resolve(name))));
    locations
        .environment()
        .ifPresent(
            root -> folders.add(new LocalFolder(DataSource.ENVIRONMENT, root.resolve(name))));
    return folders.stream().filter(local -> Files.isDirectory(local.folder())).toList();
  }

  /** The first digits of a file's checksum. */
  static String shortSha256(Path file) {
    try {
      return DataFile.sha256(file).substring(0, 8) + "…";
    } catch (final IOException failure) {
      throw new UncheckedIOException("cannot read " + file, failure);
    }
  }
}
