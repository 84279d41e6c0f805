package io.steelyard.papers.claim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class IntervalTest {

  private static final byte[] SEED = {1, 2, 3};

  @Test
  void studentAgreesWithTheTables() {
    // t(0.975, 1) = 12.7062047362, t(0.975, 4) = 2.7764451052.
    final Interval two = StudentInterval.of(new double[] {1, 3}).orElseThrow();
    assertThat(two.high() - 2).isCloseTo(12.7062047362, within(1e-8));
    final Interval five = StudentInterval.of(new double[] {1, 2, 3, 4, 5}).orElseThrow();
    assertThat(five.low()).isCloseTo(3 - 2.7764451052 * Math.sqrt(2.5 / 5), within(1e-8));
    assertThat(five.method()).contains("5 seeds");
    assertThat(StudentInterval.of(new double[] {7, 7, 7}).orElseThrow())
        .satisfies(same -> assertThat(same.low()).isEqualTo(7).isEqualTo(same.high()));
  }

  @Test
  void studentNeedsTwoFiniteValues() {
    assertThat(StudentInterval.of(new double[] {1})).isEmpty();
    assertThat(StudentInterval.of(new double[] {})).isEmpty();
    assertThat(StudentInterval.of(new double[] {1, Double.NaN})).isEmpty();
    assertThat(StudentInterval.of(new double[] {1, Double.POSITIVE_INFINITY})).isEmpty();
  }

  @Test
  void bootstrapOfAConstantIsThatConstant() {
    final double[] ones = DoubleStream.generate(() -> 1).limit(100).toArray();
    final Interval interval = PairedBootstrap.of(new double[][] {ones, ones}, SEED).orElseThrow();
    assertThat(interval.low()).isEqualTo(1);
    assertThat(interval.high()).isEqualTo(1);
  }

  @Test
  void bootstrapOfACoinIsTheBinomialInterval() {
    // The mean of 1000 draws from 200 ones and 800 zeros has standard deviation
    // sqrt(0.2 * 0.8 / 1000) = 0.012649, so the 95 % interval is 0.2 +- 0.02479. The end of a
    // percentile interval from 2000 resamples has a standard error of about 0.00075.
    final double[] coin = IntStream.range(0, 1000).mapToDouble(i -> i % 5 == 0 ? 1 : 0).toArray();
    final Interval interval = PairedBootstrap.of(new double[][] {coin}, SEED).orElseThrow();
    assertThat(interval.low()).isCloseTo(0.2 - 0.02479, within(0.003));
    assertThat(interval.high()).isCloseTo(0.2 + 0.02479, within(0.003));
  }

  @Test
  void bootstrapOfTwoItemsTakesEachOfItsThreeMeans() {
    // Two items 0 and 1: means 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4.
    final Interval interval = PairedBootstrap.of(new double[][] {{0, 1}}, SEED).orElseThrow();
    assertThat(interval.low()).isEqualTo(0);
    assertThat(interval.high()).isEqualTo(1);
  }

  @Test
  void itemsOfOneTestSetAreDrawnTogetherInAllSeeds() {
    // Three identical seeds know no more than one; as independent items they would give an
    // interval narrower by sqrt(3).
    final double[] coin = IntStream.range(0, 1000).mapToDouble(i -> i % 2).toArray();
    final Interval one = PairedBootstrap.of(new double[][] {coin}, SEED).orElseThrow();
    final Interval three =
        PairedBootstrap.of(new double[][] {coin, coin, coin}, SEED).orElseThrow();
    assertThat(width(three)).isCloseTo(width(one), within(1e-9));
    // With other counts the seeds' items cannot be the same ones and are drawn on their own.
    final double[] longer = IntStream.range(0, 1002).mapToDouble(i -> i % 2).toArray();
    final Interval apart = PairedBootstrap.of(new double[][] {coin, longer}, SEED).orElseThrow();
    assertThat(width(apart) / width(one)).isCloseTo(1 / Math.sqrt(2), within(0.06));
  }

  @Test
  void pairingCancelsWhatBothArmsShare() {
    // Both arms are right on the same half of the items; one is right on 10 more.
    final List<Double> a = IntStream.range(0, 1000).mapToObj(i -> i < 510 ? 1.0 : 0.0).toList();
    final List<Double> b = IntStream.range(0, 1000).mapToObj(i -> i < 500 ? 1.0 : 0.0).toList();
    final List<Run> runs = List.of(run(1, a, b), run(2, a, b));
    final PairedBootstrap rule = new PairedBootstrap("a", "b", 100);
    final Interval interval = rule.of(runs).orElseThrow();
    // sqrt(0.01 * 0.99 / 1000) = 0.315 points; unpaired it would be 2.2.
    assertThat(width(interval)).isBetween(1.0, 1.5);
    assertThat(interval.low()).isLessThan(1);
    assertThat(interval.high()).isGreaterThan(1);
    assertThat(interval.method()).contains("1000 items").contains("2 seeds pooled");
    assertThat(rule.of(runs)).as("the same runs give the same interval").contains(interval);
  }

  @Test
  void bootstrapNeedsPairs() {
    final List<Double> a = Collections.nCopies(3, 1.0);
    assertThatThrownBy(() -> new PairedBootstrap("a", "b", 1).of(List.of(run(4, a, List.of(1.0)))))
        .hasMessageContaining("'a' and 'b' of seed 4 have 3 and 1 items");
    assertThat(new PairedBootstrap("a", "b", 1).of(List.of())).isEmpty();
    assertThat(PairedBootstrap.of(new double[][] {{1}}, SEED)).isEmpty();
    assertThat(PairedBootstrap.of(new double[][] {{1, Double.NaN}}, SEED)).isEmpty();
  }

  @Test
  void theEndsAreInOrder() {
    assertThatThrownBy(() -> new Interval(2, 1, "")).hasMessageContaining("[2.0, 1.0]");
    assertThatThrownBy(() -> new Interval(Double.NaN, 1, "")).hasMessageContaining("NaN");
  }

  private static double width(Interval interval) {
    return interval.high() - interval.low();
  }

  private static Run run(long seed, List<Double> a, List<Double> b) {
    return TestRuns.of("p", Scale.QUICK, seed, "c", Map.of(), Map.of("a", a, "b", b));
  }
}
