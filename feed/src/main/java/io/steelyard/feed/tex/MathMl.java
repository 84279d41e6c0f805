package io.steelyard.feed.tex;

import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.w3c.dom.Attr;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import uk.ac.ed.ph.snuggletex.SessionConfiguration;
import uk.ac.ed.ph.snuggletex.SnuggleEngine;
import uk.ac.ed.ph.snuggletex.SnuggleInput;
import uk.ac.ed.ph.snuggletex.SnuggleSession;
import uk.ac.ed.ph.snuggletex.SnuggleSnapshot;

/**
 * A formula as MathML. SnuggleTeX reads the TeX; what it makes is written out element by element
 * from a list of harmless ones, so nothing but mathematics comes through.
 */
final class MathMl {

  private static final int MOST_EXPANSIONS = 200;

  private static final Set<String> ELEMENTS =
      Set.of(
          "math",
          "mrow",
          "mi",
          "mn",
          "mo",
          "ms",
          "mtext",
          "mspace",
          "mfrac",
          "msqrt",
          "mroot",
          "mstyle",
          "merror",
          "mpadded",
          "mphantom",
          "mfenced",
          "msub",
          "msup",
          "msubsup",
          "munder",
          "mover",
          "munderover",
          "mtable",
          "mtr",
          "mtd",
          "menclose");

  private static final Set<String> ATTRIBUTES =
      Set.of(
          "mathvariant",
          "stretchy",
          "fence",
          "separator",
          "accent",
          "accentunder",
          "linethickness",
          "displaystyle",
          "columnalign",
          "rowspacing",
          "columnspacing",
          "movablelimits",
          "width",
          "height",
          "notation",
          "open",
          "close",
          "separators");

  /** What papers use and SnuggleTeX does not know. */
  private static final String DEFINITIONS =
      """
      \\newcommand{\\operatorname}[1]{\\mathrm{#1}}\\newcommand{\\bm}[1]{\\mathbf{#1}}
      \\newcommand{\\boldsymbol}[1]{\\mathbf{#1}}\\newcommand{\\mathbbm}[1]{\\mathbb{#1}}
      \\newcommand{\\mathscr}[1]{\\mathcal{#1}}\\newcommand{\\text}[1]{\\mbox{#1}}
      \\newcommand{\\textrm}[1]{\\mbox{#1}}\\newcommand{\\tfrac}[2]{\\frac{#1}{#2}}
      \\newcommand{\\dfrac}[2]{\\frac{#1}{#2}}
      """;

  /** Signs that SnuggleTeX has under another name. */
  private static final Map<String, String> OTHER_NAMES =
      Map.ofEntries(
          Map.entry("lVert", "\\parallel "),
          Map.entry("rVert", "\\parallel "),
          Map.entry("Vert", "\\parallel "),
          Map.entry("lvert", "|"),
          Map.entry("rvert", "|"),
          Map.entry("vert", "|"),
          Map.entry("to", "\\rightarrow "),
          Map.entry("gets", "\\leftarrow "),
          Map.entry("iff", "\\Leftrightarrow "),
          Map.entry("implies", "\\Rightarrow "),
          Map.entry("eps", "\\epsilon "),
          Map.entry("argmax", "\\mathrm{argmax}"),
          Map.entry("argmin", "\\mathrm{argmin}"),
          Map.entry("displaystyle", ""),
          Map.entry("limits", ""),
          Map.entry("nolimits", ""));

  private static final Pattern COMMAND = Pattern.compile("\\\\([A-Za-z]+)");

  /** SnuggleTeX counts expansions by depth only, so a formula must not define commands. */
  private static final Pattern FORBIDDEN =
      Pattern.compile(
          "\\\\(re)?new(command|environment)|\\\\(def|let|verb|input|include)|(?<!\\\\)[$%]");

  private static final int DEEPEST = 40;

  private static final Remembered MADE = new Remembered(4L << 20);

  private MathMl() {}

  /** The engine is loaded when the first formula is set. */
  private static final class Engine {

    private static final SnuggleSnapshot READY = prepare();

