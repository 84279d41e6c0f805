package io.steelyard.layers.attention;

import io.steelyard.kernels.attention.PositionTemperature;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Which temperatures a {@link SelectiveAttentionBlock} has.
 *
 * @param token how the temperature of a token is made from it; empty for none
 * @param position how the temperature of a query grows with the keys it sees; empty for not at all
 * @param onQueries whether queries have the token's temperature
 * @param onValues whether values have one
 * @param onKeys whether keys have one: for ablation
 * @param positionOnValues whether the factor of a value grows with its place as the temperature of
 *     a query does, with the same alpha: for ablation (derived)
 * @param firstAlpha where alpha begins, a finite number; empty for the form's own: -5 (sigmoid), 2
 *     (double exponential) or 1e-5 (linear). It has no say where position is empty
 */
public record SelectiveOptions(
    Optional<Token> token,
    Optional<PositionTemperature.Form> position,
    boolean onQueries,
    boolean onValues,
    boolean onKeys,
    boolean positionOnValues,
    OptionalDouble firstAlpha) {

  /** Checks that there is a position's part where values are to have it, and the first alpha. */
  public SelectiveOptions {
    if (firstAlpha.isPresent() && !Double.isFinite(firstAlpha.getAsDouble())) {
      throw new IllegalArgumentException(
          "firstAlpha is " + firstAlpha.getAsDouble() + "; expected a finite number");
    }
    if (positionOnValues && position.isEmpty()) {
      throw new IllegalArgumentException(
          "positionOnValues is true; expected false where position is empty");
    }
  }

  private static final SelectiveOptions DEFAULTS =
      new SelectiveOptions(
          Optional.of(Token.SHARED),
          Optional.of(PositionTemperature.Form.SIGMOID),
          true,
          true,
          false,
          false,
          OptionalDouble.empty());

  /** How the temperature of a token is made from it. */
  public enum Token {
    /** {@code tanh(u.GELU(q))} for each head: the projection is the hidden layer. */
    SHARED,
    /** {@code tanh(w2.GELU(W1 x + b1) + b2)}, one for all heads. */
    FULL
  }

  /** Both kinds on queries, the token's on values, shared weights: the paper's recommendation. */
  public static SelectiveOptions defaults() {
    return DEFAULTS;
  }

  /** These with another way from token to temperature. */
  public SelectiveOptions with(Token newToken) {
    return new SelectiveOptions(
        Optional.of(newToken), position, onQueries, onValues, onKeys, positionOnValues, firstAlpha);
  }

  /** These with another way from position to temperature. */
  public SelectiveOptions with(PositionTemperature.Form newPosition) {
    return new SelectiveOptions(
        token, Optional.of(newPosition), onQueries, onValues, onKeys, positionOnValues, firstAlpha);
  }

  /** Temperatures of positions alone. */
  public SelectiveOptions byPositionOnly() {
    return new SelectiveOptions(
        Optional.empty(), position, onQueries, onValues, onKeys, positionOnValues, firstAlpha);
  }

  /** Temperatures of tokens alone. */
  public SelectiveOptions byTokenOnly() {
    return new SelectiveOptions(
        token, Optional.empty(), onQueries, onValues, onKeys, false, firstAlpha);
  }

  /** These on other sides. */
  public SelectiveOptions on(boolean queries, boolean values, boolean keys) {
    return new SelectiveOptions(
        token, position, queries, values, keys, positionOnValues, firstAlpha);
  }

  /** These, with the position's part on values too. */
  public SelectiveOptions withPositionOnValues() {
    return new SelectiveOptions(token, position, onQueries, onValues, onKeys, true, firstAlpha);
  }

  /** These with another beginning of alpha, a finite number. */
  public SelectiveOptions withFirstAlpha(double alpha) {
    return new SelectiveOptions(
        token, position, onQueries, onValues, onKeys, positionOnValues, OptionalDouble.of(alpha));
  }
}
