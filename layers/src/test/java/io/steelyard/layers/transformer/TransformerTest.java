package io.steelyard.layers.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.KeyValueCache;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.attention.Rotary;
import io.steelyard.layers.engine.Libtorch;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TransformerTest {

  private static final Shape TOKENS = new Shape(2, 5, 8);

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

  private static TransformerOptions options() {
    final MultiHeadOptions heads =
        MultiHeadOptions.of(8, 2, 5, Attention.softmax(), new Random(1)).with(Rotary.line());
    return TransformerOptions.of(heads, 2, 12).withLayerScale(0.5).withHybridNorm();
  }

  private NDArray normal(long seed) {
    return manager.create(new Random(seed).doubles(80, -2, 2).toArray(), TOKENS);
  }

  private <B extends Block> B initialized(B block) {
    block.initialize(manager, DataType.FLOAT64, TOKENS);
    return block;
  }

  @Test
  void parametersAreCounted() {
    final TransformerEncoder encoder = initialized(new TransformerEncoder(options()));
    final long count =
        encoder.getParameters().values().stream().mapToLong(p -> p.getArray().size()).sum();
    // A layer: 4 projections, 2 linear maps, 3 norms, 2 scales; and the last norm.
    assertThat(count).isEqualTo(2 * (4 * (64 + 8) + (96 + 12) + (96 + 8) + 3 * 16 + 2 * 8) + 16);
  }

  @Test
  void gradientsAreThoseOfCentralDifferences() {
    final TransformerEncoder encoder = initialized(new TransformerEncoder(options()));
    final NDArray weights = normal(3);
    Gradients.check(
        "x",
        arrays -> encoder.forward(store, arrays, true).singletonOrThrow().mul(weights).sum(),
        new NDList(normal(2)),
        1e-6);
    final NDArray x = normal(2);
    Gradients.checkParameters(
        "encoder",
        encoder,
        () ->
            encoder
                .forward(new ParameterStore(manager, false), new NDList(x), true)
                .singletonOrThrow()
                .mul(weights)
                .sum(),
        1e-6);
  }

  @Test
  void predictionEqualsTrainingMode() {
    for (final Block block :
        List.of(
            initialized(new TransformerEncoder(options())),
            initialized(new TransformerDecoder(options())))) {
      final NDList x = new NDList(normal(2));
      assertThat(block.forward(store, x, false).singletonOrThrow().toDoubleArray())
          .containsExactly(
              block.forward(store, x, true).singletonOrThrow().toDoubleArray(), within(1e-12));
    }
  }

  @Test
  void decodingTokenByTokenEqualsTheWhole() {
    final TransformerDecoder decoder = initialized(new TransformerDecoder(options()));
    final NDArray x = normal(2);
    final NDArray whole = decoder.forward(store, new NDList(x), true).singletonOrThrow();
    final List<KeyValueCache> caches = decoder.caches(manager);
    final NDList pieces = new NDList();
    for (int t = 0; t < 5; t++) {
      pieces.add(decoder.decode(store, x.get(":, " + t + ":" + (t + 1)), caches));
    }
    caches.forEach(KeyValueCache::close);
    assertThat(NDArrays.concat(pieces, 1).toDoubleArray())
        .containsExactly(whole.toDoubleArray(), within(1e-12));
  }

  @Test
  void aMemoryIsAttendedTo() {
    final TransformerDecoder decoder = initialized(TransformerDecoder.onMemory(options()));
    final NDArray x = normal(2);
    final NDArray one = decoder.forward(store, new NDList(x, normal(4)), false).singletonOrThrow();
    final NDArray other =
        decoder.forward(store, new NDList(x, normal(5)), false).singletonOrThrow();
    assertThat(one.sub(other).abs().max().getDouble()).isGreaterThan(1e-3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> decoder.forward(store, new NDList(x), false))
        .withMessage("inputs are 1 arrays; expected tokens, a memory and perhaps a mask");
  }

  private static TransformerOptions normLast() {
    final MultiHeadOptions heads =
        MultiHeadOptions.of(8, 2, 5, Attention.softmax(), new Random(1)).with(Rotary.line());
    return TransformerOptions.of(heads, 2, 12).withNormLast();
  }

  @Test
  void withNormsLastEveryTokenIsNormedAndGradientsAreThoseOfCentralDifferences() {
    final TransformerEncoder encoder = initialized(new TransformerEncoder(normLast()));
    final NDArray y = encoder.forward(store, new NDList(normal(2)), false).singletonOrThrow();
    assertThat(y.mean(new int[] {2}).toDoubleArray())
        .containsExactly(new double[10], within(1e-12));
    assertThat(y.square().mean().getDouble()).isCloseTo(1, within(1e-3));
    final NDArray weights = normal(3);
    Gradients.checkParameters(
        "encoder",
        encoder,
        () ->
            encoder
                .forward(new ParameterStore(manager, false), new NDList(normal(2)), true)
                .singletonOrThrow()
                .mul(weights)
                .sum(),
        1e-6);
  }

  @Test
  void withNormsLastThereIsNoLastNorm() {
    final TransformerEncoder encoder = initialized(new TransformerEncoder(normLast()));
    final long count =
        encoder.getParameters().values().stream().mapToLong(p -> p.getArray().size()).sum();
    assertThat(count).isEqualTo(2 * (4 * (64 + 8) + (96 + 12) + (96 + 8) + 2 * 16));
    final TransformerDecoder decoder = initialized(new TransformerDecoder(normLast()));
    final NDArray x = normal(2);
    final List<KeyValueCache> caches = decoder.caches(manager);
    final NDArray decoded = decoder.decode(store, x, caches);
    caches.forEach(KeyValueCache::close);
    assertThat(decoded.toDoubleArray())
        .containsExactly(
            decoder.forward(store, new NDList(x), true).singletonOrThrow().toDoubleArray(),
            within(1e-12));
    final NDArray unchanged = decoder.layers().getFirst().normed(store, x);
    assertThat(unchanged.toDoubleArray()).containsExactly(x.toDoubleArray());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> options().withNormLast())
        .withMessage("hybridNorm is given with norms last; expected one of the two");
  }
}
