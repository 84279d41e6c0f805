package io.steelyard.bench.model;

/** How the attention of a model is computed in a prediction. */
public enum Form {
  /** By the kernels, as everywhere where nothing is to be differentiated. */
  KERNELS,
  /** From DJL's operators, as in training. */
  COMPOSED
}
