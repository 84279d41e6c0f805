package io.steelyard.feed.discussion;

import io.steelyard.feed.database.Times;
import io.steelyard.feed.paper.ArxivId;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/** Votes, and counts of votes and comments, through one connection. */
public final class Opinions {

  /** After this time a vote or comment counts half for the trend. */
  public static final Duration HALF_LIFE = Duration.ofDays(7);

  /** What is older no longer shows in the trend: 2^-12 of its weight is left. */
  private static final Duration HORIZON = HALF_LIFE.multipliedBy(12);

  private final Handle handle;

  /** The opinions seen through this connection. */
  public Opinions(Handle handle) {
    this.handle = handle;
  }

  /** How many votes and comments a paper has. */
  public record Count(int votes, int comments) {

    /** None. */
    public static final Count NONE = new Count(0, 0);
  }

  /** The counts of these papers; those without any are left out. */
  public Map<ArxivId, Count> counts(List<ArxivId> papers) {
    if (papers.isEmpty()) {
      return Map.of();
    }
    final Map<ArxivId, Integer> votes =
        grouped(
            "SELECT paper_id, count(*) FROM vote WHERE paper_id IN (<ids>) GROUP BY paper_id",
            papers);
    final Map<ArxivId, Integer> comments =
        grouped(
            "SELECT paper_id, count(*) FROM remark WHERE hidden IS NULL AND paper_id IN (<ids>)"
                + " GROUP BY paper_id",
            papers);
    final Map<ArxivId, Count> counts = new HashMap<>();
    votes.forEach((id, n) -> counts.put(id, new Count(n, comments.getOrDefault(id, 0))));
    comments.forEach((id, n) -> counts.putIfAbsent(id, new Count(0, n)));
    return counts;
  }

  /** Which of these papers an account has voted for. */
  public Set<ArxivId> votedBy(long account, List<ArxivId> papers) {
    if (papers.isEmpty()) {
      return Set.of();
    }
    return new HashSet<>(
        handle
            .createQuery(
                "SELECT paper_id FROM vote WHERE account_id = :account AND paper_id IN (<ids>)")
            .bind("account", account)
            .bindList("ids", papers.stream().map(ArxivId::value).toList())
            .map((row, _) -> new ArxivId(row.getString("paper_id")))
            .list());
  }

  /** Votes for a paper; a second vote of the same account changes nothing. */
  public void vote(ArxivId paper, long account, Instant at) {
    handle
        .createUpdate(
            "INSERT INTO vote (paper_id, account_id, at) VALUES (:paper, :account, :at)"
                + " ON CONFLICT DO NOTHING")
        .bind("paper", paper.value())
        .bind("account", account)
        .bind("at", Times.of(at))
        .execute();
  }

  /** Takes a vote back. */
  public void unvote(ArxivId paper, long account) {
    handle
        .createUpdate("DELETE FROM vote WHERE paper_id = :paper AND account_id = :account")
        .bind("paper", paper.value())
        .bind("account", account)
        .execute();
  }

  /**
   * How much each paper is talked about now: the sum over its votes and visible comments of {@code
   * 2^(-age / 7 days)}. Papers that nobody has mentioned for twelve weeks are left out.
   */
  public Map<ArxivId, Double> trend(Instant now) {
    final Map<ArxivId, Double> trend = new HashMap<>();
    handle
        .createQuery(
            "SELECT paper_id, at FROM vote WHERE at > :since"
                + " UNION ALL SELECT paper_id, at FROM remark WHERE hidden IS NULL AND at > :since")
        .bind("since", Times.of(now.minus(HORIZON)))
        .map((row, _) -> Map.entry(row.getString("paper_id"), Times.instant(row, "at")))
        .forEach(
            event ->
                trend.merge(
                    new ArxivId(event.getKey()), weight(event.getValue(), now), Double::sum));
    return trend;
  }

  /** {@code 2^(-age / half-life)}, 1 for what has just happened. */
  static double weight(Instant at, Instant now) {
    final double age = Math.max(0, Duration.between(at, now).toMillis());
    return Math.pow(2, -age / HALF_LIFE.toMillis());
  }

  private Map<ArxivId, Integer> grouped(String sql, List<ArxivId> papers) {
    final Map<ArxivId, Integer> counts = new HashMap<>();
    handle
        .createQuery(sql)
        .bindList("ids", papers.stream().map(ArxivId::value).toList())
        .map((row, _) -> Map.entry(new ArxivId(row.getString(1)), row.getInt(2)))
        .forEach(entry -> counts.put(entry.getKey(), entry.getValue()));
    return counts;
  }
}
