package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.LandmarkInverse;
import io.steelyard.kernels.doublystochastic.SinkhornOptions;
import io.steelyard.layers.engine.Libtorch;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class OtherAttentionBlocksTest {

  /** The gradient is that of the exact inverse, so what is differentiated has to be near it. */
  private static final LandmarkInverse.Newton CONVERGED = new LandmarkInverse.Newton(60, 0.05);

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

  /** Attention of a grid, in which tokens have places. */
  abstract static class OnAGrid extends AttentionContract {
    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).on(new Grid(2, 3));
    }

    @Override
    boolean isCausal() {
      return false;
    }

    @Override
    boolean takesPadding() {
      return false;
    }

    @Override
    double toleranceInDouble() {
      return 1e-11;
    }
  }

  @Nested
  class Soft extends OnAGrid {
    @Override
    Attention attention() {
      return shape -> new SoftAttentionBlock(1, false, CONVERGED, shape);
    }
  }

  @Nested
  class SoftPlusPlus extends OnAGrid {
    @Override
    Attention attention() {
      return shape -> new SoftAttentionBlock(1, true, CONVERGED, shape);
    }
  }

  @Nested
  class DoublyStochastic extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> new SinkhornAttentionBlock(SinkhornOptions.defaults().withIterations(5));
    }

    @Override
    boolean isCausal() {
      return false;
    }

    @Override
    boolean takesPadding() {
      return false;
    }
  }

  @Test
  void landmarksOfPatches() {
    try (NDManager manager = Libtorch.newManager()) {
      final MultiHeadAttention block =
          new MultiHeadAttention(
              MultiHeadOptions.of(8, 2, 16, Attention.soft(2), new Random(1)).on(new Grid(4, 4)));
      final Shape tokens = new Shape(3, 16, 8);
      block.initialize(manager, DataType.FLOAT64, tokens);
      final NDArray x = manager.create(new Random(3).doubles(384, -1, 1).toArray(), tokens);
      final ParameterStore store = new ParameterStore(manager, false);
      assertThat(block.attend(store, x, Visibility.all(), false).toDoubleArray())
          .containsExactly(
              block.attend(store, x, Visibility.all(), true).toDoubleArray(), within(1e-10));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.attend(store, x, Visibility.ofThePast(), false))
          .withMessageContaining("visibility hides or shifts");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new MultiHeadAttention(
                    MultiHeadOptions.of(8, 2, 6, Attention.soft(2), new Random(1))
                        .on(new Grid(2, 3))))
        .withMessage("stride is 2; expected a divisor of both sides of Grid[height=2, width=3]");
  }

  @Test
  void rowsAndColumnsOfSinkhornSumToOne() {
    try (NDManager manager = Libtorch.newManager()) {
      final Shape shape = new Shape(1, 1, 5, 3);
      final NDArray q = manager.create(new Random(3).doubles(15, -1, 1).toArray(), shape);
      final NDArray ones = manager.ones(new Shape(1, 1, 5, 1), DataType.FLOAT64);
      final AttentionBlock block =
          new SinkhornAttentionBlock(SinkhornOptions.defaults().withIterations(101));
      final NDArray o =
          block
              .forward(new ParameterStore(manager, false), new NDList(q, q.mul(-2), ones), true)
              .singletonOrThrow();
      assertThat(o.toDoubleArray()).containsOnly(new double[] {1}, within(1e-12));
    }
  }
}
