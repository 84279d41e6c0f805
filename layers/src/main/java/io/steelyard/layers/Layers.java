package io.steelyard.layers;

import static io.steelyard.layers.Layer.Kind.BLOCK;
import static io.steelyard.layers.Layer.Kind.HEAD;
import static io.steelyard.layers.Layer.Kind.LOSS;

import io.steelyard.layers.attention.CosineSoftmaxAttentionBlock;
import io.steelyard.layers.attention.FixedFeatureAttentionBlock;
import io.steelyard.layers.attention.FixedFeatureReadout;
import io.steelyard.layers.attention.GaussianAttentionBlock;
import io.steelyard.layers.attention.KroneckerAttentionBlock;
import io.steelyard.layers.attention.KroneckerPolynomialAttentionBlock;
import io.steelyard.layers.attention.LinearAttentionBlock;
import io.steelyard.layers.attention.MalaAttentionBlock;
import io.steelyard.layers.attention.MultiHeadAttention;
import io.steelyard.layers.attention.NalaAttentionBlock;
import io.steelyard.layers.attention.NormSoftmaxAttentionBlock;
import io.steelyard.layers.attention.NormalisedAttentionBlock;
import io.steelyard.layers.attention.QrAttentionBlock;
import io.steelyard.layers.attention.QuantumAttentionBlock;
import io.steelyard.layers.attention.SelectiveAttentionBlock;
import io.steelyard.layers.attention.SigmoidAttentionBlock;
import io.steelyard.layers.attention.SinkhornAttentionBlock;
import io.steelyard.layers.attention.SoftAttentionBlock;
import io.steelyard.layers.attention.SoftmaxAttentionBlock;
import io.steelyard.layers.attention.SoftplusAttentionBlock;
import io.steelyard.layers.gating.BalancedLoss;
import io.steelyard.layers.gating.DenseToSparseGating;
import io.steelyard.layers.gating.MixtureOfExperts;
import io.steelyard.layers.gating.TopKGating;
import io.steelyard.layers.head.DescriptorHead;
import io.steelyard.layers.head.EquiangularBasisHead;
import io.steelyard.layers.head.FourierHead;
import io.steelyard.layers.head.LinearSvmHead;
import io.steelyard.layers.head.NormalizedSoftmaxHead;
import io.steelyard.layers.head.OneVsRest;
import io.steelyard.layers.head.SdmHead;
import io.steelyard.layers.head.UtilityTransform;
import io.steelyard.layers.loss.AdaptiveMarginLoss;
import io.steelyard.layers.loss.AdversarialCompSumLoss;
import io.steelyard.layers.loss.CompSumLoss;
import io.steelyard.layers.loss.CrossEntropyLoss;
import io.steelyard.layers.loss.DecoupledSoftmaxLoss;
import io.steelyard.layers.loss.DescriptorTripletLoss;
import io.steelyard.layers.loss.DistillationLoss;
import io.steelyard.layers.loss.FourierLoss;
import io.steelyard.layers.loss.HingeLoss;
import io.steelyard.layers.loss.InfoNceLoss;
import io.steelyard.layers.loss.SdmLoss;
import io.steelyard.layers.loss.SdmNetworkLoss;
import io.steelyard.layers.loss.SoftTopKLoss;
import io.steelyard.layers.loss.SvmLoss;
import io.steelyard.layers.transformer.TransformerDecoder;
import io.steelyard.layers.transformer.TransformerEncoder;
import io.steelyard.layers.vision.ConvNet;
import io.steelyard.layers.vision.HierarchicalTransformer;
import io.steelyard.layers.vision.ResidualNet;
import io.steelyard.layers.vision.SoftVisionTransformer;
import io.steelyard.layers.vision.VisionTransformer;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The registry: every layer, loss and head of this module, one line each. Starts no engine. */
public final class Layers {

  private static final String CNN_SVM = "1712.03541";
  private static final String COMP_SUM = "2304.07288";
  private static final String DEXML = "2310.10636";
  private static final String CFCD = "2308.04008";
  private static final String SDM = "2502.20167";
  private static final String FOURIER = "2410.22269";
  private static final String TOP_K_MOE = "2309.13850";
  private static final String TEMPERATURE_MOE = "2401.13875";

  private static final String TRANSFORMER = "1706.03762";
  private static final String SIGMOID = "2409.04431";

