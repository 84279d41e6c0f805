package io.steelyard.layers.attention;

import io.steelyard.kernels.attention.Reweighting;
import java.util.Optional;

/**
 * Which attention a {@link SoftplusAttentionBlock} is: LSSA, LSSAR or what they were compared with.
 *
 * @param map from scores to weights that are not negative
 * @param normalized whether weights are divided by their sum
 * @param scale what cosines are multiplied by
 * @param reweighting of normalised weights; empty for none
 */
public record SoftplusOptions(
    Map map, boolean normalized, Scale scale, Optional<Reweighting> reweighting) {

  private static final SoftplusOptions DEFAULTS =
      new SoftplusOptions(Map.SOFTPLUS, true, Scale.LENGTH, Optional.empty());

  /** A function of each score. */
  public enum Map {
    /** {@code ln(1 + e^s)}. */
    SOFTPLUS,
    /** {@code e^s}: normalised, it is softmax. */
    EXP,
    /** {@code 1 / (1 + e^-s)}. */
    SIGMOID,
    /**
     * {@code max(0, s)}. A query without a score above 0 gives zeros, and so does one that sees a
     * single key, whose length-scaled score is 0.
     */
    RELU,
    /** {@code max(0, s)^2}. */
    SQUARED_RELU
  }

  /** The factor of cosines. */
  public enum Scale {
    /** {@code ln D ln N_i}. */
    LENGTH,
    /** {@code 1 / sqrt(D)}. */
    ROOT
  }

  /** Checks that what is re-weighted is normalised: the threshold is the average weight. */
  public SoftplusOptions {
    if (reweighting.isPresent() && !normalized) {
      throw new IllegalArgumentException(
          "normalized is false; expected true before a re-weighting");
    }
  }

  /** Softplus of length-scaled cosines over its sum: LSSA. */
  public static SoftplusOptions defaults() {
    return DEFAULTS;
  }

  /** These with another map. */
  public SoftplusOptions with(Map newMap) {
    return new SoftplusOptions(newMap, normalized, scale, reweighting);
  }

  /** These with another scale. */
  public SoftplusOptions with(Scale newScale) {
    return new SoftplusOptions(map, normalized, newScale, reweighting);
  }

  /** These with a re-weighting. */
  public SoftplusOptions with(Reweighting newReweighting) {
    return new SoftplusOptions(map, normalized, scale, Optional.of(newReweighting));
  }

  /** These without sums. */
  public SoftplusOptions withoutSums() {
    return new SoftplusOptions(map, false, scale, reweighting);
  }
}
