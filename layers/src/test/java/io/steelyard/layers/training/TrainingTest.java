package io.steelyard.layers.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.head.OneVsRest;
import io.steelyard.layers.loss.SvmLoss;
import io.steelyard.layers.loss.SvmOptions;
import io.steelyard.layers.vision.ConvNet;
import io.steelyard.layers.vision.ConvNetConfiguration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTest {

  private static final ConvNetConfiguration TINY =
      new ConvNetConfiguration(1, 8, 8, 4, 16, 16, 0.5, 3);

  private static final Path STATUS = Path.of("/proc/self/status");

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** Images whose class is the third of the picture that is bright. */
  private Examples bars(int count, long seed) {
    final SplittableRandom random = new SplittableRandom(seed);
    final float[] pixels = new float[count * 64];
    final int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = random.nextInt(3);
      for (int p = 0; p < 64; p++) {
        final boolean bright = Math.min(p / 8 / 3, 2) == labels[i];
        pixels[i * 64 + p] = (float) (random.nextDouble(0.5) + (bright ? 0.5 : 0));
      }
    }
    return new Examples(manager.create(pixels, new Shape(count, 1, 8, 8)), manager.create(labels));
  }

  private static List<int[]> batches(int count, int size, int steps, long seed) {
    final SplittableRandom random = new SplittableRandom(seed);
    return IntStream.range(0, steps).mapToObj(_ -> random.ints(size, 0, count).toArray()).toList();
  }

  private static Training svm(long seed, TrainingOptions options) {
    final ConvNet net = new ConvNet(TINY, new SplittableRandom(seed));
    return new Training(
        net, new SvmLoss(SvmOptions.L2, net.readoutWeights()), net.inputShape(1), options);
  }

  private static Training softmax(long seed, TrainingOptions options) {
    final ConvNet net = new ConvNet(TINY, new SplittableRandom(seed));
    return new Training(net, Loss.softmaxCrossEntropyLoss(), net.inputShape(1), options);
  }

  @Test
  void learnsAndReportsEveryStep() {
    final Examples data = bars(300, 1);
    final List<Double> losses = new ArrayList<>();
    final List<Long> steps = new ArrayList<>();
    try (Training training = svm(1, TrainingOptions.seeded(1).withLearningRate(3e-3))) {
      training.fit(
          data,
          batches(300, 32, 150, 2),
          step -> {
            steps.add(step.number());
            losses.add(step.loss());
          });
      assertThat(training.steps()).isEqualTo(150);
      final NDArray scores = training.predict(data.inputs(), 64);
      assertThat(scores.getShape()).isEqualTo(new Shape(300, 3));
      final long[] predicted = OneVsRest.argmax(scores).toLongArray();
      final int[] labels = data.labels().toIntArray();
      final long right =
          IntStream.range(0, labels.length).filter(i -> predicted[i] == labels[i]).count();
      assertThat(right).describedAs("seeds 1, 1 and 2").isGreaterThan(270);
    }
    assertThat(steps)
        .containsExactlyElementsOf(IntStream.rangeClosed(1, 150).mapToObj(i -> (long) i).toList());
    assertThat(losses.getLast()).describedAs("seeds 1, 1 and 2").isLessThan(losses.getFirst() / 2);
  }

  @Test
  void sameSeedGivesTheSameNumbersAlsoInterleaved() {
    final Examples data = bars(60, 4);
    final List<int[]> batches = batches(60, 16, 20, 5);
    final float[] alone;
    try (Training training = svm(6, TrainingOptions.seeded(7))) {
      training.fit(data, batches, StepListener.NONE);
      alone = training.predict(data.inputs(), 60).toFloatArray();
    }
    try (Training training = svm(6, TrainingOptions.seeded(7));
        Training beside = softmax(6, TrainingOptions.seeded(8))) {
      for (final int[] batch : batches) {
        training.fit(data, Collections.singleton(batch), StepListener.NONE);
        beside.fit(data, Collections.singleton(batch), StepListener.NONE);
      }
      assertThat(training.predict(data.inputs(), 60).toFloatArray()).containsExactly(alone);
    }
    try (Training training = svm(6, TrainingOptions.seeded(9))) {
      training.fit(data, batches, StepListener.NONE);
      assertThat(training.predict(data.inputs(), 60).toFloatArray())
          .describedAs("another dropout seed")
          .isNotEqualTo(alone);
    }
  }

  @Test
  void bothHeadsStartFromTheSameParameters() {
    final Examples data = bars(5, 1);
    try (Training svm = svm(3, TrainingOptions.seeded(1));
        Training softmax = softmax(3, TrainingOptions.seeded(1))) {
      assertThat(svm.predict(data.inputs(), 5).toFloatArray())
          .containsExactly(softmax.predict(data.inputs(), 5).toFloatArray());
    }
  }

  @Test
  void adamFollowsItsFormulaInFloat64() {
    // One weight, no bias: s = w x, label 0 of one class, loss w² + max(0, 1 - s)².
    final Linear linear = Linear.builder().setUnits(1).optBias(false).build();
    linear.setInitializer((m, shape, type) -> m.create(new double[] {0.25}, shape), "weight");
    final Loss loss = new SvmLoss(SvmOptions.L2, linear.getParameters().valueAt(0));
    final NDArray x = manager.create(new double[] {2}, new Shape(1, 1));
    final NDArray y = manager.create(new int[] {0});
    try (Training training =
        new Training(
            linear,
            loss,
            new Shape(1, 1),
            TrainingOptions.seeded(1).as(DataType.FLOAT64).withLearningRate(0.125))) {
      double w = 0.25;
      double m = 0;
      double v = 0;
      for (int t = 1; t <= 5; t++) {
        final double slack = Math.max(0, 1 - 2 * w);
        assertThat(training.step(x, y).loss())
            .describedAs("step " + t)
            .isEqualTo(w * w + slack * slack, offset(1e-13));
        final double gradient = 2 * w - 4 * slack;
        m = 0.9 * m + 0.1 * gradient;
        v = 0.999 * v + 0.001 * gradient * gradient;
        w -=
            0.125 * (m / (1 - Math.pow(0.9, t))) / (Math.sqrt(v / (1 - Math.pow(0.999, t))) + 1e-8);
      }
      assertThat(training.predict(x, 1).getDouble()).isEqualTo(2 * w, offset(1e-13));
    }
  }

  @Test
  void predictionDoesNotDependOnTheBatchSize() {
    final Examples data = bars(23, 2);
    try (Training training = softmax(1, TrainingOptions.seeded(1))) {
      final float[] whole = training.predict(data.inputs(), 23).toFloatArray();
      for (final int size : new int[] {1, 7, 22, 100}) {
        assertThat(training.predict(data.inputs(), size).toFloatArray())
            .describedAs("batches of " + size)
            .containsExactly(whole, within(1e-5f));
      }
    }
  }

  @Test
  void rowsOfABatchKeepTheirOrder() {
    final Linear linear = Linear.builder().setUnits(1).optBias(false).build();
    linear.setInitializer((m, shape, type) -> m.create(new double[] {1}, shape), "weight");
    final List<double[]> seen = new ArrayList<>();
    final Loss recording =
        new Loss("recording") {
          @Override
          public NDArray evaluate(NDList labels, NDList predictions) {
            seen.add(labels.head().toDoubleArray());
            seen.add(predictions.head().stopGradient().toDoubleArray());
            return predictions.head().sum();
          }
        };
    final Examples data =
        new Examples(
            manager.create(new double[] {10, 11, 12, 13}, new Shape(4, 1)),
            manager.create(new double[] {0, 1, 2, 3}));
    try (Training training =
        new Training(
            linear, recording, new Shape(1, 1), TrainingOptions.seeded(1).as(DataType.FLOAT64))) {
      training.fit(data, List.of(new int[] {3, 0, 3}), StepListener.NONE);
    }
    assertThat(seen.get(0)).containsExactly(3, 0, 3);
    assertThat(seen.get(1)).containsExactly(13, 10, 13);
  }

  @Test
  void noArrayIsLeftBehindByAStep() {
    final Examples data = bars(64, 3);
    final int arrays = manager.getManagedArrays().size();
    try (Training training = svm(1, TrainingOptions.seeded(1))) {
      training.fit(data, batches(64, 8, 1, 1), StepListener.NONE);
      final int owned = training.ownedArrays();
      // All parameters, two moments of all, and eight views.
      assertThat(owned).isEqualTo(3 + 8);
      training.fit(data, batches(64, 8, 10, 2), StepListener.NONE);
      assertThat(training.ownedArrays()).isEqualTo(owned);
      assertThat(manager.getManagedArrays()).hasSize(arrays);
      training.predict(data.inputs(), 5).close();
      assertThat(training.ownedArrays()).isEqualTo(owned);
      assertThat(manager.getManagedArrays()).hasSize(arrays);
    }
  }

  /** Run in a JVM of its own by the test below; writes by how many kilobytes it grew. */
  public static final class Thousand {

    private Thousand() {}

    /** Warms up, then trains for 1000 steps. */
    public static void main(String[] arguments) throws IOException {
      final TrainingTest test = new TrainingTest();
      test.open();
      final Examples data = test.bars(64, 3);
      try (Training training = svm(1, TrainingOptions.seeded(1))) {
        training.fit(data, batches(64, 32, 500, 1), StepListener.NONE);
        final long before = residentKilobytes();
        training.fit(data, batches(64, 32, 1000, 2), StepListener.NONE);
        final long after = residentKilobytes();
        Files.writeString(Path.of(arguments[0]), Long.toString(after - before));
      }
      test.close();
    }
  }

  @Test
  void nativeMemoryDoesNotGrowOverAThousandSteps(@TempDir Path folder)
      throws IOException, InterruptedException {
    Assumptions.assumeTrue(Files.exists(STATUS), "resident memory is read from /proc");
    final Path result = folder.resolve("kilobytes.txt");
    final Path output = folder.resolve("out.txt");
    // A heap of fixed size that is resident from the start, so that what grows is native.
    final Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xms64m",
                "-Xmx64m",
                "-XX:+AlwaysPreTouch",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-Dai.djl.pytorch.num_threads=1",
                "-cp",
                System.getProperty("java.class.path"),
                Thousand.class.getName(),
                result.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor()).describedAs(Files.readString(output)).isZero();
    final long growth = Long.parseLong(Files.readString(result));
    // One leaked batch of images (8 KB) in each step would be 8 MB.
    assertThat(growth).describedAs("growth in kilobytes").isLessThan(2_000);
  }

  private static long residentKilobytes() throws IOException {
    System.gc();
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith("RssAnon:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void worksInDjlsOwnTrainer() {
    final ConvNet net = new ConvNet(TINY, new SplittableRandom(2));
    final Examples data = bars(32, 2);
    try (Model model = Libtorch.engine().newModel("test", Device.cpu())) {
      model.setBlock(net);
      final Loss loss = new SvmLoss(SvmOptions.L2, net.readoutWeights());
      try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(loss))) {
        trainer.initialize(net.inputShape(1));
        final List<Float> losses = new ArrayList<>();
        for (int step = 0; step < 30; step++) {
          try (GradientCollector collector = trainer.newGradientCollector()) {
            final NDList scores = trainer.forward(new NDList(data.inputs()));
            final NDArray value = trainer.getLoss().evaluate(new NDList(data.labels()), scores);
            collector.backward(value);
            losses.add(value.getFloat());
          }
          trainer.step();
        }
        assertThat(losses.getLast()).describedAs("seeds 2").isLessThan(losses.getFirst());
      }
    }
  }

  @Test
  void trainsWhereAllGradientsSumToZero() {
    // Softmax over two classes under one input: the two gradients are g and -g.
    final Linear linear = Linear.builder().setUnits(2).optBias(false).build();
    linear.setInitializer((m, shape, type) -> m.zeros(shape, type), "weight");
    final NDArray x = manager.create(new float[] {1}, new Shape(1, 1));
    final NDArray y = manager.create(new int[] {0});
    try (Training training =
        new Training(
            linear, Loss.softmaxCrossEntropyLoss(), new Shape(1, 1), TrainingOptions.seeded(1))) {
      assertThat(training.step(x, y).loss()).isEqualTo(Math.log(2), offset(1e-6));
      assertThat(training.step(x, y).loss()).isLessThan(Math.log(2));
    }
  }

  @Test
  void aNanInputGivesANanLoss() {
    final NDArray images = manager.full(new Shape(1, 1, 8, 8), Float.NaN);
    try (Training training = svm(1, TrainingOptions.seeded(1))) {
      assertThat(training.step(images, manager.create(new int[] {0})).loss()).isNaN();
    }
  }

  @Test
  void aTrainingThatEndedInNanLeavesTheNextAlone() {
    final Examples data = bars(32, 1);
    for (int round = 0; round < 3; round++) {
      try (Training lost = svm(1, TrainingOptions.seeded(1))) {
        final NDArray nan = data.inputs().mul(Float.NaN);
        assertThat(lost.step(nan, data.labels()).loss()).isNaN();
        assertThat(lost.step(nan, data.labels()).loss()).isNaN();
      }
      try (Training next = svm(1, TrainingOptions.seeded(1))) {
        for (int step = 0; step < 5; step++) {
          assertThat(next.step(data.inputs(), data.labels()).loss())
              .describedAs("round " + round + " step " + step)
              .isFinite();
        }
      }
    }
  }

  @Test
  void illegalArgumentsAreNamed() {
    final Examples data = bars(4, 1);
    try (Training training = svm(1, TrainingOptions.seeded(1))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> training.fit(data, List.of(new int[] {0, 4}), StepListener.NONE))
          .withMessageContaining("row 4; expected row numbers in 0..3");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> training.fit(data, List.of(new int[0]), StepListener.NONE))
          .withMessageContaining("expected a batch with at least one sample");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> training.predict(data.inputs(), 0))
          .withMessageContaining("batchSize is 0");
      // After a refused batch the next one is as if nothing had been.
      assertThat(training.steps()).isZero();
      assertThat(training.step(data.inputs(), data.labels()).loss()).isPositive();
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Examples(data.inputs(), manager.create(new int[] {1})))
        .withMessageContaining("labels are (1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TrainingOptions.seeded(1).withLearningRate(0))
        .withMessageContaining("learningRate is 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TrainingOptions.seeded(1).as(DataType.INT32))
        .withMessageContaining("dataType is int32");
  }
}
