package io.steelyard.layers.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
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
import ai.djl.training.loss.Loss;
import ai.djl.util.Pair;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.layers.vision.SoftVisionConfiguration.Stage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SoftVisionTransformerTest {

  private static final SoftVisionConfiguration TINIEST =
      new SoftVisionConfiguration(
          1, 16, 16, 2, List.of(new Stage(8, 2, 1, 2, 3), Stage.softmax(8, 2, 1)), true, 0, 3);

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

  private SoftVisionTransformer initialized(
      SoftVisionConfiguration configuration, long seed, DataType type) {
    final SoftVisionTransformer model =
        new SoftVisionTransformer(configuration, new SplittableRandom(seed));
    model.initialize(manager, type, model.inputShape(1));
    return model;
  }

  private NDArray images(long seed, DataType type, Shape shape) {
    return manager
        .create(new Random(seed).doubles(shape.size(), -1, 1).toArray(), shape)
        .toType(type, false);
  }

  /** Learned parameters: what the published numbers count, without running statistics. */
  private static long learned(SoftVisionTransformer model) {
    return model.getParameters().values().stream()
        .filter(Parameter::requiresGradient)
        .mapToLong(parameter -> parameter.getArray().size())
        .sum();
  }

  @Test
  void parameterCountsAreGolden() {
    final List<SoftVisionConfiguration> published =
        List.of(
            SoftVisionConfiguration.TINY,
            SoftVisionConfiguration.SMALL,
            SoftVisionConfiguration.MEDIUM,
            SoftVisionConfiguration.LARGE,
            SoftVisionConfiguration.HUGE);
    assertThat(published)
        .extracting(SoftVisionConfiguration::parameters)
        .containsExactly(13_069_056L, 24_110_092L, 45_812_707L, 64_700_646L, 87_108_273L);
    assertThat(published)
        .extracting(configuration -> configuration.parameters() / 1_000_000)
        .as("as published, in millions, cut off")
        .containsExactly(13L, 24L, 45L, 64L, 87L);
    for (final SoftVisionConfiguration configuration : published) {
      assertThat(configuration.normalizedByDegrees().parameters())
          .isEqualTo(configuration.parameters());
    }
  }

  @Test
  void parametersAreThoseCounted() {
    for (final SoftVisionConfiguration configuration :
        List.of(TINIEST, SoftVisionConfiguration.MINI, SoftVisionConfiguration.TINY)) {
      assertThat(learned(initialized(configuration, 1, DataType.FLOAT32)))
          .isEqualTo(configuration.parameters());
    }
    assertThat(SoftVisionConfiguration.MINI.parameters()).isEqualTo(176_336);
  }

  @Test
  void landmarksOfThePublishedSizesAre49() {
    for (int i = 0; i < 3; i++) {
      final int stride = SoftVisionConfiguration.TINY.stages().get(i).stride();
      final Grid grid = SoftVisionConfiguration.TINY.grid(i);
      assertThat(grid.tokens() / (stride * stride)).isEqualTo(49);
    }
    assertThat(SoftVisionConfiguration.TINY.unit()).isEqualTo(32);
  }

  @Test
  void bothTypesPredictTheSame() {
    final double[][] scores = new double[2][];
    for (final DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
      final SoftVisionTransformer model = initialized(SoftVisionConfiguration.MINI, 1, type);
      final NDArray x = images(2, type, model.inputShape(3));
      final NDArray own = model.forward(store, new NDList(x), false).head();
      assertThat(own.getShape()).isEqualTo(new Shape(3, 10));
      assertThat(own.getDataType()).isEqualTo(type);
      scores[type == DataType.FLOAT64 ? 0 : 1] =
          own.toType(DataType.FLOAT64, false).toDoubleArray();
    }
    assertThat(scores[1]).containsExactly(scores[0], within(1e-4));
  }

  @Test
  void imagesOfABatchDoNotMixInPrediction() {
    final SoftVisionTransformer model =
        initialized(SoftVisionConfiguration.MINI, 1, DataType.FLOAT32);
    final NDArray x = images(2, DataType.FLOAT32, model.inputShape(3));
    final float[] whole =
        model.forward(store, new NDList(x), false).head().get("1:2").toFloatArray();
    final float[] alone =
        model.forward(store, new NDList(x.get("1:2")), false).head().toFloatArray();
    assertThat(alone).containsExactly(whole, within(1e-5f));
  }

  @Test
  void gradientsAreThoseOfCentralDifferences() {
    final SoftVisionTransformer model = initialized(TINIEST, 3, DataType.FLOAT64);
    final NDArray x = images(2, DataType.FLOAT64, model.inputShape(2));
    final NDArray weights = images(5, DataType.FLOAT64, new Shape(2, 3));
    final double step = 1e-5;
    // Drawn weights are small, and so would be the gradients of most.
    final Random random = new Random(4);
    for (final Parameter parameter : model.getParameters().values()) {
      final NDArray array = parameter.getArray();
      if (parameter.requiresGradient()) {
        array.setRequiresGradient(false);
        array.addi(
            manager.create(random.doubles(array.size(), -0.3, 0.3).toArray(), array.getShape()));
        array.setRequiresGradient(true);
      }
    }
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(loss(model, x, weights));
    }
    for (final Pair<String, Parameter> entry : model.getParameters()) {
      if (!entry.getValue().requiresGradient()) {
        continue;
      }
      final NDArray array = entry.getValue().getArray();
      final double[] gradient = array.getGradient().toDoubleArray();
      final double[] values = array.toDoubleArray();
      array.setRequiresGradient(false);
      for (int i = 0; i < values.length; i += Math.max(1, values.length / 6)) {
        final double slope =
            (8
                        * (at(model, x, weights, array, values, i, step)
                            - at(model, x, weights, array, values, i, -step))
                    - at(model, x, weights, array, values, i, 2 * step)
                    + at(model, x, weights, array, values, i, -2 * step))
                / (12 * step);
        assertThat(gradient[i])
            .as("gradient of " + entry.getKey() + " at " + i)
            .isCloseTo(slope, within(1e-6 * Math.max(1, Math.abs(slope))));
      }
      array.set(values);
    }
  }

  private NDArray loss(SoftVisionTransformer model, NDArray x, NDArray weights) {
    final ParameterStore fresh = new ParameterStore(manager, false);
    return model.forward(fresh, new NDList(x), true).head().mul(weights).sum();
  }

  private double at(
      SoftVisionTransformer model,
      NDArray x,
      NDArray weights,
      NDArray array,
      double[] values,
      int index,
      double by) {
    final double[] moved = values.clone();
    moved[index] += by;
    array.set(moved);
    return loss(model, x, weights).getDouble();
  }

  @Test
  void trainingLowersTheLoss() {
    final SoftVisionTransformer model =
        initialized(SoftVisionConfiguration.MINI.withDropout(0.1), 1, DataType.FLOAT32);
    final NDArray x = images(2, DataType.FLOAT32, model.inputShape(8));
    final NDArray labels = manager.create(new float[] {0, 1, 2, 3, 4, 5, 6, 7});
    try (Training training =
        new Training(
            model,
            Loss.softmaxCrossEntropyLoss(),
            model.inputShape(8),
            TrainingOptions.seeded(1))) {
      final double first = training.step(x, labels).loss();
      double last = first;
      for (int i = 0; i < 12; i++) {
        last = training.step(x, labels).loss();
      }
      assertThat(last).isFinite().isLessThan(0.9 * first);
    }
  }

  @Test
  void savedParametersPredictTheSame() throws IOException, MalformedModelException {
    final SoftVisionTransformer model = initialized(TINIEST, 1, DataType.FLOAT32);
    final NDArray x = images(2, DataType.FLOAT32, model.inputShape(2));
    // Moves running statistics.
    final NDArray trained = model.forward(store, new NDList(x), true).head();
    final float[] scores = model.forward(store, new NDList(x), false).head().toFloatArray();
    assertThat(trained.toFloatArray()).isNotEqualTo(scores);
    final ByteArrayOutputStream saved = new ByteArrayOutputStream();
    model.saveParameters(new DataOutputStream(saved));
    final SoftVisionTransformer loaded =
        new SoftVisionTransformer(TINIEST, new SplittableRandom(99));
    loaded.loadParameters(
        manager, new DataInputStream(new ByteArrayInputStream(saved.toByteArray())));
    for (final Pair<String, Parameter> parameter : model.getParameters()) {
      assertThat(loaded.getParameters().get(parameter.getKey()).getArray().toFloatArray())
          .as(parameter.getKey())
          .containsExactly(parameter.getValue().getArray().toFloatArray());
    }
    // Not the same bits: how libtorch adds up depends on where in memory its arrays begin.
    assertThat(loaded.forward(store, new NDList(x), false).head().toFloatArray())
        .containsExactly(scores, within(1e-6f));
  }

  @Test
  void imagesMayBeLarger() {
    final SoftVisionTransformer model =
        initialized(SoftVisionConfiguration.MINI.normalizedByDegrees(), 1, DataType.FLOAT32);
    final NDArray x = images(2, DataType.FLOAT32, new Shape(2, 3, 48, 32));
    for (final boolean training : new boolean[] {false, true}) {
      final NDArray scores = model.forward(store, new NDList(x), training).head();
      assertThat(scores.getShape()).isEqualTo(new Shape(2, 10));
      assertThat(scores.isNaN().any().getBoolean()).isFalse();
    }
  }

  @Test
  void positionsAreInterpolated() {
    final NDArray ramp = manager.create(new double[] {0, 1, 2, 10, 11, 12}, new Shape(6, 1));
    final Grid from = new Grid(2, 3);
    assertThat(SoftVisionTransformer.resized(ramp, from, from).toDoubleArray())
        .containsExactly(0, 1, 2, 10, 11, 12);
    // Centres of half the width lie a quarter to the left and right of the old ones.
    assertThat(SoftVisionTransformer.resized(ramp, from, new Grid(1, 6)).toDoubleArray())
        .containsExactly(new double[] {5, 5.25, 5.75, 6.25, 6.75, 7}, within(1e-15));
    assertThat(SoftVisionTransformer.resized(ramp, from, new Grid(4, 1)).toDoubleArray())
        .containsExactly(new double[] {1, 3.5, 8.5, 11}, within(1e-15));
  }

  @Test
  void whatDoesNotFitIsNamed() {
    final SoftVisionTransformer model =
        initialized(SoftVisionConfiguration.MINI, 1, DataType.FLOAT32);
    for (final Shape shape :
        List.of(
            new Shape(1, 3, 32, 40),
            new Shape(1, 1, 32, 32),
            new Shape(0, 3, 32, 32),
            new Shape(3, 32, 32))) {
      final NDArray x = manager.zeros(shape);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.forward(store, new NDList(x), false))
          .withMessage(
              "images are "
                  + shape
                  + "; expected [N, 3, H, W] with at least one sample, H and W multiples of 16");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                model.forward(
                    store,
                    new NDList(manager.zeros(new Shape(1, 3, 32, 32), DataType.FLOAT64)),
                    false))
        .withMessage("images are float64; expected float32 like the parameters");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SoftVisionConfiguration.TINY.on(3, 224, 200, 10))
        .withMessage("width is 200; expected a positive multiple of 32");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Stage(10, 3, 1, 1, 0))
        .withMessage("heads is 3; expected a divisor of width, 10");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SoftVisionConfiguration.TINY.withDropout(1))
        .withMessage("dropout is 1.0; expected [0, 1)");
  }
}
