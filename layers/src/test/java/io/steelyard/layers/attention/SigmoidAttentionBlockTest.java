package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.attention.SigmoidOptions.Divisor;
import io.steelyard.layers.tensor.Scalars;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SigmoidAttentionBlockTest extends AttentionContract {

  @Nested
  class DividedByRoots extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.sigmoid(
          SigmoidOptions.forLength(TOKENS).dividedBy(Divisor.ROOT).withTemperature(0.3));
    }
  }

  @Nested
  class DividedByCounts extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.sigmoid(SigmoidOptions.of(0.5).dividedBy(Divisor.COUNT));
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).withKeyHeads(1).withAlibi();
    }

    @Override
    boolean isEquivariant() {
      return false;
    }
  }

  @Nested
  class WithBiasesOfLengths extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.sigmoid(SigmoidOptions.ofLengths().withTemperature(-0.5));
    }
  }

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

  private double[] outputs(SigmoidOptions options, Visibility visibility, boolean training) {
    final Map<String, Projection> qkv =
        Map.of(
            "q", new Projection(rows(1, 0, 0, 2, -1, 1), false),
            "k", new Projection(rows(.5, .5, 1, -1, 2, 0), false),
            "v", new Projection(rows(1, 0, 0, 1, 2, -1), false));
    final AttentionCall call =
        new AttentionCall(Optional.empty(), qkv, visibility, Optional.empty(), Optional.empty());
    return new SigmoidAttentionBlock(options).attend(store, call, training).toDoubleArray();
  }

  @Test
  void goldenCaseWithAlibiCausally() {
    final Visibility visibility =
        Visibility.ofThePast().withSlopes(manager.create(new double[] {.5}));
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(outputs(SigmoidOptions.of(-1), visibility, training))
          .containsExactly(
              new double[] {
                0.3437907319, 0, 0.3115477771, 0.08209524293, 0.2833934079, -0.03063985101
              },
              within(1e-9));
    }
  }

  @Test
  void rowsAreDividedByTheirNumber() {
    final SigmoidOptions options = SigmoidOptions.of(-0.5);
    for (final boolean training : new boolean[] {false, true}) {
      final double[] plain = outputs(options, Visibility.ofThePast(), training);
      final double[] means =
          outputs(options.dividedBy(Divisor.COUNT), Visibility.ofThePast(), training);
      final double[] roots =
          outputs(options.dividedBy(Divisor.ROOT), Visibility.ofThePast(), training);
      final double[] all = outputs(options.dividedBy(Divisor.COUNT), Visibility.all(), training);
      final double[] sums = outputs(options, Visibility.all(), training);
      for (int i = 0; i < plain.length; i++) {
        final int row = i / 2 + 1;
        assertThat(means[i]).isCloseTo(plain[i] / row, within(1e-15));
        assertThat(roots[i]).isCloseTo(plain[i] / Math.sqrt(row), within(1e-15));
        assertThat(all[i]).isCloseTo(sums[i] / 3, within(1e-15));
      }
    }
  }

  @Test
  void aBiasOfLengthsIsTheConstantOneOfEachRow() {
    final Visibility hidden =
        Visibility.all()
            .withBias(
                manager.create(
                    new double[] {0, Double.NEGATIVE_INFINITY, .5}, new Shape(1, 1, 1, 3)));
    for (final boolean training : new boolean[] {false, true}) {
      final double[] lengths =
          outputs(SigmoidOptions.ofLengths(), Visibility.ofThePast(), training);
      for (int row = 0; row < 3; row++) {
        final double[] constant =
            outputs(SigmoidOptions.forLength(row + 1), Visibility.ofThePast(), training);
        assertThat(lengths[2 * row]).isCloseTo(constant[2 * row], within(1e-15));
      }
      assertThat(outputs(SigmoidOptions.ofLengths(), hidden, training))
          .containsExactly(outputs(SigmoidOptions.forLength(2), hidden, training), within(1e-15));
    }
  }

  @Test
  void aTemperatureMultipliesQueries() {
    final NDList qkv =
        new NDList(rows(1, 0, 0, 2, -1, 1), rows(.5, .5, 1, -1, 2, 0), rows(1, 0, 0, 1, 2, -1));
    final NDList warmer = new NDList(Scalars.mul(qkv.get(0), Math.E), qkv.get(1), qkv.get(2));
    final SigmoidOptions options = SigmoidOptions.forLength(3);
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(
              new SigmoidAttentionBlock(options.withTemperature(1))
                  .forward(store, qkv, training)
                  .singletonOrThrow()
                  .toDoubleArray())
          .containsExactly(
              new SigmoidAttentionBlock(options)
                  .forward(store, warmer, training)
                  .singletonOrThrow()
                  .toDoubleArray(),
              within(1e-15));
    }
  }

  @Test
  void aQueryThatSeesNothingGivesZerosWhateverItIsDividedBy() {
    final Visibility none = Visibility.ofKeys(manager.create(new boolean[3], new Shape(1, 3)));
    for (final boolean training : new boolean[] {false, true}) {
      for (final Divisor divisor : Divisor.values()) {
        assertThat(outputs(SigmoidOptions.ofLengths().dividedBy(divisor), none, training))
            .containsOnly(0);
      }
    }
  }

  @Test
  void biasIsFiniteAndLengthsPositive() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SigmoidOptions.of(0).withTemperature(1000))
        .withMessage("t is 1000.0; expected a number with a finite exp(t)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SigmoidAttentionBlock(Double.NaN))
        .withMessage("b is NaN; expected a finite number");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SigmoidAttentionBlock.forLength(0))
        .withMessage("n is 0; expected 1 or more");
  }
}
