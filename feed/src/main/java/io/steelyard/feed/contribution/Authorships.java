package io.steelyard.feed.contribution;

import io.steelyard.feed.database.Times;
import io.steelyard.feed.paper.ArxivId;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.Update;

/** Who says that they wrote a paper, and whether a moderator has confirmed it. */
public final class Authorships {

  private static final String SELECT =
      "SELECT s.paper_id, s.place, s.account_id, a.name, s.slug, s.note, s.at, s.verified"
          + " FROM authorship s JOIN account a ON a.id = s.account_id ";

  private final Handle handle;

  /** The claims seen through this connection. */
  public Authorships(Handle handle) {
    this.handle = handle;
  }

  /**
   * Somebody's claim to be an author.
   *
   * @param paper of which paper
   * @param place of the author on it, from 0, when it was claimed
   * @param account number of the account
   * @param by its name
   * @param slug of the author in addresses
   * @param note how a moderator can see that it is true
   * @param at when
   * @param verified when it was confirmed, if it was
   */
  public record Authorship(
      ArxivId paper,
      int place,
      long account,
      String by,
      String slug,
      String note,
      Instant at,
      Optional<Instant> verified) {}

  /** Writes a claim down; a second one of the same changes nothing. */
  public void claim(ArxivId paper, int place, String slug, long account, String note, Instant at) {
    handle
        .createUpdate(
            "INSERT INTO authorship (paper_id, place, account_id, slug, note, at)"
                + " VALUES (:paper, :place, :account, :slug, :note, :at) ON CONFLICT DO NOTHING")
        .bind("paper", paper.value())
        .bind("place", place)
        .bind("account", account)
        .bind("slug", slug)
        .bind("note", note)
        .bind("at", Times.of(at))
        .execute();
  }

  /** What waits for a moderator, the oldest first. */
  public List<Authorship> waiting() {
    return list(handle.createQuery(SELECT + "WHERE s.verified IS NULL ORDER BY s.at, s.paper_id"));
  }

  /** What an account claims, the newest first. */
  public List<Authorship> by(long account) {
    return list(
        handle
            .createQuery(SELECT + "WHERE s.account_id = :account ORDER BY s.at DESC, s.paper_id")
            .bind("account", account));
  }

  /** Who of the authors of a paper is here: names of accounts by the authors' slugs. */
  public Map<String, String> confirmed(ArxivId paper) {
    final Map<String, String> names = new LinkedHashMap<>();
    list(handle
            .createQuery(
                SELECT + "WHERE s.paper_id = :paper AND s.verified IS NOT NULL ORDER BY s.verified")
            .bind("paper", paper.value()))
        .forEach(claim -> names.putIfAbsent(claim.slug(), claim.by()));
    return names;
  }

  /**
   * The authors of some papers who are here.
   *
   * @param confirmed claims by paper and by the author's name in addresses
   * @param talking papers of which a confirmed author says something on their page
   */
  public record Presence(Map<ArxivId, Map<String, Authorship>> confirmed, Set<ArxivId> talking) {

    /** Copies what is given. */
    public Presence {
      confirmed = Map.copyOf(confirmed);
      talking = Set.copyOf(talking);
    }

    /** Who an author of a paper is here, if anybody. */
    public Optional<Authorship> of(ArxivId paper, String slug) {
      return Optional.ofNullable(confirmed.getOrDefault(paper, Map.of()).get(slug));
    }
  }

  /** Which authors of these papers are here. */
  public Presence presence(List<ArxivId> papers) {
    if (papers.isEmpty()) {
      return new Presence(Map.of(), Set.of());
    }
    final List<String> ids = papers.stream().map(ArxivId::value).toList();
    final Map<ArxivId, Map<String, Authorship>> confirmed = new HashMap<>();
    list(handle
            .createQuery(
                SELECT
                    + "WHERE s.paper_id IN (<ids>) AND s.verified IS NOT NULL ORDER BY s.verified")
            .bindList("ids", ids))
        .forEach(
            claim ->
                confirmed
                    .computeIfAbsent(claim.paper(), _ -> new HashMap<>())
                    .putIfAbsent(claim.slug(), claim));
    final List<ArxivId> talking =
        handle
            .createQuery(
                "SELECT DISTINCT s.paper_id FROM authorship s JOIN remark r"
                    + " ON r.paper_id = s.paper_id AND r.account_id = s.account_id"
                    + " WHERE s.paper_id IN (<ids>) AND s.verified IS NOT NULL"
                    + " AND r.hidden IS NULL")
            .bindList("ids", ids)
            .map((row, _) -> new ArxivId(row.getString("paper_id")))
            .list();
    return new Presence(confirmed, Set.copyOf(talking));
  }

  /** The confirmed claims of those with this name in addresses. */
  public List<Authorship> confirmedAs(String slug) {
    return list(
        handle
            .createQuery(
                SELECT + "WHERE s.slug = :slug AND s.verified IS NOT NULL ORDER BY s.verified")
            .bind("slug", slug));
  }

  /**
   * Decides one that waits: a confirmed claim stays, another one goes.
   *
   * @return whether it waited
   */
  public boolean decide(ArxivId paper, int place, long account, boolean confirmed, Instant at) {
    final String which =
        " WHERE paper_id = :paper AND place = :place AND account_id = :account"
            + " AND verified IS NULL";
    final Update update =
        confirmed
            ? handle
                .createUpdate("UPDATE authorship SET verified = :at" + which)
                .bind("at", Times.of(at))
            : handle.createUpdate("DELETE FROM authorship" + which);
    return update
            .bind("paper", paper.value())
            .bind("place", place)
            .bind("account", account)
            .execute()
        == 1;
  }

  private static List<Authorship> list(Query query) {
    return query
        .map(
            (row, _) ->
                new Authorship(
                    new ArxivId(row.getString("paper_id")),
                    row.getInt("place"),
                    row.getLong("account_id"),
                    row.getString("name"),
                    row.getString("slug"),
                    row.getString("note"),
                    Times.instant(row, "at"),
                    Times.optionalInstant(row, "verified")))
        .list();
  }
}
