package io.steelyard.layers;

import static io.steelyard.layers.Layer.Kind.BLOCK;
import static io.steelyard.layers.Layer.Kind.HEAD;
import static io.steelyard.layers.Layer.Kind.LOSS;

import io.steelyard.layers.gating.BalancedLoss;
import io.steelyard.layers.gating.DenseToSparseGating;
import io.steelyard.layers.gating.MixtureOfExperts;
import io.steelyard.layers.gating.TopKGating;
import io.steelyard.layers.head.OneVsRest;
import io.steelyard.layers.loss.SvmLoss;
import io.steelyard.layers.vision.ConvNet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The registry: every layer, loss and head of this module, one line each. Starts no engine. */
public final class Layers {

  private static final String CNN_SVM = "1712.03541";
  private static final String TOP_K_MOE = "2309.13850";
  private static final String TEMPERATURE_MOE = "2401.13875";

  private static final List<Layer> LOSSES =
      List.of(
          new Layer(
              "l2-svm",
              LOSS,
              SvmLoss.class,
              CNN_SVM,
              "Squared hinge on one-vs-rest scores plus a ridge on the readout."),
          new Layer(
              "l1-svm",
              LOSS,
              SvmLoss.class,
              CNN_SVM,
              "Plain hinge on one-vs-rest scores plus a ridge on the readout."));

  private static final List<Layer> HEADS =
      List.of(
          new Layer(
              "argmax",
              HEAD,
              OneVsRest.class,
              CNN_SVM,
              "Predicts the class with the largest score."),
          new Layer(
              "argmax-of-sign",
              HEAD,
              OneVsRest.class,
              CNN_SVM,
              "Predicts the first class with a positive score, ignoring margins."));

  private static final List<Layer> VISION =
      List.of(
          new Layer(
              "cnn-svm",
              BLOCK,
              ConvNet.class,
              CNN_SVM,
              "Two convolutions and a hidden layer of 1024 under a linear readout."),
          new Layer(
              "cnn-svm-small",
              BLOCK,
              ConvNet.class,
              CNN_SVM,
              "The same build with 8 and 16 filters and 128 hidden units."));

  private static final List<Layer> GATES =
      List.of(
          new Layer(
              "top-k-gating",
              BLOCK,
              TopKGating.class,
              TOP_K_MOE,
              "The k experts with the largest scores share a token by softmax."),
          new Layer(
              "dense-to-sparse-gating",
              BLOCK,
              DenseToSparseGating.class,
              TEMPERATURE_MOE,
              "Softmax gate with a fixed, learnt or annealed temperature."),
          new Layer(
              "activation-gating",
              BLOCK,
              DenseToSparseGating.class,
              TEMPERATURE_MOE,
              "The same with sigmoid, tanh, GELU or ReLU on the scores."),
          new Layer(
              "mixture-of-experts",
              BLOCK,
              MixtureOfExperts.class,
              TOP_K_MOE,
              "Experts as blocks behind a gate, with capacity and load statistics."),
          new Layer(
              "balanced-loss",
              LOSS,
              BalancedLoss.class,
              TOP_K_MOE,
              "A task's loss plus what keeps experts evenly busy."));

  private static final List<Layer> ALL =
      Stream.of(LOSSES, HEADS, VISION, GATES).flatMap(List::stream).toList();

  private Layers() {}

  /** All layers, families together. */
  public static List<Layer> all() {
    return ALL;
  }

  /** The layers of the paper with this arXiv id; empty if there is none. */
  public static List<Layer> of(String arxiv) {
    return ALL.stream().filter(layer -> layer.arxiv().equals(arxiv)).toList();
  }

  /**
   * The layer with this name.
   *
   * @throws IllegalArgumentException if there is none; the message lists the names
   */
  public static Layer named(String name) {
    return ALL.stream()
        .filter(layer -> layer.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "layer is '"
                        + name
                        + "'; expected one of "
                        + ALL.stream().map(Layer::name).collect(Collectors.joining(", "))));
  }
}
