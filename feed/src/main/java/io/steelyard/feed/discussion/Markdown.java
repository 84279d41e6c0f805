package io.steelyard.feed.discussion;

import io.steelyard.feed.account.Tokens;
import io.steelyard.feed.tex.Tex;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;
import org.owasp.html.HtmlPolicyBuilder;
import org.owasp.html.PolicyFactory;

/**
 * Comments: Markdown with TeX between dollar signs, as HTML that is safe in a page whatever the
 * text is. No images, no HTML of the writer's own, links to the web only.
 */
public final class Markdown {

  private static final Parser PARSER = Parser.builder().build();
  private static final HtmlRenderer RENDERER =
      HtmlRenderer.builder().escapeHtml(true).softbreak("<br>\n").build();

  private static final PolicyFactory POLICY =
      new HtmlPolicyBuilder()
          .allowElements(
              "p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "a")
          .allowUrlProtocols("http", "https")
          .allowAttributes("href")
          .onElements("a")
          .requireRelsOnLinks("nofollow", "noreferrer", "ugc")
          .toFactory();

  private static final Pattern CODE = Pattern.compile("<code>.*?</code>", Pattern.DOTALL);
  private static final Pattern MENTION =
      Pattern.compile("(?<![A-Za-z0-9@/._-])@([A-Za-z][A-Za-z0-9_-]{2,39})");

  private Markdown() {}

  /** The text as HTML. */
  public static String html(String text) {
    final String mark = "m" + Tokens.fresh().replaceAll("[^A-Za-z0-9]", "") + "x";
    final List<String> pieces = new ArrayList<>();
    final List<String> sources = new ArrayList<>();
    // Mathematics is taken out first: its underscores and stars are no emphasis.
    final String bare =
        Tex.replacingMath(
            text,
            (html, source) -> {
              pieces.add(html);
              sources.add(Tex.escape(source));
              return mark + (pieces.size() - 1) + "x";
            });
    final String safe = POLICY.sanitize(RENDERER.render(PARSER.parse(bare)));
    final Pattern place = Pattern.compile(mark + "(\\d+)x");
    final StringBuilder html = new StringBuilder();
    final Matcher code = CODE.matcher(safe);
    int end = 0;
    while (code.find()) {
      html.append(filled(place, safe.substring(end, code.start()), pieces));
      html.append(filled(place, code.group(), sources));
      end = code.end();
    }
    return html.append(filled(place, safe.substring(end), pieces)).toString();
  }

  /** The names that a text mentions with @, each once. */
  public static Set<String> mentions(String text) {
    final Set<String> names = new LinkedHashSet<>();
    MENTION.matcher(text).results().map(match -> match.group(1)).forEach(names::add);
    return names;
  }

  private static String filled(Pattern place, String html, List<String> pieces) {
    return place
        .matcher(html)
        .replaceAll(
            match -> Matcher.quoteReplacement(pieces.get(Integer.parseInt(match.group(1)))));
  }
}
