package io.steelyard.layers.transformer;

import io.steelyard.layers.attention.MultiHeadOptions;
import java.util.OptionalDouble;

/**
 * How the layers of a {@link TransformerEncoder} or {@link TransformerDecoder} are built: {@code x
 * += s1 Attn(LN(x)); x += s2 FFN(LN(x))}, or with norms last {@code x = LN(x + s1 Attn(x)); x =
 * LN(x + s2 FFN(x))}.
 *
 * @param attention of every layer
 * @param depth number of layers, at least 1
 * @param hidden units of the feed-forward network, at least 1
 * @param layerScale what the factors {@code s1}, {@code s2} begin with; empty for none
 * @param hybridNorm a second norm on what the attention gives, before it is added
 * @param normLast whether the norm of a branch follows the sum, as in the first transformers (arXiv
 *     1706.03762) and BERT; there is no norm after the last layer then, and no hybrid norm
 * @param normEpsilon of the layer norms, greater than 0
 * @param dropout of what each branch gives, in training; in [0, 1)
 * @param dropPath how often the last layer leaves out a branch for a sample, in training; in [0,
 *     1); earlier layers less often, the first never, see {@link DropPath}
 */
public record TransformerOptions(
    MultiHeadOptions attention,
    int depth,
    int hidden,
    OptionalDouble layerScale,
    boolean hybridNorm,
    boolean normLast,
    double normEpsilon,
    double dropout,
    double dropPath) {

  /** The usual epsilon of a layer norm. */
  public static final double NORM_EPSILON = 1e-6;

  /** Checks the ranges. */
  public TransformerOptions {
    if (depth < 1) {
      throw new IllegalArgumentException("depth is " + depth + "; expected 1 or more");
    }
    if (hidden < 1) {
      throw new IllegalArgumentException("hidden is " + hidden + "; expected 1 or more");
    }
    if (normLast && hybridNorm) {
      throw new IllegalArgumentException(
          "hybridNorm is given with norms last; expected one of the two");
    }
    if (!(normEpsilon > 0)) {
      throw new IllegalArgumentException(
          "normEpsilon is " + normEpsilon + "; expected a number greater than 0");
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout is " + dropout + "; expected [0, 1)");
    }
    if (!(dropPath >= 0 && dropPath < 1)) {
      throw new IllegalArgumentException("dropPath is " + dropPath + "; expected [0, 1)");
    }
  }

  /** No layer scale, no hybrid norm, nothing dropped, epsilon 1e-6. */
  public static TransformerOptions of(MultiHeadOptions attention, int depth, int hidden) {
    return new TransformerOptions(
        attention, depth, hidden, OptionalDouble.empty(), false, false, NORM_EPSILON, 0, 0);
  }

  /** The same with factors that begin with {@code initial}. */
  public TransformerOptions withLayerScale(double initial) {
    return new TransformerOptions(
        attention,
        depth,
        hidden,
        OptionalDouble.of(initial),
        hybridNorm,
        normLast,
        normEpsilon,
        dropout,
        dropPath);
  }

  /** The same with a second norm around the attention. */
  public TransformerOptions withHybridNorm() {
    return new TransformerOptions(
        attention, depth, hidden, layerScale, true, normLast, normEpsilon, dropout, dropPath);
  }

  /** The same with norms after the sums. */
  public TransformerOptions withNormLast() {
    return new TransformerOptions(
        attention, depth, hidden, layerScale, hybridNorm, true, normEpsilon, dropout, dropPath);
  }

  /** The same with dropout. */
  public TransformerOptions withDropout(double rate) {
    return new TransformerOptions(
        attention, depth, hidden, layerScale, hybridNorm, normLast, normEpsilon, rate, dropPath);
  }

  /** The same with stochastic depth. */
  public TransformerOptions withDropPath(double last) {
    return new TransformerOptions(
        attention, depth, hidden, layerScale, hybridNorm, normLast, normEpsilon, dropout, last);
  }

  /** The same with another epsilon of the norms. */
  public TransformerOptions withNormEpsilon(double epsilon) {
    return new TransformerOptions(
        attention, depth, hidden, layerScale, hybridNorm, normLast, epsilon, dropout, dropPath);
  }
}
