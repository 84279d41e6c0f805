package io.steelyard.layers.attention;

import io.steelyard.layers.initializer.InitialWeights;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * How a {@link MultiHeadAttention} is built.
 *
 * @param width d, features of a token
 * @param heads H, at least 1
 * @param keyHeads Hk, heads of keys and values: a divisor of H (grouped queries)
 * @param keyWidth D, numbers of a query or key in a head
 * @param valueWidth Dv, numbers of a value in a head
 * @param attention what happens between the projections
 * @param tokens n, how many tokens sequences have in training
 * @param grid how they lie, for images
 * @param bias whether the projections of queries, keys and values have a bias
 * @param outBias whether the projection of outputs has one
 * @param rotary rotary positions of queries and keys
 * @param alibi whether scores are lowered with distance, by {@link Alibi#slopes}
 * @param normalizedKeys layer norm over D of queries and keys, before positions ("QK norm")
 * @param weights how projections begin
 * @param gate of the outputs of the heads, on images; every query then has to see every key
 */
public record MultiHeadOptions(
    int width,
    int heads,
    int keyHeads,
    int keyWidth,
    int valueWidth,
    Attention attention,
    int tokens,
    Optional<Grid> grid,
    boolean bias,
    boolean outBias,
    Optional<Rotary> rotary,
    boolean alibi,
    boolean normalizedKeys,
    InitialWeights weights,
    Optional<OutputGate> gate) {

  /** Epsilon of the norm of queries and keys. */
  public static final double NORM_EPSILON = 1e-6;

  /** Checks the extents. */
  public MultiHeadOptions {
    atLeastOne("width", width);
    atLeastOne("heads", heads);
    atLeastOne("keyWidth", keyWidth);
    atLeastOne("valueWidth", valueWidth);
    atLeastOne("tokens", tokens);
    if (keyHeads < 1 || heads % keyHeads != 0) {
      throw new IllegalArgumentException(
          "keyHeads is " + keyHeads + "; expected a divisor of heads, " + heads);
    }
    if (gate.isPresent() && (grid.isEmpty() || keyHeads != heads)) {
      throw new IllegalArgumentException(
          "gate is given with "
              + (grid.isEmpty()
                  ? "no grid; expected one"
                  : keyHeads + " keyHeads; expected " + heads)
              + ", since it convolves the values of all heads over the image");
    }
  }

  /**
   * H heads of {@code d / H} numbers, biases everywhere, no positions, initial weights uniform by
   * fan-in.
   *
   * @param tokens n, how many tokens sequences have in training
   * @throws IllegalArgumentException if {@code heads} does not divide {@code width}
   */
  public static MultiHeadOptions of(
      int width, int heads, int tokens, Attention attention, RandomGenerator random) {
    atLeastOne("heads", heads);
    if (width % heads != 0) {
      throw new IllegalArgumentException(
          "width is " + width + "; expected a multiple of heads, " + heads);
    }
    return new MultiHeadOptions(
        width,
        heads,
        heads,
        width / heads,
        width / heads,
        attention,
        tokens,
        Optional.empty(),
        true,
        true,
        Optional.empty(),
        false,
        false,
        InitialWeights.fanIn(random),
        Optional.empty());
  }

  /** What the attention is told of the layer. */
  AttentionShape shape() {
    return new AttentionShape(width, heads, keyWidth, valueWidth, tokens, grid, weights.random());
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; expected 1 or more");
    }
  }

  /** The same with fewer heads of keys and values. */
  public MultiHeadOptions withKeyHeads(int newKeyHeads) {
    return new MultiHeadOptions(
        width,
        heads,
        newKeyHeads,
        keyWidth,
        valueWidth,
        attention,
        tokens,
        grid,
        bias,
        outBias,
        rotary,
        alibi,
        normalizedKeys,
        weights,
        gate);
  }

  /** The same with heads of another width. */
  public MultiHeadOptions withHeadWidths(int newKeyWidth, int newValueWidth) {
    return new MultiHeadOptions(
        width,
        heads,
        keyHeads,
        newKeyWidth,
        newValueWidth,
        attention,
        tokens,
        grid,
        bias,
        outBias,
        rotary,
        alibi,
        normalizedKeys,
        weights,
        gate);
  }

  /** The same for tokens of an image. */
  public MultiHeadOptions on(Grid newGrid) {
    return new MultiHeadOptions(
        width,
        heads,
        keyHeads,
        keyWidth,
        valueWidth,
        attention,
        newGrid.tokens(),
        Optional.of(newGrid),
        bias,
        outBias,
        rotary,
        alibi,
        normalizedKeys,
        weights,
        gate);
  }

  /** The same with or without biases. */
  public MultiHeadOptions withBiases(boolean newBias, boolean newOutBias) {
    return new MultiHeadOptions(
        width,
        heads,
        keyHeads,
        keyWidth,
        valueWidth,
        attention,
        tokens,
        grid,
        newBias,
        newOutBias,
        rotary,
        alibi,
        normalizedKeys,
        weights,
        gate);
  }

  /** The same with rotary positions. */
  public MultiHeadOptions with(Rotary newRotary) {
    return new MultiHeadOptions(
        width,
        heads,
        keyHeads,
        keyWidth,
        valueWidth,
        attention,
        tokens,
        grid,
        bias,
        outBias,
        Optional.of(newRotary),
        alibi,
        normalizedKeys,
        weights,
        gate);
  }

  /** The same with ALiBi. */
  public MultiHeadOptions withAlibi() {
    return new MultiHeadOptions(
        width,
        heads,
        keyHeads,
        keyWidth,
        valueWidth,
        attention,
        tokens,
        grid,
        bias,
        outBias,
        rotary,
        true,
        normalizedKeys,
        weights,
        gate);
  }

  /** The same with a norm of queries and keys. */
  public MultiHeadOptions withNormalizedKeys() {
    return new MultiHeadOptions(
        width,
        heads,
        keyHeads,
        keyWidth,
        valueWidth,
        attention,
        tokens,
        grid,
        bias,
        outBias,
        rotary,
        alibi,
        true,
        weights,
        gate);
  }

  /** The same with other initial weights. */
  public MultiHeadOptions with(InitialWeights newWeights) {
    return new MultiHeadOptions(
        width,
        heads,
        keyHeads,
        keyWidth,
        valueWidth,
        attention,
        tokens,
        grid,
        bias,
        outBias,
        rotary,
        alibi,
        normalizedKeys,
        newWeights,
        gate);
  }

  /**
   * The same with a gate of the outputs.
   *
   * @throws IllegalArgumentException if these options have no grid, or fewer heads of values than
   *     of queries
   */
  public MultiHeadOptions with(OutputGate newGate) {
    return new MultiHeadOptions(
        width,
        heads,
        keyHeads,
        keyWidth,
        valueWidth,
        attention,
        tokens,
        grid,
        bias,
        outBias,
        rotary,
        alibi,
        normalizedKeys,
        weights,
        Optional.of(newGate));
  }
}
