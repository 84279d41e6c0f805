package io.steelyard.layers.training;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The one number everything random in a run comes from. Each use has a stream of its own, named by
 * its purpose, so that drawing more numbers for one use changes no other: initial weights, the
 * order of data ({@link Batches}), noise in an experiment. Dropout masks come from libtorch's
 * generator, which a {@link Training} seeds anew at each step from the seed and the step's number.
 *
 * <pre>{@code
 * Seed seed = new Seed(7);
 * RandomGenerator weights = seed.stream("initial weights");
 * Batches order = Batches.shuffled(50_000, 128, seed);
 * TrainingOptions options = TrainingOptions.seeded(seed.value());
 * }</pre>
 *
 * @param value any number
 */
public record Seed(long value) {

  private static final String ALGORITHM = "L64X128MixRandom";

  /**
   * The stream for a purpose, from its start: an {@code L64X128MixRandom} seeded with SHA-256 of
   * the value (big-endian) and the purpose (UTF-8). The same on every machine and JDK.
   */
  public RandomGenerator stream(String purpose) {
    try {
      final MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(value).array());
      digest.update(purpose.getBytes(StandardCharsets.UTF_8));
      return RandomGeneratorFactory.of(ALGORITHM).create(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
