package io.steelyard.kernels.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What calibrates the similarity-distance-magnitude head: published values and plain searches. */
class SdmCalibrationTest {

  private static final double TINY = 1e-10;

  @Test
  void sharesCountWhatIsBelow() {
    final EmpiricalCdf cdf = EmpiricalCdf.of(4, 1, 2, 2);
    final double[] at = {0.5, 1, 2, 3, 4, 5};
    final double[] shares = {0, 0, 0.25, 0.75, 0.75, 1};
    for (int i = 0; i < at.length; i++) {
      assertThat(cdf.below(at[i])).as("below %s", at[i]).isEqualTo(shares[i]);
    }
    assertThat(cdf.saturating(3.9)).isEqualTo(0.75);
    assertThat(cdf.saturating(4)).isEqualTo(1);
    assertThat(cdf.size()).isEqualTo(4);
    assertThat(cdf.below(Double.NaN)).isNaN();
    assertThat(cdf.saturating(Double.NaN)).isNaN();
    assertThat(EmpiricalCdf.of().below(1)).isZero();
    assertThat(EmpiricalCdf.of().saturating(1)).isZero();
    assertThat(EmpiricalCdf.of(-0.0, 0.0, 1).below(0.0)).isZero();
    assertThat(EmpiricalCdf.of(0.0, 1).below(-0.0)).isZero();
    assertThatThrownBy(() -> EmpiricalCdf.of(1, Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("value 1 is NaN; expected a number");
  }

  @Test
  void findsThePublishedRegion() {
    final SdmRegion region =
        SdmRegion.of(
            new double[] {0.5, 1.2, 1.4, 2, 2.2, 2.5, 1.1, 3},
            new double[] {0.6, 0.7, 0.96, 0.97, 0.99, 0.98, 0.5, 0.99},
            new int[] {0, 0, 1, 0, 1, 0, 1, 1},
            2,
            0.9);
    assertThat(region).isEqualTo(new SdmRegion(1.4, List.of(0.97, 0.96)));
  }

  @Test
  void findsTheLeastThresholdOfASearchThroughAll() {
    final RandomGenerator random = HeadFixture.random(81);
    int found = 0;
    for (int round = 0; round < 200; round++) {
      final int n = 5 + random.nextInt(60);
      final double[] similarities = new double[n];
      final double[] outputs = new double[n];
      final int[] labels = new int[n];
      for (int i = 0; i < n; i++) {
        similarities[i] = random.nextInt(16) / 4.0; // many are equal
        outputs[i] = Math.min(1, 0.5 + similarities[i] / 8 + random.nextDouble() / 4);
        labels[i] = random.nextInt(2);
      }
      final SdmRegion expected = plainly(similarities, outputs, labels, 2, 0.8);
      assertThat(SdmRegion.of(similarities, outputs, labels, 2, 0.8))
          .as("round %d", round)
          .isEqualTo(expected);
      found += Double.isFinite(expected.threshold()) ? 1 : 0;
    }
    assertThat(found).isBetween(20, 199);
  }

  private static SdmRegion plainly(
      double[] similarities, double[] outputs, int[] labels, int classes, double alpha) {
    final double[] candidates =
        Arrays.stream(similarities).filter(q -> Math.floor(q) > 0).sorted().toArray();
    for (final double q : candidates) {
      final double[] psi = new double[classes];
      for (int c = 0; c < classes; c++) {
        final int own = c;
        final double[] kept =
            IntStream.range(0, labels.length)
                .filter(i -> labels[i] == own && similarities[i] >= q)
                .mapToDouble(i -> outputs[i])
                .sorted()
                .toArray();
        psi[c] =
            kept.length == 0
                ? 0
                : kept[Math.min((int) ((1 - alpha) * kept.length), kept.length - 1)];
      }
      if (Arrays.stream(psi).allMatch(p -> p >= alpha)) {
        return new SdmRegion(q, Arrays.stream(psi).boxed().toList());
      }
    }
    return new SdmRegion(Double.POSITIVE_INFINITY, List.of(0.0, 0.0));
  }

  @Test
  void admitsNothingWhereAClassIsMissing() {
    final SdmRegion region =
        SdmRegion.of(new double[] {2, 3}, new double[] {1, 1}, new int[] {0, 0}, 2, 0.9);
    assertThat(region.threshold()).isInfinite();
    assertThat(region.psi()).containsExactly(0.0, 0.0);
    assertThat(SdmRegion.of(new double[0], new double[0], new int[0], 1, 0.9).threshold())
        .isInfinite();
  }

  @Test
  void spreadOverRoundsIsThatOfACauchyDistribution() {
    assertThat(SdmRegion.medianDeviation(1, 1.02, 1.1, 0.97)).isCloseTo(0.025, within(TINY));
    final double[] rounds = {1, 1.02, 0.98, 1.02, 0.98};
    assertThat(SdmRegion.medianDeviation(rounds)).isCloseTo(0.02, within(TINY));
    final SdmRegion region = new SdmRegion(1, List.of(0.95, 0.95));
    assertThat(region.acrossRounds(rounds, 0.95)).isCloseTo(1.1262750303, within(TINY));
    assertThat(region.acrossRounds(new double[] {1}, 0.95)).isEqualTo(1);
    final double inf = Double.POSITIVE_INFINITY;
    assertThat(region.acrossRounds(new double[] {1, inf, inf}, 0.95)).isEqualTo(1);
  }

  @Test
  void calibratesAsPublished() {
    // Nine of ten outputs of class 0 are below 0.95, two of ten of class 1 below 0.05.
    final double[] first = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96};
    final double[] second = {0.01, 0.02, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99};
    final double[] similarities = new double[200];
    Arrays.setAll(similarities, i -> i / 50.0);
    final EmpiricalCdf band = EmpiricalCdf.of(similarities);
    final SdmBand calibration =
        new SdmBand(
            List.of(EmpiricalCdf.of(first), EmpiricalCdf.of(second)),
            List.of(band, band),
            new double[] {3, -1, -1, 3},
            0.95);
    final SdmBand.Estimate estimate = calibration.estimate(new double[] {0.95, 0.05}, 12, 0);
    assertThat(estimate.centroid().similarity()).isCloseTo(2.3751515967, within(TINY));
    assertThat(estimate.centroid().output()).isCloseTo(0.9842126854, within(TINY));
    // 119 of the similarities, 0 to 2.36 by steps of 0.02, are below 2.3751.
    final double radius = Math.sqrt(Math.log(40) / (2 * 119));
    assertThat(calibration.radius(0, estimate.centroid().similarity()))
        .isCloseTo(radius, within(TINY));
    final double low = 0.9 - radius;
    final double other = 0.2 + radius;
    final double similarity = low * Math.log(14);
    final double exponent = Math.log(2 + similarity) * 4 * (low - other);
    assertThat(estimate.lower().similarity()).isCloseTo(similarity, within(TINY));
    assertThat(estimate.lower().output()).isCloseTo(1 / (1 + Math.exp(-exponent)), within(TINY));
    assertThat(estimate.upper().similarity()).isCloseTo(Math.log(14), within(TINY));
    assertThat(estimate.upper().output()).isGreaterThan(estimate.centroid().output());
  }

  @Test
  void aChangeOfClassHasNoSimilarity() {
    final EmpiricalCdf outputs = EmpiricalCdf.of(0.2, 0.4, 0.6, 0.8);
    final SdmBand calibration =
        new SdmBand(
            List.of(outputs, outputs),
            List.of(EmpiricalCdf.of(1, 2, 3), EmpiricalCdf.of()),
            new double[] {0, 1, 1, 0},
            0.95);
    final SdmBand.Estimate estimate = calibration.estimate(new double[] {0.9, 0.1}, 5, 0);
    assertThat(estimate.centroid().similarity()).isZero();
    assertThat(estimate.centroid().output()).isLessThan(0.5).isPositive();
    // No point is as dissimilar as that: the band is everything.
    assertThat(calibration.radius(0, 0)).isEqualTo(1);
    assertThat(calibration.radius(1, 2)).isEqualTo(1);
    assertThat(calibration.radius(0, 9)).isCloseTo(Math.sqrt(Math.log(40) / 4), within(TINY));
  }

  @Test
  void matchesAreThoseOfASort() {
    final RandomGenerator random = HeadFixture.random(82);
    final int n = 80;
    final Tensor train = Tensor.zeros(DType.F32, n, 3);
    final int[] labels = new int[n];
    final int[] predictions = new int[n];
    for (int i = 0; i < n; i++) {
      labels[i] = random.nextInt(10) == 0 ? 1 : 0;
      predictions[i] = random.nextInt(10) == 0 ? 1 : labels[i];
      for (int c = 0; c < 3; c++) {
        train.setDouble(i * 3L + c, random.nextInt(7)); // many are equally far
      }
    }
    final Tensor y = Tensor.of(labels, n);
    final Tensor own = Tensor.of(predictions, n);
    final Tensor q = Tensor.zeros(DType.F32, n);
    final Tensor distance = Tensor.zeros(DType.F32, n);
    for (final boolean self : new boolean[] {false, true}) {
      SdmMatches.apply(train, own, train, y, own, self, q, distance, 0);
      for (int row = 0; row < n; row++) {
        final int x = row;
        final int[] order =
            IntStream.range(0, n)
                .filter(i -> !(self && i == x))
                .boxed()
                .sorted((a, b) -> Double.compare(square(train, x, a), square(train, x, b)))
                .mapToInt(Integer::intValue)
                .toArray();
        int count = 0;
        while (count < order.length
            && labels[order[count]] == predictions[row]
            && predictions[order[count]] == predictions[row]) {
          count++;
        }
        assertThat(q.getDouble(row)).as("row %d, self %s", row, self).isEqualTo(count);
        assertThat(distance.getDouble(row))
            .isEqualTo((float) Math.sqrt(square(train, row, order[0])));
      }
    }
    final Tensor again = Tensor.zeros(DType.F32, n);
    SdmMatches.apply(train, own, train, y, own, true, again, distance, 1);
    assertThat(again.toFloatArray()).isEqualTo(q.toFloatArray());
  }

  private static double square(Tensor points, int i, int j) {
    double sum = 0;
    for (int c = 0; c < points.dim(1); c++) {
      sum += Math.pow(points.get(i, c) - points.get(j, c), 2);
    }
    return sum;
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(
            () -> SdmRegion.of(new double[] {1}, new double[] {1}, new int[] {2}, 2, 0.9))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("label 0 is 2; expected 0 to 1");
    assertThatThrownBy(() -> SdmRegion.of(new double[2], new double[1], new int[1], 2, 0.9))
        .hasMessageContaining("2 similarities, 1 outputs and 1 labels");
    assertThatThrownBy(() -> SdmRegion.of(new double[0], new double[0], new int[0], 1, 1))
        .hasMessage("alpha is 1.0; expected a number in (0, 1)");
    assertThatThrownBy(() -> SdmRegion.medianDeviation())
        .hasMessage("values is empty; expected one or more");
    final EmpiricalCdf one = EmpiricalCdf.of(1);
    assertThatThrownBy(() -> new SdmBand(List.of(one), List.of(one), new double[2], 0.9))
        .hasMessageContaining("1 output functions, 1 similarity functions and a matrix of 2");
    final SdmBand band = new SdmBand(List.of(one), List.of(one), new double[1], 0.9);
    assertThatThrownBy(() -> band.estimate(new double[2], 0, 0))
        .hasMessage("there are 2 weights; expected 1, one for each class");
    assertThatThrownBy(() -> band.estimate(new double[1], 0, 1))
        .hasMessage("predicted is 1; expected 0 to 0");
    assertThatThrownBy(() -> band.estimate(new double[1], -2, 0))
        .hasMessage("similarity is -2.0; expected a number of -1 or more");
    final Tensor h = Tensor.zeros(DType.F32, 2, 3);
    final Tensor two = Tensor.zeros(DType.I32, 2);
    final Tensor out = Tensor.zeros(DType.F32, 2);
    final Tensor train = Tensor.zeros(DType.F32, 4, 3);
    final Tensor four = Tensor.zeros(DType.I32, 4);
    assertThatThrownBy(
            () -> SdmMatches.apply(h, two, train, four, four, true, out, out.to(DType.F32), 0))
        .hasMessageContaining("h has 2 rows; expected 4");
    assertThatThrownBy(
            () -> SdmMatches.apply(h, two, train, four, two, false, out, out.to(DType.F32), 0))
        .hasMessage("train-predicted is i32[2]; expected i32[4]");
  }
}
