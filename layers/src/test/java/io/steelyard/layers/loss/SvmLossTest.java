package io.steelyard.layers.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.loss.SvmOptions.Form;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SvmLossTest {

  private static final double[] SCORES = {0.5, -1.5, 0.25, 2.0, 0.1, -0.3};
  private static final double[] WEIGHTS = {0.1, -0.2, 0.3, 0.4, 0.5, -0.6};
  private static final SvmOptions[] ALL = {
    SvmOptions.L2, SvmOptions.L1, SvmOptions.L2.in(Form.PAPER), SvmOptions.L1.in(Form.PAPER)
  };

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray scores() {
    return manager.create(SCORES, new Shape(2, 3));
  }

  private NDArray weights() {
    return manager.create(WEIGHTS, new Shape(2, 3));
  }

  private NDArray labels() {
    return manager.create(new long[] {0, 2});
  }

  private double[][] gradients(SvmOptions options) {
    return Gradients.analytic(
        x -> SvmLoss.svm(x.get(0), labels(), x.get(1), options), new NDList(scores(), weights()));
  }

  private double loss(NDArray scores, NDArray labels, NDArray weights, SvmOptions options) {
    return SvmLoss.svm(scores, labels, weights, options).getDouble();
  }

  @Test
  void goldenL2Code() {
    assertThat(loss(scores(), labels(), weights(), SvmOptions.L2))
        .isEqualTo(2.4370833333333333, offset(1e-15));
    final double[][] gradients = gradients(SvmOptions.L2);
    assertThat(gradients[0])
        .containsExactly(
            new double[] {
              -0.16666666666666666,
              0,
              0.41666666666666663,
              1.0,
              0.3666666666666667,
              -0.43333333333333335
            },
            within(1e-15));
    assertThat(gradients[1])
        .containsExactly(
            new double[] {
              0.03333333333333333,
              -0.06666666666666667,
              0.1,
              0.13333333333333333,
              0.16666666666666666,
              -0.2
            },
            within(1e-15));
  }

  @Test
  void goldenL1Code() {
    assertThat(loss(scores(), labels(), weights(), SvmOptions.L1))
        .isEqualTo(1.343333333333333, offset(1e-15));
    assertThat(gradients(SvmOptions.L1)[0])
        .containsExactly(
            new double[] {-1.0 / 6, 0, 1.0 / 6, 1.0 / 6, 1.0 / 6, -1.0 / 6}, within(1e-16));
  }

  @Test
  void goldenL2Paper() {
    final SvmOptions paper = SvmOptions.L2.in(Form.PAPER);
    assertThat(loss(scores(), labels(), weights(), paper)).isEqualTo(14.1675, offset(1e-14));
    assertThat(gradients(paper)[0])
        .containsExactly(new double[] {-1, 0, 2.5, 6, 2.2, -2.6}, within(1e-15));
    // (2/p) W with p = 2.
    assertThat(gradients(paper)[1]).containsExactly(WEIGHTS, within(1e-16));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void gradientsAgreeWithCentralDifferences(long seed) {
    final RandomGenerator random = new SplittableRandom(seed);
    for (final SvmOptions form : ALL) {
      final SvmOptions options = form.withPenalty(random.nextDouble(0.1, 3));
      final NDArray scores = manager.create(awayFromTheHinge(random, 5 * 4), new Shape(5, 4));
      final NDArray weights =
          manager.create(random.doubles(4 * 3, -1, 1).toArray(), new Shape(4, 3));
      final NDArray labels = manager.create(random.ints(5, 0, 4).toArray());
      Gradients.check(
          options + " seed " + seed,
          x -> SvmLoss.svm(x.get(0), labels, x.get(1), options),
          new NDList(scores, weights),
          1e-9);
    }
  }

  @Test
  void anExactHingeHasSubgradientZero() {
    final NDArray scores = manager.create(new double[] {1, -1}, new Shape(1, 2));
    final NDArray weights = manager.create(new double[] {3, 4}, new Shape(1, 2));
    final NDArray labels = manager.create(new int[] {0});
    for (final SvmOptions options : ALL) {
      final double[][] gradients =
          Gradients.analytic(
              x -> SvmLoss.svm(x.get(0), labels, x.get(1), options), new NDList(scores, weights));
      assertThat(gradients[0])
          .describedAs(options.toString())
          .containsExactly(new double[2], within(0.0));
    }
  }

  @Test
  void satisfiedMarginsLeaveOnlyTheRidge() {
    final NDArray scores = manager.create(new double[] {3, -1, -5, -2, 1.5, -1}, new Shape(2, 3));
    final NDArray labels = manager.create(new int[] {0, 1});
    final double ridge = 0.91 / 6;
    assertThat(loss(scores, labels, weights(), SvmOptions.L2)).isEqualTo(ridge, offset(1e-16));
    assertThat(loss(scores, labels, weights(), SvmOptions.L1)).isEqualTo(ridge, offset(1e-16));
    final double[][] gradients =
        Gradients.analytic(
            x -> SvmLoss.svm(x.get(0), labels, x.get(1), SvmOptions.L2),
            new NDList(scores, weights()));
    assertThat(gradients[0]).containsExactly(new double[6], within(0.0));
  }

  @Test
  void penaltyScalesTheDataTermAndZeroLeavesTheRidge() {
    for (final SvmOptions options : ALL) {
      final double ridge = loss(scores(), labels(), weights(), options.withPenalty(0));
      final double data = loss(scores(), labels(), weights(), options) - ridge;
      final double expected = options.form() == Form.CODE ? 0.91 / 6 : 0.91 / 2;
      assertThat(ridge).describedAs(options.toString()).isEqualTo(expected, offset(1e-15));
      assertThat(loss(scores(), labels(), weights(), options.withPenalty(2.5)))
          .describedAs(options.toString())
          .isEqualTo(ridge + 2.5 * data, offset(1e-13));
    }
  }

  @Test
  void codeFormDoesNotChangeWhenTheBatchIsDuplicated() {
    final NDArray twice = scores().concat(scores());
    final NDArray twiceLabels = labels().concat(labels());
    for (final SvmOptions options : new SvmOptions[] {SvmOptions.L2, SvmOptions.L1}) {
      assertThat(loss(twice, twiceLabels, weights(), options))
          .describedAs(options.toString())
          .isEqualTo(loss(scores(), labels(), weights(), options), offset(1e-15));
    }
  }

  @Test
  void labelsMayHaveAnyNumericTypeAndBeAColumn() {
    final double expected = loss(scores(), labels(), weights(), SvmOptions.L2);
    for (final DataType type :
        new DataType[] {DataType.INT32, DataType.INT64, DataType.FLOAT32, DataType.FLOAT64}) {
      final NDArray typed = labels().toType(type, true);
      assertThat(loss(scores(), typed, weights(), SvmOptions.L2))
          .describedAs(type.toString())
          .isEqualTo(expected);
      assertThat(loss(scores(), typed.reshape(2, 1), weights(), SvmOptions.L2))
          .describedAs("column of " + type)
          .isEqualTo(expected);
      // The official code overwrites its labels.
      assertThat(typed.toType(DataType.INT64, true).toLongArray()).containsExactly(0, 2);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT32", "FLOAT64"})
  void resultHasTypeDeviceAndManagerOfTheScores(DataType type) {
    for (final SvmOptions options : ALL) {
      try (NDManager model = Libtorch.newManager()) {
        final NDArray weights = model.create(WEIGHTS, new Shape(2, 3)).toType(type, true);
        final int before = model.getManagedArrays().size();
        final NDArray scores = scores().toType(type, true);
        final NDArray loss = SvmLoss.svm(scores, labels(), weights, options.withPenalty(1.0 / 3));
        assertThat(loss.getDataType()).isEqualTo(type);
        assertThat(loss.getDevice()).isEqualTo(scores.getDevice());
        assertThat(loss.getManager()).isEqualTo(scores.getManager());
        assertThat(model.getManagedArrays()).hasSize(before);
        final double exact = loss(scores(), labels(), weights(), options.withPenalty(1.0 / 3));
        assertThat(loss.toType(DataType.FLOAT64, false).getDouble())
            .describedAs(options + " " + type)
            .isEqualTo(exact, offset(exact * (type == DataType.FLOAT64 ? 1e-15 : 3e-7)));
      }
    }
  }

  @Test
  void worksAsADjlLossWithReadoutInDjlsOrientation() {
    final Parameter readout =
        Parameter.builder().setName("weight").setType(Parameter.Type.WEIGHT).build();
    final SvmLoss loss = new SvmLoss(SvmOptions.L2, readout);
    readout.setArray(weights().transpose());
    assertThat(loss.evaluate(new NDList(labels()), new NDList(scores())).getDouble())
        .isEqualTo(2.4370833333333333, offset(1e-15));
  }

  @Test
  void batchOfOne() {
    // m = (0.5, 0, 1.25), ridge 0.91 / 6.
    assertThat(loss(scores().get("0:1"), manager.create(new int[] {0}), weights(), SvmOptions.L2))
        .isEqualTo(0.91 / 6 + (0.25 + 1.5625) / 3, offset(1e-15));
  }

  @Test
  void nanScoreMakesTheLossNan() {
    final NDArray scores = manager.create(new double[] {1, Double.NaN}, new Shape(1, 2));
    final NDArray labels = manager.create(new int[] {0});
    final NDArray weights = manager.create(new double[] {1, 1}, new Shape(1, 2));
    for (final SvmOptions options : ALL) {
      assertThat(loss(scores, labels, weights, options)).describedAs(options.toString()).isNaN();
    }
  }

  @Test
  void infinitelyRightScoresCostNothing() {
    final NDArray scores =
        manager.create(
            new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}, new Shape(1, 2));
    final NDArray weights = manager.create(new double[] {0, 0}, new Shape(1, 2));
    assertThat(loss(scores, manager.create(new int[] {0}), weights, SvmOptions.L2)).isZero();
    assertThat(loss(scores, manager.create(new int[] {1}), weights, SvmOptions.L2)).isInfinite();
  }

  @Test
  void illegalArgumentsAreNamed() {
    final NDArray empty = manager.create(new Shape(0, 3), DataType.FLOAT64);
    final NDArray none = manager.create(new Shape(0), DataType.INT64);
    assertIllegal(empty, none, weights(), "scores are (0, 3)", "at least one sample");
    assertIllegal(scores().reshape(6), labels(), weights(), "scores are (6)", "[N, K]");
    assertIllegal(
        scores().toType(DataType.INT32, true), labels(), weights(), "scores are int32", "float32");
    assertIllegal(
        scores(), manager.create(new int[] {0, 3}), weights(), "labels[1] is 3.0", "0..2");
    assertIllegal(
        scores(), manager.create(new int[] {-1, 0}), weights(), "labels[0] is -1.0", "0..2");
    assertIllegal(
        scores(), manager.create(new double[] {0.5, 0}), weights(), "labels[0] is 0.5", "whole");
    assertIllegal(
        scores(), manager.create(new double[] {0, Double.NaN}), weights(), "labels[1] is NaN", "0");
    assertIllegal(
        scores(), manager.create(new int[] {0, 1, 2}), weights(), "labels are (3)", "[2]");
    assertIllegal(
        scores(), manager.create(new boolean[] {true, false}), weights(), "labels are boolean", "");
    assertIllegal(
        scores(), labels(), weights().reshape(6), "readoutWeights are (6)", "[D, 3] or [3, D]");
    assertIllegal(
        scores(),
        labels(),
        weights().toType(DataType.FLOAT32, true),
        "readoutWeights are float32",
        "float64");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void illegalPenaltyIsNamed(double penalty) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SvmOptions.L2.withPenalty(penalty))
        .withMessageContaining("penalty is " + penalty);
  }

  private static void assertIllegal(
      NDArray scores, NDArray labels, NDArray weights, String is, String expected) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SvmLoss.svm(scores, labels, weights, SvmOptions.L2))
        .withMessageContaining(is)
        .withMessageContaining("expected")
        .withMessageContaining(expected);
  }

  /** Scores whose margins keep away from 1, where the plain hinge has no derivative. */
  private static double[] awayFromTheHinge(RandomGenerator random, int length) {
    return random
        .doubles(-3, 3)
        .filter(score -> Math.abs(Math.abs(score) - 1) > 1e-3)
        .limit(length)
        .toArray();
  }
}