  private static final List<Layer> ATTENTION =
      List.of(
          new Layer(
              "multi-head-attention",
              BLOCK,
              MultiHeadAttention.class,
              TRANSFORMER,
              "Projections, positions and heads around any of the attentions."),
          new Layer(
              "softmax-attention",
              BLOCK,
              SoftmaxAttentionBlock.class,
              TRANSFORMER,
              "Scaled dot-product attention."),
          new Layer(
              "sigmoid-attention",
              BLOCK,
              SigmoidAttentionBlock.class,
              SIGMOID,
              "A sigmoid of every score plus a constant bias, without row sums."),
          new Layer(
              "selective-attention",
              BLOCK,
              SelectiveAttentionBlock.class,
              "2411.12892",
              "Softmax attention with temperatures made from tokens and positions."),
          new Layer(
              "softplus-attention",
              BLOCK,
              SoftplusAttentionBlock.class,
              "2501.13428",
              "Softplus of length-scaled cosines over its sum, re-weighted or not."),
          new Layer(
              "cosine-softmax-attention",
              BLOCK,
              CosineSoftmaxAttentionBlock.class,
              "2501.13428",
              "Softmax of length-scaled cosines."),
          new Layer(
              "gaussian-attention",
              BLOCK,
              GaussianAttentionBlock.class,
              "2207.03341",
              "A Gaussian of the distance between tokens, not normalised."),
          new Layer(
              "soft-attention",
              BLOCK,
              SoftAttentionBlock.class,
              "2207.03341",
              "The same through landmarks, in linear time: SOFT and SOFT++."),
          new Layer(
              "kronecker-attention",
              BLOCK,
              KroneckerAttentionBlock.class,
              "2310.04064",
              "Softmax attention to all pairs of two kinds of keys."),
          new Layer(
              "kronecker-attention-polynomial",
              BLOCK,
              KroneckerPolynomialAttentionBlock.class,
              "2310.04064",
              "The same with a polynomial for the exponential, in time linear in tokens."),
          new Layer(
              "fixed-feature-attention",
              BLOCK,
              FixedFeatureAttentionBlock.class,
              "2307.11353",
              "Fixed random query-key matrices and trained values, for every token."),
          new Layer(
              "fixed-feature-readout",
              BLOCK,
              FixedFeatureReadout.class,
              "2307.11353",
              "The same for one query, under a linear readout that can be fitted."),
          new Layer(
              "sinkhorn-attention",
              BLOCK,
              SinkhornAttentionBlock.class,
              "2504.16275",
              "Weights made doubly stochastic by normalising rows and columns in turn."),
          new Layer(
              "qr-attention",
              BLOCK,
              QrAttentionBlock.class,
              "2504.16275",
              "Squared entries of the orthogonal factor of the scores as weights."),
          new Layer(
              "quantum-attention",
              BLOCK,
              QuantumAttentionBlock.class,
              "2504.16275",
              "Squared moduli of the unitary matrix of a circuit as weights."),
          new Layer(
              "norm-softmax-attention",
              BLOCK,
              NormSoftmaxAttentionBlock.class,
              "2504.16275",
              "Softmax attention whose temperature is at most the spread of scores."),
          new Layer(
              "linear-attention",
              BLOCK,
              LinearAttentionBlock.class,
              "2405.15731",
              "Products of positive features, in time linear in tokens."),
          new Layer(
              "normalised-attention",
              BLOCK,
              NormalisedAttentionBlock.class,
              "2405.15731",
              "Products of queries and keys over a normaliser that each token makes for itself."),
          new Layer(
              "mala-attention",
              BLOCK,
              MalaAttentionBlock.class,
              "2507.00698",
              "Linear attention in which a longer query is a more decided one."),
          new Layer(
              "nala-attention",
              BLOCK,
              NalaAttentionBlock.class,
              "2506.21137",
              "Linear attention whose features are powers that grow with the query's norm."));

