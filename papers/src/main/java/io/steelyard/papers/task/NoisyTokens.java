package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.random.RandomGenerator;

/**
 * Tokens {@code theta + s_j eps} of a vector theta, s_j small or large with the same probability.
 *
 * @param tokens {@code [B, 16, 8]}
 * @param latent theta, {@code [B, 8]}
 * @param known what the squared error of theta comes to with the noise known, the mean of {@code 1
 *     / (1 + sum_j 1/s_j^2)}
 */
public record NoisyTokens(NDArray tokens, NDArray latent, double known) {

  /** Tokens of a sample. */
  public static final int TOKENS = 16;

  /** Numbers of a token. */
  public static final int LATENT = 8;

  private static final double CLEAN = 0.3;
  private static final double NOISY = 3;

  /** Draws samples. */
  public static NoisyTokens draw(RandomGenerator random, int samples, NDManager manager) {
    final float[] x = new float[samples * TOKENS * LATENT];
    final float[] theta = new float[samples * LATENT];
    double known = 0;
    for (int i = 0; i < samples; i++) {
      for (int c = 0; c < LATENT; c++) {
        theta[i * LATENT + c] = (float) random.nextGaussian();
      }
      double precision = 1;
      for (int j = 0; j < TOKENS; j++) {
        final double s = random.nextBoolean() ? CLEAN : NOISY;
        precision += 1 / (s * s);
        for (int c = 0; c < LATENT; c++) {
          x[(i * TOKENS + j) * LATENT + c] =
              (float) (theta[i * LATENT + c] + s * random.nextGaussian());
        }
      }
      known += 1 / precision / samples;
    }
    return new NoisyTokens(
        manager.create(x, new Shape(samples, TOKENS, LATENT)),
        manager.create(theta, new Shape(samples, LATENT)),
        known);
  }
}
