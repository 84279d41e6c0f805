package io.steelyard.layers.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.ParameterFiles;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class OutputGateTest {

  abstract static class Gated extends AttentionContract {

    abstract OutputGate gate();

    @Override
    MultiHeadOptions options(RandomGenerator random) {
      return super.options(random).on(new Grid(2, 3)).with(Rotary.grid()).with(gate());
    }

    @Override
    boolean isCausal() {
      return false;
    }

    @Override
    boolean takesPadding() {
      return false;
    }

    @Override
    boolean isEquivariant() {
      return false;
    }
  }

  @Nested
  class OfMavit extends Gated {

    @Override
    Attention attention() {
      return Attention.mala();
    }

    @Override
    OutputGate gate() {
      return OutputGate.plain();
    }
  }

  @Nested
  class OfNalaformer extends Gated {

    @Override
    Attention attention() {
      return Attention.nala();
    }

    @Override
    OutputGate gate() {
      return OutputGate.normed();
    }
  }

  @Nested
  class AroundSoftmax extends Gated {

    @Override
    Attention attention() {
      return Attention.softmax();
    }

    @Override
    OutputGate gate() {
      return new OutputGate(3, true, OutputGate.GateActivation.IDENTITY);
    }
  }

  private static final Grid GRID = new Grid(3, 2);
  private static final int WIDTH = 8;
  private static final int TOKENS = 6;

  private static MultiHeadAttention initialized(NDManager manager, OutputGate gate) {
    return initialized(manager, gate, GRID);
  }

  private static MultiHeadAttention initialized(NDManager manager, OutputGate gate, Grid grid) {
    final MultiHeadAttention block =
        new MultiHeadAttention(
            MultiHeadOptions.of(WIDTH, 2, TOKENS, Attention.softmax(), new Random(1))
                .on(grid)
                .with(gate));
    block.initialize(manager, DataType.FLOAT64, new Shape(1, TOKENS, WIDTH));
    final Random random = new Random(2);
    block
        .getParameters()
        .values()
        .forEach(
            parameter ->
                parameter
                    .getArray()
                    .set(random.doubles(parameter.getArray().size(), -1, 1).toArray()));
    return block;
  }

  private static double[] parameter(MultiHeadAttention block, String name) {
    return ParameterFiles.named(block).get(name).getArray().toDoubleArray();
  }

  private static double[] linear(MultiHeadAttention block, String name, double[] x) {
    final double[] weight = parameter(block, name + ".weight");
    final double[] y = parameter(block, name + ".bias");
    for (int t = 0; t < y.length; t++) {
      for (int c = 0; c < x.length; c++) {
        y[t] += weight[t * x.length + c] * x[c];
      }
    }
    return y;
  }

  private static double[][] rows(NDArray array) {
    final double[] flat = array.toDoubleArray();
    final double[][] rows = new double[TOKENS][WIDTH];
    for (int i = 0; i < flat.length; i++) {
      rows[i / WIDTH][i % WIDTH] = flat[i];
    }
    return rows;
  }

  private static double[] convolved(
      double[] kernels, double[] bias, int side, double[][] v, int token) {
    final double[] y = bias.clone();
    for (int f = 0; f < WIDTH; f++) {
      for (int i = 0; i < side; i++) {
        for (int j = 0; j < side; j++) {
          final int row = token / GRID.width() + i - side / 2;
          final int column = token % GRID.width() + j - side / 2;
          if (row >= 0 && row < GRID.height() && column >= 0 && column < GRID.width()) {
            y[f] += kernels[(f * side + i) * side + j] * v[row * GRID.width() + column][f];
          }
        }
      }
    }
    return y;
  }

  private static void normalize(double[] x, double[] gamma, double[] beta) {
    final double mean = Arrays.stream(x).average().orElseThrow();
    final double variance = Arrays.stream(x).map(y -> (y - mean) * (y - mean)).average().orElse(0);
    for (int f = 0; f < x.length; f++) {
      x[f] = gamma[f] * (x[f] - mean) / Math.sqrt(variance + 1e-5) + beta[f];
    }
  }

  /** Number by number, from the definition. */
  private static double[] expected(
      MultiHeadAttention block, OutputGate gate, ParameterStore store, NDArray x) {
    final Map<String, Projection> projections = block.projections(store, x);
    final AttentionCall call =
        new AttentionCall(
            Optional.of(x), projections, Visibility.all(), Optional.of(GRID), Optional.empty());
    final double[][] o = rows(block.attention().attend(store, call, true));
    final double[][] v = rows(projections.get("v").array());
    final double[][] tokens = rows(x);
    final double[] kernels = parameter(block, "output-gate.local.conv.weight");
    final double[] bias = parameter(block, "output-gate.local.conv.bias");
    final double[] all = new double[TOKENS * WIDTH];
    for (int t = 0; t < TOKENS; t++) {
      final double[] sum = convolved(kernels, bias, gate.kernel(), v, t);
      for (int f = 0; f < WIDTH; f++) {
        sum[f] += o[t][f];
      }
      if (gate.norm()) {
        normalize(
            sum,
            parameter(block, "output-gate.norm.gamma"),
            parameter(block, "output-gate.norm.beta"));
      }
      final double[] g = linear(block, "output-gate.gate", tokens[t]);
      for (int f = 0; f < WIDTH; f++) {
        sum[f] *=
            switch (gate.activation()) {
              case IDENTITY -> g[f];
              case SILU -> g[f] / (1 + Math.exp(-g[f]));
            };
      }
      System.arraycopy(linear(block, "out", sum), 0, all, t * WIDTH, WIDTH);
    }
    return all;
  }

  @Test
  void agreesWithItsDefinition() {
    for (final OutputGate gate : new OutputGate[] {OutputGate.plain(), OutputGate.normed()}) {
      try (NDManager manager = Libtorch.newManager()) {
        final MultiHeadAttention block = initialized(manager, gate);
        final ParameterStore store = new ParameterStore(manager, false);
        final NDArray x =
            manager.create(
                new Random(3).doubles((long) TOKENS * WIDTH, -1, 1).toArray(),
                new Shape(1, TOKENS, WIDTH));
        for (final boolean training : new boolean[] {false, true}) {
          assertThat(block.attend(store, x, Visibility.all(), training).toDoubleArray())
              .describedAs("%s, training %s", gate, training)
              .containsExactly(expected(block, gate, store, x), within(1e-12));
        }
      }
    }
  }

  @Test
  void tokensOfAnotherGridAreConvolvedAsTheyLie() {
    final Grid wide = new Grid(2, 3);
    try (NDManager manager = Libtorch.newManager()) {
      final ParameterStore store = new ParameterStore(manager, false);
      final NDArray x =
          manager.create(
              new Random(3).doubles((long) TOKENS * WIDTH, -1, 1).toArray(),
              new Shape(1, TOKENS, WIDTH));
      final MultiHeadAttention tall = initialized(manager, OutputGate.plain());
      final double[] expected =
          initialized(manager, OutputGate.plain(), wide)
              .attend(store, x, Visibility.all(), false)
              .toDoubleArray();
      assertThat(tall.attend(store, x, wide, false).toDoubleArray()).isEqualTo(expected);
      assertThat(tall.attend(store, x, GRID, false).toDoubleArray()).isNotEqualTo(expected);
      final NDArray more = manager.ones(new Shape(1, 20, WIDTH), DataType.FLOAT64);
      assertThat(tall.attend(store, more, new Grid(4, 5), false).getShape())
          .isEqualTo(more.getShape());
    }
  }

  @Test
  void whatItCannotConvolveIsRefused() {
    final MultiHeadOptions plain =
        MultiHeadOptions.of(WIDTH, 2, TOKENS, Attention.softmax(), new Random(1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> plain.with(OutputGate.plain()))
        .withMessageStartingWith("gate is given with no grid; expected one");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> plain.on(GRID).withKeyHeads(1).with(OutputGate.plain()))
        .withMessageStartingWith("gate is given with 1 keyHeads; expected 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OutputGate(4, false, OutputGate.GateActivation.SILU))
        .withMessage("kernel is 4; expected an odd number");
    try (NDManager manager = Libtorch.newManager()) {
      final MultiHeadAttention block = initialized(manager, OutputGate.plain());
      final ParameterStore store = new ParameterStore(manager, false);
      final NDArray x = manager.ones(new Shape(1, TOKENS, WIDTH), DataType.FLOAT64);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.attend(store, x, Visibility.ofThePast(), false))
          .withMessageStartingWith("visibility hides or shifts; expected none");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.cross(store, x, x, Visibility.all(), false))
          .withMessageStartingWith("memory given to an attention with an output gate");
      final NDArray longer = manager.ones(new Shape(1, TOKENS + 1, WIDTH), DataType.FLOAT64);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.attend(store, longer, Visibility.all(), false))
          .withMessage("x is (1, 7, 8); expected [B, 6, 8]");
    }
  }
}
