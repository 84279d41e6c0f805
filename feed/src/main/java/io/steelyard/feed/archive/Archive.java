package io.steelyard.feed.archive;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.web.Json;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.transaction.TransactionIsolationLevel;

/**
 * A backup: every row of every table as a line of JSON, packed. It is the same for H2 and
 * PostgreSQL, so that it also moves a site from one to the other. It holds addresses and hashes of
 * passwords: keep it as you keep the database. Sessions are left out.
 */
public final class Archive {

  /** The tables, those that others refer to first. */
  static final List<String> TABLES =
      List.of(
          "paper",
          "author",
          "link",
          "import_run",
          "account",
          "ticket",
          "vote",
          "remark",
          "remark_edit",
          "mention",
          "report",
          "saved",
          "correction",
          "authorship",
          "submission",
          "imported_number",
          "subscription",
          "delivery",
          "letter");

  private static final int FORMAT = 1;
  private static final int BATCH = 500;

  private Archive() {}

  /** Writes everything as it is at one moment, while the site goes on; returns how many rows. */
  public static long backup(Database database, Path file) {
    final Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try {
      final long rows;
      try (BufferedWriter out =
          new BufferedWriter(
              new OutputStreamWriter(
                  new GZIPOutputStream(Files.newOutputStream(partial)), StandardCharsets.UTF_8))) {
        final JsonObject head = new JsonObject();
        head.addProperty("steelyard-backup", FORMAT);
        line(out, head);
        rows =
            database.read(
                handle ->
                    handle.inTransaction(
                        TransactionIsolationLevel.REPEATABLE_READ, inside -> write(inside, out)));
        final JsonObject foot = new JsonObject();
        foot.addProperty("rows", rows);
        line(out, foot);
      }
      Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
      return rows;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    } finally {
      try {
        Files.deleteIfExists(partial);
      } catch (IOException e) {
        System.getLogger(Archive.class.getName())
            .log(System.Logger.Level.WARNING, "cannot remove " + partial, e);
      }
    }
  }

