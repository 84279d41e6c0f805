package io.steelyard.feed.discussion;

import io.steelyard.feed.database.Times;
import io.steelyard.feed.paper.ArxivId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Comments, their history, mentions and reports, through one connection. */
public final class Remarks {

  /** Longest comment in characters. */
  public static final int LONGEST = 10_000;

  private static final String SELECT =
      "SELECT r.id, r.paper_id, r.account_id, a.name, r.markdown, r.at, r.edited, r.hidden"
          + " FROM remark r LEFT JOIN account a ON a.id = r.account_id ";

  private final Handle handle;

  /** The comments seen through this connection. */
  public Remarks(Handle handle) {
    this.handle = handle;
  }

  /** A comment that somebody reported. */
  public record Report(long id, Remark remark, String reason, Instant at) {}

  /** A comment that names an account. */
  public record Mention(Remark remark, boolean seen) {}

  /** Writes a comment and returns its number. */
  public long add(ArxivId paper, long account, String markdown, Instant at) {
    return handle
        .createUpdate(
            "INSERT INTO remark (paper_id, account_id, markdown, at)"
                + " VALUES (:paper, :account, :markdown, :at)")
        .bind("paper", paper.value())
        .bind("account", account)
        .bind("markdown", markdown)
        .bind("at", Times.of(at))
        .executeAndReturnGeneratedKeys("id")
        .mapTo(Long.class)
        .one();
  }

  /** Tells accounts that a comment names them. */
  public void mention(long remark, Collection<Long> accounts) {
    for (final long account : accounts) {
      handle.execute(
          "INSERT INTO mention (remark_id, account_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
          remark,
          account);
    }
  }

  /** The comment with this number. */
  public Optional<Remark> find(long id) {
    return handle
        .createQuery(SELECT + "WHERE r.id = :id")
        .bind("id", id)
        .map((row, _) -> read(row))
        .findOne();
  }

  /** The comments on a paper that are to be seen, the oldest first. */
  public List<Remark> of(ArxivId paper) {
    return handle
        .createQuery(SELECT + "WHERE r.paper_id = :paper AND r.hidden IS NULL ORDER BY r.at, r.id")
        .bind("paper", paper.value())
        .map((row, _) -> read(row))
        .list();
  }

  /** The comments an account wrote, hidden ones too. */
  public List<Remark> by(long account) {
    return handle
        .createQuery(SELECT + "WHERE r.account_id = :account ORDER BY r.at, r.id")
        .bind("account", account)
        .map((row, _) -> read(row))
        .list();
  }

  /** Changes a comment; what it said before is kept. */
  public void edit(Remark remark, String markdown, Instant at) {
    handle
        .createUpdate(
            "INSERT INTO remark_edit (remark_id, at, markdown) VALUES (:id, :at, :markdown)")
        .bind("id", remark.id())
        .bind("at", Times.of(at))
        .bind("markdown", remark.markdown())
        .execute();
    handle
        .createUpdate("UPDATE remark SET markdown = :markdown, edited = :at WHERE id = :id")
        .bind("id", remark.id())
        .bind("at", Times.of(at))
        .bind("markdown", markdown)
        .execute();
  }

  /** What a comment said before, the oldest first. */
  public List<String> history(long id) {
    return handle
        .createQuery("SELECT markdown FROM remark_edit WHERE remark_id = :id ORDER BY at")
        .bind("id", id)
        .mapTo(String.class)
        .list();
  }

  /** Takes a comment away; it stays in the database. */
  public void hide(long id, long by, Instant at) {
    handle
        .createUpdate("UPDATE remark SET hidden = :at, hidden_by = :by WHERE id = :id")
        .bind("id", id)
        .bind("by", by)
        .bind("at", Times.of(at))
        .execute();
    handle
        .createUpdate("UPDATE report SET closed = :at WHERE remark_id = :id AND closed IS NULL")
        .bind("id", id)
        .bind("at", Times.of(at))
        .execute();
  }

  /** Reports a comment to the moderators. */
  public void report(long id, long account, String reason, Instant at) {
    handle
        .createUpdate(
            "INSERT INTO report (remark_id, account_id, reason, at)"
                + " VALUES (:id, :account, :reason, :at)")
        .bind("id", id)
        .bind("account", account)
        .bind("reason", reason)
        .bind("at", Times.of(at))
        .execute();
  }

  /** The reports that nobody has looked at yet. */
  public List<Report> reports() {
    return handle
        .createQuery(
            "SELECT id, remark_id, reason, at FROM report WHERE closed IS NULL ORDER BY at")
        .map(
            (row, _) ->
                new Report(
                    row.getLong("id"),
                    find(row.getLong("remark_id")).orElseThrow(),
                    row.getString("reason"),
                    Times.instant(row, "at")))
        .list();
  }

  /** Notes that a report was looked at and the comment stays. */
  public void dismiss(long report, Instant at) {
    handle
        .createUpdate("UPDATE report SET closed = :at WHERE id = :id")
        .bind("id", report)
        .bind("at", Times.of(at))
        .execute();
  }

  /** The comments that name an account, the newest first. */
  public List<Mention> mentions(long account) {
    return handle
        .createQuery(
            SELECT.replace(" FROM", ", m.seen FROM")
                + "JOIN mention m ON m.remark_id = r.id WHERE m.account_id = :account"
                + " AND r.hidden IS NULL ORDER BY r.at DESC, r.id DESC LIMIT 50")
        .bind("account", account)
        .map((row, _) -> new Mention(read(row), Times.optionalInstant(row, "seen").isPresent()))
        .list();
  }

  /** Notes that an account has seen who named it. */
  public void seen(long account, Instant at) {
    handle
        .createUpdate("UPDATE mention SET seen = :at WHERE account_id = :account AND seen IS NULL")
        .bind("account", account)
        .bind("at", Times.of(at))
        .execute();
  }

  private static Remark read(ResultSet row) throws SQLException {
    final long account = row.getLong("account_id");
    final boolean gone = row.wasNull();
    return new Remark(
        row.getLong("id"),
        new ArxivId(row.getString("paper_id")),
        gone ? Optional.empty() : Optional.of(account),
        Optional.ofNullable(row.getString("name")).orElse(""),
        row.getString("markdown"),
        Times.instant(row, "at"),
        Times.optionalInstant(row, "edited"),
        Times.optionalInstant(row, "hidden").isPresent());
  }
}
