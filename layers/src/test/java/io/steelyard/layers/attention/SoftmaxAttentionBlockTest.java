package io.steelyard.layers.attention;

class SoftmaxAttentionBlockTest extends AttentionContract {

  @Override
  Attention attention() {
    return Attention.softmax();
  }
}
