package io.steelyard.feed.site;

import io.steelyard.feed.account.Account;
import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.contribution.Authorships;
import io.steelyard.feed.discussion.Markdown;
import io.steelyard.feed.discussion.Opinions;
import io.steelyard.feed.discussion.Remark;
import io.steelyard.feed.discussion.Remarks;
import io.steelyard.feed.discussion.Shelves;
import io.steelyard.feed.page.FormPage;
import io.steelyard.feed.page.PaperPage;
import io.steelyard.feed.page.Words;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.function.BiConsumer;
import org.jdbi.v3.core.Handle;

/** What those who are signed in do: vote, save, comment, report. */
final class Talking {

  private final House house;

  Talking(House house) {
    this.house = house;
  }

  List<Route> routes() {
    return List.of(
        Route.form("/papers/{id}/vote", this::vote),
        Route.form("/papers/{id}/save", this::save),
        Route.form("/papers/{id}/unsave", this::unsave),
        Route.form("/papers/{id}/comments", this::comment),
        Route.personal("/comments/{comment}/edit", this::editForm),
        Route.form("/comments/{comment}/edit", this::edit),
        Route.form("/comments/{comment}/hide", this::hide),
        Route.personal("/comments/{comment}/report", this::reportForm),
        Route.form("/comments/{comment}/report", this::report));
  }

  /** The comments of a paper as its page shows them. */
  static List<PaperPage.RemarkView> views(Handle handle, ArxivId paper, Visit visit) {
    final Collection<String> authors = new Authorships(handle).confirmed(paper).values();
    return new Remarks(handle)
        .of(paper).stream()
            .map(
                remark ->
                    new PaperPage.RemarkView(
                        remark.id(),
                        remark.author().isEmpty() ? House.GONE : remark.author(),
                        authors.contains(remark.author()),
                        Markdown.html(remark.markdown()),
                        Words.day(remark.at()),
                        remark.edited().isPresent(),
                        visit.viewer().filter(viewer -> remark.isBy(viewer.id())).isPresent()))
            .toList();
  }

  private Reply vote(Visit visit) {
    return onPaper(
        visit,
        "",
        (handle, paper) -> {
          final Opinions opinions = new Opinions(handle);
          if (visit.form("vote").equals("no")) {
            opinions.unvote(paper, visit.signedIn().id());
          } else {
            opinions.vote(paper, visit.signedIn().id(), Instant.now());
          }
        });
  }

  private Reply save(Visit visit) {
    return onPaper(
        visit,
        "",
        (handle, paper) ->
            new Shelves(handle).save(visit.signedIn().id(), list(visit), paper, Instant.now()));
  }

  private Reply unsave(Visit visit) {
    final Reply reply =
        onPaper(
            visit,
            "",
            (handle, paper) ->
                new Shelves(handle).remove(visit.signedIn().id(), list(visit), paper));
    return reply.status() == 303 ? house.seeOther("/account#lists") : reply;
  }

  private static String list(Visit visit) {
    final String list = visit.form("list").isEmpty() ? Shelves.READING : visit.form("list");
    if (list.length() > Shelves.LONGEST) {
      throw new Refusal(422, "the name of a list has at most " + Shelves.LONGEST + " characters");
    }
    return list;
  }

  private Reply comment(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final String text = text(visit);
    return onPaper(
        visit,
        "#comments",
        (handle, paper) -> {
          final long remark = new Remarks(handle).add(paper, viewer.id(), text, Instant.now());
          mention(handle, remark, text, viewer);
        });
  }

  private static void mention(Handle handle, long remark, String text, Viewer writer) {
    new Remarks(handle)
        .mention(
            remark,
            new Accounts(handle)
                .named(Markdown.mentions(text)).stream()
                    .filter(Account::usable)
                    .map(Account::id)
                    .filter(id -> id != writer.id())
                    .toList());
  }

