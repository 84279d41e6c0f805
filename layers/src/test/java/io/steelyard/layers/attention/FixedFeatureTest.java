package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.training.loss.Loss;
import io.steelyard.kernels.attention.FixedFeatureOptions;
import io.steelyard.kernels.attention.FixedFeatureOptions.Activation;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class FixedFeatureTest {

  private static final FixedFeatureOptions RELU = FixedFeatureOptions.defaults();
  private static final FixedFeatureOptions SOFTMAX =
      RELU.withActivation(Activation.SOFTMAX).withMean(2);

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

  /** Scores come from tokens and not from projections, so pieces are of no use. */
  abstract static class OfTokens extends AttentionContract {
    @Override
    boolean isDecodable() {
      return false;
    }
  }

  @Nested
  class Relu extends OfTokens {
    @Override
    Attention attention() {
      return Attention.fixedFeatures(RELU);
    }
  }

  @Nested
  class SoftmaxWithMean extends OfTokens {
    @Override
    Attention attention() {
      return Attention.fixedFeatures(SOFTMAX);
    }
  }

  private FixedFeatureReadout readout(
      int width, int heads, int outputs, FixedFeatureOptions options, DataType type) {
    final FixedFeatureReadout readout =
        new FixedFeatureReadout(width, heads, outputs, options, new Random(5));
    readout.initialize(manager, type, new Shape(1, 2, width));
    return readout;
  }

  private static Parameter parameter(FixedFeatureReadout readout, String name) {
    return readout.getDirectParameters().get(name);
  }

  private NDArray normal(long seed, long... shape) {
    final Random random = new Random(seed);
    final Shape extents = new Shape(shape);
    final double[] values = new double[Math.toIntExact(extents.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextGaussian();
    }
    return manager.create(values, extents);
  }

  private void set(Parameter parameter, double... values) {
    parameter.getArray().setRequiresGradient(false);
    parameter.getArray().set(values);
    if (parameter.requiresGradient()) {
      parameter.getArray().setRequiresGradient(true);
    }
  }

  @Test
  void goldenFeatures() {
    final NDArray x =
        manager.create(
            new double[] {.6, .8, 1, 0, 0, 1, -.8, .6, 0, 1, .6, -.8, -1, 0, .8, .6},
            new Shape(2, 4, 2));
    final double[] w = {
      .5, -.25, .1, .3, .2, -.4, 0, .6, .25, -.5, .1, .2, .4, .3, 0, .1, -.2, -.3
    };
    final double[][] expected = {
      {
        0.17666666666666664,
        0.2,
        0.37666666666666665,
        0,
        0,
        0,
        0.152,
        0.114,
        0.19,
        0.04266666666666669,
        0.032,
        0.053333333333333365
      },
      {
        0.5766666666666667,
        0.7333333333333334,
        1.31,
        0.38,
        0.5066666666666667,
        0.8866666666666667,
        0.472,
        0.354,
        0.59,
        0.3626666666666667,
        0.272,
        0.45333333333333337
      }
    };
    for (int i = 0; i < 2; i++) {
      final FixedFeatureReadout readout = readout(2, 2, 1, RELU.withMean(2 * i), DataType.FLOAT64);
      set(parameter(readout, "w"), w);
      set(parameter(readout, "v"), 1, -2, 3, .5, 1, -1);
      for (final boolean training : new boolean[] {false, true}) {
        final double[] phi = readout.features(store, x, training).toDoubleArray();
        assertThat(phi).containsExactly(expected[i], within(1e-15));
        final double[] f =
            readout.forward(store, new NDList(x), training).singletonOrThrow().toDoubleArray();
        for (int b = 0; b < 2; b++) {
          final int at = 6 * b;
          assertThat(f[b])
              .isCloseTo(
                  phi[at]
                      - 2 * phi[at + 1]
                      + 3 * phi[at + 2]
                      + .5 * phi[at + 3]
                      + phi[at + 4]
                      - phi[at + 5],
                  within(1e-14));
        }
      }
    }
  }

  @Test
  void kernelEqualsComposedForm() {
    for (final FixedFeatureOptions options : new FixedFeatureOptions[] {RELU, SOFTMAX}) {
      for (final DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
        for (final int outputs : new int[] {1, 3}) {
          final FixedFeatureReadout readout = readout(3, 20, outputs, options, type);
          set(parameter(readout, "v"), type, normal(2, outputs * 80L));
          final NDList x = new NDList(normal(1, 5, 7, 3).toType(type, false));
          AttentionContract.close(
              readout.forward(store, x, false).singletonOrThrow(),
              readout.forward(store, x, true).singletonOrThrow(),
              type == DataType.FLOAT64 ? 1e-13 : 1e-5);
        }
      }
    }
  }

  private void set(Parameter parameter, DataType type, NDArray values) {
    final NDArray array = parameter.getArray();
    array.setRequiresGradient(false);
    values.reshape(array.getShape()).toType(type, false).copyTo(array);
    array.setRequiresGradient(true);
  }

  @Test
  void gradientsAreThoseOfCentralDifferences() {
    final boolean[] flags = {true, true, true, false, false, true, false, true, true, true};
    final NDArray mask = manager.create(flags, new Shape(2, 5));
    for (final FixedFeatureOptions options : new FixedFeatureOptions[] {RELU, SOFTMAX}) {
      final FixedFeatureReadout readout = readout(3, 4, 2, options, DataType.FLOAT64);
      set(parameter(readout, "v"), DataType.FLOAT64, normal(2, 32));
      final NDArray x = normal(1, 2, 5, 3);
      Gradients.check(
          "x",
          arrays ->
              readout.forward(store, new NDList(arrays.get(0), mask), true).head().square().sum(),
          new NDList(x),
          1e-6);
      Gradients.checkParameters(
          "v",
          readout,
          () ->
              readout
                  .forward(new ParameterStore(manager, false), new NDList(x), true)
                  .head()
                  .square()
                  .sum(),
          1e-6);
    }
  }

  @Test
  void matricesAreFrozenAndTheReadoutIsTrained() {
    final FixedFeatureReadout readout = readout(3, 4, 1, RELU, DataType.FLOAT32);
    assertThat(parameter(readout, "w").requiresGradient()).isFalse();
    assertThat(parameter(readout, "v").requiresGradient()).isTrue();
    final float[] w = parameter(readout, "w").getArray().toFloatArray();
    final NDArray x = normal(1, 6, 5, 3).toType(DataType.FLOAT32, false);
    final NDArray y = normal(2, 6, 1).toType(DataType.FLOAT32, false);
    try (Training training =
        new Training(readout, Loss.l2Loss(), new Shape(6, 5, 3), TrainingOptions.seeded(1))) {
      final double before = training.step(x, y).loss();
      for (int i = 0; i < 20; i++) {
        training.step(x, y);
      }
      assertThat(training.step(x, y).loss()).isLessThan(before);
      assertThat(parameter(readout, "w").getArray().toFloatArray()).isEqualTo(w);
    }
  }

  @Test
  void savedAndLoadedItPredictsTheSame() throws IOException, MalformedModelException {
    final FixedFeatureReadout readout = readout(3, 4, 2, RELU, DataType.FLOAT32);
    set(parameter(readout, "v"), DataType.FLOAT32, normal(2, 32));
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    readout.saveParameters(new DataOutputStream(bytes));
    final FixedFeatureReadout loaded = new FixedFeatureReadout(3, 4, 2, RELU, new Random(9));
    loaded.loadParameters(
        manager, new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    final NDList x = new NDList(normal(1, 6, 5, 3).toType(DataType.FLOAT32, false));
    assertThat(loaded.forward(store, x, false).head().toFloatArray())
        .isEqualTo(readout.forward(store, x, false).head().toFloatArray());
  }

  @Test
  void lawsOfKeys() {
    for (final FixedFeatureOptions options : new FixedFeatureOptions[] {RELU, SOFTMAX}) {
      final FixedFeatureReadout readout = readout(3, 6, 1, options, DataType.FLOAT64);
      final NDArray x = normal(1, 2, 5, 3);
      final NDArray phi = readout.features(store, x, true);
      final NDArray order = manager.create(new long[] {0, 3, 1, 4, 2});
      AttentionContract.close(readout.features(store, x.get(":, {}", order), true), phi, 1e-14);
      AttentionContract.close(
          readout.features(store, x.concat(x.get(":, 1:"), 1), true), phi, 1e-14);
    }
    final FixedFeatureReadout relu = readout(3, 6, 1, RELU, DataType.FLOAT64);
    final NDArray x = normal(1, 2, 5, 3);
    final NDArray phi = relu.features(store, x, true);
    final NDArray w = parameter(relu, "w").getArray();
    w.muli(3);
    AttentionContract.close(relu.features(store, x, true), Scalars.mul(phi, 3), 1e-14);
  }

  @Test
  void maskedKeysHaveNoInfluence() {
    final boolean[] flags = {true, true, true, false, false, true, true, true, true, true};
    final NDArray mask = manager.create(flags, new Shape(2, 5));
    final NDArray none = manager.zeros(new Shape(2, 5), DataType.BOOLEAN);
    for (final FixedFeatureOptions options : new FixedFeatureOptions[] {RELU, SOFTMAX}) {
      final FixedFeatureReadout readout = readout(3, 6, 1, options, DataType.FLOAT64);
      set(parameter(readout, "v"), DataType.FLOAT64, normal(2, 24));
      final NDArray x = normal(1, 2, 5, 3);
      final NDArray shorter = x.get("0:1, :3");
      final NDArray spoiled = x.duplicate();
      spoiled.set(new NDIndex("0, 3:"), Double.NaN);
      for (final boolean training : new boolean[] {false, true}) {
        final NDArray f = readout.forward(store, new NDList(spoiled, mask), training).head();
        AttentionContract.close(
            f,
            NDArrays.concat(
                new NDList(
                    readout.forward(store, new NDList(shorter), training).head(),
                    readout.forward(store, new NDList(x.get("1:2")), training).head())),
            1e-14);
        assertThat(
                readout.forward(store, new NDList(spoiled, none), training).head().toDoubleArray())
            .containsOnly(0);
      }
      final double[] gradient =
          Gradients.analytic(
              arrays -> readout.forward(store, new NDList(arrays.get(0), mask), true).head().sum(),
              new NDList(spoiled))[0];
      for (final double g : gradient) {
        assertThat(g).isFinite();
      }
    }
  }

  @Test
  void edges() {
    final FixedFeatureReadout readout = readout(3, 6, 2, SOFTMAX, DataType.FLOAT32);
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(
              readout
                  .forward(store, new NDList(manager.zeros(new Shape(0, 5, 3))), training)
                  .head()
                  .getShape())
          .isEqualTo(new Shape(0, 2));
      assertThat(
              readout
                  .forward(store, new NDList(manager.ones(new Shape(4, 1, 3))), training)
                  .head()
                  .toFloatArray())
          .hasSize(8)
          .containsOnly(0);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> readout.forward(store, new NDList(manager.ones(new Shape(2, 5, 4))), false))
        .withMessage("x is (2, 5, 4); expected [B, N+1, 3] with a query at least");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                readout.forward(
                    store,
                    new NDList(
                        manager.ones(new Shape(2, 5, 3)),
                        manager.ones(new Shape(2, 4), DataType.BOOLEAN)),
                    false))
        .withMessageContaining("mask is boolean (2, 4); expected boolean (2, 5)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FixedFeatureReadout(3, 0, 1, RELU, new Random(1)))
        .withMessageContaining("heads");
  }

  /** Ridge regression against its own normal equations, in both forms. */
  @Test
  void fittedReadoutsSolveTheNormalEquations() {
    for (final int sequences : new int[] {10, 60}) {
      final FixedFeatureReadout readout = readout(3, 8, 2, RELU, DataType.FLOAT64);
      final NDArray x = normal(1, sequences, 5, 3);
      final NDArray y = normal(2, sequences, 2);
      readout.fit(x, y, 0.01);
      final NDArray f = readout.features(store, x, true).reshape(sequences, 32);
      final double scale = f.square().sum().getDouble() / sequences;
      final NDArray v = parameter(readout, "v").getArray().reshape(2, 32).transpose();
      final NDArray residual =
          f.transpose().matMul(y.sub(f.matMul(v))).sub(Scalars.mul(v, 0.01 * scale));
      assertThat(residual.abs().max().getDouble()).isLessThan(1e-10);
      readout.fit(x, y, 1e12);
      assertThat(parameter(readout, "v").getArray().abs().max().getDouble()).isLessThan(1e-9);
      assertThat(parameter(readout, "v").getArray().hasGradient()).isTrue();
    }
  }

  @Test
  void lambdaIsChosenByOtherSequences() {
    final FixedFeatureReadout readout = readout(3, 8, 1, RELU, DataType.FLOAT64);
    final NDArray x = normal(1, 60, 5, 3);
    final NDArray other = normal(3, 60, 5, 3);
    set(parameter(readout, "v"), DataType.FLOAT64, normal(4, 32));
    final NDArray y = readout.forward(store, new NDList(x), false).head();
    final NDArray otherY = readout.forward(store, new NDList(other), false).head();
    final double[] lambdas = {10, 1e-9, 1e-2};
    // Without noise the smallest is best.
    assertThat(readout.fit(x, y, lambdas, other, otherY)).isEqualTo(1e-9);
    assertThat(
            readout
                .forward(store, new NDList(other), false)
                .head()
                .sub(otherY)
                .abs()
                .max()
                .getDouble())
        .isLessThan(1e-4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> readout.fit(x, y, 0))
        .withMessageContaining("lambda is 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> readout.fit(x, normal(1, 60, 2), 1))
        .withMessage("y is (60, 2); expected [60, 1]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> readout.fit(x, y, new double[0], other, otherY))
        .withMessageContaining("lambdas are none");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> readout.fit(x, y, lambdas, other, Scalars.mul(otherY, Double.NaN)))
        .withMessageContaining("validationY");
  }
}
