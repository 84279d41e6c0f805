package io.steelyard.papers.data;

import java.util.random.RandomGenerator;

/** One picture of {@link SyntheticGarments}: a silhouette, where it lies, and how it is shaded. */
final class GarmentPicture {

  private static final int SIDE = SyntheticGarments.SIDE;
  private static final double HALF = (SIDE - 1) / 2.0;

  private final RandomGenerator random;
  private final Silhouette silhouette;
  private final double cosine;
  private final double sine;
  private final double scaleX;
  private final double scaleY;
  private final double shiftX;
  private final double shiftY;
  private final double brightness;
  private final double slope;
  private final double stripes;
  private final double stripesX;
  private final double stripesY;
  private final double grain;
  private final double haze;

  /** Draws the measures of a picture. */
  GarmentPicture(int label, RandomGenerator random) {
    this.random = random;
    silhouette = Silhouette.of(label, random);
    final double angle = .10 * Bell.next(random);
    cosine = StrictMath.cos(angle);
    sine = StrictMath.sin(angle);
    scaleX = 1 + .09 * Bell.next(random);
    scaleY = 1 + .06 * Bell.next(random);
    shiftX = .06 * Bell.next(random);
    shiftY = .06 * Bell.next(random);
    brightness = .40 + .55 * random.nextDouble();
    slope = .18 * Bell.next(random);
    stripes = random.nextDouble() < .4 ? .15 + .45 * random.nextDouble() : 0;
    final double wave = 4 + 12 * random.nextDouble();
    final boolean upright = random.nextDouble() < .3;
    stripesX = upright ? wave : 0;
    stripesY = upright ? 0 : wave;
    grain = .03 + .12 * random.nextDouble();
    haze = .06 * random.nextDouble();
  }

  /**
   * Draws the picture.
   *
   * @param pixels modified at {@code [offset, offset + SIDE * SIDE)}
   */
  void draw(byte[] pixels, int offset) {
    int pixel = offset;
    for (int row = 0; row < SIDE; row++) {
      for (int column = 0; column < SIDE; column++) {
        pixels[pixel++] = (byte) Math.round(255 * Math.clamp(value(row, column), 0, 1));
      }
    }
  }

  private double value(int row, int column) {
    final double px = (column - HALF) / HALF - shiftX;
    final double py = (row - HALF) / HALF - shiftY;
    final double x = (cosine * px + sine * py) / scaleX;
    final double y = (cosine * py - sine * px) / scaleY;
    // The outline is one pixel soft.
    final double cover = Math.clamp(.5 + silhouette.inside(x, y) * HALF, 0, 1);
    final double noise = Bell.next(random);
    if (cover == 0) {
      return haze * noise;
    }
    final double pattern = 1 - stripes * (.5 + .5 * wave(stripesX * x + stripesY * y));
    final double front = Math.abs(x) < .06 ? 1 - silhouette.opening() : 1;
    final double shade = brightness * (1 + slope * y) * pattern * front;
    return cover * (shade + grain * noise) + (1 - cover) * haze * noise;
  }

  /** A wave between -1 and 1 with period 2 pi, of parabolas: cheap and the same everywhere. */
  private static double wave(double angle) {
    final double turns = angle / (2 * Math.PI);
    final double t = 2 * (turns - Math.floor(turns + .5));
    return 4 * t * (1 - Math.abs(t));
  }
}
