package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Two classes of three clouds each, as features of a frozen random network, with points of the same
 * kind, of a shifted kind, and of a kind that has nothing to do with the classes.
 */
public final class ShiftedPoints {

  private static final int INPUTS = 16;
  private static final int FEATURES = 128;
  private static final int CLOUDS = 3;
  private static final double APART = 1.1;

  /** Where points come from. */
  public enum Kind {
    /** As in training. */
    SAME("same", 1, 0),
    /** Wider clouds, moved along one direction. */
    SHIFTED("shifted", 1.2, 3),
    /** One cloud far out, with labels that alternate. */
    STRANGE("strange", 1, 6);

    private final String label;
    private final double deviation;
    private final double moved;

    Kind(String label, double deviation, double moved) {
      this.label = label;
      this.deviation = deviation;
      this.moved = moved;
    }

    /** For names of metrics. */
    public String label() {
      return label;
    }
  }

  /** Points as features of the network. */
  public static final class Points {

    private final float[] features;
    private final int[] labels;

    private Points(float[] features, int[] labels) {
      this.features = features;
      this.labels = labels;
    }

    /** The labels; a copy. */
    public int[] labels() {
      return labels.clone();
    }

    /** {@code [N, 128]}. */
    public NDArray features(NDManager manager) {
      return manager.create(features, new Shape(labels.length, FEATURES));
    }

    /** Some of them, in this order. */
    public Points some(int[] which) {
      final float[] rows = new float[which.length * FEATURES];
      final int[] own = new int[which.length];
      for (int i = 0; i < which.length; i++) {
        System.arraycopy(features, which[i] * FEATURES, rows, i * FEATURES, FEATURES);
        own[i] = labels[which[i]];
      }
      return new Points(rows, own);
    }
  }

  private final double[][] means;
  private final double[] direction;
  private final double[][] weights;
  private final double[] biases;

  /** Draws clouds, direction and network. */
  public ShiftedPoints(RandomGenerator random) {
    means = new double[2 * CLOUDS][];
    Arrays.setAll(means, _ -> normal(random, INPUTS, APART));
    direction = normal(random, INPUTS, 1);
    final double norm = Math.sqrt(Arrays.stream(direction).map(x -> x * x).sum());
    Arrays.setAll(direction, i -> direction[i] / norm);
    weights = new double[FEATURES][];
    Arrays.setAll(weights, _ -> normal(random, INPUTS, 0.25));
    biases = normal(random, FEATURES, 0.5);
  }

  /** Points with labels 0, 1, 0, ... in turn, so that classes are balanced. */
  public Points draw(Kind kind, int count, RandomGenerator random) {
    final float[] features = new float[count * FEATURES];
    final int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = i % 2;
      final double[] mean = means[labels[i] * CLOUDS + random.nextInt(CLOUDS)];
      final double[] x = normal(random, INPUTS, kind.deviation);
      for (int k = 0; k < INPUTS; k++) {
        x[k] += (kind == Kind.STRANGE ? 0 : mean[k]) + kind.moved * direction[k];
      }
      for (int f = 0; f < FEATURES; f++) {
        double sum = biases[f];
        for (int k = 0; k < INPUTS; k++) {
          sum += weights[f][k] * x[k];
        }
        features[i * FEATURES + f] = (float) Math.max(0, sum);
      }
    }
    return new Points(features, labels);
  }

  private static double[] normal(RandomGenerator random, int count, double deviation) {
    final double[] values = new double[count];
    Arrays.setAll(values, _ -> deviation * random.nextGaussian());
    return values;
  }
}
