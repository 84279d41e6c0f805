package io.steelyard.layers.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.loss.SvmLoss;
import io.steelyard.layers.loss.SvmOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConvNetTest {

  private static final ConvNetConfiguration TINY = new ConvNetConfiguration(1, 8, 8, 2, 2, 3, 1, 3);

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private ConvNet initialized(ConvNetConfiguration configuration, long seed, DataType type) {
    final ConvNet net = new ConvNet(configuration, new SplittableRandom(seed));
    net.initialize(manager, type, net.inputShape(1));
    return net;
  }

  private NDArray wave(double a, double scale, long... shape) {
    final Shape extents = new Shape(shape);
    return manager.create(
        IntStream.range(0, (int) extents.size())
            .mapToDouble(i -> scale * Math.sin(a + 0.7 * i))
            .toArray(),
        extents);
  }

  /** The network of golden case 2; DJL's dense weights are [out, in]. */
  private ConvNet golden() {
    final ConvNet net = initialized(TINY, 1, DataType.FLOAT64);
    final List<NDArray> values =
        List.of(
            wave(0.2, 0.25, 2, 1, 5, 5),
            wave(0.3, 0.25, 2),
            wave(0.4, 0.25, 2, 2, 5, 5),
            wave(0.5, 0.25, 2),
            wave(0.6, 0.25, 8, 3).transpose(),
            wave(0.7, 0.25, 3),
            wave(0.8, 0.25, 3, 3).transpose(),
            wave(0.9, 0.25, 3));
    for (int i = 0; i < values.size(); i++) {
      values.get(i).copyTo(net.getParameters().valueAt(i).getArray());
    }
    return net;
  }

  private NDArray loss(ConvNet net, ParameterStore store, NDArray x) {
    final NDList scores = net.forward(store, new NDList(x), true);
    return new SvmLoss(SvmOptions.L2, net.readoutWeights())
        .evaluate(new NDList(manager.create(new int[] {1})), scores);
  }

  @Test
  void goldenForward() {
    final ConvNet net = golden();
    final ParameterStore store = new ParameterStore(manager, false);
    final NDArray x = wave(0, 1, 1, 1, 8, 8);
    assertThat(net.features(store, x, false).toDoubleArray())
        .containsExactly(
            new double[] {0.2120977346295425, 0.21268307042114507, 0.11324023492903651},
            within(1e-15));
    assertThat(net.forward(store, new NDList(x), false).singletonOrThrow().toDoubleArray())
        .containsExactly(
            new double[] {0.219442995805349, 0.2636659157961739, 0.18388263569447771},
            within(1e-15));
    assertThat(loss(net, store, x).getDouble()).isEqualTo(1.1747972683154082, offset(1e-15));
  }

  @Test
  void goldenGradients() {
    final ConvNet net = golden();
    final ParameterStore store = new ParameterStore(manager, false);
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(loss(net, store, wave(0, 1, 1, 1, 8, 8)));
    }
    assertGradient(net, 0, -0.17823964995252137, 0.005401202538364015);
    assertGradient(net, 2, 0.23224588953094844, 0.03473752784722982);
    assertGradient(net, 4, 0.002331388509432847, 0.06886574978454281);
    assertGradient(net, 6, 0.5985204516136555, 0.17561859185370435);
    assertGradient(net, 7, 1.1113276981973335, 1.5248031994124065);
  }

  private static void assertGradient(ConvNet net, int index, double sum, double sumOfSquares) {
    final double[] gradient =
        net.getParameters().valueAt(index).getArray().getGradient().toDoubleArray();
    assertThat(Arrays.stream(gradient).sum())
        .describedAs("sum of gradient " + index)
        .isEqualTo(sum, offset(1e-14));
    assertThat(Arrays.stream(gradient).map(g -> g * g).sum())
        .describedAs("sum of squares of gradient " + index)
        .isEqualTo(sumOfSquares, offset(1e-14));
  }

  @Test
  void everyParameterGradientAgreesWithCentralDifferences() {
    final ConvNet net = initialized(TINY, 5, DataType.FLOAT64);
    final ParameterStore store = new ParameterStore(manager, false);
    final NDArray x =
        manager.create(new SplittableRandom(6).doubles(64, 0, 1).toArray(), new Shape(1, 1, 8, 8));
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(loss(net, store, x));
    }
    final double step = 1e-6;
    for (final Pair<String, Parameter> entry : net.getParameters()) {
      final NDArray array = entry.getValue().getArray();
      final double[] gradient = array.getGradient().toDoubleArray();
      final double[] values = array.toDoubleArray();
      for (int i = 0; i < values.length; i++) {
        final double up = lossAt(net, store, x, array, values, i, step);
        final double down = lossAt(net, store, x, array, values, i, -step);
        assertThat(gradient[i])
            .describedAs("seeds 5 and 6: gradient of " + entry.getKey() + " at " + i)
            .isEqualTo((up - down) / (2 * step), offset(1e-7));
      }
      manager.create(values, array.getShape()).copyTo(array);
    }
  }

  private double lossAt(
      ConvNet net,
      ParameterStore store,
      NDArray x,
      NDArray array,
      double[] values,
      int index,
      double by) {
    final double[] moved = values.clone();
    moved[index] += by;
    array.setRequiresGradient(false);
    manager.create(moved, array.getShape()).copyTo(array);
    array.setRequiresGradient(true);
    return loss(net, store, x).getDouble();
  }

  @Test
  void parameterCountsAreGolden() {
    assertThat(ConvNetConfiguration.PUBLISHED.parameters()).isEqualTo(3_274_634);
    assertThat(ConvNetConfiguration.SMALL.parameters()).isEqualTo(105_194);
    for (final ConvNetConfiguration configuration :
        List.of(ConvNetConfiguration.PUBLISHED, ConvNetConfiguration.SMALL, TINY)) {
      final ConvNet net = initialized(configuration, 1, DataType.FLOAT32);
      assertThat(net.getParameters().values().stream().mapToLong(p -> p.getArray().size()).sum())
          .describedAs(configuration.toString())
          .isEqualTo(configuration.parameters());
    }
  }

  @Test
  void initialWeightsAreTruncatedNormalAndBiasesConstant() {
    final ConvNet net = initialized(ConvNetConfiguration.SMALL, 3, DataType.FLOAT64);
    for (final Pair<String, Parameter> entry : net.getParameters()) {
      final double[] values = entry.getValue().getArray().toDoubleArray();
      if (entry.getValue().getType() == Parameter.Type.BIAS) {
        assertThat(values).describedAs(entry.getKey()).containsOnly(0.1);
      } else {
        assertThat(Arrays.stream(values).map(Math::abs).max().orElseThrow())
            .describedAs("seed 3: " + entry.getKey())
            .isLessThanOrEqualTo(0.2);
      }
    }
    // Truncated at two deviations, a normal keeps 0.8796 of its deviation; 100,352 draws.
    final double[] hidden = net.getParameters().valueAt(4).getArray().toDoubleArray();
    final double mean = Arrays.stream(hidden).average().orElseThrow();
    final double variance = Arrays.stream(hidden).map(w -> w * w).average().orElseThrow();
    assertThat(mean).describedAs("seed 3").isEqualTo(0, offset(0.0015));
    assertThat(Math.sqrt(variance)).describedAs("seed 3").isEqualTo(0.08796, offset(0.001));
  }

  @Test
  void sameSeedGivesTheSameParametersInBothTypes() {
    final ConvNet one = initialized(ConvNetConfiguration.SMALL, 7, DataType.FLOAT32);
    final ConvNet same = initialized(ConvNetConfiguration.SMALL, 7, DataType.FLOAT32);
    final ConvNet wide = initialized(ConvNetConfiguration.SMALL, 7, DataType.FLOAT64);
    final ConvNet other = initialized(ConvNetConfiguration.SMALL, 8, DataType.FLOAT32);
    for (int i = 0; i < one.getParameters().size(); i++) {
      final NDArray array = one.getParameters().valueAt(i).getArray();
      assertThat(same.getParameters().valueAt(i).getArray().toFloatArray())
          .containsExactly(array.toFloatArray());
      assertThat(
              wide.getParameters()
                  .valueAt(i)
                  .getArray()
                  .toType(DataType.FLOAT32, false)
                  .toFloatArray())
          .containsExactly(array.toFloatArray());
    }
    assertThat(other.readoutWeights().getArray().toFloatArray())
        .isNotEqualTo(one.readoutWeights().getArray().toFloatArray());
  }

  @Test
  void dropoutActsInTrainingOnlyAndIsSeeded() {
    final ConvNet net = initialized(ConvNetConfiguration.SMALL, 2, DataType.FLOAT32);
    final ParameterStore store = new ParameterStore(manager, false);
    final NDArray x = manager.ones(net.inputShape(2));
    final float[] plain = scores(net, store, x, false);
    assertThat(scores(net, store, x, false)).containsExactly(plain);
    Libtorch.seed(11);
    final float[] dropped = scores(net, store, x, true);
    Libtorch.seed(11);
    assertThat(scores(net, store, x, true)).containsExactly(dropped).isNotEqualTo(plain);
    Libtorch.seed(12);
    assertThat(scores(net, store, x, true)).isNotEqualTo(dropped);
  }

  private static float[] scores(ConvNet net, ParameterStore store, NDArray x, boolean training) {
    return net.forward(store, new NDList(x), training).singletonOrThrow().toFloatArray();
  }

  @Test
  void outputsKeepTheTypeOfTheInput() {
    final ParameterStore store = new ParameterStore(manager, false);
    for (final DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
      final ConvNet net = initialized(TINY, 1, type);
      final NDArray x = manager.ones(net.inputShape(1), type);
      for (final boolean training : new boolean[] {false, true}) {
        final NDArray scores = net.forward(store, new NDList(x), training).singletonOrThrow();
        assertThat(scores.getDataType()).isEqualTo(type);
        assertThat(scores.getDevice()).isEqualTo(x.getDevice());
        assertThat(scores.getShape()).isEqualTo(new Shape(1, 3));
        assertThat(net.getOutputShapes(new Shape[] {x.getShape()}))
            .containsExactly(scores.getShape());
      }
    }
  }

  @Test
  void savedParametersPredictTheSame() throws IOException, MalformedModelException {
    final ConvNet net = initialized(ConvNetConfiguration.SMALL, 4, DataType.FLOAT32);
    final ByteArrayOutputStream saved = new ByteArrayOutputStream();
    net.saveParameters(new DataOutputStream(saved));
    final ConvNet loaded = new ConvNet(ConvNetConfiguration.SMALL, new SplittableRandom(99));
    loaded.loadParameters(
        manager, new DataInputStream(new ByteArrayInputStream(saved.toByteArray())));
    final NDArray x = manager.ones(net.inputShape(3));
    final ParameterStore store = new ParameterStore(manager, false);
    assertThat(scores(loaded, store, x, false)).containsExactly(scores(net, store, x, false));
  }

  @Test
  void imagesThatDoNotFitAreNamed() {
    final ConvNet net = initialized(TINY, 1, DataType.FLOAT32);
    final ParameterStore store = new ParameterStore(manager, false);
    assertIllegal(net, store, manager.ones(new Shape(1, 1, 8, 9)), "images are (1, 1, 8, 9)");
    assertIllegal(net, store, manager.ones(new Shape(8, 8)), "images are (8, 8)");
    assertIllegal(
        net, store, manager.create(new Shape(0, 1, 8, 8), DataType.FLOAT32), "images are (0, 1");
    assertIllegal(
        net, store, manager.ones(net.inputShape(1), DataType.FLOAT64), "images are float64");
  }

  private static void assertIllegal(
      ConvNet net, ParameterStore store, NDArray images, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.forward(store, new NDList(images), false))
        .withMessageContaining(message)
        .withMessageContaining("expected");
  }

  @Test
  void illegalConfigurationsAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ConvNetConfiguration(1, 30, 28, 8, 16, 128, 0.5, 10))
        .withMessageContaining("height is 30");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ConvNetConfiguration(1, 28, 28, 8, 16, 128, 0, 10))
        .withMessageContaining("keep is 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ConvNetConfiguration(1, 28, 28, 8, 16, 0, 0.5, 10))
        .withMessageContaining("hiddenUnits is 0");
  }
}
