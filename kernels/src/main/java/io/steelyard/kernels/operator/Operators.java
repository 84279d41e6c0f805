package io.steelyard.kernels.operator;

import io.steelyard.kernels.detection.CocoAp;
import io.steelyard.kernels.detection.Nms;
import io.steelyard.kernels.detection.SoftNms;
import io.steelyard.kernels.detection.VocAp;
import io.steelyard.kernels.head.FourierDensity;
import io.steelyard.kernels.head.NearestBasisVector;
import io.steelyard.kernels.head.NormalizedSoftmax;
import io.steelyard.kernels.head.Sdm;
import io.steelyard.kernels.softmax.LogSoftmax;
import io.steelyard.kernels.softmax.LogSumExp;
import io.steelyard.kernels.softmax.OnlineSoftmax;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.softmax.ThreePassSoftmax;
import io.steelyard.kernels.softmax.TwoPassSoftmax;
import java.util.List;
import java.util.stream.Collectors;

/** The registry: every operator of this module, one line each. */
public final class Operators {

  private static final List<Operator> ALL =
      List.of(
          Softmax.OPERATOR,
          TwoPassSoftmax.OPERATOR,
          ThreePassSoftmax.OPERATOR,
          OnlineSoftmax.OPERATOR,
          LogSoftmax.OPERATOR,
          LogSumExp.OPERATOR,
          Nms.OPERATOR,
          SoftNms.OPERATOR,
          CocoAp.OPERATOR,
          VocAp.OPERATOR,
          FourierDensity.OPERATOR,
          NearestBasisVector.OPERATOR,
          NormalizedSoftmax.OPERATOR,
          Sdm.OPERATOR);

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
