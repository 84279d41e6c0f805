package io.steelyard.papers.task;

import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.Pictures;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Pictures of 2 x 2 tiles that ask for two steps of thought: digits stand at the upper left and the
 * lower right, garments in the other corners. If the digits are of one class, the label is the
 * class of the garment at the upper right, else of that at the lower left. Source: the Eureka set
 * of arXiv 2504.16275.
 *
 * <p>How tiles are drawn is not published: here a coin says whether the digits are equal, so that
 * neither garment alone gives more than about half of the labels, and everything else is uniform
 * among the tiles of the same official part.
 */
public final class ComposedPictures {

  private ComposedPictures() {}

  /**
   * Composes both parts.
   *
   * @param digits of 10 classes
   * @param garments of the same size
   * @param random drawn from for the training part, then for the test part
   */
  public static Pictures of(
      Pictures digits, Pictures garments, int train, int test, RandomGenerator random) {
    return new Pictures(
        part(digits.train(), garments.train(), train, random),
        part(digits.test(), garments.test(), test, random));
  }

  private static LabelledImages part(
      LabelledImages digits, LabelledImages garments, int count, RandomGenerator random) {
    final List<int[]> byClass = byClass(digits);
    final int height = 2 * digits.rows();
    final int width = 2 * digits.columns();
    final byte[] pixels = new byte[Math.multiplyExact(count, height * width)];
    final byte[] labels = new byte[count];
    for (int i = 0; i < count; i++) {
      final boolean equal = random.nextBoolean();
      final int first = random.nextInt(digits.count());
      final int[] same = byClass.get(digits.label(first));
      int second = same[random.nextInt(same.length)];
      while (!equal && digits.label(second) == digits.label(first)) {
        second = random.nextInt(digits.count());
      }
      final int upperRight = random.nextInt(garments.count());
      final int lowerLeft = random.nextInt(garments.count());
      labels[i] = (byte) garments.label(equal ? upperRight : lowerLeft);
      final int at = i * height * width;
      final int below = at + digits.rows() * width;
      draw(pixels, at, width, digits, first);
      draw(pixels, at + digits.columns(), width, garments, upperRight);
      draw(pixels, below, width, garments, lowerLeft);
      draw(pixels, below + digits.columns(), width, digits, second);
    }
    return new LabelledImages(pixels, labels, height, width, garments.classes());
  }

  private static List<int[]> byClass(LabelledImages digits) {
    final List<int[]> byClass = new ArrayList<>();
    for (int label = 0; label < digits.classes(); label++) {
      final int wanted = label;
      byClass.add(
          IntStream.range(0, digits.count())
              .filter(digit -> digits.label(digit) == wanted)
              .toArray());
    }
    if (byClass.stream().filter(of -> of.length > 0).count() < 2) {
      throw new IllegalArgumentException(
          "digits are of one class; expected two or more, to have unequal ones");
    }
    return byClass;
  }

  /** Copies a tile to where its upper left corner has to be. */
  private static void draw(byte[] pixels, int corner, int width, LabelledImages tiles, int tile) {
    for (int row = 0; row < tiles.rows(); row++) {
      for (int column = 0; column < tiles.columns(); column++) {
        pixels[corner + row * width + column] = (byte) tiles.pixel(tile, row, column);
      }
    }
  }
}
