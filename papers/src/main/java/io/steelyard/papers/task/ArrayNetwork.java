package io.steelyard.papers.task;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A network of dense layers with ReLU and a {@link BinHead}, on float arrays, with Adam and
 * cross-entropy: for experiments of very many tiny steps, in which an engine would spend its time
 * between operations. Not for use by several threads; several networks may be trained at once.
 */
public final class ArrayNetwork {

  private static final float BETA_1 = 0.9f;
  private static final float BETA_2 = 0.999f;
  private static final float EPSILON = 1e-8f;

  private final int[] widths;
  private final BinHead head;
  private final int bins;
  private final float[] parameters;
  private final float[] gradient;
  private final float[] first;
  private final float[] second;
  private final float[] own;
  private final float[] down;
  private float[][] activations = {};
  private float[][] gradients = {};
  private float[] logits = {};
  private float[] dlogits = {};
  private float[] across = {};
  private long steps;

  /**
   * A network with weights and biases uniform in {@code +-1/sqrt(fan-in)}, those of the last layer
   * divided as the head asks.
   *
   * @param inputs numbers of a row
   * @param hidden widths of the hidden layers
   * @param bins logits of a row
   * @param random of the initial weights
   */
  public ArrayNetwork(int inputs, int[] hidden, BinHead head, int bins, RandomGenerator random) {
    this.head = head;
    this.bins = bins;
    this.widths =
        IntStream.concat(
                IntStream.concat(IntStream.of(inputs), Arrays.stream(hidden)),
                IntStream.of(head.coefficients()))
            .toArray();
    this.own = head.own();
    this.down = new float[own.length];
    final int count =
        IntStream.range(0, widths.length - 1).map(i -> (widths[i] + 1) * widths[i + 1]).sum();
    this.parameters = new float[count + own.length];
    this.gradient = new float[parameters.length];
    this.first = new float[parameters.length];
    this.second = new float[parameters.length];
    int at = 0;
    for (int layer = 0; layer + 1 < widths.length; layer++) {
      final double bound =
          1 / Math.sqrt((double) widths[layer]) / (layer + 2 == widths.length ? head.divisor() : 1);
      for (int i = 0; i < (widths[layer] + 1) * widths[layer + 1]; i++) {
        parameters[at++] = (float) (bound * (2 * random.nextDouble() - 1));
      }
    }
    System.arraycopy(own, 0, parameters, count, own.length);
  }

  /**
   * One step of Adam on the mean cross-entropy of a batch.
   *
   * @param inputs all rows, {@code [N, inputs]}
   * @param targets bins, {@code [N]}
   * @param batch row numbers
   * @return the loss
   */
  public double step(float[] inputs, int[] targets, int[] batch, double rate) {
    final double loss = gradient(inputs, targets, batch);
    steps++;
    final float scale = (float) (rate / (1 - Math.pow(BETA_1, (double) steps)));
    final float correction = (float) (1 / (1 - Math.pow(BETA_2, (double) steps)));
    for (int i = 0; i < parameters.length; i++) {
      first[i] = BETA_1 * first[i] + (1 - BETA_1) * gradient[i];
      second[i] = BETA_2 * second[i] + (1 - BETA_2) * gradient[i] * gradient[i];
      parameters[i] -= scale * first[i] / ((float) Math.sqrt(second[i] * correction) + EPSILON);
    }
    return loss;
  }

  /**
   * Distributions over the bins.
   *
   * @param inputs {@code [N, inputs]}
   * @return {@code [N][m]}
   */
  public double[][] probabilities(float[] inputs) {
    final int rows = inputs.length / widths[0];
    final double[][] all = new double[rows][bins];
    final int chunk = 256;
    for (int from = 0; from < rows; from += chunk) {
      final int[] batch = IntStream.range(from, Math.min(rows, from + chunk)).toArray();
      forward(inputs, batch);
      for (int i = 0; i < batch.length; i++) {
        softmax(i, all[from + i]);
      }
    }
    return all;
  }

  /** The parameters, which a test may move. */
  float[] parameters() {
    return parameters;
  }

  /** Their gradient after {@link #gradient(float[], int[], int[])}. */
  float[] gradients() {
    return gradient;
  }

  /** What the last dense layer gave for the rows of the last pass. */
  float[] outputs() {
    return activations[widths.length - 1];
  }

