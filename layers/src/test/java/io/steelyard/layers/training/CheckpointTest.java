package io.steelyard.layers.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.initializer.TruncatedNormal;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.tensor.Safetensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CheckpointTest {

  private static final int STEPS = 24;
  private static final Seed SEED = new Seed(11);

  @TempDir Path folder;
  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private Examples data(DataType type) {
    final RandomGenerator random = SEED.stream("data");
    final double[] x = random.doubles(50 * 6, -1, 1).toArray();
    final int[] y = random.ints(50, 0, 3).toArray();
    final NDArray inputs = manager.create(x, new Shape(50, 6)).toType(type, false);
    return new Examples(inputs, manager.create(y));
  }

  /** With dropout, running statistics and a frozen array: everything that has state. */
  private static SequentialBlock net(int hidden) {
    final SequentialBlock net =
        new SequentialBlock()
            .add(Linear.builder().setUnits(hidden).build())
            .add(BatchNorm.builder().build())
            .add(Activation::relu)
            .add(Dropout.builder().optRate(0.3f).build())
            .add(Linear.builder().setUnits(3).build());
    net.setInitializer(new TruncatedNormal(SEED.stream("weights"), 0.3), p -> true);
    net.getChildren().valueAt(1).getParameters().get("beta").freeze(true);
    return net;
  }

  private static Training training(TrainingOptions options) {
    return new Training(net(7), Loss.softmaxCrossEntropyLoss(), new Shape(1, 6), options);
  }

  private static Iterable<int[]> batches(Training training, long to) {
    return Batches.shuffled(50, 8, SEED).between(training.steps(), to);
  }

  private static Stream<TrainingOptions> options() {
    final TrainingOptions full =
        TrainingOptions.seeded(5)
            .with(Optimizer.adamW(0.05).with(Decay.decoupled(0.05).ofMatrices()))
            .with(Schedule.cosine(1e-2, 0, STEPS).warmedUp(5))
            .with(Clipping.byNorm(0.5))
            .withRateFactor("0.", 2)
            .withAverage(0.9)
            .with(EarlyStop.onLowest(2));
    return Stream.of(
        full,
        full.as(DataType.FLOAT64).inPiecesOf(4),
        TrainingOptions.seeded(5).with(Optimizer.sgd(0.9)).withLearningRate(0.05),
        TrainingOptions.seeded(5).with(Optimizer.sgd(0)));
  }

  /** Losses, then every parameter, then the average's predictions. */
  private List<Object> outcome(Training training, List<Double> losses, Examples data) {
    final List<Object> all = new ArrayList<>(losses);
    ParameterFiles.named(training.block())
        .forEach((name, p) -> all.add(Arrays.toString(p.getArray().toByteArray()) + name));
    all.add(Arrays.toString(training.predict(data.inputs(), 50).toByteArray()));
    return all;
  }

  @ParameterizedTest
  @MethodSource("options")
  void aResumedRunEqualsTheUninterruptedOne(TrainingOptions options) {
    final Examples data = data(options.dataType());
    final boolean early = options.earlyStop().isPresent();
    final List<Double> losses = new ArrayList<>();
    final List<Object> whole;
    final float[] average;
    try (Training training = training(options)) {
      for (int stop = 6; stop <= STEPS; stop += 6) {
        training.fit(data, batches(training, stop), step -> losses.add(step.loss()));
        if (early) {
          training.measured(stop == 12 ? 1 : stop);
        }
      }
      whole = outcome(training, losses, data);
      average = early ? averaged(training, data) : new float[0];
    }

    losses.clear();
    final Path file = folder.resolve("run.safetensors");
    for (int stop = 6; stop <= STEPS; stop += 6) {
      try (Training training = training(options)) {
        if (stop > 6) {
          // Whatever came before, the file decides.
          training.fit(data, Batches.shuffled(50, 4, SEED).between(0, 2), StepListener.NONE);
          training.resume(file);
        }
        assertThat(training.steps()).isEqualTo(stop - 6L);
        training.fit(data, batches(training, stop), step -> losses.add(step.loss()));
        if (early) {
          assertThat(training.measured(stop == 12 ? 1 : stop)).isEqualTo(stop <= 12);
        }
        training.save(file);
        if (stop == STEPS) {
          assertThat(outcome(training, losses, data)).isEqualTo(whole);
          if (early) {
            assertThat(averaged(training, data)).containsExactly(average);
            assertThat(training.stopped()).isTrue();
            assertThat(training.bestMeasured()).hasValue(1);
          }
        }
      }
    }
    assertThat(folder).isDirectoryContaining(path -> path.equals(file));
    assertThat(folder.toFile().list()).hasSize(1);
  }

  private static float[] averaged(Training training, Examples data) {
    try (Training.Averaged _ = training.averaged()) {
      return training.predict(data.inputs(), 50).toType(DataType.FLOAT32, true).toFloatArray();
    }
  }

  private Path saved(TrainingOptions options) {
    final Path file = folder.resolve("saved.safetensors");
    try (Training training = training(options)) {
      training.fit(data(options.dataType()), batches(training, 2), StepListener.NONE);
      training.save(file);
    }
    return file;
  }

  private static Map<String, String> named(Training training) {
    final Map<String, String> bytes = new LinkedHashMap<>();
    ParameterFiles.named(training.block())
        .forEach((name, p) -> bytes.put(name, Arrays.toString(p.getArray().toByteArray())));
    return bytes;
  }

  private static void refuses(Training training, Path file, String... words) {
    final Map<String, String> before = named(training);
    final long steps = training.steps();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> training.resume(file))
        .satisfies(e -> assertThat(e.getMessage()).contains(words))
        .withMessageContaining(file.getFileName().toString());
    assertThat(named(training)).isEqualTo(before);
    assertThat(training.steps()).isEqualTo(steps);
  }

  @Test
  void anotherTrainingIsNamed() {
    final TrainingOptions options = TrainingOptions.seeded(1);
    final Path file = saved(options);
    final TrainingOptions other =
        TrainingOptions.seeded(2)
            .with(Optimizer.sgd(0.9))
            .with(Schedule.linear(1, 0, 5))
            .with(Clipping.byValue(1))
            .withAverage(0.5);
    try (Training training = training(other)) {
      refuses(
          training,
          file,
          "seed is 1 in the file and 2 here",
          "optimizer is Adam[",
          "and Sgd[momentum=0.9",
          "schedule is Constant[rate=0.001] in the file and Linear[",
          "clipping is None[] in the file and Value[max=1.0] here",
          "average is OptionalDouble.empty in the file",
          "'velocity.0.weight' is missing",
          "'mean.0.weight' is not expected");
    }
    try (Training training =
        new Training(net(8), Loss.softmaxCrossEntropyLoss(), new Shape(1, 6), options)) {
      refuses(training, file, "'parameter.0.weight' is (7, 6), expected (8, 6)");
    }
    try (Training training = training(options.as(DataType.FLOAT64))) {
      refuses(training, file, "'parameter.0.weight' is f32, expected float64");
    }
  }

  @Test
  void damageIsNoticed() throws IOException {
    final TrainingOptions options = TrainingOptions.seeded(1);
    final Path file = saved(options);
    final byte[] whole = Files.readAllBytes(file);
    final Path broken = folder.resolve("broken.safetensors");
    try (Training training = training(options)) {
      for (final int length : new int[] {0, 5, 8, 100, whole.length / 2, whole.length - 1}) {
        Files.write(broken, Arrays.copyOf(whole, length));
        refuses(training, broken, ".safetensors");
      }
      final byte[] flipped = whole.clone();
      flipped[whole.length - 7] ^= 4;
      Files.write(broken, flipped);
      refuses(training, broken, "is damaged: the checksum of its arrays is");

      final Safetensors read = Safetensors.read(file);
      new Safetensors(read.tensors(), Map.of()).write(broken);
      refuses(training, broken, "is no checkpoint of a training: its format is not given");
      final Map<String, String> metadata = new LinkedHashMap<>(read.metadata());
      metadata.put("step", "many");
      new Safetensors(read.tensors(), metadata).write(broken);
      refuses(training, broken, "'step' is 'many'; expected a number");
      metadata.remove("step");
      new Safetensors(read.tensors(), metadata).write(broken);
      refuses(training, broken, "'step' is missing in its metadata");

      Files.writeString(broken, "{\"not\": \"tensors\"}");
      refuses(training, broken, ".safetensors");
      assertThatExceptionOfType(UncheckedIOException.class)
          .isThrownBy(() -> training.resume(folder.resolve("absent.safetensors")))
          .withMessageContaining("absent.safetensors does not exist");
      training.resume(file);
      assertThat(training.steps()).isEqualTo(2);
    }
  }

  @Test
  void whileTheAverageIsInPlaceNothingElseHappens() {
    try (Training training = training(TrainingOptions.seeded(1).withAverage(0.5))) {
      final Examples data = data(DataType.FLOAT32);
      training.fit(data, batches(training, 3), StepListener.NONE);
      final Map<String, String> trained = named(training);
      final Path file = folder.resolve("average.safetensors");
      try (Training.Averaged _ = training.averaged()) {
        assertThat(named(training)).isNotEqualTo(trained);
        assertThatIllegalStateException().isThrownBy(() -> training.save(file));
        assertThatIllegalStateException().isThrownBy(() -> training.resume(file));
        assertThatIllegalStateException().isThrownBy(training::averaged);
        assertThatIllegalStateException()
            .isThrownBy(() -> training.step(data.inputs(), data.labels()))
            .withMessageContaining("averaged parameters are in place");
      }
      assertThat(named(training)).isEqualTo(trained);
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void theAverageFollowsItsFormula() {
    final Linear line = Linear.builder().setUnits(1).optBias(false).build();
    line.setInitializer((m, shape, type) -> m.create(new double[] {1}, shape), "weight");
    final TrainingOptions options =
        TrainingOptions.seeded(1)
            .as(DataType.FLOAT64)
            .with(Optimizer.sgd(0))
            .withLearningRate(0.5)
            .withAverage(0.75);
    try (Training training = new Training(line, options, new Shape(1, 1))) {
      final NDArray x = manager.create(new double[] {1}, new Shape(1, 1));
      IntStream.range(0, 2).forEach(_ -> training.step(pass -> pass.forward(line, x).head().sum()));
      // w: 1, 0.5, 0; a: 1, 0.875, 0.65625.
      assertThat(training.predict(x, 1).getDouble()).isZero();
      try (Training.Averaged _ = training.averaged()) {
        assertThat(training.predict(x, 1).getDouble()).isEqualTo(0.65625);
      }
      assertThat(training.predict(x, 1).getDouble()).isZero();
    }
  }
}
