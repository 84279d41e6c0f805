package io.steelyard.layers.attention;

import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * What an attention may need to know of the layer that it is made for.
 *
 * @param width d, features of a token
 * @param heads H, of queries
 * @param keyWidth D, numbers of a query or key
 * @param valueWidth Dv, numbers of a value
 * @param tokens n, how many tokens sequences have in training
 * @param grid how they lie, for images
 * @param random draws fixed and initial parameters
 */
public record AttentionShape(
    int width,
    int heads,
    int keyWidth,
    int valueWidth,
    int tokens,
    Optional<Grid> grid,
    RandomGenerator random) {

  /** Checks the extents. */
  public AttentionShape {
    if (width < 1 || heads < 1 || keyWidth < 1 || valueWidth < 1 || tokens < 1) {
      throw new IllegalArgumentException(
          "width, heads, keyWidth, valueWidth and tokens are "
              + width
              + ", "
              + heads
              + ", "
              + keyWidth
              + ", "
              + valueWidth
              + " and "
              + tokens
              + "; expected 1 or more of each");
    }
  }
}
