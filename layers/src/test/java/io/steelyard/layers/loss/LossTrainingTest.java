package io.steelyard.layers.loss;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import io.steelyard.kernels.head.EquiangularBasis;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.head.DescriptorHead;
import io.steelyard.layers.head.EquiangularBasisHead;
import io.steelyard.layers.head.FourierHead;
import io.steelyard.layers.head.NormalizedSoftmaxHead;
import io.steelyard.layers.head.NormalizedSoftmaxHead.Form;
import io.steelyard.layers.head.NormalizedSoftmaxHead.Sphere;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses and heads in both trainers. */
class LossTrainingTest {

  private static final int N = 24;
  private static final int D = 5;
  private static final int K = 4;

  private NDManager manager;
  private RandomGenerator random;
  private NDArray x;
  private NDArray ids;

  static List<LossCase> cases() {
    return LossCase.all();
  }

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
    random = new SplittableRandom(13);
    // Class centres and noise.
    final double[] values = new double[N * D];
    final int[] classes = new int[N];
    for (int i = 0; i < values.length; i++) {
      classes[i / D] = i / D % K;
      values[i] = (i % D == i / D % K ? 2 : 0) + 0.3 * random.nextGaussian();
    }
    x = manager.create(values, new Shape(N, D)).toType(DataType.FLOAT32, false);
    ids = manager.create(classes);
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray labels(LossCase loss) {
    return loss.labels() == LossCase.Labels.IDS
        ? ids
        : ids.toType(DataType.INT64, false).oneHot(K).toType(DataType.FLOAT32, false);
  }

