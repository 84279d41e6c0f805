package io.steelyard.feed.site;

import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.contribution.Authorships;
import io.steelyard.feed.contribution.Corrections;
import io.steelyard.feed.contribution.Submissions;
import io.steelyard.feed.discussion.Markdown;
import io.steelyard.feed.discussion.Remarks;
import io.steelyard.feed.harvest.Harvest;
import io.steelyard.feed.page.AccountPage;
import io.steelyard.feed.page.ModerationPage;
import io.steelyard.feed.page.Words;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.tex.Tex;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** What moderators decide. */
final class Moderating {

  private final House house;

  Moderating(House house) {
    this.house = house;
  }

  List<Route> routes() {
    return List.of(
        Route.personal("/moderation", this::page),
        Route.form("/moderation/{report}/dismiss", this::dismiss),
        Route.form("/moderation/submissions", visit -> decide(visit, Moderating::submission)),
        Route.form("/moderation/corrections", visit -> decide(visit, Moderating::correction)),
        Route.form("/moderation/authorships", visit -> decide(visit, Moderating::authorship)));
  }

  /** What somebody brought, and what became of it, the newest first. */
  static List<AccountPage.Brought> broughtBy(Handle handle, Viewer viewer) {
    record At(Instant at, AccountPage.Brought brought) {}

    final List<At> all = new ArrayList<>();
    for (final Submissions.Submission paper : new Submissions(handle).by(viewer.id())) {
      all.add(
          new At(
              paper.at(),
              new AccountPage.Brought(
                  "Paper " + paper.paper(),
                  paper.state() == Submissions.State.TAKEN
                      ? "/papers/" + paper.paper()
                      : "/search?q=" + Words.encoded(paper.paper().value()),
                  Words.day(paper.at()),
                  paper.state().name().toLowerCase(Locale.ROOT))));
    }
    for (final Corrections.Correction correction : new Corrections(handle).by(viewer.id())) {
      all.add(
          new At(
              correction.at(),
              new AccountPage.Brought(
                  correction.part().shown() + " of " + correction.paper(),
                  "/papers/" + correction.paper() + "/history",
                  Words.day(correction.at()),
                  correction.decided().isEmpty()
                      ? "waiting"
                      : correction.accepted() ? "accepted" : "declined")));
    }
    for (final Authorships.Authorship claim : new Authorships(handle).by(viewer.id())) {
      all.add(
          new At(
              claim.at(),
              new AccountPage.Brought(
                  "Author of " + claim.paper(),
                  "/papers/" + claim.paper(),
                  Words.day(claim.at()),
                  claim.verified().isPresent() ? "confirmed" : "waiting")));
    }
    return all.stream().sorted(Comparator.comparing(At::at).reversed()).map(At::brought).toList();
  }

  private Reply page(Visit visit) {
    moderator(visit);
    return house
        .database()
        .read(
            handle ->
                house.page(
                    "moderation",
                    new ModerationPage(
                        house.shell(visit),
                        reports(handle),
                        submissions(handle),
                        corrections(handle),
                        authorships(handle))))
        .keep(Reply.Keep.NEVER);
  }

  private static List<ModerationPage.Reported> reports(Handle handle) {
    return new Remarks(handle)
        .reports().stream()
            .map(
                report ->
                    new ModerationPage.Reported(
                        report.id(),
                        report.remark().id(),
                        report.reason(),
                        report.remark().author(),
                        Markdown.html(report.remark().markdown()),
                        "/papers/" + report.remark().paper()))
            .toList();
  }

  private static List<ModerationPage.Submitted> submissions(Handle handle) {
    return new Submissions(handle)
        .waiting().stream()
            .flatMap(
                submission ->
                    brought(submission).stream()
                        .map(
                            paper ->
                                new ModerationPage.Submitted(
                                    paper.id().value(),
                                    paper.arxivPage(),
                                    Tex.html(paper.title()),
                                    Tex.html(paper.abstractText()),
                                    name(submission.by()),
                                    Words.day(submission.at()),
                                    submission.note())))
            .toList();
  }

