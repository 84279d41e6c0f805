package io.steelyard.bench.elementary;

import io.steelyard.bench.rows.Rows;
import io.steelyard.kernels.elementary.Erf;
import io.steelyard.kernels.elementary.Exp;
import io.steelyard.kernels.elementary.Log;
import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.elementary.Tanh;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Locale;

/** The elementary functions of this suite; the names of the peer's archives follow theirs. */
public enum ElementaryFunction {
  EXP,
  LOG,
  SIGMOID,
  SOFTPLUS,
  TANH,
  ERF;

  /** As in case names. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  void apply(Tensor x, Tensor y, int threads) {
    switch (this) {
      case EXP -> Exp.apply(x, y, threads);
      case LOG -> Log.apply(x, y, threads);
      case SIGMOID -> Sigmoid.apply(x, y, threads);
      case SOFTPLUS -> Softplus.apply(x, y, threads);
      case TANH -> Tanh.apply(x, y, threads);
      case ERF -> Erf.apply(x, y, threads);
    }
  }

  /** Arguments in (-10, 10), above 0 for the logarithm. */
  float[] arguments(int count) {
    final float[] x = new Rows(1, count).scores();
    if (this == LOG) {
      for (int i = 0; i < x.length; i++) {
        x[i] = Math.abs(x[i]) + 1e-3f;
      }
    }
    return x;
  }

  double of(double x) {
    return switch (this) {
      case EXP -> Exp.of(x);
      case LOG -> Log.of(x);
      case SIGMOID -> Sigmoid.of(x);
      case SOFTPLUS -> Softplus.of(x);
      case TANH -> Tanh.of(x);
      case ERF -> Erf.of(x);
    };
  }
}
