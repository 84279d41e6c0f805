package io.steelyard.bench;

import ai.djl.engine.Engine;
import io.steelyard.papers.run.CodeVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/** Versions of the code that is compared, read from the artifacts on the class path. */
final class Libraries {

  private static final String OWN_LIBTORCH = "PYTORCH_LIBRARY_PATH";

  private Libraries() {}

  static Map<String, String> versions() {
    return Map.of(
        "steelyard", CodeVersion.current(),
        "djl", Engine.getDjlVersion(),
        "libtorch", libtorch(),
        "jmh", property("/jmh.properties", "jmh.version").orElse("unknown"));
  }

  /** Does not start libtorch: this JVM needs none, only its forks do. */
  private static String libtorch() {
    return Optional.ofNullable(System.getenv(OWN_LIBTORCH))
        .map(path -> OWN_LIBTORCH + "=" + path)
        .or(() -> property("/native/lib/pytorch.properties", "version"))
        .orElse("none");
  }

  private static Optional<String> property(String resource, String key) {
    try (InputStream in = Libraries.class.getResourceAsStream(resource)) {
      final Properties properties = new Properties();
      if (in != null) {
        properties.load(in);
      }
      return Optional.ofNullable(properties.getProperty(key));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + resource + " from the class path", e);
    }
  }
}
