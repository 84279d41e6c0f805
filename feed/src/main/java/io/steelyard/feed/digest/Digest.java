package io.steelyard.feed.digest;

import io.steelyard.feed.account.Subscription;
import io.steelyard.feed.account.Subscriptions;
import io.steelyard.feed.calendar.Period;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.mail.Letter;
import io.steelyard.feed.mail.Outbox;
import io.steelyard.feed.page.DigestLetter;
import io.steelyard.feed.page.Templates;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.tex.Tex;
import java.nio.charset.StandardCharsets;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes the digest of a day and, on the last day of a week, of the week. Each subscriber's letter
 * is put into the outbox in the transaction that notes the delivery: however often this runs and
 * wherever it is interrupted, everybody gets each issue once.
 */
public final class Digest {

  private static final int MOST = 100;

  private final Database database;
  private final String site;
  private final String address;

  /**
   * A writer.
   *
   * @param site name of the site
   * @param address public address of the site, no slash at the end
   */
  public Digest(Database database, String site, String address) {
    this.database = database;
    this.site = site;
    this.address = address;
  }

  /** Writes what is due once this day is over, and returns how many letters. */
  public int write(LocalDate day) {
    int letters = write(Subscription.Cadence.DAILY, new Period.Day(day));
    if (day.getDayOfWeek() == DayOfWeek.SUNDAY) {
      letters += write(Subscription.Cadence.WEEKLY, new Period.Week(day));
    }
    return letters;
  }

  /** Writes one issue to those who get it and did not yet; nothing if it has no papers for them. */
  public int write(Subscription.Cadence cadence, Period period) {
    final List<Publication> papers = papers(period);
    if (papers.isEmpty()) {
      return 0;
    }
    final List<Subscription> all = database.read(handle -> new Subscriptions(handle).all(cadence));
    int letters = 0;
    for (final Subscription subscription : all) {
      final List<Publication> chosen =
          papers.stream().filter(paper -> fits(paper, subscription.keywords())).toList();
      if (!chosen.isEmpty() && put(subscription, period, chosen)) {
        letters++;
      }
    }
    return letters;
  }

  /** The letter that a subscriber would get, whether or not it has papers. */
  public Letter preview(Subscription subscription, Period period) {
    return letter(
        subscription,
        period,
        papers(period).stream().filter(paper -> fits(paper, subscription.keywords())).toList());
  }

  private List<Publication> papers(Period period) {
    return database.read(
        handle -> new Publications(handle).featured(period.first(), period.last(), 0, MOST));
  }

  private boolean put(Subscription subscription, Period period, List<Publication> papers) {
    final Letter letter = letter(subscription, period, papers);
    return database.write(
        handle -> {
          final boolean due = new Subscriptions(handle).deliver(subscription, period.key());
          if (due) {
            new Outbox(handle).add(letter);
          }
          return due;
        });
  }

  private Letter letter(Subscription subscription, Period period, List<Publication> papers) {
    final String leave = address + "/unsubscribe?token=" + subscription.secret();
    final DigestLetter content =
        new DigestLetter(
            site,
            address,
            "Papers of " + period.title(),
            "/papers/" + period.kind() + "/" + period.key(),
            papers,
            leave);
    return new Letter(
        subscription.email(),
        site + ": papers of " + period.title(),
        content.text(),
        new String(Templates.render("digest", content), StandardCharsets.UTF_8),
        "digest." + period.key() + "." + subscription.id(),
        Map.of(
            "List-Unsubscribe",
            "<" + leave + ">",
            "List-Unsubscribe-Post",
            "List-Unsubscribe=One-Click",
            "List-Id",
            "<digest." + site.replaceAll("[^A-Za-z0-9.-]", "-") + ">",
            "Precedence",
            "bulk"));
  }

  private static boolean fits(Publication paper, List<String> keywords) {
    if (keywords.isEmpty()) {
      return true;
    }
    final String text =
        String.join(
                " ",
                Tex.plain(paper.title()),
                Tex.plain(paper.abstractText()),
                paper.summary(),
                String.join(" ", paper.categories()),
                String.join(" ", paper.keywords()))
            .toLowerCase(Locale.ROOT);
    return keywords.stream().anyMatch(word -> text.contains(word.toLowerCase(Locale.ROOT)));
  }
}
