package io.steelyard.feed.evidence;

import io.steelyard.feed.database.Times;
import io.steelyard.feed.paper.ArxivId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Numbers that others measured, through one connection. */
public final class ImportedNumbers {

  private static final String SELECT =
      "SELECT task, data, method, metric, figure, source, paper_id FROM imported_number";

  private static final String SAME =
      "task = :task AND data = :data AND method = :method AND metric = :metric"
          + " AND source = :source";

  private final Handle handle;

  /** The numbers seen through this connection. */
  public ImportedNumbers(Handle handle) {
    this.handle = handle;
  }

  /** What taking a number did. */
  public enum Change {
    /** It was not there. */
    ADDED,
    /** The same source now says another value or paper. */
    UPDATED,
    /** It was there as it is. */
    NONE
  }

  /** Takes a number over; one source says one value of a task, data set, method and metric. */
  public Change take(ImportedNumber number) {
    final Optional<ImportedNumber> known =
        handle
            .createQuery(SELECT + " WHERE " + SAME)
            .bind("task", number.task())
            .bind("data", number.data())
            .bind("method", number.method())
            .bind("metric", number.metric())
            .bind("source", number.source())
            .map((row, _) -> read(row))
            .findOne();
    if (known.filter(number::equals).isPresent()) {
      return Change.NONE;
    }
    final String sql =
        known.isPresent()
            ? "UPDATE imported_number SET figure = :value, paper_id = :paper, at = :at"
                + " WHERE "
                + SAME
            : "INSERT INTO imported_number"
                + " (task, data, method, metric, source, figure, paper_id, at) VALUES"
                + " (:task, :data, :method, :metric, :source, :value, :paper, :at)";
    handle
        .createUpdate(sql)
        .bind("task", number.task())
        .bind("data", number.data())
        .bind("method", number.method())
        .bind("metric", number.metric())
        .bind("source", number.source())
        .bind("value", number.value())
        .bind("paper", number.paper().value())
        .bind("at", Times.of(Instant.now()))
        .execute();
    return known.isPresent() ? Change.UPDATED : Change.ADDED;
  }

  /** All of them. */
  public List<ImportedNumber> all() {
    return handle
        .createQuery(SELECT + " ORDER BY task, data, metric, method, source")
        .map((row, _) -> read(row))
        .list();
  }

  private static ImportedNumber read(ResultSet row) throws SQLException {
    return new ImportedNumber(
        row.getString("task"),
        row.getString("data"),
        row.getString("method"),
        row.getString("metric"),
        row.getDouble("figure"),
        row.getString("source"),
        new ArxivId(row.getString("paper_id")));
  }
}