    private static SnuggleSnapshot prepare() {
      final SessionConfiguration configuration = new SessionConfiguration();
      configuration.setExpansionLimit(MOST_EXPANSIONS);
      final SnuggleSession session = new SnuggleEngine().createSession(configuration);
      Pattern.compile("(?=\\\\newcommand)")
          .splitAsStream(DEFINITIONS)
          .forEach(line -> parse(session, line.strip()));
      session.getErrors().clear();
      return session.createSnapshot();
    }
  }

  /** The formula as a {@code math} element; its source in a {@code code} element if that fails. */
  static String of(String tex, boolean display) {
    return MADE.of((display ? "D" : "I") + tex, key -> make(key.substring(1), display));
  }

  /** A formula in characters: commands become their sign or name, braces go. */
  static String plain(String tex) {
    return Signs.in(tex);
  }

  private static String make(String tex, boolean display) {
    if (FORBIDDEN.matcher(tex).find() || depth(tex) > DEEPEST) {
      return source(tex);
    }
    try {
      final SnuggleSession session = Engine.READY.createSession();
      if (!parse(session, "$" + renamed(tex.strip()) + "$") || !session.getErrors().isEmpty()) {
        return source(tex);
      }
      final NodeList nodes = session.buildDOMSubtree();
      if (!session.getErrors().isEmpty()) {
        return source(tex);
      }
      final StringBuilder html = new StringBuilder();
      for (int i = 0; i < nodes.getLength(); i++) {
        write(nodes.item(i), html, tex, display);
      }
      return html.isEmpty() ? source(tex) : html.toString();
    } catch (RuntimeException e) {
      // The text is a stranger's; whatever it does to the engine, a reader gets to see it.
      return source(tex);
    }
  }

  private static String renamed(String tex) {
    return COMMAND
        .matcher(tex)
        .replaceAll(
            match ->
                Matcher.quoteReplacement(OTHER_NAMES.getOrDefault(match.group(1), match.group())));
  }

  private static int depth(String tex) {
    int depth = 0;
    int deepest = 0;
    for (int i = 0; i < tex.length(); i++) {
      depth += tex.charAt(i) == '{' ? 1 : tex.charAt(i) == '}' ? -1 : 0;
      deepest = Math.max(deepest, depth);
    }
    return deepest;
  }

  private static boolean parse(SnuggleSession session, String text) {
    try {
      return session.parseInput(new SnuggleInput(text));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException("cannot read a formula from memory", e);
    }
  }

  private static String source(String tex) {
    return "<code class=\"tex\">" + Tex.escape(tex) + "</code>";
  }

  private static void write(Node node, StringBuilder html, String tex, boolean display) {
    switch (node.getNodeType()) {
      case Node.TEXT_NODE -> html.append(Tex.escape(node.getNodeValue()));
      case Node.ELEMENT_NODE -> {
        final Element element = (Element) node;
        final String name = element.getLocalName() == null ? "" : element.getLocalName();
        final boolean known = ELEMENTS.contains(name);
        if (known) {
          html.append('<').append(name);
          attributes(element, html);
          if (name.equals("math")) {
            html.append(display ? " display=\"block\"" : "")
                .append(" alttext=\"")
                .append(Tex.escape(tex))
                .append('"');
          }
          html.append('>');
        }
        final NodeList children = element.getChildNodes();
        for (int i = 0; i < children.getLength(); i++) {
          write(children.item(i), html, tex, display);
        }
        if (known) {
          html.append("</").append(name).append('>');
        }
      }
      default -> {
        // Comments and instructions are nobody's business.
      }
    }
  }

  private static void attributes(Element element, StringBuilder html) {
    final NamedNodeMap attributes = element.getAttributes();
    for (int i = 0; i < attributes.getLength(); i++) {
      final Attr attribute = (Attr) attributes.item(i);
      if (ATTRIBUTES.contains(attribute.getName())) {
        html.append(' ')
            .append(attribute.getName())
            .append("=\"")
            .append(Tex.escape(attribute.getValue()))
            .append('"');
      }
    }
  }
}
