package io.steelyard.feed.site;

import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Visit;

/** The one cookie of the site, which only those who sign in get. */
final class Cookies {

  /** Its name. */
  static final String SESSION = "session";

  private Cookies() {}

  /** The reply with the secret of a session. */
  static Reply give(Reply reply, String token, Visit visit, Settings settings) {
    return reply.with("Set-Cookie", cookie(token, Accounts.SESSION.toSeconds(), visit, settings));
  }

  /** The reply that makes the browser forget the session. */
  static Reply take(Reply reply, Visit visit, Settings settings) {
    return reply.with("Set-Cookie", cookie("", 0, visit, settings));
  }

  private static String cookie(String value, long seconds, Visit visit, Settings settings) {
    final String path = settings.basePath().isEmpty() ? "/" : settings.basePath();
    final boolean secure =
        settings.text(Setting.URL).startsWith("https://")
            || (settings.flag(Setting.PROXY)
                && visit.header("X-Forwarded-Proto").filter("https"::equals).isPresent());
    return SESSION
        + "="
        + value
        + "; Path="
        + path
        + "; Max-Age="
        + seconds
        + "; HttpOnly; SameSite=Lax"
        + (secure ? "; Secure" : "");
  }
}
