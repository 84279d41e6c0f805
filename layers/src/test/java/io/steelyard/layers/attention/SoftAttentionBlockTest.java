package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.LandmarkInverse;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.attention.SoftOptions.Landmarks;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Scalars;
import java.util.Optional;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SoftAttentionBlockTest {

  /** The gradient is that of the exact inverse, so what is differentiated has to be near it. */
  private static final LandmarkInverse CONVERGED = new LandmarkInverse.Newton(60, 0.05);

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
      return Attention.soft(SoftOptions.of(1).with(CONVERGED));
    }
  }

  @Nested
  class SoftPlusPlusWithValues extends OnAGrid {
    @Override
    Attention attention() {
      return Attention.soft(
          SoftOptions.of(1).normalizedByDegrees().withValueKernel(3).with(CONVERGED));
    }

    @Override
    boolean isEquivariant() {
      return false;
    }
  }

  @Nested
  class MeansAndTheExactInverse extends OnAGrid {
    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).on(new Grid(1, 6));
    }

    @Override
    Attention attention() {
      return Attention.soft(
          SoftOptions.of(1).with(Landmarks.MEAN).with(new LandmarkInverse.Cholesky(0.01)));
    }
  }

  private static SoftAttentionBlock block(SoftOptions options, int depth, Grid grid) {
    return new SoftAttentionBlock(
        options,
        new AttentionShape(depth, 1, depth, 1, grid.tokens(), Optional.of(grid), new Random(1)));
  }

  private NDArray array(Shape shape, double... values) {
    return manager.create(values, shape);
  }

  private NDArray normal(long seed, Shape shape) {
    final RandomGenerator random = new Random(seed);
    final double[] values = new double[Math.toIntExact(shape.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextGaussian();
    }
    return manager.create(values, shape);
  }

  @Test
  void goldenInverseAndItsGradient() {
    final double near = 0.6065306597126334;
    final double far = 0.2865047968601901;
    final NDArray a = array(new Shape(3, 3), 1, near, far, near, 1, far, far, far, 1);
    final NDArray g = array(new Shape(3, 3), 1, 0, 0, 0, 0, 2, 0, -1, 0);
    assertThat(SoftAttentionBlock.inverse(a, LandmarkInverse.NEWTON).toDoubleArray())
        .containsExactly(
            new double[] {
              1.583133777, -0.8953692966, -0.1950968542,
              -0.8953692966, 1.583133777, -0.1950968542,
              -0.1950968542, -0.1950968542, 1.100784524
            },
            within(1e-9));
    final double[][] gradients =
        Gradients.analytic(
            arrays ->
                SoftAttentionBlock.inverse(arrays.get(0), LandmarkInverse.NEWTON).mul(g).sum(),
            new NDList(a));
    assertThat(gradients[0])
        .containsExactly(
            new double[] {
              -2.680996289, 0.7592574905, 2.318144532,
              2.209901949, -0.4928217577, -3.621999273,
              -0.7528698103, 1.491879863, 0.1766968152
            },
            within(1e-9));
    assertThat(
            SoftAttentionBlock.inverse(a, new LandmarkInverse.Cholesky(0.01))
                .sub(SoftAttentionBlock.inverse(a, LandmarkInverse.NEWTON))
                .abs()
                .max()
                .getDouble())
        .isLessThan(1e-8);
  }

  @Test
  void goldenOutputs() {
    final NDArray q = array(new Shape(1, 1, 4, 2), 1, -1, .5, .2, -.3, .8, 2, 0);
    final NDArray scaled = Scalars.mul(q, Math.pow(2, -0.25));
    final NDArray v = array(new Shape(1, 1, 4, 1), 1, 2, 3, 4);
    final NDArray l = array(new Shape(1, 1, 2, 2), .5, -.5, 0, 1);
    final SoftOptions options = SoftOptions.of(1);
    final Grid grid = new Grid(2, 2);
    assertThat(block(options, 2, grid).through(scaled, l, v).toDoubleArray())
        .containsExactly(
            new double[] {4.30871259, 5.717519538, 4.848238545, 2.41732722}, within(1e-8));
    assertThat(block(options.normalizedByDegrees(), 2, grid).through(scaled, l, v).toDoubleArray())
        .containsExactly(
            new double[] {3.349161698, 4.444227143, 3.768535148, 1.878988113}, within(1e-8));
    final double[] exact = {4.597614096, 6.436825853, 5.070876354, 5.751738547};
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(
              new GaussianAttentionBlock()
                  .forward(store, new NDList(q, v), training)
                  .singletonOrThrow()
                  .toDoubleArray())
          .containsExactly(exact, within(1e-8));
    }
    // With the queries themselves as landmarks and no ridge it is exact.
    assertThat(
            block(options.with(new LandmarkInverse.Cholesky(0)), 2, grid)
                .through(scaled, scaled, v)
                .toDoubleArray())
        .containsExactly(exact, within(1e-8));
  }

  @Test
  void landmarksFarApartMakeBothTheSame() {
    final NDArray q = normal(3, new Shape(2, 1, 4, 2));
    final NDArray v = normal(4, new Shape(2, 1, 4, 3));
    final NDArray l = array(new Shape(1, 1, 2, 2), 9, 9, -9, -9).broadcast(new Shape(2, 1, 2, 2));
    final Grid grid = new Grid(2, 2);
    AttentionContract.close(
        block(SoftOptions.of(1).normalizedByDegrees(), 2, grid).through(q, l, v),
        block(SoftOptions.of(1), 2, grid).through(q, l, v),
        1e-14);
  }

  /** Two heads of four features on a grid of 4 x 4. */
  private MultiHeadAttention initialized(SoftOptions options, DataType type) {
    final MultiHeadAttention attention =
        new MultiHeadAttention(
            MultiHeadOptions.of(8, 2, 16, Attention.soft(options), new Random(1))
                .on(new Grid(4, 4)));
    attention.initialize(manager, type, new Shape(3, 16, 8));
    return attention;
  }

  @Test
  void kernelEqualsComposedFormWithPatches() {
    for (final Landmarks landmarks : Landmarks.values()) {
      final SoftOptions options = SoftOptions.of(2).with(landmarks).withValueKernel(5);
      for (final SoftOptions each : new SoftOptions[] {options, options.normalizedByDegrees()}) {
        for (final DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
          final MultiHeadAttention attention = initialized(each, type);
          final NDArray x = normal(3, new Shape(3, 16, 8)).toType(type, false);
          AttentionContract.close(
              attention.attend(store, x, Visibility.all(), false),
              attention.attend(store, x, Visibility.all(), true),
              type == DataType.FLOAT64 ? 1e-10 : 2e-5);
        }
      }
    }
  }

  /** All landmarks are one: A has rank 1, and its inverse is damped. */
  @Test
  void landmarksThatCoincideGiveNumbers() {
    final MultiHeadAttention attention = initialized(SoftOptions.of(1), DataType.FLOAT32);
    final NDArray x = manager.ones(new Shape(3, 16, 8));
    x.setRequiresGradient(true);
    try (var collector = Libtorch.engine().newGradientCollector()) {
      final NDArray y = attention.attend(store, x, Visibility.all(), true);
      assertThat(y.isInfinite().any().getBoolean() || y.isNaN().any().getBoolean()).isFalse();
      collector.backward(y.sum());
    }
    assertThat(x.getGradient().isNaN().any().getBoolean()).isFalse();
  }

  @Test
  void meansOfPatches() {
    final SoftAttentionBlock block =
        block(SoftOptions.of(2).with(Landmarks.MEAN), 3, new Grid(2, 4));
    final NDArray q = normal(5, new Shape(1, 1, 8, 3));
    final NDArray v = normal(6, new Shape(1, 1, 8, 2));
    final double scale = Math.pow(3, -0.25);
    final double[] rows = Scalars.mul(q, scale).toDoubleArray();
    final double[] means = new double[6];
    for (int t = 0; t < 8; t++) {
      for (int c = 0; c < 3; c++) {
        means[t % 4 / 2 * 3 + c] += rows[t * 3 + c] / 4;
      }
    }
    AttentionContract.close(
        block.forward(store, new NDList(q, v), true).singletonOrThrow(),
        block.through(Scalars.mul(q, scale), array(new Shape(1, 1, 2, 3), means), v),
        1e-13);
  }

  @Test
  void valuesAreConvolved() {
    final MultiHeadAttention with =
        initialized(SoftOptions.of(2).withValueKernel(3), DataType.FLOAT64);
    final AttentionBlock block = with.attention();
    final NDArray q = normal(5, new Shape(2, 2, 16, 4));
    final NDArray v = normal(6, new Shape(2, 2, 16, 4));
    final Parameter parameter = block.getDirectParameters().get("value.weight");
    final double[] weight = parameter.getArray().toDoubleArray();
    final double[] values = v.toDoubleArray();
    final NDArray o = block.forward(store, new NDList(q, v), true).singletonOrThrow();
    parameter.getArray().set(new double[weight.length]);
    final NDArray plain = block.forward(store, new NDList(q, v), true).singletonOrThrow();
    final double[] added = o.sub(plain).toDoubleArray();
    for (int i = 0; i < added.length; i++) {
      final int c = i % 4;
      final int t = i / 4 % 16;
      final int h = i / 64;
      double sum = 0;
      for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
          final int row = t / 4 + dy;
          final int column = t % 4 + dx;
          if (row >= 0 && row < 4 && column >= 0 && column < 4) {
            sum +=
                weight[h % 2 * 9 + (dy + 1) * 3 + dx + 1]
                    * values[(h * 16 + row * 4 + column) * 4 + c];
          }
        }
      }
      assertThat(added[i]).as("output " + i).isCloseTo(sum, within(1e-12));
    }
  }

  @Test
  void imagesMayHaveAnotherSize() {
    final MultiHeadAttention attention =
        initialized(SoftOptions.of(2).withValueKernel(3), DataType.FLOAT64);
    final NDArray x = normal(3, new Shape(1, 24, 8));
    final Grid grid = new Grid(4, 6);
    AttentionContract.close(
        attention.attend(store, x, grid, false), attention.attend(store, x, grid, true), 1e-10);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> attention.attend(store, x, new Grid(3, 8), false))
        .withMessage("stride is 2; expected a divisor of both sides of Grid[height=3, width=8]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> attention.attend(store, x, new Grid(4, 4), false))
        .withMessage("tokens are 24; expected 16 for Grid[height=4, width=4]");
  }

  @Test
  void whatItCannotDoIsSaid() {
    final MultiHeadAttention attention = initialized(SoftOptions.of(2), DataType.FLOAT32);
    final NDArray x = manager.ones(new Shape(1, 16, 8));
    for (final boolean training : new boolean[] {false, true}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> attention.attend(store, x, Visibility.ofThePast(), training))
          .withMessageContaining("visibility hides or shifts");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  attention.forward(
                      store,
                      new NDList(x, manager.ones(new Shape(1, 16), DataType.BOOLEAN)),
                      training))
          .withMessageContaining("visibility hides or shifts");
    }
    assertThatIllegalStateException()
        .isThrownBy(() -> attention.cross(store, x, x, Visibility.all(), false))
        .withMessageContaining("SoftAttentionBlock has no queries beside its keys");
    assertThatIllegalStateException()
        .isThrownBy(() -> attention.decode(store, x, new KeyValueCache(manager)))
        .withMessageContaining("SoftAttentionBlock has no queries beside its keys");
    final MultiHeadOptions options =
        MultiHeadOptions.of(8, 2, 6, Attention.soft(2), new Random(1)).on(new Grid(2, 3));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MultiHeadAttention(options))
        .withMessage("stride is 2; expected a divisor of both sides of Grid[height=2, width=3]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MultiHeadAttention(options.on(new Grid(2, 2)).withKeyHeads(1)))
        .withMessageContaining("keyHeads is 1; expected 2");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new MultiHeadAttention(
                    MultiHeadOptions.of(8, 2, 6, Attention.soft(2), new Random(1))))
        .withMessageContaining("grid is absent");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SoftOptions.of(0))
        .withMessage("stride is 0; expected 1 or more");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SoftOptions.of(1).withValueKernel(2))
        .withMessage("valueKernel is 2; expected an odd number, or 0 for none");
  }
}
