package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every attention in a {@link MultiHeadAttention} has to keep; a test class extends it. */
abstract class AttentionContract {

  static final int WIDTH = 8;
  static final int HEADS = 2;
  static final int TOKENS = 6;
  static final int BATCH = 2;

  NDManager manager;
  ParameterStore store;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
    store = new ParameterStore(manager, false);
  }

  @AfterEach
  void close() {
    manager.close();
  }

  /** The attention that is tested. */
  abstract Attention attention();

  /** How it is built; override to put it on a grid or to give it positions. */
  MultiHeadOptions options(RandomGenerator random) {
    return MultiHeadOptions.of(WIDTH, HEADS, tokens(), attention(), random);
  }

  /** How many tokens sequences have; at least 6 where it is causal, takes padding or any order. */
  int tokens() {
    return TOKENS;
  }

  /** Whether the method has a causal form. */
  boolean isCausal() {
    return true;
  }

  /** Whether tokens can be fed to it in pieces, where it is causal. */
  boolean isDecodable() {
    return true;
  }

  /** Whether the method can leave out padded keys. */
  boolean takesPadding() {
    return true;
  }

  /** Whether tokens may be put in another order. */
  boolean isEquivariant() {
    return true;
  }

  /**
   * How far the kernel may be from the composed form in float64, relative to the largest output.
   */
  double toleranceInDouble() {
    return 1e-12;
  }

  /** The same in float32. */
  double toleranceInFloat() {
    return 1e-5;
  }

  /**
   * How far results may be apart in float64 that come from the same numbers: libtorch's sums depend
   * on where arrays begin.
   */
  double rounding() {
    return 1e-14;
  }

  static RandomGenerator random(long seed) {
    return new java.util.Random(seed);
  }

  final NDArray normal(long seed, DataType type, long... shape) {
    final RandomGenerator random = random(seed);
    final double[] values = new double[Math.toIntExact(new Shape(shape).size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextGaussian();
    }
    return manager.create(values, new Shape(shape)).toType(type, false);
  }

  final MultiHeadAttention block(DataType type) {
    final MultiHeadAttention block = new MultiHeadAttention(options(random(7)));
    block.initialize(manager, type, new Shape(BATCH, tokens(), WIDTH));
    stir(block);
    return block;
  }

  /** Moves parameters that begin at 0 or 1, so that a gradient or a form left out shows. */
  private static void stir(MultiHeadAttention block) {
    final RandomGenerator random = random(11);
    block
        .getParameters()
        .values()
        .forEach(
            parameter -> {
              final NDArray array = parameter.getArray();
              final double[] noise = new double[Math.toIntExact(array.size())];
              for (int i = 0; i < noise.length; i++) {
                noise[i] = 0.1 * random.nextGaussian();
              }
              array.addi(
                  array
                      .getManager()
                      .create(noise, array.getShape())
                      .toType(array.getDataType(), false));
            });
  }

  private NDArray attend(
      MultiHeadAttention block, NDArray x, Visibility visibility, boolean training) {
    return block.attend(store, x, visibility, training);
  }

  private NDArray padding(int... lengths) {
    final boolean[] flags = new boolean[lengths.length * TOKENS];
    for (int b = 0; b < lengths.length; b++) {
      for (int t = 0; t < lengths[b]; t++) {
        flags[b * TOKENS + t] = true;
      }
    }
    return manager.create(flags, new Shape(lengths.length, TOKENS));
  }

  static void close(NDArray actual, NDArray expected, double tolerance) {
    assertThat(actual.getShape()).isEqualTo(expected.getShape());
    assertThat(actual.getDataType()).isEqualTo(expected.getDataType());
    final double[] a = actual.toType(DataType.FLOAT64, true).toDoubleArray();
    final double[] e = expected.toType(DataType.FLOAT64, true).toDoubleArray();
    double scale = 1;
    for (final double value : e) {
      scale = Double.isFinite(value) ? Math.max(scale, Math.abs(value)) : scale;
    }
    for (int i = 0; i < a.length; i++) {
      assertThat(a[i]).as("entry " + i).isCloseTo(e[i], within(tolerance * scale));
    }
  }

  private void sameInBothForms(DataType type, Visibility visibility, double tolerance) {
    final MultiHeadAttention block = block(type);
    final NDArray x = normal(1, type, BATCH, tokens(), WIDTH);
    close(attend(block, x, visibility, false), attend(block, x, visibility, true), tolerance);
  }

  @Test
  void kernelEqualsComposedForm() {
    sameInBothForms(DataType.FLOAT64, Visibility.all(), toleranceInDouble());
    sameInBothForms(DataType.FLOAT32, Visibility.all(), toleranceInFloat());
  }

  @Test
  void kernelEqualsComposedFormCausally() {
    assumeTrue(isCausal());
    sameInBothForms(DataType.FLOAT64, Visibility.ofThePast(), toleranceInDouble());
    sameInBothForms(DataType.FLOAT32, Visibility.ofThePast(), toleranceInFloat());
  }

  @Test
  void kernelEqualsComposedFormUnderPadding() {
    assumeTrue(takesPadding());
    final Visibility visibility = Visibility.ofKeys(padding(4, 6));
    sameInBothForms(DataType.FLOAT64, visibility, toleranceInDouble());
    sameInBothForms(DataType.FLOAT32, visibility, toleranceInFloat());
  }

  @Test
  void gradientsAreThoseOfCentralDifferences() {
    final MultiHeadAttention block = block(DataType.FLOAT64);
    final NDArray weights = normal(3, DataType.FLOAT64, BATCH, tokens(), WIDTH);
    ofInputs(block, weights, Visibility.all());
    if (isCausal()) {
      ofInputs(block, weights, Visibility.ofThePast());
    }
    if (takesPadding()) {
      ofInputs(block, weights, Visibility.ofKeys(padding(4, 6)));
    }
    final NDArray x = normal(2, DataType.FLOAT64, BATCH, tokens(), WIDTH);
    Gradients.checkParameters(
        "parameters",
        block,
        () ->
            block
                .attend(new ParameterStore(manager, false), x, Visibility.all(), true)
                .mul(weights)
                .sum(),
        1e-6);
  }

  private void ofInputs(MultiHeadAttention block, NDArray weights, Visibility visibility) {
    Gradients.check(
        "x",
        arrays -> attend(block, arrays.get(0), visibility, true).mul(weights).sum(),
        new NDList(normal(1, DataType.FLOAT64, BATCH, tokens(), WIDTH)),
        1e-6);
  }

  /** A kernel would cut the graph: to have a gradient, prediction composes. */
  @Test
  void predictionHasGradientsWhereTheyAreRecorded() {
    final double[][] gradients = new double[2][];
    for (final boolean training : new boolean[] {false, true}) {
      final MultiHeadAttention block = block(DataType.FLOAT64);
      final NDArray x = normal(1, DataType.FLOAT64, BATCH, tokens(), WIDTH);
      x.setRequiresGradient(true);
      try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
        // An array that was computed: DJL knows leaves only.
        collector.backward(attend(block, x.square(), Visibility.all(), training).square().sum());
      }
      gradients[training ? 1 : 0] = x.getGradient().toDoubleArray();
    }
    assertThat(gradients[0]).containsExactly(gradients[1], within(1e-9));
    assertThat(Arrays.stream(gradients[0])).anyMatch(g -> g != 0);
  }

  /** An array that leaves the graph where types change shows in float32 only. */
  @Test
  void gradientsInFloatAreThoseInDouble() {
    final double[][] gradients = new double[2][];
    for (final DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
      final MultiHeadAttention block = block(type);
      final NDArray weights = normal(3, type, BATCH, tokens(), WIDTH);
      final NDArray x = normal(1, type, BATCH, tokens(), WIDTH);
      x.setRequiresGradient(true);
      try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
        collector.backward(attend(block, x, Visibility.all(), true).mul(weights).sum());
      }
      gradients[type == DataType.FLOAT64 ? 0 : 1] =
          x.getGradient().toType(DataType.FLOAT64, false).toDoubleArray();
    }
    final double scale = Math.max(1, Arrays.stream(gradients[0]).map(Math::abs).max().orElse(1));
    assertThat(gradients[1]).containsExactly(gradients[0], within(1e-3 * scale));
  }

  @Test
  void paddedTokensHaveNoInfluence() {
    assumeTrue(takesPadding());
    for (final boolean training : new boolean[] {false, true}) {
      final MultiHeadAttention block = block(DataType.FLOAT64);
      final NDArray x = normal(1, DataType.FLOAT64, BATCH, tokens(), WIDTH);
      final NDArray spoiled = x.duplicate();
      spoiled.set(new NDIndex("0, 4:"), Double.NaN);
      final Visibility visibility = Visibility.ofKeys(padding(4, 6));
      final NDIndex kept = new NDIndex("0, :4");
      final NDArray clean = attend(block, x, visibility, training);
      final NDArray other = attend(block, spoiled, visibility, training);
      close(other.get(kept), clean.get(kept), rounding());
      close(other.get("1"), clean.get("1"), rounding());
    }
  }

  @Test
  void laterTokensHaveNoInfluenceOnEarlierOnes() {
    assumeTrue(isCausal());
    for (final boolean training : new boolean[] {false, true}) {
      final MultiHeadAttention block = block(DataType.FLOAT64);
      final NDArray x = normal(1, DataType.FLOAT64, BATCH, tokens(), WIDTH);
      final NDArray spoiled = x.duplicate();
      spoiled.set(new NDIndex(":, 4:"), Double.NaN);
      final NDIndex kept = new NDIndex(":, :4");
      final NDArray clean = attend(block, x, Visibility.ofThePast(), training).get(kept);
      final NDArray other = attend(block, spoiled, Visibility.ofThePast(), training).get(kept);
      close(other, clean, 1e-15);
    }
  }

  @Test
  void gradientsOfWhatIsSeenAreFiniteBesideNan() {
    assumeTrue(takesPadding());
    final MultiHeadAttention block = block(DataType.FLOAT64);
    final NDArray x = normal(1, DataType.FLOAT64, BATCH, tokens(), WIDTH);
    x.set(new NDIndex("0, 4:"), Double.NaN);
    final Visibility visibility = Visibility.ofKeys(padding(4, 6));
    final double[] gradient =
        Gradients.analytic(
            arrays -> attend(block, arrays.get(0), visibility, true).get("0, :4").sum(),
            new NDList(x))[0];
    for (int i = 0; i < 4 * WIDTH; i++) {
      assertThat(gradient[i]).as("gradient " + i).isFinite();
    }
  }

  @Test
  void sequencesOfABatchDoNotMix() {
    for (final boolean training : new boolean[] {false, true}) {
      final MultiHeadAttention block = block(DataType.FLOAT64);
      final NDArray x = normal(1, DataType.FLOAT64, BATCH, tokens(), WIDTH);
      final NDArray whole = attend(block, x, Visibility.all(), training);
      final NDArray second = attend(block, x.get("1:2"), Visibility.all(), training);
      close(second, whole.get("1:2"), rounding());
    }
  }

  @Test
  void orderOfTokensDoesNotMatter() {
    assumeTrue(isEquivariant());
    final MultiHeadAttention block = block(DataType.FLOAT64);
    final NDArray x = normal(1, DataType.FLOAT64, BATCH, tokens(), WIDTH);
    final NDArray order = manager.create(new long[] {3, 0, 5, 1, 4, 2});
    final NDArray turned = x.get(":, {}", order);
    for (final boolean training : new boolean[] {false, true}) {
      close(
          attend(block, turned, Visibility.all(), training),
          attend(block, x, Visibility.all(), training).get(":, {}", order),
          1e-12);
    }
  }

  @Test
  void decodingInPiecesEqualsTheWhole() {
    assumeTrue(isCausal() && isDecodable());
    for (final DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
      final MultiHeadAttention block = block(type);
      final NDArray x = normal(1, type, BATCH, tokens(), WIDTH);
      final NDArray whole = attend(block, x, Visibility.ofThePast(), true);
      try (KeyValueCache cache = new KeyValueCache(manager)) {
        final NDList pieces = new NDList();
        for (final String piece : new String[] {":, :1", ":, 1:4", ":, 4:5", ":, 5:"}) {
          pieces.add(block.decode(store, x.get(piece), cache));
        }
        assertThat(cache.tokens()).isEqualTo(TOKENS);
        close(
            NDArrays.concat(pieces, 1),
            whole,
            type == DataType.FLOAT64 ? toleranceInDouble() : toleranceInFloat());
      }
    }
  }

  @Test
  void savedAndLoadedItPredictsTheSame() throws IOException, MalformedModelException {
    final MultiHeadAttention block = block(DataType.FLOAT32);
    final NDArray x = normal(1, DataType.FLOAT32, BATCH, tokens(), WIDTH);
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    block.saveParameters(new DataOutputStream(bytes));
    final MultiHeadAttention loaded = new MultiHeadAttention(options(random(99)));
    loaded.loadParameters(
        manager, new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    assertThat(attend(loaded, x, Visibility.all(), false).toFloatArray())
        .isEqualTo(attend(block, x, Visibility.all(), false).toFloatArray());
  }

  @Test
  void noSequencesGiveNone() {
    final MultiHeadAttention block = block(DataType.FLOAT32);
    final NDArray none = manager.zeros(new Shape(0, tokens(), WIDTH), DataType.FLOAT32);
    for (final boolean training : new boolean[] {false, true}) {
      assertThat(attend(block, none, Visibility.all(), training).getShape())
          .isEqualTo(none.getShape());
    }
  }

  @Test
  void wrongShapesAreNamed() {
    final MultiHeadAttention block = block(DataType.FLOAT32);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                attend(
                    block,
                    manager.zeros(new Shape(1, tokens(), WIDTH + 1)),
                    Visibility.all(),
                    false))
        .withMessage("x is (1, " + tokens() + ", 9); expected [B, T, 8]");
  }
}
