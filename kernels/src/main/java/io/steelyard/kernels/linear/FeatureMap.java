package io.steelyard.kernels.linear;

/** A function of single numbers that makes features, none negative, of queries and keys. */
public enum FeatureMap {
  /** {@code x + 1} above 0, {@code e^x} below. */
  ELU1,
  /** {@code max(x, 0)}. */
  RELU,
  /** {@code e^x}; infinite from {@code x = 88.8} up in float32. */
  EXP;

  Features features() {
    return switch (this) {
      case ELU1 -> ElementFeatures.ELU1;
      case RELU -> ElementFeatures.RELU;
      case EXP -> ElementFeatures.EXP;
    };
  }

  double value(double x) {
    return switch (this) {
      case ELU1 -> x > 0 ? x + 1 : Math.exp(x);
      case RELU -> x < 0 ? 0 : x;
      case EXP -> Math.exp(x);
    };
  }

  /** The derivative, from the value alone. */
  double slope(double value) {
    return switch (this) {
      case ELU1 -> value > 1 ? 1 : value;
      case RELU -> value > 0 ? 1 : 0;
      case EXP -> value;
    };
  }
}
