package io.steelyard.papers.report;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The report as one HTML file that needs nothing else: style, script and plots are inside. */
final class HtmlReport {

  private static final String PACKAGE = "io.steelyard.papers.report";
  private static final String ECHARTS = "/META-INF/resources/webjars/echarts/5.5.0/echarts.min.js";

  private HtmlReport() {}

  static String render(Report report) {
    final TemplateEngine engine =
        TemplateEngine.createPrecompiled(
            Path.of(""), ContentType.Html, HtmlReport.class.getClassLoader(), PACKAGE);
    final StringOutput out = new StringOutput(1 << 21);
    engine.render("report.jte", new Page(report), out);
    return out.toString();
  }

  /**
   * What the templates read.
   *
   * @param report the report
   */
  public record Page(Report report) {

    /** The style sheet. */
    public String style() {
      return resource("report.css");
    }

    /** The script that draws the plots. */
    public String script() {
      return inScript(resource("report.js"));
    }

    /** Apache ECharts. */
    public String echarts() {
      return inScript(resource(ECHARTS));
    }

    /** All figures by their number on the page, as JSON that cannot end a script element. */
    public String figures() {
      final JsonArray figures = new JsonArray();
      report
          .sections()
          .forEach(
              section -> section.figures().forEach(figure -> figures.add(FigureJson.of(figure))));
      return new Gson().toJson(figures).replace("<", "\\u003c");
    }

    /** Whether there is anything to draw. */
    public boolean hasFigures() {
      return report.sections().stream().anyMatch(section -> !section.figures().isEmpty());
    }

    /** The number on the page of a section's first figure. */
    public int firstFigure(int section) {
      return report.sections().subList(0, section).stream()
          .mapToInt(earlier -> earlier.figures().size())
          .sum();
    }
  }

  /** A script element ends at the first closing tag, even inside a string of the script. */
  private static String inScript(String script) {
    return script.replaceAll("(?i)</(script)", "<\\\\/$1").replace("<!--", "<\\!--");
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new UncheckedIOException(new IOException("the class path has no " + name));
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + name + " from the class path", e);
    }
  }
}