  /**
   * Reads a backup into a database that holds no accounts; the papers that are there are replaced.
   * All of it is taken or nothing.
   *
   * @throws IllegalArgumentException if the file is no backup or not whole, or the database is used
   */
  public static long restore(Database database, Path file) {
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
      return database.write(handle -> read(handle, in, file));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static long write(Handle handle, BufferedWriter out) {
    long rows = 0;
    for (final String table : TABLES) {
      try (Statement statement = handle.getConnection().createStatement()) {
        statement.setFetchSize(BATCH);
        try (ResultSet row = statement.executeQuery("SELECT * FROM " + table + " ORDER BY 1")) {
          while (row.next()) {
            line(out, json(table, row));
            rows++;
          }
        }
      } catch (SQLException e) {
        throw new IllegalStateException("cannot read the table " + table, e);
      }
    }
    return rows;
  }

  private static JsonObject json(String table, ResultSet row) throws SQLException {
    final JsonObject values = new JsonObject();
    final ResultSetMetaData columns = row.getMetaData();
    for (int i = 1; i <= columns.getColumnCount(); i++) {
      final String name = columns.getColumnLabel(i);
      switch (columns.getColumnType(i)) {
        case Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE -> {
          final OffsetDateTime time = row.getObject(i, OffsetDateTime.class);
          if (time != null) {
            values.addProperty(name, time.toInstant().toString());
          }
        }
        case Types.DATE -> {
          final LocalDate day = row.getObject(i, LocalDate.class);
          if (day != null) {
            values.addProperty(name, day.toString());
          }
        }
        default -> {
          switch (row.getObject(i)) {
            case null -> {
              // Left out, and so null again.
            }
            case Number number -> values.addProperty(name, number);
            case Boolean flag -> values.addProperty(name, flag);
            case Object other -> values.addProperty(name, other.toString());
          }
        }
      }
    }
    final JsonObject line = new JsonObject();
    line.addProperty("table", table);
    line.add("row", values);
    return line;
  }

  private static long read(Handle handle, BufferedReader in, Path file) {
    final long accounts =
        handle.createQuery("SELECT count(*) FROM account").mapTo(Long.class).one();
    if (accounts > 0) {
      throw new IllegalArgumentException(
          "the database has " + accounts + " accounts; restore into an empty one");
    }
    TABLES.reversed().forEach(table -> handle.execute("DELETE FROM " + table));
    long rows = 0;
    int number = 0;
    boolean whole = false;
    try {
      String text = in.readLine();
      while (text != null) {
        number++;
        final JsonObject line = JsonParser.parseString(text).getAsJsonObject();
        if (number == 1) {
          if (!line.has("steelyard-backup") || line.get("steelyard-backup").getAsInt() != FORMAT) {
            throw new IllegalArgumentException(file + " is no backup of this format");
          }
        } else if (line.has("table")) {
          insert(handle, line.get("table").getAsString(), line.getAsJsonObject("row"));
          rows++;
        } else {
          whole = line.has("rows") && line.get("rows").getAsLong() == rows;
        }
        text = in.readLine();
      }
    } catch (IOException | JsonParseException | IllegalStateException e) {
      throw new IllegalArgumentException(file + ", line " + number + " cannot be read", e);
    }
    if (!whole) {
      throw new IllegalArgumentException(file + " ends before its end; nothing was taken from it");
    }
    restartNumbers(handle);
    return rows;
  }

  private static void insert(Handle handle, String table, JsonObject row) {
    if (!TABLES.contains(table)) {
      throw new IllegalArgumentException("the backup has a table '" + table + "' that is unknown");
    }
    final Map<String, JsonElement> values = new LinkedHashMap<>();
    row.entrySet()
        .forEach(
            entry -> {
              if (!entry.getKey().matches("[a-z_]+")) {
                throw new IllegalArgumentException(
                    "the backup has a column '" + entry.getKey() + "' that is unknown");
              }
              values.put(entry.getKey(), entry.getValue());
            });
    final String sql =
        "INSERT INTO "
            + table
            + " ("
            + String.join(", ", values.keySet())
            + ") VALUES ("
            + "?, ".repeat(values.size() - 1)
            + "?)";
    try (PreparedStatement insert = handle.getConnection().prepareStatement(sql)) {
      int place = 1;
      for (final Map.Entry<String, JsonElement> value : values.entrySet()) {
        final int type = insert.getParameterMetaData().getParameterType(place);
        insert.setObject(place, typed(type, value.getValue()));
        place++;
      }
      insert.executeUpdate();
    } catch (SQLException e) {
      throw new IllegalArgumentException("the backup has a row of " + table + " that fits not", e);
    }
  }

  private static Object typed(int type, JsonElement value) {
    return switch (type) {
      case Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE ->
          java.time.Instant.parse(value.getAsString()).atOffset(ZoneOffset.UTC);
      case Types.DATE -> LocalDate.parse(value.getAsString());
      case Types.INTEGER -> value.getAsInt();
      case Types.BIGINT -> value.getAsLong();
      case Types.BOOLEAN, Types.BIT -> value.getAsBoolean();
      default -> value.getAsString();
    };
  }

  /** Numbers given from now on come after those in the backup. */
  private static void restartNumbers(Handle handle) {
    for (final String table :
        List.of("account", "remark", "report", "correction", "subscription", "letter")) {
      final long next =
          1
              + handle
                  .createQuery("SELECT coalesce(max(id), 0) FROM " + table)
                  .mapTo(Long.class)
                  .one();
      handle.execute("ALTER TABLE " + table + " ALTER COLUMN id RESTART WITH " + next);
    }
  }

  private static void line(BufferedWriter out, JsonObject json) {
    try {
      out.write(Json.write(json));
      out.newLine();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the backup", e);
    }
  }
}
