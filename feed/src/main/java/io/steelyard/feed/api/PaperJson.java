package io.steelyard.feed.api;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.steelyard.feed.account.Tokens;
import io.steelyard.feed.contribution.Authorships.Authorship;
import io.steelyard.feed.contribution.Authorships.Presence;
import io.steelyard.feed.page.Card;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Link;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.web.Json;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;

/**
 * Papers as clients of the Hugging Face papers API expect them: {@code Item} in lists, {@code
 * Paper} alone. Fields that this site has no value for are left out; clients treat all but id,
 * title and publishedAt as optional.
 */
public final class PaperJson {

  private static final int ID_LENGTH = 24;

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  private PaperJson() {}

  /** A paper in a list. */
  public static JsonObject item(Card card, Presence presence) {
    final Publication paper = card.paper();
    final JsonObject item = new JsonObject();
    item.add("paper", paper(card, presence));
    item.addProperty("publishedAt", time(featured(paper)));
    item.addProperty("title", paper.title());
    item.addProperty("summary", paper.abstractText());
    item.addProperty("numComments", card.comments());
    item.addProperty("isAuthorParticipating", presence.talking().contains(paper.id()));
    return item;
  }

  /** A paper alone, with what is linked to it. */
  public static JsonObject single(Card card, Presence presence) {
    final JsonObject json = paper(card, presence);
    final Publication paper = card.paper();
    json.add("linkedModels", links(paper, Link.Kind.MODEL));
    json.add("linkedDatasets", links(paper, Link.Kind.DATASET));
    json.add("linkedSpaces", links(paper, Link.Kind.SPACE));
    json.addProperty("numTotalModels", count(paper, Link.Kind.MODEL));
    json.addProperty("numTotalDatasets", count(paper, Link.Kind.DATASET));
    json.addProperty("numTotalSpaces", count(paper, Link.Kind.SPACE));
    json.add("steelyard", ours(card));
    return json;
  }

  /** The repositories linked to a paper. */
  public static JsonObject repositories(Publication paper) {
    final JsonObject json = new JsonObject();
    json.add("models", links(paper, Link.Kind.MODEL));
    json.add("datasets", links(paper, Link.Kind.DATASET));
    json.add("spaces", links(paper, Link.Kind.SPACE));
    return json;
  }

  /** A paper as it stands inside an item. */
  public static JsonObject paper(Card card, Presence presence) {
    final Publication paper = card.paper();
    final JsonObject json = new JsonObject();
    json.addProperty("id", paper.id().value());
    json.add("authors", authors(paper, presence));
    json.addProperty("publishedAt", time(paper.published()));
    json.addProperty("submittedOnDailyAt", time(featured(paper)));
    json.addProperty("title", paper.title());
    json.addProperty("summary", paper.abstractText());
    json.addProperty("upvotes", card.votes());
    json.addProperty("discussionId", identifier("discussion", paper.id().value()));
    paper.withdrawn().ifPresent(at -> json.addProperty("withdrawnAt", time(at)));
    first(paper, Link.Kind.PROJECT, json, "projectPage");
    paper.code().ifPresent(link -> json.addProperty("githubRepo", link.url()));
    paper.stars().ifPresent(stars -> json.addProperty("githubStars", stars));
    if (!paper.summary().isEmpty()) {
      // People write these here; the name is the one that clients know.
      json.addProperty("ai_summary", paper.summary());
    }
    if (!paper.keywords().isEmpty()) {
      json.add("ai_keywords", paper.keywords().stream().collect(Json.texts()));
    }
    return json;
  }

  private static JsonObject ours(Card card) {
    final JsonObject json = new JsonObject();
    json.add(
        "operators", card.built().operators().stream().map(o -> o.name()).collect(Json.texts()));
    json.add("layers", card.built().layers().stream().map(l -> l.name()).collect(Json.texts()));
    json.add(
        "claims",
        card.built().findings().stream()
            .map(finding -> EvidenceJson.claim(card.built().slug(), finding))
            .collect(Json.array()));
    return json;
  }

  private static JsonArray authors(Publication paper, Presence presence) {
    final JsonArray authors = new JsonArray();
    final List<Author> known = paper.authors();
    for (int i = 0; i < known.size(); i++) {
      final JsonObject author = new JsonObject();
      author.addProperty("_id", identifier("author", paper.id() + "/" + i));
      author.addProperty("name", known.get(i).name());
      author.addProperty("hidden", false);
      presence
          .of(paper.id(), known.get(i).slug())
          .ifPresent(
              claim -> {
                author.addProperty("status", "claimed_verified");
                claim
                    .verified()
                    .ifPresent(at -> author.addProperty("statusLastChangedAt", time(at)));
                author.add("user", user(claim));
              });
      authors.add(author);
    }
    return authors;
  }

  private static JsonObject user(Authorship claim) {
    final JsonObject user = new JsonObject();
    user.addProperty("_id", identifier("account", Long.toString(claim.account())));
    user.addProperty("name", claim.by());
    user.addProperty("fullname", claim.by());
    user.addProperty("type", "user");
    return user;
  }

  private static JsonArray links(Publication paper, Link.Kind kind) {
    return paper.links().stream()
        .filter(link -> link.kind() == kind)
        .map(
            link -> {
              final JsonObject json = new JsonObject();
              json.addProperty(
                  "id", link.url().replaceFirst("^https?://[^/]+/(datasets/|spaces/)?", ""));
              json.addProperty("url", link.url());
              return json;
            })
        .collect(Json.array());
  }

  private static long count(Publication paper, Link.Kind kind) {
    return paper.links().stream().filter(link -> link.kind() == kind).count();
  }

  private static void first(Publication paper, Link.Kind kind, JsonObject json, String name) {
    paper.links().stream()
        .filter(link -> link.kind() == kind)
        .findFirst()
        .ifPresent(link -> json.addProperty(name, link.url()));
  }

  private static Instant featured(Publication paper) {
    return paper.featured().atStartOfDay(ZoneOffset.UTC).toInstant();
  }

  /** 24 hexadecimal digits, always the same for the same thing. */
  static String identifier(String kind, String thing) {
    return Tokens.hashed(kind + ":" + thing).substring(0, ID_LENGTH);
  }

  static String time(Instant instant) {
    return TIME.format(instant);
  }
}
