package io.steelyard.kernels.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.recurrent.Coupling.Source;
import io.steelyard.kernels.recurrent.SeparableAttention.Normaliser;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Attentions, state-space models and gated recurrences as one system: published values and laws.
 */
class LtvSystemTest {

  private static final Tensor Q = Tensor.of(new double[] {1, .5, -.5, 1, 0, 2}, 3, 2);
  private static final Tensor K = Tensor.of(new double[] {.5, -1, 1, 1, -1, .5}, 3, 2);
  private static final Tensor V = Tensor.of(new double[] {1, 2, -1}, 3, 1);
  private static final Tensor F = Tensor.of(new double[] {.5, -1, 2}, 3, 1);
  private static final Tensor MINUS_F = Tensor.of(new double[] {-.5, 1, -2}, 3, 1);

  private static Tensor gaussians(RandomGenerator random, long... shape) {
    return ScanFixture.gaussians(random, DType.F64, shape);
  }

  private static void check(Tensor actual, double... expected) {
    assertThat(actual.toDoubleArray()).containsExactly(expected, within(1e-14));
  }

  private static LtvSystem publishedSelective() {
    final Tensor delta = Tensor.zeros(DType.F64, 3, 1);
    final double[] raw = {.5, -1, 1};
    for (int i = 0; i < 3; i++) {
      delta.setDouble(i, Softplus.of(raw[i]));
    }
    return Recurrences.selective(
        delta,
        Tensor.of(new double[] {1, Math.exp(.5)}, 1, 2),
        K,
        Q,
        Tensor.of(new double[] {.3}, 1));
  }

  @Test
  void attentionsGiveThePublishedValues() {
    final SeparableAttention linear = SeparableAttention.linear(Q, K);
    check(linear.apply(V), 1, 1.7600747984716971, 0.8878093986160291);
    final double[] eta = {3.5518191617571637, 6.858616191337102, 15.47151776468577};
    for (int i = 0; i < 3; i++) {
      assertThat(Math.exp(linear.eta().get(i))).isCloseTo(eta[i], within(1e-13));
    }
    check(linear.system(1).lambda().slice(1, 0, 1), 1, 0.5178623592093333, 0.44330597008343364);
    final SeparableAttention normalised =
        SeparableAttention.normalised(
            Q, K, Tensor.of(new double[] {.1, .2, -.3}, 3), Normaliser.EXP);
    check(normalised.apply(V), 0, -0.20468268826949554, 1.3498588075760032);
    check(SeparableAttention.taylor(Q, K, 2).apply(V), 1, 1.7364557604151212, 0.9160666379895899);
    check(SeparableAttention.taylor(Q, K, 6).apply(V), 1, 1.7750857993386115, 1.0085131195183026);
  }

  @Test
  void recurrencesGiveThePublishedValues() {
    final LtvSystem selective = publishedSelective();
    check(selective.run(V), 0.3, 0.15408471815665103, -1.6028506431978327);
    check(
        selective.mixer(),
        .3,
        0,
        0,
        -0.7591769693615719,
        0.45663084375911145,
        0,
        -0.13334687750452567,
        0.07187896091245792,
        1.6132616875182229);
    final Tensor zero = Tensor.zeros(DType.F64, 3, 1);
    check(
        Recurrences.quasiLstm(F, MINUS_F, zero).run(V),
        0.1887703343990727,
        0.7818267406757808,
        0.6290292476611407);
    check(
        Recurrences.reversedQuasiLstm(F, MINUS_F, zero, 1.5).run(V),
        0.1887703343990727,
        0.8490531458579645,
        -0.02465805554849465);
    check(
        Recurrences.gatedLru(Tensor.of(new double[] {-.5}, 1), F, MINUS_F).run(V),
        0.37585651076084453,
        1.4992809671825211,
        -0.06602605945741921);
  }

