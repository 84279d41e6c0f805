package io.steelyard.feed.site;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.harvest.Web;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/**
 * Where the site itself asks for papers: one client for everything, since arXiv counts the requests
 * of a whole site.
 *
 * @param web asks, one after the other
 * @param base a mirror to ask instead of arXiv
 */
record Source(Web web, Optional<URI> base) {

  /** arXiv allows one request in three seconds; a mirror is its owner's business. */
  private static final Duration PAUSE = Duration.ofSeconds(3);

  static Source of(Settings settings) {
    final Optional<URI> base =
        settings
            .optional(Setting.IMPORT_BASE)
            .map(text -> URI.create(text.endsWith("/") ? text : text + "/"));
    return new Source(
        new Web(settings.text(Setting.CONTACT), base.isPresent() ? Duration.ZERO : PAUSE, base),
        base);
  }
}
