package io.steelyard.papers.task;

import io.steelyard.kernels.detection.GroundTruths;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.papers.data.LabelledImages;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Scenes to detect things in: a canvas of 80 x 80 with two to five small pictures, resized to
 * 20..32 pixels a side and laid over each other by the brighter pixel. An object's box holds its
 * pixels above 0.1. Things with soles, and bags, are class 1, other clothes class 0.
 */
public final class SpriteScenes {

  /** Pixels of a side of the canvas. */
  public static final int SIDE = 80;

  /** Number of classes. */
  public static final int CLASSES = 2;

  private static final int LEAST = 2;
  private static final int MOST = 5;
  private static final int SMALLEST = 20;
  private static final int LARGEST = 32;
  private static final int TRIES = 30;
  private static final float VISIBLE = 0.1f;

  /**
   * How close things come to each other.
   *
   * @param near how likely a thing is placed beside an earlier one, else anywhere
   * @param overlap largest intersection over union of two boxes
   */
  public record Crowding(double near, double overlap) {

    /** Most things beside others. */
    public static final Crowding CROWDED = new Crowding(0.6, 0.6);

    /** Things apart from each other. */
    public static final Crowding SPARSE = new Crowding(0, 0.05);
  }

  /**
   * A thing in a scene.
   *
   * @param ofClass 0 or 1
   * @param left first column of its box
   * @param top first row
   * @param right column after the last
   * @param bottom row after the last
   */
  public record Thing(int ofClass, int left, int top, int right, int bottom) {

    double overlap(Thing other) {
      final int width = Math.min(right, other.right) - Math.max(left, other.left);
      final int height = Math.min(bottom, other.bottom) - Math.max(top, other.top);
      if (width <= 0 || height <= 0) {
        return 0;
      }
      final double common = (double) width * height;
      return common / (area() + other.area() - common);
    }

    int width() {
      return right - left;
    }

    int height() {
      return bottom - top;
    }

    private int area() {
      return width() * height();
    }
  }

  private final List<float[]> canvases;
  private final List<List<Thing>> things;

  private SpriteScenes(List<float[]> canvases, List<List<Thing>> things) {
    this.canvases = canvases;
    this.things = things;
  }

  /**
   * Draws scenes.
   *
   * @param sprites pictures with the ten classes of Fashion-MNIST
   * @param count how many, at least 0
   */
  public static SpriteScenes draw(
      RandomGenerator random, LabelledImages sprites, int count, Crowding crowding) {
    final List<float[]> canvases = new ArrayList<>();
    final List<List<Thing>> things = new ArrayList<>();
    for (int scene = 0; scene < count; scene++) {
      final float[] canvas = new float[SIDE * SIDE];
      final List<Thing> inScene = new ArrayList<>();
      for (int n = random.nextInt(LEAST, MOST + 1); n > 0; n--) {
        final Sprite sprite = Sprite.draw(random, sprites);
        place(random, sprite, inScene, crowding)
            .ifPresent(
                thing -> {
                  sprite.paint(canvas, thing);
                  inScene.add(thing);
                });
      }
      canvases.add(canvas);
      things.add(List.copyOf(inScene));
    }
    return new SpriteScenes(canvases, things);
  }

  /** A place that fits, empty if none of some tries does. */
  private static Optional<Thing> place(
      RandomGenerator random, Sprite sprite, List<Thing> earlier, Crowding crowding) {
    for (int attempt = 0; attempt < TRIES; attempt++) {
      final int left;
      final int top;
      if (!earlier.isEmpty() && random.nextDouble() < crowding.near()) {
        final Thing other = earlier.get(random.nextInt(earlier.size()));
        final double aside =
            (random.nextBoolean() ? 1 : -1) * random.nextDouble(0.2, 0.5) * other.width();
        left = (int) Math.round(other.left() + aside);
        top = (int) Math.round(other.top() + random.nextDouble(-0.3, 0.3) * other.width());
      } else {
        left = random.nextInt(SIDE - sprite.side + 1) + sprite.left;
        top = random.nextInt(SIDE - sprite.side + 1) + sprite.top;
      }
      final Thing thing =
          new Thing(
              sprite.ofClass,
              left,
              top,
              left + sprite.right - sprite.left,
              top + sprite.bottom - sprite.top);
      if (left >= 0
          && top >= 0
          && thing.right() <= SIDE
          && thing.bottom() <= SIDE
          && earlier.stream().allMatch(other -> thing.overlap(other) <= crowding.overlap())) {
        return Optional.of(thing);
      }
    }
    return Optional.empty();
  }

