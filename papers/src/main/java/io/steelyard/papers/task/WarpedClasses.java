package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Classes that are clouds around random means, seen through a fixed random warp: {@code h = mu_c +
 * sigma N(0, I)}, {@code x = factor tanh(gain h W) U + noise N(0, I)}, with W and U normal, divided
 * by the roots of their fan-ins. Many classes of the same kind, so that some can be held back.
 */
public final class WarpedClasses {

  /**
   * The shape of the task.
   *
   * @param classes how many
   * @param latent width of h
   * @param hidden width of the warp
   * @param inputs width of x
   * @param gain of the argument of tanh
   * @param factor of what comes out
   * @param noise of x
   */
  public record Form(
      int classes, int latent, int hidden, int inputs, double gain, double factor, double noise) {}

  /** Samples with their classes. */
  public static final class Samples {

    private final float[] inputs;
    private final int[] labels;
    private final int width;

    private Samples(float[] inputs, int[] labels, int width) {
      this.inputs = inputs;
      this.labels = labels;
      this.width = width;
    }

    /** How many. */
    public int count() {
      return labels.length;
    }

    /** {@code [N, inputs]}. */
    public NDArray inputs(NDManager manager) {
      return manager.create(inputs, new Shape(labels.length, width));
    }

    /** {@code [N]}, int32. */
    public NDArray labels(NDManager manager) {
      return manager.create(labels);
    }

    /** The classes; a copy. */
    public int[] labels() {
      return labels.clone();
    }

    /** The numbers of the samples of a class, in order. */
    public int[] of(int label) {
      return IntStream.range(0, labels.length).filter(i -> labels[i] == label).toArray();
    }

    /** The same with every input less its mean in {@code like}, over its deviation there. */
    public Samples standardisedBy(Samples like) {
      final float[] all = inputs.clone();
      for (int j = 0; j < width; j++) {
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < like.count(); i++) {
          final double x = like.inputs[i * width + j];
          sum += x;
          squares += x * x;
        }
        final double mean = sum / like.count();
        final double deviation = Math.sqrt(squares / like.count() - mean * mean);
        for (int i = 0; i < labels.length; i++) {
          all[i * width + j] = (float) ((all[i * width + j] - mean) / deviation);
        }
      }
      return new Samples(all, labels, width);
    }
  }

  private final Form form;
  private final double[][] means;
  private final double[][] in;
  private final double[][] out;

  /** Draws means and warp. */
  public WarpedClasses(Form form, RandomGenerator random) {
    this.form = form;
    this.means = normal(form.classes(), form.latent(), 1, random);
    this.in = normal(form.latent(), form.hidden(), 1 / Math.sqrt(form.latent()), random);
    this.out = normal(form.hidden(), form.inputs(), 1 / Math.sqrt(form.hidden()), random);
  }

  /**
   * Samples of the classes {@code [from, to)}, class by class.
   *
   * @param spread draws sigma of a sample
   */
  public Samples draw(
      int from,
      int to,
      int perClass,
      ToDoubleFunction<RandomGenerator> spread,
      RandomGenerator random) {
    final int count = (to - from) * perClass;
    final float[] inputs = new float[count * form.inputs()];
    final int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = from + i / perClass;
      final double sigma = spread.applyAsDouble(random);
      final double[] h = new double[form.latent()];
      for (int k = 0; k < h.length; k++) {
        h[k] = means[labels[i]][k] + sigma * random.nextGaussian();
      }
      final double[] warped =
          Arrays.stream(product(h, in)).map(a -> Math.tanh(form.gain() * a)).toArray();
      final double[] x = product(warped, out);
      for (int k = 0; k < x.length; k++) {
        inputs[i * x.length + k] =
            (float) (form.factor() * x[k] + form.noise() * random.nextGaussian());
      }
    }
    return new Samples(inputs, labels, form.inputs());
  }

  private static double[] product(double[] row, double[][] matrix) {
    final double[] result = new double[matrix[0].length];
    for (int i = 0; i < row.length; i++) {
      for (int j = 0; j < result.length; j++) {
        result[j] += row[i] * matrix[i][j];
      }
    }
    return result;
  }

  private static double[][] normal(int rows, int columns, double scale, RandomGenerator random) {
    final double[][] values = new double[rows][columns];
    for (final double[] row : values) {
      Arrays.setAll(row, _ -> scale * random.nextGaussian());
    }
    return values;
  }
}
