package io.steelyard.feed.tex;

import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Text with TeX in it, as arXiv has it, turned into HTML with MathML or into plain text.
 *
 * <p>Mathematics stands between {@code $}, {@code $$}, {@code \(} and {@code \)}, or {@code \[} and
 * {@code \]}. A dollar sign opens mathematics only before a character that is no blank, and closes
 * it only after one and not before a digit, so that prices stay prices. What cannot be set is shown
 * as its source. The result is safe to put in a page, whatever the text is.
 */
public final class Tex {

  private static final Pattern MATH =
      Pattern.compile(
          "(?<!\\\\)\\$\\$(?<display>[^$]{1,2000}?)\\$\\$"
              + "|(?<!\\\\)\\$(?<inline>(?!\\s)(?:[^$\\\\]|\\\\.){1,2000}?(?<![\\s\\\\]))\\$(?!\\d)"
              + "|\\\\\\((?<round>.{1,2000}?)\\\\\\)"
              + "|\\\\\\[(?<square>.{1,2000}?)\\\\]",
          Pattern.DOTALL);

  private static final Pattern STYLED =
      Pattern.compile(
          "\\\\(emph|textit|textsl|textbf|texttt|textsc|textrm|text|underline|mbox)\\s*\\{([^{}]*)}"
              + "|\\{\\\\(em|it|sl|bf|tt|sc|rm)\\s+([^{}]*)}");

  private static final Pattern URL = Pattern.compile("\\\\url\\s*\\{([^{}]*)}");
  private static final Pattern HREF = Pattern.compile("\\\\href\\s*\\{[^{}]*}\\s*\\{([^{}]*)}");
  private static final Pattern CITE =
      Pattern.compile("\\s*\\\\(?:cite[a-z]*|footnote|label|ref)\\s*(?:\\[[^\\]]*])*\\{[^{}]*}");
  private static final Pattern ACCENT =
      Pattern.compile("\\{?\\\\(['`^\"~=.uvHck])\\s*(?:\\{\\\\?([a-zA-Z])}|\\\\?([a-zA-Z]))}?");
  private static final Pattern ESCAPED = Pattern.compile("\\\\([%&#_{}$])");

  private static final Map<String, String> ACCENTS =
      Map.ofEntries(
          Map.entry("'", "\u0301"),
          Map.entry("`", "\u0300"),
          Map.entry("^", "\u0302"),
          Map.entry("\"", "\u0308"),
          Map.entry("~", "\u0303"),
          Map.entry("=", "\u0304"),
          Map.entry(".", "\u0307"),
          Map.entry("u", "\u0306"),
          Map.entry("v", "\u030C"),
          Map.entry("H", "\u030B"),
          Map.entry("c", "\u0327"),
          Map.entry("k", "\u0328"));

  private static final Map<String, String> WORDS =
      Map.ofEntries(
          Map.entry("\\ss", "ß"),
          Map.entry("\\o", "ø"),
          Map.entry("\\O", "Ø"),
          Map.entry("\\l", "ł"),
          Map.entry("\\L", "Ł"),
          Map.entry("\\ae", "æ"),
          Map.entry("\\AE", "Æ"),
          Map.entry("\\aa", "å"),
          Map.entry("\\AA", "Å"),
          Map.entry("\\ldots", "…"),
          Map.entry("\\dots", "…"),
          Map.entry("\\textbackslash", "\\"),
          Map.entry("\\LaTeX", "LaTeX"),
          Map.entry("\\TeX", "TeX"));

  private static final Pattern WORD = Pattern.compile("(\\\\[a-zA-Z]+)(?:\\{}|(?=[^a-zA-Z])|$) ?");

  /** Two characters that no text has, around a piece of HTML that is ready. */
  private static final char OPEN = '\uE000';

  private static final char CLOSE = '\uE001';

  private static final Pattern PRIVATE = Pattern.compile("[" + OPEN + CLOSE + "]");
  private static final Pattern TIE = Pattern.compile("(?<=\\S)~(?=\\S)");
  private static final Pattern GROUP = Pattern.compile("\\{([^{}\\\\]*)}");

  /** Enough for the texts of some thousand papers with formulas. */
  private static final Remembered MADE = new Remembered(8L << 20);

  private Tex() {}

  /**
   * The text as HTML, with paragraphs left as they are. Most texts have no TeX in them and are only
   * escaped; of the others, those asked for last are remembered.
   */
  public static String html(String text) {
    return hasMarkup(text) ? MADE.of(text, Tex::set) : escape(text);
  }

  /** Whether {@link #set} does more to the text than to escape it; may be true for no reason. */
  private static boolean hasMarkup(String text) {
    for (int i = 0; i < text.length(); i++) {
      switch (text.charAt(i)) {
        case '\\', '$', '{', '~', '`', OPEN, CLOSE -> {
          return true;
        }
        case '-', '\'' -> {
          if (i > 0 && text.charAt(i - 1) == text.charAt(i)) {
            return true;
          }
        }
        default -> {
          // A character of prose.
        }
      }
    }
    return false;
  }

