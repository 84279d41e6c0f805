package io.steelyard.feed.discussion;

import io.steelyard.feed.paper.ArxivId;
import java.time.Instant;
import java.util.Optional;

/**
 * A comment on a paper.
 *
 * @param id number
 * @param paper what it is about
 * @param account who wrote it, empty once the account is gone
 * @param author the name of who did, empty once the account is gone
 * @param markdown what it says
 * @param at when it was written
 * @param edited when it was last changed, if it was
 * @param hidden whether a moderator or its writer took it away
 */
public record Remark(
    long id,
    ArxivId paper,
    Optional<Long> account,
    String author,
    String markdown,
    Instant at,
    Optional<Instant> edited,
    boolean hidden) {

  /** Whether this account wrote it. */
  public boolean isBy(long other) {
    return account.filter(mine -> mine == other).isPresent();
  }
}
