package io.steelyard.feed.page;

import io.steelyard.feed.plot.FigureSvg;
import io.steelyard.feed.plot.StripSvg;
import io.steelyard.feed.tex.Tex;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One paper.
 *
 * @param shell around it
 * @param card the paper with its counts
 * @param related papers near it
 * @param bibtex its entry
 * @param remarks what readers say
 * @param here names of the accounts of authors who are here, by the authors' slugs
 */
public record PaperPage(
    Shell shell,
    Card card,
    List<Card> related,
    String bibtex,
    List<RemarkView> remarks,
    Map<String, String> here) {

  /** A comment as the page shows it. */
  public record RemarkView(
      long id,
      String author,
      boolean byAuthor,
      String html,
      String day,
      boolean edited,
      boolean mine) {}

  /** The abstract as HTML paragraphs. */
  public List<String> paragraphs() {
    return card.paper()
        .abstractText()
        .lines()
        .filter(line -> !line.isBlank())
        .map(Tex::html)
        .toList();
  }

  /** The picture of a claim. */
  public static Optional<String> strip(Finding finding) {
    return StripSvg.of(finding);
  }

  /** A plot. */
  public static String plot(Figure figure) {
    return FigureSvg.of(figure);
  }

  /** Path of a run. */
  public static String path(Run run) {
    return "/runs/" + run.paper() + "/" + run.scale().label() + "/" + run.seed();
  }
}