  /** Computes loss and gradient of a batch. */
  double gradient(float[] inputs, int[] targets, int[] batch) {
    forward(inputs, batch);
    final int rows = batch.length;
    final double[] p = new double[bins];
    double loss = 0;
    for (int i = 0; i < rows; i++) {
      softmax(i, p);
      loss -= Math.log(p[targets[batch[i]]]);
      for (int j = 0; j < bins; j++) {
        dlogits[i * bins + j] = (float) (p[j] / rows);
      }
      dlogits[i * bins + targets[batch[i]]] -= 1f / rows;
    }
    final int last = widths.length - 1;
    head.backward(activations[last], own, rows, dlogits, gradients[last], down);
    System.arraycopy(down, 0, gradient, gradient.length - own.length, own.length);
    int at = parameters.length - own.length;
    for (int layer = last; layer > 0; layer--) {
      at -= (widths[layer - 1] + 1) * widths[layer];
      backward(layer, at, rows);
    }
    return loss / rows;
  }

  private void forward(float[] inputs, int[] batch) {
    final int rows = batch.length;
    if (logits.length < rows * bins) {
      activations = new float[widths.length][];
      gradients = new float[widths.length][];
      for (int layer = 0; layer < widths.length; layer++) {
        activations[layer] = new float[rows * widths[layer]];
        gradients[layer] = new float[rows * widths[layer]];
      }
      logits = new float[rows * bins];
      dlogits = new float[rows * bins];
    }
    for (int i = 0; i < rows; i++) {
      System.arraycopy(inputs, batch[i] * widths[0], activations[0], i * widths[0], widths[0]);
    }
    int at = 0;
    for (int layer = 1; layer < widths.length; layer++) {
      final int in = widths[layer - 1];
      final int out = widths[layer];
      final float[] x = activations[layer - 1];
      final float[] y = activations[layer];
      for (int i = 0; i < rows; i++) {
        System.arraycopy(parameters, at + in * out, y, i * out, out);
        addProducts(x, i * in, 1, in, parameters, at, out, y, i * out);
      }
      if (layer + 1 < widths.length) {
        for (int i = 0; i < rows * out; i++) {
          y[i] = Math.max(y[i], 0);
        }
      }
      at += (in + 1) * out;
    }
    System.arraycopy(parameters, parameters.length - own.length, own, 0, own.length);
    head.forward(activations[widths.length - 1], own, rows, logits);
  }

  private void backward(int layer, int at, int rows) {
    final int in = widths[layer - 1];
    final int out = widths[layer];
    final float[] x = activations[layer - 1];
    final float[] dy = gradients[layer];
    Arrays.fill(gradient, at, at + (in + 1) * out, 0);
    for (int i = 0; i < in; i++) {
      addProducts(x, i, in, rows, dy, 0, out, gradient, at + i * out);
    }
    for (int row = 0; row < rows; row++) {
      for (int j = 0; j < out; j++) {
        gradient[at + in * out + j] += dy[row * out + j];
      }
    }
    if (layer == 1) {
      return;
    }
    if (across.length < in * out) {
      across = new float[in * out];
    }
    for (int i = 0; i < in; i++) {
      for (int j = 0; j < out; j++) {
        across[j * in + i] = parameters[at + i * out + j];
      }
    }
    final float[] dx = gradients[layer - 1];
    Arrays.fill(dx, 0, rows * in, 0);
    for (int row = 0; row < rows; row++) {
      addProducts(dy, row * out, 1, out, across, 0, in, dx, row * in);
    }
    for (int i = 0; i < rows * in; i++) {
      dx[i] = x[i] > 0 ? dx[i] : 0;
    }
  }

  /**
   * Adds {@code sum_k a[from + k stride] b[k]} to a row of y; rows of b lie one after the other.
   */
  private static void addProducts(
      float[] a,
      int from,
      int stride,
      int count,
      float[] b,
      int rows,
      int width,
      float[] y,
      int to) {
    int k = 0;
    for (; k + 4 <= count; k += 4) {
      final float a0 = a[from + k * stride];
      final float a1 = a[from + (k + 1) * stride];
      final float a2 = a[from + (k + 2) * stride];
      final float a3 = a[from + (k + 3) * stride];
      final int b0 = rows + k * width;
      final int b1 = b0 + width;
      final int b2 = b1 + width;
      final int b3 = b2 + width;
      for (int j = 0; j < width; j++) {
        y[to + j] += a0 * b[b0 + j] + a1 * b[b1 + j] + a2 * b[b2 + j] + a3 * b[b3 + j];
      }
    }
    for (; k < count; k++) {
      final float a0 = a[from + k * stride];
      final int b0 = rows + k * width;
      for (int j = 0; j < width; j++) {
        y[to + j] += a0 * b[b0 + j];
      }
    }
  }

  private void softmax(int row, double[] into) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int j = 0; j < bins; j++) {
      largest = Math.max(largest, logits[row * bins + j]);
    }
    double sum = 0;
    for (int j = 0; j < bins; j++) {
      into[j] = Math.exp(logits[row * bins + j] - largest);
      sum += into[j];
    }
    for (int j = 0; j < bins; j++) {
      into[j] /= sum;
    }
  }
}
