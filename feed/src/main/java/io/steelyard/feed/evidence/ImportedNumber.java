package io.steelyard.feed.evidence;

import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Link;

/**
 * A number that others measured, as its source says.
 *
 * @param task what kind of work it is
 * @param data what it was measured on
 * @param method what was measured
 * @param metric what was measured of it
 * @param value the number
 * @param source address of the page that says so, http or https
 * @param paper the paper it is from, which need not be on this site
 */
public record ImportedNumber(
    String task,
    String data,
    String method,
    String metric,
    double value,
    String source,
    ArxivId paper) {

  private static final int LONGEST = 100;
  private static final int LONGEST_METHOD = 200;

  /** Checks what every number needs. */
  public ImportedNumber {
    check("task", task, LONGEST);
    check("dataset", data, LONGEST);
    check("method", method, LONGEST_METHOD);
    check("metric", metric, LONGEST);
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("value is " + value + "; expected a finite number");
    }
    if (!Link.isSafe(source)) {
      throw new IllegalArgumentException(
          "source is '" + source + "'; expected an http or https address");
    }
  }

  private static void check(String name, String text, int longest) {
    if (text.isBlank() || text.length() > longest) {
      throw new IllegalArgumentException(
          name + " is '" + text + "'; expected 1 to " + longest + " characters");
    }
  }

  /** The address of the source as a person reads it. */
  public String shownSource() {
    return new Link(Link.Kind.PROJECT, source, Link.Source.IMPORT).shown();
  }
}
