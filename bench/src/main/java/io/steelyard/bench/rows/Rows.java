package io.steelyard.bench.rows;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;

/**
 * The size of a case.
 *
 * @param count how many rows
 * @param length entries of a row
 */
public record Rows(int count, int length) {

  private static final long SEED = 20_200_113;

  /** Parses for example {@code 8192x1024}. */
  public static Rows parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 2) {
      throw new IllegalArgumentException(
          "shape is '" + text + "'; expected rows x length, for example 8192x1024");
    }
    return new Rows(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
  }

  public int floats() {
    return Math.multiplyExact(count, length);
  }

  public long[] shape() {
    return new long[] {count, length};
  }

  /** The same scores for everybody who is compared: uniform in [-10, 10), from a fixed seed. */
  public float[] scores() {
    final float[] x = new float[floats()];
    final int piece = 1 << 16;
    IntStream.range(0, (x.length + piece - 1) / piece)
        .parallel()
        .forEach(
            p -> {
              final RandomGenerator random =
                  RandomGeneratorFactory.of("L64X128MixRandom").create(SEED + p);
              for (int i = p * piece; i < Math.min(x.length, (p + 1) * piece); i++) {
                x[i] = random.nextFloat(-10, 10);
              }
            });
    return x;
  }

  @Override
  public String toString() {
    return count + "x" + length;
  }
}
