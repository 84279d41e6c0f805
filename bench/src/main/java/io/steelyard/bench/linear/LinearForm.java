package io.steelyard.bench.linear;

import io.steelyard.kernels.linear.FeatureMap;
import io.steelyard.kernels.linear.LinearAttention;
import io.steelyard.kernels.linear.LinearOptions;
import io.steelyard.kernels.linear.LinearState;
import io.steelyard.kernels.linear.MalaAttention;
import io.steelyard.kernels.linear.MalaScale;
import io.steelyard.kernels.linear.NalaAttention;
import io.steelyard.kernels.linear.NalaForm;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/** The linear attentions of this suite. */
public enum LinearForm {
  LINEAR("linear-attention"),
  MALA("mala-attention"),
  NALA("nala-attention");

  static final double EPS = 1e-6;

  private final String label;

  LinearForm(String label) {
    this.label = label;
  }

  /** As in case names. */
  String label() {
    return label;
  }

  void apply(Tensor q, Tensor k, Tensor v, Tensor o, LinearOptions options) {
    switch (this) {
      case LINEAR -> LinearAttention.apply(q, k, v, o, FeatureMap.ELU1, options);
      case MALA -> MalaAttention.apply(q, k, v, o, FeatureMap.ELU1, MalaScale.MEAN, options);
      case NALA -> NalaAttention.apply(q, k, v, o, NalaForm.SPLIT, options);
    }
  }

  LinearState newState(DType dtype, LinearState.Shape shape) {
    return switch (this) {
      case LINEAR -> LinearAttention.newState(dtype, shape, FeatureMap.ELU1, EPS);
      case MALA -> MalaAttention.newState(dtype, shape, FeatureMap.ELU1, MalaScale.MEAN, EPS);
      case NALA -> NalaAttention.newState(dtype, shape, NalaForm.SPLIT, EPS);
    };
  }
}
