package io.steelyard.feed.site;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.contribution.Submissions;
import io.steelyard.feed.harvest.Harvest;
import io.steelyard.feed.harvest.SourceException;
import io.steelyard.feed.page.FormPage;
import io.steelyard.feed.page.NoticePage;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Papers that readers bring by their arXiv id, on a page and through the API. */
final class Submitting {

  private static final int MOST_WAITING = 20;

  private final House house;
  private final Source source;

  Submitting(House house, Source source) {
    this.house = house;
    this.source = source;
  }

  List<Route> routes() {
    return List.of(
        Route.personal(
            "/submit",
            visit -> house.form(visit, () -> form(visit, visit.query("paper").orElse(""), ""))),
        Route.form("/submit", this::submit),
        new Route(Route.Method.POST, "/api/papers/index", Route.Kind.CALL, this::index));
  }

  /** What became of a paper that somebody brings. */
  private sealed interface Outcome {

    /** It is on this site. */
    record Here() implements Outcome {}

    /** A moderator has to look at it. */
    record Waits() implements Outcome {}

    /** It is not taken. */
    record Refused(int status, String why) implements Outcome {}
  }

  private Reply form(Visit visit, String paper, String problem) {
    visit.signedIn();
    refuseIfClosed();
    return house
        .page(
            "form",
            new FormPage(
                house.shell(visit),
                "Submit a paper",
                "Title, authors and abstract come from arXiv."
                    + (atOnce(visit.signedIn()) ? "" : " A moderator looks at it first."),
                "/submit",
                List.of(
                    new FormPage.Field(
                        "paper",
                        "arXiv id or address",
                        "text",
                        paper,
                        "off",
                        "For example 2001.04438, hep-th/9901001 or"
                            + " https://arxiv.org/abs/2001.04438."),
                    FormPage.Field.optional(
                        "note", "Why it belongs here", "text", visit.form("note"), "")),
                "Submit it",
                problem,
                List.of()))
        .keep(Reply.Keep.NEVER);
  }

  private Reply submit(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final String text = visit.form("paper");
    final Optional<ArxivId> id = ArxivId.in(text);
    if (id.isEmpty()) {
      return form(visit, text, Sentence.of(malformed(text))).status(422);
    }
    return switch (bring(id.get(), viewer, visit.form("note"))) {
      case Outcome.Here() -> house.seeOther("/papers/" + id.get());
      case Outcome.Waits() ->
          house
              .page(
                  "notice",
                  new NoticePage(
                      house.shell(visit),
                      "Thank you",
                      "A moderator looks at " + id.get() + "; your page says what became of it.",
                      200))
              .keep(Reply.Keep.NEVER);
      case Outcome.Refused(int status, String why) ->
          form(visit, text, Sentence.of(why)).status(status);
    };
  }

  private Reply index(Visit visit) {
    // A browser sends its cookie along from anywhere; a token has to be meant.
    if (visit.header("Authorization").isEmpty() || visit.viewer().isEmpty()) {
      throw new Refusal(401, "this needs an API token: Authorization: Bearer ...");
    }
    final String text = arxivId(visit.body());
    final ArxivId id = ArxivId.in(text).orElseThrow(() -> new Refusal(400, malformed(text)));
    if (bring(id, visit.signedIn(), "") instanceof Outcome.Refused(int status, String why)) {
      throw new Refusal(status, why);
    }
    return Reply.json("{}").keep(Reply.Keep.NEVER);
  }

  private static String arxivId(String body) {
    try {
      if (JsonParser.parseString(body) instanceof JsonObject call
          && call.get("arxivId") instanceof JsonPrimitive value) {
        return value.getAsString();
      }
    } catch (JsonParseException e) {
      throw new Refusal(400, "the body is not JSON", e);
    }
    throw new Refusal(400, "the body is not of the form {\"arxivId\": \"2301.00001\"}");
  }

  private static String malformed(String text) {
    final String shown = text.length() <= 60 ? text : text.substring(0, 60) + "...";
    return "'" + shown + "' is no arXiv id; expected a form like 2001.04438 or hep-th/9901001";
  }

  private Outcome bring(ArxivId id, Viewer viewer, String note) {
    refuseIfClosed();
    if (note.length() > Submissions.LONGEST_NOTE) {
      return new Outcome.Refused(
          422, "a note has at most " + Submissions.LONGEST_NOTE + " characters");
    }
    final Optional<Outcome> known = house.database().read(handle -> known(handle, id, viewer));
    if (known.isPresent()) {
      return known.get();
    }
    final byte[] answer;
    final Optional<Publication> paper;
    try {
      answer = Harvest.ask(id, source.base().orElse(Harvest.ARXIV), source.web());
      paper = Harvest.paper(answer, id);
    } catch (SourceException e) {
      System.getLogger(Submitting.class.getName())
          .log(System.Logger.Level.INFO, "arXiv does not answer for " + id, e);
      return new Outcome.Refused(503, "arXiv does not answer now; try again in some minutes");
    }
    if (paper.isEmpty()) {
      return new Outcome.Refused(404, "arXiv knows no paper " + id);
    }
    return house
        .database()
        .write(
            handle -> {
              final Submissions submissions = new Submissions(handle);
              final Instant now = Instant.now();
              submissions.add(
                  id, viewer.id(), note, new String(answer, StandardCharsets.UTF_8), now);
              if (!atOnce(viewer)) {
                return new Outcome.Waits();
              }
              take(handle, paper.get());
              submissions.decide(id, true, now);
              return new Outcome.Here();
            });
  }

  private Optional<Outcome> known(Handle handle, ArxivId id, Viewer viewer) {
    if (new Publications(handle).find(id).isPresent()) {
      return Optional.of(new Outcome.Here());
    }
    final Submissions submissions = new Submissions(handle);
    final Optional<Submissions.Submission> before = submissions.of(id);
    if (before.isPresent() && !viewer.moderates()) {
      return Optional.of(
          before.get().state() == Submissions.State.DECLINED
              ? new Outcome.Refused(409, "a moderator has declined this paper")
              : new Outcome.Waits());
    }
    return !viewer.moderates() && submissions.waitingOf(viewer.id()) >= MOST_WAITING
        ? Optional.of(
            new Outcome.Refused(
                429, MOST_WAITING + " of your papers wait for a moderator; bring more later"))
        : Optional.empty();
  }

  /** Puts a paper that a reader brought on today's feed. */
  static void take(Handle handle, Publication paper) {
    new Publications(handle).take(paper.submitted(LocalDate.now(ZoneOffset.UTC)));
  }

  private boolean atOnce(Viewer viewer) {
    return viewer.moderates() || house.settings().text(Setting.SUBMISSIONS).equals("open");
  }

  private void refuseIfClosed() {
    if (house.settings().text(Setting.SUBMISSIONS).equals("closed")) {
      throw new Refusal(403, "papers are chosen by those who run this site");
    }
  }
}
