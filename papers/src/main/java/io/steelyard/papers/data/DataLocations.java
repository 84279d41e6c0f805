package io.steelyard.papers.data;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where data are looked for on this machine.
 *
 * @param given folder from {@code --data}, if given
 * @param environment folder from {@code STEELYARD_DATA}, if set
 * @param cache folder that downloads go to
 * @param offline whether downloads are switched off
 */
public record DataLocations(
    Optional<Path> given, Optional<Path> environment, Path cache, boolean offline) {

  private static final Set<String> OFF = Set.of("", "0", "false", "no");

  /**
   * The usual places: {@code STEELYARD_DATA}; the cache under {@code XDG_CACHE_HOME}, else where
   * the operating system keeps caches; offline if {@code STEELYARD_OFFLINE} is set to something
   * other than 0, false or no.
   */
  public static DataLocations standard(Optional<Path> given) {
    return of(
        given,
        System.getenv(),
        System.getProperty("os.name", ""),
        Path.of(System.getProperty("user.home", ".")));
  }

  static DataLocations of(
      Optional<Path> given, Map<String, String> environment, String os, Path home) {
    return new DataLocations(
        given,
        folder(environment, "STEELYARD_DATA"),
        caches(environment, os.toLowerCase(Locale.ROOT), home).resolve("steelyard").resolve("data"),
        !OFF.contains(
            environment.getOrDefault("STEELYARD_OFFLINE", "").strip().toLowerCase(Locale.ROOT)));
  }

  /** The same places with downloads switched off. */
  public DataLocations withoutNetwork() {
    return new DataLocations(given, environment, cache, true);
  }

  private static Path caches(Map<String, String> environment, String os, Path home) {
    // The XDG specification says to ignore relative paths.
    final Optional<Path> xdg = folder(environment, "XDG_CACHE_HOME").filter(Path::isAbsolute);
    if (xdg.isPresent()) {
      return xdg.get();
    }
    if (os.startsWith("windows")) {
      return folder(environment, "LOCALAPPDATA")
          .orElseGet(() -> home.resolve("AppData").resolve("Local"));
    }
    if (os.startsWith("mac")) {
      return home.resolve("Library").resolve("Caches");
    }
    return home.resolve(".cache");
  }

  private static Optional<Path> folder(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name))
        .filter(value -> !value.isBlank())
        .map(Path::of);
  }
}
