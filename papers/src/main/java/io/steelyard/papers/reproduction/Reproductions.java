package io.steelyard.papers.reproduction;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** The registry of reproductions: one line per paper. Listing it builds nothing. */
public final class Reproductions {

  private static final Map<String, Supplier<Reproduction>> BY_PAPER = new LinkedHashMap<>();

  static {
    BY_PAPER.put("soft", SoftAttentionReproduction::new);
    BY_PAPER.put("dsf", DynamicalSystemsReproduction::new);
    BY_PAPER.put("cnn-svm", CnnSvmReproduction::new);
    BY_PAPER.put("dexml", DexmlReproduction::new);
    BY_PAPER.put("softmax-regression", SoftmaxRegressionReproduction::new);
    BY_PAPER.put("two-pass-softmax", TwoPassSoftmaxReproduction::new);
    BY_PAPER.put("icl-linear-regression", IclLinearRegressionReproduction::new);
    BY_PAPER.put("equiangular-basis-vectors", EquiangularBasisVectorsReproduction::new);
    BY_PAPER.put("selective-attention", SelectiveAttentionReproduction::new);
    BY_PAPER.put("topk-moe", TopKMoeReproduction::new);
    BY_PAPER.put("qdsformer", DoublyStochasticAttentionReproduction::new);
    BY_PAPER.put("softplus-attention", SoftplusAttentionReproduction::new);
    BY_PAPER.put("hyperspherical-embedding", HypersphericalEmbeddingReproduction::new);
    BY_PAPER.put("soft-nms", SoftNmsReproduction::new);
    BY_PAPER.put("sigmoid-attention", SigmoidAttentionReproduction::new);
    BY_PAPER.put("sdm", SdmReproduction::new);
    BY_PAPER.put("random-feature-attention", FixedFeatureAttentionReproduction::new);
    BY_PAPER.put("mala", MalaReproduction::new);
    BY_PAPER.put("fourier-head", FourierHeadReproduction::new);
    BY_PAPER.put("temperature-moe", TemperatureMoeReproduction::new);
    BY_PAPER.put("cfcd", CfcdReproduction::new);
    BY_PAPER.put("kronecker-attention", KroneckerAttentionReproduction::new);
    BY_PAPER.put("comp-sum-losses", CompSumLossesReproduction::new);
    BY_PAPER.put("utility-probability-duality", UtilityProbabilityDualityReproduction::new);
    BY_PAPER.put("nalaformer", NalaformerReproduction::new);
  }

  private Reproductions() {}

  /** Slugs of the papers that have a reproduction, in the order of the papers. */
  public static Set<String> papers() {
    return Collections.unmodifiableSet(BY_PAPER.keySet());
  }

  /** The reproduction of a paper, if there is one. */
  public static Optional<Reproduction> find(String paper) {
    return Optional.ofNullable(BY_PAPER.get(paper)).map(Supplier::get);
  }

  /** All of them, in the order of the papers. */
  public static List<Reproduction> all() {
    return BY_PAPER.values().stream().map(Supplier::get).toList();
  }
}
