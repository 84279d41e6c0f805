package io.steelyard.feed.discussion;

import io.steelyard.feed.database.Times;
import io.steelyard.feed.paper.ArxivId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;

/** The lists in which accounts keep papers, through one connection. */
public final class Shelves {

  /** The list for who does not name one. */
  public static final String READING = "Reading list";

  /** Longest name of a list. */
  public static final int LONGEST = 80;

  private final Handle handle;

  /** The lists seen through this connection. */
  public Shelves(Handle handle) {
    this.handle = handle;
  }

  /** Puts a paper on a list; it stands there once. */
  public void save(long account, String list, ArxivId paper, Instant at) {
    handle
        .createUpdate(
            "INSERT INTO saved (account_id, list, paper_id, at)"
                + " VALUES (:account, :list, :paper, :at) ON CONFLICT DO NOTHING")
        .bind("account", account)
        .bind("list", list)
        .bind("paper", paper.value())
        .bind("at", Times.of(at))
        .execute();
  }

  /** Takes a paper off a list. */
  public void remove(long account, String list, ArxivId paper) {
    handle.execute(
        "DELETE FROM saved WHERE account_id = ? AND list = ? AND paper_id = ?",
        account,
        list,
        paper.value());
  }

  /** The lists of an account by name, what was saved last first. */
  public Map<String, List<ArxivId>> of(long account) {
    final Map<String, List<ArxivId>> lists = new LinkedHashMap<>();
    handle
        .createQuery(
            "SELECT list, paper_id FROM saved WHERE account_id = :account"
                + " ORDER BY list, at DESC, paper_id")
        .bind("account", account)
        .map((row, _) -> Map.entry(row.getString("list"), row.getString("paper_id")))
        .forEach(
            entry ->
                lists
                    .computeIfAbsent(entry.getKey(), _ -> new ArrayList<>())
                    .add(new ArxivId(entry.getValue())));
    return lists;
  }
}
