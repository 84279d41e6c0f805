package io.steelyard.layers.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.convolutional.Conv2d;
import io.steelyard.kernels.linear.FeatureMap;
import io.steelyard.layers.ParameterCounts;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.LinearAttentionBlock;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.vision.VisionTransformerConfiguration.Pooling;
import io.steelyard.layers.vision.VisionTransformerConfiguration.Positions;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class VisionTransformerTest {

  private static final VisionTransformerConfiguration TINY =
      new VisionTransformerConfiguration(
          2, 4, 6, 2, 4, 1, 1, 3, Positions.LEARNED, Pooling.CLASS_TOKEN, 0, 2);
  private static final VisionTransformerConfiguration SMALL = VisionTransformerConfiguration.SMALL;

  abstract static class Contract extends ImageClassifierContract {

    abstract Attention attention();

    abstract Positions positions();

    abstract Pooling pooling();

    @Override
    Block small(RandomGenerator random) {
      return new VisionTransformer(SMALL.with(positions(), pooling()), attention(), random);
    }

    @Override
    Block tiny(RandomGenerator random) {
      return new VisionTransformer(TINY.with(positions(), pooling()), attention(), random);
    }

    @Override
    Shape tinyImages(long samples) {
      return new Shape(samples, 2, 4, 6);
    }

    @Override
    Block dropping(RandomGenerator random) {
      return new VisionTransformer(
          SMALL.with(positions(), pooling()).withDropPath(0.5), attention(), random);
    }
  }

  @Nested
  class WithSoftmaxAndAClassToken extends Contract {

    @Override
    Attention attention() {
      return Attention.softmax();
    }

    @Override
    Positions positions() {
      return Positions.LEARNED;
    }

    @Override
    Pooling pooling() {
      return Pooling.CLASS_TOKEN;
    }

    @Test
    void patchesAreThoseOfAStridedConvolution() {
      final VisionTransformer net =
          stirred(
              new VisionTransformer(
                  TINY.with(Positions.NONE, Pooling.MEAN), attention(), new Random(1)),
              tinyImages(1),
              DataType.FLOAT64);
      final NDArray x = images(2, DataType.FLOAT64, tinyImages(3));
      final NDArray weight = parameter(net, "patches.weight");
      final NDArray bias = parameter(net, "patches.bias");
      final NDArray map =
          Conv2d.conv2d(x, weight.reshape(4, 2, 2, 2), bias, new Shape(2, 2)).singletonOrThrow();
      close(net.tokens(store, x, false), map.reshape(3, 4, 6).transpose(0, 2, 1), 1e-14);
    }

    @Test
    void classTokenComesFirstAndEveryTokenHasItsPosition() {
      final VisionTransformer net = stirred(tinyNet(), tinyImages(1), DataType.FLOAT64);
      final NDArray tokens =
          net.tokens(store, manager.zeros(tinyImages(1), DataType.FLOAT64), false);
      assertThat(tokens.getShape()).isEqualTo(new Shape(1, 7, 4));
      final NDArray token = parameter(net, "class-token");
      final NDArray positions = parameter(net, "positions");
      final NDArray bias = parameter(net, "patches.bias");
      close(tokens.get(":, :1"), token.add(positions.get(":, :1")), 1e-15);
      close(tokens.get(":, 1:"), positions.get(":, 1:").add(bias), 1e-15);
    }

    private static NDArray parameter(Block net, String name) {
      return ParameterFiles.named(net).get(name).getArray();
    }

    private VisionTransformer tinyNet() {
      return new VisionTransformer(TINY, attention(), new Random(1));
    }

    @Test
    void everyAttentionPredictsWhatItTrains() {
      final List<Attention> attentions =
          List.of(
              Attention.softmax(),
              Attention.sigmoid(),
              Attention.softplus(),
              Attention.gaussian(),
              Attention.sinkhorn(),
              Attention.soft(7),
              Attention.linear(),
              shape -> new LinearAttentionBlock(FeatureMap.RELU),
              Attention.mala(),
              Attention.nala());
      for (int i = 0; i < attentions.size(); i++) {
        for (final Positions positions : Positions.values()) {
          final VisionTransformer net =
              stirred(
                  new VisionTransformer(
                      SMALL.with(positions, Pooling.MEAN), attentions.get(i), new Random(1)),
                  smallImages(1),
                  DataType.FLOAT64);
          final NDArray x = images(2, DataType.FLOAT64, smallImages(2));
          close(scores(net, x, false), scores(net, x, true), 1e-9);
        }
      }
    }

    @Test
    void onlyPositionsTellTheOrderOfPatches() {
      for (final Positions positions : Positions.values()) {
        final VisionTransformer net =
            stirred(
                new VisionTransformer(
                    TINY.with(positions, Pooling.MEAN), attention(), new Random(1)),
                tinyImages(1),
                DataType.FLOAT64);
        final NDArray x = images(2, DataType.FLOAT64, tinyImages(1));
        final NDArray turned = x.get(":, :, 2:").concat(x.get(":, :, :2"), 2);
        final double moved =
            scores(net, x, false).sub(scores(net, turned, false)).abs().max().getDouble();
        if (positions == Positions.NONE) {
          assertThat(moved).isLessThan(1e-14);
        } else {
          assertThat(moved).describedAs("%s", positions).isGreaterThan(1e-6);
        }
      }
    }
  }

  @Nested
  class WithMalaAndRotaryPositions extends Contract {

    @Override
    Attention attention() {
      return Attention.mala();
    }

    @Override
    Positions positions() {
      return Positions.ROTARY;
    }

    @Override
    Pooling pooling() {
      return Pooling.MEAN;
    }
  }

  private static long count(VisionTransformerConfiguration configuration, Attention attention) {
    final VisionTransformer net = new VisionTransformer(configuration, attention, new Random(1));
    return ParameterCounts.of(net, net.inputShape(1));
  }

  @Test
  void parametersAreThePublishedNumbers() {
    assertThat(count(VisionTransformerConfiguration.DEIT_TINY, Attention.softmax()))
        .isEqualTo(5_717_416);
    assertThat(count(VisionTransformerConfiguration.DEIT_SMALL, Attention.softmax()))
        .isEqualTo(22_050_664);
    assertThat(count(VisionTransformerConfiguration.DEIT_BASE, Attention.softmax()))
        .isEqualTo(86_567_656);
    assertThat(count(VisionTransformerConfiguration.DEIT_TINY, Attention.mala()))
        .isEqualTo(5_717_416);
    assertThat(count(SMALL, Attention.softmax())).isEqualTo(71_946);
    assertThat(count(SMALL.withPatch(2), Attention.softmax())).isEqualTo(80_586);
  }

  @Test
  void configurationsChangeOnePartAtATime() {
    final VisionTransformerConfiguration changed =
        SMALL.onImages(3, 32, 24).withClasses(5).withPatch(8).withDropPath(0.2);
    assertThat(changed)
        .isEqualTo(
            new VisionTransformerConfiguration(
                3, 32, 24, 8, 64, 4, 2, 128, Positions.LEARNED, Pooling.MEAN, 0.2, 5));
    assertThat(changed.tokens()).isEqualTo(12);
    assertThat(changed.with(Positions.NONE, Pooling.CLASS_TOKEN).tokens()).isEqualTo(13);
  }

  @Test
  void illegalConfigurationsAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SMALL.onImages(1, 30, 28))
        .withMessage("height is 30; expected a positive multiple of patch, 4");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SMALL.withPatch(0))
        .withMessage("patch is 0; expected 1 or more");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SMALL.withClasses(0))
        .withMessage("classes is 0; expected 1 or more");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SMALL.withDropPath(1))
        .withMessage("dropPath is 1.0; expected [0, 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SMALL.with(Positions.ROTARY, Pooling.CLASS_TOKEN))
        .withMessageStartingWith("positions are ROTARY with a class token");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new VisionTransformerConfiguration(
                    1, 28, 28, 4, 6, 1, 2, 8, Positions.ROTARY, Pooling.MEAN, 0, 2))
        .withMessage(
            "features is 6; expected a multiple of 4 for each of 1 heads with rotary positions");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new VisionTransformer(
                    SMALL.with(Positions.LEARNED, Pooling.CLASS_TOKEN),
                    Attention.soft(7),
                    new Random(1)))
        .withMessageStartingWith("grid is absent");
  }
}
