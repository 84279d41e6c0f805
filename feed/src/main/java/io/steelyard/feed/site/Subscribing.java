package io.steelyard.feed.site;

import io.steelyard.feed.account.Subscription;
import io.steelyard.feed.account.Subscriptions;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.calendar.Period;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.digest.Digest;
import io.steelyard.feed.page.FormPage;
import io.steelyard.feed.page.NoticePage;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;

/** The digest: subscribe, look at it, leave with one click. */
final class Subscribing {

  private static final int MOST_KEYWORDS = 50;
  private static final int LONGEST = 1000;

  private final House house;

  Subscribing(House house) {
    this.house = house;
  }

  List<Route> routes() {
    return List.of(
        Route.form("/account/digest", this::subscribe),
        Route.personal("/account/digest", this::preview),
        Route.personal("/unsubscribe", this::leaveForm),
        Route.form("/unsubscribe", this::leave));
  }

  private Reply subscribe(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final List<String> keywords = Subscription.words(visit.form("keywords"));
    if (keywords.size() > MOST_KEYWORDS || String.join(",", keywords).length() > LONGEST) {
      throw new Refusal(
          422,
          "expected at most " + MOST_KEYWORDS + " keywords of " + LONGEST + " characters in all");
    }
    final String cadence = visit.form("cadence");
    house
        .database()
        .write(
            handle -> {
              final Subscriptions subscriptions = new Subscriptions(handle);
              if (cadence.equals("never")) {
                subscriptions.end(viewer.id());
              } else {
                subscriptions.set(
                    viewer.id(),
                    Subscription.Cadence.of(cadence)
                        .orElseThrow(
                            () ->
                                new Refusal(
                                    422,
                                    "cadence is '"
                                        + cadence
                                        + "'; expected never, daily or weekly")),
                    keywords);
              }
              return viewer;
            });
    return house.seeOther("/account#digest");
  }

  private Reply preview(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final Subscription subscription =
        house
            .database()
            .read(handle -> new Subscriptions(handle).of(viewer.id()))
            .orElseThrow(() -> new Refusal(404, "you have no digest; subscribe on your page"));
    final LocalDate today = LocalDate.now(ZoneOffset.UTC);
    final LocalDate day =
        house.database().read(handle -> new Publications(handle).lastDay(today)).orElse(today);
    final Digest digest =
        new Digest(house.database(), house.settings().text(Setting.TITLE), house.address());
    final Period period =
        switch (subscription.cadence()) {
          case DAILY -> new Period.Day(day);
          case WEEKLY -> new Period.Week(day);
        };
    return Reply.html(digest.preview(subscription, period).html().getBytes(StandardCharsets.UTF_8))
        .keep(Reply.Keep.NEVER);
  }

  private Reply leaveForm(Visit visit) {
    return house
        .page(
            "form",
            new FormPage(
                house.shell(visit),
                "No more digests",
                "",
                "/unsubscribe",
                List.of(FormPage.Field.hidden("token", visit.query("token").orElse(""))),
                "Unsubscribe",
                "",
                List.of()))
        .keep(Reply.Keep.NEVER);
  }

  /** From the page above, or with one click in a mail program (RFC 8058), which has no cookies. */
  private Reply leave(Visit visit) {
    final String token = visit.query("token").orElse(visit.form("token"));
    house.database().write(handle -> new Subscriptions(handle).end(token));
    return house
        .page(
            "notice",
            new NoticePage(
                house.shell(visit), "You get no more digests", "Nothing else has changed.", 200))
        .keep(Reply.Keep.NEVER);
  }
}
