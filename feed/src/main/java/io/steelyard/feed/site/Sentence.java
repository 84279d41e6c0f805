package io.steelyard.feed.site;

/** What a program says, as people write it. */
final class Sentence {

  private Sentence() {}

  /** With a capital in front and a full stop at the end. */
  static String of(String text) {
    return Character.toUpperCase(text.charAt(0))
        + text.substring(1)
        + (text.endsWith(".") ? "" : ".");
  }
}
