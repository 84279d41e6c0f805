package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import java.util.Optional;

/**
 * Rotary positions: adjacent pairs {@code (x0, x1)} of the features of a token are rotated by
 * angles that grow with its place: {@code (x0 cos a - x1 sin a, x1 cos a + x0 sin a)}. A product of
 * two rotated vectors depends on the distance of their places only.
 *
 * <p>Angles are {@code place * frequency} of each pair. On a line ({@link #line}) the D/2
 * frequencies are {@code base^(-2 i / D)}. On a grid ({@link #grid}) the first half of the features
 * turns with the row and the second with the column, each with D/4 frequencies {@code base^(-i /
 * (D/4 - 1))}, both ends included, as in the code of arXiv 2507.00698.
 *
 * <p>Source: arXiv 2104.09864, section 3.
 */
public sealed interface Rotary {

  /** The usual base. */
  double BASE = 10_000;

  /** Places 0, 1, 2, ... on a line. */
  static Rotary line() {
    return new Line(BASE);
  }

  /** Rows and columns of a grid. */
  static Rotary grid() {
    return new OnGrid(BASE);
  }

  /**
   * See {@link #line()}.
   *
   * @param base greater than 1
   */
  record Line(double base) implements Rotary {

    /** Checks the base. */
    public Line {
      checkBase(base);
    }
  }

  /**
   * See {@link #grid()}.
   *
   * @param base greater than 1
   */
  record OnGrid(double base) implements Rotary {

    /** Checks the base. */
    public OnGrid {
      checkBase(base);
    }
  }

  /**
   * The angles of each token's pairs.
   *
   * @param first the place of the first token: 0, or how many tokens were there before
   * @param tokens T
   * @param width D: even on a line, a multiple of 4 on a grid
   * @param grid how tokens lie; read on a grid only
   * @param like for type and place
   * @return {@code [T, D/2]}
   */
  default NDArray angles(long first, int tokens, int width, Optional<Grid> grid, NDArray like) {
    final double[] angles = new double[tokens * (width / 2)];
    switch (this) {
      case Line(double base) -> {
        check(width, 2);
        for (int t = 0; t < tokens; t++) {
          for (int i = 0; i < width / 2; i++) {
            angles[t * (width / 2) + i] = (first + t) * Math.pow(base, -2.0 * i / width);
          }
        }
      }
      case OnGrid(double base) -> {
        check(width, 4);
        final Grid places =
            grid.orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "grid is absent; rotary positions on a grid need its height and width"));
        if (first != 0 || places.tokens() != tokens) {
          throw new IllegalArgumentException(
              "tokens are " + tokens + " from " + first + "; expected all of grid " + places);
        }
        final int quarter = width / 4;
        for (int t = 0; t < tokens; t++) {
          final int row = t / places.width();
          final int column = t % places.width();
          for (int i = 0; i < quarter; i++) {
            final double frequency = Math.pow(base, quarter == 1 ? 0 : -i / (quarter - 1.0));
            angles[t * 2 * quarter + i] = row * frequency;
            angles[t * 2 * quarter + quarter + i] = column * frequency;
          }
        }
      }
    }
    return Like.values(angles, new Shape(tokens, width / 2), like);
  }

  /**
   * Rotates.
   *
   * @param projection any width that {@link #angles} takes
   * @param first the place of its first token
   * @return the rotated one, in the same layout
   */
  default Projection rotate(Projection projection, long first, Optional<Grid> grid) {
    final NDArray x = projection.array();
    final int tokens = Math.toIntExact(projection.tokens());
    final int pairs = Math.toIntExact(projection.width() / 2);
    final NDArray angles = angles(first, tokens, Math.toIntExact(projection.width()), grid, x);
    final NDArray place =
        projection.tokensFirst()
            ? angles.reshape(1, tokens, 1, pairs)
            : angles.reshape(1, 1, tokens, pairs);
    final NDArray cos = place.cos();
    final NDArray sin = place.sin();
    final Shape shape = x.getShape();
    final NDArray split = x.reshape(shape.get(0), shape.get(1), shape.get(2), pairs, 2);
    final NDArray x0 = split.get("..., 0");
    final NDArray x1 = split.get("..., 1");
    final NDArray y0 = x0.mul(cos).sub(x1.mul(sin));
    final NDArray y1 = x1.mul(cos).add(x0.mul(sin));
    final NDArray rotated =
        NDArrays.concat(new NDList(y0.expandDims(-1), y1.expandDims(-1)), -1).reshape(shape);
    return new Projection(rotated, projection.tokensFirst());
  }

  private static void checkBase(double base) {
    if (!(base > 1) || Double.isInfinite(base)) {
      throw new IllegalArgumentException("base is " + base + "; expected a number greater than 1");
    }
  }

  private static void check(int width, int divisor) {
    if (width % divisor != 0) {
      throw new IllegalArgumentException(
          "D is " + width + "; expected a multiple of " + divisor + " for rotary positions");
    }
  }
}
