package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.doublystochastic.SinkhornOptions;
import io.steelyard.layers.engine.Libtorch;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

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
