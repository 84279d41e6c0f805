package io.steelyard.papers.task;

import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Safetensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A DistilBERT with random weights as the hub would hold it. */
public final class MadeUpDistilbert {

  private final Random random = new Random(4);
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  private MadeUpDistilbert() {}

  /** Writes one to a file. */
  public static void write(Path file, int vocabulary, TextEncoder.Size size) {
    new Safetensors(weights(vocabulary, size), Map.of("format", "pt")).write(file);
  }

  /** Weights by name, with some of the head for pre-training that encoders do not use. */
  static Map<String, Tensor> weights(int vocabulary, TextEncoder.Size size) {
    final MadeUpDistilbert model = new MadeUpDistilbert();
    final String embeddings = "distilbert.embeddings.";
    final int width = size.width();
    model.put(embeddings + "word_embeddings.weight", vocabulary, width);
    model.put(embeddings + "position_embeddings.weight", size.positions(), width);
    model.both(embeddings + "LayerNorm", width);
    for (int i = 0; i < size.depth(); i++) {
      final String layer = "distilbert.transformer.layer." + i + ".";
      for (final String map : List.of("q_lin", "k_lin", "v_lin", "out_lin")) {
        model.both(layer + "attention." + map, width, width);
      }
      model.both(layer + "sa_layer_norm", width);
      model.both(layer + "ffn.lin1", size.hidden(), width);
      model.both(layer + "ffn.lin2", width, size.hidden());
      model.both(layer + "output_layer_norm", width);
    }
    model.both("vocab_transform", width, width);
    model.put("vocab_projector.bias", vocabulary);
    return model.tensors;
  }

  private void both(String name, long... shape) {
    put(name + ".weight", shape);
    put(name + ".bias", shape[0]);
  }

  private void put(String name, long... shape) {
    final float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.6 * random.nextGaussian());
    }
    tensors.put(name, Tensor.of(values, shape));
  }
}
