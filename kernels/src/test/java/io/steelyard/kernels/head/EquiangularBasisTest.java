package io.steelyard.kernels.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.head.EquiangularBasis.Options;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Class vectors: published steps of the descent, bounds, determinism. */
class EquiangularBasisTest {

  private static final double[] FOUR = {1, 0, 0, 1, 1, 0, 0, 1, 2, 1, -1, 1};

  private static double dot(Tensor vectors, int i, int j) {
    return IntStream.range(0, (int) vectors.dim(1))
        .mapToDouble(c -> vectors.get(i, c) * vectors.get(j, c))
        .sum();
  }

  /** The largest cosine, pair by pair; rows have length 1. */
  private static double largest(Tensor vectors) {
    double most = 0;
    for (int i = 0; i < vectors.dim(0); i++) {
      assertThat(dot(vectors, i, i)).as("length of row %d", i).isCloseTo(1, within(1e-14));
      for (int j = 0; j < i; j++) {
        most = Math.max(most, Math.abs(dot(vectors, i, j)));
      }
    }
    return most;
  }

  @Test
  void takesThePublishedStep() {
    final BasisDescent descent = new BasisDescent(FOUR.clone(), 3);
    descent.normalise();
    final double[] before = descent.vectors().clone();
    descent.measure(0.3, 0.1, 1);
    assertThat(descent.loss()).isCloseTo(1.4013696328, within(1e-10));
    assertThat(descent.largest()).isCloseTo(0.7071067812, within(1e-10));
    descent.step();
    final double[] gradient = {
      2.5689141008,
      0.259513024,
      1.1547005384,
      2,
      0.894427191,
      1.788854382,
      1.4142135624,
      1.4142135624,
      0,
      2,
      0,
      0
    };
    for (int i = 0; i < gradient.length; i++) {
      assertThat((before[i] - descent.vectors()[i]) / 0.1)
          .as("gradient %d", i)
          .isCloseTo(gradient[i], within(1e-9));
    }
    descent.normalise();
    final double[] row = {0.9875537907, -0.0344879704, -0.1534538706};
    final double[] lastRow = {0.4195216016, -0.6418728947, 0.6418728947};
    for (int c = 0; c < 3; c++) {
      assertThat(descent.vectors()[c]).isCloseTo(row[c], within(1e-10));
      assertThat(descent.vectors()[9 + c]).isCloseTo(lastRow[c], within(1e-10));
    }
    descent.measure(0.3, 0.1, 1);
    assertThat(descent.loss()).isCloseTo(0.9110095904, within(1e-10));
    assertThat(descent.largest()).isCloseTo(0.6190228836, within(1e-10));
  }

  @Test
  void measuresGivenVectorsOfAnyLength() {
    final Tensor four = Tensor.of(FOUR, 4, 3);
    assertThat(EquiangularBasis.loss(four, 0.3)).isCloseTo(1.4013696328, within(1e-10));
    assertThat(EquiangularBasis.largestCosine(four.to(DType.F32)))
        .isCloseTo(Math.sqrt(0.5), within(1e-15));
    assertThat(EquiangularBasis.largestCosine(Tensor.of(new double[] {3, 4}, 1, 2))).isZero();
    assertThat(EquiangularBasis.largestCosine(Tensor.of(new double[] {0, 0, 1, 0}, 2, 2))).isNaN();
  }

  @Test
  void reachesABoundThatIsNotTooTight() {
    final Options options = Options.defaults().withAlpha(0.15).withRate(0.02).withSteps(3000);
    final EquiangularBasis basis = EquiangularBasis.generate(100, 50, 7, options);
    assertThat(basis.reached()).isTrue();
    assertThat(basis.steps()).isBetween(50, 2999);
    assertThat(basis.largestCosine()).isBetween(EquiangularBasis.leastCosine(100, 50), 0.1501);
    assertThat(largest(basis.vectors())).isCloseTo(basis.largestCosine(), within(1e-14));
  }

  @Test
  void isTheSameForEveryThreadCountAndOtherForOtherSeeds() {
    final Options options = Options.defaults().withAlpha(0.3).withRate(0.02).withSteps(20);
    final double[] one =
        EquiangularBasis.generate(37, 11, 3, options.withThreads(1)).vectors().toDoubleArray();
    final double[] all = EquiangularBasis.generate(37, 11, 3, options).vectors().toDoubleArray();
    final double[] other = EquiangularBasis.generate(37, 11, 4, options).vectors().toDoubleArray();
    assertThat(all).isEqualTo(one);
    assertThat(other).isNotEqualTo(one);
  }

  @Test
  void saysWhenItDidNotReachTheBound() {
    final Options options = Options.defaults().withAlpha(0.11).withSteps(3);
    final EquiangularBasis basis = EquiangularBasis.generate(60, 40, 1, options);
    assertThat(basis.reached()).isFalse();
    assertThat(basis.steps()).isEqualTo(3);
    assertThat(basis.largestCosine()).isGreaterThan(0.1101);
    assertThat(largest(basis.vectors())).isCloseTo(basis.largestCosine(), within(1e-14));
  }

  @Test
  void orthonormalVectorsAreOrthonormal() {
    for (final int[] extents : new int[][] {{1, 1}, {5, 5}, {20, 64}, {70, 70}}) {
      final EquiangularBasis basis = EquiangularBasis.orthonormal(extents[0], extents[1], 5);
      assertThat(largest(basis.vectors())).isLessThan(1e-14);
      assertThat(basis.reached()).isTrue();
    }
  }

  @Test
  void knowsTheLeastCosine() {
    assertThat(EquiangularBasis.leastCosine(3, 3)).isZero();
    // Three vectors of the plane: a Mercedes star.
    assertThat(EquiangularBasis.leastCosine(3, 2)).isCloseTo(0.5, within(1e-15));
    // The six diagonals of an icosahedron.
    assertThat(EquiangularBasis.leastCosine(6, 3)).isCloseTo(1 / Math.sqrt(5), within(1e-15));
    final EquiangularBasis star =
        EquiangularBasis.generate(3, 2, 9, Options.defaults().withAlpha(0.501).withSteps(20_000));
    assertThat(star.reached()).isTrue();
    assertThat(star.largestCosine()).isBetween(0.5 - 1e-12, 0.5011);
  }

  @Test
  void refusesWhatCannotBe() {
    final Options options = Options.defaults();
    assertThatThrownBy(() -> EquiangularBasis.generate(100, 50, 1, options))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("alpha is 0.002; expected 0.1005");
    assertThatThrownBy(() -> EquiangularBasis.orthonormal(5, 4, 1))
        .hasMessage("classes is 5; expected 1 to 4, the dimension");
    assertThatThrownBy(() -> EquiangularBasis.generate(0, 4, 1, options))
        .hasMessage("classes is 0; expected 1 or more");
    assertThatThrownBy(() -> options.withAlpha(1))
        .hasMessage("alpha is 1.0; expected a number in [0, 1)");
    assertThatThrownBy(() -> options.withRate(0)).hasMessageContaining("rate is 0.0");
    assertThatThrownBy(() -> options.withSteps(-1)).hasMessageContaining("steps is -1");
    assertThatThrownBy(() -> options.withThreads(-1)).hasMessageContaining("threads is -1");
    assertThatThrownBy(() -> EquiangularBasis.largestCosine(Tensor.zeros(DType.F32, 3)))
        .hasMessageContaining("vectors is f32[3]; expected f32 or f64 [K, D]");
  }
}
