package io.steelyard.bench.model;

import io.steelyard.kernels.doublystochastic.SinkhornOptions;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.CircuitOptions;
import io.steelyard.layers.attention.NormSoftmaxAttentionBlock;
import io.steelyard.layers.attention.SelectiveOptions;

/** An attention within the encoder that is trained, in the form its paper proposes. */
public enum EncoderAttention {
  SOFTMAX("softmax"),
  SIGMOID("sigmoid"),
  SELECTIVE("selective"),
  SOFTPLUS("softplus"),
  REWEIGHTED_SOFTPLUS("re-weighted softplus"),
  LINEAR("linear"),
  NORMALISED("normalised"),
  MALA("MALA"),
  NALA("NaLa"),
  GAUSSIAN("Gaussian"),
  SOFT("SOFT, stride 4"),
  SOFT_PLUS_PLUS("SOFT++, stride 4"),
  NORM_SOFTMAX("NormSoftmax"),
  SINKHORN("Sinkhorn, K = 3"),
  QR("QR"),
  CIRCUIT("circuit of 6 qubits, 2 layers", 64),
  KRONECKER("Kronecker", 64);

  private final String label;
  private final int mostTokens;

  EncoderAttention(String label) {
    this(label, Integer.MAX_VALUE);
  }

  EncoderAttention(String label, int mostTokens) {
    this.label = label;
    this.mostTokens = mostTokens;
  }

  /** In words. */
  String label() {
    return label;
  }

  /** What a layer is given. */
  Attention attention() {
    return switch (this) {
      case SOFTMAX -> Attention.softmax();
      case SIGMOID -> Attention.sigmoid();
      case SELECTIVE -> Attention.selective(SelectiveOptions.defaults());
      case SOFTPLUS -> Attention.softplus();
      case REWEIGHTED_SOFTPLUS -> Attention.reweightedSoftplus();
      case LINEAR -> Attention.linear();
      case NORMALISED -> Attention.normalised();
      case MALA -> Attention.mala();
      case NALA -> Attention.nala();
      case GAUSSIAN -> Attention.gaussian();
      case SOFT -> Attention.soft(4);
      case SOFT_PLUS_PLUS -> Attention.softPlusPlus(4);
      case NORM_SOFTMAX -> Attention.normSoftmax(NormSoftmaxAttentionBlock.Spread.DEVIATION);
      case SINKHORN -> Attention.sinkhorn(SinkhornOptions.defaults().withIterations(3));
      case QR -> Attention.qr();
      case CIRCUIT -> Attention.quantum(new CircuitOptions(6, 2, true));
      case KRONECKER -> Attention.kronecker();
    };
  }

  /** Whether it can be trained on so many tokens within this machine's patience. */
  boolean takes(int tokens) {
    return tokens <= mostTokens;
  }
}