  private static Map<String, LtvSystem> systems(long seed, int steps, int n, int d) {
    final RandomGenerator random = ScanFixture.random(seed);
    final Tensor q = gaussians(random, steps, n);
    final Tensor k = gaussians(random, steps, n);
    final Tensor delta = gaussians(random, steps, d);
    Softplus.apply(delta, delta);
    final Tensor sizes = gaussians(random, steps);
    Softplus.apply(sizes, sizes);
    final Tensor a = gaussians(random, d, n);
    Softplus.apply(a, a);
    final Tensor f = gaussians(random, steps, d);
    final Tensor in = gaussians(random, steps, d);
    return Map.of(
        "linear",
        SeparableAttention.linear(q, k).system(d),
        "normalised",
        SeparableAttention.normalised(q, k, gaussians(random, steps), Normaliser.EXP).system(d),
        "taylor",
        SeparableAttention.taylor(q, k, 2).system(d),
        "selective",
        Recurrences.selective(delta, a, k, q, gaussians(random, d)),
        "scalar selective",
        Recurrences.scalarSelective(sizes, .7, k, q, d),
        "qLSTM",
        Recurrences.quasiLstm(f, in, gaussians(random, steps, d)),
        "reversed qLSTM",
        Recurrences.reversedQuasiLstm(f, in, gaussians(random, steps, d), 1.2),
        "RG-LRU",
        Recurrences.gatedLru(gaussians(random, d), f, in));
  }

  @Test
  void runningIsTheMixerTimesTheInput() {
    systems(51, 7, 3, 4)
        .forEach(
            (name, system) -> {
              final Tensor u = gaussians(ScanFixture.random(52), 7, 4);
              final Tensor y = system.run(u);
              final Tensor phi = system.mixer();
              for (long i = 0; i < 7; i++) {
                for (long c = 0; c < 4; c++) {
                  double sum = 0;
                  for (long j = 0; j < 7; j++) {
                    sum += phi.get(i, j, c) * u.get(j, c);
                    assertThat(j <= i || phi.get(i, j, c) == 0).as(name).isTrue();
                  }
                  assertThat(y.get(i, c))
                      .as("%s, seeds 51 and 52", name)
                      .isCloseTo(sum, within(1e-12 * Math.max(1, Math.abs(sum))));
                }
              }
            });
  }

  @Test
  void gradientsAgreeWithCentralDifferences() {
    systems(53, 4, 2, 2)
        .forEach(
            (name, system) -> {
              final RandomGenerator random = ScanFixture.random(54);
              final Tensor u = gaussians(random, 4, 2);
              final Tensor dy = gaussians(random, 4, 2);
              final LtvSystem own =
                  new LtvSystem(
                      system.lambda().to(DType.F64),
                      system.b().to(DType.F64),
                      system.c().to(DType.F64),
                      system.skip().to(DType.F64),
                      system.coupling());
              final LtvSystem.Gradients to = own.vjp(u, dy);
              checkGradient(name, own, own.lambda(), to.dlambda(), u, dy);
              checkGradient(name, own, own.b(), to.db(), u, dy);
              checkGradient(name, own, own.c(), to.dc(), u, dy);
              checkGradient(name, own, own.skip(), to.dskip(), u, dy);
              checkGradient(name, own, u, to.du(), u, dy);
            });
  }

  private static void checkGradient(
      String name, LtvSystem system, Tensor x, Tensor gradient, Tensor u, Tensor dy) {
    for (long i = 0; i < x.size(); i++) {
      final double at = x.getDouble(i);
      x.setDouble(i, at + 1e-5);
      final double above = dot(system.run(u), dy);
      x.setDouble(i, at - 1e-5);
      final double below = dot(system.run(u), dy);
      x.setDouble(i, at);
      final double expected = (above - below) / 2e-5;
      assertThat(gradient.getDouble(i))
          .as("%s, element %d, seeds 53 and 54", name, i)
          .isCloseTo(expected, within(1e-7 * Math.max(1, Math.abs(expected))));
    }
  }

