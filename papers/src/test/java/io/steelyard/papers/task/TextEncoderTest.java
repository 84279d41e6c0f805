package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Safetensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextEncoderTest {

  private static final int VOCABULARY = 12;
  private static final TextEncoder.Size SIZE = new TextEncoder.Size(8, 2, 2, 16, 10);
  private static final int[][] TEXTS = {{2, 5, 7, 3}, {2, 11, 3, 0}};

  @TempDir Path folder;

  private static Map<String, Tensor> model(int depth) {
    return MadeUpDistilbert.weights(VOCABULARY, new TextEncoder.Size(8, depth, 2, 16, 10));
  }

  private Path written(Map<String, Tensor> tensors) {
    final Path file = folder.resolve("model.safetensors");
    new Safetensors(tensors, Map.of("format", "pt")).write(file);
    return file;
  }

  private static TextEncoder encoder(NDManager manager, boolean unit) {
    final TextEncoder encoder = new TextEncoder(VOCABULARY, SIZE, unit, new Random(1));
    encoder.initialize(manager, DataType.FLOAT64, new Shape(1, 4));
    return encoder;
  }

  private static double[] encoded(TextEncoder encoder, boolean training, int[]... texts) {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray ids =
          manager.create(
              Arrays.stream(texts).flatMapToInt(Arrays::stream).toArray(),
              new Shape(texts.length, texts[0].length));
      return encoder
          .forward(new ParameterStore(manager, false), new NDList(ids), training)
          .singletonOrThrow()
          .toDoubleArray();
    }
  }

  @Test
  void weightsOfTheHubGiveWhatLoopsGive() {
    final Map<String, Tensor> model = model(2);
    final Path file = written(model);
    try (NDManager manager = Libtorch.newManager()) {
      final TextEncoder free = encoder(manager, false);
      free.read(file);
      final TextEncoder unit = encoder(manager, true);
      unit.read(file);
      for (final boolean training : new boolean[] {false, true}) {
        final double[] found = encoded(free, training, TEXTS);
        final double[] directions = encoded(unit, training, TEXTS);
        for (int i = 0; i < TEXTS.length; i++) {
          final double[] expected = byHand(model, TEXTS[i]);
          final double norm = Math.sqrt(Arrays.stream(expected).map(x -> x * x).sum());
          assertThat(Arrays.copyOfRange(found, 8 * i, 8 * i + 8))
              .containsExactly(expected, within(1e-9));
          assertThat(Arrays.copyOfRange(directions, 8 * i, 8 * i + 8))
              .containsExactly(Arrays.stream(expected).map(x -> x / norm).toArray(), within(1e-9));
        }
      }
    }
  }

  /** DistilBERT's first state, one number at a time. */
  private static double[] byHand(Map<String, Tensor> model, int[] padded) {
    final int[] text = Arrays.stream(padded).filter(piece -> piece != 0).toArray();
    final double[][] words = matrix(model, "distilbert.embeddings.word_embeddings.weight");
    final double[][] places = matrix(model, "distilbert.embeddings.position_embeddings.weight");
    double[][] x = new double[text.length][8];
    for (int t = 0; t < text.length; t++) {
      for (int c = 0; c < 8; c++) {
        x[t][c] = words[text[t]][c] + places[t][c];
      }
      x[t] = normed(model, "distilbert.embeddings.LayerNorm", x[t]);
    }
    for (int layer = 0; layer < 2; layer++) {
      x = layer(model, "distilbert.transformer.layer." + layer + ".", x);
    }
    return x[0];
  }

  private static double[][] layer(Map<String, Tensor> model, String name, double[][] x) {
    final double[][] y = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      final double[] q = linear(model, name + "attention.q_lin", x[t]);
      final double[] gathered = new double[8];
      for (int head = 0; head < 2; head++) {
        final double[] weights = new double[x.length];
        double sum = 0;
        for (int s = 0; s < x.length; s++) {
          final double[] k = linear(model, name + "attention.k_lin", x[s]);
          double score = 0;
          for (int c = 4 * head; c < 4 * head + 4; c++) {
            score += q[c] * k[c];
          }
          weights[s] = Math.exp(score / 2);
          sum += weights[s];
        }
        for (int s = 0; s < x.length; s++) {
          final double[] v = linear(model, name + "attention.v_lin", x[s]);
          for (int c = 4 * head; c < 4 * head + 4; c++) {
            gathered[c] += weights[s] / sum * v[c];
          }
        }
      }
      final double[] attended =
          normed(
              model,
              name + "sa_layer_norm",
              sum(x[t], linear(model, name + "attention.out_lin", gathered)));
      final double[] hidden = linear(model, name + "ffn.lin1", attended);
      for (int c = 0; c < hidden.length; c++) {
        hidden[c] *= NormalDistribution.of(0, 1).cumulativeProbability(hidden[c]);
      }
      y[t] =
          normed(
              model,
              name + "output_layer_norm",
              sum(attended, linear(model, name + "ffn.lin2", hidden)));
    }
    return y;
  }

  private static double[] sum(double[] one, double[] other) {
    final double[] sum = new double[one.length];
    for (int c = 0; c < sum.length; c++) {
      sum[c] = one[c] + other[c];
    }
    return sum;
  }

  private static double[] linear(Map<String, Tensor> model, String name, double[] x) {
    final double[][] weight = matrix(model, name + ".weight");
    final double[] y = vector(model, name + ".bias");
    for (int row = 0; row < y.length; row++) {
      for (int c = 0; c < x.length; c++) {
        y[row] += weight[row][c] * x[c];
      }
    }
    return y;
  }

  private static double[] normed(Map<String, Tensor> model, String name, double[] x) {
    final double mean = Arrays.stream(x).average().orElseThrow();
    final double variance = Arrays.stream(x).map(v -> (v - mean) * (v - mean)).sum() / x.length;
    final double[] weight = vector(model, name + ".weight");
    final double[] y = vector(model, name + ".bias");
    for (int c = 0; c < x.length; c++) {
      y[c] += weight[c] * (x[c] - mean) / Math.sqrt(variance + 1e-12);
    }
    return y;
  }

  private static double[] vector(Map<String, Tensor> model, String name) {
    final float[] values = model.get(name).toFloatArray();
    final double[] vector = new double[values.length];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = values[i];
    }
    return vector;
  }

  private static double[][] matrix(Map<String, Tensor> model, String name) {
    final double[] values = vector(model, name);
    final int width = (int) model.get(name).dim(1);
    final double[][] matrix = new double[values.length / width][];
    for (int row = 0; row < matrix.length; row++) {
      matrix[row] = Arrays.copyOfRange(values, row * width, (row + 1) * width);
    }
    return matrix;
  }

  @Test
  void paddingChangesNothing() {
    try (NDManager manager = Libtorch.newManager()) {
      final TextEncoder encoder = encoder(manager, true);
      final double[] alone = encoded(encoder, true, new int[] {2, 11, 3});
      final double[] padded = encoded(encoder, true, new int[] {2, 11, 3, 0, 0, 0});
      final double[] beside = encoded(encoder, true, TEXTS[1], new int[] {2, 5, 6, 3});
      assertThat(padded).containsExactly(alone, within(1e-12));
      assertThat(Arrays.copyOf(beside, 8)).containsExactly(alone, within(1e-12));
    }
  }

  @Test
  void filesThatDoNotFitChangeNothingAndSayWhy() {
    try (NDManager manager = Libtorch.newManager()) {
      final TextEncoder encoder = encoder(manager, true);
      final double[] before = encoded(encoder, false, TEXTS);
      final Map<String, Tensor> missing = model(2);
      missing.remove("distilbert.transformer.layer.1.ffn.lin2.bias");
      final Path one = written(missing);
      assertThatThrownBy(() -> encoder.read(one))
          .hasMessageContaining("model.safetensors is no DistilBERT of Size[width=8")
          .hasMessageContaining("'distilbert.transformer.layer.1.ffn.lin2.bias' is missing");
      final Path deeper = written(model(3));
      assertThatThrownBy(() -> encoder.read(deeper))
          .hasMessageContaining(
              "'distilbert.transformer.layer.2.attention.q_lin.weight' is not expected");
      final Map<String, Tensor> wide = model(2);
      wide.put("distilbert.embeddings.word_embeddings.weight", Tensor.of(new float[16], 2, 8));
      final Path other = written(wide);
      assertThatThrownBy(() -> encoder.read(other))
          .hasMessageContaining("word_embeddings.weight' is (2, 8), expected (12, 8)");
      assertThat(encoded(encoder, false, TEXTS)).containsExactly(before);
      assertThatThrownBy(() -> new TextEncoder(VOCABULARY, SIZE, true, new Random(1)).read(other))
          .hasMessageContaining("is not initialized");
      assertThatThrownBy(() -> encoded(encoder, false, new int[11]))
          .hasMessage("texts are (1, 11); expected [N, T] with T from 1 to 10");
    }
  }
}
