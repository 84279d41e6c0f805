package io.steelyard.layers.attention;

/**
 * How the tokens of an image lie: row by row, {@code T = height * width}.
 *
 * @param height rows, at least 1
 * @param width columns, at least 1
 */
public record Grid(int height, int width) {

  /** Checks the extents. */
  public Grid {
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException(
          "grid is " + height + " x " + width + "; expected at least 1 x 1");
    }
  }

  /** {@code height * width}. */
  public int tokens() {
    return height * width;
  }
}
