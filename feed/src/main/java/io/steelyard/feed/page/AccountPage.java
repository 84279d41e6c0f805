package io.steelyard.feed.page;

import io.steelyard.feed.account.Account;
import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Subscription;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Somebody's own page.
 *
 * @param shell around it
 * @param account whose
 * @param digest what the reader gets by mail, if anything
 * @param mails whether the site sends mail
 * @param lists saved papers by list
 * @param mentions comments that name the reader, the newest first
 * @param brought papers, corrections and claims of authorship, the newest first
 * @param tokens of the API
 * @param fresh a token that was made just now and is never shown again, empty for none
 * @param problem why the last try was not taken, empty for none
 */
public record AccountPage(
    Shell shell,
    Account account,
    Optional<Subscription> digest,
    boolean mails,
    Map<String, List<Card>> lists,
    List<Mention> mentions,
    List<Brought> brought,
    List<Accounts.TicketView> tokens,
    String fresh,
    String problem) {

  /** What the reader brought, and what became of it. */
  public record Brought(String what, String path, String day, String state) {}

  /** A comment that names the reader. */
  public record Mention(String by, String day, String title, String path, boolean seen) {}
}
