package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.PositionTemperature;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.attention.SelectiveOptions.Token;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Scalars;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SelectiveAttentionBlockTest {

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

  @Nested
  class Shared extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.selective(SelectiveOptions.defaults().on(true, true, true));
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).with(Rotary.line());
    }

    @Override
    boolean isEquivariant() {
      return false;
    }
  }

  /** On all sides, with fewer heads of keys, and values whose factors are kept in the cache. */
  @Nested
  class Full extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.selective(
          SelectiveOptions.defaults()
              .with(Token.FULL)
              .with(PositionTemperature.Form.DOUBLE_EXP)
              .on(true, true, true));
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).withKeyHeads(1);
    }
  }

  @Nested
  class ByPositionAlsoOfValues extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.selective(
          SelectiveOptions.defaults()
              .byPositionOnly()
              .with(PositionTemperature.Form.LINEAR)
              .withPositionOnValues());
    }
  }

  @Nested
  class SharedWithPositionsOfValues extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.selective(SelectiveOptions.defaults().withPositionOnValues());
    }
  }

  @Test
  void atFirstItIsSoftmaxAttentionButForTheSlightestGrowth() {
    final Shape tokens = new Shape(2, 6, 8);
    final NDArray x = manager.create(new Random(3).doubles(96, -1, 1).toArray(), tokens);
    final MultiHeadAttention plain =
        new MultiHeadAttention(MultiHeadOptions.of(8, 2, 6, Attention.softmax(), new Random(1)));
    plain.initialize(manager, DataType.FLOAT64, tokens);
    final double[] expected = plain.attend(store, x, Visibility.all(), true).toDoubleArray();
    final MultiHeadAttention shared = block(SelectiveOptions.defaults().byTokenOnly(), tokens);
    assertThat(shared.attend(store, x, Visibility.all(), true).toDoubleArray())
        .containsExactly(expected, within(1e-14));
    final double[] grown =
        block(SelectiveOptions.defaults(), tokens)
            .attend(store, x, Visibility.all(), true)
            .toDoubleArray();
    assertThat(grown).isNotEqualTo(expected).containsExactly(expected, within(1e-2));
  }

  private MultiHeadAttention block(SelectiveOptions options, Shape tokens) {
    final MultiHeadAttention block =
        new MultiHeadAttention(
            MultiHeadOptions.of(8, 2, 6, Attention.selective(options), new Random(1)));
    block.initialize(manager, DataType.FLOAT64, tokens);
    return block;
  }

  @Test
  void firstValuesAreThePapers() {
    final Map<PositionTemperature.Form, Double> alphas =
        Map.of(
            PositionTemperature.Form.SIGMOID, -5.0,
            PositionTemperature.Form.DOUBLE_EXP, 2.0,
            PositionTemperature.Form.LINEAR, 1e-5);
    alphas.forEach(
        (form, alpha) -> {
          final Block block =
              block(SelectiveOptions.defaults().with(form), new Shape(1, 6, 8)).attention();
          final Parameter parameter = block.getParameters().get("alpha");
          assertThat(parameter.getArray().toDoubleArray()).containsExactly(alpha);
          assertThat(parameter.getType()).isEqualTo(Parameter.Type.OTHER);
          assertThat(block.getParameters().get("u-q").getArray().toDoubleArray())
              .hasSize(8)
              .containsOnly(0);
          assertThat(block.getParameters().get("u-v").getArray().toDoubleArray())
              .hasSize(8)
              .containsOnly(0);
        });
  }

  /** Weights of queries that are all the same among keys of which the last stands out. */
  private double[] last(SelectiveOptions options, double alpha, int n, Visibility visibility) {
    final SelectiveAttentionBlock block = golden(options, n);
    block.getParameters().get("alpha").getArray().set(new double[] {alpha});
    final double[] keys = new double[n];
    keys[n - 1] = 3;
    final Shape shape = new Shape(1, 1, n, 1);
    final Map<String, Projection> qkv =
        Map.of(
            "q", new Projection(manager.ones(new Shape(1, 1, 1, 1), DataType.FLOAT64), false),
            "k", new Projection(manager.create(keys, shape), false),
            "v", new Projection(Scalars.div(manager.create(keys, shape), 3), false));
    final AttentionCall call =
        new AttentionCall(Optional.empty(), qkv, visibility, Optional.empty(), Optional.empty());
    final double composed = block.attend(store, call, true).getDouble(0, 0, 0, 0);
    final double kernel = block.attend(store, call, false).getDouble(0, 0, 0, 0);
    return new double[] {composed, kernel};
  }

  private SelectiveAttentionBlock golden(SelectiveOptions options, int tokens) {
    final SelectiveAttentionBlock block =
        new SelectiveAttentionBlock(
            options, new AttentionShape(2, 1, 1, 1, tokens, Optional.empty(), new Random(1)));
    final Shape heads = new Shape(1, 1, tokens, 1);
    block.initialize(manager, DataType.FLOAT64, heads, heads, heads);
    return block;
  }

  /** One relevant key with margin 3 keeps its weight, as far as the closed form says so. */
  @Test
  void dilution() {
    final SelectiveOptions options = SelectiveOptions.defaults().byPositionOnly();
    for (final double slope : new double[] {1e-300, .2, .5}) {
      for (int n = 1 << 4; n <= 1 << 14; n *= 4) {
        final double expected = 1 / (1 + (n - 1) * Math.exp(-3) * Math.pow((double) n, -3 * slope));
        final double alpha = Math.log(slope / (1 - slope));
        for (final Visibility visibility :
            new Visibility[] {Visibility.all(), Visibility.ofThePast()}) {
          assertThat(last(options, alpha, n, visibility))
              .as("slope %s, n %s", slope, n)
              .containsExactly(new double[] {expected, expected}, within(1e-12));
        }
      }
    }
  }

  private NDArray rows(double... values) {
    return manager.create(values, new Shape(1, 1, 3, 2));
  }

  /**
   * The page's temperatures .8, 1.5 and 2 of queries come about by a direction u and a slope alpha
   * that solve three equations; those of values are put into the values.
   */
  @Test
  void goldenCase() {
    final SelectiveOptions options =
        SelectiveOptions.defaults().with(PositionTemperature.Form.LINEAR).on(true, false, false);
    final SelectiveAttentionBlock block =
        new SelectiveAttentionBlock(
            options, new AttentionShape(2, 1, 2, 2, 3, Optional.empty(), new Random(1)));
    final Shape heads = new Shape(1, 1, 3, 2);
    block.initialize(manager, DataType.FLOAT64, heads, heads, heads);
    final double[] solved = solve();
    block.getParameters().get("u-q").getArray().set(new double[] {solved[0], solved[1]});
    block.getParameters().get("alpha").getArray().set(new double[] {solved[2]});
    final NDArray q = rows(1, 0, 0, 2, -1, 1);
    final NDArray k = rows(.5, .5, 1, -1, 2, 0);
    final NDArray v = rows(1, 0, 0, .5, 2.4, -1.2);
    final double[] o = {1, 0, 0.9601505126, 0.01992474368, 1.021142958, -0.03700017649};
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(causally(block, q, k, v, training).toDoubleArray())
          .containsExactly(o, within(1e-9));
    }
    // dalpha = sum_i dtau_q(i) ln i, with the page's dtau_q.
    final double expected = 0.04058245522 * Math.log(2) + 0.02005478712 * Math.log(3);
    final NDArray alpha = block.getParameters().get("alpha").getArray();
    alpha.setRequiresGradient(true);
    final double[][] gradients =
        Gradients.analytic(
            values -> causally(block, q, k, values.get(0), true).sum(), new NDList(v));
    assertThat(alpha.getGradient().toDoubleArray()[0]).isCloseTo(expected, within(1e-9));
    // dtau_v = Z . v, where the gradient of the given value is Z.
    final double[] z = gradients[0];
    assertThat(
            new double[] {
              z[0], z[3], 2 * z[4] - z[5],
            })
        .containsExactly(new double[] {2.854435723, 0.09270688234, 0.05285739498}, within(1e-9));
  }

  private NDArray causally(
      AttentionBlock block, NDArray q, NDArray k, NDArray v, boolean training) {
    final Map<String, Projection> qkv =
        Map.of(
            "q", new Projection(q, false),
            "k", new Projection(k, false),
            "v", new Projection(v, false));
    final Map<String, Projection> all = new HashMap<>(qkv);
    all.putAll(block.derived(store, qkv, Optional.empty(), Optional.empty(), training));
    return block.attend(
        store,
        new AttentionCall(
            Optional.empty(), all, Visibility.ofThePast(), Optional.empty(), Optional.empty()),
        training);
  }

  /** GELU of 1, 2 and -1. */
  private static final double[] GELU = {0.841344746068543, 1.954499736103642, -0.158655253931457};

  /** u and alpha: u1 from the first query, then u2 by bisection of what the third one is to be. */
  private static double[] solve() {
    final double u1 = atanh(.8 - 1) / GELU[0];
    double low = -0.5;
    double high = 0.5;
    for (int i = 0; i < 200; i++) {
      final double middle = (low + high) / 2;
      if (third(u1, low) * third(u1, middle) <= 0) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return new double[] {u1, low, slope(low)};
  }

  private static double slope(double u2) {
    return (1.5 - 1 - Math.tanh(u2 * GELU[1])) / Math.log(2);
  }

  private static double third(double u1, double u2) {
    return Math.tanh(u1 * GELU[2] + u2 * GELU[0]) + 1 + slope(u2) * Math.log(3) - 2;
  }

  private static double atanh(double x) {
    return 0.5 * Math.log((1 + x) / (1 - x));
  }

  @Test
  void queriesOfAnotherSequenceAskWithTheirOwnTemperatures() {
    final MultiHeadAttention block =
        block(SelectiveOptions.defaults().with(Token.FULL), new Shape(1, 6, 8));
    final NDArray x =
        manager.create(new Random(3).doubles(16, -1, 1).toArray(), new Shape(1, 2, 8));
    final NDArray memory =
        manager.create(new Random(4).doubles(40, -1, 1).toArray(), new Shape(1, 5, 8));
    assertThat(block.cross(store, x, memory, Visibility.all(), false).toDoubleArray())
        .containsExactly(
            block.cross(store, x, memory, Visibility.all(), true).toDoubleArray(), within(1e-14));
  }

  @Test
  void theFullFormNeedsTheLayersInput() {
    final SelectiveAttentionBlock block = golden(SelectiveOptions.defaults().with(Token.FULL), 3);
    final NDArray q = manager.ones(new Shape(1, 1, 3, 1), DataType.FLOAT64);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> block.forward(store, new NDList(q, q, q), false))
        .withMessageStartingWith("x is absent");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SelectiveOptions.defaults().byTokenOnly().withPositionOnValues())
        .withMessage("positionOnValues is true; expected false where position is empty");
  }
}
