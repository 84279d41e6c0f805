package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.random.RandomGenerator;

/**
 * In-context linear regression: a prompt of L examples of a random linear map and one query, {@code
 * beta ~ N(0, I/d)}, {@code x ~ N(0, I)}, {@code y = beta.x + eps}, {@code eps ~ N(0, sigma2)}.
 *
 * @param examples tokens {@code (x, y)}, float32 {@code [prompts, L, d + 1]}
 * @param query the token {@code (x_q, 0)}, {@code [prompts, d + 1]}
 * @param target the noisy label of the query, {@code [prompts]}
 */
public record InContextRegression(NDArray examples, NDArray query, NDArray target) {

  /**
   * Fresh prompts.
   *
   * @param length L
   * @param dimension d
   * @param sigma2 variance of the noise of labels and target, at least 0
   */
  public static InContextRegression draw(
      RandomGenerator random,
      int prompts,
      int length,
      int dimension,
      double sigma2,
      NDManager manager) {
    final int width = dimension + 1;
    final float[] examples = new float[prompts * length * width];
    final float[] query = new float[prompts * width];
    final float[] target = new float[prompts];
    final double[] beta = new double[dimension];
    final double noise = Math.sqrt(sigma2);
    for (int p = 0; p < prompts; p++) {
      for (int i = 0; i < dimension; i++) {
        beta[i] = random.nextGaussian() / Math.sqrt(dimension);
      }
      for (int l = 0; l < length; l++) {
        final int at = (p * length + l) * width;
        examples[at + dimension] =
            (float) (answer(random, beta, examples, at) + noise * random.nextGaussian());
      }
      target[p] = (float) (answer(random, beta, query, p * width) + noise * random.nextGaussian());
    }
    return new InContextRegression(
        manager.create(examples, new Shape(prompts, length, width)),
        manager.create(query, new Shape(prompts, width)),
        manager.create(target));
  }

  /** Draws an x at a place and returns what the map makes of it. */
  private static double answer(RandomGenerator random, double[] beta, float[] into, int at) {
    double sum = 0;
    for (int i = 0; i < beta.length; i++) {
      into[at + i] = (float) random.nextGaussian();
      sum += beta[i] * into[at + i];
    }
    return sum;
  }
}
