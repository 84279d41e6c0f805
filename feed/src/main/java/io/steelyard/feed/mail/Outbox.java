package io.steelyard.feed.mail;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import io.steelyard.feed.database.Times;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * The letters that wait, through one connection. A letter is written down in the transaction that
 * calls for it, so it goes out if and only if that is done. It is marked before it is handed over:
 * after a crash in between nobody gets it twice.
 */
public final class Outbox {

  private static final int MOST_ATTEMPTS = 12;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(30);
  private static final Duration LONGEST_PAUSE = Duration.ofHours(2);
  private static final Gson GSON = new Gson();

  private final Handle handle;

  /** The outbox seen through this connection. */
  public Outbox(Handle handle) {
    this.handle = handle;
  }

  /** A letter that is due. */
  public record Due(long number, int attempts, Letter letter) {}

  /** Writes a letter down, unless one with its id already is. */
  public void add(Letter letter) {
    handle
        .createUpdate(
            "INSERT INTO letter (message_id, recipient, subject, text, html, headers, state,"
                + " attempts, due, created) VALUES (:id, :to, :subject, :text, :html, :headers,"
                + " 'waiting', 0, :now, :now) ON CONFLICT DO NOTHING")
        .bind("id", letter.id())
        .bind("to", letter.to())
        .bind("subject", letter.subject())
        .bind("text", letter.text())
        .bind("html", letter.html())
        .bind("headers", GSON.toJson(letter.headers()))
        .bind("now", Times.of(Instant.now()))
        .execute();
  }

  /** Whether a letter is due. */
  public boolean isDue(Instant now) {
    return handle
            .createQuery("SELECT count(*) FROM letter WHERE state = 'waiting' AND due <= :now")
            .bind("now", Times.of(now))
            .mapTo(Long.class)
            .one()
        > 0;
  }

  /** Takes the next letter that is due; no other process gets it too. */
  public Optional<Due> take(Instant now) {
    final Optional<Due> due =
        handle
            .createQuery(
                "SELECT id, message_id, recipient, subject, text, html, headers, attempts"
                    + " FROM letter WHERE state = 'waiting' AND due <= :now ORDER BY due, id LIMIT 1")
            .bind("now", Times.of(now))
            .map(
                (row, _) ->
                    new Due(
                        row.getLong("id"),
                        row.getInt("attempts"),
                        new Letter(
                            row.getString("recipient"),
                            row.getString("subject"),
                            row.getString("text"),
                            row.getString("html"),
                            row.getString("message_id"),
                            GSON.fromJson(
                                row.getString("headers"),
                                new TypeToken<Map<String, String>>() {}))))
            .findOne();
    return due.filter(
        one ->
            handle.execute(
                    "UPDATE letter SET state = 'sending', attempts = attempts + 1"
                        + " WHERE id = ? AND state = 'waiting'",
                    one.number())
                == 1);
  }

  /** Notes that a letter is gone; its text is not kept. */
  public void sent(Due due) {
    handle.execute(
        "UPDATE letter SET state = 'sent', text = '', html = '' WHERE id = ?", due.number());
  }

  /** Notes that a letter was not taken: it waits longer each time, and for good after twelve. */
  public void failed(Due due, Instant now, boolean forGood) {
    final int attempts = due.attempts() + 1;
    final boolean over = forGood || attempts >= MOST_ATTEMPTS;
    final Duration pause =
        FIRST_PAUSE.multipliedBy(1L << Math.min(attempts - 1, 10)).compareTo(LONGEST_PAUSE) > 0
            ? LONGEST_PAUSE
            : FIRST_PAUSE.multipliedBy(1L << (attempts - 1));
    handle
        .createUpdate("UPDATE letter SET state = :state, due = :due WHERE id = :id")
        .bind("state", over ? "failed" : "waiting")
        .bind("due", Times.of(now.plus(pause)))
        .bind("id", due.number())
        .execute();
  }

  /** How many letters are in a state: waiting, sending, sent, failed, unknown. */
  public int count(String state) {
    return handle
        .createQuery("SELECT count(*) FROM letter WHERE state = :state")
        .bind("state", state)
        .mapTo(Integer.class)
        .one();
  }

  /** Whether a letter with this id was written down, ever. */
  public boolean knows(String id) {
    return handle
            .createQuery("SELECT count(*) FROM letter WHERE message_id = :id")
            .bind("id", id)
            .mapTo(Integer.class)
            .one()
        > 0;
  }

  /** Gives up on letters that a crash interrupted: they may be there already. */
  public int abandonInterrupted() {
    return handle.execute("UPDATE letter SET state = 'unknown' WHERE state = 'sending'");
  }
}