  private Reply editForm(Visit visit) {
    final Remark remark = own(visit);
    return house
        .page(
            "form",
            new FormPage(
                house.shell(visit),
                "Edit your comment",
                "",
                "/comments/" + remark.id() + "/edit",
                List.of(
                    new FormPage.Field(
                        "text",
                        "Your comment",
                        "area",
                        remark.markdown(),
                        "off",
                        "Markdown and TeX between dollar signs. What it said before is kept.")),
                "Save",
                "",
                List.of(new FormPage.Way("/papers/" + remark.paper() + "#comments", "Back"))))
        .keep(Reply.Keep.NEVER);
  }

  private Reply edit(Visit visit) {
    final Remark remark = own(visit);
    final String text = text(visit);
    if (!text.equals(remark.markdown())) {
      house
          .database()
          .write(
              handle -> {
                new Remarks(handle).edit(remark, text, Instant.now());
                mention(handle, remark.id(), text, visit.signedIn());
                return remark;
              });
    }
    return house.seeOther("/papers/" + remark.paper() + "#comment-" + remark.id());
  }

  private Reply hide(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final Remark remark = remark(visit);
    if (!remark.isBy(viewer.id()) && !viewer.moderates()) {
      throw new Refusal(403, "only who wrote a comment, or a moderator, takes it away");
    }
    house
        .database()
        .write(
            handle -> {
              new Remarks(handle).hide(remark.id(), viewer.id(), Instant.now());
              return remark;
            });
    return house.seeOther("/papers/" + remark.paper() + "#comments");
  }

  private Reply reportForm(Visit visit) {
    visit.signedIn();
    final Remark remark = remark(visit);
    return house
        .page(
            "form",
            new FormPage(
                house.shell(visit),
                "Report a comment",
                "A moderator looks at it. Who wrote it is not told who you are.",
                "/comments/" + remark.id() + "/report",
                List.of(
                    new FormPage.Field("reason", "What is wrong with it", "text", "", "off", "")),
                "Report it",
                "",
                List.of(new FormPage.Way("/papers/" + remark.paper() + "#comments", "Back"))))
        .keep(Reply.Keep.NEVER);
  }

  private Reply report(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final Remark remark = remark(visit);
    final String reason = visit.form("reason");
    if (reason.isEmpty() || reason.length() > 1000) {
      throw new Refusal(422, "say in 1 to 1000 characters what is wrong");
    }
    house
        .database()
        .write(
            handle -> {
              new Remarks(handle).report(remark.id(), viewer.id(), reason, Instant.now());
              return remark;
            });
    return house.seeOther("/papers/" + remark.paper() + "#comments");
  }

  private Reply onPaper(Visit visit, String place, BiConsumer<Handle, ArxivId> work) {
    visit.signedIn();
    final ArxivId id =
        House.id(visit.part("id"))
            .orElseThrow(() -> new Refusal(404, "there is no such paper on this site"));
    house
        .database()
        .write(
            handle -> {
              if (new Publications(handle).find(id).isEmpty()) {
                throw new Refusal(404, "there is no such paper on this site");
              }
              work.accept(handle, id);
              return id;
            });
    return house.seeOther("/papers/" + id + place);
  }

  private Remark own(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final Remark remark = remark(visit);
    if (!remark.isBy(viewer.id())) {
      throw new Refusal(403, "only who wrote a comment changes it");
    }
    return remark;
  }

  private Remark remark(Visit visit) {
    final long id = number(visit.part("comment"));
    return house
        .database()
        .read(handle -> new Remarks(handle).find(id))
        .filter(remark -> !remark.hidden())
        .orElseThrow(() -> new Refusal(404, "there is no such comment"));
  }

  /** The number in an address. */
  static long number(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new Refusal(404, "there is nothing with this number", e);
    }
  }

  private static String text(Visit visit) {
    final String text = visit.form("text");
    if (text.isEmpty() || text.length() > Remarks.LONGEST) {
      throw new Refusal(422, "a comment has 1 to " + Remarks.LONGEST + " characters");
    }
    return text;
  }
}
