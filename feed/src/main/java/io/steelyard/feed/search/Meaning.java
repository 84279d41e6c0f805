package io.steelyard.feed.search;

/** Turns a text into a vector of length 1 whose inner products say how near texts are. */
public interface Meaning {

  /** Number of coordinates. */
  int dimensions();

  /** Name with version: an index made with another one is made again. */
  String name();

  /** The vector of a text; all zeros for a text without words. */
  float[] of(String text);
}
