package io.steelyard.feed.contribution;

import io.steelyard.feed.database.Times;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Link;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/** What readers want changed of papers, and what became of it, through one connection. */
public final class Corrections {

  private static final String SELECT =
      "SELECT c.id, c.paper_id, a.name, c.field, c.before_text, c.after_text, c.note, c.at,"
          + " c.decided, d.name AS decider, c.accepted FROM correction c"
          + " LEFT JOIN account a ON a.id = c.account_id"
          + " LEFT JOIN account d ON d.id = c.decided_by ";

  private final Handle handle;

  /** The corrections seen through this connection. */
  public Corrections(Handle handle) {
    this.handle = handle;
  }

  /** What of a paper can be corrected. */
  public enum Part {
    /** The title. */
    TITLE("Title", 500),
    /** The summary. */
    SUMMARY("Summary", 2000),
    /** The abstract. */
    ABSTRACT("Abstract", 10_000),
    /** The address of the code. */
    CODE("Code", 1000),
    /** The address of the project. */
    PROJECT("Project page", 1000);

    private final String shown;
    private final int longest;

    Part(String shown, int longest) {
      this.shown = shown;
      this.longest = longest;
    }

    /** The word in the database, in forms, and among a paper's corrected fields. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The words on pages. */
    public String shown() {
      return shown;
    }

    /** Most characters. */
    public int longest() {
      return longest;
    }

    /** The part with this label. */
    public static Part of(String label) {
      return Arrays.stream(values())
          .filter(part -> part.label().equals(label))
          .findFirst()
          .orElseThrow(() -> new IllegalArgumentException("no paper has a part '" + label + "'"));
    }

    /** What a paper has there; empty for nothing. */
    public String in(Publication paper) {
      return switch (this) {
        case TITLE -> paper.title();
        case SUMMARY -> paper.summary();
        case ABSTRACT -> paper.abstractText();
        case CODE -> paper.code().map(Link::url).orElse("");
        case PROJECT -> project(paper).map(Link::url).orElse("");
      };
    }

    /** Why this text cannot stand there; empty if it can. */
    public String objection(String text) {
      if (text.length() > longest) {
        return shown + " has " + text.length() + " characters; expected at most " + longest;
      }
      return switch (this) {
        case TITLE -> text.isBlank() ? "A paper needs a title" : "";
        case SUMMARY, ABSTRACT -> "";
        case CODE, PROJECT ->
            text.isEmpty() || Link.isSafe(text)
                ? ""
                : shown + " is '" + text + "'; expected an http or https address";
      };
    }

    private Publication with(Publication paper, String text) {
      return switch (this) {
        case TITLE -> paper.withTitle(text);
        case SUMMARY -> paper.withSummary(text);
        case ABSTRACT -> paper.withAbstract(text);
        case CODE -> paper.withLinks(links(paper, Link.Kind.CODE, paper.code(), text));
        case PROJECT -> paper.withLinks(links(paper, Link.Kind.PROJECT, project(paper), text));
      };
    }

    private static Optional<Link> project(Publication paper) {
      return paper.links().stream().filter(link -> link.kind() == Link.Kind.PROJECT).findFirst();
    }

    private static List<Link> links(
        Publication paper, Link.Kind kind, Optional<Link> before, String after) {
      final List<Link> links = new ArrayList<>(paper.links());
      before.ifPresent(links::remove);
      links.removeIf(link -> link.url().equals(after));
      if (!after.isEmpty()) {
        // In the place of what it corrects: an author's link stays before what others found.
        links.add(new Link(kind, after, before.map(Link::source).orElse(Link.Source.PERSON)));
      }
      return links;
    }
  }

  /**
   * A change that somebody wants.
   *
   * @param id its number
   * @param paper of which paper
   * @param by who wants it, empty for somebody who left
   * @param part of what
   * @param before what stood there
   * @param after what should
   * @param note why
   * @param at when
   * @param decided when it was, if it was
   * @param decider by whom, empty while it waits
   * @param accepted whether it was made
   */
  public record Correction(
      long id,
      ArxivId paper,
      String by,
      Part part,
      String before,
      String after,
      String note,
      Instant at,
      Optional<Instant> decided,
      String decider,
      boolean accepted) {}

