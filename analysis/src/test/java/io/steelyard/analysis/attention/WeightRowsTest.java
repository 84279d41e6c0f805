package io.steelyard.analysis.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class WeightRowsTest {

  private static final double[][] K = {{0, 1}, {2, -.5}, {-1, -1}};

  /** elu + 1. */
  private static double[][] features(double[][] x) {
    final double[][] f = new double[x.length][x[0].length];
    for (int i = 0; i < x.length; i++) {
      for (int c = 0; c < x[i].length; c++) {
        f[i][c] = x[i][c] > 0 ? x[i][c] + 1 : Math.exp(x[i][c]);
      }
    }
    return f;
  }

  @Test
  void goldenMagnitudeAwareWeights() {
    final double[][] fq = features(new double[][] {{1, -1}, {.5, .5}});
    final WeightRows sums = WeightRows.magnitudeAware(fq, features(K), 1);
    assertThat(sums.row(0))
        .containsExactly(new double[] {-0.2625946025, 3.579545468, -2.316950866}, within(1e-9));
    assertThat(sums.shareOfNegative()).isEqualTo(0.5);
    final WeightRows means = WeightRows.magnitudeAware(fq, features(K), 1 / (3 * Math.sqrt(2)));
    assertThat(means.row(1))
        .containsExactly(new double[] {0.6039549463, 0.9010037548, -0.5049587012}, within(1e-9));
    assertThat(means.clipped().row(1)[2]).isZero();
  }

  @Test
  void lengthsOfQueriesCancelInLinearAttentionOnly() {
    final double[][] fq = features(new double[][] {{1, -1}});
    final double[][] longer = {{4 * fq[0][0], 4 * fq[0][1]}};
    assertThat(WeightRows.linear(longer, features(K), 0).meanEntropy())
        .isCloseTo(WeightRows.linear(fq, features(K), 0).meanEntropy(), within(1e-15));
    assertThat(WeightRows.softmax(new double[][] {{4, -4}}, K).meanEntropy())
        .isLessThan(WeightRows.softmax(new double[][] {{1, -1}}, K).meanEntropy());
  }

  @Test
  void entropyAndSpreadAtTheirEnds() {
    final WeightRows rows = WeightRows.of(new double[][] {{.25, .25, .25, .25}, {0, 1, 0, 0}});
    assertThat(rows.entropy(0)).isCloseTo(Math.log(4), within(1e-15));
    assertThat(rows.entropy(1)).isZero();
    assertThat(rows.spread(0)).isEqualTo(1);
    assertThat(rows.spread(1)).isEqualTo(0.25);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> WeightRows.softmax(K, new double[0][]))
        .withMessage("k has no rows; expected at least one key");
  }

  @Test
  void ranksWithTies() {
    assertThat(RankCorrelation.spearman(new double[] {1, 2, 3, 4}, new double[] {10, 20, 30, 1000}))
        .isEqualTo(1);
    assertThat(RankCorrelation.spearman(new double[] {1, 2, 2, 4}, new double[] {4, 3, 2, 1}))
        .isCloseTo(-0.9486832980505138, within(1e-15));
    assertThat(RankCorrelation.spearman(new double[] {1, 1}, new double[] {1, 2})).isNaN();
  }
}
