package io.steelyard.feed.page;

import io.steelyard.feed.account.Viewer;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * What every page has around its content.
 *
 * @param site name of the site
 * @param base path in front of every address
 * @param address public address of the site with the base path, no slash at the end
 * @param path of this page, without base path
 * @param viewer who is signed in
 * @param csrf token for forms
 * @param asset from the name of a style sheet or script to its address
 * @param accounts whether one can sign in
 */
public record Shell(
    String site,
    String base,
    String address,
    String path,
    Optional<Viewer> viewer,
    String csrf,
    UnaryOperator<String> asset,
    boolean accounts) {

  /** A feed that a page offers to readers of feeds. */
  public record Alternate(String title, String type, String path) {}

  /** The address of a page of this site, for links. */
  public String to(String place) {
    return base + place;
  }

  /** The full address of a page of this site, for feeds and mails. */
  public String full(String place) {
    return address + place;
  }

  /** Whether a place of the navigation is where the reader is. */
  public boolean at(String place) {
    return path.equals(place) || (place.length() > 1 && path.startsWith(place + "/"));
  }

  /** The Atom, RSS and JSON feeds of one list. */
  public static List<Alternate> feeds(String title, String path, String query) {
    final String more = query.isEmpty() ? "" : "?" + query;
    return List.of(
        new Alternate(title, "application/atom+xml", path + ".atom" + more),
        new Alternate(title + " (RSS)", "application/rss+xml", path + ".rss" + more),
        new Alternate(title + " (JSON)", "application/feed+json", path + ".json" + more));
  }
}
