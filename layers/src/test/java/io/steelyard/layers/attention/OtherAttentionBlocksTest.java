package io.steelyard.layers.attention;

import org.junit.jupiter.api.Nested;

class OtherAttentionBlocksTest {

  @Nested
  class Gaussian extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.gaussian();
    }

    /** Its queries are its keys, so a decoder has no use for it. */
    @Override
    boolean isDecodable() {
      return false;
    }
  }

  @Nested
  class Kronecker extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.kronecker();
    }
  }
}
