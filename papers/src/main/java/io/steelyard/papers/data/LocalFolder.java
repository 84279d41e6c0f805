package io.steelyard.papers.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A folder of data that is used where it lies. */
record LocalFolder(DataSource place, Path folder) {

  /** Where a user keeps data, in the order places are tried; whether they exist or not. */
  static List<LocalFolder> roots(DataLocations locations) {
    final List<LocalFolder> roots = new ArrayList<>();
    locations.given().ifPresent(root -> roots.add(new LocalFolder(DataSource.GIVEN, root)));
    locations
        .environment()
        .ifPresent(root -> roots.add(new LocalFolder(DataSource.ENVIRONMENT, root)));
    return roots;
  }

  /** The folders of this name that exist, in the order they are tried. */
  static List<LocalFolder> named(String name, DataLocations locations) {
    return roots(locations).stream()
        .map(root -> new LocalFolder(root.place(), root.folder().resolve(name)))
        .filter(local -> Files.isDirectory(local.folder()))
        .toList();
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
