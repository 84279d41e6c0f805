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
import io.steelyard.kernels.doublystochastic.SinkhornOptions;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.attention.NormSoftmaxAttentionBlock.Spread;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Scalars;
import java.util.Optional;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SquareAttentionBlocksTest {

  private static final double[] S = {1, -.5, 2, 0, .25, -1, .5, 1.5, 0};

  /** What the page multiplies weights by before it asks for gradients. */
  private static final double[] COTANGENT = {1, 0, 0, 0, 2, 0, 0, 0, -1};

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

  abstract static class Square extends AttentionContract {
    @Override
    boolean isCausal() {
      return false;
    }

    @Override
    boolean takesPadding() {
      return false;
    }
  }

  @Nested
  class OfSinkhorn extends Square {
    @Override
    Attention attention() {
      return Attention.sinkhorn(SinkhornOptions.defaults().withIterations(5));
    }
  }

  @Nested
  class OfDeviation extends Square {
    @Override
    Attention attention() {
      return Attention.normSoftmax(Spread.DEVIATION);
    }
  }

  @Nested
  class OfVariance extends Square {
    @Override
    Attention attention() {
      return Attention.normSoftmax(Spread.VARIANCE);
    }
  }

  @Nested
  class OfQr extends Square {
    @Override
    Attention attention() {
      return Attention.qr();
    }

    /** Wide enough for scores of full rank. */
    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).withHeadWidths(12, 4);
    }

    @Override
    boolean isEquivariant() {
      return false;
    }

    @Override
    double toleranceInFloat() {
      return 1e-4;
    }
  }

  @Nested
  class OfACircuit extends Square {
    @Override
    Attention attention() {
      return Attention.quantum(new CircuitOptions(3, 1, true));
    }

    @Override
    int tokens() {
      return 4;
    }

    @Override
    boolean isEquivariant() {
      return false;
    }
  }

  /** Fewer angles than scores, and as many qubits as it takes. */
  @Nested
  class OfASmallFrozenCircuit extends OfACircuit {
    @Override
    Attention attention() {
      return Attention.quantum(new CircuitOptions(2, 0, true).frozen());
    }
  }

  private NDArray square(double[] values, double factor) {
    final int n = (int) Math.round(Math.sqrt(values.length));
    return Scalars.mul(manager.create(values, new Shape(1, 1, n, n)), factor);
  }

  private NDArray identity(int n) {
    return manager.eye(n, n, 0, DataType.FLOAT64).reshape(1, 1, n, n);
  }

  /** Weights of scores: identities as keys and values. */
  private double[] weights(AttentionBlock block, double[] scores, boolean training) {
    final int n = (int) Math.round(Math.sqrt(scores.length));
    final NDList qkv = new NDList(square(scores, Math.sqrt(n)), identity(n), identity(n));
    return block.forward(store, qkv, training).singletonOrThrow().toDoubleArray();
  }

  /** Gradient of the scores for a gradient of the weights. */
  private double[] gradient(AttentionBlock block, double[] scores, double[] cotangent) {
    final int n = (int) Math.round(Math.sqrt(scores.length));
    final double[] gradient =
        Gradients.analytic(
            q ->
                block
                    .forward(store, new NDList(q.get(0), identity(n), identity(n)), true)
                    .singletonOrThrow()
                    .mul(square(cotangent, 1))
                    .sum(),
            new NDList(square(scores, Math.sqrt(n))))[0];
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] *= Math.sqrt(n);
    }
    return gradient;
  }

  private static AttentionBlock sinkhorn(int iterations) {
    return new SinkhornAttentionBlock(SinkhornOptions.defaults().withIterations(iterations));
  }

  private void golden(AttentionBlock block, double... expected) {
    for (final boolean training : new boolean[] {false, true}) {
      final double[] weights = weights(block, S, training);
      for (int i = 0; i < expected.length; i++) {
        assertThat(weights[i]).as("%s %d", training, i).isCloseTo(expected[i], within(1e-14));
      }
    }
  }

  @Test
  void goldenCasesOfSinkhorn() {
    golden(
        sinkhorn(1),
        0.2537161816350252,
        0.05661173224047127,
        0.6896720861245035,
        0.3770874347306995,
        0.48418985050779795,
        0.1387227147615025,
        0.23122389762214904,
        0.6285317192117624,
        0.14024438316608848);
    golden(
        sinkhorn(3),
        0.2790498392897938,
        0.045901075687760785,
        0.6750490850224454,
        0.4397600326792989,
        0.41626719460586176,
        0.14397277271483938,
        0.28219255367560564,
        0.565487280782772,
        0.15232016554162237);
    golden(sinkhorn(21), 0.27078291272058735, 0.04294827338537337, 0.6862688138940393);
    final double[] gradient = gradient(sinkhorn(3), S, COTANGENT);
    assertThat(new double[] {gradient[0], gradient[1], gradient[2]})
        .containsExactly(
            new double[] {0.15583139659573764, -0.05801436819594098, -0.09781702839979661},
            within(1e-14));
  }

  @Test
  void goldenCasesOfQr() {
    golden(
        new QrAttentionBlock(0),
        0.8,
        0.19502487562189047,
        0.004975124378109459,
        0,
        0.02487562189054723,
        0.9751243781094524,
        0.2,
        0.7800995024875621,
        0.019900497512437842);
    assertThat(gradient(new QrAttentionBlock(0), S, COTANGENT))
        .containsExactly(
            new double[] {
              0.3087131506645878,
              0.01663325165218676,
              0,
              -0.15801589069577476,
              0.23286552313061515,
              0,
              -0.6174263013291746,
              -0.033266503304373536,
              0
            },
            within(1e-14));
  }

  @Test
  void goldenCaseOfNormSoftmax() {
    // Here the page reads S as products, not as scores.
    final NDList qkv = new NDList(square(S, 1), identity(3), identity(3));
    final double[] weights =
        new NormSoftmaxAttentionBlock(Spread.DEVIATION)
            .forward(store, qkv, false)
            .singletonOrThrow()
            .toDoubleArray();
    assertThat(new double[] {weights[0], weights[1], weights[2]})
        .containsExactly(
            new double[] {0.2361244611547232, 0.044393852391089506, 0.7194816864541873},
            within(1e-14));
  }

  private QuantumAttentionBlock circuit(CircuitOptions options, int tokens) {
    final QuantumAttentionBlock block =
        new QuantumAttentionBlock(
            options, new AttentionShape(4, 1, 4, 4, tokens, Optional.empty(), new Random(5)));
    final Shape heads = new Shape(1, 1, tokens, 4);
    block.initialize(manager, DataType.FLOAT64, heads, heads, heads);
    return block;
  }

  @Test
  void goldenCaseOfTheCircuit() {
    final QuantumAttentionBlock block = circuit(new CircuitOptions(2, 1, true), 2);
    final double[] theta = new double[14];
    for (int i = 0; i < theta.length; i++) {
      theta[i] = 0.1 * (i + 1);
    }
    block.getParameters().get("theta").getArray().set(theta);
    final double[] m = {1, -.5, 2, .25};
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(weights(block, m, training))
          .containsExactly(
              new double[] {
                0.3970839489850745, 0.6029160510149256, 0.6029160510149256, 0.3970839489850745
              },
              within(1e-14));
    }
    assertThat(gradient(block, m, new double[] {1, 0, 0, 0}))
        .containsExactly(
            new double[] {-0.043658739065128946, -0.10266849747551898, -0.008090908732406076, 0},
            within(1e-14));
  }

  @Test
  void rowsAndColumnsSumToOne() {
    final int n = 8;
    final double[] scores = new Random(3).doubles(n * n, -1, 1).toArray();
    for (final AttentionBlock block :
        new AttentionBlock[] {
          sinkhorn(101), new QrAttentionBlock(0), circuit(new CircuitOptions(4, 2, true), n)
        }) {
      for (final boolean training : new boolean[] {false, true}) {
        final double[] p = weights(block, scores, training);
        for (int i = 0; i < n; i++) {
          double row = 0;
          double column = 0;
          for (int j = 0; j < n; j++) {
            assertThat(p[i * n + j]).isBetween(0.0, 1.0);
            row += p[i * n + j];
            column += p[j * n + i];
          }
          assertThat(row).isCloseTo(1, within(1e-12));
          assertThat(column).isCloseTo(1, within(1e-12));
        }
      }
    }
  }

  @Test
  void qrIgnoresScaleAndFollowsNoNoiseTwice() {
    final double[] half = S.clone();
    for (int i = 0; i < half.length; i++) {
      half[i] /= 2;
    }
    assertThat(weights(new QrAttentionBlock(0), half, true))
        .containsExactly(weights(new QrAttentionBlock(0), S, true), within(1e-14));
    final double[] rankOne = {1, 2, 3, 2, 4, 6, 3, 6, 9};
    final double[] once = weights(new QrAttentionBlock(4), rankOne, true);
    assertThat(weights(new QrAttentionBlock(4), rankOne, false))
        .containsExactly(once, within(1e-14));
    assertThat(weights(new QrAttentionBlock(5), rankOne, false)).isNotEqualTo(once);
    assertThat(gradient(new QrAttentionBlock(4), rankOne, COTANGENT)).doesNotContain(Double.NaN);
  }

  @Test
  void anglesOfZeroGiveTheIdentity() {
    final QuantumAttentionBlock block = circuit(new CircuitOptions(3, 2, true), 4);
    final double[] p = weights(block, new double[16], true);
    assertThat(p).containsExactly(identity(4).toDoubleArray(), within(1e-14));
  }

  @Test
  void aFrozenCircuitKeepsItsParameters() {
    final QuantumAttentionBlock block = circuit(new CircuitOptions(3, 1, true).frozen(), 4);
    assertThat(block.getParameters().get("theta").requiresGradient()).isFalse();
    final double[] theta = block.getParameters().get("theta").getArray().toDoubleArray();
    assertThat(theta).hasSize(25).doesNotContain(0);
    for (final double each : theta) {
      assertThat(each).isBetween(-1.0, 1.0);
    }
  }

  @Test
  void paperSizes() {
    assertThat(CircuitOptions.forTokens(8)).isEqualTo(new CircuitOptions(8, 16, true));
    assertThat(new CircuitOptions(6, 2, true).angles()).isEqualTo(98);
  }

  @Test
  void nanMakesWeightsNan() {
    final double[] spoiled = S.clone();
    spoiled[1] = Double.NaN;
    for (final boolean training : new boolean[] {false, true}) {
      // Columns from the second on.
      final double[] p = weights(new QrAttentionBlock(0), spoiled, training);
      assertThat(p[1]).isNaN();
      assertThat(weights(sinkhorn(3), spoiled, training)).containsOnly(Double.NaN);
    }
  }

  @Test
  void whatCannotBeIsNamed() {
    for (final Attention attention :
        new Attention[] {
          Attention.sinkhorn(),
          Attention.qr(),
          Attention.quantum(),
          Attention.normSoftmax(Spread.DEVIATION)
        }) {
      final MultiHeadAttention block =
          new MultiHeadAttention(MultiHeadOptions.of(4, 1, 2, attention, new Random(1)));
      final Shape tokens = new Shape(1, 2, 4);
      block.initialize(manager, DataType.FLOAT32, tokens);
      final NDArray x = manager.ones(tokens);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.attend(store, x, Visibility.ofThePast(), false))
          .withMessageContaining("visibility hides or shifts");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> block.cross(store, x, manager.ones(new Shape(1, 3, 4)), Visibility.all(), true))
          .withMessage("k has 3 tokens; expected 2, as many as queries");
    }
    final AttentionShape six = new AttentionShape(4, 1, 4, 4, 6, Optional.empty(), new Random(1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new QuantumAttentionBlock(new CircuitOptions(4, 1, true), six))
        .withMessage("tokens are 6; expected a power of two, at most 16 for 4 qubits");
    final QuantumAttentionBlock small = circuit(new CircuitOptions(2, 1, true), 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> weights(small, new double[64], false))
        .withMessage("tokens are 8; expected a power of two, at most 4 for 2 qubits");
    assertThatIllegalArgumentException().isThrownBy(() -> new CircuitOptions(13, 1, true));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new SinkhornAttentionBlock(SinkhornOptions.defaults().withTolerance(1e-6)))
        .withMessage("tolerance is 1.0E-6; expected 0 in a layer");
  }
}
