package io.steelyard.papers.data;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A synthetic set of labelled images for machines without data: grey silhouettes of ten kinds of
 * clothing, 28 x 28, drawn by code from random measures (lengths, widths, openings, patterns), then
 * turned, shifted, scaled and covered with noise. It has the shape and the class names of
 * Fashion-MNIST but none of its pixels: results on it show that an experiment runs and how methods
 * compare on it, nothing about the real set.
 *
 * <p>The measures of neighbouring kinds overlap (a shirt with short sleeves is a T-shirt to the
 * eye), so no classifier is perfect. The same images come out on every machine: the numbers come
 * from {@code L64X128MixRandom} with a fixed seed, the arithmetic is exact to the bit (no library
 * function that may differ). Training and test part use different streams; each block of ten images
 * has every class once, in random order.
 */
public final class SyntheticGarments {

  /** Name of the set, in run records and reports. */
  public static final String NAME = "synthetic-garments";

  /** Images in the usual training part. */
  public static final int TRAIN_COUNT = 10_000;

  /** Images in the usual test part. */
  public static final int TEST_COUNT = 10_000;

  /** Number of classes. */
  public static final int CLASSES = 10;

  static final int SIDE = 28;

  private static final long TRAIN_SEED = 2_060_301;
  private static final long TEST_SEED = 2_060_302;

  /** To be raised with every change of the drawing, so that runs on different drawings differ. */
  private static final int VERSION = 1;

  /** Where the set comes from, for run records. */
  public static final String ORIGIN =
      "embedded, drawn by code (" + NAME + " version " + VERSION + ", synthetic)";

  private SyntheticGarments() {}

  /**
   * The first {@code count} images of the training part.
   *
   * @param count 0 or more; classes are balanced exactly for multiples of ten
   */
  public static LabelledImages train(int count) {
    return draw(count, TRAIN_SEED);
  }

  /** The first {@code count} images of the test part. */
  public static LabelledImages test(int count) {
    return draw(count, TEST_SEED);
  }

  private static LabelledImages draw(int count, long seed) {
    if (count < 0) {
      throw new IllegalArgumentException("count is " + count + "; expected 0 or more");
    }
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final byte[] pixels = new byte[Math.multiplyExact(count, SIDE * SIDE)];
    final byte[] labels = new byte[count];
    final int[] block = new int[CLASSES];
    for (int image = 0; image < count; image++) {
      if (image % CLASSES == 0) {
        shuffle(block, random);
      }
      final int label = block[image % CLASSES];
      labels[image] = (byte) label;
      new GarmentPicture(label, random).draw(pixels, image * SIDE * SIDE);
    }
    return new LabelledImages(pixels, labels, SIDE, SIDE, CLASSES);
  }

  private static void shuffle(int[] block, RandomGenerator random) {
    for (int position = 0; position < block.length; position++) {
      final int earlier = random.nextInt(position + 1);
      block[position] = block[earlier];
      block[earlier] = position;
    }
  }
}
