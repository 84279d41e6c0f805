package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.Reweighting;
import io.steelyard.layers.attention.SoftplusOptions.Scale;
import io.steelyard.layers.engine.Libtorch;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SoftplusAttentionBlocksTest {

  @Nested
  class Plain extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.softplus();
    }
  }

  @Nested
  class Reweighted extends AttentionContract {
    @Override
    Attention attention() {
      return shape -> SoftplusAttentionBlock.reweighted(new Reweighting(3, false));
    }
  }

  @Nested
  class Sharpened extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.reweightedSoftplus();
    }

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).with(Rotary.line()).withAlibi();
    }

    @Override
    boolean isEquivariant() {
      return false;
    }

    /** The power 15 of differences from the average, in which rounding shows. */
    @Override
    double toleranceInFloat() {
      return 1e-4;
    }
  }

  @Nested
  class ScaledByRoots extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.softplus(SoftplusOptions.defaults().with(Scale.ROOT));
    }
  }

  @Nested
  class SoftmaxReweighted extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.softplus(
          SoftplusOptions.defaults().with(SoftplusOptions.Map.EXP).with(new Reweighting(2, true)));
    }
  }

  @Nested
  class SigmoidOverItsSum extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.softplus(SoftplusOptions.defaults().with(SoftplusOptions.Map.SIGMOID));
    }
  }

  @Nested
  class SquaredReluOverItsSum extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.softplus(SoftplusOptions.defaults().with(SoftplusOptions.Map.SQUARED_RELU));
    }
  }

  @Nested
  class ReluWithoutSums extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.softplus(
          SoftplusOptions.defaults().with(SoftplusOptions.Map.RELU).withoutSums());
    }
  }

  @Nested
  class Cosine extends AttentionContract {
    @Override
    Attention attention() {
      return Attention.cosineSoftmax();
    }
  }

  private static final double[] Q = {1, 0, 0, 0, 2, 0, 1, 1, 0, 0, 0, 3, 1, 0, 1};
  private static final double[] K = {1, 0, 0, 0, 1, 0, 1, 1, 1, 0, -1, 1, 2, 0, 1};

  private static double[] outputs(AttentionBlock block, double[] k) {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray values = manager.create(new double[] {1, 2, 3, 4, 5}, new Shape(1, 1, 5, 1));
      return outputs(block, manager, k, values, Visibility.ofThePast());
    }
  }

  /** Each query's weights. */
  private static double[][] weights(SoftplusOptions options) {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray values = manager.eye(5, 5, 0, DataType.FLOAT64).reshape(1, 1, 5, 5);
      final double[] flat =
          outputs(new SoftplusAttentionBlock(options), manager, K, values, Visibility.ofThePast());
      final double[][] rows = new double[5][];
      Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, 5 * i, 5 * i + 5));
      return rows;
    }
  }

  private static double[] outputs(
      AttentionBlock block, NDManager manager, double[] k, NDArray values, Visibility visibility) {
    final AttentionCall call =
        new AttentionCall(
            Optional.empty(),
            Map.of(
                "q", new Projection(manager.create(Q, new Shape(1, 1, 5, 3)), false),
                "k", new Projection(manager.create(k, new Shape(1, 1, 5, 3)), false),
                "v", new Projection(values, false)),
            visibility,
            Optional.empty(),
            Optional.empty());
    final ParameterStore store = new ParameterStore(manager, false);
    final double[] composed = block.attend(store, call, true).toDoubleArray();
    assertThat(block.attend(store, call, false).toDoubleArray())
        .containsExactly(composed, within(1e-11));
    return composed;
  }

  @Test
  void goldenCases() {
    assertThat(outputs(SoftplusAttentionBlock.plain(), K))
        .containsExactly(
            new double[] {1, 1.622847475, 2.025376987, 2.821894065, 3.177484587}, within(1e-9));
    assertThat(outputs(SoftplusAttentionBlock.reweighted(new Reweighting(3, true)), K))
        .containsExactly(
            new double[] {1, 1.818312475, 2.07780877, 3.810207801, 4.621671347}, within(1e-9));
    assertThat(outputs(SoftplusAttentionBlock.reweighted(Reweighting.defaults()), K))
        .containsExactly(
            new double[] {1, 1.999460743, 2.410614973, 3.999295139, 4.999392893}, within(1e-9));
  }

  @Test
  void identicalKeysGiveZerosOnceAnAverageIsTakenOff() {
    final double[] same = new double[15];
    for (int i = 0; i < 15; i += 3) {
      same[i] = 1;
    }
    final double[] o = outputs(SoftplusAttentionBlock.reweighted(Reweighting.defaults()), same);
    assertThat(o).containsExactly(new double[] {1, 1.5, 2, 0, 0}, within(1e-12));
  }

  @Test
  void goldenWeights() {
    final double[][] a = weights(SoftplusOptions.defaults());
    assertThat(a[3])
        .containsExactly(
            new double[] {0.1740329164, 0.1740329164, 0.307941353, 0.3439928143, 0}, within(1e-9));
    assertThat(a[4])
        .containsExactly(
            new double[] {0.2167751842, 0.100028786, 0.238923155, 0.177482008, 0.2667908669},
            within(1e-9));
    final double[][] w = weights(SoftplusOptions.defaults().with(new Reweighting(3, true)));
    assertThat(w[1])
        .containsExactly(new double[] {0.1816875249, 0.8183124751, 0, 0, 0}, within(1e-9));
    assertThat(w[3])
        .containsExactly(new double[] {0, 0, 0.1897921987, 0.8102078013, 0}, within(1e-9));
    final double[][] sharp = weights(SoftplusOptions.defaults().with(Reweighting.defaults()));
    assertThat(sharp[4])
        .containsExactly(
            new double[] {9.979789868e-10, 0, 0.0003035515704, 0, 0.9996964474}, within(1e-9));
  }

  @Test
  void powerOneWithoutAShiftChangesNothing() {
    final double[][] plain = weights(SoftplusOptions.defaults());
    final double[][] same = weights(SoftplusOptions.defaults().with(new Reweighting(1, false)));
    for (int i = 0; i < 5; i++) {
      assertThat(same[i]).containsExactly(plain[i], within(1e-14));
    }
  }

  @Test
  void whatStaysIsAboveAverageAndKeepsItsOrder() {
    final double[][] a = weights(SoftplusOptions.defaults());
    final double[][] w = weights(SoftplusOptions.defaults().with(Reweighting.defaults()));
    for (int j = 0; j < 5; j++) {
      assertThat(w[4][j] > 0).isEqualTo(a[4][j] > 0.2);
      for (int other = 0; other < 5; other++) {
        assertThat(a[4][j] <= a[4][other] && w[4][j] > w[4][other]).isFalse();
      }
    }
  }

  @Test
  void exponentialsOverTheirSumAreCosineSoftmax() {
    assertThat(
            outputs(
                new SoftplusAttentionBlock(
                    SoftplusOptions.defaults().with(SoftplusOptions.Map.EXP)),
                K))
        .containsExactly(outputs(new CosineSoftmaxAttentionBlock(), K), within(1e-14));
  }

  @Test
  void mapsWithoutSums() {
    final double s = Math.log(3) * Math.log(5) / Math.sqrt(3) / Math.sqrt(2) * 2;
    for (final SoftplusOptions.Map map : SoftplusOptions.Map.values()) {
      // The last query and the third key.
      final double expected =
          switch (map) {
            case SOFTPLUS -> Math.log1p(Math.exp(s));
            case EXP -> Math.exp(s);
            case SIGMOID -> 1 / (1 + Math.exp(-s));
            case RELU -> s;
            case SQUARED_RELU -> s * s;
          };
      assertThat(weights(SoftplusOptions.defaults().with(map).withoutSums())[4][2])
          .as("%s", map)
          .isCloseTo(expected, within(1e-13));
    }
  }

  @Test
  void lengthsOfQueriesAndKeysDoNotMatter() {
    final double[] longer = K.clone();
    for (int i = 0; i < longer.length; i++) {
      longer[i] *= 1 + i / 3;
    }
    assertThat(outputs(SoftplusAttentionBlock.plain(), longer))
        .containsExactly(outputs(SoftplusAttentionBlock.plain(), K), within(1e-13));
  }

  /** Left padding: the scale is that of the keys that are there. */
  @Test
  void paddingIsNotCounted() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray values = manager.create(new double[] {1, 2, 3, 4, 5}, new Shape(1, 1, 5, 1));
      final NDArray flags =
          manager.create(new boolean[] {false, false, true, true, true}, new Shape(1, 5));
      final double[] padded =
          outputs(
              SoftplusAttentionBlock.plain(),
              manager,
              K,
              values,
              Visibility.ofThePast().andKeys(flags));
      final AttentionCall rest =
          new AttentionCall(
              Optional.empty(),
              Map.of(
                  "q", last(manager.create(Q, new Shape(1, 1, 5, 3))),
                  "k", last(manager.create(K, new Shape(1, 1, 5, 3))),
                  "v", last(values)),
              Visibility.ofThePast(),
              Optional.empty(),
              Optional.empty());
      final double[] alone =
          SoftplusAttentionBlock.plain()
              .attend(new ParameterStore(manager, false), rest, false)
              .toDoubleArray();
      assertThat(padded)
          .containsExactly(new double[] {0, 0, alone[0], alone[1], alone[2]}, within(1e-14));
    }
  }

  private static Projection last(NDArray array) {
    return new Projection(array.get(":, :, 2:"), false);
  }

  @Test
  void aReweightingNeedsSums() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SoftplusOptions.defaults().with(Reweighting.defaults()).withoutSums())
        .withMessage("normalized is false; expected true before a re-weighting");
  }
}
