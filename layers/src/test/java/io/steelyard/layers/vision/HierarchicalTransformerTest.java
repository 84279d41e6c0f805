package io.steelyard.layers.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.ParameterCounts;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.vision.HierarchicalConfiguration.Design;
import io.steelyard.layers.vision.HierarchicalConfiguration.Stage;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class HierarchicalTransformerTest {

  abstract static class Contract extends ImageClassifierContract {

    abstract HierarchicalConfiguration small();

    @Override
    Block small(RandomGenerator random) {
      return new HierarchicalTransformer(small(), random);
    }

    @Override
    Block tiny(RandomGenerator random) {
      final Attention linear = small().stages().getFirst().attention();
      return new HierarchicalTransformer(
          new HierarchicalConfiguration(
              1,
              12,
              10,
              small().design(),
              List.of(
                  new Stage(4, 1, 1, 5, linear, 1), new Stage(8, 1, 2, 6, Attention.softmax(), 1)),
              4,
              0,
              2),
          random);
    }

    @Override
    Shape tinyImages(long samples) {
      return new Shape(samples, 1, 12, 10);
    }

    @Override
    Block dropping(RandomGenerator random) {
      return new HierarchicalTransformer(small().withDropPath(0.5), random);
    }

    @Test
    void runningStatisticsMoveInTrainingOnly() {
      final Block net = stirred(tiny(new Random(1)), tinyImages(1), DataType.FLOAT64);
      final NDArray x = images(2, DataType.FLOAT64, tinyImages(16));
      final double[] before = statistics(net);
      scores(net, x, false);
      assertThat(statistics(net)).isEqualTo(before);
      final double first = far(scores(net, x, false), scores(net, x, true));
      for (int i = 0; i < 100; i++) {
        scores(net, x, true);
      }
      // By then they are those of the batch, but for variances that count one number less.
      assertThat(far(scores(net, x, false), scores(net, x, true))).isLessThan(0.1 * first);
    }

    private static double far(NDArray a, NDArray b) {
      return a.sub(b).abs().max().getDouble();
    }

    private double[] statistics(Block net) {
      return net.getParameters().values().stream()
          .filter(parameter -> !parameter.requiresGradient())
          .flatMapToDouble(parameter -> Arrays.stream(doubles(parameter.getArray())))
          .toArray();
    }

    @Test
    void anyAttentionFits() {
      for (final Attention attention :
          List.of(Attention.softmax(), Attention.sigmoid(), Attention.linear(), Attention.mala())) {
        final HierarchicalTransformer net =
            stirred(
                new HierarchicalTransformer(
                    small().with(List.of(attention, attention)), new Random(1)),
                smallImages(1),
                DataType.FLOAT64);
        final NDArray x = images(2, DataType.FLOAT64, smallImages(2));
        final NDArray live = x.duplicate();
        live.setRequiresGradient(true);
        close(scores(net, x, false), scores(net, live, false), 1e-9);
        assertThat(net.attentions(1)).hasSize(1);
      }
    }
  }

  @Nested
  class Mavit extends Contract {

    @Override
    HierarchicalConfiguration small() {
      return HierarchicalConfiguration.MAVIT_SMALL;
    }
  }

  @Nested
  class Nalaformer extends Contract {

    @Override
    HierarchicalConfiguration small() {
      return HierarchicalConfiguration.NALAFORMER_SMALL;
    }
  }

  private static long count(HierarchicalConfiguration configuration) {
    final HierarchicalTransformer net = new HierarchicalTransformer(configuration, new Random(1));
    return ParameterCounts.of(net, net.inputShape(1));
  }

  @Test
  void parametersOfMavitAreThePublishedNumbers() {
    assertThat(count(HierarchicalConfiguration.MAVIT_T)).isEqualTo(16_449_128);
    // Published as 27, 50 and 98 million.
    assertThat(count(HierarchicalConfiguration.MAVIT_S)).isEqualTo(27_142_568);
    assertThat(count(HierarchicalConfiguration.MAVIT_B)).isEqualTo(49_792_648);
    assertThat(count(HierarchicalConfiguration.MAVIT_L)).isEqualTo(97_766_088);
    assertThat(count(HierarchicalConfiguration.MAVIT_SMALL)).isEqualTo(122_890);
  }

  @Test
  void parametersOfNalaformerAreThoseOfTheReleasedCode() {
    // Published as 8 and 15 million, which the released sizes do not have.
    assertThat(count(HierarchicalConfiguration.NALAFORMER_XT)).isEqualTo(6_142_248);
    assertThat(count(HierarchicalConfiguration.NALAFORMER_T)).isEqualTo(15_907_752);
    final HierarchicalConfiguration xt = HierarchicalConfiguration.NALAFORMER_XT;
    assertThat(
            count(
                new HierarchicalConfiguration(
                    3, 224, 224, xt.design(), xt.stages(), 2048, xt.dropPath(), 1000)))
        .isEqualTo(7_562_536);
    // Published as 26, 52 and 95 million.
    assertThat(count(HierarchicalConfiguration.NALAFORMER_S)).isEqualTo(25_654_184);
    assertThat(count(HierarchicalConfiguration.NALAFORMER_B)).isEqualTo(52_002_952);
    assertThat(count(HierarchicalConfiguration.NALAFORMER_L)).isEqualTo(95_426_760);
    assertThat(count(HierarchicalConfiguration.NALAFORMER_SMALL)).isEqualTo(124_426);
  }

  @Test
  void stagesHalveTheGrid() {
    final HierarchicalConfiguration published = HierarchicalConfiguration.MAVIT_T;
    assertThat(List.of(published.grid(0), published.grid(1), published.grid(2), published.grid(3)))
        .containsExactly(new Grid(56, 56), new Grid(28, 28), new Grid(14, 14), new Grid(7, 7));
    final HierarchicalConfiguration odd = published.onImages(1, 28, 33);
    assertThat(List.of(odd.grid(0), odd.grid(1), odd.grid(2), odd.grid(3)))
        .containsExactly(new Grid(7, 9), new Grid(4, 5), new Grid(2, 3), new Grid(1, 2));
    assertThat(published.depth()).isEqualTo(12);
  }

  /** The weights begin as the released code has them. */
  @Test
  void designsBeginAsPublished() {
    try (NDManager manager = Libtorch.newManager()) {
      for (final Design design : Design.values()) {
        final HierarchicalConfiguration sizes =
            design == Design.MAVIT
                ? HierarchicalConfiguration.MAVIT_SMALL
                : HierarchicalConfiguration.NALAFORMER_SMALL;
        final HierarchicalTransformer net = new HierarchicalTransformer(sizes, new Random(3));
        net.initialize(manager, DataType.FLOAT64, net.inputShape(1));
        final double convolution = deviation(net, "halving1.conv.weight");
        assertThat(convolution).describedAs("seed 3").isCloseTo(0.02 * 0.87962, within(6e-4));
        final double linear = deviation(net, "stage0-layer0.ffn-in.weight");
        assertThat(linear)
            .describedAs("seed 3, %s", design)
            .isCloseTo(
                design == Design.MAVIT ? 0.02 * 0.87962 : 1 / Math.sqrt(3 * 32.0), within(4e-3));
      }
    }
  }

  private static double deviation(Block net, String name) {
    final NDArray weight = ParameterFiles.named(net).get(name).getArray();
    return Math.sqrt(weight.square().mean().getDouble());
  }

  @Test
  void aBatchWithoutStatisticsIsRefused() {
    try (NDManager manager = Libtorch.newManager()) {
      final HierarchicalTransformer net =
          new HierarchicalTransformer(
              HierarchicalConfiguration.MAVIT_SMALL.onImages(1, 5, 5), new Random(1));
      net.initialize(manager, DataType.FLOAT32, net.inputShape(1));
      final ParameterStore store = new ParameterStore(manager, false);
      final NDList one = new NDList(manager.ones(net.inputShape(1)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> net.forward(store, one, true))
          .withMessageStartingWith("images are (1, 1, 5, 5); expected at least 2 in training");
      assertThat(net.forward(store, one, false).head().getShape()).isEqualTo(new Shape(1, 10));
    }
  }

  @Test
  void illegalConfigurationsAreNamed() {
    final HierarchicalConfiguration small = HierarchicalConfiguration.MAVIT_SMALL;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Stage(30, 1, 2, 8, Attention.mala(), 1))
        .withMessage("features is 30; expected a positive multiple of 4 heads, 8");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Stage(32, 0, 2, 8, Attention.mala(), 1))
        .withMessage("depth is 0; expected 1 or more");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Stage(32, 1, 2, 8, Attention.mala(), Double.NaN))
        .withMessage("layerScale is NaN; expected a finite number");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> small.with(List.of(Attention.mala())))
        .withMessage("attentions are 1; expected one for each of 2 stages");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> small.withDropPath(1))
        .withMessage("dropPath is 1.0; expected [0, 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new HierarchicalConfiguration(1, 8, 8, Design.MAVIT, List.of(), 8, 0, 2))
        .withMessage("stages are none; expected at least one");
  }
}
