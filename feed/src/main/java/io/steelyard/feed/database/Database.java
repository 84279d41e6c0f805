package io.steelyard.feed.database;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;

/**
 * The site's database, H2 or PostgreSQL. The same SQL runs on both: H2 is in PostgreSQL mode.
 *
 * <p>Every write goes through {@link #write}, a transaction, and advances {@link #version}, by
 * which caches know that what they hold is old. Safe to use from any thread.
 */
public final class Database implements AutoCloseable {

  /** H2 as PostgreSQL behaves; a commit is in the file before it is acknowledged. */
  private static final String H2_MODE =
      ";MODE=PostgreSQL;DATABASE_TO_LOWER=TRUE;DEFAULT_NULL_ORDERING=HIGH;WRITE_DELAY=0"
          + ";DB_CLOSE_ON_EXIT=FALSE";

  private static final int H2_OTHER_VERSION = 90048;
  private static final int H2_IN_USE = 90020;
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final HikariDataSource source;
  private final Jdbi jdbi;
  private final boolean h2;
  private final AtomicLong version = new AtomicLong();

  private Database(HikariDataSource source, boolean h2) {
    this.source = source;
    this.jdbi = Jdbi.create(source);
    this.h2 = h2;
  }

  /**
   * Opens the database, makes the missing tables and upgrades old ones. Before an upgrade of an H2
   * file with content, everything in it is written to a script beside it.
   *
   * @throws IllegalStateException if it cannot be opened; the message says what to do
   */
  public static Database open(Settings settings) {
    final String address = settings.database();
    final boolean h2 = address.startsWith("jdbc:h2:");
    final String full = h2 ? address + H2_MODE : address;
    final String user = settings.optional(Setting.DB_USER).orElse(h2 ? "steelyard" : "");
    final String password = settings.text(Setting.DB_PASSWORD);
    tryOnce(full, user, password, address);
    final HikariConfig config = new HikariConfig();
    config.setPoolName("feed");
    config.setJdbcUrl(full);
    config.setUsername(user);
    config.setPassword(password);
    config.setMaximumPoolSize(Math.max(2, settings.whole(Setting.DB_POOL)));
    config.setConnectionTimeout(PATIENCE.toMillis());
    config.setAutoCommit(true);
    config.setExceptionOverride(new DeadConnections());
    final HikariDataSource source = new HikariDataSource(config);
    try {
      final Database database = new Database(source, h2);
      database.migrate();
      return database;
    } catch (RuntimeException e) {
      source.close();
      throw e;
    }
  }

  /** Reads with one connection. */
  public <T> T read(Function<Handle, T> work) {
    return jdbi.withHandle(work::apply);
  }

  /** Does everything in {@code work} or nothing of it, and lets caches know. */
  public <T> T write(Function<Handle, T> work) {
    final T result = jdbi.inTransaction(work::apply);
    version.incrementAndGet();
    return result;
  }

  /** Advances with every write of this process. */
  public long version() {
    return version.get();
  }

  /** Whether it is H2, where a file has one user process at a time. */
  public boolean isH2() {
    return h2;
  }

  /** Whether it answers. */
  public boolean answers() {
    try {
      return read(handle -> handle.createQuery("SELECT 1").mapTo(Integer.class).one()) == 1;
    } catch (RuntimeException e) {
      return false;
    }
  }

  /** Writes everything in an H2 database to a compressed SQL script. */
  public void script(Path file) {
    if (!h2) {
      throw new IllegalStateException("PostgreSQL has its own pg_dump for this");
    }
    try (Handle handle = jdbi.open()) {
      handle.execute("SCRIPT DROP TO ? COMPRESSION GZIP", file.toAbsolutePath().toString());
    }
  }

  @Override
  public void close() {
    source.close();
  }

  private void migrate() {
    final Flyway flyway =
        Flyway.configure(Database.class.getClassLoader())
            .dataSource(source)
            .locations("classpath:io/steelyard/feed/database")
            .validateMigrationNaming(true)
            .load();
    final MigrationInfo[] pending = flyway.info().pending();
    final Optional<MigrationInfo> current = Optional.ofNullable(flyway.info().current());
    if (pending.length == 0) {
      return;
    }
    if (h2 && current.isPresent()) {
      exportBeforeUpgrade(current.get().getVersion().toString());
    }
    flyway.migrate();
  }

  private void exportBeforeUpgrade(String from) {
    final Optional<Path> folder =
        read(
            handle ->
                handle
                    .createQuery("SELECT database_path()")
                    .mapTo(String.class)
                    .findOne()
                    .map(file -> Path.of(file).toAbsolutePath().getParent()));
    final String time =
        DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss")
            .withZone(ZoneOffset.UTC)
            .format(Instant.now());
    folder.ifPresent(
        place -> script(place.resolve("before-upgrade-from-" + from + "-" + time + ".sql.gz")));
  }

  /** One plain connection first: a pool would hide the reason of a failure behind its time-out. */
  private static void tryOnce(String full, String user, String password, String address) {
    try (Connection connection = DriverManager.getConnection(full, user, password)) {
      connection.isValid(1);
    } catch (SQLException e) {
      throw new IllegalStateException(advice(e, address), e);
    }
  }

  private static String advice(SQLException failure, String address) {
    return switch (failure.getErrorCode()) {
      case H2_OTHER_VERSION ->
          "the file of "
              + address
              + " was written by another version of H2; open it with that version,"
              + " write SCRIPT TO 'feed.sql', then read it into a new file with RUNSCRIPT";
      case H2_IN_USE ->
          "the file of "
              + address
              + " is in use by another process; stop it, or use PostgreSQL to share a database";
      default -> "cannot open the database " + address + ": " + failure.getMessage();
    };
  }
}