  /** The text as HTML, made anew. */
  static String set(String text) {
    final String source = clean(text);
    final StringBuilder html = new StringBuilder(source.length() + 64);
    final Matcher math = MATH.matcher(source);
    int end = 0;
    while (math.find()) {
      html.append(prose(source.substring(end, math.start())));
      final boolean display = math.group("display") != null || math.group("square") != null;
      html.append(MathMl.of(source(math), display));
      end = math.end();
    }
    return html.append(prose(source.substring(end))).toString();
  }

  /**
   * The text with every piece of mathematics replaced by what {@code place} makes of its MathML and
   * its source.
   */
  public static String replacingMath(String text, BinaryOperator<String> place) {
    final String source = clean(text);
    return MATH.matcher(source)
        .replaceAll(
            math -> {
              final Matcher found = MATH.matcher(math.group());
              if (!found.matches()) {
                return Matcher.quoteReplacement(math.group());
              }
              final boolean display =
                  found.group("display") != null || found.group("square") != null;
              return Matcher.quoteReplacement(
                  place.apply(MathMl.of(source(found), display), math.group()));
            });
  }

  /** The text without TeX: for titles of windows, feeds and the search index. */
  public static String plain(String text) {
    return hasMarkup(text) ? stripped(text) : text;
  }

  /** The text without TeX, whether there is any or not. */
  static String stripped(String text) {
    final StringBuilder plain = new StringBuilder(text.length());
    final String source = clean(text);
    final Matcher math = MATH.matcher(source);
    int end = 0;
    while (math.find()) {
      plain.append(words(source.substring(end, math.start()), false));
      plain.append(MathMl.plain(source(math)));
      end = math.end();
    }
    plain.append(words(source.substring(end), false));
    return clean(plain.toString());
  }

  /** Whether there is mathematics in the text. */
  public static boolean hasMath(String text) {
    return MATH.matcher(text).find();
  }

  /** The text with the characters that mean something in HTML replaced. */
  public static String escape(String text) {
    final StringBuilder html = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      final char c = text.charAt(i);
      switch (c) {
        case '&' -> html.append("&amp;");
        case '<' -> html.append("&lt;");
        case '>' -> html.append("&gt;");
        case '"' -> html.append("&quot;");
        case '\'' -> html.append("&#39;");
        default -> html.append(c);
      }
    }
    return html.toString();
  }

  /** Styles become elements between private characters, so that escaping does not touch them. */
  private static String prose(String text) {
    return escape(words(text, true)).replace(OPEN, '<').replace(CLOSE, '>');
  }

  private static String source(Matcher math) {
    for (final String name : new String[] {"display", "inline", "round", "square"}) {
      if (math.group(name) != null) {
        return math.group(name);
      }
    }
    throw new IllegalStateException("a match has one of its groups");
  }

  private static String clean(String text) {
    return PRIVATE.matcher(text).replaceAll("");
  }

  private static String words(String prose, boolean html) {
    final String text =
        (prose.indexOf('\\') < 0 ? prose : commands(prose, html))
            .replace("---", "—")
            .replace("--", "–")
            .replace("``", "“")
            .replace("''", "”");
    return GROUP.matcher(TIE.matcher(text).replaceAll("\u00A0")).replaceAll("$1");
  }

  private static String commands(String prose, boolean html) {
    String text = CITE.matcher(prose).replaceAll("");
    text = URL.matcher(text).replaceAll("$1");
    text = HREF.matcher(text).replaceAll("$1");
    text =
        ACCENT
            .matcher(text)
            .replaceAll(
                match ->
                    Matcher.quoteReplacement(
                        java.text.Normalizer.normalize(
                            (match.group(2) == null ? match.group(3) : match.group(2))
                                + ACCENTS.get(match.group(1)),
                            java.text.Normalizer.Form.NFC)));
    text = styled(styled(text, html), html);
    text =
        WORD.matcher(text)
            .replaceAll(
                match ->
                    Matcher.quoteReplacement(WORDS.getOrDefault(match.group(1), match.group())));
    return ESCAPED.matcher(text).replaceAll(match -> Matcher.quoteReplacement(match.group(1)));
  }

  private static String styled(String text, boolean html) {
    return STYLED
        .matcher(text)
        .replaceAll(
            match -> {
              final String style = match.group(1) == null ? match.group(3) : match.group(1);
              final String inside = match.group(2) == null ? match.group(4) : match.group(2);
              final String element =
                  switch (style) {
                    case "emph", "textit", "textsl", "em", "it", "sl" -> "em";
                    case "textbf", "bf" -> "strong";
                    case "texttt", "tt" -> "code";
                    default -> "";
                  };
              return Matcher.quoteReplacement(
                  html && !element.isEmpty()
                      ? OPEN + element + CLOSE + inside + OPEN + "/" + element + CLOSE
                      : inside);
            });
  }
}