  private static final List<Layer> TRANSFORMERS =
      List.of(
          new Layer(
              "transformer-encoder",
              BLOCK,
              TransformerEncoder.class,
              TRANSFORMER,
              "Layers of attention and feed-forward networks, norms first."),
          new Layer(
              "transformer-decoder",
              BLOCK,
              TransformerDecoder.class,
              TRANSFORMER,
              "The same in which tokens see the past, with caches for decoding."));

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
              "Plain hinge on one-vs-rest scores plus a ridge on the readout."),
          new Layer(
              "hinge-loss",
              LOSS,
              HingeLoss.class,
              CNN_SVM,
              "One-vs-rest hinge of each row, with weights and masks."),
          new Layer(
              "cross-entropy-loss",
              LOSS,
              CrossEntropyLoss.class,
              "1512.00567",
              "Cross-entropy with class ids or soft labels, and label smoothing."),
          new Layer(
              "comp-sum-loss",
              LOSS,
              CompSumLoss.class,
              COMP_SUM,
              "Cross-entropy and its relatives, by an exponent tau."),
          new Layer(
              "adversarial-comp-sum-loss",
              LOSS,
              AdversarialCompSumLoss.class,
              COMP_SUM,
              "Comp-sum loss plus how far a moved input changes score differences."),
          new Layer(
              "decoupled-softmax-loss",
              LOSS,
              DecoupledSoftmaxLoss.class,
              DEXML,
              "Each of several targets against the entries that are no targets."),
          new Layer(
              "soft-top-k-loss",
              LOSS,
              SoftTopKLoss.class,
              DEXML,
              "Targets that are not among the k best, by a differentiable top-k."),
          new Layer(
              "info-nce-loss",
              LOSS,
              InfoNceLoss.class,
              "1807.03748",
              "Pairs against the rest of the batch, one way or both ways."),
          new Layer(
              "adaptive-margin-loss",
              LOSS,
              AdaptiveMarginLoss.class,
              CFCD,
              "Softmax of cosines whose scale and margin the batch's median sets."),
          new Layer(
              "descriptor-triplet-loss",
              LOSS,
              DescriptorTripletLoss.class,
              CFCD,
              "Triplet hinge on local descriptors that match and are attended."),
          new Layer(
              "distillation-loss",
              LOSS,
              DistillationLoss.class,
              "2312.17473",
              "Cross-entropy with a teacher's soft labels, alone or beside class ids."),
          new Layer(
              "sdm-loss",
              LOSS,
              SdmLoss.class,
              SDM,
              "Cross-entropy to a base and with an exponent of each row's own."),
          new Layer(
              "sdm-network-loss",
              LOSS,
              SdmNetworkLoss.class,
              SDM,
              "SDM loss over a frozen and a trained output layer, near a reference."),
          new Layer(
              "fourier-loss",
              LOSS,
              FourierLoss.class,
              FOURIER,
              "Cross-entropy over bins plus the roughness of the density."));

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
              "Predicts the first class with a positive score, ignoring margins."),
          new Layer(
              "linear-svm-head",
              HEAD,
              LinearSvmHead.class,
              CNN_SVM,
              "One-vs-rest linear SVMs, read by either rule."),
          new Layer(
              "normalized-softmax-head",
              HEAD,
              NormalizedSoftmaxHead.class,
              "2102.03243",
              "Scaled cosines against unit class weights; new classes without training."),
          new Layer(
              "equiangular-basis-head",
              HEAD,
              EquiangularBasisHead.class,
              "2303.11637",
              "Cosines against fixed, nearly orthogonal class vectors."),
          new Layer(
              "fourier-head",
              HEAD,
              FourierHead.class,
              FOURIER,
              "Log-probabilities of bins from the Fourier coefficients of a density."),
          new Layer(
              "sdm-head",
              HEAD,
              SdmHead.class,
              SDM,
              "Exemplars and scores whose trust similarity and distance calibrate."),
          new Layer(
              "descriptor-head",
              HEAD,
              DescriptorHead.class,
              CFCD,
              "Global descriptors of feature maps, with attention and local ones."),
          new Layer(
              "utility-transform",
              HEAD,
              UtilityTransform.class,
              "2305.14859",
              "Probabilities from scores read as utilities, by one fitted number."));

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
              "The same build with 8 and 16 filters and 128 hidden units."),
          new Layer(
              "resnet",
              BLOCK,
              ResidualNet.class,
              "1512.03385",
              "Residual stages of basic blocks for small pictures, as ResNet-34."),
          new Layer(
              "wide-resnet",
              BLOCK,
              ResidualNet.class,
              "1605.07146",
              "The same with norms first and wide stages, as WideResNet-28-10."),
          new Layer(
              "soft-vision-transformer",
              BLOCK,
              SoftVisionTransformer.class,
              "2207.03341",
              "Stages of softmax-free attention under one of softmax, tiny to huge."),
          new Layer(
              "vision-transformer",
              BLOCK,
              VisionTransformer.class,
              "2010.11929",
              "Patches as tokens of an encoder with any attention."),
          new Layer(
              "deit",
              BLOCK,
              VisionTransformer.class,
              "2012.12877",
              "The same in the sizes T, S and B for 224 x 224, without distillation."),
          new Layer(
              "mavit",
              BLOCK,
              HierarchicalTransformer.class,
              "2507.00698",
              "Stages of gated MALA, then softmax, between convolutions: T, S, B, L and small."),
          new Layer(
              "nalaformer",
              BLOCK,
              HierarchicalTransformer.class,
              "2506.21137",
              "Stages of gated NaLa, then softmax, between convolutions: XT to L and small."));

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
      Stream.of(ATTENTION, TRANSFORMERS, GATES, LOSSES, HEADS, VISION)
          .flatMap(List::stream)
          .toList();

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