  private static double dot(Tensor x, Tensor y) {
    double sum = 0;
    for (long i = 0; i < x.size(); i++) {
      sum += x.getDouble(i) * y.getDouble(i);
    }
    return sum;
  }

  @Test
  void theSystemOfS6IsTheSelectiveScan() {
    final ScanFixture in = ScanFixture.of(55, DType.F64, 1, 9, 4, 3);
    final Tensor u = in.u().reshape(9, 4);
    final LtvSystem system =
        Recurrences.selective(
            in.delta().reshape(9, 4),
            in.a(),
            in.b().reshape(9, 3),
            in.c().reshape(9, 3),
            in.options().skip().orElseThrow());
    final Tensor y = ScanFixture.poison(in.u());
    SelectiveScan.apply(in.u(), in.delta(), in.a(), in.b(), in.c(), y, in.options());
    assertThat(system.run(u).toDoubleArray())
        .as("seed 55")
        .containsExactly(y.toDoubleArray(), within(1e-13));
    final Tensor dy = gaussians(ScanFixture.random(56), 9, 4);
    for (long i = 0; i < in.initial().size(); i++) {
      in.initial().setDouble(i, 0);
    }
    final ScanGradients expected = in.vjp(dy.reshape(1, 9, 4), Tensor.zerosLike(in.initial()));
    assertThat(system.vjp(u, dy).du().toDoubleArray())
        .as("seeds 55 and 56")
        .containsExactly(expected.du().toDoubleArray(), within(1e-12));
  }

  @Test
  void systemsOfAttentionsGiveTheirOutputs() {
    final RandomGenerator random = ScanFixture.random(57);
    final Tensor q = gaussians(random, 12, 3);
    final Tensor k = gaussians(random, 12, 3);
    final Tensor v = gaussians(random, 12, 5);
    for (final SeparableAttention attention :
        List.of(
            SeparableAttention.linear(q, k),
            SeparableAttention.normalised(q, k, gaussians(random, 12), Normaliser.SIGMOID),
            SeparableAttention.taylor(q, k, 4))) {
      final double[] expected = attention.apply(v).toDoubleArray();
      final LtvSystem system = attention.system(5);
      assertThat(system.run(v).toDoubleArray())
          .as("seed 57")
          .containsExactly(expected, within(1e-12));
      final SeparableAttention back = SeparableAttention.of(system).orElseThrow();
      assertThat(back.apply(v).toDoubleArray()).containsExactly(expected, within(1e-12));
    }
  }

  @Test
  void weightsSumToOneOnlyWhereTheyAreSummed() {
    final RandomGenerator random = ScanFixture.random(59);
    final Tensor q = gaussians(random, 6, 4);
    final Tensor k = gaussians(random, 6, 4);
    final Tensor linear = SeparableAttention.linear(q, k).weights();
    final Tensor normalised =
        SeparableAttention.normalised(q, k, gaussians(random, 6), Normaliser.EXP).weights();
    for (long i = 0; i < 6; i++) {
      double sum = 0;
      double other = 0;
      for (long j = 0; j < 6; j++) {
        assertThat(linear.get(i, j)).isNotNegative();
        sum += linear.get(i, j);
        other += normalised.get(i, j);
      }
      assertThat(sum).as("seed 59").isCloseTo(1, within(1e-13));
      assertThat(other).as("seed 59").isNotCloseTo(1, within(1e-3));
    }
  }

