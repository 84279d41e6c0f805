package io.steelyard.feed.site;

import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.contribution.Authorships;
import io.steelyard.feed.contribution.Corrections;
import io.steelyard.feed.contribution.Corrections.Part;
import io.steelyard.feed.page.Change;
import io.steelyard.feed.page.FormPage;
import io.steelyard.feed.page.HistoryPage;
import io.steelyard.feed.page.NoticePage;
import io.steelyard.feed.page.Words;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.tex.Tex;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What readers know better: corrections of papers with their history, and who wrote them. */
final class Correcting {

  private static final int LONGEST_NOTE = 1000;
  private static final int MOST_WAITING = 50;

  private final House house;

  Correcting(House house) {
    this.house = house;
  }

  List<Route> routes() {
    return List.of(
        Route.page("/papers/{id}/history", this::history),
        Route.personal(
            "/papers/{id}/correct", visit -> house.form(visit, () -> correctForm(visit, ""))),
        Route.form("/papers/{id}/correct", this::correct),
        Route.personal(
            "/papers/{id}/claim", visit -> house.form(visit, () -> claimForm(visit, ""))),
        Route.form("/papers/{id}/claim", this::claim));
  }

  private Reply history(Visit visit) {
    final Publication paper = paper(visit);
    return house.page(
        "history",
        new HistoryPage(
            house.shell(visit),
            "/papers/" + paper.id(),
            Tex.html(paper.title()),
            house.database().read(handle -> new Corrections(handle).history(paper.id())).stream()
                .map(correction -> change(correction, Tex.html(paper.title())))
                .toList()));
  }

  /** A correction as pages show it. */
  static Change change(Corrections.Correction correction, String title) {
    return new Change(
        correction.id(),
        "/papers/" + correction.paper(),
        title,
        correction.part().shown(),
        correction.before(),
        correction.after(),
        correction.by().isEmpty() ? House.GONE : correction.by(),
        Words.day(correction.at()),
        correction.decider().isEmpty() ? House.GONE : correction.decider(),
        correction.decided().map(Words::day).orElse(""),
        correction.note());
  }

  private Reply correctForm(Visit visit, String problem) {
    visit.signedIn();
    final Publication paper = paper(visit);
    final List<FormPage.Field> fields = new ArrayList<>();
    for (final Part part : Part.values()) {
      final String value = problem.isEmpty() ? part.in(paper) : visit.form(part.label());
      fields.add(
          FormPage.Field.optional(
              part.label(),
              part.shown(),
              switch (part) {
                case TITLE -> "text";
                case SUMMARY, ABSTRACT -> "area";
                case CODE, PROJECT -> "url";
              },
              value,
              switch (part) {
                case TITLE -> "With its TeX between dollar signs.";
                case SUMMARY -> "One sentence or a few, in words of your own.";
                case ABSTRACT, CODE, PROJECT -> "";
              }));
    }
    fields.add(FormPage.Field.optional("note", "Why", "text", visit.form("note"), ""));
    return house
        .page(
            "form",
            new FormPage(
                house.shell(visit),
                "Correct " + Tex.plain(paper.title()),
                "Change what is wrong and leave the rest. "
                    + (visit.signedIn().moderates()
                        ? "It is changed at once."
                        : "A moderator looks at it first.")
                    + " The history says who changed what.",
                "/papers/" + paper.id() + "/correct",
                fields,
                "Send the changes",
                problem,
                List.of(
                    new FormPage.Way("/papers/" + paper.id(), "Back"),
                    new FormPage.Way("/papers/" + paper.id() + "/history", "History"))))
        .keep(Reply.Keep.NEVER);
  }

