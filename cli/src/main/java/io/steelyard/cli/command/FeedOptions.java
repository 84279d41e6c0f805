package io.steelyard.cli.command;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options of every command that works on the site's database. */
final class FeedOptions {

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Settings as key=value lines; the environment and options beat it.")
  private Optional<Path> file;

  @Option(
      names = "--db",
      paramLabel = "JDBC",
      description =
          "Database, jdbc:h2:file:... or jdbc:postgresql://... (default: H2 in your data folder).")
  private Optional<String> database;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Any setting of the site; may be repeated. docs/site.md lists them.")
  private Map<String, String> others = new LinkedHashMap<>();

  /** The settings, with these in front of the file and the environment. */
  Settings settings(CommandSpec spec, Map<Setting, String> more) {
    file.filter(path -> !Files.isRegularFile(path))
        .ifPresent(
            path -> {
              throw new ParameterException(
                  spec.commandLine(), "--config is " + path + "; expected an existing file");
            });
    final Map<String, String> options = new LinkedHashMap<>(others);
    database.ifPresent(address -> options.put(Setting.DB.key(), address));
    more.forEach((setting, value) -> options.put(setting.key(), value));
    try {
      return Settings.of(file, System.getenv(), options);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
