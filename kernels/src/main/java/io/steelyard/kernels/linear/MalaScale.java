package io.steelyard.kernels.linear;

/** The factor c of the products of features in magnitude-aware linear attention. */
public enum MalaScale {
  /** {@code 1 / (sqrt(D) n)} for n keys in sight, as in the released code: T is a mean. */
  MEAN,
  /** {@code 1 / sqrt(D)}. */
  ROOT,
  /** 1, as in the paper's formula: T is a sum. */
  SUM;

  double factor(long keys, int depth) {
    final double root = Math.sqrt(Math.max(depth, 1));
    return switch (this) {
      case MEAN -> 1 / (root * keys);
      case ROOT -> 1 / root;
      case SUM -> 1;
    };
  }

  Readout readout() {
    return switch (this) {
      case MEAN -> Readout.MALA_MEAN;
      case ROOT -> Readout.MALA_ROOT;
      case SUM -> Readout.MALA_SUM;
    };
  }
}
