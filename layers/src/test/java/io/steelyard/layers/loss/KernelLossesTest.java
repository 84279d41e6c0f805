package io.steelyard.layers.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.loss.LossOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Trainable losses against the kernels of the same names. */
class KernelLossesTest {

  private static final int N = 7;
  private static final int K = 9;

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** A kernel that writes losses and gradients, for targets as ids or lists of P. */
  interface Kernel {
    void run(Tensor x, Tensor targets, Tensor loss, Tensor dx);
  }

  record Pair(String name, int targets, LossCase.Static layer, Kernel kernel) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Pair> pairs() {
    final LossOptions o = LossOptions.defaults();
    final var l2 = io.steelyard.kernels.loss.HingeLoss.Form.L2.withPenalty(0.7);
    final var l1 = io.steelyard.kernels.loss.HingeLoss.Form.L1.summed();
    final SoftTopKLoss.Form top = SoftTopKLoss.Form.of(2.5, 1.5);
    final InfoNceLoss.Form nce = InfoNceLoss.Form.of(0.3);
    return List.of(
        new Pair(
            "cross-entropy",
            1,
            (x, y, a) -> CrossEntropyLoss.crossEntropy(x, y, 0, a),
            (x, t, l, d) -> io.steelyard.kernels.loss.CrossEntropy.lossAndGradient(x, t, l, d)),
        new Pair(
            "smoothed cross-entropy",
            1,
            (x, y, a) -> CrossEntropyLoss.crossEntropy(x, y, 0.2, a),
            (x, t, l, d) ->
                io.steelyard.kernels.loss.CrossEntropy.lossAndGradient(x, t, l, d, 0.2, o)),
        compSum(0),
        compSum(0.5),
        compSum(1.3),
        compSum(2),
        compSum(3),
        new Pair(
            "decoupled",
            3,
            DecoupledSoftmaxLoss::decoupledSoftmax,
            (x, t, l, d) ->
                io.steelyard.kernels.loss.DecoupledSoftmaxLoss.lossAndGradient(x, t, l, d, o)),
        new Pair(
            "soft top-k",
            3,
            (x, y, a) -> SoftTopKLoss.softTopK(x, y, top, a),
            (x, t, l, d) ->
                io.steelyard.kernels.loss.SoftTopKLoss.lossAndGradient(x, t, l, d, 2.5, 1.5, o)),
        new Pair(
            "info-nce",
            3,
            (x, y, a) -> InfoNceLoss.infoNce(x, y, nce, a),
            (x, t, l, d) ->
                io.steelyard.kernels.loss.InfoNceLoss.lossAndGradient(x, t, l, d, 0.3, o)),
        new Pair(
            "l2 hinge",
            1,
            (x, y, a) -> HingeLoss.hinge(x, y, l2, a),
            (x, t, l, d) -> io.steelyard.kernels.loss.HingeLoss.lossAndGradient(x, t, l, d, l2, o)),
        new Pair(
            "l1 hinge",
            1,
            (x, y, a) -> HingeLoss.hinge(x, y, l1, a),
            (x, t, l, d) ->
                io.steelyard.kernels.loss.HingeLoss.lossAndGradient(x, t, l, d, l1, o)));
  }

  private static Pair compSum(double tau) {
    return new Pair(
        "comp-sum " + tau,
        1,
        (x, y, a) -> CompSumLoss.compSum(x, y, tau, a),
        (x, t, l, d) ->
            io.steelyard.kernels.loss.CompSumLoss.lossAndGradient(
                x, t, l, d, tau, LossOptions.defaults()));
  }

