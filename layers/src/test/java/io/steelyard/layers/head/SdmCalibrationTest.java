package io.steelyard.layers.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.loss.LossOptions;
import io.steelyard.layers.loss.SdmLoss;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SdmCalibrationTest {

  private static final int D = 8;
  private static final SdmCalibration.Options QUICK =
      SdmCalibration.Options.defaults().training(1e-2, 32, 30);

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** Points of two classes around {@code +-1.5}, spread out, and moved along one axis. */
  private NDArray points(RandomGenerator random, int[] labels, double spread, double moved) {
    final double[] x = new double[labels.length * D];
    for (int i = 0; i < x.length; i++) {
      x[i] =
          (labels[i / D] == 0 ? -1 : 1) * (i % D < 2 ? 1.5 : 0)
              + spread * random.nextGaussian()
              + (i % D == D - 1 ? moved : 0);
    }
    return manager.create(x, new Shape(labels.length, D)).toType(DataType.FLOAT32, false);
  }

  private static int[] alternating(int n) {
    final int[] labels = new int[n];
    for (int i = 0; i < n; i++) {
      labels[i] = i % 2;
    }
    return labels;
  }

  @Test
  void similarityIsThePublishedOne() {
    final NDArray train = manager.create(new double[] {1, 0, 0, 2, 3, 0, 0, 4}, new Shape(4, 2));
    final NDArray scores = manager.create(new double[] {0, 1, 0, 1, 1, 0, 0, 1}, new Shape(4, 2));
    final SdmSupport support = SdmSupport.of(train, scores, manager.create(new int[] {1, 1, 0, 1}));
    final SdmSupport.Matches matches =
        support.match(
            manager.zeros(new Shape(1, 2), train.getDataType()),
            manager.create(new double[] {0, 1}, new Shape(1, 2)));
    assertThat(matches.similarities()).containsExactly(2);
    assertThat(matches.distances()).containsExactly(1);
    assertThat(matches.predicted()).containsExactly(1);
    // Among themselves no point is its own match; class 0 has no point with a similarity above 0,
    // so that every quantile is 0.
    final SdmSupport.Magnitudes own = support.withinTraining();
    assertThat(own.similarities().toDoubleArray()).containsExactly(0, 2, 0, 2);
    assertThat(own.distances().toDoubleArray()).containsOnly(0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SdmSupport.of(train, scores, manager.create(new int[] {1, 1, 0, 2})))
        .withMessageContaining("labels[3] is 2.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SdmSupport.of(train.get("0:2"), scores, manager.create(new int[4])))
        .withMessageContaining("exemplars and scores are (2, 2) and (4, 2)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> support.match(train.get(":, :1"), scores))
        .withMessageContaining("rows of 2 and 2");
  }

  @Test
  void quantilesWithinTraining() {
    // Two classes on a line, all right: nearest distances 1, 1, 2 and 1, 1, 3.
    final NDArray train = manager.create(new double[] {0, 1, 3, 10, 11, 14}, new Shape(6, 1));
    final NDArray scores =
        manager.create(new double[] {1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1}, new Shape(6, 2));
    final SdmSupport.Magnitudes own =
        SdmSupport.of(train, scores, manager.create(new int[] {0, 0, 0, 1, 1, 1})).withinTraining();
    assertThat(own.similarities().toDoubleArray()).containsExactly(2, 2, 2, 2, 2, 2);
    assertThat(own.distances().toDoubleArray())
        .containsExactly(new double[] {1, 1, 1 / 3.0, 1, 1, 0}, within(1e-15));
  }

  @Test
  void admitsWhatIsLikeTrainingAndRejectsWhatIsFar() {
    final RandomGenerator random = new SplittableRandom(77);
    final int[] y = alternating(600);
    final NDArray labels = manager.create(y);
    final NDArray train = points(random, y, 1, 0);
    final NDArray held = points(random, y, 1, 0);
    final SdmHead head =
        new SdmHead(SdmHead.Form.of(16, 2).standardising(train), new SplittableRandom(2));
    try (Training training =
        new Training(
            head,
            new SdmLoss(LossOptions.mean()),
            new Shape(1, D),
            TrainingOptions.seeded(1).withLearningRate(1e-2))) {
      // q = e - 2, d = 1: the first epoch is cross-entropy.
      NDArray q = manager.full(new Shape(600), (float) (Math.E - 2));
      NDArray d = manager.ones(new Shape(600));
      final ParameterStore parameters = new ParameterStore(manager, false);
      double first = 0;
      double last = 0;
      for (int epoch = 0; epoch < 4; epoch++) {
        for (int from = 0; from < 600; from += 50) {
          final String rows = from + ":" + (from + 50);
          last =
              training
                  .step(
                      new NDList(train.get(rows)),
                      new NDList(labels.get(rows), q.get(rows), d.get(rows)))
                  .loss();
          first = epoch == 0 && from == 0 ? last : first;
        }
        final NDArray h = head.exemplars(parameters, train, false);
        final SdmSupport support = SdmSupport.of(h, head.scores(parameters, h, false), labels);
        q = support.withinTraining().similarities();
        d = support.withinTraining().distances();
      }
      assertThat(last).isLessThan(first);

      final NDArray h = head.exemplars(parameters, train, false);
      final SdmSupport support = SdmSupport.of(h, head.scores(parameters, h, false), labels);
      final NDArray ca = head.exemplars(parameters, held, false);
      final NDArray z = head.scores(parameters, ca, false);
      final SdmCalibration calibration = SdmCalibration.fit(support, ca, z, labels, QUICK);
      assertThat(calibration.threshold()).isFinite().isGreaterThanOrEqualTo(1);
      assertThat(calibration.region().psi()).allSatisfy(p -> assertThat(p).isGreaterThan(0.95));

      final NDArray test = head.exemplars(parameters, points(random, y, 1, 0), false);
      final List<SdmCalibration.Verdict> near =
          calibration.decide(test, head.scores(parameters, test, false));
      int admitted = 0;
      int right = 0;
      for (int i = 0; i < y.length; i++) {
        final SdmCalibration.Verdict verdict = near.get(i);
        assertThat(verdict.distance()).isBetween(0.0, 1.0);
        if (verdict.admitted()) {
          admitted++;
          right += verdict.predicted() == y[i] ? 1 : 0;
          assertThat(verdict.probability()).isGreaterThanOrEqualTo(0.95);
          assertThat(verdict.estimate().lower().similarity())
              .isLessThanOrEqualTo(verdict.estimate().centroid().similarity())
              .isGreaterThanOrEqualTo(calibration.threshold());
        }
      }
      assertThat(admitted).describedAs("seed 77").isGreaterThan(60);
      assertThat(right).describedAs("seed 77").isGreaterThanOrEqualTo((int) (0.95 * admitted));

      // Far away: d = 0, uniform, rejected.
      final NDArray away = head.exemplars(parameters, points(random, y, 1, 500), false);
      final NDArray awayScores = head.scores(parameters, away, false);
      assertThat(calibration.decide(away, awayScores))
          .allSatisfy(
              verdict -> {
                assertThat(verdict.distance()).isZero();
                assertThat(verdict.admitted()).isFalse();
              });
      assertThat(calibration.weights(away, awayScores)[0]).containsExactly(0.5, 0.5);

      // Rounds that agree ask for nothing more, others do.
      final SdmCalibration same =
          SdmCalibration.acrossRounds(calibration, List.of(calibration, calibration));
      assertThat(same.threshold()).isEqualTo(calibration.threshold());
      final NDArray half = manager.create(alternating(300));
      final SdmCalibration other =
          SdmCalibration.fit(support, ca.get("0:300"), z.get("0:300"), half, QUICK.seeded(3));
      final SdmCalibration both =
          SdmCalibration.acrossRounds(calibration, List.of(calibration, other));
      assertThat(both.threshold()).isGreaterThanOrEqualTo(calibration.threshold());
      final long before = near.stream().filter(SdmCalibration.Verdict::admitted).count();
      final long after =
          both.decide(test, head.scores(parameters, test, false)).stream()
              .filter(SdmCalibration.Verdict::admitted)
              .count();
      assertThat(after).isLessThanOrEqualTo(before);
      // The matrix was trained and is better than the identity it began with.
      assertThat(calibration.rescaler()[0]).isGreaterThan(1);
      final SdmCalibration again = SdmCalibration.fit(support, ca, z, labels, QUICK);
      assertThat(again.rescaler()).containsExactly(calibration.rescaler());
    }
  }

  @Test
  void fewPointsAdmitNothing() {
    final RandomGenerator random = new SplittableRandom(5);
    final int[] y = alternating(20);
    final NDArray x = points(random, y, 0.1, 0);
    final NDArray scores =
        Scalars.mul(x.get(":, :1"), -3).concat(Scalars.mul(x.get(":, :1"), 3), 1);
    final NDArray labels = manager.create(y);
    final SdmCalibration calibration =
        SdmCalibration.fit(SdmSupport.of(x, scores, labels), x.add(0.01), scores, labels, QUICK);
    assertThat(calibration.decide(x, scores)).noneMatch(SdmCalibration.Verdict::admitted);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> QUICK.withAlpha(1))
        .withMessageContaining("alpha is 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SdmCalibration.acrossRounds(calibration, List.of()))
        .withMessageContaining("rounds are empty");
  }
}