  private static Optional<Publication> brought(Submissions.Submission submission) {
    return Harvest.paper(submission.answer().getBytes(StandardCharsets.UTF_8), submission.paper());
  }

  private static List<io.steelyard.feed.page.Change> corrections(Handle handle) {
    final Publications papers = new Publications(handle);
    return new Corrections(handle)
        .waiting().stream()
            .map(correction -> Correcting.change(correction, title(papers, correction.paper())))
            .toList();
  }

  private static List<ModerationPage.Claimed> authorships(Handle handle) {
    final Publications papers = new Publications(handle);
    return new Authorships(handle)
        .waiting().stream()
            .map(
                claim ->
                    new ModerationPage.Claimed(
                        claim.paper() + " " + claim.place() + " " + claim.account(),
                        "/papers/" + claim.paper(),
                        title(papers, claim.paper()),
                        papers
                            .find(claim.paper())
                            .flatMap(
                                paper ->
                                    paper.authors().stream()
                                        .filter(author -> author.slug().equals(claim.slug()))
                                        .findFirst())
                            .map(Author::name)
                            .orElse(claim.slug()),
                        claim.by(),
                        Words.day(claim.at()),
                        claim.note()))
            .toList();
  }

  private static String title(Publications papers, ArxivId paper) {
    return papers.find(paper).map(found -> Tex.html(found.title())).orElse(paper.value());
  }

  private static String name(String name) {
    return name.isEmpty() ? House.GONE : name;
  }

  private Reply dismiss(Visit visit) {
    moderator(visit);
    final long report = Talking.number(visit.part("report"));
    house
        .database()
        .write(
            handle -> {
              new Remarks(handle).dismiss(report, Instant.now());
              return report;
            });
    return house.seeOther("/moderation");
  }

  /** Decides one thing of a kind. */
  private interface Decision {

    /** Returns whether it waited. */
    boolean of(Handle handle, String which, boolean accepted, Viewer moderator);
  }

  private Reply decide(Visit visit, Decision decision) {
    moderator(visit);
    final boolean accepted =
        switch (visit.form("verdict")) {
          case "accept" -> true;
          case "decline" -> false;
          default -> throw new Refusal(422, "say accept or decline");
        };
    final boolean waited =
        house
            .database()
            .write(handle -> decision.of(handle, visit.form("which"), accepted, visit.signedIn()));
    if (!waited) {
      throw new Refusal(409, "somebody has decided this already");
    }
    return house.seeOther("/moderation");
  }

  private static boolean submission(
      Handle handle, String which, boolean accepted, Viewer moderator) {
    final ArxivId id =
        ArxivId.in(which).orElseThrow(() -> new Refusal(404, "there is no such submission"));
    final Submissions submissions = new Submissions(handle);
    final Optional<Submissions.Submission> found = submissions.of(id);
    if (found.isEmpty() || !submissions.decide(id, accepted, Instant.now())) {
      return false;
    }
    if (accepted) {
      brought(found.get()).ifPresent(paper -> Submitting.take(handle, paper));
    }
    return true;
  }

  private static boolean correction(
      Handle handle, String which, boolean accepted, Viewer moderator) {
    return new Corrections(handle)
        .decide(Talking.number(which), accepted, moderator.id(), Instant.now())
        .isPresent();
  }

  private static boolean authorship(
      Handle handle, String which, boolean accepted, Viewer moderator) {
    final String[] parts = which.split(" ", -1);
    if (parts.length != 3) {
      throw new Refusal(404, "there is no such claim");
    }
    return ArxivId.in(parts[0])
        .filter(
            paper ->
                new Authorships(handle)
                    .decide(
                        paper,
                        (int) Talking.number(parts[1]),
                        Talking.number(parts[2]),
                        accepted,
                        Instant.now()))
        .isPresent();
  }

  private static void moderator(Visit visit) {
    if (!visit.signedIn().moderates()) {
      throw new Refusal(403, "this is for moderators");
    }
  }
}
