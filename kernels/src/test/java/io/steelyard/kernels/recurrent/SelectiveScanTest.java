package io.steelyard.kernels.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The selective scan: its kernel against its meaning, steps, laws, memory, edges. */
class SelectiveScanTest {

  private static final double E = 0x1p-24;

  /** The scalar path rounds the states of f32 where a call ends, so there f64 goes on exactly. */
  private static final DType EXACT = Simd.available() ? DType.F32 : DType.F64;

  /** Carries the documented error of a step along with the states. */
  private static void assertWithinTheStatedBound(ScanFixture exact, Tensor y, String what) {
    final Tensor want = exact.run();
    final ScanFixture in = exact;
    final int n = (int) in.a().dim(1);
    for (long batch = 0; batch < in.u().dim(0); batch++) {
      for (long d = 0; d < in.u().dim(2); d++) {
        final double[] mass = new double[n];
        final double[] error = new double[n];
        for (int s = 0; s < n; s++) {
          mass[s] = 4;
        }
        for (long t = 0; t < in.u().dim(1); t++) {
          final double size = in.delta().get(batch, t, d);
          final double input = Math.abs(in.u().get(batch, t, d));
          double terms = Math.abs(in.options().skip().orElseThrow().get(d)) * input;
          double allowed = 0;
          for (int s = 0; s < n; s++) {
            final double exponent = size * in.a().get(d, s);
            final double kept = Math.exp(-exponent);
            final double in0 = size * Math.abs(in.b().get(batch, t, s)) * input;
            mass[s] = kept * mass[s] + in0;
            error[s] = kept * error[s] + (5 + 3 * Math.abs(exponent)) * E * mass[s];
            final double out = Math.abs(in.c().get(batch, t, s));
            allowed += out * error[s];
            terms += out * mass[s];
          }
          allowed += (n + 2) * E * terms + 0x1p-120;
          assertThat(y.get(batch, t, d))
              .as("%s, batch %d, step %d, channel %d", what, batch, t, d)
              .isCloseTo(want.get(batch, t, d), within(allowed));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 1",
    "1, 3, 5, 2",
    "2, 7, 16, 3",
    "1, 65, 17, 16",
    "3, 130, 33, 5",
    "1, 64, 64, 8",
    "2, 9, 7, 0"
  })
  void staysWithinTheStatedBound(int batch, int steps, int channels, int states) {
    final long seed = 100L + channels;
    final ScanFixture single = ScanFixture.of(seed, DType.F32, batch, steps, channels, states);
    final ScanFixture exact = single.inDouble();
    assertWithinTheStatedBound(exact, single.run(), "seed " + seed);
  }

  @Test
  void remembersTwoThousandStepsWithinTheStatedBound() {
    final ScanFixture single = ScanFixture.of(7, DType.F32, 1, 2000, 3, 2);
    for (long i = 0; i < single.delta().size(); i++) {
      single.delta().setDouble(i, (float) (single.delta().getDouble(i) * 1e-2));
    }
    final ScanFixture exact = single.inDouble();
    assertWithinTheStatedBound(exact, single.run(), "seed 7, small steps");
  }

  @Test
  void memoryAndThreadsDoNotMatter() {
    for (final int channels : new int[] {5, 32, 75}) {
      final ScanFixture plain = ScanFixture.of(11, DType.F32, 2, 70, channels, 6);
      final ScanFixture turned = plain.turned();
      final ScanFixture all = ScanFixture.of(11, DType.F32, 2, 70, channels, 6);
      final ScanFixture one = plain.withOptions(plain.options().withThreads(1));
      final float[] expected = one.run().toFloatArray();
      final float[] state = one.initial().toFloatArray();
      assertThat(turned.run().toFloatArray()).as("seed 11, turned").isEqualTo(expected);
      assertThat(turned.initial().toFloatArray()).isEqualTo(state);
      final ScanFixture threaded = all.withOptions(all.options().withThreads(0));
      assertThat(threaded.run().toFloatArray()).as("seed 11, threads").isEqualTo(expected);
      try (Arena arena = Arena.ofShared()) {
        final ScanFixture outside =
            ScanFixture.of(11, DType.F32, 2, 70, channels, 6).inNativeMemory(arena);
        final Tensor y =
            Tensor.of(arena.allocate(4 * outside.u().size()), DType.F32, outside.u().shape());
        SelectiveScan.apply(
            outside.u(),
            outside.delta(),
            outside.a(),
            outside.b(),
            outside.c(),
            outside.initial(),
            y,
            outside.options());
        assertThat(y.toFloatArray()).as("seed 11, native").isEqualTo(expected);
        assertThat(outside.initial().toFloatArray()).isEqualTo(state);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 63, 64, 65, 99})
  void goesOnWhereItStopped(int cut) {
    final ScanFixture whole = ScanFixture.of(13, EXACT, 2, 100, 19, 4);
    final ScanFixture cutUp = ScanFixture.of(13, EXACT, 2, 100, 19, 4);
    final float[] expected = whole.run().toFloatArray();
    final Tensor y = ScanFixture.poison(cutUp.u());
    for (final long[] span : new long[][] {{0, cut}, {cut, 100}}) {
      SelectiveScan.apply(
          cutUp.u().slice(1, span[0], span[1]),
          cutUp.delta().slice(1, span[0], span[1]),
          cutUp.a(),
          cutUp.b().slice(1, span[0], span[1]),
          cutUp.c().slice(1, span[0], span[1]),
          cutUp.initial(),
          y.slice(1, span[0], span[1]),
          cutUp.options());
    }
    assertThat(y.toFloatArray()).as("seed 13").isEqualTo(expected);
    assertThat(cutUp.initial().toFloatArray()).isEqualTo(whole.initial().toFloatArray());
  }

  @Test
  void takesSingleStepsOfSequences() {
    final ScanFixture whole = ScanFixture.of(17, EXACT, 3, 6, 21, 5);
    final ScanFixture stepped = ScanFixture.of(17, EXACT, 3, 6, 21, 5);
    final Tensor expected = whole.run();
    for (int t = 0; t < 6; t++) {
      final Tensor y = Tensor.zeros(EXACT, 3, 21);
      SelectiveScan.apply(
          at(stepped.u(), t),
          at(stepped.delta(), t),
          stepped.a(),
          at(stepped.b(), t),
          at(stepped.c(), t),
          stepped.initial(),
          y,
          stepped.options());
      assertThat(y.toFloatArray())
          .as("seed 17, step %d", t)
          .isEqualTo(expected.slice(1, t, t + 1).toFloatArray());
    }
  }

  private static Tensor at(Tensor sequence, int step) {
    final Tensor at = Tensor.zeros(sequence.dtype(), sequence.dim(0), sequence.dim(2));
    for (long i = 0; i < at.size(); i++) {
      at.setDouble(i, sequence.get(i / at.dim(1), step, i % at.dim(1)));
    }
    return at;
  }

  @Test
  void withoutAStateBeginsAtZero() {
    final ScanFixture in = ScanFixture.of(19, DType.F32, 2, 20, 9, 3);
    final Tensor y = ScanFixture.poison(in.u());
    SelectiveScan.apply(in.u(), in.delta(), in.a(), in.b(), in.c(), y, in.options());
    for (long i = 0; i < in.initial().size(); i++) {
      in.initial().setDouble(i, 0);
    }
    assertThat(y.toFloatArray()).isEqualTo(in.run().toFloatArray());
  }

  @Test
  void biasAndSoftplusAreThoseOfTheStepSize() {
    final ScanFixture in = ScanFixture.of(23, DType.F32, 2, 70, 21, 3);
    final Tensor bias = ScanFixture.gaussians(ScanFixture.random(24), DType.F32, 21);
    final Tensor sizes = Tensor.zerosLike(in.delta());
    for (long i = 0; i < sizes.size(); i++) {
      in.delta().setDouble(i, (float) (10 * in.delta().getDouble(i) - 4));
      sizes.setDouble(i, (float) in.delta().getDouble(i) + (float) bias.getDouble(i % 21));
    }
    Softplus.apply(sizes, sizes);
    final Tensor expected = ScanFixture.poison(in.u());
    SelectiveScan.apply(in.u(), sizes, in.a(), in.b(), in.c(), expected, in.options());
    final Tensor y = ScanFixture.poison(in.u());
    SelectiveScan.apply(
        in.u(), in.delta(), in.a(), in.b(), in.c(), y, in.options().withBias(bias).withSoftplus());
    for (long i = 0; i < y.size(); i++) {
      // The scalar path rounds once and not after the bias and the softplus.
      assertThat(y.getDouble(i)).isCloseTo(expected.getDouble(i), within(1e-4));
    }
  }

  @Test
  void isLinearInTheInput() {
    final ScanFixture in = ScanFixture.of(29, DType.F64, 1, 12, 4, 3);
    final Tensor other = ScanFixture.gaussians(ScanFixture.random(30), DType.F64, 1, 12, 4);
    final Tensor sum = Tensor.zerosLike(other);
    for (long i = 0; i < sum.size(); i++) {
      sum.setDouble(i, 2 * in.u().getDouble(i) - 3 * other.getDouble(i));
    }
    final Tensor[] y = new Tensor[3];
    final Tensor[] inputs = {in.u(), other, sum};
    for (int k = 0; k < 3; k++) {
      y[k] = ScanFixture.poison(in.u());
      SelectiveScan.apply(inputs[k], in.delta(), in.a(), in.b(), in.c(), y[k], in.options());
    }
    for (long i = 0; i < sum.size(); i++) {
      assertThat(y[2].getDouble(i))
          .isCloseTo(2 * y[0].getDouble(i) - 3 * y[1].getDouble(i), within(1e-12));
    }
  }

  @Test
  void reversedSigmoidIsTheDecayOfASoftplus() {
    // exp(-a softplus(z)) = sigmoid(-z)^a, so a state of 1 without input decays by that.
    for (final double z : new double[] {-20, -3, -.5, 0, .25, 4, 30}) {
      for (final double rate : new double[] {.25, 1, 2.5}) {
        final Tensor y = Tensor.zeros(DType.F64, 1, 1);
        SelectiveScan.apply(
            Tensor.zeros(DType.F64, 1, 1),
            Tensor.of(new double[] {z}, 1, 1),
            Tensor.of(new double[] {rate}, 1, 1),
            Tensor.zeros(DType.F64, 1, 1),
            Tensor.of(new double[] {1}, 1, 1),
            Tensor.of(new double[] {1}, 1, 1, 1),
            y,
            ScanOptions.defaults().withSoftplus());
        final double expected = Math.pow(1 / (1 + Math.exp(z)), rate);
        assertThat(y.getDouble(0)).isCloseTo(expected, within(1e-14 * expected));
      }
    }
  }

  @Test
  void extremeStepsForgetOrGrow() {
    final float[] sizes = {
      0, 1e-30f, 1, 87, 88, 1e4f, 3e38f, Float.POSITIVE_INFINITY, -1, -88, -89, -1e9f
    };
    final int n = sizes.length;
    final Tensor state = Tensor.zeros(DType.F32, 1, n, 1);
    final Tensor a = Tensor.zeros(DType.F32, n, 1);
    for (int i = 0; i < n; i++) {
      state.setDouble(i, 1);
      a.setDouble(i, 1);
    }
    final Tensor y = Tensor.zeros(DType.F32, 1, n);
    final Tensor one = Tensor.of(new float[] {1}, 1, 1);
    final Tensor nothing = Tensor.zeros(DType.F32, 1, 1);
    // Infinite steps of no input have no value, so b is 0 and u a number, or both count.
    SelectiveScan.apply(
        Tensor.zeros(DType.F32, 1, n),
        Tensor.of(sizes.clone(), 1, n),
        a,
        nothing,
        one,
        state,
        y,
        ScanOptions.defaults());
    for (int i = 0; i < n; i++) {
      if (sizes[i] == Float.POSITIVE_INFINITY) {
        assertThat(y.getDouble(i)).isNaN();
      } else {
        final float exact = (float) Math.exp(-sizes[i]);
        assertThat((float) y.getDouble(i))
            .as("step %s", sizes[i])
            .isCloseTo(exact, within(exact < 0x1p-126f ? 0x1p-126f : 1e-5f * exact));
      }
    }
  }

  @Test
  void nanAndInfinityOfAChannelStayThere() {
    for (final double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      final ScanFixture clean = ScanFixture.of(31, DType.F32, 2, 10, 19, 3);
      final ScanFixture dirty = ScanFixture.of(31, DType.F32, 2, 10, 19, 3);
      final Tensor expected = clean.run();
      dirty.u().setDouble((4 * 19) + 7, bad);
      final Tensor y = dirty.run();
      for (long batch = 0; batch < 2; batch++) {
        for (long t = 0; t < 10; t++) {
          for (long d = 0; d < 19; d++) {
            if (batch == 0 && d == 7 && t >= 4) {
              assertThat(Double.isFinite(y.get(batch, t, d))).isFalse();
            } else {
              assertThat(y.get(batch, t, d)).isEqualTo(expected.get(batch, t, d));
            }
          }
        }
      }
    }
  }

  @Test
  void nothingGivesNothing() {
    final ScanFixture none = ScanFixture.of(37, DType.F32, 2, 0, 5, 3);
    final float[] before = none.initial().toFloatArray();
    assertThat(none.run().size()).isZero();
    assertThat(none.initial().toFloatArray()).isEqualTo(before);
    assertThat(ScanFixture.of(37, DType.F32, 0, 4, 5, 3).run().size()).isZero();
    assertThat(ScanFixture.of(37, DType.F32, 2, 4, 0, 3).run().size()).isZero();
    final ScanGradients gradients =
        none.vjp(Tensor.zerosLike(none.u()), Tensor.zerosLike(none.initial()));
    assertThat(gradients.da().toFloatArray()).containsOnly(0);
  }

  @Test
  void gradientsAgreeWithCentralDifferences() {
    final ScanFixture plain = ScanFixture.of(41, DType.F64, 2, 5, 3, 2);
    final RandomGenerator random = ScanFixture.random(42);
    final Tensor bias = Tensor.of(new double[] {.1, -.0005, .3}, 3);
    for (final boolean softplus : new boolean[] {false, true}) {
      final ScanOptions options = plain.options().withBias(bias);
      final ScanFixture in = plain.withOptions(softplus ? options.withSoftplus() : options);
      final Tensor dy = ScanFixture.gaussians(random, DType.F64, 2, 5, 3);
      final Tensor dstate = ScanFixture.gaussians(random, DType.F64, 2, 3, 2);
      final ScanGradients to = in.vjp(dy, dstate);
      checkGradient(in, in.u(), to.du(), dy, dstate, "du");
      checkGradient(in, in.delta(), to.ddelta(), dy, dstate, "ddelta");
      checkGradient(in, in.a(), to.da(), dy, dstate, "da");
      checkGradient(in, in.b(), to.db(), dy, dstate, "db");
      checkGradient(in, in.c(), to.dc(), dy, dstate, "dc");
      checkGradient(in, in.initial(), to.dinitial().orElseThrow(), dy, dstate, "dinitial");
      checkGradient(in, bias, to.dbias().orElseThrow(), dy, dstate, "dbias");
      checkGradient(
          in, in.options().skip().orElseThrow(), to.dskip().orElseThrow(), dy, dstate, "dskip");
    }
  }

  private static void checkGradient(
      ScanFixture in, Tensor x, Tensor gradient, Tensor dy, Tensor dstate, String name) {
    for (long i = 0; i < x.size(); i++) {
      final double at = x.getDouble(i);
      x.setDouble(i, at + 1e-5);
      final double above = loss(in, dy, dstate);
      x.setDouble(i, at - 1e-5);
      final double below = loss(in, dy, dstate);
      x.setDouble(i, at);
      final double expected = (above - below) / 2e-5;
      assertThat(gradient.getDouble(i))
          .as("%s[%d], seeds 41 and 42", name, i)
          .isCloseTo(expected, within(1e-7 * Math.max(1, Math.abs(expected))));
    }
  }

  private static double loss(ScanFixture in, Tensor dy, Tensor dstate) {
    final Tensor state = in.initial().to(DType.F64);
    final Tensor y = ScanFixture.poison(in.u());
    SelectiveScan.apply(in.u(), in.delta(), in.a(), in.b(), in.c(), state, y, in.options());
    double sum = 0;
    for (long i = 0; i < y.size(); i++) {
      sum += y.getDouble(i) * dy.getDouble(i);
    }
    for (long i = 0; i < state.size(); i++) {
      sum += state.getDouble(i) * dstate.getDouble(i);
    }
    return sum;
  }

  private static List<Tensor> all(ScanGradients gradients) {
    final List<Tensor> all = new ArrayList<>();
    all.addAll(
        List.of(
            gradients.du(), gradients.ddelta(), gradients.da(), gradients.db(), gradients.dc()));
    gradients.dskip().ifPresent(all::add);
    gradients.dbias().ifPresent(all::add);
    gradients.dinitial().ifPresent(all::add);
    return all;
  }

  private static double largest(Tensor x) {
    return Arrays.stream(x.toDoubleArray()).map(Math::abs).max().orElse(0);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1, 1", "2, 33, 5, 3", "1, 70, 17, 16", "3, 64, 40, 2", "1, 40, 300, 4"})
  void gradientsOfFloatsStayNearTheirMeaning(int batch, int steps, int channels, int states) {
    for (final boolean softplus : new boolean[] {false, true}) {
      final RandomGenerator random = ScanFixture.random(71);
      final ScanFixture plain = ScanFixture.of(72, DType.F32, batch, steps, channels, states);
      final Tensor bias = Tensor.zeros(DType.F32, channels);
      for (long i = 0; i < channels; i++) {
        bias.setDouble(i, (float) (0.1 * random.nextDouble()));
      }
      final ScanOptions options = plain.options().withBias(bias);
      final ScanFixture in = plain.withOptions(softplus ? options.withSoftplus() : options);
      final Tensor dy = ScanFixture.gaussians(random, DType.F32, batch, steps, channels);
      final Tensor dstate = ScanFixture.gaussians(random, DType.F32, batch, channels, states);
      final List<Tensor> actual = all(in.vjp(dy, dstate));
      final ScanFixture exact = in.inDouble();
      final List<Tensor> expected = all(exact.vjp(dy.to(DType.F64), dstate.to(DType.F64)));
      // Each step adds some roundings to what passes through it, and each sum those of its terms.
      final double allowed = (6.0 * steps + channels + 40) * E;
      for (int k = 0; k < actual.size(); k++) {
        final double scale = largest(expected.get(k));
        for (long i = 0; i < actual.get(k).size(); i++) {
          assertThat(actual.get(k).getDouble(i))
              .as("gradient %d, element %d, seeds 71 and 72", k, i)
              .isCloseTo(expected.get(k).getDouble(i), within(allowed * scale));
        }
      }
    }
  }

  @Test
  void gradientsDoNotDependOnMemoryOrThreads() {
    final RandomGenerator random = ScanFixture.random(73);
    final ScanFixture plain = ScanFixture.of(74, DType.F32, 2, 70, 75, 5);
    final Tensor dy = ScanFixture.gaussians(random, DType.F32, 2, 70, 75);
    final Tensor dstate = ScanFixture.gaussians(random, DType.F32, 2, 75, 5);
    final List<Tensor> expected =
        all(plain.withOptions(plain.options().withThreads(1)).vjp(dy, dstate));
    final List<Tensor> threaded = all(plain.vjp(dy, dstate));
    final List<Tensor> turned = all(plain.turned().vjp(dy, dstate));
    for (int k = 0; k < expected.size(); k++) {
      assertThat(threaded.get(k).toFloatArray())
          .as("gradient %d, threads", k)
          .isEqualTo(expected.get(k).toFloatArray());
      assertThat(turned.get(k).toFloatArray())
          .as("gradient %d, turned", k)
          .isEqualTo(expected.get(k).toFloatArray());
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    final ScanFixture in = ScanFixture.of(43, DType.F32, 2, 3, 5, 4);
    final Tensor y = Tensor.zerosLike(in.u());
    assertThatThrownBy(
            () -> SelectiveScan.apply(in.u(), in.delta(), in.a(), in.u(), in.c(), y, in.options()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("b is f32[2, 3, 5]; expected f32[2, 3, 4]");
    assertThatThrownBy(
            () ->
                SelectiveScan.apply(
                    in.a().slice(1, 0, 0).reshape(0),
                    in.delta(),
                    in.a(),
                    in.b(),
                    in.c(),
                    y,
                    in.options()))
        .hasMessage("u is f32[0]; expected f32 or f64 [B, T, D], or [B, D] for one step");
    assertThatThrownBy(
            () ->
                SelectiveScan.apply(
                    in.u(), in.delta(), in.a().transpose(0, 1), in.b(), in.c(), y, in.options()))
        .hasMessage("a is f32[4, 5]; expected f32[5, N]");
    assertThatThrownBy(
            () ->
                SelectiveScan.apply(
                    in.u(), in.delta(), in.a(), in.b(), in.c(), in.u(), in.options()))
        .hasMessage("y shares memory with u; expected memory of its own");
    assertThatThrownBy(
            () ->
                SelectiveScan.apply(
                    in.u(), in.delta(), in.a(), in.b(), in.c(), in.b(), y, in.options()))
        .hasMessage("state is f32[2, 3, 4]; expected f32[2, 5, 4]");
    assertThatThrownBy(
            () ->
                SelectiveScan.apply(
                    in.u(),
                    in.delta(),
                    in.a(),
                    in.b(),
                    in.c(),
                    y,
                    in.options().withSkip(Tensor.zeros(DType.F32, 4))))
        .hasMessage("skip is f32[4]; expected f32[5]");
    assertThatThrownBy(() -> in.options().withThreads(-1)).hasMessageContaining("threads is -1");
    final ScanGradients without =
        ScanGradients.of(
            in.u(), in.delta(), in.a(), in.b(), in.c(), Optional.empty(), ScanOptions.defaults());
    assertThatThrownBy(
            () ->
                SelectiveScan.vjp(
                    in.u(),
                    in.delta(),
                    in.a(),
                    in.b(),
                    in.c(),
                    Optional.empty(),
                    y,
                    Optional.empty(),
                    in.options(),
                    without))
        .hasMessageContaining("gradients have no dskip and no dbias");
  }

  @Tag("allocation")
  @Test
  void allocatesNothing() {
    final ScanFixture in = ScanFixture.of(47, DType.F32, 1, 34, 17, 2);
    final ScanOptions options =
        in.options().withBias(Tensor.zeros(DType.F32, 17)).withSoftplus().withThreads(1);
    final Tensor y = Tensor.zerosLike(in.u());
    assertThat(
            SteadyState.bytesPerCall(
                () ->
                    SelectiveScan.apply(
                        in.u(), in.delta(), in.a(), in.b(), in.c(), in.initial(), y, options)))
        .isZero();
    final ScanGradients to =
        ScanGradients.of(in.u(), in.delta(), in.a(), in.b(), in.c(), Optional.empty(), options);
    assertThat(
            SteadyState.bytesPerCall(
                () ->
                    SelectiveScan.vjp(
                        in.u(),
                        in.delta(),
                        in.a(),
                        in.b(),
                        in.c(),
                        Optional.empty(),
                        y,
                        Optional.empty(),
                        options,
                        to)))
        .isZero();
    final ScanFixture step = ScanFixture.of(48, DType.F32, 1, 1, 32, 4);
    final Tensor out = Tensor.zerosLike(step.u());
    assertThat(
            SteadyState.bytesPerCall(
                () ->
                    SelectiveScan.apply(
                        step.u(),
                        step.delta(),
                        step.a(),
                        step.b(),
                        step.c(),
                        step.initial(),
                        out,
                        step.options())))
        .isZero();
  }
}