  /** Scores of several sizes, with entries of -inf that are no targets in the last rows. */
  private static double[] scores(RandomGenerator random) {
    final double[] values = random.doubles(N * K, -3, 3).toArray();
    final double[] factors = {1, 0.01, 10, 200, 5000, 1, 3};
    for (int i = 0; i < values.length; i++) {
      values[i] *= factors[i / K];
      if (i / K >= N - 2 && i % K > 6) {
        values[i] = Double.NEGATIVE_INFINITY;
      }
    }
    return values;
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void lossesAndGradientsAreThoseOfTheKernels(Pair pair) {
    final RandomGenerator random = new SplittableRandom(17);
    for (final DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
      final NDArray x = manager.create(scores(random), new Shape(N, K)).toType(type, true);
      final int[] lists = new int[N * pair.targets()];
      final double[] hot = new double[N * K];
      for (int i = 0; i < N; i++) {
        for (int p = 0; p < pair.targets(); p++) {
          lists[i * pair.targets() + p] = random.nextInt(7);
          hot[i * K + lists[i * pair.targets() + p]] = 1;
        }
      }
      final Tensor tx = NDArrayTensors.tensor(x.duplicate());
      final Tensor targets =
          pair.targets() == 1 ? Tensor.of(lists, N) : Tensor.of(lists, N, pair.targets());
      final DType dtype = type == DataType.FLOAT64 ? DType.F64 : DType.F32;
      final Tensor loss = Tensor.zeros(dtype, N);
      final Tensor dx = Tensor.zeros(dtype, N, K);
      pair.kernel().run(tx, targets, loss, dx);

      final NDArray labels =
          pair.targets() == 1 ? manager.create(lists) : manager.create(hot, new Shape(N, K));
      final double tolerance = type == DataType.FLOAT64 ? 1e-12 : 3e-5;
      final double[] layer =
          pair.layer()
              .apply(x, labels, io.steelyard.layers.loss.LossOptions.none())
              .toType(DataType.FLOAT64, false)
              .toDoubleArray();
      for (int i = 0; i < N; i++) {
        final double expected = loss.get(i);
        if (Double.isInfinite(expected)) {
          assertThat(layer[i]).isEqualTo(expected);
        } else {
          assertThat(layer[i])
              .describedAs("row %d of %s", i, type)
              .isEqualTo(expected, within(tolerance * Math.max(1, Math.abs(expected))));
        }
      }
      x.setRequiresGradient(true);
      try (var collector = Libtorch.engine().newGradientCollector()) {
        collector.backward(
            pair.layer().apply(x, labels, io.steelyard.layers.loss.LossOptions.none()).sum());
      }
      final double[] gradient = x.getGradient().toType(DataType.FLOAT64, false).toDoubleArray();
      x.setRequiresGradient(false);
      for (int i = 0; i < N * K; i++) {
        final double expected = dx.getDouble(i);
        assertThat(gradient[i])
            .describedAs("gradient %d of %s, row %d", i, type, i / K)
            .isEqualTo(expected, within(tolerance * Math.max(1, Math.abs(expected))));
      }
    }
  }

  @Test
  void softTopKIsThatOfTheKernelAndSumsToK() {
    final RandomGenerator random = new SplittableRandom(5);
    final double[] values = scores(random);
    final NDArray x = manager.create(values, new Shape(N, K));
    final Tensor y = Tensor.zeros(DType.F64, N, K);
    io.steelyard.kernels.loss.SoftTopK.apply(Tensor.of(values, N, K), y, 3, 0.8, 1);
    final NDArray weights = SoftTopK.weights(x, 3, 0.8);
    assertThat(weights.toDoubleArray()).containsExactly(y.toDoubleArray(), within(1e-11));
    assertThat(weights.sum(new int[] {1}).toDoubleArray())
        .containsExactly(new double[] {3, 3, 3, 3, 3, 3, 3}, within(1e-11));
    final NDArray g = manager.create(random.doubles(N * K, -1, 1).toArray(), new Shape(N, K));
    final double[] gradient =
        Gradients.analytic(
            a -> SoftTopK.weights(a.get(0), 3, 0.8).mul(g).sum(), new NDList(x.duplicate()))[0];
    final Tensor dx = Tensor.zeros(DType.F64, N, K);
    io.steelyard.kernels.loss.SoftTopK.vjp(y, NDArrayTensors.tensor(g), dx, 0.8, 1);
    assertThat(gradient).containsExactly(dx.toDoubleArray(), within(1e-11));
  }
}
