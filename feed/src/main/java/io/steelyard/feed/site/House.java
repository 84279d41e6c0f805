package io.steelyard.feed.site;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.discussion.Opinions;
import io.steelyard.feed.evidence.Results;
import io.steelyard.feed.page.Card;
import io.steelyard.feed.page.Shell;
import io.steelyard.feed.page.Templates;
import io.steelyard.feed.page.Words;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.web.Assets;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Visit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/**
 * What all pages need.
 *
 * @param settings of the site
 * @param database its papers and people
 * @param results what the runs say
 * @param assets style sheets and scripts
 * @param port where it listens, once it does
 * @param bell tells the postman that there is something to send
 */
record House(
    Settings settings,
    Database database,
    Results results,
    Assets assets,
    IntSupplier port,
    Runnable bell) {

  /** The name of those whose account is gone. */
  static final String GONE = "somebody who left";

  /** Whether mail can be sent. */
  boolean mails() {
    return settings.optional(Setting.MAIL_HOST).isPresent();
  }

  /** Says that there is a letter to send. */
  void ring() {
    bell.run();
  }

  /** Sends a reader on to a place of this site. */
  Reply seeOther(String place) {
    return Reply.seeOther(settings.basePath() + place);
  }

  /** A form for those who are signed in; others sign in first and come back. */
  Reply form(Visit visit, Supplier<Reply> form) {
    return visit.viewer().isPresent()
        ? form.get().keep(Reply.Keep.NEVER)
        : Reply.found(settings.basePath() + "/sign-in?next=" + Words.encoded(visit.path()))
            .keep(Reply.Keep.NEVER);
  }

  /** What is around a page. */
  Shell shell(Visit visit) {
    return new Shell(
        settings.text(Setting.TITLE),
        settings.basePath(),
        address(),
        visit.path(),
        visit.viewer(),
        visit.csrf(),
        assets::path,
        true);
  }

  /** Public address with the base path, no slash at the end. */
  String address() {
    return settings
        .optional(Setting.URL)
        .map(url -> url.replaceAll("/+$", ""))
        .map(url -> url.endsWith(settings.basePath()) ? url : url + settings.basePath())
        .orElseGet(
            () ->
                "http://"
                    + settings.text(Setting.HOST)
                    + ":"
                    + port.getAsInt()
                    + settings.basePath());
  }

  /** A page from its template. */
  Reply page(String template, Object page) {
    return Reply.html(Templates.render(template, page));
  }

  /** Papers with what was built of them, their counts, and the reader's votes. */
  List<Card> cards(Handle handle, List<Publication> papers, Visit visit) {
    final List<ArxivId> ids = papers.stream().map(Publication::id).toList();
    final Opinions opinions = new Opinions(handle);
    final Map<ArxivId, Opinions.Count> counts = opinions.counts(ids);
    final Set<ArxivId> voted =
        visit.viewer().map(viewer -> opinions.votedBy(viewer.id(), ids)).orElse(Set.of());
    final Results.Snapshot snapshot = results.now();
    return papers.stream()
        .map(
            paper -> {
              final Opinions.Count count = counts.getOrDefault(paper.id(), Opinions.Count.NONE);
              return new Card(
                  paper,
                  snapshot.of(paper.id()),
                  count.votes(),
                  count.comments(),
                  voted.contains(paper.id()));
            })
        .toList();
  }

  /** Those talked about most first; ties: featured last, published last, id. */
  static List<Publication> byTrend(List<Publication> papers, Map<ArxivId, Double> trend) {
    return papers.stream()
        .sorted(
            Comparator.comparingDouble((Publication paper) -> -trend.getOrDefault(paper.id(), 0.0))
                .thenComparing(Publication::featured, Comparator.reverseOrder())
                .thenComparing(Publication::published, Comparator.reverseOrder())
                .thenComparing(paper -> paper.id().value(), Comparator.reverseOrder()))
        .toList();
  }

  /** The paper at an address, if the address has the form of an id and there is one. */
  static Optional<ArxivId> id(String text) {
    return ArxivId.in(text).filter(id -> id.value().equals(text));
  }
}
