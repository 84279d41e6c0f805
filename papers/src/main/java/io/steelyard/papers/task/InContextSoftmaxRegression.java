package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Scalars;
import java.util.random.RandomGenerator;

/**
 * In-context softmax regression: n rows with the probabilities that hidden weights give them, and n
 * other rows whose probabilities are asked for. {@code x* ~ N(0, I)}, {@code A, Aq ~ U(-1, 1)},
 * {@code b = softmax(A x*)}, {@code bq = softmax(Aq x*)}.
 *
 * @param tokens {@code (a_j, n b_j - 1)}, float32 {@code [tasks, n, d + 1]}
 * @param queries the rows of Aq, {@code [tasks, n, d]}
 * @param target bq, {@code [tasks, n]}
 */
public record InContextSoftmaxRegression(NDArray tokens, NDArray queries, NDArray target) {

  /**
   * Fresh tasks.
   *
   * @param rows n
   * @param dimension d
   */
  public static InContextSoftmaxRegression draw(
      RandomGenerator random, int tasks, int rows, int dimension, NDManager manager) {
    final float[] tokens = new float[tasks * rows * (dimension + 1)];
    final float[] queries = new float[tasks * rows * dimension];
    final float[] target = new float[tasks * rows];
    final double[] x = new double[dimension];
    final double[] b = new double[rows];
    for (int task = 0; task < tasks; task++) {
      for (int i = 0; i < dimension; i++) {
        x[i] = random.nextGaussian();
      }
      for (int j = 0; j < rows; j++) {
        b[j] = row(random, x, tokens, (task * rows + j) * (dimension + 1));
      }
      softmax(b);
      for (int j = 0; j < rows; j++) {
        tokens[(task * rows + j) * (dimension + 1) + dimension] = (float) (rows * b[j] - 1);
      }
      for (int j = 0; j < rows; j++) {
        b[j] = row(random, x, queries, (task * rows + j) * dimension);
      }
      softmax(b);
      for (int j = 0; j < rows; j++) {
        target[task * rows + j] = (float) b[j];
      }
    }
    return new InContextSoftmaxRegression(
        manager.create(tokens, new Shape(tasks, rows, dimension + 1)),
        manager.create(queries, new Shape(tasks, rows, dimension)),
        manager.create(target, new Shape(tasks, rows)));
  }

  /** Draws a row at a place and returns its score. */
  private static double row(RandomGenerator random, double[] x, float[] into, int at) {
    double score = 0;
    for (int i = 0; i < x.length; i++) {
      into[at + i] = (float) (2 * random.nextDouble() - 1);
      score += x[i] * into[at + i];
    }
    return score;
  }

  private static void softmax(double[] scores) {
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      scores[i] = Math.exp(scores[i]);
      sum += scores[i];
    }
    for (int i = 0; i < scores.length; i++) {
      scores[i] /= sum;
    }
  }

  /** n. */
  public int rows() {
    return Math.toIntExact(tokens.getShape().get(1));
  }

  /** A, {@code [tasks, n, d]}. */
  public NDArray data() {
    return tokens.get(new NDIndex(":, :, :" + queries.getShape().get(2)));
  }

  /** b, {@code [tasks, n, 1]}. */
  public NDArray targets() {
    return Scalars.div(
        tokens.get(new NDIndex(":, :, " + queries.getShape().get(2) + ":")).add(1), rows());
  }

  /**
   * Weights after steps of gradient descent from 0, {@code [tasks, d, 1]}.
   *
   * @param steps at least 1
   */
  public NDArray descend(double eta, int steps) {
    final NDArray a = data();
    final NDArray b = targets();
    NDArray x = a.swapAxes(1, 2).matMul(Scalars.mul(b, 0));
    for (int step = 0; step < steps; step++) {
      final NDArray f = a.matMul(x).softmax(1);
      final NDArray c = f.sub(b);
      final NDArray pc = f.mul(c.sub(f.mul(c).sum(new int[] {1}, true)));
      x = x.sub(Scalars.mul(a.swapAxes(1, 2).matMul(pc), eta));
    }
    return x;
  }

  /** Scores of the queries for such weights, {@code [tasks, n]}. */
  public NDArray scores(NDArray weights) {
    return queries.matMul(weights).squeeze(2);
  }

  /**
   * Kernel regression of the queries on the rows, {@code softmax(Aq A^T) b}: {@code [tasks, n]}.
   */
  public NDArray nadarayaWatson() {
    return nadarayaWatson(queries);
  }

  /** The same for other queries. */
  public NDArray nadarayaWatson(NDArray others) {
    return others.matMul(data().swapAxes(1, 2)).softmax(2).matMul(targets()).squeeze(2);
  }

  /** Half the squared distance of predictions from the target, mean over tasks. */
  public NDArray loss(NDArray predictions) {
    return Scalars.div(predictions.sub(target).square().sum(new int[] {1}).mean(), 2);
  }

  /** Half the squared distance of the uniform prediction from the target. */
  public double uniformLoss() {
    return loss(Scalars.mul(target, 0).add(1.0 / rows()))
        .toType(DataType.FLOAT64, false)
        .getDouble();
  }
}
