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
import io.steelyard.kernels.attention.KroneckerPolynomialOptions;
import io.steelyard.kernels.attention.PolynomialBounds.Series;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Scalars;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class KroneckerAttentionBlocksTest {

  private NDManager manager;
  private ParameterStore store;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
    store = new ParameterStore(manager, false);
  }

  @AfterEach
  void close() {
    manager.close();
  }

  @Nested
  class Scaled extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> KroneckerAttentionBlock.scaled(0.7);
    }
  }

  /** Narrow heads, for which monomials are few; even degrees have positive sums. */
  abstract static class ByPolynomial extends AttentionContract {
    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).withHeadWidths(2, 4);
    }

    @Override
    boolean isCausal() {
      return false;
    }
  }

  @Nested
  class Taylor extends ByPolynomial {
    @Override
    Attention attention() {
      return Attention.kronecker(KroneckerPolynomialOptions.ofDegree(6).unchecked());
    }
  }

  @Nested
  class Chebyshev extends ByPolynomial {
    @Override
    Attention attention() {
      return Attention.kronecker(
          KroneckerPolynomialOptions.ofDegree(8)
              .withSeries(Series.CHEBYSHEV)
              .withRadius(6)
              .unchecked());
    }

    /** Powers beyond the radius cancel. */
    @Override
    double toleranceInDouble() {
      return 1e-11;
    }
  }

  @Nested
  class GroupedQueries extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.kronecker();
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).withKeyHeads(1);
    }
  }

  private NDArray rows(int width, double... values) {
    return manager.create(values, new Shape(1, 1, 2, width));
  }

  private NDList golden() {
    return new NDList(
        rows(2, 1, .5, -1, 2),
        rows(2, .5, 1, 1, -1),
        rows(2, 1, 2, .5, -.5),
        rows(1, 1, 2),
        rows(1, 1, -1));
  }

  @Test
  void goldenCase() {
    final KroneckerAttentionBlock block = new KroneckerAttentionBlock();
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(block.forward(store, golden(), training).head().toDoubleArray())
          .containsExactly(new double[] {0.03715317762621562, 0.36774683667824326}, within(1e-15));
    }
    final double[][] gradients =
        Gradients.analytic(arrays -> block.forward(store, arrays, true).head().sum(), golden());
    final double[][] expected = {
      {0.1113346746, -0.0729042551, 0.0163282467, 0.3823609902},
      {-0.0773340215, 1.2044540923, 0.1336734387, 0.4761842393},
      {0.1400318512, 0.4611191765, -0.0900508466, 0.3879370001},
      {0.8822013368, -0.2386506613},
      {1.5119660779, 1.1070660636}
    };
    for (int i = 0; i < expected.length; i++) {
      assertThat(gradients[i]).as("input " + i).containsExactly(expected[i], within(1e-10));
    }
  }

  @Test
  void goldenPolynomials() {
    golden(KroneckerPolynomialOptions.ofDegree(2), 0.025677603423680456, 0.5669687814702921);
    golden(KroneckerPolynomialOptions.ofDegree(6), 0.03714821263621433, 0.38604724618733993);
    golden(
        KroneckerPolynomialOptions.ofDegree(6).withSeries(Series.CHEBYSHEV).withRadius(2.5),
        0.03680672522621671,
        0.3679932286317235);
  }

  private void golden(KroneckerPolynomialOptions options, double... expected) {
    final AttentionBlock block = new KroneckerPolynomialAttentionBlock(options.unchecked());
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(block.forward(store, golden(), training).head().toDoubleArray())
          .containsExactly(expected, within(1e-13));
    }
  }

  private NDArray normal(long seed, double deviation, long... shape) {
    final Random random = new Random(seed);
    final Shape extents = new Shape(shape);
    final double[] values = new double[Math.toIntExact(extents.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = deviation * random.nextGaussian();
    }
    return manager.create(values, extents);
  }

  @Test
  void exchangingTheKindsChangesNothing() {
    final NDArray q = normal(1, 1, 1, 2, 3, 4);
    final NDArray k1 = normal(2, 1, 1, 2, 5, 4);
    final NDArray k2 = normal(3, 1, 1, 2, 4, 4);
    final NDArray v1 = normal(4, 1, 1, 2, 5, 2);
    final NDArray v2 = normal(5, 1, 1, 2, 4, 2);
    for (final AttentionBlock block :
        new AttentionBlock[] {
          new KroneckerAttentionBlock(),
          new KroneckerPolynomialAttentionBlock(KroneckerPolynomialOptions.ofDegree(4).unchecked())
        }) {
      for (final boolean training : new boolean[] {false, true}) {
        AttentionContract.close(
            block.forward(store, new NDList(q, k2, k1, v2, v1), training).head(),
            block.forward(store, new NDList(q, k1, k2, v1, v2), training).head(),
            1e-13);
      }
    }
  }

  @Test
  void onesAsTheSecondKindMakeSoftmaxAttention() {
    final NDArray q = normal(1, 1, 1, 2, 3, 4);
    final NDArray k = normal(2, 1, 1, 2, 5, 4);
    final NDArray v = normal(4, 1, 1, 2, 5, 4);
    final NDArray ones = manager.ones(k.getShape(), DataType.FLOAT64);
    AttentionContract.close(
        KroneckerAttentionBlock.scaled(0.5)
            .forward(store, new NDList(q, k, ones, v, ones), true)
            .head(),
        new SoftmaxAttentionBlock().forward(store, new NDList(q, k, v), true).head(),
        1e-14);
  }

  @Test
  void highDegreesAreNearTheExponential() {
    final NDList inputs =
        new NDList(
            normal(1, .5, 2, 2, 3, 3),
            normal(2, .5, 2, 2, 5, 3),
            normal(3, .5, 2, 2, 4, 3),
            normal(4, 1, 2, 2, 5, 2),
            normal(5, 1, 2, 2, 4, 2));
    final NDArray exact = new KroneckerAttentionBlock().forward(store, inputs, true).head();
    for (final Series series : Series.values()) {
      final AttentionBlock block =
          new KroneckerPolynomialAttentionBlock(
              KroneckerPolynomialOptions.ofDegree(14).withSeries(series));
      for (final boolean training : new boolean[] {false, true}) {
        AttentionContract.close(block.forward(store, inputs, training).head(), exact, 1e-8);
      }
    }
  }

  @Test
  void whatItCannotDoIsSaid() {
    final AttentionBlock checked =
        new KroneckerPolynomialAttentionBlock(KroneckerPolynomialOptions.ofDegree(2));
    final AttentionBlock narrow =
        new KroneckerPolynomialAttentionBlock(
            KroneckerPolynomialOptions.ofDegree(2).withRadius(0.1));
    final AttentionBlock negative =
        new KroneckerPolynomialAttentionBlock(KroneckerPolynomialOptions.ofDegree(1).unchecked());
    final NDList large = new NDList();
    golden().forEach(array -> large.add(Scalars.mul(array, -3)));
    for (final boolean training : new boolean[] {false, true}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> checked.forward(store, golden(), training))
          .withMessageContaining("degree is 2, at which weights may be off by ");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> narrow.forward(store, golden(), training))
          .withMessageContaining("radius is 0.1; expected at least ");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> negative.forward(store, large, training))
          .withMessageContaining("expected a degree at which it is above 0");
    }
    final MultiHeadAttention block =
        new MultiHeadAttention(
            MultiHeadOptions.of(
                4,
                2,
                3,
                Attention.kronecker(KroneckerPolynomialOptions.ofDegree(2)),
                new Random(1)));
    block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 4));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                block.attend(
                    store, manager.ones(new Shape(1, 3, 4)), Visibility.ofThePast(), false))
        .withMessageContaining("visibility differs between queries");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KroneckerAttentionBlock.scaled(Double.NaN))
        .withMessage("scale is NaN; expected a finite number");
  }
}
