package io.steelyard.papers.data;

import java.util.random.RandomGenerator;

/**
 * The outline of a piece of clothing: a signed distance, positive inside, in units where the
 * picture spans [-1, 1] in both directions and y points down.
 */
sealed interface Silhouette {

  /** How far inside the outline a point is; negative outside. Exact near the outline only. */
  double inside(double x, double y);

  /** Strength of a dark line down the front, 0 for none. */
  default double opening() {
    return 0;
  }

  /** A silhouette of this class with random measures. */
  static Silhouette of(int label, RandomGenerator random) {
    return switch (label) {
      case 0 -> new Top(about(random, .36, .10), .72, .43, .43, about(random, .17, .05), 0);
      case 1 ->
          new Trousers(
              about(random, .33, .05), about(random, .13, .04), .1 + random.nextDouble() * .3);
      case 2 -> new Top(about(random, .98, .15), .72, .44, .45, about(random, .11, .05), 0);
      case 3 ->
          new Top(
              Math.max(.05, about(random, .28, .22)),
              .92,
              about(random, .31, .05),
              about(random, .42, .10),
              about(random, .18, .05),
              0);
      case 4 ->
          new Top(
              about(random, 1.04, .12),
              about(random, .84, .07),
              .45,
              .47,
              about(random, .14, .05),
              Math.max(0, about(random, .40, .20)));
      case 5 -> new Shoe(about(random, .10, .12), true, about(random, .24, .05));
      case 6 ->
          new Top(
              about(random, .78, .24),
              about(random, .76, .06),
              .43,
              .44,
              about(random, .14, .05),
              Math.max(0, about(random, .22, .16)));
      case 7 -> new Shoe(about(random, .16, .12), false, 0);
      case 8 -> new Bag(about(random, .62, .10), about(random, .40, .08), about(random, .32, .12));
      case 9 -> new Shoe(about(random, .80, .24), false, 0);
      default -> throw new IllegalArgumentException("label is " + label + "; expected 0 to 9");
    };
  }

  private static double about(RandomGenerator random, double mean, double spread) {
    return mean + spread * Bell.next(random);
  }

  /** Distance into a bar with round ends. */
  private static double bar(
      double x, double y, double x0, double y0, double x1, double y1, double radius) {
    final double dx = x1 - x0;
    final double dy = y1 - y0;
    final double along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy);
    final double t = Math.clamp(along, 0, 1);
    final double ex = x - (x0 + t * dx);
    final double ey = y - (y0 + t * dy);
    return radius - Math.sqrt(ex * ex + ey * ey);
  }

  /** T-shirt, pullover, dress, coat, shirt. */
  record Top(
      double sleeve, double hem, double shoulder, double hemWidth, double neck, double opening)
      implements Silhouette {

    private static final double TOP = -.78;
    private static final double ARM = .14;

    @Override
    public double inside(double x, double y) {
      final double side = Math.abs(x);
      final double height = Math.clamp((y - TOP) / (hem - TOP), 0, 1);
      final double width = shoulder + (hemWidth - shoulder) * height;
      final double body = Math.min(width - side, Math.min(y - TOP, hem - y));
      final double arm =
          bar(
              side,
              y,
              shoulder - .06,
              TOP + .16,
              shoulder - .06 + .38 * sleeve,
              TOP + .16 + .92 * sleeve,
              ARM);
      final double collar = neck - Math.sqrt(side * side * .8 + (y - TOP) * (y - TOP));
      return Math.min(Math.max(body, arm), -collar);
    }
  }

  /** Two legs under a waist. */
  record Trousers(double waist, double leg, double spread) implements Silhouette {

    @Override
    public double inside(double x, double y) {
      final double side = Math.abs(x);
      final double top = Math.min(waist - side, Math.min(y + .85, -.45 - y));
      final double line = bar(side, y, waist - leg, -.6, waist - leg + spread * .4, .78, leg + .02);
      return Math.max(top, line);
    }
  }

  /** Sandal, sneaker, ankle boot, seen from the side with the toe to the left. */
  record Shoe(double shaft, boolean straps, double gap) implements Silhouette {

    private static final double SOLE = .55;

    @Override
    public double inside(double x, double y) {
      final double sole = bar(x, y, -.78, SOLE, .72, SOLE, .10);
      // Height of the upper: low at the toe, rising to the shaft over the heel.
      final double rise = Math.clamp((x + .75) / .95, 0, 1);
      final double height = .18 + rise * rise * (.16 + shaft);
      final double upper =
          Math.min(Math.min(x + .80, .72 - x), Math.min(y - (SOLE - height), SOLE - y));
      if (!straps) {
        return Math.max(sole, upper);
      }
      final double phase = (x + .8) / (2 * gap);
      final double strap = (Math.abs(phase - Math.rint(phase)) - .22) * 2 * gap;
      return Math.max(sole, Math.min(upper, strap));
    }
  }

  /** A box with a handle. */
  record Bag(double halfWidth, double halfHeight, double handle) implements Silhouette {

    private static final double MIDDLE = .25;

    @Override
    public double inside(double x, double y) {
      final double box = Math.min(halfWidth - Math.abs(x), halfHeight - Math.abs(y - MIDDLE));
      final double top = MIDDLE - halfHeight;
      final double radius = .5 * halfWidth;
      final double stretched = (y - top) * radius / Math.max(.1, handle);
      final double ring = .07 - Math.abs(Math.sqrt(x * x + stretched * stretched) - radius);
      return Math.max(box, Math.min(ring, top - y));
    }
  }
}
