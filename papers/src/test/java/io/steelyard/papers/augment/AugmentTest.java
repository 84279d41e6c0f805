package io.steelyard.papers.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.layers.training.Seed;
import io.steelyard.papers.augment.RandAugment.Operation;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AugmentTest {

  private static RandomGenerator random(long seed) {
    return new Seed(seed).stream("augment test");
  }

  private static BufferedImage picture(int width, int height, int... pixels) {
    final BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    picture.setRGB(0, 0, width, height, pixels, 0, width);
    return picture;
  }

  private static BufferedImage noise(int width, int height, long seed) {
    return picture(width, height, random(seed).ints((long) width * height).toArray());
  }

  private static int[] greys(int... levels) {
    return Arrays.stream(levels).map(level -> 0x010101 * level).toArray();
  }

  private static int[] levels(BufferedImage picture) {
    return Arrays.stream(
            picture.getRGB(
                0, 0, picture.getWidth(), picture.getHeight(), null, 0, picture.getWidth()))
        .map(pixel -> pixel & 0xff)
        .toArray();
  }

  /** Worked out by hand for a row of four grey pixels. */
  @ParameterizedTest
  @CsvSource({
    "INVERT, 0.9, 245 205 155 55",
    // 8 - (4 - 3) = 7 bits dropped.
    "POSTERIZE, 0.9, 0 0 0 128",
    // From 256 - 230 = 26 on.
    "SOLARIZE, 0.9, 10 205 155 55",
    // 110 * 0.9 = 99 more below 128.
    "SOLARIZE_ADD, 0.9, 109 149 199 200",
    // Times 1.45 and times 0.55.
    "BRIGHTNESS, 0.5, 14 72 145 255",
    "BRIGHTNESS, -0.5, 5 27 55 110",
    // Around the mean grey, 90: 90 + 1.45 (x - 90).
    "CONTRAST, 0.5, 0 32 104 249",
    // A grey picture has no colour to change.
    "COLOUR, 0.5, 10 50 100 200",
    // 255 / 190 (x - 10).
    "AUTO_CONTRAST, 0.5, 0 53 120 255",
    // All pixels are edges.
    "SHARPNESS, 0.5, 10 50 100 200",
  })
  void operationsDoWhatTheySay(Operation operation, double level, String expected) {
    final BufferedImage row = picture(4, 1, greys(10, 50, 100, 200));
    assertThat(levels(operation.apply(row, level)))
        .containsExactly(Arrays.stream(expected.split(" ")).mapToInt(Integer::parseInt).toArray());
    assertThat(levels(row)).containsExactly(10, 50, 100, 200);
  }

  @Test
  void equalizedPicturesUseAllLevels() {
    // 1020 pixels, 255 of each level: steps of three, so levels spread evenly.
    final int[] pixels = new int[1020];
    Arrays.setAll(pixels, i -> 0x010101 * (100 + i / 255));
    final int[] levels = levels(Operation.EQUALIZE.apply(picture(102, 10, pixels), 1));
    assertThat(Arrays.stream(levels).distinct().toArray()).containsExactly(0, 85, 170, 255);
  }

  @Test
  void sharpnessLeavesAnEvenPictureAndRaisesAPeak() {
    final BufferedImage peak = picture(3, 3, greys(10, 10, 10, 10, 140, 10, 10, 10, 10));
    // Smoothed: (8 * 10 + 5 * 140) / 13 = 60; 60 + 1.9 * 80 = 212.
    assertThat(levels(Operation.SHARPNESS.apply(peak, 1))[4]).isEqualTo(212);
    final BufferedImage even = picture(3, 3, greys(7, 7, 7, 7, 7, 7, 7, 7, 7));
    assertThat(levels(Operation.SHARPNESS.apply(even, -1))).containsOnly(7);
  }

  @Test
  void aShiftMovesByAShareOfTheSideAndUncoversTheMeanColour() {
    final BufferedImage picture = noise(20, 20, 1);
    // 0.45 of 20 pixels.
    final BufferedImage moved = Operation.TRANSLATE_X.apply(picture, 1);
    for (int y = 0; y < 20; y++) {
      for (int x = 0; x < 20; x++) {
        assertThat(moved.getRGB(x, y) & 0xffffff)
            .isEqualTo(x < 9 ? 0x7c7468 : picture.getRGB(x - 9, y) & 0xffffff);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Operation.class)
  void operationsKeepTheSizeOfAnyPicture(Operation operation) {
    for (final double level : new double[] {-1, -0.3, 0, 0.3, 1}) {
      for (final int[] size : new int[][] {{1, 1}, {1, 7}, {9, 2}, {16, 16}}) {
        final BufferedImage changed = operation.apply(noise(size[0], size[1], 2), level);
        assertThat(new int[] {changed.getWidth(), changed.getHeight()}).containsExactly(size);
      }
    }
  }

  @Test
  void drawsAreThoseOfTheSeed() {
    final BufferedImage picture = noise(24, 24, 3);
    final RandAugment augment = RandAugment.usual();
    int changed = 0;
    for (long seed = 0; seed < 40; seed++) {
      final int[] once = levels(augment.apply(picture, random(seed)));
      assertThat(once).as("seed %d", seed).isEqualTo(levels(augment.apply(picture, random(seed))));
      changed += Arrays.equals(once, levels(picture)) ? 0 : 1;
    }
    // Both operations are passed over in one of four.
    assertThat(changed).isBetween(20, 38);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RandAugment(2, 11, 0))
        .withMessage("magnitude is 11.0; expected [0, 10]");
  }

  @Test
  void cropsHaveTheSideAskedForAndStayInsideThePicture() {
    // A gradient: what a crop shows tells where it was cut out.
    final int[] pixels = new int[60 * 40];
    Arrays.setAll(pixels, i -> (i % 60 * 4) << 16 | (i / 60 * 6) << 8);
    final BufferedImage picture = picture(60, 40, pixels);
    for (long seed = 0; seed < 30; seed++) {
      final BufferedImage part = RandomCrop.usual(16).apply(picture, random(seed));
      assertThat(part.getWidth()).isEqualTo(16);
      assertThat(part.getHeight()).isEqualTo(16);
    }
    final BufferedImage whole = RandomCrop.usual(8).apply(picture(1, 50, new int[50]), random(1));
    assertThat(whole.getWidth()).isEqualTo(8);
    final BufferedImage middle = MiddleCrop.usual(14).apply(picture);
    // 40 rows become 16, of which rows 1 to 14 are kept; 60 columns 24, of which 5 to 18.
    assertThat(middle.getWidth()).isEqualTo(14);
    assertThat((middle.getRGB(0, 0) >> 16 & 0xff) / 4.0).isCloseTo(5.5 * 2.5 - 0.5, within(0.26));
    assertThat((middle.getRGB(0, 0) >> 8 & 0xff) / 6.0).isCloseTo(1.5 * 2.5 - 0.5, within(0.26));
  }

  @Test
  void sizesChangeByCubicConvolution() {
    // Twice as wide: new pixels lie a fourth to both sides of an old one.
    final int[] wide = levels(Sizes.resized(picture(4, 1, greys(0, 64, 64, 0)), 8, 1));
    // By Keys' formula at 0.25, 0.75, 1.25 and 1.75, over the sum of what lies in the picture:
    // -5.65 (cut to 0), 12.15, 49.83, 70.
    assertThat(wide).containsExactly(0, 12, 50, 70, 70, 50, 12, 0);
    // A flat picture stays flat, whatever the size.
    for (final int side : new int[] {1, 2, 3, 7, 20}) {
      assertThat(
              levels(
                  Sizes.resized(
                      picture(5, 3, greys(9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9)),
                      side,
                      side)))
          .containsOnly(9);
    }
    // Shrunk to one pixel, a picture that is symmetric around its mean becomes the mean.
    assertThat(levels(Sizes.resized(picture(6, 1, greys(10, 90, 50, 50, 10, 90)), 1, 1)))
        .containsExactly(50);
  }

  @Test
  void pixelsAreStandardizedChannelByChannel() {
    final float[] numbers = new float[1 + 6];
    Pixels.write(picture(2, 1, 0xff0000, 0x00ff80), numbers, 1);
    assertThat(numbers)
        .containsExactly(
            new float[] {
              0,
              (float) ((1 - 0.485) / 0.229),
              (float) (-0.485 / 0.229),
              (float) (-0.456 / 0.224),
              (float) ((1 - 0.456) / 0.224),
              (float) (-0.406 / 0.225),
              (float) ((128 / 255.0 - 0.406) / 0.225)
            },
            within(1e-6f));
  }

  @Test
  void erasingPutsNoiseInARectangleOfAllChannels() {
    int erased = 0;
    for (long seed = 0; seed < 200; seed++) {
      final float[] pixels = new float[2 * 3 * 20 * 20];
      Arrays.fill(pixels, 9);
      RandomErasing.withProbability(0.25).apply(pixels, 1200, 3, 20, random(seed));
      for (int i = 0; i < 1200; i++) {
        assertThat(pixels[i]).as("the other picture").isEqualTo(9);
      }
      int count = 0;
      for (int i = 0; i < 400; i++) {
        final boolean one = pixels[1200 + i] != 9;
        assertThat(pixels[1600 + i] != 9).isEqualTo(one);
        count += one ? 1 : 0;
      }
      erased += count > 0 ? 1 : 0;
      assertThat(count / 400.0).isLessThan(0.4);
    }
    assertThat(erased).isBetween(30, 70);
  }

  @Test
  void mixedLabelsSayWhatThePicturesAreMadeOf() {
    final int side = 8;
    final Mixing mixing = new Mixing(0.8, 1, 0.1);
    for (long seed = 0; seed < 60; seed++) {
      // Picture i is all i.
      final float[] pixels = new float[3 * 3 * side * side];
      for (int i = 0; i < 3; i++) {
        Arrays.fill(pixels, i * 3 * side * side, (i + 1) * 3 * side * side, i);
      }
      final float[] targets = mixing.apply(pixels, 3, side, new int[] {0, 1, 2}, 4, random(seed));
      for (int i = 0; i < 3; i++) {
        final float[] row = Arrays.copyOfRange(targets, 4 * i, 4 * i + 4);
        assertThat(row[0] + row[1] + row[2] + row[3]).isCloseTo(1, within(1e-6f));
        double mean = 0;
        for (int p = 0; p < 3 * side * side; p++) {
          mean += pixels[i * 3 * side * side + p] / (3.0 * side * side);
        }
        final double share = (row[2 - i] - 0.025) / 0.9;
        // In the middle, picture and partner are one.
        assertThat(mean)
            .as("seed %d", seed)
            .isCloseTo(i == 1 ? 1 : i + share * (2 - 2 * i), within(1e-5));
      }
    }
    final float[] plain = new float[2 * 3 * 4];
    assertThat(Mixing.none().apply(plain, 3, 2, new int[] {1, 0}, 2, random(1)))
        .containsExactly(0, 1, 1, 0);
    assertThat(plain).containsOnly(0);
  }
}
