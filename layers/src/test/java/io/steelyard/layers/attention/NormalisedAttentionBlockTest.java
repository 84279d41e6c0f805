package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.recurrent.SeparableAttention;
import io.steelyard.kernels.recurrent.SeparableAttention.Normaliser;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.ParameterFiles;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NormalisedAttentionBlockTest extends AttentionContract {

  @Nested
  class Softplus extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> new NormalisedAttentionBlock(Normaliser.SOFTPLUS, shape);
    }
  }

  @Nested
  class Sigmoid extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> new NormalisedAttentionBlock(Normaliser.SIGMOID, shape);
    }
  }

  @Override
  Attention attention() {
    return Attention.normalised();
  }

  private NDArray matrix(double... values) {
    return manager.create(values, new Shape(1, 1, 3, values.length / 3));
  }

  /** Outputs of a causal call whose {@code z} are the inputs themselves. */
  private NDArray attend(Normaliser normaliser, NDArray z, NDArray q, NDArray k, NDArray v) {
    final NormalisedAttentionBlock block =
        new NormalisedAttentionBlock(
            normaliser, new AttentionShape(1, 1, 2, 1, 3, Optional.empty(), random(1)));
    block.initialize(manager, DataType.FLOAT64, q.getShape(), k.getShape(), v.getShape());
    ParameterFiles.named(block).get("eta.weight").getArray().set(new double[] {1});
    ParameterFiles.named(block).get("eta.bias").getArray().set(new double[] {0});
    return block.attend(
        store,
        new AttentionCall(
            Optional.of(z),
            Map.of(
                "q", new Projection(q, false),
                "k", new Projection(k, false),
                "v", new Projection(v, false)),
            Visibility.ofThePast(),
            Optional.empty(),
            Optional.empty()),
        true);
  }

  @Test
  void golden() {
    final NDArray z = manager.create(new double[] {.1, .2, -.3}, new Shape(1, 3, 1));
    final NDArray o =
        attend(
            Normaliser.EXP,
            z,
            matrix(1, .5, -.5, 1, 0, 2),
            matrix(.5, -1, 1, 1, -1, .5),
            matrix(1, 2, -1));
    assertThat(o.toDoubleArray())
        .containsExactly(new double[] {0, -0.20468268826949554, 1.3498588075760032}, within(1e-12));
  }

  @ParameterizedTest
  @EnumSource(Normaliser.class)
  void theRecurrenceGivesTheSame(Normaliser normaliser) {
    final NDArray z = normal(1, DataType.FLOAT64, 1, 3, 1);
    final NDArray q = normal(2, DataType.FLOAT64, 1, 1, 3, 2);
    final NDArray k = normal(3, DataType.FLOAT64, 1, 1, 3, 2);
    final NDArray v = normal(4, DataType.FLOAT64, 1, 1, 3, 1);
    final double[] expected =
        SeparableAttention.normalised(
                NDArrayTensors.tensor(q.reshape(3, 2)),
                NDArrayTensors.tensor(k.reshape(3, 2)),
                NDArrayTensors.tensor(z.reshape(3)),
                normaliser)
            .system(1)
            .run(NDArrayTensors.tensor(v.reshape(3, 1)))
            .toDoubleArray();
    assertThat(attend(normaliser, z, q, k, v).toDoubleArray())
        .containsExactly(expected, within(1e-12));
  }

  @Test
  void withoutTheLayersInputThereIsNoNormaliser() {
    final NormalisedAttentionBlock block =
        new NormalisedAttentionBlock(
            Normaliser.EXP, new AttentionShape(1, 1, 2, 1, 3, Optional.empty(), random(1)));
    final NDArray q = matrix(1, 2, 3, 4, 5, 6);
    block.initialize(manager, DataType.FLOAT64, q.getShape(), q.getShape(), q.getShape());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> block.forward(store, new NDList(q, q, q), true))
        .withMessageStartingWith("x is absent");
  }
}
