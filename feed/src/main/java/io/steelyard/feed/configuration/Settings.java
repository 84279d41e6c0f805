package io.steelyard.feed.configuration;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;

/**
 * The values of all settings: an option beats the environment, the environment a file, a file the
 * default.
 *
 * <pre>{@code
 * Settings settings = Settings.of(Optional.of(Path.of("site.properties")), System.getenv(), Map.of());
 * settings.text(Setting.TITLE);
 * }</pre>
 */
public final class Settings {

  private static final String H2_FILE = "jdbc:h2:file:";
  private static final int LARGEST_PORT = 65_535;

  private final Map<Setting, String> values;
  private final String basePath;

  private Settings(Map<Setting, String> values) {
    this.values = values;
    // Every link of every page has it in front.
    this.basePath = values.get(Setting.BASE_PATH).replaceAll("^/+|/+$", "");
  }

  /**
   * Collects the values.
   *
   * @param file properties, {@code key=value} by line
   * @param environment for example {@link System#getenv()}
   * @param options by key
   * @throws IllegalArgumentException if a key is unknown or a value is not of its kind; the message
   *     says where it stands
   */
  public static Settings of(
      Optional<Path> file, Map<String, String> environment, Map<String, String> options) {
    final Map<Setting, String> values = new EnumMap<>(Setting.class);
    for (final Setting setting : Setting.values()) {
      values.put(setting, setting.standard());
    }
    file.ifPresent(path -> values.putAll(named(read(path), path.toString())));
    for (final Setting setting : Setting.values()) {
      final String value = environment.get(setting.variable());
      if (value != null) {
        values.put(setting, value.strip());
      }
    }
    values.putAll(named(options, "the command line"));
    final Settings settings = new Settings(values);
    settings.check();
    return settings;
  }

  /** The defaults with these values in place of some, for tests and programs. */
  public static Settings with(Map<Setting, String> some) {
    return of(
        Optional.empty(),
        Map.of(),
        some.entrySet().stream()
            .collect(Collectors.toMap(entry -> entry.getKey().key(), Map.Entry::getValue)));
  }

  /** A value as it was given. */
  public String text(Setting setting) {
    return values.get(setting);
  }

  /** A value, empty if it is not set. */
  public Optional<String> optional(Setting setting) {
    return Optional.of(text(setting)).filter(value -> !value.isEmpty());
  }

  /** A value that is true or false. */
  public boolean flag(Setting setting) {
    return switch (text(setting)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw wrong(setting, "true or false");
    };
  }