  private static Block net(Block... tail) {
    final SequentialBlock net =
        new SequentialBlock()
            .add(Linear.builder().setUnits(8).build())
            .add(Activation.reluBlock())
            .add(Linear.builder().setUnits(tail.length == 0 ? K : D).build());
    List.of(tail).forEach(net::add);
    return net;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void learnInTraining(LossCase loss) {
    final NDArray y = labels(loss);
    final NDArray weights = manager.ones(new Shape(N));
    try (Training training =
        new Training(
            net(),
            loss.loss().apply(LossOptions.mean()),
            x.getShape(),
            TrainingOptions.seeded(1).withLearningRate(1e-2))) {
      final double first = training.step(x, y).loss();
      double last = first;
      for (int step = 0; step < 25; step++) {
        last = training.step(new NDList(x), new NDList(y, weights)).loss();
      }
      assertThat(last).isLessThan(first);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void learnInDjlsTrainer(LossCase loss) {
    final NDArray y = labels(loss);
    try (Model model = Libtorch.engine().newModel("test", Device.cpu())) {
      model.setBlock(net());
      final Loss own = loss.loss().apply(LossOptions.mean());
      try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(own))) {
        trainer.initialize(x.getShape());
        double first = 0;
        double last = 0;
        for (int step = 0; step < 5; step++) {
          try (GradientCollector collector = trainer.newGradientCollector()) {
            final NDList scores = trainer.forward(new NDList(x));
            final NDArray value = trainer.getLoss().evaluate(new NDList(y), scores);
            collector.backward(value);
            last = value.getFloat();
            first = step == 0 ? last : first;
          }
          trainer.step();
        }
        assertThat(last).isLessThan(first);
        own.addAccumulator("all");
        own.updateAccumulator("all", new NDList(y), trainer.evaluate(new NDList(x)));
        assertThat(own.getAccumulator("all")).isFinite();
      }
    }
  }

  @Test
  void adaptiveMarginTrainsAHeadOnTheSphere() {
    for (final Sphere sphere : Sphere.values()) {
      final NormalizedSoftmaxHead head =
          new NormalizedSoftmaxHead(
              K, Form.DEFAULTS.withScale(1).on(sphere), new SplittableRandom(4));
      final AdaptiveMarginLoss loss = new AdaptiveMarginLoss(AdaptiveMarginLoss.Form.DEFAULTS);
      try (Training training =
          new Training(
              net(head), loss, x.getShape(), TrainingOptions.seeded(1).withLearningRate(3e-3))) {
        final NDArray before = training.predict(x, N);
        for (int step = 0; step < 60; step++) {
          assertThat(training.step(x, ids).loss()).isFinite();
          if (sphere == Sphere.PROJECTED) {
            head.project();
            final NDArray w = head.getParameters().get("weight").getArray();
            for (final float norm : w.stopGradient().square().sum(new int[] {0}).toFloatArray()) {
              assertThat(norm).isBetween(0.99999f, 1.00001f);
            }
          }
        }
        final NDArray after = training.predict(x, 7);
        final AdaptiveMarginLoss.Form form = AdaptiveMarginLoss.Form.DEFAULTS;
        final AdaptiveMarginLoss.Adapted start =
            AdaptiveMarginLoss.adapt(before, ids, form, LossOptions.mean());
        final AdaptiveMarginLoss.Adapted end =
            AdaptiveMarginLoss.adapt(after, ids, form, LossOptions.mean());
        assertThat(end.median()).describedAs(sphere.toString()).isGreaterThan(start.median());
        assertThat(end.scale()).isGreaterThanOrEqualTo(start.scale());
      }
    }
  }

  @Test
  void fixedVectorsStayAndWhatIsBeforeThemLearns() {
    final EquiangularBasis basis = EquiangularBasis.orthonormal(K, D, 6);
    final EquiangularBasisHead head = EquiangularBasisHead.of(basis);
    try (Training training =
        new Training(
            net(head),
            new CrossEntropyLoss(0.1),
            x.getShape(),
            TrainingOptions.seeded(1).withLearningRate(1e-2))) {
      final double first = training.step(x, ids).loss();
      double last = first;
      for (int step = 0; step < 60; step++) {
        last = training.step(x, ids).loss();
      }
      assertThat(last).isLessThan(first);
      assertThat(head.getParameters().get("basis").getArray().toFloatArray())
          .containsExactly(basis.vectors().toFloatArray());
      assertThat(training.predict(x, N).argMax(1).toLongArray())
          .containsExactly(ids.toType(DataType.INT64, false).toLongArray());
    }
  }

  @Test
  void fourierHeadAndLossGoTogether() {
    final FourierHead head =
        new FourierHead(FourierHead.Form.of(12, 4).withCoefficients(), new SplittableRandom(2));
    final NDArray bins = ids.add(ids).add(ids);
    try (Training training =
        new Training(
            net(head),
            new FourierLoss(1e-6, LossOptions.mean()),
            x.getShape(),
            TrainingOptions.seeded(1).withLearningRate(1e-2))) {
      final double first = training.step(x, bins).loss();
      double last = first;
      for (int step = 0; step < 60; step++) {
        last = training.step(x, bins).loss();
      }
      assertThat(last).isLessThan(first / 2);
      assertThat(training.predict(x, N).getShape()).isEqualTo(new Shape(N, 12));
    }
  }

  @Test
  void descriptorsLearnGloballyInBothTypes() {
    for (final DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
      final SequentialBlock net =
          new SequentialBlock()
              .add(new DescriptorHead(DescriptorHead.Form.of(6), new SplittableRandom(3)))
              .add(
                  new NormalizedSoftmaxHead(
                      K,
                      Form.DEFAULTS.withScale(1).on(Sphere.NORMALIZED),
                      new SplittableRandom(4)));
      final NDArray maps = x.reshape(N, D, 1, 1).repeat(3, 2).repeat(2, 2).toType(type, false);
      try (Training training =
          new Training(
              net,
              new AdaptiveMarginLoss(AdaptiveMarginLoss.Form.DEFAULTS),
              maps.getShape(),
              TrainingOptions.seeded(1).withLearningRate(1e-2).as(type))) {
        for (int step = 0; step < 40; step++) {
          assertThat(training.step(maps, ids).loss()).isFinite();
        }
        final long[] predicted = training.predict(maps, N).argMax(1).toLongArray();
        int right = 0;
        for (int i = 0; i < N; i++) {
          right += predicted[i] == i % K ? 1 : 0;
        }
        assertThat(right).describedAs(type.toString()).isGreaterThan(N * 3 / 4);
      }
    }
  }
}