  /** How many there are. */
  public int count() {
    return canvases.size();
  }

  /** What is in a scene. */
  public List<Thing> things(int scene) {
    return things.get(scene);
  }

  /** Copies a scene's pixels, row by row, to a place. */
  public void copyPixels(int scene, float[] into, int at) {
    System.arraycopy(canvases.get(scene), 0, into, at, SIDE * SIDE);
  }

  /** All things with their classes and scenes, f64. */
  public GroundTruths objects() {
    final List<Double> corners = new ArrayList<>();
    final List<Integer> classes = new ArrayList<>();
    final List<Integer> images = new ArrayList<>();
    for (int scene = 0; scene < count(); scene++) {
      for (final Thing thing : things(scene)) {
        corners.addAll(
            List.of(
                (double) thing.left(),
                (double) thing.top(),
                (double) thing.right(),
                (double) thing.bottom()));
        classes.add(thing.ofClass());
        images.add(scene);
      }
    }
    final int n = classes.size();
    return GroundTruths.of(Tensor.of(corners.stream().mapToDouble(v -> v).toArray(), n, 4))
        .withClasses(Tensor.of(classes.stream().mapToInt(v -> v).toArray(), n))
        .withImages(Tensor.of(images.stream().mapToInt(v -> v).toArray(), n));
  }

  /** A resized picture and the box of what can be seen of it. */
  private static final class Sprite {

    private final int ofClass;
    private final int side;
    private final float[] pixels;
    private int left;
    private int top;
    private int right;
    private int bottom;

    private Sprite(int ofClass, int side, float[] pixels) {
      this.ofClass = ofClass;
      this.side = side;
      this.pixels = pixels;
      left = side;
      top = side;
      for (int i = 0; i < pixels.length; i++) {
        if (pixels[i] > VISIBLE) {
          left = Math.min(left, i % side);
          top = Math.min(top, i / side);
          right = Math.max(right, i % side + 1);
          bottom = Math.max(bottom, i / side + 1);
        }
      }
    }

    static Sprite draw(RandomGenerator random, LabelledImages sprites) {
      while (true) {
        final int image = random.nextInt(sprites.count());
        final int side = random.nextInt(SMALLEST, LARGEST + 1);
        final Sprite sprite =
            new Sprite(ofClass(sprites.label(image)), side, resized(sprites, image, side));
        if (sprite.right > 0) {
          return sprite;
        }
      }
    }

    private static int ofClass(int label) {
      return switch (label) {
        case 5, 7, 8, 9 -> 1;
        default -> 0;
      };
    }

    /** Bilinear, pixels being squares whose centres are sampled; edges go on outside. */
    private static float[] resized(LabelledImages sprites, int image, int side) {
      final float[] pixels = new float[side * side];
      for (int row = 0; row < side; row++) {
        final double y = inside((row + 0.5) * sprites.rows() / side - 0.5, sprites.rows());
        for (int column = 0; column < side; column++) {
          final double x =
              inside((column + 0.5) * sprites.columns() / side - 0.5, sprites.columns());
          final int i = (int) y;
          final int j = (int) x;
          final int below = Math.min(i + 1, sprites.rows() - 1);
          final int beside = Math.min(j + 1, sprites.columns() - 1);
          final double upper =
              mix(sprites.pixel(image, i, j), sprites.pixel(image, i, beside), x - j);
          final double lower =
              mix(sprites.pixel(image, below, j), sprites.pixel(image, below, beside), x - j);
          pixels[row * side + column] = (float) (mix(upper, lower, y - i) / 255);
        }
      }
      return pixels;
    }

    private static double inside(double at, int extent) {
      return Math.max(0, Math.min(extent - 1, at));
    }

    private static double mix(double from, double to, double share) {
      return from + (to - from) * share;
    }

    void paint(float[] canvas, Thing at) {
      for (int row = 0; row < side; row++) {
        final int y = at.top() - top + row;
        for (int column = 0; column < side; column++) {
          final int x = at.left() - left + column;
          if (x >= 0 && y >= 0 && x < SIDE && y < SIDE) {
            canvas[y * SIDE + x] = Math.max(canvas[y * SIDE + x], pixels[row * side + column]);
          }
        }
      }
    }
  }
}
