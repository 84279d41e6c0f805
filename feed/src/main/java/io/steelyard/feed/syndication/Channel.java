package io.steelyard.feed.syndication;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.rometools.rome.feed.synd.SyndCategory;
import com.rometools.rome.feed.synd.SyndCategoryImpl;
import com.rometools.rome.feed.synd.SyndContent;
import com.rometools.rome.feed.synd.SyndContentImpl;
import com.rometools.rome.feed.synd.SyndEntry;
import com.rometools.rome.feed.synd.SyndEntryImpl;
import com.rometools.rome.feed.synd.SyndFeed;
import com.rometools.rome.feed.synd.SyndFeedImpl;
import com.rometools.rome.feed.synd.SyndLink;
import com.rometools.rome.feed.synd.SyndLinkImpl;
import com.rometools.rome.feed.synd.SyndPerson;
import com.rometools.rome.feed.synd.SyndPersonImpl;
import com.rometools.rome.io.FeedException;
import com.rometools.rome.io.SyndFeedOutput;
import io.steelyard.feed.web.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A list of papers that programs come back for.
 *
 * @param title of the list
 * @param page address of the same list for people
 * @param self address of this document
 * @param items its papers, in order
 */
public record Channel(String title, String page, String self, List<Item> items) {

  /** Copies the list. */
  public Channel {
    items = List.copyOf(items);
  }

  /**
   * A paper in a list.
   *
   * @param id the same wherever the site moves
   * @param url its page here
   * @param external its page on arXiv
   * @param title plain text
   * @param html what is to be read
   * @param authors by name
   * @param tags categories and keywords
   * @param featured when it came onto the list
   * @param updated when it last changed
   */
  public record Item(
      String id,
      String url,
      String external,
      String title,
      String html,
      List<String> authors,
      List<String> tags,
      Instant featured,
      Instant updated) {}

  /** The formats, by the ending of the address. */
  public enum Format {
    /** RFC 4287. */
    ATOM("application/atom+xml; charset=utf-8"),
    /** RSS 2.0. */
    RSS("application/rss+xml; charset=utf-8"),
    /** JSON Feed 1.1. */
    JSON("application/feed+json; charset=utf-8");

    private final String type;

    Format(String type) {
      this.type = type;
    }

    /** Media type. */
    public String type() {
      return type;
    }

    /** The format that a name ends with, after a full stop. */
    public static Optional<Format> of(String name) {
      for (final Format format : values()) {
        if (name.endsWith("." + format.name().toLowerCase(Locale.ROOT))) {
          return Optional.of(format);
        }
      }
      return Optional.empty();
    }
  }

  /** The document. */
  public String write(Format format) {
    return switch (format) {
      case ATOM -> xml("atom_1.0");
      case RSS -> xml("rss_2.0");
      case JSON -> json();
    };
  }

  /** When anything in it last changed. */
  public Instant updated() {
    return items.stream().map(Item::updated).max(Instant::compareTo).orElse(Instant.EPOCH);
  }

  private String xml(String type) {
    final SyndFeed feed = new SyndFeedImpl();
    feed.setFeedType(type);
    feed.setEncoding("UTF-8");
    feed.setTitle(title);
    feed.setDescription(title);
    feed.setUri(self);
    feed.setLink(page);
    feed.setLinks(List.of(link("self", self), link("alternate", page)));
    feed.setPublishedDate(Date.from(updated()));
    final List<SyndEntry> entries = new ArrayList<>();
    items.forEach(item -> entries.add(entry(item)));
    feed.setEntries(entries);
    try {
      return new SyndFeedOutput().outputString(feed);
    } catch (FeedException e) {
      throw new IllegalStateException("cannot write the feed " + self, e);
    }
  }

  private static SyndEntry entry(Item item) {
    final SyndEntry entry = new SyndEntryImpl();
    entry.setUri(item.id());
    entry.setLink(item.url());
    entry.setTitle(item.title());
    entry.setPublishedDate(Date.from(item.featured()));
    entry.setUpdatedDate(Date.from(item.updated()));
    final SyndContent content = new SyndContentImpl();
    content.setType("html");
    content.setValue(item.html());
    entry.setDescription(content);
    final List<SyndPerson> people = new ArrayList<>();
    for (final String name : item.authors()) {
      final SyndPerson person = new SyndPersonImpl();
      person.setName(name);
      people.add(person);
    }
    entry.setAuthors(people);
    final List<SyndCategory> tags = new ArrayList<>();
    for (final String name : item.tags()) {
      final SyndCategory tag = new SyndCategoryImpl();
      tag.setName(name);
      tags.add(tag);
    }
    entry.setCategories(tags);
    return entry;
  }

  private static SyndLink link(String relation, String address) {
    final SyndLink link = new SyndLinkImpl();
    link.setRel(relation);
    link.setHref(address);
    return link;
  }

  private String json() {
    final JsonObject feed = new JsonObject();
    feed.addProperty("version", "https://jsonfeed.org/version/1.1");
    feed.addProperty("title", title);
    feed.addProperty("home_page_url", page);
    feed.addProperty("feed_url", self);
    final JsonArray array = new JsonArray();
    for (final Item item : items) {
      final JsonObject json = new JsonObject();
      json.addProperty("id", item.id());
      json.addProperty("url", item.url());
      json.addProperty("external_url", item.external());
      json.addProperty("title", item.title());
      json.addProperty("content_html", item.html());
      json.addProperty("date_published", item.featured().toString());
      json.addProperty("date_modified", item.updated().toString());
      final JsonArray authors = new JsonArray();
      for (final String name : item.authors()) {
        final JsonObject author = new JsonObject();
        author.addProperty("name", name);
        authors.add(author);
      }
      json.add("authors", authors);
      json.add("tags", item.tags().stream().collect(Json.texts()));
      array.add(json);
    }
    feed.add("items", array);
    return Json.write(feed);
  }
}