  /** A value that is a whole number, at least 0. */
  public int whole(Setting setting) {
    try {
      final int number = Integer.parseInt(text(setting));
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw wrong(setting, "a whole number from 0");
  }

  /** Path in front of every page: empty, or with a slash in front and none at the end. */
  public String basePath() {
    return basePath.isEmpty() ? "" : "/" + basePath;
  }

  /** Folder for what the site keeps. */
  public Path dataFolder() {
    return optional(Setting.DATA).map(Path::of).orElseGet(Settings::userFolder);
  }

  /**
   * Folder for what is made from the database and can be made again: the data folder, else where
   * the file of an H2 database lies; none beside a database elsewhere.
   */
  public Optional<Path> folderBesideDatabase() {
    if (optional(Setting.DATA).isPresent() || optional(Setting.DB).isEmpty()) {
      return Optional.of(dataFolder());
    }
    return optional(Setting.DB)
        .filter(address -> address.startsWith(H2_FILE))
        .map(address -> address.substring(H2_FILE.length()).replaceFirst(";.*$", ""))
        .filter(file -> !file.startsWith("~"))
        .map(file -> Path.of(file).toAbsolutePath().getParent());
  }

  /** Address of the database. */
  public String database() {
    return optional(Setting.DB)
        .orElseGet(() -> H2_FILE + dataFolder().resolve("feed").toAbsolutePath().normalize());
  }

  /** Every value by key, secrets blotted out: for a log or a check. */
  public Map<String, String> shown() {
    return Arrays.stream(Setting.values())
        .collect(
            Collectors.toMap(
                Setting::key,
                setting ->
                    setting.secret() && !text(setting).isEmpty() ? "(secret)" : text(setting),
                (first, _) -> first,
                java.util.TreeMap::new));
  }

  private void check() {
    if (whole(Setting.PORT) > LARGEST_PORT) {
      throw wrong(Setting.PORT, "a port from 0 to " + LARGEST_PORT);
    }
    flag(Setting.PROXY);
    flag(Setting.LEARN);
    if (!basePath.matches("[A-Za-z0-9._~/-]*")) {
      throw wrong(Setting.BASE_PATH, "a path of letters, digits, '.', '_', '~', '-' and '/'");
    }
    for (final Setting number :
        List.of(
            Setting.DB_POOL,
            Setting.MAIL_PORT,
            Setting.TRY_ELEMENTS,
            Setting.TRY_MILLIS,
            Setting.TRY_AT_ONCE,
            Setting.RATE_PAGES,
            Setting.RATE_API,
            Setting.RATE_SEARCH,
            Setting.RATE_FORMS)) {
      whole(number);
    }
    oneOf(Setting.SIGN_UP, "open", "closed");
    oneOf(Setting.SUBMISSIONS, "moderated", "open", "closed");
    optional(Setting.IMPORT_BASE)
        .filter(url -> !isWebAddress(url))
        .ifPresent(
            _ -> {
              throw wrong(Setting.IMPORT_BASE, "an address that begins with http:// or https://");
            });
    oneOf(Setting.MAIL_TLS, "starttls", "tls", "none");
    if (!database().matches("jdbc:(h2|postgresql):.*")) {
      throw wrong(Setting.DB, "jdbc:h2:file:... or jdbc:postgresql://...");
    }
    optional(Setting.URL)
        .filter(url -> !isWebAddress(url))
        .ifPresent(
            _ -> {
              throw wrong(Setting.URL, "an address that begins with http:// or https://");
            });
    if (optional(Setting.MAIL_HOST).isPresent() && !text(Setting.MAIL_FROM).contains("@")) {
      throw wrong(Setting.MAIL_FROM, "an address, since mail.host is set");
    }
    if (!text(Setting.DIGEST_AT).matches("(([01]\\d|2[0-3]):[0-5]\\d)?")) {
      throw wrong(Setting.DIGEST_AT, "a time such as 07:30");
    }
  }

  private static boolean isWebAddress(String text) {
    try {
      final URI address = URI.create(text);
      return address.getHost() != null && List.of("http", "https").contains(address.getScheme());
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private void oneOf(Setting setting, String... words) {
    if (!List.of(words).contains(text(setting))) {
      throw wrong(setting, "one of " + String.join(", ", words));
    }
  }

  private IllegalArgumentException wrong(Setting setting, String expected) {
    final String value = setting.secret() ? "(secret)" : "'" + text(setting) + "'";
    return new IllegalArgumentException(setting.key() + " is " + value + "; expected " + expected);
  }

  private static Map<Setting, String> named(Map<String, String> values, String where) {
    final Map<Setting, String> result = new EnumMap<>(Setting.class);
    values.forEach(
        (key, value) ->
            result.put(
                Setting.named(key)
                    .orElseThrow(
                        () ->
                            new IllegalArgumentException(
                                "there is no setting '"
                                    + key
                                    + "' ("
                                    + where
                                    + "); expected one of "
                                    + String.join(", ", Setting.keys()))),
                value.strip()));
    return result;
  }

  private static Map<String, String> read(Path file) {
    final Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      properties.load(reader);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the configuration " + file, e);
    }
    return properties.stringPropertyNames().stream()
        .collect(Collectors.toMap(key -> key, properties::getProperty));
  }

  private static Path userFolder() {
    final Path home = Path.of(System.getProperty("user.home"));
    return Optional.ofNullable(System.getenv("XDG_DATA_HOME"))
        .filter(folder -> !folder.isBlank())
        .map(Path::of)
        .orElse(home.resolve(".local").resolve("share"))
        .resolve("steelyard");
  }
}
