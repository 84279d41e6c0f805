package io.steelyard.feed.page;

import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.tex.Tex;
import java.util.List;

/**
 * A digest.
 *
 * @param site name of the site
 * @param address of the site
 * @param title of the day or week
 * @param list path of the same papers on the site
 * @param papers its papers
 * @param leave address that ends the subscription
 */
public record DigestLetter(
    String site,
    String address,
    String title,
    String list,
    List<Publication> papers,
    String leave) {

  private static final int WIDTH = 76;

  /** What a paper says of itself, shortened. */
  public static String about(Publication paper) {
    return paper.summary().isEmpty() ? paper.abstractText() : paper.summary();
  }

  /** The letter as plain text. */
  public String text() {
    final StringBuilder text = new StringBuilder();
    text.append(title).append('\n').append(address).append(list).append("\n\n");
    for (final Publication paper : papers) {
      text.append(wrapped(Tex.plain(paper.title())))
          .append(wrapped(paper.byline()))
          .append(wrapped(Tex.plain(about(paper))))
          .append(address)
          .append("/papers/")
          .append(paper.id())
          .append("\n\n");
    }
    return text.append("-- \nTo get no more of these: ").append(leave).append('\n').toString();
  }

  private static String wrapped(String text) {
    final StringBuilder lines = new StringBuilder();
    int length = 0;
    for (final String word : text.split("\\s+", -1)) {
      if (length > 0 && length + 1 + word.length() > WIDTH) {
        lines.append('\n');
        length = 0;
      } else if (length > 0) {
        lines.append(' ');
        length++;
      }
      lines.append(word);
      length += word.length();
    }
    return length == 0 ? "" : lines.append('\n').toString();
  }
}
