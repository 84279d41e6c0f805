package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.linear.FeatureMap;
import io.steelyard.kernels.linear.MalaScale;
import io.steelyard.kernels.linear.NalaForm;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class LinearAttentionBlocksTest {

  @Nested
  class Linear extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.linear();
    }
  }

  @Nested
  class LinearOfRelus extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> new LinearAttentionBlock(FeatureMap.RELU);
    }
  }

  @Nested
  class Mala extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.mala();
    }
  }

  @Nested
  class MalaOfSums extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> new MalaAttentionBlock(FeatureMap.EXP, MalaScale.ROOT);
    }
  }

  @Nested
  class MalaOnAGrid extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.mala();
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).on(new Grid(2, 3)).with(Rotary.grid());
    }

    @Override
    boolean isEquivariant() {
      return false;
    }

    @Override
    boolean isCausal() {
      return false;
    }
  }

  @Nested
  class Nala extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.nala();
    }
  }

  @Nested
  class NalaOfCosinesOnALine extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> new NalaAttentionBlock(NalaForm.COSINE);
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).with(Rotary.line());
    }

    @Override
    boolean isEquivariant() {
      return false;
    }

    /** Rotated weights cancel over a small sum of weights that are not rotated. */
    @Override
    double toleranceInFloat() {
      return 1e-4;
    }

    /** For the same reason ten times that of others, as in float32. */
    @Override
    double rounding() {
      return 1e-13;
    }
  }

  private static final double[] Q = {1, -1, .5, .5};
  private static final double[] K = {0, 1, 2, -.5, -1, -1};
  private static final double[] V = {1, -1, 2};

  private static double[] outputs(AttentionBlock block, double[] q, double[] k, boolean causal) {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray queries = manager.create(q, new Shape(1, 1, q.length / 2, 2));
      final NDArray keys = manager.create(k, new Shape(1, 1, k.length / 2, 2));
      final NDArray values = manager.create(V, new Shape(1, 1, 3, 1));
      final AttentionCall call =
          new AttentionCall(
              Optional.empty(),
              Map.of(
                  "q", new Projection(queries, false),
                  "k", new Projection(keys, false),
                  "v", new Projection(values, false)),
              causal ? Visibility.ofThePast() : Visibility.all(),
              Optional.empty(),
              Optional.empty());
      final ParameterStore store = new ParameterStore(manager, false);
      final double[] composed = block.attend(store, call, true).toDoubleArray();
      assertThat(block.attend(store, call, false).toDoubleArray())
          .containsExactly(composed, within(1e-12));
      return composed;
    }
  }

  @Test
  void goldenMala() {
    // The page has eps 0; 1e-6 moves its digits from the sixth on, more where T is small.
    assertThat(outputs(new MalaAttentionBlock(FeatureMap.ELU1, MalaScale.SUM), Q, K, false))
        .containsExactly(new double[] {-8.476041802, -5.926999978}, within(2e-6));
    assertThat(outputs(new MalaAttentionBlock(FeatureMap.ELU1, MalaScale.MEAN), Q, K, false))
        .containsExactly(new double[] {-2.133513123, -1.306966211}, within(2e-6));
    assertThat(outputs(new MalaAttentionBlock(FeatureMap.ELU1, MalaScale.ROOT), K, K, true))
        .containsExactly(new double[] {1, -4.024569519, -0.9304820413}, within(3e-6));
  }

  @Test
  void goldenNala() {
    final double[] q = {1, -1, .2, .1};
    assertThat(outputs(new NalaAttentionBlock(NalaForm.SPLIT), q, K, false))
        .containsExactly(new double[] {-0.671231942, -0.9455773479}, within(1e-9));
    assertThat(outputs(new NalaAttentionBlock(NalaForm.COSINE), q, K, false))
        .containsExactly(new double[] {-0.671231942, -0.9455773635}, within(1e-9));
    assertThat(outputs(new NalaAttentionBlock(NalaForm.SPLIT), K, K, true))
        .containsExactly(new double[] {0.999999, -0.9999997143, 1.823518508}, within(1e-9));
  }

  @Test
  void longCausalSequencesAreAddedUpInBlocks() {
    for (final AttentionBlock block :
        List.of(
            new LinearAttentionBlock(FeatureMap.ELU1),
            new MalaAttentionBlock(FeatureMap.ELU1, MalaScale.MEAN),
            new NalaAttentionBlock(NalaForm.SPLIT))) {
      try (NDManager manager = Libtorch.newManager()) {
        final Random random = new Random(6);
        final NDList qkv = new NDList();
        for (final int tokens : new int[] {131, 150, 150}) {
          qkv.add(
              manager.create(
                  random.doubles(2L * tokens * 4, -2, 2).toArray(), new Shape(1, 2, tokens, 4)));
        }
        final AttentionCall call =
            new AttentionCall(
                Optional.empty(),
                Map.of(
                    "q", new Projection(qkv.get(0), false),
                    "k", new Projection(qkv.get(1), false),
                    "v", new Projection(qkv.get(2), false)),
                Visibility.ofThePast(),
                Optional.empty(),
                Optional.empty());
        final ParameterStore store = new ParameterStore(manager, false);
        AttentionContract.close(
            block.attend(store, call, true), block.attend(store, call, false), 1e-12);
      }
    }
  }

  @Test
  void scoresCannotBeShifted() {
    try (NDManager manager = Libtorch.newManager()) {
      final MultiHeadAttention block =
          new MultiHeadAttention(
              MultiHeadOptions.of(8, 2, 6, Attention.linear(), new Random(1)).withAlibi());
      block.initialize(manager, DataType.FLOAT32, new Shape(1, 6, 8));
      final NDArray x = manager.ones(new Shape(1, 6, 8));
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> block.attend(new ParameterStore(manager, false), x, Visibility.all(), false))
          .withMessage(
              "slopes given; expected none: attention in linear time has no scores to add them to");
    }
  }

  /** Pairs of the first half turn with the row, of the second with the column. */
  private static double[] rotated(double[] features, Grid grid, int token) {
    final int pairs = features.length / 2;
    final int half = pairs / 2;
    final double last = half - 1;
    final double[] turned = new double[features.length];
    for (int i = 0; i < pairs; i++) {
      final int place = i < half ? token / grid.width() : token % grid.width();
      final double frequency = i % half;
      final double angle = place * Math.pow(10_000, -frequency / last);
      final double x0 = features[2 * i];
      final double x1 = features[2 * i + 1];
      turned[2 * i] = x0 * Math.cos(angle) - x1 * Math.sin(angle);
      turned[2 * i + 1] = x1 * Math.cos(angle) + x0 * Math.sin(angle);
    }
    return turned;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double[] row(double[] all, int width, int row, DoubleUnaryOperator map) {
    return Arrays.stream(all, row * width, (row + 1) * width).map(map).toArray();
  }

  /** Rotated features are in the numerator only. */
  @Test
  void magnitudeAwareWeightsOnAGridAreThoseOfTheDefinition() {
    final Grid grid = new Grid(2, 3);
    final int n = grid.tokens();
    final int depth = 8;
    final Random random = new Random(5);
    final double[] q = random.doubles((long) n * depth, -2, 2).toArray();
    final double[] k = random.doubles((long) n * depth, -2, 2).toArray();
    final double[] v = random.doubles(n, -2, 2).toArray();
    final DoubleUnaryOperator phi = x -> x > 0 ? x + 1 : Math.exp(x);
    final double c = 1 / (Math.sqrt(depth) * n);
    final double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      final double[] own = row(q, depth, i, phi);
      double t = 0;
      for (int j = 0; j < n; j++) {
        t += c * dot(own, row(k, depth, j, phi));
      }
      for (int j = 0; j < n; j++) {
        final double a = c * dot(rotated(own, grid, i), rotated(row(k, depth, j, phi), grid, j));
        expected[i] += ((1 + 1 / (t + 1e-6)) * a - t / n) * v[j];
      }
    }
    assertThat(onAGrid(new MalaAttentionBlock(FeatureMap.ELU1, MalaScale.MEAN), q, k, v, grid))
        .containsExactly(expected, within(1e-12));
  }

  @Test
  void normAwareWeightsOnAGridAreThoseOfTheDefinition() {
    final Grid grid = new Grid(2, 3);
    final int n = grid.tokens();
    final int depth = 8;
    final Random random = new Random(6);
    final double[] q = random.doubles((long) n * depth, -2, 2).toArray();
    final double[] k = random.doubles((long) n * depth, -2, 2).toArray();
    final double[] v = random.doubles(n, -2, 2).toArray();
    final double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      final double[] own = row(q, depth, i, x -> x);
      final double norm = Math.sqrt(dot(own, own));
      final double p = 3 * (0.5 + Math.tanh(norm));
      double numerator = 0;
      double denominator = 0;
      for (int j = 0; j < n; j++) {
        for (final int sign : new int[] {1, -1}) {
          final double[] fq = row(q, depth, i, x -> Math.pow(Math.max(0, sign * x) / norm, p));
          final double[] fk = row(k, depth, j, x -> Math.pow(Math.max(0, sign * x), 3));
          numerator += dot(rotated(fq, grid, i), rotated(fk, grid, j)) / n * v[j];
          denominator += dot(fq, fk) / n;
        }
      }
      expected[i] = numerator / (denominator + 1e-6);
    }
    assertThat(onAGrid(new NalaAttentionBlock(NalaForm.SPLIT), q, k, v, grid))
        .containsExactly(expected, within(1e-10));
  }

  private static double[] onAGrid(
      AttentionBlock block, double[] q, double[] k, double[] v, Grid grid) {
    try (NDManager manager = Libtorch.newManager()) {
      final int n = grid.tokens();
      final int depth = q.length / n;
      final AttentionCall call =
          new AttentionCall(
              Optional.empty(),
              Map.of(
                  "q", new Projection(manager.create(q, new Shape(1, 1, n, depth)), false),
                  "k", new Projection(manager.create(k, new Shape(1, 1, n, depth)), false),
                  "v", new Projection(manager.create(v, new Shape(1, 1, n, 1)), false)),
              Visibility.all(),
              Optional.of(grid),
              Optional.of(Rotary.grid()));
      return block.attend(new ParameterStore(manager, false), call, false).toDoubleArray();
    }
  }

  /** Its direction is 0/0, and exact zeros in others would make the slope of a power infinite. */
  @Test
  void aQueryOfZerosGivesZerosAndFiniteGradients() {
    try (NDManager manager = Libtorch.newManager()) {
      for (final NalaForm form : NalaForm.values()) {
        final AttentionBlock block = new NalaAttentionBlock(form);
        final ParameterStore store = new ParameterStore(manager, false);
        final NDList qkv =
            new NDList(
                manager.create(new double[] {0, 0, 1, 0}, new Shape(1, 1, 2, 2)),
                manager.create(K, new Shape(1, 1, 3, 2)),
                manager.create(V, new Shape(1, 1, 3, 1)));
        for (final boolean training : new boolean[] {false, true}) {
          assertThat(block.forward(store, qkv, training).singletonOrThrow().getDouble(0, 0, 0, 0))
              .isZero();
        }
        for (final double[] gradient :
            Gradients.analytic(
                arrays -> block.forward(store, arrays, true).singletonOrThrow().sum(), qkv)) {
          for (final double number : gradient) {
            assertThat(number).describedAs(form.name()).isFinite();
          }
        }
      }
    }
  }
}
