package io.steelyard.feed.contribution;

import io.steelyard.feed.database.Times;
import io.steelyard.feed.paper.ArxivId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/** Papers that readers bring, through one connection. */
public final class Submissions {

  /** Longest note in characters. */
  public static final int LONGEST_NOTE = 1000;

  private static final String SELECT =
      "SELECT s.paper_id, a.name, s.note, s.answer, s.at, s.taken, s.declined"
          + " FROM submission s LEFT JOIN account a ON a.id = s.account_id ";

  private final Handle handle;

  /** The submissions seen through this connection. */
  public Submissions(Handle handle) {
    this.handle = handle;
  }

  /** How far a submission has come. */
  public enum State {
    /** A moderator has to look at it. */
    WAITING,
    /** The paper is on the feed. */
    TAKEN,
    /** A moderator does not want it. */
    DECLINED
  }

  /**
   * A paper that somebody brings.
   *
   * @param paper its id
   * @param by who brings it, empty for somebody who left
   * @param note why, in the reader's words
   * @param answer what arXiv said of it, as it came
   * @param at when
   * @param state how far it is
   */
  public record Submission(
      ArxivId paper, String by, String note, String answer, Instant at, State state) {}

  /**
   * Writes one down.
   *
   * @return whether it is new: a paper is brought once, whoever brings it
   */
  public boolean add(ArxivId paper, long account, String note, String answer, Instant at) {
    return handle
            .createUpdate(
                "INSERT INTO submission (paper_id, account_id, note, at, failure, answer)"
                    + " VALUES (:paper, :account, :note, :at, '', :answer) ON CONFLICT DO NOTHING")
            .bind("paper", paper.value())
            .bind("account", account)
            .bind("note", note)
            .bind("at", Times.of(at))
            .bind("answer", answer)
            .execute()
        == 1;
  }

  /** The submission of a paper. */
  public Optional<Submission> of(ArxivId paper) {
    return list(
            handle.createQuery(SELECT + "WHERE s.paper_id = :paper").bind("paper", paper.value()))
        .stream()
        .findFirst();
  }

  /** What waits for a moderator, the oldest first. */
  public List<Submission> waiting() {
    return list(
        handle.createQuery(
            SELECT + "WHERE s.taken IS NULL AND s.declined IS NULL ORDER BY s.at, s.paper_id"));
  }

  /** What an account has brought, the newest first. */
  public List<Submission> by(long account) {
    return list(
        handle
            .createQuery(SELECT + "WHERE s.account_id = :account ORDER BY s.at DESC, s.paper_id")
            .bind("account", account));
  }

  /** How many of an account's wait. */
  public int waitingOf(long account) {
    return handle
        .createQuery(
            "SELECT count(*) FROM submission"
                + " WHERE account_id = :account AND taken IS NULL AND declined IS NULL")
        .bind("account", account)
        .mapTo(Integer.class)
        .one();
  }

  /**
   * Decides one that waits.
   *
   * @return whether it waited
   */
  public boolean decide(ArxivId paper, boolean taken, Instant at) {
    return handle
            .createUpdate(
                "UPDATE submission SET "
                    + (taken ? "taken" : "declined")
                    + " = :at, answer = '' WHERE paper_id = :paper AND taken IS NULL"
                    + " AND declined IS NULL")
            .bind("at", Times.of(at))
            .bind("paper", paper.value())
            .execute()
        == 1;
  }

  private static List<Submission> list(Query query) {
    return query
        .map(
            (row, _) -> {
              final String name = row.getString("name");
              return new Submission(
                  new ArxivId(row.getString("paper_id")),
                  name == null ? "" : name,
                  row.getString("note"),
                  row.getString("answer"),
                  Times.instant(row, "at"),
                  Times.optionalInstant(row, "taken").isPresent()
                      ? State.TAKEN
                      : Times.optionalInstant(row, "declined").isPresent()
                          ? State.DECLINED
                          : State.WAITING);
            })
        .list();
  }
}
