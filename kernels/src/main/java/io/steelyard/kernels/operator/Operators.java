package io.steelyard.kernels.operator;

import io.steelyard.kernels.attention.FixedFeatureAttention;
import io.steelyard.kernels.attention.GaussianAttention;
import io.steelyard.kernels.attention.KroneckerAttention;
import io.steelyard.kernels.attention.KroneckerAttentionPolynomial;
import io.steelyard.kernels.attention.ReweightedSoftplusAttention;
import io.steelyard.kernels.attention.SelectiveAttention;
import io.steelyard.kernels.attention.SigmoidAttention;
import io.steelyard.kernels.attention.SoftAttention;
import io.steelyard.kernels.attention.SoftPlusPlusAttention;
import io.steelyard.kernels.attention.SoftmaxAttention;
import io.steelyard.kernels.attention.SoftplusAttention;
import io.steelyard.kernels.dense.Sgemm;
import io.steelyard.kernels.detection.CocoAp;
import io.steelyard.kernels.detection.Nms;
import io.steelyard.kernels.detection.SoftNms;
import io.steelyard.kernels.detection.VocAp;
import io.steelyard.kernels.doublystochastic.QrDoublyStochastic;
import io.steelyard.kernels.doublystochastic.QuantumDoublyStochastic;
import io.steelyard.kernels.doublystochastic.Sinkhorn;
import io.steelyard.kernels.elementary.Erf;
import io.steelyard.kernels.elementary.Exp;
import io.steelyard.kernels.elementary.Log;
import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.elementary.Tanh;
import io.steelyard.kernels.gating.ActivationGate;
import io.steelyard.kernels.gating.DenseToSparseGate;
import io.steelyard.kernels.gating.TopKGate;
import io.steelyard.kernels.head.FourierDensity;
import io.steelyard.kernels.head.FourierDistribution;
import io.steelyard.kernels.head.FourierQuantile;
import io.steelyard.kernels.head.NearestBasisVector;
import io.steelyard.kernels.head.NormalizedSoftmax;
import io.steelyard.kernels.head.Sdm;
import io.steelyard.kernels.head.SdmMatches;
import io.steelyard.kernels.loss.CompSumLoss;
import io.steelyard.kernels.loss.CrossEntropy;
import io.steelyard.kernels.loss.DecoupledSoftmaxLoss;
import io.steelyard.kernels.loss.HingeLoss;
import io.steelyard.kernels.loss.InfoNceLoss;
import io.steelyard.kernels.loss.SoftTopK;
import io.steelyard.kernels.loss.SoftTopKLoss;
import io.steelyard.kernels.normaliser.BiasedSigmoid;
import io.steelyard.kernels.normaliser.SoftplusL1;
import io.steelyard.kernels.normaliser.SoftplusL1Reweighted;
import io.steelyard.kernels.recurrent.SelectiveScan;
import io.steelyard.kernels.retrieval.TopKInnerProducts;
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
          Entmax.OPERATOR,
          Sinkhorn.OPERATOR,
          QrDoublyStochastic.OPERATOR,
          QuantumDoublyStochastic.OPERATOR,
          Exp.OPERATOR,
          Log.OPERATOR,
          Sigmoid.OPERATOR,
          Softplus.OPERATOR,
          Tanh.OPERATOR,
          Erf.OPERATOR,
          SoftmaxAttention.OPERATOR,
          SigmoidAttention.OPERATOR,
          SoftplusAttention.OPERATOR,
          ReweightedSoftplusAttention.OPERATOR,
          SelectiveAttention.OPERATOR,
          GaussianAttention.OPERATOR,
          SoftAttention.OPERATOR,
          SoftPlusPlusAttention.OPERATOR,
          KroneckerAttention.OPERATOR,
          KroneckerAttentionPolynomial.OPERATOR,
          FixedFeatureAttention.OPERATOR,
          SelectiveScan.OPERATOR,
          TopKGate.OPERATOR,
          DenseToSparseGate.OPERATOR,
          ActivationGate.OPERATOR,
          CrossEntropy.OPERATOR,
          HingeLoss.OPERATOR,
          CompSumLoss.OPERATOR,
          DecoupledSoftmaxLoss.OPERATOR,
          InfoNceLoss.OPERATOR,
          SoftTopKLoss.OPERATOR,
          SoftTopK.OPERATOR,
          FourierDensity.OPERATOR,
          FourierDistribution.OPERATOR,
          FourierQuantile.OPERATOR,
          NearestBasisVector.OPERATOR,
          NormalizedSoftmax.OPERATOR,
          Sdm.OPERATOR,
          SdmMatches.OPERATOR,
          TopKInnerProducts.OPERATOR,
          Nms.OPERATOR,
          SoftNms.OPERATOR,
          CocoAp.OPERATOR,
          VocAp.OPERATOR,
          Sgemm.OPERATOR);

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
