package io.steelyard.papers.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * Which Steelyard this is: project version and git commit, baked in when the project was built.
 *
 * <p>For example {@code 0.1.0+9e5452e}, with {@code -dirty} appended when the working tree had
 * uncommitted changes, and without the commit when it was built outside a git repository.
 */
public final class CodeVersion {

  private static final String RESOURCE = "code.properties";

  private CodeVersion() {}

  /** The version of the code that is running. */
  public static String current() {
    final Properties properties = new Properties();
    try (InputStream in = CodeVersion.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        return "unknown";
      }
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + RESOURCE + " from the class path", e);
    }
    return of(
        properties.getProperty("version", ""),
        properties.getProperty("commit", ""),
        properties.getProperty("dirty", ""));
  }

  static String of(String version, String commit, String dirty) {
    final String base = resolved(version).isEmpty() ? "unknown" : version;
    return resolved(commit).isEmpty()
        ? base
        : base + "+" + commit + (dirty.equals("true") ? "-dirty" : "");
  }

  /** A property that the build did not fill in still has its placeholder. */
  private static String resolved(String value) {
    return value.startsWith("${") ? "" : value;
  }
}
