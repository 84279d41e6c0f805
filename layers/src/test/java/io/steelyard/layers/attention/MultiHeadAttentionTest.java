package io.steelyard.layers.attention;

import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;

/**
 * Positions, norms and grouped queries around an attention; the methods have tests of their own.
 */
class MultiHeadAttentionTest {

  @Nested
  class WithRotaryPositions extends AttentionContract {

    @Override
    Attention attention() {
      return Attention.softmax();
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).with(Rotary.line()).withNormalizedKeys();
    }

    @Override
    boolean isEquivariant() {
      return false;
    }
  }

  @Nested
  class WithAlibiAndGroupedQueries extends AttentionContract {

    @Override
    Attention attention() {
      return Attention.softmax();
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random)
          .withAlibi()
          .withKeyHeads(1)
          .withHeadWidths(3, 5)
          .withBiases(false, true);
    }

    @Override
    boolean isEquivariant() {
      return false;
    }
  }
}