  private Reply correct(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final Publication paper = paper(visit);
    final String note = visit.form("note");
    final Map<Part, String> changes = new EnumMap<>(Part.class);
    for (final Part part : Part.values()) {
      // Browsers send line ends of their own.
      final String after = visit.form(part.label()).replace("\r\n", "\n");
      if (visit.context().formParam(part.label()) != null && !after.equals(part.in(paper))) {
        changes.put(part, after);
      }
    }
    final Optional<String> objection =
        Stream.concat(
                changes.entrySet().stream()
                    .map(change -> change.getKey().objection(change.getValue())),
                Stream.of(
                    changes.isEmpty() ? "Nothing was changed" : "",
                    note.length() > LONGEST_NOTE
                        ? "A note has at most " + LONGEST_NOTE + " characters"
                        : ""))
            .filter(text -> !text.isEmpty())
            .findFirst();
    if (objection.isPresent()) {
      return correctForm(visit, Sentence.of(objection.get())).status(422);
    }
    house
        .database()
        .write(
            handle -> {
              final Corrections corrections = new Corrections(handle);
              if (corrections.waitingOf(viewer.id()) >= MOST_WAITING) {
                throw new Refusal(
                    429,
                    MOST_WAITING + " of your corrections wait for a moderator; send more later");
              }
              final Instant now = Instant.now();
              changes.forEach(
                  (part, after) -> {
                    final long id = corrections.propose(paper, viewer.id(), part, after, note, now);
                    if (viewer.moderates()) {
                      corrections.decide(id, true, viewer.id(), now);
                    }
                  });
              return paper;
            });
    return viewer.moderates()
        ? house.seeOther("/papers/" + paper.id() + "/history")
        : thanks(visit);
  }

  private Reply claimForm(Visit visit, String problem) {
    visit.signedIn();
    final Publication paper = paper(visit);
    if (paper.authors().isEmpty()) {
      throw new Refusal(404, "no author of this paper is known by name");
    }
    final List<FormPage.Choice> authors = new ArrayList<>();
    for (int i = 0; i < paper.authors().size(); i++) {
      authors.add(new FormPage.Choice(Integer.toString(i), paper.authors().get(i).name()));
    }
    return house
        .page(
            "form",
            new FormPage(
                house.shell(visit),
                "You wrote " + Tex.plain(paper.title()) + "?",
                "A moderator looks at it. Then the paper, the author's page and your comments on it"
                    + " say so.",
                "/papers/" + paper.id() + "/claim",
                List.of(
                    FormPage.Field.choice("place", "I am", "", authors),
                    new FormPage.Field(
                        "note",
                        "How one can see that",
                        "text",
                        visit.form("note"),
                        "off",
                        "For example a page of yours that names both. Moderators see it and the"
                            + " name of your account.")),
                "Ask",
                problem,
                List.of(new FormPage.Way("/papers/" + paper.id(), "Back"))))
        .keep(Reply.Keep.NEVER);
  }

  private Reply claim(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final Publication paper = paper(visit);
    final String note = visit.form("note");
    final int place = place(visit.form("place"), paper);
    if (note.isEmpty() || note.length() > LONGEST_NOTE) {
      return claimForm(visit, "Say in 1 to " + LONGEST_NOTE + " characters how one can see that.")
          .status(422);
    }
    final Author author = paper.authors().get(place);
    house
        .database()
        .write(
            handle -> {
              new Authorships(handle)
                  .claim(paper.id(), place, author.slug(), viewer.id(), note, Instant.now());
              return paper;
            });
    return thanks(visit);
  }

  private static int place(String text, Publication paper) {
    try {
      final int place = Integer.parseInt(text);
      if (place >= 0 && place < paper.authors().size()) {
        return place;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new Refusal(422, "the paper has no such author");
  }

  private Reply thanks(Visit visit) {
    return house
        .page(
            "notice",
            new NoticePage(
                house.shell(visit),
                "Thank you",
                "A moderator looks at it; your page says what became of it.",
                200))
        .keep(Reply.Keep.NEVER);
  }

  private Publication paper(Visit visit) {
    return House.id(visit.part("id"))
        .flatMap(id -> house.database().read(handle -> new Publications(handle).find(id)))
        .orElseThrow(() -> new Refusal(404, "there is no such paper on this site"));
  }
}
