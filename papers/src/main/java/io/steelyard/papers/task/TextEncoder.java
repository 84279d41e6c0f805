package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.attention.Visibility;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.initializer.TruncatedNormal;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.tensor.Safetensors;
import io.steelyard.layers.transformer.TransformerEncoder;
import io.steelyard.layers.transformer.TransformerOptions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * DistilBERT (arXiv 1910.01108) as an encoder of texts: word pieces and learned positions, a norm,
 * layers whose norms are last; a text's embedding is the last state of its first piece, {@code
 * [CLS]}. No dropout.
 *
 * <p>Inputs: numbers of pieces {@code [N, T]}, filled up with {@link WordPieces#PADDING} at the
 * end. Outputs {@code [N, d]}, of length 1 if asked for.
 *
 * <pre>{@code
 * TextEncoder encoder = new TextEncoder(30_522, TextEncoder.Size.DISTILBERT, true, random);
 * encoder.initialize(manager, DataType.FLOAT32, new Shape(1, 32));
 * encoder.read(Path.of("model.safetensors"));
 * }</pre>
 */
public final class TextEncoder extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final double NORM_EPSILON = 1e-12;
  private static final double DEVIATION = 0.02;
  private static final double ZERO_NORM = 1e-12;

  private static final String EMBEDDINGS = "distilbert.embeddings.";
  private static final String LAYERS = "distilbert.transformer.layer.";

  /**
   * How large.
   *
   * @param width d
   * @param depth number of layers
   * @param heads of each layer's attention, a divisor of d
   * @param hidden units of each layer's feed-forward network
   * @param positions the longest text
   */
  public record Size(int width, int depth, int heads, int hidden, int positions) {

    /** The published model. */
    public static final Size DISTILBERT = new Size(768, 6, 12, 3072, 512);
  }

  private final Size size;
  private final boolean unit;
  private final Parameter words;
  private final Parameter positions;
  private final Block norm;
  private final TransformerEncoder layers;

  /**
   * An uninitialized encoder that begins with random weights.
   *
   * @param vocabulary number of word pieces
   * @param unit whether embeddings are divided by their length
   */
  public TextEncoder(int vocabulary, Size size, boolean unit, RandomGenerator random) {
    super(VERSION);
    this.size = size;
    this.unit = unit;
    this.words = addParameter(table("words", vocabulary, size.width(), random));
    this.positions = addParameter(table("positions", size.positions(), size.width(), random));
    this.norm =
        addChildBlock("norm", LayerNorm.builder().axis(2).optEpsilon((float) NORM_EPSILON).build());
    final MultiHeadOptions heads =
        MultiHeadOptions.of(
                size.width(), size.heads(), size.positions(), Attention.softmax(), random)
            .with(InitialWeights.transformer(random));
    this.layers =
        addChildBlock(
            "layers",
            new TransformerEncoder(
                TransformerOptions.of(heads, size.depth(), size.hidden())
                    .withNormLast()
                    .withNormEpsilon(NORM_EPSILON)));
  }

  private static Parameter table(String name, int rows, int width, RandomGenerator random) {
    return Parameter.builder()
        .setName(name)
        .setType(Parameter.Type.WEIGHT)
        .optShape(new Shape(rows, width))
        .optInitializer(new TruncatedNormal(random, DEVIATION))
        .build();
  }

  /** How large it is. */
  public Size size() {
    return size;
  }

  /**
   * Sets all weights from a file of the hub ({@code model.safetensors} with names that begin with
   * {@code distilbert.}). What else such files hold, for the task it was pre-trained on, is passed
   * over. Nothing is changed if the file does not fit.
   *
   * @throws IllegalArgumentException if the encoder is not initialized, or the file is damaged or
   *     of another size; the message lists what differs
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  public void read(Path file) {
    final Map<String, Parameter> parameters = hubNames();
    final Map<String, Shape> expected = new LinkedHashMap<>();
    parameters.forEach((name, parameter) -> expected.put(name, parameter.getArray().getShape()));
    final Map<String, Tensor> found = new LinkedHashMap<>(Safetensors.read(file).tensors());
    found.keySet().removeIf(name -> !expected.containsKey(name) && !name.startsWith(LAYERS));
    final List<String> differences = ParameterFiles.differences(expected, found);
    if (!differences.isEmpty()) {
      throw new IllegalArgumentException(
          "%s is no DistilBERT of %s: %s"
              .formatted(file.getFileName(), size, String.join("; ", differences)));
    }
    parameters.forEach(
        (name, parameter) -> NDArrayTensors.copy(found.get(name), parameter.getArray()));
  }

  /** The parameters by the names of the hub. */
  private Map<String, Parameter> hubNames() {
    final Map<String, String> names = new LinkedHashMap<>();
    names.put("words", EMBEDDINGS + "word_embeddings.weight");
    names.put("positions", EMBEDDINGS + "position_embeddings.weight");
    norm(names, "norm", EMBEDDINGS + "LayerNorm");
    for (int i = 0; i < size.depth(); i++) {
      final String own = "layers.layer" + i + ".";
      final String theirs = LAYERS + i + ".";
      linear(names, own + "attention.q", theirs + "attention.q_lin");
      linear(names, own + "attention.k", theirs + "attention.k_lin");
      linear(names, own + "attention.v", theirs + "attention.v_lin");
      linear(names, own + "attention.out", theirs + "attention.out_lin");
      norm(names, own + "attention-norm", theirs + "sa_layer_norm");
      linear(names, own + "ffn-in", theirs + "ffn.lin1");
      linear(names, own + "ffn-out", theirs + "ffn.lin2");
      norm(names, own + "ffn-norm", theirs + "output_layer_norm");
    }
    final Map<String, Parameter> parameters = new LinkedHashMap<>();
    ParameterFiles.named(this)
        .forEach(
            (name, parameter) -> {
              if (!parameter.isInitialized()) {
                throw new IllegalArgumentException(
                    "parameter '" + name + "' is not initialized; expected an initialized encoder");
              }
              parameters.put(names.get(name), parameter);
            });
    return parameters;
  }

  private static void linear(Map<String, String> names, String own, String theirs) {
    names.put(own + ".weight", theirs + ".weight");
    names.put(own + ".bias", theirs + ".bias");
  }

  private static void norm(Map<String, String> names, String own, String theirs) {
    names.put(own + ".gamma", theirs + ".weight");
    names.put(own + ".beta", theirs + ".bias");
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray given = inputs.singletonOrThrow();
    final Shape shape = given.getShape();
    if (shape.dimension() != 2 || shape.get(1) < 1 || shape.get(1) > size.positions()) {
      throw new IllegalArgumentException(
          "texts are " + shape + "; expected [N, T] with T from 1 to " + size.positions());
    }
    // What pads all texts is left out: most are much shorter than the longest.
    final long longest =
        given
            .neq(WordPieces.PADDING)
            .toType(DataType.INT64, false)
            .sum(new int[] {1})
            .max()
            .toType(DataType.INT64, false)
            .getLong();
    final NDArray pieces = given.get(":, :" + Math.max(1, longest)).toType(DataType.INT64, false);
    final NDArray table = parameters.getValue(words, given.getDevice(), training);
    final NDArray places = parameters.getValue(positions, given.getDevice(), training);
    final NDArray embedded =
        Embedding.embedding(pieces, table, SparseFormat.DENSE)
            .singletonOrThrow()
            .add(places.get(":" + pieces.getShape().get(1)));
    final NDArray x = norm.forward(parameters, new NDList(embedded), training).singletonOrThrow();
    final Visibility visibility = Visibility.ofKeys(pieces.neq(WordPieces.PADDING));
    final NDArray first = layers.encode(parameters, x, visibility, training).get(":, 0");
    return new NDList(
        unit ? first.div(first.square().sum(new int[] {1}, true).add(ZERO_NORM).sqrt()) : first);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final Shape tokens = new Shape(inputShapes[0].get(0), inputShapes[0].get(1), size.width());
    norm.initialize(manager, dataType, tokens);
    layers.initialize(manager, dataType, tokens);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), size.width())};
  }
}
