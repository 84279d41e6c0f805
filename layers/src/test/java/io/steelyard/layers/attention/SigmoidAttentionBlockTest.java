package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.Gradients;
import org.junit.jupiter.api.Test;

class SigmoidAttentionBlockTest extends AttentionContract {

  @Override
  Attention attention() {
    return Attention.sigmoid();
  }

  private NDArray rows(double... values) {
    return manager.create(values, new Shape(1, 1, 3, 2));
  }

  @Test
  void goldenCase() {
    final AttentionBlock block = SigmoidAttentionBlock.forLength(3);
    final NDList qkv =
        new NDList(rows(1, 0, 0, 2, -1, 1), rows(.5, .5, 1, -1, 2, 0), rows(1, 0, 0, 1, 2, -1));
    final double[] o = {1.478402647, -0.1748969434, 0.903354933, -0.1750360828, 0.3999278345, 0};
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(block.forward(store, qkv, training).singletonOrThrow().toDoubleArray())
          .containsExactly(o, within(1e-9));
    }
    final double[][] gradients =
        Gradients.analytic(
            arrays -> block.forward(store, arrays, true).singletonOrThrow().sum(), qkv);
    assertThat(gradients[0])
        .containsExactly(
            new double[] {
              0.5922394177, -0.09299849506, 0.3992849516, 0.03605221908, 0.2133927952, 0.01725741593
            },
            within(1e-9));
    assertThat(gradients[1])
        .containsExactly(
            new double[] {
              0.02176474394, 0.472926777, 0.121138283, 0.1471015344, 0.1234129838, 0.3141988878
            },
            within(1e-9));
    assertThat(gradients[2])
        .containsExactly(
            new double[] {
              0.9752538271, 0.9752538271, 0.5532827675, 0.5532827675, 0.9032157936, 0.9032157936
            },
            within(1e-9));
  }

  @Test
  void biasIsFiniteAndLengthsPositive() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SigmoidAttentionBlock(Double.NaN))
        .withMessage("b is NaN; expected a finite number");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SigmoidAttentionBlock.forLength(0))
        .withMessage("n is 0; expected 1 or more");
  }
}
