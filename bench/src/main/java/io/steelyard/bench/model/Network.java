package io.steelyard.bench.model;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.transformer.TransformerDecoder;
import io.steelyard.layers.transformer.TransformerOptions;
import io.steelyard.layers.vision.VisionTransformer;
import io.steelyard.layers.vision.VisionTransformerConfiguration;
import java.util.random.RandomGenerator;

/** A model that predicts, all with softmax attention. */
public enum Network {
  /** The small vision transformer: 2 layers of 64 features, 4 heads, on patches of 4 x 4. */
  SMALL_VIT("small ViT, 2 x 64") {
    @Override
    Block block(int side, RandomGenerator random) {
      return new VisionTransformer(
          VisionTransformerConfiguration.SMALL.onImages(1, side, side),
          Attention.softmax(),
          random);
    }

    @Override
    Shape input(int side) {
      return new Shape(1, 1, side, side);
    }

    @Override
    int tokens(int side) {
      return (side / 4) * (side / 4);
    }
  },
  /** DeiT-T on larger images: 12 layers of 192 features, 3 heads, on patches of 16 x 16. */
  DEIT_TINY("DeiT-T, 12 x 192") {
    @Override
    Block block(int side, RandomGenerator random) {
      return new VisionTransformer(
          VisionTransformerConfiguration.DEIT_TINY.onImages(3, side, side).withDropPath(0),
          Attention.softmax(),
          random);
    }

    @Override
    Shape input(int side) {
      return new Shape(1, 3, side, side);
    }

    @Override
    int tokens(int side) {
      return 1 + (side / 16) * (side / 16);
    }
  },
  /** A causal decoder over a whole sequence: 4 layers of 256 features, 4 heads. */
  DECODER("decoder, 4 x 256") {
    @Override
    Block block(int side, RandomGenerator random) {
      return new TransformerDecoder(
          TransformerOptions.of(
              MultiHeadOptions.of(WIDTH, 4, side, Attention.softmax(), random), 4, 4 * WIDTH));
    }

    @Override
    Shape input(int side) {
      return new Shape(1, side, WIDTH);
    }

    @Override
    int tokens(int side) {
      return side;
    }
  };

  private static final int WIDTH = 256;

  private final String label;

  Network(String label) {
    this.label = label;
  }

  /** In words. */
  String label() {
    return label;
  }

  /**
   * An uninitialized model.
   *
   * @param side pixels along a side of the image, or tokens
   */
  abstract Block block(int side, RandomGenerator random);

  abstract Shape input(int side);

  abstract int tokens(int side);
}
