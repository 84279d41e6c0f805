package io.steelyard.feed.account;

import io.steelyard.feed.database.Times;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Who gets the digest, through one connection. */
public final class Subscriptions {

  private static final String SELECT =
      "SELECT s.id, s.account_id, a.email, s.cadence, s.keywords, s.secret FROM subscription s"
          + " JOIN account a ON a.id = s.account_id ";

  private final Handle handle;

  /** The subscriptions seen through this connection. */
  public Subscriptions(Handle handle) {
    this.handle = handle;
  }

  /** Subscribes an account, or changes what it gets. */
  public void set(long account, Subscription.Cadence cadence, List<String> keywords) {
    final int known =
        handle.execute(
            "UPDATE subscription SET cadence = ?, keywords = ? WHERE account_id = ?",
            cadence.label(),
            String.join(",", keywords),
            account);
    if (known == 0) {
      handle
          .createUpdate(
              "INSERT INTO subscription (account_id, cadence, keywords, secret, created)"
                  + " VALUES (:account, :cadence, :keywords, :secret, :created)")
          .bind("account", account)
          .bind("cadence", cadence.label())
          .bind("keywords", String.join(",", keywords))
          .bind("secret", Tokens.fresh())
          .bind("created", Times.of(Instant.now()))
          .execute();
    }
  }

  /** Ends the subscription of an account. */
  public void end(long account) {
    handle.execute("DELETE FROM subscription WHERE account_id = ?", account);
  }

  /** Ends the subscription with this secret, and says whether there was one. */
  public boolean end(String secret) {
    return handle.execute("DELETE FROM subscription WHERE secret = ?", secret) == 1;
  }

  /** The subscription of an account. */
  public Optional<Subscription> of(long account) {
    return handle
        .createQuery(SELECT + "WHERE s.account_id = :account")
        .bind("account", account)
        .map((row, _) -> read(row))
        .findOne();
  }

  /** The subscriptions of one cadence whose accounts are usable, by number. */
  public List<Subscription> all(Subscription.Cadence cadence) {
    return handle
        .createQuery(
            SELECT
                + "WHERE s.cadence = :cadence AND a.verified IS NOT NULL AND a.closed IS NULL"
                + " ORDER BY s.id")
        .bind("cadence", cadence.label())
        .map((row, _) -> read(row))
        .list();
  }

  /** Notes that a subscription gets an issue; false if it was noted before. */
  public boolean deliver(Subscription subscription, String issue) {
    return handle
            .createUpdate(
                "INSERT INTO delivery (subscription_id, issue, state, attempts, at)"
                    + " VALUES (:subscription, :issue, 'sent', 1, :at) ON CONFLICT DO NOTHING")
            .bind("subscription", subscription.id())
            .bind("issue", issue)
            .bind("at", Times.of(Instant.now()))
            .execute()
        == 1;
  }

  private static Subscription read(ResultSet row) throws SQLException {
    return new Subscription(
        row.getLong("id"),
        row.getLong("account_id"),
        row.getString("email"),
        Subscription.Cadence.of(row.getString("cadence")).orElseThrow(),
        Subscription.words(row.getString("keywords")),
        row.getString("secret"));
  }
}
