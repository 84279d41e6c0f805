package io.steelyard.kernels.operator;

import io.steelyard.kernels.elementary.Erf;
import io.steelyard.kernels.elementary.Exp;
import io.steelyard.kernels.elementary.Log;
import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.elementary.Tanh;
import io.steelyard.kernels.normaliser.BiasedSigmoid;
import io.steelyard.kernels.normaliser.SoftplusL1;
import io.steelyard.kernels.normaliser.SoftplusL1Reweighted;
import io.steelyard.kernels.softmax.LogSoftmax;
import io.steelyard.kernels.softmax.LogSumExp;
import io.steelyard.kernels.softmax.OnlineSoftmax;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.softmax.Softmax1;
import io.steelyard.kernels.softmax.TemperedSoftmax;
import io.steelyard.kernels.softmax.ThreePassSoftmax;
import io.steelyard.kernels.softmax.TwoPassSoftmax;
import io.steelyard.kernels.sparse.Entmax;
import io.steelyard.kernels.sparse.Entmax15;
import io.steelyard.kernels.sparse.Sparsemax;
import java.util.List;
import java.util.stream.Collectors;

/** The registry: every operator of this module, one line each. */
public final class Operators {

  private static final List<Operator> ALL =
      List.of(
          Exp.OPERATOR,
          Log.OPERATOR,
          Sigmoid.OPERATOR,
          Softplus.OPERATOR,
          Tanh.OPERATOR,
          Erf.OPERATOR,
          Softmax.OPERATOR,
          TwoPassSoftmax.OPERATOR,
          ThreePassSoftmax.OPERATOR,
          OnlineSoftmax.OPERATOR,
          LogSoftmax.OPERATOR,
          LogSumExp.OPERATOR,
          Softmax1.OPERATOR,
          TemperedSoftmax.OPERATOR,
          BiasedSigmoid.OPERATOR,
          SoftplusL1.OPERATOR,
          SoftplusL1Reweighted.OPERATOR,
          Sparsemax.OPERATOR,
          Entmax15.OPERATOR,
          Entmax.OPERATOR);

  private Operators() {}

  /** All operators, families together. */
  public static List<Operator> all() {
    return ALL;
  }

  /**
   * The operator with this name.
   *
   * @throws IllegalArgumentException if there is none; the message lists the names
   */
  public static Operator named(String name) {
    return ALL.stream()
        .filter(operator -> operator.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "operator is '"
                        + name
                        + "'; expected one of "
                        + ALL.stream().map(Operator::name).collect(Collectors.joining(", "))));
  }
}