  @ParameterizedTest
  @EnumSource(Normaliser.class)
  void normalisersAreTakenAsLogarithms(Normaliser normaliser) {
    for (final double z : new double[] {-800, -30.1, -29.9, -2, 0, .3, 20, 800}) {
      final double expected =
          switch (normaliser) {
            case EXP -> z;
            case SOFTPLUS ->
                z < -500 ? z : Math.log(Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))));
            case SIGMOID -> z < -500 ? z : -Math.log1p(Math.exp(-z));
          };
      assertThat(normaliser.log(z))
          .as("z %s", z)
          .isCloseTo(expected, within(1e-13 * Math.max(1, Math.abs(z))));
    }
  }

  @Test
  void aFactorOfAllNormalisersDividesTheOutputs() {
    final RandomGenerator random = ScanFixture.random(61);
    final Tensor q = gaussians(random, 6, 2);
    final Tensor k = gaussians(random, 6, 2);
    final Tensor z = gaussians(random, 6);
    final Tensor v = gaussians(random, 6, 3);
    final Tensor shifted = Tensor.zerosLike(z);
    for (long i = 0; i < 6; i++) {
      shifted.setDouble(i, z.get(i) + Math.log(4));
    }
    final Tensor y = SeparableAttention.normalised(q, k, z, Normaliser.EXP).apply(v);
    final Tensor quarter =
        SeparableAttention.normalised(q, k, shifted, Normaliser.EXP).system(3).run(v);
    for (long i = 0; i < y.size(); i++) {
      assertThat(quarter.getDouble(i)).isCloseTo(y.getDouble(i) / 4, within(1e-13));
    }
  }

  @Test
  void taylorFeaturesComeAsCloseToSoftmaxAsTheBoundSays() {
    final RandomGenerator random = ScanFixture.random(63);
    final Tensor q = gaussians(random, 8, 2);
    final Tensor k = gaussians(random, 8, 2);
    final Tensor v = gaussians(random, 8, 3);
    double bound = 0;
    double most = 0;
    for (long i = 0; i < 8; i++) {
      for (long j = 0; j <= i; j++) {
        bound = Math.max(bound, Math.abs(score(q, k, i, j)));
      }
      for (long c = 0; c < 3; c++) {
        most = Math.max(most, Math.abs(v.get(i, c)));
      }
    }
    int informative = 0;
    for (int order = 2; order <= 16; order += 2) {
      final Tensor y = SeparableAttention.taylor(q, k, order).apply(v);
      final double allowed = SeparableAttention.taylorBound(bound, order) * most;
      informative += allowed < 0.1 ? 1 : 0;
      for (long i = 0; i < 8; i++) {
        for (long c = 0; c < 3; c++) {
          assertThat(Math.abs(y.get(i, c) - softmax(q, k, v, i, c)))
              .as("order %d, seed 63", order)
              .isLessThanOrEqualTo(allowed + 1e-12);
        }
      }
    }
    assertThat(informative).as("orders whose bound says something").isPositive();
    assertThat(SeparableAttention.taylorBound(3, 1)).isInfinite();
  }

  private static double score(Tensor q, Tensor k, long i, long j) {
    return (q.get(i, 0) * k.get(j, 0) + q.get(i, 1) * k.get(j, 1)) / Math.sqrt(2);
  }

  private static double softmax(Tensor q, Tensor k, Tensor v, long i, long c) {
    double sum = 0;
    double total = 0;
    for (long j = 0; j <= i; j++) {
      final double weight = Math.exp(score(q, k, i, j));
      total += weight;
      sum += weight * v.get(j, c);
    }
    return sum / total;
  }

  @Test
  void ssdIsSeparableAttentionHoweverLongItRuns() {
    final RandomGenerator random = ScanFixture.random(65);
    final int steps = 600;
    final Tensor delta = gaussians(random, steps);
    Softplus.apply(delta, delta);
    final Tensor b = gaussians(random, steps, 3);
    final Tensor c = gaussians(random, steps, 3);
    final Tensor u = gaussians(random, steps, 2);
    // e^(a sum delta) is far beyond the range of doubles.
    final LtvSystem system = Recurrences.scalarSelective(delta, 4, b, c, 2);
    final double[] expected = system.run(u).toDoubleArray();
    final SeparableAttention direct = Recurrences.scalarSelectiveAttention(delta, 4, b, c);
    assertThat(direct.eta().get(steps - 1)).isGreaterThan(1000);
    assertThat(direct.apply(u).toDoubleArray())
        .as("seed 65")
        .containsExactly(expected, within(1e-10));
    assertThat(SeparableAttention.of(system).orElseThrow().apply(u).toDoubleArray())
        .containsExactly(expected, within(1e-10));
    assertThat(direct.system(2).run(u).toDoubleArray()).containsExactly(expected, within(1e-10));
  }

  @Test
  void onlyScalarDecaysAreSeparable() {
    systems(67, 5, 2, 3)
        .forEach(
            (name, system) ->
                assertThat(SeparableAttention.of(system).isPresent())
                    .as(name)
                    .isEqualTo(system.coupling().scalarDecay()));
  }

  @Test
  void couplingsAreThoseOfThePapers() {
    final Map<String, LtvSystem> systems = systems(69, 3, 2, 2);
    assertThat(systems.get("linear").coupling())
        .isEqualTo(new Coupling(Source.NORMALISER, Source.NORMALISER, true));
    assertThat(systems.get("selective").coupling())
        .isEqualTo(new Coupling(Source.STEP_SIZE, Source.STEP_SIZE, false));
    assertThat(systems.get("qLSTM").coupling().tied()).isFalse();
    assertThat(systems.get("RG-LRU").coupling().tied()).isTrue();
    assertThat(systems.get("normalised").coupling().tied()).isTrue();
    assertThat(new Coupling(Source.UNKNOWN, Source.UNKNOWN, false).tied()).isFalse();
  }

  @Test
  void diagnosticsReadTheDecays() {
    final LtvSystem system = publishedSelective();
    assertThat(system.stateSize()).isEqualTo(2);
    final double first = Softplus.of(-1);
    final double second = Softplus.of(1);
    assertThat(system.memory(2, 0).toDoubleArray())
        .containsExactly(
            new double[] {Math.exp(-first - second), Math.exp(-(first + second) * Math.exp(.5))},
            within(1e-15));
    assertThat(system.memory(1, 1).toDoubleArray()).containsExactly(1, 1);
    final long[] counts = system.eigenvalues(0, 1, 4);
    assertThat(counts).hasSize(6).startsWith(0).endsWith(0);
    assertThat(Arrays.stream(counts).sum()).isEqualTo(6);
    final LtvSystem edges =
        new LtvSystem(
            Tensor.of(new double[] {-1, 0, .25, .5, 1, 1.5, Double.NaN}, 7, 1, 1),
            Tensor.zeros(DType.F64, 7, 1, 1),
            Tensor.zeros(DType.F64, 7, 1, 1),
            Tensor.zeros(DType.F64, 7, 1),
            system.coupling());
    assertThat(edges.eigenvalues(0, 1, 2)).containsExactly(1, 2, 2, 2);
    assertThatThrownBy(() -> system.memory(1, 2)).hasMessageContaining("steps are 1 and 2");
    assertThatThrownBy(() -> system.eigenvalues(1, 1, 4)).hasMessageContaining("1.0, 1.0 and 4");
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(() -> publishedSelective().run(Q))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("u is f64[3, 2]; expected f64[3, 1]");
    assertThatThrownBy(() -> SeparableAttention.linear(Q, V))
        .hasMessage("k is f64[3, 1]; expected f64[3, 2]");
    final Tensor nine = Tensor.of(new double[] {9, -9}, 2, 1);
    final Tensor opposite = Tensor.of(new double[] {-9, 9}, 2, 1);
    assertThatThrownBy(() -> SeparableAttention.taylor(nine, opposite, 1))
        .hasMessage("the normaliser of query 0 is -80.0; expected a number above 0");
    assertThatThrownBy(() -> SeparableAttention.taylor(Q, K, 60))
        .hasMessageContaining("order is 60");
    assertThatThrownBy(() -> Recurrences.quasiLstm(F, Q, F))
        .hasMessage("in is f64[3, 2]; expected f64[3, 1]");
    assertThatThrownBy(() -> Recurrences.selective(F, Q, K, Q, Tensor.of(new double[] {.3}, 1)))
        .hasMessage("a is f64[3, 2]; expected f64[1, n]");
  }
}