  /** Writes down that somebody wants a change, and returns its number. */
  public long propose(
      Publication paper, long account, Part part, String after, String note, Instant at) {
    // Who thinks again replaces what they said before.
    handle.execute(
        "DELETE FROM correction WHERE paper_id = ? AND account_id = ? AND field = ?"
            + " AND decided IS NULL",
        paper.id().value(),
        account,
        part.label());
    return handle
        .createUpdate(
            "INSERT INTO correction"
                + " (paper_id, account_id, field, before_text, after_text, note, at)"
                + " VALUES (:paper, :account, :field, :before, :after, :note, :at)")
        .bind("paper", paper.id().value())
        .bind("account", account)
        .bind("field", part.label())
        .bind("before", part.in(paper))
        .bind("after", after)
        .bind("note", note)
        .bind("at", Times.of(at))
        .executeAndReturnGeneratedKeys("id")
        .mapTo(Long.class)
        .one();
  }

  /** What waits for a moderator, the oldest first. */
  public List<Correction> waiting() {
    return list(handle.createQuery(SELECT + "WHERE c.decided IS NULL ORDER BY c.at, c.id"));
  }

  /** How many of an account's wait. */
  public int waitingOf(long account) {
    return handle
        .createQuery(
            "SELECT count(*) FROM correction WHERE account_id = :account AND decided IS NULL")
        .bind("account", account)
        .mapTo(Integer.class)
        .one();
  }

  /** What an account has asked for, the newest first. */
  public List<Correction> by(long account) {
    return list(
        handle
            .createQuery(SELECT + "WHERE c.account_id = :account ORDER BY c.at DESC, c.id DESC")
            .bind("account", account));
  }

  /** The changes that were made to a paper, the newest first. */
  public List<Correction> history(ArxivId paper) {
    return list(
        handle
            .createQuery(
                SELECT
                    + "WHERE c.paper_id = :paper AND c.accepted ORDER BY c.decided DESC, c.id DESC")
            .bind("paper", paper.value()));
  }

  /**
   * Decides one that waits; an accepted one is made at once, and imports then leave it alone.
   *
   * @return the paper, or nothing if it did not wait
   */
  public Optional<ArxivId> decide(long id, boolean accepted, long moderator, Instant at) {
    final Optional<Correction> found =
        list(handle.createQuery(SELECT + "WHERE c.id = :id AND c.decided IS NULL").bind("id", id))
            .stream()
            .findFirst();
    if (found.isEmpty()) {
      return Optional.empty();
    }
    final Correction correction = found.get();
    final Publications papers = new Publications(handle);
    final Publication paper = papers.find(correction.paper()).orElseThrow();
    final Part part = correction.part();
    // The history says what was replaced, which may have changed while this waited.
    final boolean first =
        handle
                .createUpdate(
                    "UPDATE correction SET decided = :at, decided_by = :moderator,"
                        + " accepted = :accepted, before_text = :before"
                        + " WHERE id = :id AND decided IS NULL")
                .bind("at", Times.of(at))
                .bind("moderator", moderator)
                .bind("accepted", accepted)
                .bind("before", accepted ? part.in(paper) : correction.before())
                .bind("id", id)
                .execute()
            == 1;
    if (!first) {
      return Optional.empty();
    }
    if (accepted) {
      papers.correct(part.with(paper, correction.after()), part.label());
    }
    return Optional.of(correction.paper());
  }

  private static List<Correction> list(Query query) {
    return query.map((row, _) -> read(row)).list();
  }

  private static Correction read(ResultSet row) throws SQLException {
    final Optional<String> by = Optional.ofNullable(row.getString("name"));
    final Optional<String> decider = Optional.ofNullable(row.getString("decider"));
    return new Correction(
        row.getLong("id"),
        new ArxivId(row.getString("paper_id")),
        by.orElse(""),
        Part.of(row.getString("field")),
        row.getString("before_text"),
        row.getString("after_text"),
        row.getString("note"),
        Times.instant(row, "at"),
        Times.optionalInstant(row, "decided"),
        decider.orElse(""),
        row.getBoolean("accepted"));
  }
}
